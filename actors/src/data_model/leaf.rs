//! One path of one context: the latest value of each source (signalk-v1 §1.3).

use std::sync::Arc;

use serde_json::{Map, Value};
use smallvec::SmallVec;
use windlass_broker::{PathValue, SharedDelta, SourceRef, Update, ValueIndex};

use super::budget::ENTRY_BYTES;

/// Most sources that are remembered for a path; beyond, the one that has been silent longest makes room.
const MAX_SOURCES: usize = 32;
/// A delta with more values than this is not kept alive for the sake of one of them.
const MAX_SHARED_VALUES: usize = 16;
/// Nor is one with longer values than this, in bytes.
const MAX_SHARED_BYTES: usize = 4096;

/// A value as it came: the delta that brought it, and where in it.
#[derive(Debug, Clone)]
pub struct Entry {
    delta: Arc<SharedDelta>,
    index: ValueIndex,
    /// Milliseconds since 1970.
    received: i64,
}

impl Entry {
    /// Keeps a value, alone when its delta is large. `received` is in milliseconds since 1970.
    pub fn new(delta: &Arc<SharedDelta>, index: ValueIndex, large: bool, received: i64) -> Self {
        if large {
            Self { delta: delta.detached(index), index: ValueIndex { update: 0, value: 0 }, received }
        } else {
            Self { delta: delta.clone(), index, received }
        }
    }

    /// When it came, in milliseconds since 1970, whatever its timestamp says.
    pub fn received(&self) -> i64 {
        self.received
    }

    /// The delta that holds the value.
    pub fn delta(&self) -> &Arc<SharedDelta> {
        &self.delta
    }

    /// Where it is in the delta.
    pub fn index(&self) -> ValueIndex {
        self.index
    }

    /// The update and the value.
    pub fn parts(&self) -> (&Update, &PathValue) {
        self.delta.value(self.index)
    }

    fn has_source_of(&self, other: &Self) -> bool {
        self.parts().0.source_ref == other.parts().0.source_ref
    }

    /// What it takes up, in bytes.
    pub fn bytes(&self) -> usize {
        self.parts().1.value.as_str().len() + ENTRY_BYTES
    }

    fn to_json(&self) -> Map<String, Value> {
        let (update, value) = self.parts();
        let mut json = Map::new();
        json.insert("value".into(), value.value.to_value());
        if let Some(state) = &value.state {
            json.insert("state".into(), state.to_value());
        }
        json.insert("timestamp".into(), update.timestamp.to_string().into());
        if let Some(source) = &update.source {
            if let Some(pgn) = &source.pgn {
                json.insert("pgn".into(), pgn.to_value());
            }
            if let Some(sentence) = &source.sentence {
                json.insert("sentence".into(), sentence.as_str().into());
            }
        }
        json
    }
}

/// Whether a delta is too large to be kept alive by each of its values.
pub fn is_large(delta: &SharedDelta) -> bool {
    let (mut values, mut bytes) = (0, 0);
    for entry in delta.delta().updates.iter().flat_map(|update| update.values.iter().chain(&update.meta)) {
        values += 1;
        bytes += entry.value.as_str().len();
    }
    values > MAX_SHARED_VALUES || bytes > MAX_SHARED_BYTES
}

/// The entries of a path, one a source.
#[derive(Debug, Clone)]
pub struct Leaf {
    entries: SmallVec<[Entry; 1]>,
    /// The entry that was written last.
    latest: usize,
    /// The latest values of sources that were not preferred when they came. Boxed, because hardly any path has some.
    held: Option<Box<SmallVec<[Entry; 2]>>>,
}

/// What [`Leaf::forget_source`] took out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// What it took up, in bytes; 0 when there was nothing.
    pub bytes: usize,
    /// Whether the path still has a value.
    pub any_left: bool,
}

impl Leaf {
    /// A path's first value.
    pub fn new(entry: Entry) -> Self {
        Self { entries: SmallVec::from_iter([entry]), latest: 0, held: None }
    }

    /// What [`Self::write`] of `entry` takes out, in bytes: values of its source or, when there are too many sources, one of another.
    pub fn bytes_replaced_by(&self, entry: &Entry) -> usize {
        self.bytes_replaced_at(self.place_of(entry), entry)
    }

    /// What [`Self::hold`] of `entry` takes out, in bytes.
    pub fn bytes_replaced_by_held(&self, entry: &Entry) -> usize {
        if let Some(at) = self.place_of_silence(entry) {
            return self.bytes_replaced_at(at, entry);
        }
        let held = self.held();
        match held.iter().find(|other| other.has_source_of(entry)) {
            Some(replaced) => replaced.bytes(),
            None if held.len() < MAX_SOURCES => 0,
            None => held[0].bytes(),
        }
    }

    fn bytes_replaced_at(&self, at: usize, entry: &Entry) -> usize {
        let held = self.held().iter().filter(|held| held.has_source_of(entry));
        self.entries.get(at).map_or(0, Entry::bytes) + held.map(Entry::bytes).sum::<usize>()
    }

    fn held(&self) -> &[Entry] {
        self.held.as_ref().map_or(&[], |held| held.as_slice())
    }

