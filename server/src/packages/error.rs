//! Why a package was not installed or removed.

use std::path::PathBuf;

/// Why something about packages can't be done.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// npm can't be run.
    #[error("npm can't be run: {0}; install Node.js, which brings it")]
    NoNpm(std::io::Error),
    /// npm has failed.
    #[error("npm ended with {status}: {said}")]
    Npm {
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said was wrong.
        said: String,
    },
    /// npm does not end.
    #[error(
        "npm has not ended after {0} seconds and was stopped; look at the network connection of the boat, and try again"
    )]
    TooLong(u64),
    /// What looks like an option.
    #[error("{0:?} is no package")]
    Option(String),
    /// A text that is no package name.
    #[error("{0:?} is no package name")]
    Name(String),
    /// A text that is no version.
    #[error("{0:?} is no version: it has the form 1.2.3")]
    Version(String),
    /// It lies where npm puts things.
    #[error("{package} lies in {}, which npm manages: move it elsewhere first", directory.display())]
    InModules {
        /// What was to be installed.
        package: String,
        /// `node_modules`.
        directory: PathBuf,
    },
    /// npm would look for something else as well that `package.json` names.
    #[error("{name}, which package.json names as well, has to be put right first: {message}")]
    InTheWay {
        /// Its name.
        name: String,
        /// Why it can't be had, and what to do.
        message: String,
    },
    /// Nobody knows what is installed.
    #[error(
        "{} can't be used ({reason}), so nobody knows which archives of plugins are needed, and none is removed; correct \
         the file, or restore it from a backup",
        path.display()
    )]
    Unlisted {
        /// `package.json` of the configuration directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// npm would remove packages that it does not know of.
    #[error(
        "npm would remove what it did not put into {} itself: {}. Name the folders that they are links to as \
         well (`windlass plugin install <folder>…`), which makes them known to npm; what is no link has to be moved out first",
        directory.display(), packages.join(", ")
    )]
    HandPlaced {
        /// `node_modules` of the configuration directory.
        directory: PathBuf,
        /// The packages.
        packages: Vec<String>,
    },
    /// It can't be removed because npm did not put it there.
    #[error(
        "{0} was not installed with npm: it came with the server, or somebody put its folder there, who can remove it"
    )]
    NotNpms(String),
    /// Nothing of this name.
    #[error("No such webapp or plugin available:{0}")]
    Unknown(String),
    /// An archive that no package manager made.
    #[error("the file is no package: {0}; make one with `npm pack`")]
    Archive(String),
    /// It is neither plugin nor web app.
    #[error("{0} is neither a plugin nor a web app of Signal K: its package.json has none of their keywords")]
    Foreign(String),
    /// A file that is no module.
    #[error("the file is no WebAssembly module that this server can run: {0}")]
    Module(String),
    /// Too much is waiting.
    #[error("{0} is being installed or removed already; wait until that is done")]
    Busy(String),
    /// Too much is waiting.
    #[error("too much waits to be installed already; try again when some of it is done")]
    Full,
    /// The registry does not answer.
    #[error("the npm registry can't be searched: {0}; packages can still be installed from a file")]
    Registry(String),
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is installed, but the plugins could not be looked through.
    #[error(transparent)]
    Plugins(#[from] windlass_actors::plugins::PluginError),
    /// The server goes down.
    #[error("the server is going down")]
    ShutDown,
}

impl PackageError {
    /// For `map_err` of what is done with a file.
    pub(super) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
