//! `fuzz`: what reads bytes from outside, against inputs that nobody thought of.
//!
//! The targets are in `fuzz/`, with the properties that hold for every input, the inputs that reach every part of the code, and
//! those that once broke a property. Tests of the workspace give the same inputs to the same properties; only the search for new
//! ones needs the nightly compiler and is done here.

use crate::project::Project;
use crate::step::{Done, chapter, step};
use crate::tool::{Tool, find};
use anyhow::{Context, Result, bail};
use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const CARGO_FUZZ_VERSION: &str = "0.13.2";
const TOOLCHAIN: &str = "nightly";
const DEFAULT_MINUTES: u32 = 10;
/// Most inputs of a target in the repository.
const MOST_KEPT: usize = 60;
/// Settings of one target.
const TARGETS: [Target; 3] = [
    Target { name: "delta", longest: 4096 },
    Target { name: "subscription", longest: 4096 },
    Target { name: "nmea0183", longest: 2600 },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Target {
    name: &'static str,
    /// Longest input in bytes.
    longest: u32,
}

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let fuzz = Fuzz::prepare(project)?;
    let mut failed = Vec::new();
    for target in options.targets {
        chapter(&format!("building the target {}", target.name), || fuzz.build(target))?;
        let what = format!("fuzzing {} for {} minutes", target.name, options.minutes);
        if let Err(error) = chapter(&what, || fuzz.search(target, options.minutes)) {
            failed.push(format!("{error:#}"));
        }
        if options.keep {
            chapter(&format!("choosing the inputs of {} to keep", target.name), || fuzz.keep(target))?;
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    targets: Vec<Target>,
    minutes: u32,
    keep: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { targets: Vec::new(), minutes: DEFAULT_MINUTES, keep: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--minutes" => {
                    let minutes = args.next().and_then(|text| text.parse().ok()).filter(|minutes| *minutes > 0);
                    options.minutes = minutes.context("--minutes needs a number from 1 on")?;
                }
                "--keep" => options.keep = true,
                name => match TARGETS.into_iter().find(|target| target.name == name) {
                    Some(target) => options.targets.push(target),
                    None => {
                        bail!("there is no target {name}; there are {}", TARGETS.map(|target| target.name).join(", "))
                    }
                },
            }
        }
        if options.targets.is_empty() {
            options.targets.extend(TARGETS);
        }
        Ok(options)
    }
}

/// The tools, and the places of what they make.
struct Fuzz {
    /// `fuzz/` of this checkout.
    dir: PathBuf,
    /// `cargo-fuzz`.
    program: PathBuf,
    /// Of the nightly compiler.
    cargo_target: PathBuf,
    /// Every input that ever found something new.
    found: PathBuf,
}

impl Fuzz {
    fn prepare(project: &Project) -> Result<Self> {
        check_compilers()?;
        let program = install_cargo_fuzz(project)?;
        let dir = project.root.join("fuzz");
        let (cargo_target, found) = (project.cache.join("fuzz-target"), project.cache.join("fuzz-corpus"));
        Ok(Self { dir, program, cargo_target, found })
    }

    fn build(&self, target: Target) -> Result<()> {
        nightly(Tool::new(&self.program))
            .args(["build", target.name, "--fuzz-dir"])
            .args([&self.dir])
            .dir(&self.dir)
            .env("CARGO_TARGET_DIR", &self.cargo_target)
            .loud()
    }

    /// Looks for new inputs, and ends at the first that breaks a property.
    fn search(&self, target: Target, minutes: u32) -> Result<()> {
        let found = self.found(target)?;
        let regressions = self.dir.join("regressions").join(target.name);
        let artifacts = format!("-artifact_prefix={}/", regressions.display());
        self.binary(target)
            .args([format!("-max_total_time={}", minutes * 60), artifacts])
            .args(["-print_final_stats=1"])
            .args([&found, &self.corpus(target), &regressions])
            .hint(format!("the input is in fuzz/regressions/{0}, and `cargo xtask test fuzz` repeats it", target.name))
            .loud()
    }

    /// Makes the corpus of the repository anew: the [`MOST_KEPT`] inputs that reach most of what all known ones reach.
    fn keep(&self, target: Target) -> Result<()> {
        let (found, corpus) = (self.found(target)?, self.corpus(target));
        let scratch = tempfile::tempdir_in(&self.found).context("a folder for the chosen inputs")?;
        let (merged, control) = (scratch.path().join("merged"), scratch.path().join("control"));
        std::fs::create_dir(&merged).with_context(|| merged.display().to_string())?;
        // Edges only: how often each is passed would make ten times as many inputs.
        self.binary(target)
            .args(["-set_cover_merge=1", "-use_counters=0"])
            .args([format!("-merge_control_file={}", control.display())])
            .args([&merged, &corpus, &found])
            .quiet()?;
        let control = std::fs::read_to_string(&control).with_context(|| control.display().to_string())?;
        let chosen = choose(&control, MOST_KEPT).context("what the fuzzer says of its inputs")?;
        let kept = scratch.path().join("kept");
        std::fs::create_dir(&kept).with_context(|| kept.display().to_string())?;
        copy_all(&chosen, &kept)?;
        for old in inputs(&corpus)? {
            std::fs::remove_file(&old).with_context(|| old.display().to_string())?;
        }
        copy_all(&inputs(&kept)?, &corpus)?;
        println!("  {} inputs in {}", chosen.len(), corpus.display());
        Ok(())
    }

    /// The built target with the limits that each input has to keep: ten seconds, and memory far beyond what any input needs.
    fn binary(&self, target: Target) -> Tool {
        let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let dictionary = self.dir.join("dictionaries").join(format!("{}.dict", target.name));
        Tool::new(self.cargo_target.join(triple).join("release").join(target.name))
            .args([format!("-max_len={}", target.longest), format!("-dict={}", dictionary.display())])
            .args(["-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=128"])
    }

