//! Interned names: paths, contexts and source references.
//!
//! A boat repeats the same few hundred names thousands of times a second. Each distinct text is stored once and carries a number, so
//! that routing and the data model compare and hash numbers, and a clone is a reference count. The tables are bounded: names that
//! nobody holds any more are swept out, and a producer that invents names without end gets an error instead of the server's memory.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use dashmap::DashSet;
use foldhash::fast::RandomState;

/// Most distinct names of one kind that may be alive at once.
pub const MAX_NAMES: usize = 500_000;
/// Longest name in bytes.
pub const MAX_NAME_BYTES: usize = 1024;
const FIRST_SWEEP: usize = 16_384;
/// Time between two sweeps of a table that is full: each looks at every name in it.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Why a text is refused as a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Longer than [`MAX_NAME_BYTES`].
    #[error("{kind} of {length} bytes is too long; at most {MAX_NAME_BYTES} bytes are accepted: {start}…")]
    TooLong {
        /// What the name is for.
        kind: &'static str,
        /// Its length in bytes.
        length: usize,
        /// How it starts.
        start: String,
    },
    /// More than [`MAX_NAMES`] distinct names are in use.
    #[error(
        "more than {MAX_NAMES} different {kind}s are in use; {name} is refused. A producer seems to invent names: look for a counter or a time in its {kind}s"
    )]
    TooMany {
        /// What the name is for.
        kind: &'static str,
        /// The refused name.
        name: String,
    },
    /// A segment that would harm JavaScript clients (signalk-v1 §1.2).
    #[error("{kind} {name} is refused: the segments __proto__, constructor and prototype are not allowed")]
    Forbidden {
        /// What the name is for.
        kind: &'static str,
        /// The refused name.
        name: String,
    },
    /// A character that no name has; it would end a line of a log, or move the cursor of a terminal.
    #[error("{kind} {start:?} is refused: control characters are not allowed")]
    ControlCharacter {
        /// What the name is for.
        kind: &'static str,
        /// How it starts.
        start: String,
    },
}

#[derive(Debug)]
struct Atom {
    id: u64,
    text: Box<str>,
}

/// The table's view of an atom: equal and hashed by its text.
struct ByText(Arc<Atom>);

impl Borrow<str> for ByText {
    fn borrow(&self) -> &str {
        &self.0.text
    }
}
impl Hash for ByText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}
impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}
impl Eq for ByText {}

struct Table {
    kind: &'static str,
    /// Most names that it holds.
    most: usize,
    atoms: DashSet<ByText, RandomState>,
    next_id: AtomicU64,
    count: AtomicUsize,
    sweep_at: AtomicUsize,
    /// When it was last swept while it was full.
    swept: Mutex<Option<Instant>>,
}

impl Table {
    fn new(kind: &'static str, most: usize) -> Self {
        Self {
            kind,
            most,
            atoms: DashSet::with_hasher(RandomState::default()),
            next_id: AtomicU64::new(1),
            count: AtomicUsize::new(0),
            sweep_at: AtomicUsize::new(FIRST_SWEEP.min(most)),
            swept: Mutex::default(),
        }
    }

    fn intern(&self, text: &str) -> Result<Arc<Atom>, NameError> {
        self.intern_at(text, Instant::now)
    }

    fn intern_at(&self, text: &str, now: impl FnOnce() -> Instant) -> Result<Arc<Atom>, NameError> {
        if let Some(found) = self.atoms.get(text) {
            return Ok(found.0.clone());
        }
        self.check(text)?;
        if self.count.load(Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep_if_due(now);
            if self.count.load(Ordering::Relaxed) >= self.most {
                return Err(NameError::TooMany { kind: self.kind, name: text.to_owned() });
            }
        }
        let atom = Arc::new(Atom { id: self.next_id.fetch_add(1, Ordering::Relaxed), text: text.into() });
        // Two threads may get here with the same text: the table decides whose atom lives, so ids stay unique per text.
        loop {
            if self.atoms.insert(ByText(atom.clone())) {
                self.count.fetch_add(1, Ordering::Relaxed);
                return Ok(atom);
            }
            if let Some(found) = self.atoms.get(text) {
                return Ok(found.0.clone());
            }
        }
    }

    fn check(&self, text: &str) -> Result<(), NameError> {
        if text.len() > MAX_NAME_BYTES {
            let start = text.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(NameError::TooLong { kind: self.kind, length: text.len(), start });
        }
        if text.chars().any(char::is_control) {
            let start = text.chars().take(40).collect();
            return Err(NameError::ControlCharacter { kind: self.kind, start });
        }
        if text.split('.').any(|s| matches!(s, "__proto__" | "constructor" | "prototype")) {
            return Err(NameError::Forbidden { kind: self.kind, name: text.to_owned() });
        }
        Ok(())
    }

