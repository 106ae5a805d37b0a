//! Plugins written in the text format, run in a server without HTTP: real broker, real data model, real packages on disk.

mod configuration;
mod crashes;
mod data;
mod guest;
mod listing;
mod server;
