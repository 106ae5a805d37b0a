//! What the server saves, and how it gets it back: files that survive a power cut at any instant, and JSON documents whose last good
//! version is kept.

mod document;
mod durable;

pub use document::{ChangeError, Document, Loaded};
pub use durable::{create_directory, write, write_private};
