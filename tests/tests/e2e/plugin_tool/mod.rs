//! `windlass plugin …`, as authors and owners of plugins run it.

mod bench;
mod check;
mod install;
mod manage;
mod new;
mod toolchains;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use windlass_tests::server_binary;

/// What a command did.
#[derive(Debug)]
struct Outcome {
    success: bool,
    out: String,
    err: String,
}

impl Outcome {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
        Self { success: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What it printed, when it went well.
    fn succeeded(self) -> String {
        assert!(self.success, "{}{}", self.out, self.err);
        self.out
    }

    /// What it said was wrong.
    fn failed(self) -> String {
        let says_why = self.err.lines().any(|line| line.starts_with("windlass: "));
        assert!(!self.success && says_why, "{}{}", self.out, self.err);
        self.err
    }

    /// Both must be in what it printed.
    fn shows(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.out.contains(text), "{text:?} is missing in\n{}{}", self.out, self.err);
        }
    }
}

/// `windlass plugin`, without what the person who runs the tests has in the environment.
fn command() -> Command {
    let mut command = Command::new(server_binary());
    command.arg("plugin").env_remove("WINDLASS_TOKEN").env_remove("SIGNALK_NODE_CONFIG_DIR").stdin(Stdio::null());
    command
}

fn tool(arguments: &[impl AsRef<OsStr>]) -> Outcome {
    Outcome::of(command().args(arguments).output().expect("the binary runs"))
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

fn write(path: &Path, content: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("a folder can be made");
    std::fs::write(path, content).expect("a file can be written");
}

/// A package in a folder of its own.
fn package(folder: &Path, module: &[u8], description: Json) {
    let mut json = json!({
        "name": "probe", "version": "1.2.3", "wasmManifest": "plugin.wasm", "keywords": ["signalk-wasm-plugin"],
    });
    json.as_object_mut().expect("an object").extend(description.as_object().expect("an object").clone());
    write(&folder.join("package.json"), json.to_string());
    write(&folder.join("plugin.wasm"), module);
}
