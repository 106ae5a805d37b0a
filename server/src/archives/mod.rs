//! ZIP archives that the server hands out and takes back: its logs, and backups of the configuration directory (server-admin-api §9).

pub mod contents;
pub mod restore;
mod sound;
pub mod stream;
