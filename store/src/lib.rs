//! What the server saves, and how it gets it back: files that survive a power cut at any instant, JSON documents whose last good
//! version is kept, and files that grow line by line.

mod document;
mod durable;
mod journal;

pub use document::{ChangeError, Document, Loaded};
pub use durable::{create_directory, write, write_private};
pub use journal::{Journal, Read};
