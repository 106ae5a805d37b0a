//! Texts of producers, as the bus takes them in.

#![no_main]

#[path = "../properties/delta.rs"]
mod delta;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus { if delta::check(input) { Corpus::Keep } else { Corpus::Reject } });
