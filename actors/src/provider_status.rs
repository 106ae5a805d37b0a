//! What connections and plugins say of themselves: the entries of the event `PROVIDERSTATUS` (server-admin-api §14).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;
use windlass_broker::Timestamp;

/// Longest status text that is kept, in characters.
const MAX_MESSAGE: usize = 500;

/// Who a status is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusSubject {
    /// A data connection.
    Provider,
    /// A plugin.
    Plugin,
}

/// Whether it is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusKind {
    /// It works, or is about to.
    Status,
    /// It does not.
    Error,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderStatus {
    /// The connection or plugin.
    pub id: String,
    /// Good news or bad.
    #[serde(rename = "type")]
    pub kind: StatusKind,
    /// Connection or plugin.
    pub status_type: StatusSubject,
    /// The text.
    pub message: String,
    /// Since when.
    pub time_stamp: Timestamp,
    /// The latest error before this entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_time_stamp: Option<Timestamp>,
}

/// All entries, shared by those who report and those who show.
#[derive(Debug, Clone)]
pub struct StatusBoard {
    entries: Arc<Mutex<BTreeMap<String, ProviderStatus>>>,
    changed: Arc<watch::Sender<u64>>,
}

impl Default for StatusBoard {
    fn default() -> Self {
        Self { entries: Arc::default(), changed: Arc::new(watch::Sender::new(0)) }
    }
}

impl StatusBoard {
    /// Sets an entry. When it replaces an error, the old text stays readable as `lastError`; an empty text removes the entry.
    pub fn set(&self, id: &str, status_type: StatusSubject, kind: StatusKind, message: &str) {
        let mut entries = self.lock();
        let earlier = entries.remove(id);
        if !message.is_empty() {
            let message: String = message.chars().take(MAX_MESSAGE).collect();
            let time_stamp = match &earlier {
                Some(same) if same.kind == kind && same.message == message => {
                    entries.insert(id.to_owned(), same.clone());
                    return;
                }
                _ => Timestamp::now(),
            };
            let (last_error, last_error_time_stamp) = match earlier {
                Some(e) if e.kind == StatusKind::Error => (Some(e.message), Some(e.time_stamp)),
                Some(e) => (e.last_error, e.last_error_time_stamp),
                None => (None, None),
            };
            let id = id.to_owned();
            let entry =
                ProviderStatus { id, kind, status_type, message, time_stamp, last_error, last_error_time_stamp };
            entries.insert(entry.id.clone(), entry);
        }
        drop(entries);
        self.changed.send_modify(|version| *version += 1);
    }

    /// All entries, by id.
    pub fn all(&self) -> Vec<ProviderStatus> {
        self.lock().values().cloned().collect()
    }

    /// The entry of one connection or plugin.
    pub fn get(&self, id: &str) -> Option<ProviderStatus> {
        self.lock().get(id).cloned()
    }

    /// Wakes whoever shows the entries when one has changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ProviderStatus>> {
        // The map is whole between any two statements above, also after a panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_remembered_when_better_news_replace_it() {
        // ABI-94
        let board = StatusBoard::default();
        let set = |kind, text| board.set("gps", StatusSubject::Provider, kind, text);
        set(StatusKind::Error, "no route");
        set(StatusKind::Status, "Connected");
        set(StatusKind::Status, "Connected to the GPS");
        let entry = board.get("gps").expect("an entry");
        assert_eq!(entry.last_error.as_deref(), Some("no route"));
        assert_eq!(entry.message, "Connected to the GPS");
        set(StatusKind::Status, "");
        assert_eq!(board.all(), []);
    }
}
