//! `load-harness`: puts a Signal K server under load and reports what its subscribers received.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use windlass_load_harness::run;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let report = match run(&arguments.plan(), &mut |phase| eprintln!("{phase}")) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("load-harness: {error}");
            return ExitCode::from(2);
        }
    };
    if arguments.json {
        match serde_json::to_string_pretty(&report) {
            Ok(json) => println!("{json}"),
            Err(error) => {
                eprintln!("load-harness: the report cannot be written as JSON: {error}");
                return ExitCode::from(2);
            }
        }
    } else {
        print!("{report}");
    }
    if report.is_complete() || arguments.allow_loss { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
