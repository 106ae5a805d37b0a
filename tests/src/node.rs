//! Scripts that run published JavaScript packages.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::{npm_packages, test_file};

/// How long a script may take. A browser on a busy machine is slow to start.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `js/<name>` with Node.js and returns what it printed. The packages of `tests/npm` are in `WINDLASS_NPM_DIR`.
///
/// # Panics
/// When it fails or does not end.
pub async fn run_script(name: &str, arguments: &[&OsStr], environment: &[(&str, &OsStr)]) -> String {
    let child = Command::new("node")
        .arg(test_file("js").join(name))
        .args(arguments)
        .env("WINDLASS_NPM_DIR", npm_packages())
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node runs: install Node.js 20 or newer");
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name} does not end")).expect("a script's output can be read");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed: {}\n{err}\n{out}", output.status);
    out.into_owned()
}
