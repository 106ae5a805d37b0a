//! Plugins written in the text format, run in a server without HTTP: real broker, real data model, real packages on disk.

mod administering;
mod calling;
mod configuration;
mod crashes;
mod cycles;
mod data;
pub(crate) mod guest;
mod listing;
mod reloading;
pub(crate) mod server;
