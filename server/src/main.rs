//! The `windlass` program.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use windlass::administration::Ending;
use windlass::cli::{Arguments, Command};
use windlass::{Server, StartOptions, demo, logging, memory};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Command::Plugin(command)) = arguments.command {
        return match command.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        };
    }
    logging::start();
    memory::share_heaps();
    // Kept until the end: dropping it removes the demo's configuration.
    let temporary = match (&arguments.config_dir, arguments.demo) {
        (None, true) => match tempfile::Builder::new().prefix("windlass-demo-").tempdir() {
            Ok(directory) => Some(directory),
            Err(error) => return fail(&format!("no temporary directory can be made for the demo: {error}")),
        },
        _ => None,
    };
    let config_dir = match (&arguments.config_dir, &temporary) {
        (Some(named), _) => named.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => match std::env::var_os("HOME") {
            Some(home) => PathBuf::from(home).join(".signalk"),
            None => return fail("HOME is not set: say where the configuration is with --config-dir"),
        },
    };
    let options = StartOptions {
        // What the demo compiles would go with its configuration.
        module_cache: temporary.as_ref().and_then(|_| demo::module_cache()),
        config_dir,
        port: arguments.port,
        host: arguments.host,
        playback: arguments.playback.map(|file| (file, arguments.playback_speed)),
        demo: arguments.demo,
        insecure: arguments.insecure,
    };
    actix::System::new().block_on(run(options))
}

async fn run(options: StartOptions) -> ExitCode {
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        return fail("signals can't be received on this system");
    };
    let server = match Server::start(options).await {
        Ok(server) => server,
        Err(error) => return fail(&error.to_string()),
    };
    // Said on standard output, where scripts and tests wait for it; everything else goes to the log.
    for (scheme, address) in server.addresses() {
        println!("Windlass is listening on {scheme}://{address}");
    }
    actix::spawn(memory::give_back());
    tokio::select! {
        _ = interrupt.recv() => log::info!("interrupted: shutting down"),
        _ = terminate.recv() => log::info!("asked to end: shutting down"),
        ending = server.ended() => match ending {
            Ending::Restart => log::info!("shutting down, to be started anew"),
            Ending::Shutdown => log::info!("shutting down, until somebody starts it"),
        },
        () = server.failed() => {
            server.stop().await;
            return fail("a part of the server that nothing works without has stopped; see the log above");
        }
    }
    server.stop().await;
    ExitCode::SUCCESS
}

fn fail(why: &str) -> ExitCode {
    eprintln!("windlass: {why}");
    ExitCode::FAILURE
}
