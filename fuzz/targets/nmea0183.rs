//! Lines of NMEA 0183, AIS included.

#![no_main]

#[path = "../../actors/src/nmea0183/mod.rs"]
#[allow(dead_code, unused_imports)]
mod nmea0183;
#[path = "../properties/nmea0183.rs"]
mod properties;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus { if properties::check(input) { Corpus::Keep } else { Corpus::Reject } });
