//! What is remembered of zones over a restart: in which zone a path was, and the alarm that said so.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use windlass_store::Document;

/// How long changes are gathered before they are written.
const GATHER: Duration = Duration::from_millis(500);

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
pub struct ZoneMemory(watch::Sender<BTreeMap<String, SavedZone>>);

impl ZoneMemory {
    /// Remembers nothing over a restart.
    pub fn volatile() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    /// Reads what is remembered below a configuration directory. Damage is logged and costs the memory, not the start.
    pub fn load(config_dir: &FilePath) -> (Self, Document) {
        let directory = config_dir.join("serverstate");
        let document = Document::new(directory.join("zones.json"));
        let loaded = std::fs::create_dir_all(&directory).and_then(|()| document.load(|_| Ok(())));
        let saved = match loaded {
            Ok(loaded) => {
                let (value, problem) = loaded.into_parts();
                if let Some(problem) = problem {
                    log::error!("{problem}; alarms of zones that are not in it are made anew by the next values");
                }
                value.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
            }
            Err(error) => {
                log::error!(
                    "{} can't be read: {error}; alarms of zones don't survive a restart",
                    document.path().display()
                );
                BTreeMap::new()
            }
        };
        (Self(watch::Sender::new(saved)), document)
    }

    /// What is remembered.
    pub fn saved(&self) -> BTreeMap<String, SavedZone> {
        self.0.borrow().clone()
    }

    pub(super) fn remember(&self, path: &str, saved: Option<SavedZone>) {
        self.0.send_if_modified(|all| match saved {
            Some(saved) => all.insert(path.to_owned(), saved.clone()) != Some(saved),
            None => all.remove(path).is_some(),
        });
    }

    /// Writes each change to the document, soon after it. Ends when the last memory is dropped.
    pub async fn save_changes(&self, document: Document) {
        let mut changes = self.0.subscribe();
        let document = std::sync::Arc::new(document);
        while changes.changed().await.is_ok() {
            tokio::time::sleep(GATHER).await;
            let all = serde_json::to_value(&*changes.borrow_and_update()).unwrap_or_default();
            let writing = document.clone();
            let saved = tokio::task::spawn_blocking(move || writing.save(&all)).await;
            if let Ok(Err(error)) = saved {
                log::error!("{} can't be saved: {error}", document.path().display());
            }
        }
    }
}
