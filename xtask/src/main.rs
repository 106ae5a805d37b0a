//! The project's commands. `cargo xtask help` lists them.
//!
//! [`setup`] makes everything that the server and its tests need and isn't in the repository, one
//! file a thing; [`commands`] use it. [`project`] knows the places, [`tool`] runs other programs,
//! [`step`] tells what is going on, and [`stamp`] avoids doing it twice.

mod commands;
mod project;
mod setup;
mod stamp;
mod step;
mod tool;

use project::Project;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "help".to_owned());
    // `cargo xtask run -- --port 4000` and without the dashes mean the same.
    let mut rest: Vec<String> = args.collect();
    if rest.first().is_some_and(|first| first == "--") {
        rest.remove(0);
    }
    match Project::locate().and_then(|project| commands::run(&project, &name, &rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
