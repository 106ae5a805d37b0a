//! What fuzzing has tried on messages of clients is tried again with every change.

use super::{message, subscribe};
use crate::fuzz_replay as replay;

#[path = "../../../fuzz/properties/subscription.rs"]
mod subscription;

#[test]
fn past_messages_of_the_fuzzer_are_read() {
    replay::each("subscription", subscription::check);
}
