//! The changes that are kept, and what is active now.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use windlass_broker::Timestamp;

use super::entry::{AlarmEntry, short};
use crate::notifications::{AlarmState, AttendedAlarm, Attention};

/// Most changes that are kept.
pub(super) const MAX_ENTRIES: usize = 1_000;
/// Most of them of one notification, so that one that flaps does not push out all others.
pub(super) const MAX_OF_ONE: usize = 100;
/// Most of them of other ships.
pub(super) const MAX_OF_OTHERS: usize = 250;
/// Most memory of all, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// Most alarms of the own ship, and of others, that are followed at a time.
const MAX_OPEN: usize = 5_000;

/// Greatest number of an entry that was written: above it JSON numbers are not exact everywhere.
const MAX_ID: u64 = 1 << 53;
/// How long what was done about an alarm counts after a start, in milliseconds: those who did it are on watch no more.
const ATTENDED: i64 = 12 * 60 * 60 * 1_000;

/// What is seen of a notification.
#[derive(Debug, Clone)]
pub(super) struct Seen<'a> {
    pub(super) context: &'a str,
    pub(super) path: &'a str,
    pub(super) source: &'a str,
    pub(super) state: AlarmState,
    pub(super) message: &'a str,
    pub(super) silenced: bool,
    pub(super) acknowledged: bool,
    /// ISO 8601.
    pub(super) now: &'a str,
}

/// The changes, and what has to be written of them.
#[derive(Debug)]
pub(super) struct Entries {
    own: String,
    /// Those that are being recalled.
    recalling: BTreeMap<u64, AlarmEntry>,
    /// The oldest first.
    kept: VecDeque<Arc<AlarmEntry>>,
    bytes: usize,
    last: u64,
    open: HashMap<[String; 3], Open, RandomState>,
    open_of_others: usize,
    /// Changed since it was written.
    unsaved: BTreeSet<u64>,
    /// The whole file is to be written.
    pub(super) rewrite: bool,
}

/// A notification that is not normal.
#[derive(Debug)]
struct Open {
    /// Of the own ship.
    own: bool,
    state: AlarmState,
    raised: String,
    entry: u64,
    /// It was so when the server stopped, and was not seen since.
    recalled: bool,
}

impl Entries {
    /// None yet. `own` is the context of the own ship.
    pub(super) fn new(own: &str) -> Self {
        Self {
            own: own.to_owned(),
            recalling: BTreeMap::new(),
            kept: VecDeque::new(),
            bytes: 0,
            last: 0,
            open: HashMap::default(),
            open_of_others: 0,
            unsaved: BTreeSet::new(),
            rewrite: false,
        }
    }

    /// Whose context this is: the own ship's, as it is called now.
    pub(super) fn is_own(&self, context: &str) -> bool {
        context == self.own
    }

    /// One that was written; a later one of the same number takes its place. They may come in any order.
    ///
    /// # Errors
    /// Its number can't be one, in words for the log.
    pub(super) fn recall(&mut self, entry: AlarmEntry) -> Result<(), String> {
        if entry.id > MAX_ID {
            return Err(format!("the id {} is too large", entry.id));
        }
        self.recalling.insert(entry.id, entry);
        Ok(())
    }

    /// All that were written are recalled: what was active then is the same alarm when it is seen again.
    pub(super) fn recalled(&mut self) {
        for (id, entry) in std::mem::take(&mut self.recalling) {
            self.last = id;
            self.push(entry);
        }
        self.unsaved.clear();
        let open: Vec<_> = self.kept.iter().filter(|entry| entry.is_open()).cloned().collect();
        for entry in open {
            let key = [entry.context.clone(), entry.path.clone(), entry.source.clone()];
            let (own, state, raised) = (entry.own, entry.state, entry.raised.clone());
            let open = Open { own, state, raised, entry: entry.id, recalled: true };
            self.insert_open(key, open);
        }
    }

    /// What was done not long before `now` about alarms that were active when the server stopped. What is of later than that is of a clock
    /// that is wrong, then or now, and does not count: better one alarm too many.
    pub(super) fn attended(&self, now: &Timestamp) -> Vec<AttendedAlarm> {
        let counts = |when: &Option<String>| {
            let when = when.as_deref().and_then(Timestamp::from_text).and_then(|when| when.as_millis());
            when.zip(now.as_millis()).is_some_and(|(when, now)| when <= now && now - when <= ATTENDED)
        };
        let attended = |entry: &Arc<AlarmEntry>| {
            let acknowledged = entry.acknowledged.clone().filter(|_| counts(&entry.acknowledged));
            let attention = Attention { silenced: counts(&entry.silenced), acknowledged };
            (entry.is_open() && attention != Attention::default()).then(|| AttendedAlarm {
                names: [entry.context.clone(), entry.path.clone(), entry.source.clone()],
                state: entry.state,
                attention,
            })
        };
        self.kept.iter().filter_map(attended).collect()
    }

