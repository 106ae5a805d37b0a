//! One file a command.

mod abi_statements;
mod bench;
mod build_plugins;
mod conformance;
mod fuzz;
mod harness;
mod lint;
mod run;
mod screenshots;
mod setup;
mod soak;
mod statements;
mod test;
mod ui;

use crate::project::Project;
use anyhow::{Result, bail};

struct Command {
    name: &'static str,
    args: &'static str,
    help: &'static str,
    run: fn(&Project, &[String]) -> Result<()>,
}

const COMMANDS: [Command; 12] = [
    Command {
        name: "run",
        args: "[-- server options]",
        help: "build everything and start the server with its demo boat",
        run: run::run,
    },
    Command {
        name: "test",
        args: "[filter] [-- test options]",
        help: "build everything and run every test, or those whose name has the filter in it",
        run: test::run,
    },
    Command { name: "lint", args: "", help: "check formatting, clippy, documentation and licences", run: lint::run },
    Command {
        name: "conformance",
        args: "[--last]",
        help: "run the tests and print which statements of the specification they show",
        run: conformance::run,
    },
    Command {
        name: "fuzz",
        args: "[target] [--minutes N] [--keep]",
        help: "look for inputs that break what reads bytes from outside",
        run: fuzz::run,
    },
    Command {
        name: "screenshots",
        args: "",
        help: "take the pictures of the documentation anew, by the browser tests",
        run: screenshots::run,
    },
    Command { name: "bench", args: "[-- criterion options]", help: "run the benchmarks", run: bench::run },
    Command {
        name: "harness",
        args: "[-- harness options]",
        help: "load a server and measure what its subscribers receive",
        run: harness::run,
    },
    Command {
        name: "soak",
        args: "[--minutes N] [--only ACTION]",
        help: "20 plugins that crash, hang and are reloaded, 500 deltas a second",
        run: soak::run,
    },
    Command { name: "setup", args: "", help: "only fetch and build what run and test need", run: setup::run },
    Command { name: "build-plugins", args: "", help: "only build the example plugins", run: build_plugins::run },
    Command { name: "ui", args: "", help: "only build the dashboard", run: ui::run },
];

/// Runs a command by its name.
pub fn run(project: &Project, name: &str, args: &[String]) -> Result<()> {
    if matches!(name, "help" | "--help" | "-h") {
        print!("{}", help());
        return Ok(());
    }
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(project, args),
        None => bail!("there is no such command\n\n{}", help()),
    }
}

fn help() -> String {
    let mut text = String::from("Usage: cargo xtask <command>\n\n");
    for Command { name, args, help, .. } in &COMMANDS {
        text += &format!("  {:<38} {help}\n", format!("{name} {args}"));
    }
    text + "\nWASM_RUST=auto|rustup|debian chooses the compiler of Rust plugins, WASM_C=auto|debian|zig that of\n\
        C plugins. What is fetched and built is kept in\n\
        ${XDG_CACHE_HOME:-~/.cache}/windlass; CARGO_TARGET_DIR moves the build of the server.\n"
}

/// Refuses arguments where there can't be any.
fn no_args(args: &[String]) -> Result<()> {
    match args {
        [] => Ok(()),
        _ => bail!("this command has no arguments, but was given {args:?}"),
    }
}
