//! `cargo xtask`; see the library.

use std::process::ExitCode;
use xtask::Project;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "help".to_owned());
    // `cargo xtask run -- --port 4000` and without the dashes mean the same.
    let mut rest: Vec<String> = args.collect();
    if rest.first().is_some_and(|first| first == "--") {
        rest.remove(0);
    }
    match Project::locate().and_then(|project| xtask::run(&project, &name, &rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
