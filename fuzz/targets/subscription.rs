//! What a client says on the stream, besides deltas.

#![no_main]

/// The data model as far as the messages know it. Which contexts are near is asked of it when values are delivered, not when a
/// message is read, so an empty one is enough here.
mod data_model {
    use windlass_broker::{Context, Path, RawJson};

    #[derive(Debug)]
    pub struct ModelView;

    impl ModelView {
        pub fn latest(&self, _context: &Context, _path: &Path) -> Option<RawJson> {
            None
        }
    }
}

#[path = "../../actors/src/stream"]
#[allow(dead_code)]
mod stream {
    pub mod message;
    mod nearby;
    pub mod subscribe;
}

#[path = "../properties/subscription.rs"]
mod properties;

use libfuzzer_sys::{Corpus, fuzz_target};
use stream::{message, subscribe};

fuzz_target!(|input: &[u8]| -> Corpus { if properties::check(input) { Corpus::Keep } else { Corpus::Reject } });
