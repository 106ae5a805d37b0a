//! Scripts that run published packages, in JavaScript and in Python.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::{npm_packages, python, test_file};

/// How long a script may take. A browser on a busy machine is slow to start.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `js/<name>` with Node.js and returns what it printed. The packages of `tests/npm` are in `WINDLASS_NPM_DIR`.
///
/// # Panics
/// When it fails or does not end.
pub async fn run_script(name: &str, arguments: &[&OsStr], environment: &[(&str, &OsStr)]) -> String {
    let mut node = Command::new("node");
    node.arg(test_file("js").join(name))
        .args(arguments)
        .env("WINDLASS_NPM_DIR", npm_packages())
        .envs(environment.iter().copied());
    run(name, node).await
}

/// Runs `python/<name>` with the Python that has the packages of `tests/python`, and returns what it printed.
///
/// # Panics
/// When it fails or does not end.
pub async fn run_python(name: &str, arguments: &[&str]) -> String {
    let mut interpreter = Command::new(python());
    // Nothing is to be left behind beside the script.
    interpreter.arg("-B").arg(test_file("python").join(name)).args(arguments);
    run(name, interpreter).await
}

async fn run(name: &str, mut program: Command) -> String {
    let child = program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{name} can't be run: {error}; `cargo xtask test` finds what is missing"));
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("{name} does not end")).expect("a script's output can be read");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed: {}\n{err}\n{out}", output.status);
    out.into_owned()
}