    /// A notification is told. Returns whether something of it is new.
    pub(super) fn see(&mut self, seen: &Seen<'_>) -> bool {
        let key = [seen.context.to_owned(), seen.path.to_owned(), seen.source.to_owned()];
        let before = self.open.get_mut(&key).map(|open| {
            open.recalled = false;
            (open.state, open.raised.clone(), open.entry)
        });
        match before {
            // What has always been normal is no news.
            None if !seen.state.is_active() => false,
            Some((state, _, entry)) if state == seen.state => self.attend(entry, seen),
            before => {
                let from = before.as_ref().map_or(AlarmState::Normal, |(state, ..)| *state);
                let raised = before.as_ref().map_or(seen.now, |(_, raised, _)| raised.as_str()).to_owned();
                if let Some((.., entry)) = before {
                    self.end(entry, seen.now, false);
                    self.remove_open(&key);
                }
                let own = self.is_own(seen.context);
                self.last = self.last.saturating_add(1);
                let id = self.last;
                if seen.state.is_active() {
                    let open = Open { own, state: seen.state, raised: raised.clone(), entry: id, recalled: false };
                    if !self.insert_open(key, open) {
                        return false;
                    }
                }
                self.push(AlarmEntry {
                    id,
                    time: seen.now.to_owned(),
                    context: seen.context.to_owned(),
                    own,
                    path: seen.path.to_owned(),
                    source: seen.source.to_owned(),
                    from,
                    state: seen.state,
                    message: short(seen.message),
                    raised,
                    silenced: None,
                    acknowledged: None,
                    ended: None,
                    lost: false,
                });
                self.attend(id, seen);
                true
            }
        }
    }

    /// Ends what was active before the start and was not seen since. Returns whether there was any.
    pub(super) fn end_lost(&mut self, now: &str) -> bool {
        let lost: Vec<_> = self.open.iter().filter(|(_, open)| open.recalled).map(|(key, _)| key.clone()).collect();
        for key in &lost {
            if let Some(open) = self.remove_open(key) {
                self.end(open.entry, now, true);
            }
        }
        !lost.is_empty()
    }

    /// Forgets all but what is active.
    pub(super) fn clear(&mut self) {
        self.kept.retain(|entry| entry.is_open());
        self.bytes = self.kept.iter().map(|entry| entry.bytes()).sum();
        self.rewrite = true;
    }

    /// All, the newest first.
    pub(super) fn newest_first(&self) -> Vec<Arc<AlarmEntry>> {
        self.kept.iter().rev().cloned().collect()
    }

    /// What is to be written, which counts as written from now on: all, or what has changed.
    pub(super) fn take_unsaved(&mut self) -> (bool, Vec<Arc<AlarmEntry>>) {
        let unsaved = std::mem::take(&mut self.unsaved);
        if std::mem::take(&mut self.rewrite) {
            return (true, self.kept.iter().cloned().collect());
        }
        let changed = unsaved.iter().filter_map(|id| Some(self.kept[self.position(*id)?].clone()));
        (false, changed.collect())
    }

    /// Notes what was done about the alarm that an entry is about.
    fn attend(&mut self, id: u64, seen: &Seen<'_>) -> bool {
        self.change(id, |entry| {
            note(&mut entry.silenced, seen.silenced, seen.now);
            note(&mut entry.acknowledged, seen.acknowledged, seen.now);
        })
    }

    fn end(&mut self, id: u64, now: &str, lost: bool) {
        self.change(id, |entry| {
            entry.ended = Some(now.to_owned());
            entry.lost = lost;
        });
    }

    fn change(&mut self, id: u64, change: impl FnOnce(&mut AlarmEntry)) -> bool {
        let Some(at) = self.position(id) else { return false };
        let mut entry = AlarmEntry::clone(&self.kept[at]);
        change(&mut entry);
        let is_new = *self.kept[at] != entry;
        if is_new {
            self.kept[at] = Arc::new(entry);
            self.unsaved.insert(id);
        }
        is_new
    }

    fn position(&self, id: u64) -> Option<usize> {
        self.kept.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    fn push(&mut self, entry: AlarmEntry) {
        self.bytes += entry.bytes();
        self.unsaved.insert(entry.id);
        let entry = Arc::new(entry);
        self.kept.push_back(entry.clone());
        let of_one = |other: &AlarmEntry| {
            other.path == entry.path && other.context == entry.context && other.source == entry.source
        };
        self.keep_only(MAX_OF_ONE, of_one);
        if !entry.own {
            self.keep_only(MAX_OF_OTHERS, |other| !other.own);
        }
        while self.kept.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            self.remove(0);
        }
    }

    /// Removes the oldest of those that are like this, when there are too many.
    fn keep_only(&mut self, most: usize, is: impl Fn(&AlarmEntry) -> bool) {
        if self.kept.iter().filter(|entry| is(entry)).count() > most
            && let Some(at) = self.kept.iter().position(|entry| is(entry))
        {
            self.remove(at);
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(entry) = self.kept.remove(at) {
            self.bytes -= entry.bytes();
            self.unsaved.remove(&entry.id);
        }
    }

    /// Follows an alarm, unless there are too many.
    fn insert_open(&mut self, key: [String; 3], open: Open) -> bool {
        let others = !open.own;
        if others && self.open_of_others >= MAX_OPEN {
            // Ships that have sailed out of sight end nothing.
            self.open.retain(|_, open| open.own);
            self.open_of_others = 0;
        }
        if !others && self.open.len() - self.open_of_others >= MAX_OPEN {
            log::warn!("{}: not in the history of alarms; more than {MAX_OPEN} are active", key[1]);
            return false;
        }
        if let Some(former) = self.open.insert(key, open) {
            self.open_of_others -= usize::from(!former.own);
        }
        self.open_of_others += usize::from(others);
        true
    }

    fn remove_open(&mut self, key: &[String; 3]) -> Option<Open> {
        let open = self.open.remove(key)?;
        self.open_of_others -= usize::from(!open.own);
        Some(open)
    }
}

/// When something was done that is done, or was not.
fn note(when: &mut Option<String>, done: bool, now: &str) {
    match done {
        true if when.is_none() => *when = Some(now.to_owned()),
        false => *when = None,
        true => {}
    }
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
