//! Past inputs of a fuzz target, for the tests of the crate that it is about.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// No input takes anywhere near as long; what does has found a loop that grows faster than its input.
const LIMIT: Duration = Duration::from_secs(10);

/// Gives each input of `fuzz/corpus/<target>` and `fuzz/regressions/<target>` to a property. Fails, after all of them, when one of
/// them doesn't have it, takes too long, or isn't of use to the target.
pub fn each(target: &str, check: fn(&[u8]) -> bool) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let corpus = files(&fuzz.join("corpus").join(target));
    assert!(
        corpus.len() >= 10,
        "fuzz/corpus/{target} has {} files; `cargo xtask fuzz {target} --keep` makes them",
        corpus.len()
    );
    let mut failed = Vec::new();
    for path in corpus.into_iter().chain(files(&fuzz.join("regressions").join(target))) {
        let input = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let start = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| check(&input))) {
            Ok(true) if start.elapsed() < LIMIT => {}
            Ok(true) => failed.push(format!("{} took {:?}", path.display(), start.elapsed())),
            Ok(false) => failed.push(format!("{} is no input for {target}", path.display())),
            Err(_) => failed.push(format!("{} fails; its reason is above", path.display())),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The inputs in a folder, in a stable order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    // Kept so that the folder stays when it has no inputs.
    files.retain(|path| path.file_name().is_some_and(|name| name != ".gitkeep"));
    files.sort();
    files
}
