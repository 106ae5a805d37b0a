//! What everybody reads, and the file that it is kept in.

use std::path::Path as FilePath;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::Instant;
use windlass_broker::Timestamp;
use windlass_store::Journal;

use super::entries::{Entries, Seen};
use super::entry::AlarmEntry;
use crate::notifications::AttendedAlarm;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_secs(1);
/// How long after one writing the next one comes at the earliest: an alarm that flaps wears out no memory card.
const BETWEEN: Duration = Duration::from_secs(10);
/// How long after a refusal of the disk it is tried again.
const AGAIN: Duration = Duration::from_secs(30);
/// A file of this size, in bytes, is written anew without what is outdated in it.
const MAX_FILE: u64 = 2 * 1024 * 1024;
/// No file of ours is as large, in bytes.
const MAX_READ: u64 = 4 * MAX_FILE;

/// The history of the alarms. Clones share it.
#[derive(Debug, Clone)]
pub struct AlarmHistory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Mutex<Entries>,
    changed: Notify,
    file: Option<AsyncMutex<File>>,
}

#[derive(Debug)]
struct File {
    journal: Arc<Journal>,
    /// Its size, in bytes.
    bytes: u64,
    /// There is a file that could not be read. Nothing is written before it is out of the way.
    in_the_way: bool,
    /// The disk refused last time, which is logged once.
    refused: bool,
}

impl AlarmHistory {
    /// Begins empty and is written nowhere. `own` is the context of the own ship.
    pub fn volatile(own: &str) -> Self {
        Self::of(Entries::new(own), None)
    }

    /// Reads what is kept below a configuration directory. Damage is logged and costs what is damaged, not the start.
    pub fn load(config_dir: &FilePath, own: &str) -> Self {
        let directory = config_dir.join("serverstate");
        let journal = Journal::new(directory.join("alarms.jsonl"));
        let mut entries = Entries::new(own);
        let read = windlass_store::create_directory(&directory).and_then(|()| {
            journal.load(MAX_READ, |value| {
                let mut entry = AlarmEntry::deserialize(&value).map_err(|error| error.to_string())?;
                if value.get("own").is_none() {
                    entry.own = entries.is_own(&entry.context);
                }
                entries.recall(entry)
            })
        });
        entries.recalled();
        let (bytes, in_the_way) = match read {
            Ok(read) => {
                if let Some(problem) = read.problem {
                    log::warn!("{problem}; the history of alarms goes on with what can be read");
                    entries.rewrite = true;
                }
                (read.bytes, false)
            }
            Err(error) => {
                let aside = journal.set_aside();
                let (file, kept) = (
                    journal.path().display(),
                    match &aside {
                        Ok(Some(aside)) => format!("the file is kept as {}", aside.display()),
                        Ok(None) => "there is no file".to_owned(),
                        Err(error) => format!(
                            "it can't be renamed ({error}) and stays; nothing is written until it is out of the way"
                        ),
                    },
                );
                log::error!("{file} can't be read: {error}; {kept}; the history of alarms begins anew");
                // What was read before that is in the file that is kept.
                entries = Entries::new(own);
                entries.rewrite = true;
                (0, aside.is_err())
            }
        };
        Self::of(entries, Some(File { journal: Arc::new(journal), bytes, in_the_way, refused: false }))
    }

    fn of(entries: Entries, file: Option<File>) -> Self {
        let inner = Inner { entries: Mutex::new(entries), changed: Notify::new(), file: file.map(AsyncMutex::new) };
        Self(Arc::new(inner))
    }

    /// All changes, the newest first.
    pub fn newest_first(&self) -> Vec<Arc<AlarmEntry>> {
        self.entries().newest_first()
    }

    /// What was done about alarms that were active when the server stopped.
    pub fn attended(&self) -> Vec<AttendedAlarm> {
        self.entries().attended(&Timestamp::now())
    }

    /// Forgets all but what is active, for good. Returns whether that is written.
    pub async fn clear(&self) -> bool {
        self.entries().clear();
        self.0.changed.notify_one();
        self.flush().await
    }

    /// A notification is told.
    pub(super) fn see(&self, seen: &Seen<'_>) {
        if self.entries().see(seen) {
            self.0.changed.notify_one();
        }
    }

    /// Whoever was to raise alarms of before the start again has had the time for it.
    pub(super) fn end_lost(&self, now: &str) {
        if self.entries().end_lost(now) {
            self.0.changed.notify_one();
        }
    }

