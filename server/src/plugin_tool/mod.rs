//! `windlass plugin …`: what authors and owners of plugins do from the command line.
//!
//! Authors make a plugin (`new`), look at it from outside and try it in the sandbox (`check`) and measure it (`bench`), all without a
//! server. Owners install packages, and manage the plugins of a running server over its HTTP API.
//!
//! What a plugin says is shown with `output::plain`: a plugin must not steer the terminal.

mod bench;
mod check;
mod findings;
mod install;
mod manage;
mod names;
mod new;
mod output;
mod remote;
mod subject;
mod trial;
mod trial_host;

use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

pub use bench::BenchArguments;
pub use check::CheckArguments;
pub use names::NameError;
pub use new::{Language, NewArguments};
pub use remote::Remote;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Make a small complete plugin to begin with
    New(NewArguments),
    /// Check a plugin: what it imports, exports and needs, and a trial start in the sandbox
    Check(CheckArguments),
    /// Measure what a plugin costs: time of a delta, a poll and a start, and memory
    Bench(BenchArguments),
    /// List the installed plugins and their state
    List(ServerArguments),
    /// Enable a plugin for good, and start it
    Enable {
        /// The plugin's id or package name
        plugin: String,
        /// Consent to everything that the plugin asks for now, after looking at it
        #[arg(long)]
        consent: bool,
        /// Which server
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Disable a plugin for good, and stop it
    Disable {
        /// The plugin's id or package name
        plugin: String,
        /// Which server
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Load a running plugin's module anew; no delta is lost, and the old module stays when the new one does not work
    Reload {
        /// The plugin's id or package name
        plugin: String,
        /// Which server
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Show what a plugin has written: debug text, output, errors
    Logs {
        /// The plugin's id or package name
        plugin: String,
        /// Go on showing what comes
        #[arg(short, long)]
        follow: bool,
        /// Which server
        #[command(flatten)]
        server: ServerArguments,
    },
    /// Install plugin packages with npm as it is set up on this machine; install scripts are not run
    Install {
        /// Folders, .tgz files, or names as npm takes them (`@scope/name`, `name@1.2`)
        #[arg(required = true)]
        packages: Vec<String>,
        /// Which server
        #[command(flatten)]
        server: ServerArguments,
    },
}

/// Which server is meant.
#[derive(Debug, Clone, Args)]
pub struct ServerArguments {
    /// The running server [default: the port of the configuration on this machine]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,

    /// Its configuration directory, for what is done without a running server [default: ~/.signalk]
    #[arg(short, long, value_name = "DIR", env = "SIGNALK_NODE_CONFIG_DIR")]
    pub config_dir: Option<PathBuf>,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// Neither the environment nor the command line says where the configuration is.
    #[error("HOME is not set: say where the configuration is with --config-dir")]
    NoConfigDir,
    /// The configuration can't be used.
    #[error(transparent)]
    Settings(#[from] crate::settings::SettingsError),
    /// Nobody listens where the server should be.
    #[error("no server answers at {url}: {reason}; start it, or name another one with --url")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What happened.
        reason: String,
    },
    /// There may be a server, but there was no answer that makes sense.
    #[error("asking the server at {url} failed: {reason}; look at its log, or name another one with --url")]
    NoAnswer {
        /// Where it was asked.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The server says no.
    #[error("{0}")]
    Refused(String),
    /// No installed package has this id or name.
    #[error("no plugin {0:?} is installed; `windlass plugin list` shows those that are")]
    Unknown(String),
    /// A plugin's saved configuration can't be changed.
    #[error(transparent)]
    Config(#[from] windlass_actors::plugins::ConfigError),
    /// A program that is needed can't be run, or failed; or an argument makes no sense.
    #[error("{0}")]
    Program(String),
    /// Packages can't be installed like this.
    #[error(transparent)]
    Package(#[from] crate::packages::PackageError),
    /// A text is no package name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// There are files already where a new plugin is to be made.
    #[error("{} has {} already, and nothing is overwritten; choose another folder with --dir", folder.display(), list(files))]
    Exists {
        /// The folder.
        folder: PathBuf,
        /// The files that would be overwritten.
        files: Vec<String>,
    },
    /// There is no plugin at a place.
    #[error("{} is no plugin package: {reason}", path.display())]
    NotAPlugin {
        /// The place.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The plugin was tried, and failed.
    #[error("it can't run: {0}")]
    CannotRun(String),
    /// The sandbox can't be set up.
    #[error(transparent)]
    Runtime(#[from] windlass_wasm_host::RuntimeError),
    /// Standard output can't be written to.
    #[error("the output can't be written: {0}")]
    Output(#[from] io::Error),
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl PluginCommand {
    /// Carries the command out; what it has to say goes to standard output. When nobody reads that any more (`… | head`), it ends
    /// without an error.
    ///
    /// # Errors
    /// It could not be carried out.
    pub fn run(self) -> Result<(), ToolError> {
        let mut out = io::stdout().lock();
        let done = self.carry_out(&mut out).and_then(|()| Ok(out.flush()?));
        match done {
            Err(ToolError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            done => done,
        }
    }

    fn carry_out(self, out: &mut dyn Write) -> Result<(), ToolError> {
        match self {
            PluginCommand::New(arguments) => new::new(out, &arguments),
            PluginCommand::Check(arguments) => check::check(out, &arguments),
            PluginCommand::Bench(arguments) => bench::bench(out, &arguments),
            PluginCommand::List(server) => manage::list(out, &server),
            PluginCommand::Enable { plugin, consent, server } => manage::enable(out, &server, &plugin, consent),
            PluginCommand::Disable { plugin, server } => manage::disable(out, &server, &plugin),
            PluginCommand::Reload { plugin, server } => manage::reload(out, &server, &plugin),
            PluginCommand::Logs { plugin, follow, server } => manage::logs(out, &server, &plugin, follow),
            PluginCommand::Install { packages, server } => install::install(out, &server, &packages),
        }
    }
}

/// The first few, and how many more there are.
fn list(files: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = files.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more files"),
    }
}

impl ServerArguments {
    /// The configuration directory.
    ///
    /// # Errors
    /// There is no default, because `HOME` is not set.
    pub fn config_dir(&self) -> Result<PathBuf, ToolError> {
        match (&self.config_dir, std::env::var_os("HOME")) {
            (Some(named), _) => Ok(named.clone()),
            (None, Some(home)) => Ok(PathBuf::from(home).join(".signalk")),
            (None, None) => Err(ToolError::NoConfigDir),
        }
    }
}