    /// Takes a value of a source that is not preferred. The tree does not show it, except that a source which it shows has fallen silent.
    pub fn hold(&mut self, entry: Entry) {
        if let Some(at) = self.place_of_silence(&entry) {
            self.forget_held(&entry);
            self.entries[at] = entry;
            return;
        }
        let held = self.held.get_or_insert_default();
        match held.iter().position(|other| other.has_source_of(&entry)) {
            Some(at) => held[at] = entry,
            None if held.len() < MAX_SOURCES => held.push(entry),
            None => {
                held.remove(0);
                held.push(entry);
            }
        }
    }

    /// Where the accepted value is of a source that has fallen silent, unless it is the path's present value.
    fn place_of_silence(&self, entry: &Entry) -> Option<usize> {
        let at = entry.parts().1.is_timed_out().then(|| self.entries.iter().position(|e| e.has_source_of(entry)))??;
        (at != self.latest).then_some(at)
    }

    fn forget_held(&mut self, of: &Entry) {
        if let Some(held) = &mut self.held {
            held.retain(|other| !other.has_source_of(of));
        }
    }

    /// Calls `see` for the latest value of each source; without `all`, not for those that are not preferred: when a source is held back,
    /// the path's present value is that of the preferred one.
    pub fn each_entry(&self, all: bool, mut see: impl FnMut(&Entry)) {
        let held = self.held();
        if !all && !held.is_empty() {
            return see(self.latest());
        }
        // What is held of a source is newer than what was accepted of it.
        let accepted = self.entries.iter().filter(|entry| !held.iter().any(|other| other.has_source_of(entry)));
        accepted.chain(held).for_each(see);
    }

    /// A copy with the accepted values for which `keep` says yes; `None` when there is none. If the latest is not among them, the one that
    /// came last is.
    pub fn only(&self, keep: impl Fn(&Entry) -> bool) -> Option<Self> {
        let latest = &self.entries[self.latest];
        let entries: SmallVec<[Entry; 1]> = self.entries.iter().filter(|entry| keep(entry)).cloned().collect();
        let source = &latest.parts().0.source_ref;
        let of_latest = entries.iter().position(|entry| entry.parts().0.source_ref == *source);
        let newest = || (0..entries.len()).max_by_key(|at| entries[*at].received);
        let latest = of_latest.or_else(newest)?;
        Some(Self { entries, latest, held: None })
    }

    /// Takes a further value. What was held back of its source is older.
    pub fn write(&mut self, entry: Entry) {
        self.forget_held(&entry);
        self.latest = self.place_of(&entry);
        if self.latest == self.entries.len() {
            self.entries.push(entry);
        } else {
            self.entries[self.latest] = entry;
        }
    }

    /// Where a value goes: in the place of its source, in a new one, or in that of the source that has been silent longest.
    fn place_of(&self, entry: &Entry) -> usize {
        let known = self.entries.iter().position(|other| other.has_source_of(entry));
        known.unwrap_or_else(|| self.room_for_one_more())
    }

    fn room_for_one_more(&self) -> usize {
        if self.entries.len() < MAX_SOURCES {
            return self.entries.len();
        }
        let time = |at: usize| &self.entries[at].parts().0.timestamp;
        (0..self.entries.len()).min_by(|a, b| time(*a).cmp(time(*b))).unwrap_or(0)
    }

    /// Takes out the values of a source. The present value is then the newest of those that are left.
    pub fn forget_source(&mut self, source: &SourceRef) -> Forgotten {
        let is_its = |entry: &Entry| entry.parts().0.source_ref == *source;
        let latest = self.latest().clone();
        let mut bytes = 0;
        let mut count = |entry: &Entry| {
            bytes += entry.bytes();
            false
        };
        self.entries.retain(|entry| !is_its(entry) || count(entry));
        if let Some(held) = &mut self.held {
            held.retain(|entry| !is_its(entry) || count(entry));
        }
        let same = |entry: &Entry| entry.parts().0.source_ref == latest.parts().0.source_ref;
        let newest = || (0..self.entries.len()).max_by_key(|at| self.entries[*at].received());
        self.latest = self.entries.iter().position(same).or_else(newest).unwrap_or(0);
        if self.entries.is_empty() {
            // What better sources have kept out does not count for itself.
            bytes += self.held.take().map_or(0, |held| held.iter().map(Entry::bytes).sum());
        }
        Forgotten { bytes, any_left: !self.entries.is_empty() }
    }

    /// The last accepted value.
    pub fn latest(&self) -> &Entry {
        &self.entries[self.latest]
    }

    /// The values of all sources.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The leaf object: `meta`, `value`, `$source`, `timestamp`, `pgn` or `sentence`, and `values` with two or more sources.
    pub fn to_json(&self, meta: Option<Map<String, Value>>) -> Map<String, Value> {
        let mut json = Map::new();
        if let Some(meta) = meta {
            json.insert("meta".into(), meta.into());
        }
        let mut latest = self.latest().to_json();
        json.insert("value".into(), latest.remove("value").unwrap_or_default());
        json.insert("$source".into(), self.latest().parts().0.source_ref.as_str().into());
        json.extend(latest);
        if self.entries.len() > 1 {
            let by_source = |entry: &Entry| (entry.parts().0.source_ref.to_string(), entry.to_json().into());
            json.insert("values".into(), Value::Object(self.entries.iter().map(by_source).collect()));
        }
        json
    }
}
