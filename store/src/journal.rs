//! A file of JSON lines that grows at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::durable;

/// Most files that can't be read are kept beside each other.
const MOST_ASIDE: u32 = 9;

/// A file with a JSON value a line, for what comes bit by bit: adding a line writes that line, and not all that there is.
///
/// A power cut may cost the lines that were being added, and no others. Whoever owns it replaces the whole file now and then, so that it does
/// not grow for ever.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
}

/// What was read of a [`Journal`].
#[derive(Debug, Default)]
pub struct Read {
    /// Size of the file that is there now, in bytes.
    pub bytes: u64,
    /// What is wrong with the file, in words for the log. It should be replaced then before anything is added.
    pub problem: Option<String>,
}

impl Journal {
    /// A file; it need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives every value of the file, in the order in which they were added, to `take`, which says what is wrong with one.
    ///
    /// Lines that can't be read are left out. A file that has some is kept a second time as `<name>.damaged` for whoever wants to know; one
    /// whose last line was cut off by a power cut is not. One of more than `most` bytes takes that name, and there is no file any more: a
    /// copy could fill the disk.
    ///
    /// # Errors
    /// The file is there but can't be read at all, such as for lack of permission.
    pub fn load(&self, most: u64, mut take: impl FnMut(Value) -> Result<(), String>) -> io::Result<Read> {
        if let Some(directory) = self.path.parent() {
            durable::sweep(directory, &self.path);
        }
        let bytes = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Read::default()),
            Err(error) => return Err(error),
        };
        if bytes > most {
            let reason = format!("it has {bytes} bytes, and may have {most}");
            return Ok(match fs::rename(&self.path, self.damaged()) {
                Ok(()) => Read { bytes: 0, problem: Some(self.damage(&reason, &self.is_kept())) },
                Err(error) => {
                    Read { bytes, problem: Some(self.damage(&reason, &format!("it can't be renamed ({error})"))) }
                }
            });
        }
        let text = fs::read(&self.path)?;
        let mut wrong = None;
        let mut read = |line: &[u8]| {
            let value = serde_json::from_slice(line).map_err(|error| error.to_string());
            value.and_then(&mut take)
        };
        let mut lines = text.split(|byte| *byte == b'\n').enumerate().peekable();
        let mut cut = false;
        while let Some((number, line)) = lines.next() {
            let is_last = lines.peek().is_none();
            if is_last && line.is_empty() {
                break;
            }
            // Every whole line ends with a line feed.
            cut |= is_last;
            if let Err(reason) = read(line)
                && !is_last
                && wrong.is_none()
            {
                wrong = Some(format!("line {}: {reason}", number + 1));
            }
        }
        let problem = match wrong {
            Some(reason) => Some(self.put_aside(&reason)),
            None if cut => Some(format!("the last line of {} was cut off, as by a power cut", self.path.display())),
            None => None,
        };
        Ok(Read { bytes, problem })
    }

    /// Renames a file that can't be read to `<name>.unreadable`, or to one with a number behind that: no earlier one is lost. Returns what it
    /// is called now; `None` when there is none.
    ///
    /// # Errors
    /// The directory refuses, or there are nine such files already.
    pub fn set_aside(&self) -> io::Result<Option<PathBuf>> {
        if let Err(error) = fs::symlink_metadata(&self.path) {
            return if error.kind() == ErrorKind::NotFound { Ok(None) } else { Err(error) };
        }
        for number in 1..=MOST_ASIDE {
            let aside =
                self.beside(&if number == 1 { ".unreadable".to_owned() } else { format!(".unreadable{number}") });
            match fs::symlink_metadata(&aside) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(_) => continue,
            }
            fs::rename(&self.path, &aside)?;
            return Ok(Some(aside));
        }
        let full = format!("{MOST_ASIDE} files that can't be read are kept beside it; remove those that nobody wants");
        Err(io::Error::new(ErrorKind::AlreadyExists, full))
    }

    /// Adds lines at the end. When this returns, they survive a power cut.
    ///
    /// # Errors
    /// The disk refuses. Then a part of the lines may be there: [`Self::replace`] puts the file right.
    pub fn append(&self, text: &[u8]) -> io::Result<()> {
        if !self.path.exists() {
            return self.replace(text);
        }
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        file.write_all(text)?;
        File::sync_data(&file)
    }

    /// Replaces the whole file, as [`crate::write`] does.
    ///
    /// # Errors
    /// The disk refuses; the file is as it was.
    pub fn replace(&self, text: &[u8]) -> io::Result<()> {
        durable::write(&self.path, text)
    }

    /// Keeps a damaged file a second time, and says so.
    fn put_aside(&self, reason: &str) -> String {
        let aside = self.damaged();
        let kept = match fs::copy(&self.path, &aside) {
            Ok(_) => self.is_kept(),
            Err(error) => {
                // A part of it helps nobody, and a full disk needs the room. That it can't be removed changes nothing about that.
                let _ = fs::remove_file(&aside);
                format!("it can't be copied ({error})")
            }
        };
        self.damage(reason, &kept)
    }

    fn damage(&self, reason: &str, kept: &str) -> String {
        format!("{} is damaged ({reason}); {kept}", self.path.display())
    }

    fn is_kept(&self) -> String {
        format!("the damaged file is kept as {}", self.damaged().display())
    }

    fn damaged(&self) -> PathBuf {
        self.beside(".damaged")
    }

    /// A file with this behind its name.
    fn beside(&self, end: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(end);
        self.path.with_file_name(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers in a file, and what is said about it.
    fn numbers(journal: &Journal) -> (Vec<u64>, Option<String>) {
        let mut numbers = Vec::new();
        let take = |value: Value| {
            numbers.push(value.as_u64().ok_or("it is no number")?);
            Ok(())
        };
        let read = journal.load(100, take).expect("readable");
        (numbers, read.problem)
    }

    #[test]
    fn lines_are_added_and_read_in_their_order() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(directory.path().join("x.jsonl"));
        assert_eq!(numbers(&journal), (vec![], None));
        journal.append(b"1\n2\n").expect("written");
        journal.append(b"3\n").expect("written");
        assert_eq!(numbers(&journal), (vec![1, 2, 3], None));
        journal.replace(b"4\n").expect("written");
        assert_eq!(numbers(&journal), (vec![4], None));
    }

    #[test]
    fn a_line_that_was_cut_off_costs_no_other() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(directory.path().join("x.jsonl"));
        for (rest, expected) in [("3", vec![1, 2, 3]), ("{\"a", vec![1, 2]), ("\0\0\0", vec![1, 2])] {
            fs::write(journal.path(), format!("1\n2\n{rest}")).expect("a file");
            let (read, problem) = numbers(&journal);
            assert_eq!(read, expected);
            assert!(problem.is_some_and(|problem| problem.contains("cut off")), "it must be told");
        }
        assert!(!directory.path().join("x.jsonl.damaged").exists(), "there is nothing to look at");
    }

    #[test]
    fn damage_costs_the_damaged_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(directory.path().join("x.jsonl"));
        let aside = directory.path().join("x.jsonl.damaged");
        for (text, expected) in
            [("1\n{\n3\n", vec![1, 3]), ("\"x\"\n\n7\n", vec![7]), (&"1\n".repeat(51), Vec::<u64>::new())]
        {
            fs::write(journal.path(), text).expect("a file");
            let (read, problem) = numbers(&journal);
            assert_eq!(read, expected);
            assert!(problem.is_some_and(|problem| problem.contains("is damaged")), "it must be told");
            assert_eq!(fs::read_to_string(&aside).expect("kept"), text);
            assert_eq!(journal.path().exists(), text.len() <= 100, "what is too large is not copied");
        }
    }

    #[test]
    fn what_cant_be_read_is_set_aside_and_nothing_is_lost() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(directory.path().join("x.jsonl"));
        assert_eq!(journal.set_aside().expect("nothing to do"), None);
        for number in 1..=MOST_ASIDE {
            fs::write(journal.path(), number.to_string()).expect("a file");
            let aside = journal.set_aside().expect("renamed").expect("it was there");
            assert_eq!(fs::read_to_string(aside).expect("kept"), number.to_string());
        }
        assert!(
            directory.path().join("x.jsonl.unreadable").exists()
                && directory.path().join("x.jsonl.unreadable9").exists()
        );
        fs::write(journal.path(), "last").expect("a file");
        assert!(journal.set_aside().is_err(), "there are enough");
        assert_eq!(fs::read_to_string(journal.path()).expect("kept"), "last");
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 10);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_part_of_a_copy_is_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let journal = Journal::new(directory.path().join("x.jsonl"));
        let aside = directory.path().join("x.jsonl.damaged");
        std::os::unix::fs::symlink("/dev/full", &aside).expect("a link");
        fs::write(journal.path(), "1\n{\n").expect("a file");
        let (read, problem) = numbers(&journal);
        assert_eq!(read, [1]);
        assert!(problem.is_some_and(|problem| problem.contains("can't be copied")), "it must be told");
        assert!(fs::symlink_metadata(&aside).is_err() && journal.path().exists());
    }
}