    /// Sweeps, unless the table is full and was swept just before: whoever invents names would have all of them looked at for each.
    fn sweep_if_due(&self, now: impl FnOnce() -> Instant) {
        if self.count.load(Ordering::Relaxed) < self.most {
            return self.sweep();
        }
        // Who finds it locked would do what is being done.
        let Ok(mut swept) = self.swept.try_lock() else { return };
        let now = now();
        if swept.is_none_or(|earlier| now.saturating_duration_since(earlier) >= SWEEP_INTERVAL) {
            *swept = Some(now);
            self.sweep();
        }
    }

    /// Forgets the names that only the table still holds.
    fn sweep(&self) {
        self.atoms.retain(|atom| Arc::strong_count(&atom.0) > 1);
        let live = self.atoms.len();
        self.count.store(live, Ordering::Relaxed);
        self.sweep_at.store((live * 2).max(FIRST_SWEEP).min(self.most), Ordering::Relaxed);
    }
}

macro_rules! interned {
    ($(#[$doc:meta])* $name:ident, $table:ident, $kind:literal) => {
        static $table: LazyLock<Table> = LazyLock::new(|| Table::new($kind, MAX_NAMES));

        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Arc<Atom>);

        impl $name {
            /// Finds or makes the interned name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                $table.intern(text).map(Self)
            }

            /// The interned name of a text that somebody has used and still holds; `None` otherwise. Never makes a name.
            pub fn find(text: &str) -> Option<Self> {
                $table.atoms.get(text).map(|found| Self(found.0.clone()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0.text
            }

            /// A number that no other living or past name of this kind has.
            pub fn id(&self) -> u64 {
                self.0.id
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.id == other.0.id
            }
        }
        impl Eq for $name {}
        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.id.hash(state);
            }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.as_str().cmp(other.as_str())
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

interned! {
    /// A path below a context, dot separated, such as `navigation.speedOverGround`; empty for root values (signalk-v1 §1.4).
    Path, PATHS, "path"
}
interned! {
    /// What a delta is about: `<root>.<id>`, such as `vessels.urn:mrn:imo:mmsi:230099999` (signalk-v1 §1.2).
    Context, CONTEXTS, "context"
}
interned! {
    /// The `$source` of a value, such as `gps.GP` (signalk-v1 §1.6).
    SourceRef, SOURCES, "$source"
}

impl Context {
    /// The collection, such as `vessels`, and the id below it. `None` when the context names a collection only.
    pub fn split(&self) -> Option<(&str, &str)> {
        self.as_str().split_once('.').filter(|(root, id)| !root.is_empty() && !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_name() {
        let a = Path::new("navigation.intern.test").expect("a path");
        let b = Path::new("navigation.intern.test").expect("a path");
        assert_eq!(a, b);
        assert_eq!(a.id(), b.id());
        assert_ne!(a, Path::new("navigation.intern.test2").expect("a path"));
    }

    #[test]
    fn harmful_and_endless_names_are_refused() {
        for text in ["a.__proto__.b", "constructor", "x.prototype"] {
            assert!(matches!(Path::new(text), Err(NameError::Forbidden { .. })), "{text}");
        }
        assert!(matches!(Path::new(&"x".repeat(1025)), Err(NameError::TooLong { .. })));
        for text in ["a\nb", "\u{0}", "\u{7f}", "\u{9b}2J"] {
            let error = SourceRef::new(text).expect_err(text);
            assert!(matches!(error, NameError::ControlCharacter { .. }), "{text:?}");
            assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }

    #[test]
    fn names_that_nobody_holds_are_swept() {
        let table = Table::new("test name", MAX_NAMES);
        let kept = table.intern("kept").expect("a name");
        for n in 0..3 * FIRST_SWEEP {
            table.intern(&format!("passing.{n}")).expect("sweeping makes room");
        }
        assert!(table.atoms.len() <= FIRST_SWEEP + 1);
        assert_eq!(table.intern("kept").expect("a name").id, kept.id);
    }

    #[test]
    fn a_full_table_is_swept_once_a_second_at_most() {
        let (table, start) = (Table::new("test name", 100), Instant::now());
        let take = |n: usize, ms: u64| table.intern_at(&format!("name.{n}"), || start + Duration::from_millis(ms));
        let kept: Vec<_> = (0..100).map(|n| take(n, 0).expect("there is room")).collect();
        assert!(matches!(take(100, 0), Err(NameError::TooMany { .. })), "this one looks whether some can go");
        drop(kept);
        for n in 100..1000 {
            assert!(matches!(take(n, 999), Err(NameError::TooMany { .. })), "the others don't, within the second");
        }
        assert_eq!(table.atoms.len(), 100);
        take(100, 1000).expect("nobody holds the old ones");
        assert_eq!(table.atoms.len(), 1);
    }
}