    fn corpus(&self, target: Target) -> PathBuf {
        self.dir.join("corpus").join(target.name)
    }

    fn found(&self, target: Target) -> Result<PathBuf> {
        let found = self.found.join(target.name);
        std::fs::create_dir_all(&found).with_context(|| found.display().to_string())?;
        Ok(found)
    }
}

/// The inputs that reach most, by what the fuzzer has noted of each: after the names a line `FT <number of the name> <feature>…`. The
/// next one is always the one that adds most, the smallest of these.
fn choose(control: &str, most: usize) -> Result<Vec<PathBuf>> {
    let mut lines = control.lines();
    let count: usize = lines.next().context("it is empty")?.parse().context("the number of inputs")?;
    let names: Vec<_> = lines.by_ref().skip(1).take(count).map(PathBuf::from).collect();
    let mut sizes = vec![0_u64; count];
    let mut features: Vec<HashSet<u64>> = vec![HashSet::new(); count];
    for line in lines {
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.map(str::parse).collect::<Result<_, _>>().with_context(|| line.to_owned())?;
        let Some((index, numbers)) = numbers.split_first() else { continue };
        let index = usize::try_from(*index).ok().filter(|index| *index < count).with_context(|| line.to_owned())?;
        match kind {
            "STARTED" => sizes[index] = numbers.first().copied().unwrap_or_default(),
            "FT" => features[index].extend(numbers),
            _ => {}
        }
    }
    let mut chosen = Vec::new();
    while chosen.len() < most {
        let best = (0..count).max_by_key(|index| (features[*index].len(), Reverse(sizes[*index])));
        let Some(best) = best.filter(|index| !features[*index].is_empty()) else { break };
        let reached = std::mem::take(&mut features[best]);
        features.iter_mut().for_each(|others| others.retain(|feature| !reached.contains(feature)));
        chosen.push(names[best].clone());
    }
    Ok(chosen)
}

fn copy_all(inputs: &[PathBuf], folder: &Path) -> Result<()> {
    for input in inputs {
        let name = input.file_name().context("an input has a name")?;
        std::fs::copy(input, folder.join(name)).with_context(|| input.display().to_string())?;
    }
    Ok(())
}

fn inputs(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// The instrumentation is only in the nightly compiler, and the fuzzer itself is C++.
fn check_compilers() -> Result<()> {
    nightly(Tool::new("cargo"))
        .args(["--version"])
        .hint(format!(
            "`rustup toolchain install {TOOLCHAIN} --profile minimal` installs the compiler that fuzzing needs"
        ))
        .read()?;
    if !["c++", "g++", "clang++"].iter().any(|name| find(name).is_some()) {
        bail!("there is no C++ compiler, which the fuzzer is built with; install g++");
    }
    Ok(())
}

/// Runs a tool with the nightly compiler, whatever compiler this program was started with.
fn nightly(tool: Tool) -> Tool {
    tool.without_env(&["CARGO", "RUSTC", "RUSTDOC"]).env("RUSTUP_TOOLCHAIN", TOOLCHAIN)
}

/// Finds cargo-fuzz in the cache, or builds it there.
fn install_cargo_fuzz(project: &Project) -> Result<PathBuf> {
    let tools = project.cache.join("tools");
    let program = tools.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
    step("installing cargo-fuzz", || {
        let version = Tool::new(&program).args(["--version"]).read();
        if version.is_ok_and(|version| version == format!("cargo-fuzz {CARGO_FUZZ_VERSION}")) {
            return Ok(Done::UpToDate);
        }
        project
            .cargo(&["install", "cargo-fuzz", "--locked", "--force"])
            .args(["--version", CARGO_FUZZ_VERSION, "--root"])
            .args([&tools])
            .env("CARGO_TARGET_DIR", tools.join("target"))
            .quiet()?;
        crate::stamp::remove(&tools.join("target"))?;
        Ok(Done::Made)
    })?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Options> {
        Options::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn all_targets_are_searched_unless_some_are_named() {
        let all = parse(&[]).unwrap();
        assert_eq!((all.targets.len(), all.minutes, all.keep), (3, 10, false));
        let some = parse(&["delta", "--minutes", "2", "--keep"]).unwrap();
        assert_eq!((some.targets, some.minutes, some.keep), (vec![TARGETS[0]], 2, true));
        for wrong in [&["deltas"][..], &["--minutes"], &["--minutes", "0"], &["--minutes", "long"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn inputs_are_chosen_by_what_they_add() {
        let control = "4\n0\na\nb\nc\nd\nSTARTED 0 9\nFT 0 1 2 3\nCOV 0 7\nSTARTED 1 5\nFT 1 1 2 3\nSTARTED 2 1\nFT 2 1\nSTARTED 3 1\nFT 3 4\nDONE 3\n";
        assert_eq!(choose(control, 9).unwrap(), ["b", "d"].map(PathBuf::from));
        assert_eq!(choose(control, 1).unwrap(), [PathBuf::from("b")]);
        assert!(choose("1\n0\na\nFT 7 1\n", 9).is_err());
    }

    #[test]
    fn every_target_has_its_files() {
        let fuzz = Project::locate().unwrap().root.join("fuzz");
        let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
        for Target { name, .. } in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            for file in [format!("targets/{name}.rs"), format!("dictionaries/{name}.dict")] {
                assert!(fuzz.join(&file).is_file(), "fuzz/{file}");
            }
            for folder in ["corpus", "regressions"] {
                assert!(fuzz.join(folder).join(name).is_dir(), "fuzz/{folder}/{name}");
            }
        }
    }
}
