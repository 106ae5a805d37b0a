//! Metadata before the first value of a path, once per connection (`sendMeta=all`, signalk-v1 §5.6).

use std::collections::HashSet;

use bytestring::ByteString;
use foldhash::fast::RandomState;
use serde_json::json;
use windlass_broker::{Path, SharedDelta, Timestamp, ValueIndex};

use crate::data_model::ModelView;

/// Most paths whose metadata is remembered as sent.
const MAX_PATHS: usize = 100_000;

/// Which metadata a connection has been sent.
#[derive(Debug)]
pub struct MetadataSent {
    view: ModelView,
    paths: HashSet<Path, RandomState>,
}

impl MetadataSent {
    /// Nothing has been sent.
    pub fn new(view: ModelView) -> Self {
        Self { view, paths: HashSet::default() }
    }

    /// Forgets what was sent, as after "unsubscribe all" (signalk-v1 §5.5).
    pub fn forget(&mut self) {
        self.paths.clear();
    }

    /// The frames that must precede a value: the metadata of its path and of the path's parents down to two segments.
    pub fn before(&mut self, delta: &SharedDelta, index: ValueIndex, frames: &mut Vec<ByteString>) {
        let path = &delta.value(index).1.path;
        if path.as_str().is_empty() || self.paths.contains(path) {
            return;
        }
        if self.paths.len() >= MAX_PATHS {
            self.paths.clear();
        }
        self.paths.insert(path.clone());
        let mut entries = Vec::new();
        let text = path.as_str();
        for (at, _) in text.match_indices('.').skip(1) {
            // A parent's metadata is sent with the first of its children; a parent has a name only if it has a value of its own,
            // so it is remembered by interning it, within the bounds of all names.
            if let Ok(parent) = Path::new(&text[..at])
                && self.paths.insert(parent)
                && let Some(meta) = self.view.metadata(&text[..at])
            {
                entries.push(json!({"path": &text[..at], "value": meta}));
            }
        }
        if let Some(meta) = self.view.metadata(text) {
            entries.push(json!({"path": text, "value": meta}));
        }
        if !entries.is_empty() {
            let context = delta.delta().context.as_str();
            let update = json!({"timestamp": Timestamp::now(), "meta": entries});
            frames.push(json!({"context": context, "updates": [update]}).to_string().into());
        }
    }
}
