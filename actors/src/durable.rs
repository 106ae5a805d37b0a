//! Files that survive a power cut at any instant.

pub use windlass_store::write;
