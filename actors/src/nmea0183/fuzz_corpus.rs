//! What fuzzing has tried on lines is tried again with every change.

use crate::fuzz_replay as replay;
use crate::nmea0183;

#[path = "../../../fuzz/properties/nmea0183.rs"]
mod properties;

#[test]
fn past_lines_of_the_fuzzer_are_decoded() {
    replay::each("nmea0183", properties::check);
}
