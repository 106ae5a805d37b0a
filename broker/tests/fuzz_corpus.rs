//! What fuzzing has tried on deltas is tried again with every change.

#[path = "../../fuzz/properties/delta.rs"]
mod delta;
#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn past_inputs_of_the_fuzzer_are_taken_in() {
    replay::each("delta", delta::check);
}
