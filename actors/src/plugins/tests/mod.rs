//! Plugins written in the text format, run in a server without HTTP: real broker, real data model, real packages on disk.

mod administering;
mod calling;
mod configuration;
mod crashes;
mod cycles;
mod data;
pub(crate) mod guest;
mod limits;
mod listing;
mod migration;
mod reloading;
mod rescanning;
pub(crate) mod server;
mod waiting;
