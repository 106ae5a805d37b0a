//! What is remembered of zones over a restart: in which zone a path was, and the alarm that said so.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Mutex, watch};
use windlass_store::Document;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(500);
/// How long after a refusal of the disk it is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// A path that was in a zone when the server stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedZone {
    /// The zone as configured then.
    pub zone: Value,
    /// When its notification was made.
    pub timestamp: String,
    /// The notification.
    pub notification: Value,
}

/// `serverstate/zones.json`: path → [`SavedZone`].
#[derive(Debug, Clone)]
pub struct ZoneMemory {
    saved: watch::Sender<BTreeMap<String, SavedZone>>,
    file: Option<Arc<MemoryFile>>,
}

#[derive(Debug)]
struct MemoryFile {
    document: Document,
    /// What the file has; `None` when that is not known. Held while it is written.
    written: Mutex<Option<BTreeMap<String, SavedZone>>>,
}

impl ZoneMemory {
    /// Remembers nothing over a restart.
    pub fn volatile() -> Self {
        Self { saved: watch::Sender::new(BTreeMap::new()), file: None }
    }

    /// Reads what is remembered below a configuration directory. Damage is logged and costs the memory, not the start.
    pub fn load(config_dir: &FilePath) -> Self {
        let directory = config_dir.join("serverstate");
        let document = Document::new(directory.join("zones.json"));
        let loaded = windlass_store::create_directory(&directory).and_then(|()| document.load(|_| Ok(())));
        let saved: BTreeMap<_, _> = match loaded {
            Ok(loaded) => {
                let (value, problem) = loaded.into_parts();
                if let Some(problem) = problem {
                    log::error!("{problem}; alarms of zones that are not in it are made anew by the next values");
                }
                value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
            }
            Err(error) => {
                log::error!(
                    "{} can't be read: {error}; alarms of zones may not survive a restart",
                    document.path().display()
                );
                BTreeMap::new()
            }
        };
        let written = Mutex::new(Some(saved.clone()));
        Self { saved: watch::Sender::new(saved), file: Some(Arc::new(MemoryFile { document, written })) }
    }

    /// What is remembered.
    pub fn saved(&self) -> BTreeMap<String, SavedZone> {
        self.saved.borrow().clone()
    }

    pub(super) fn remember(&self, path: &str, saved: Option<SavedZone>) {
        self.saved.send_if_modified(|all| match saved {
            Some(saved) => all.insert(path.to_owned(), saved.clone()) != Some(saved),
            None => all.remove(path).is_some(),
        });
    }

    /// Writes each change soon after it, and again and again if the disk refuses. Never ends.
    pub async fn save_changes(&self) {
        let mut changes = self.saved.subscribe();
        while changes.changed().await.is_ok() {
            tokio::time::sleep(GATHER).await;
            while !self.flush().await {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// Writes what is not written yet, before the server stops. Returns whether the file is up to date; a refusal is logged.
    pub async fn flush(&self) -> bool {
        let Some(file) = self.file.clone() else { return true };
        let mut written = file.written.lock().await;
        let all = self.saved();
        if written.as_ref() == Some(&all) {
            return true;
        }
        let writing = file.clone();
        let json = serde_json::to_value(&all).unwrap_or_default();
        match tokio::task::spawn_blocking(move || writing.document.save(&json)).await {
            Ok(Ok(())) => {
                *written = Some(all);
                true
            }
            Ok(Err(error)) => {
                log::error!("{} can't be saved: {error}; it is tried again", file.document.path().display());
                *written = None;
                false
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_is_flushed_is_there_at_the_next_start_and_a_refusal_is_tried_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let memory = ZoneMemory::load(directory.path());
        let saved = SavedZone { zone: json!({}), timestamp: "t".into(), notification: json!({"state": "alarm"}) };
        memory.remember("a.b", Some(saved.clone()));
        assert!(memory.flush().await);
        assert_eq!(ZoneMemory::load(directory.path()).saved(), BTreeMap::from([("a.b".to_owned(), saved)]));

        let folder = directory.path().join("serverstate");
        std::fs::remove_dir_all(&folder).expect("removed");
        std::fs::write(&folder, "in the way").expect("a file");
        memory.remember("a.b", None);
        assert!(!memory.flush().await);
        std::fs::remove_file(&folder).expect("removed");
        std::fs::create_dir(&folder).expect("a directory");
        assert!(memory.flush().await);
        assert_eq!(ZoneMemory::load(directory.path()).saved(), BTreeMap::new());
    }
}
