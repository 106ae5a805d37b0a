//! The web pages in a browser: each used by clicks and keys, at a desk and at a phone.

mod alarms;
mod apps;
mod connections;
mod dashboard;
mod data;
mod load;
mod plugins;
mod security;
mod server;
mod tls;

use std::ffi::OsStr;
use std::path::Path;

use windlass_tests::{Json, chromium, run_script};

/// Runs `js/ui/<script>` against the server at this address; what it says. Pictures go to the folder.
async fn run(script: &str, address: &str, folder: &Path) -> Json {
    run_with(script, address, folder, &[]).await
}

/// The same with more arguments for the script.
async fn run_with(script: &str, address: &str, folder: &Path, more: &[&str]) -> Json {
    let mut arguments = vec![OsStr::new(address), folder.as_os_str()];
    arguments.extend(more.iter().map(OsStr::new));
    let said = run_script(&format!("ui/{script}"), &arguments, &[("WINDLASS_CHROMIUM", chromium().as_os_str())]).await;
    serde_json::from_str(&said).expect("the script prints JSON")
}

/// Checks that there is a picture that shows something.
fn assert_picture(folder: &Path, name: &str) {
    let picture = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("no picture {name}: {error}"));
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{name} has {} bytes", picture.len());
}
