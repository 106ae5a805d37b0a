//! Not doing things twice: a stamp notes from which inputs an output was made.
//!
//! An output counts as fresh when its inputs are those of the stamp *and* it still is what was made
//! from them: an output that somebody changed or deleted is made again.

use crate::project::{Project, hex};
use crate::step::Done;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A hash over everything that an output depends on.
#[derive(Debug, Default)]
pub struct Inputs(Sha256);

impl Inputs {
    /// Adds a text: a version, a setting.
    pub fn text(mut self, text: &str) -> Self {
        self.add(text.as_bytes());
        self
    }

    /// Adds a file, or all files below a directory, except entries with one of the names in `without`.
    pub fn files(mut self, path: &Path, without: &[&str]) -> Result<Self> {
        for file in walk(path, without)? {
            self.add(file.strip_prefix(path).unwrap_or(&file).as_os_str().as_encoded_bytes());
            let content = std::fs::read(&file).with_context(|| file.display().to_string())?;
            self.add(&content);
        }
        Ok(self)
    }

    /// The hash, as hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }

    fn add(&mut self, bytes: &[u8]) {
        // With the length in front, "ab" + "c" is not "a" + "bc".
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
    }
}

/// Runs `make` unless `output` (a file or a directory) was made from the same inputs before. The old
/// output is deleted first, so that a failed build never leaves yesterday's.
pub fn make(
    project: &Project,
    name: &str,
    inputs: Inputs,
    output: &Path,
    make: impl FnOnce() -> Result<()>,
) -> Result<Done> {
    let stamps = project.checkout.join("stamps");
    make_with_stamp(&stamps.join(name), &inputs.finish(), output, make)
}

fn make_with_stamp(stamp: &Path, inputs: &str, output: &Path, make: impl FnOnce() -> Result<()>) -> Result<Done> {
    if output.exists()
        && std::fs::read_to_string(stamp)
            .is_ok_and(|was| hash(output).is_ok_and(|now| was == format!("{inputs} {now}")))
    {
        return Ok(Done::UpToDate);
    }
    remove(output)?;
    remove(stamp)?;
    make()?;
    if !output.exists() {
        bail!("the build ended well but left no {}", output.display());
    }
    let dir = stamp.parent().context("a stamp has a directory")?;
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    std::fs::write(stamp, format!("{inputs} {}", hash(output)?)).with_context(|| stamp.display().to_string())?;
    Ok(Done::Made)
}

/// Deletes a file or a directory, if there is one.
pub fn remove(path: &Path) -> Result<()> {
    let result = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't delete {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn hash(path: &Path) -> Result<String> {
    Ok(Inputs::default().files(path, &[])?.finish())
}

/// The files below `path` (or `path` itself), in a stable order.
fn walk(path: &Path, without: &[&str]) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
    for entry in entries {
        let entry = entry.with_context(|| path.display().to_string())?;
        if !without.iter().any(|name| entry.file_name() == *name) {
            files.extend(walk(&entry.path(), without)?);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        dir: tempfile::TempDir,
    }

    impl Bench {
        fn make(&self, inputs: &str) -> Done {
            let output = self.output();
            make_with_stamp(&self.dir.path().join("stamps/x"), inputs, &output, || {
                assert!(!output.exists(), "the old output must be gone by now");
                Ok(std::fs::write(&output, inputs)?)
            })
            .unwrap()
        }

        fn output(&self) -> PathBuf {
            self.dir.path().join("output")
        }
    }

    #[test]
    fn an_output_is_made_again_when_inputs_or_output_changed() {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench { dir };
        assert_eq!(bench.make("one"), Done::Made);
        assert_eq!(bench.make("one"), Done::UpToDate);
        assert_eq!(bench.make("two"), Done::Made);
        std::fs::write(bench.output(), "tampered").unwrap();
        assert_eq!(bench.make("two"), Done::Made);
        std::fs::remove_file(bench.output()).unwrap();
        assert_eq!(bench.make("two"), Done::Made);
    }

    #[test]
    fn a_failed_build_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench { dir };
        bench.make("one");
        let stamp = bench.dir.path().join("stamps/x");
        make_with_stamp(&stamp, "two", &bench.output(), || bail!("broken")).unwrap_err();
        assert!(!bench.output().exists());
        assert_eq!(bench.make("one"), Done::Made);
    }

    #[test]
    fn inputs_see_names_and_contents_but_not_what_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let hash = || Inputs::default().files(dir.path(), &["node_modules"]).unwrap().finish();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("a", "1");
        let first = hash();
        assert_eq!(hash(), first);
        write("a", "2");
        assert_ne!(hash(), first);
        write("a", "1");
        write("b", "");
        assert_ne!(hash(), first);
        std::fs::remove_file(dir.path().join("b")).unwrap();
        std::fs::create_dir(dir.path().join("node_modules")).unwrap();
        write("node_modules/c", "3");
        assert_eq!(hash(), first);
    }
}
