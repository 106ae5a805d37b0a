//! Packages of plugins and web apps: what is installed, how npm installs and removes it, and what the registry has. The command `windlass
//! plugin install` and the running server do it in the same way: npm is run as its user has set it up (its registry, its proxy), and scripts
//! of packages never run, because a plugin's code belongs into the sandbox.

mod archive;
mod error;
mod installer;
mod job;
mod missing;
mod modules;
mod name;
mod npm;
mod registry;
mod running;
mod shelf;
mod store;

pub use error::PackageError;
pub use installer::{Installer, MAX_ARCHIVE, with_log};
pub use job::{Action, Job, JobState};
pub use missing::{Missing, missing};
pub use modules::{Installed, entries, installed, is_archive};
pub use name::PackageName;
pub use npm::Npm;
pub use registry::Offered;
pub use shelf::{ARCHIVES, check as check_archive};