    /// Writes changes soon after they come, many together, and again and again if the disk refuses. Never ends.
    pub async fn save_changes(&self) {
        loop {
            self.0.changed.notified().await;
            tokio::time::sleep(GATHER).await;
            let next = Instant::now() + BETWEEN;
            while !self.flush().await {
                tokio::time::sleep(AGAIN).await;
            }
            tokio::time::sleep_until(next).await;
        }
    }

    /// Writes what is not written yet, before the server stops. Returns whether the file is up to date; a refusal is logged.
    pub async fn flush(&self) -> bool {
        let Some(file) = &self.0.file else { return true };
        let mut file = file.lock().await;
        let (whole, entries) = {
            let mut entries = self.entries();
            entries.rewrite |= file.bytes > MAX_FILE;
            entries.take_unsaved()
        };
        if entries.is_empty() && !whole {
            return true;
        }
        let (journal, in_the_way) = (file.journal.clone(), file.in_the_way);
        let written = tokio::task::spawn_blocking(move || {
            if in_the_way {
                journal.set_aside()?;
            }
            let mut text = Vec::new();
            for entry in entries {
                serde_json::to_writer(&mut text, &*entry)?;
                text.push(b'\n');
            }
            if whole {
                journal.replace(&text)?
            } else {
                journal.append(&text)?
            }
            Ok::<_, std::io::Error>(text.len() as u64)
        });
        let problem = match written.await {
            Ok(Ok(bytes)) => {
                file.bytes = if whole { bytes } else { file.bytes + bytes };
                file.in_the_way = false;
                if std::mem::take(&mut file.refused) {
                    log::info!("{} is saved again", file.journal.path().display());
                }
                return true;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the server is shutting down".to_owned(),
        };
        // A part of the lines may be there.
        self.entries().rewrite = true;
        if !std::mem::replace(&mut file.refused, true) {
            log::error!(
                "{} can't be saved: {problem}; the history of alarms goes on in memory and it is tried again; see that the disk has room and can be written",
                file.journal.path().display()
            );
        }
        false
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::notifications::AlarmState;

    const OWN: &str = "vessels.self";

    fn see(history: &AlarmHistory, path: &str, state: AlarmState) {
        let (source, message, now) = ("s", "m", "2026-01-01T00:00:00.000Z");
        history.see(&Seen { context: OWN, path, source, state, message, silenced: false, acknowledged: false, now });
    }

    fn paths(history: &AlarmHistory) -> Vec<String> {
        history.newest_first().iter().map(|entry| format!("{} {:?}", entry.path, entry.state)).collect()
    }

    #[tokio::test]
    async fn what_is_flushed_is_there_at_the_next_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        see(&history, "a", AlarmState::Alarm);
        assert!(history.flush().await);
        see(&history, "a", AlarmState::Normal);
        see(&history, "b", AlarmState::Warn);
        assert!(history.flush().await);
        let again = AlarmHistory::load(directory.path(), OWN);
        assert_eq!(again.newest_first(), history.newest_first());
        assert_eq!(paths(&again), ["b Warn", "a Normal", "a Alarm"]);
        assert!(again.clear().await);
        assert_eq!(paths(&AlarmHistory::load(directory.path(), OWN)), ["b Warn"], "what is active stays");
    }

    #[tokio::test]
    async fn a_damaged_file_costs_what_is_damaged() {
        let directory = tempfile::tempdir().expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        for path in ["a", "b", "c"] {
            see(&history, path, AlarmState::Alarm);
        }
        assert!(history.flush().await);
        let file = directory.path().join("serverstate/alarms.jsonl");
        let text = fs::read_to_string(&file).expect("the file");
        let lines: Vec<_> = text.lines().collect();
        for (damaged, expected) in [
            (format!("{}\n{}\n{}", lines[0], lines[1], &lines[2][..40]), vec!["b Alarm", "a Alarm"]),
            (format!("{}\nnonsense\n{}\n", lines[0], lines[2]), vec!["c Alarm", "a Alarm"]),
            (format!("{{\"id\": 7}}\n{}\n", lines[1]), vec!["b Alarm"]),
            ("\0".repeat(400), vec![]),
        ] {
            fs::write(&file, &damaged).expect("written");
            let history = AlarmHistory::load(directory.path(), OWN);
            assert_eq!(paths(&history), expected, "{damaged}");
            see(&history, "d", AlarmState::Alarm);
            assert!(history.flush().await);
            let kept = paths(&AlarmHistory::load(directory.path(), OWN));
            assert_eq!((kept[0].as_str(), &kept[1..]), ("d Alarm", &paths(&history)[1..]), "it is whole again");
        }
    }

    #[tokio::test]
    async fn what_cant_be_read_is_kept_and_not_written_over() {
        let directory = tempfile::tempdir().expect("a directory");
        let folder = directory.path().join("serverstate");
        let file = folder.join("alarms.jsonl");
        // Reading a directory is refused, also to those who may read everything.
        fs::create_dir_all(file.join("kept")).expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        assert!(folder.join("alarms.jsonl.unreadable/kept").exists());
        see(&history, "a", AlarmState::Alarm);
        assert!(history.flush().await);
        assert_eq!(paths(&AlarmHistory::load(directory.path(), OWN)), ["a Alarm"]);

        // Where it can't be renamed, it stays until somebody has made room.
        fs::remove_file(&file).expect("removed");
        fs::create_dir_all(file.join("kept")).expect("a directory");
        for number in 2..=9 {
            fs::write(folder.join(format!("alarms.jsonl.unreadable{number}")), "").expect("a file");
        }
        let history = AlarmHistory::load(directory.path(), OWN);
        see(&history, "b", AlarmState::Alarm);
        assert!(!history.flush().await && file.join("kept").exists());
        fs::remove_file(folder.join("alarms.jsonl.unreadable5")).expect("removed");
        assert!(history.flush().await && folder.join("alarms.jsonl.unreadable5/kept").exists());
        see(&history, "c", AlarmState::Alarm);
        assert!(history.flush().await);
        assert_eq!(paths(&AlarmHistory::load(directory.path(), OWN)), ["c Alarm", "b Alarm"]);
    }

    #[tokio::test]
    async fn whose_it_was_is_kept_and_of_old_files_guessed() {
        let directory = tempfile::tempdir().expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        see(&history, "a", AlarmState::Alarm);
        assert!(history.flush().await);
        let own = |history: &AlarmHistory| history.newest_first()[0].own;
        assert!(own(&AlarmHistory::load(directory.path(), "vessels.renamed")));
        let file = directory.path().join("serverstate/alarms.jsonl");
        let old = fs::read_to_string(&file).expect("the file").replace(r#""own":true,"#, "");
        fs::write(&file, old).expect("written");
        assert!(own(&AlarmHistory::load(directory.path(), OWN)));
        assert!(!own(&AlarmHistory::load(directory.path(), "vessels.renamed")));
    }

    #[tokio::test]
    async fn a_full_disk_costs_nothing_when_there_is_room_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        see(&history, "a", AlarmState::Alarm);
        assert!(history.flush().await);
        let folder = directory.path().join("serverstate");
        fs::rename(&folder, directory.path().join("away")).expect("moved");
        fs::write(&folder, "in the way").expect("a file");
        see(&history, "b", AlarmState::Alarm);
        assert!(!history.flush().await && !history.flush().await);
        assert_eq!(paths(&history), ["b Alarm", "a Alarm"]);
        fs::remove_file(&folder).expect("removed");
        fs::create_dir(&folder).expect("a directory");
        assert!(history.flush().await);
        assert_eq!(paths(&AlarmHistory::load(directory.path(), OWN)), ["b Alarm", "a Alarm"]);
    }

    #[tokio::test]
    async fn the_file_does_not_grow_for_ever() {
        let directory = tempfile::tempdir().expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        let file = directory.path().join("serverstate/alarms.jsonl");
        let mut largest = 0;
        for round in 0..60 {
            for number in 0..250 {
                see(&history, &format!("a.{round}.{number}"), AlarmState::Alarm);
                see(&history, &format!("a.{round}.{number}"), AlarmState::Normal);
            }
            assert!(history.flush().await);
            largest = largest.max(fs::metadata(&file).expect("the file").len());
        }
        let now = fs::metadata(&file).expect("the file").len();
        assert!(largest > MAX_FILE && largest < MAX_FILE + 300_000 && now < largest, "{largest}, {now}");
        let kept = AlarmHistory::load(directory.path(), OWN);
        assert_eq!(kept.newest_first(), history.newest_first());
    }

    #[tokio::test(start_paused = true)]
    async fn a_flapping_alarm_is_written_seldom() {
        let directory = tempfile::tempdir().expect("a directory");
        let history = AlarmHistory::load(directory.path(), OWN);
        let file = directory.path().join("serverstate/alarms.jsonl");
        let saving = tokio::spawn({
            let history = history.clone();
            async move { history.save_changes().await }
        });
        let (mut writes, mut size) = (0, 0);
        for flap in 0..600 {
            see(&history, "a", if flap % 2 == 0 { AlarmState::Alarm } else { AlarmState::Normal });
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = fs::metadata(&file).map_or(0, |metadata| metadata.len());
            writes += u32::from(now != size);
            size = now;
        }
        saving.abort();
        assert!((2..=7).contains(&writes), "{writes} times in a minute");
    }
}
