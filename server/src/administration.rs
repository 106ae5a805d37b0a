//! What the administration needs besides the bus: the files that it changes, and the end of the process (server-admin-api §3, §5, §8, §9, §12).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Addr;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore, watch};
use windlass_actors::data_model::DataModel;

use crate::application_data::ApplicationData;
use crate::identity::VesselFile;
use crate::settings::Settings;

/// Time between the answer to a request to end and the end of the process.
const BEFORE_END: Duration = Duration::from_secs(2);
/// Most archives that are packed at the same time.
const PACKING: usize = 2;

/// What is administered, shared by the HTTP workers.
#[derive(Debug)]
pub struct Administration {
    /// The configuration directory.
    pub directory: PathBuf,
    /// What the settings are where settings.json says nothing.
    pub defaults: DefaultSettings,
    /// The own ship's static data.
    pub vessel: VesselFile,
    /// What web apps keep.
    pub application_data: ApplicationData,
    /// Who takes sources out of the data model.
    pub model: Addr<DataModel>,
    /// Held while a connection is changed, in the file and on the bus.
    pub changing_connections: Mutex<()>,
    /// Held while priorities are changed, in the file and on the bus.
    pub changing_priorities: Mutex<()>,
    /// Archives that may be packed at the same time: each takes a thread for as long as its client does.
    pub packing: Arc<Semaphore>,
    /// The backup that an admin has uploaded last.
    pub uploaded: Mutex<Option<UploadedBackup>>,
    ending: watch::Sender<Option<Ending>>,
}

/// Why an admin ends the process. Its exit code is 0 in both cases: it ends well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Whoever supervises the process is to start it anew.
    Restart,
    /// It is to stay away until somebody starts it.
    Shutdown,
}

/// A backup that waits for its admin to choose what to restore.
#[derive(Debug)]
pub struct UploadedBackup {
    /// What the admin has to show.
    pub session: String,
    /// Until when it is kept.
    pub until: Instant,
    /// The archive; it has no name, and is gone with this.
    pub file: std::fs::File,
}

/// The settings of which settings.json may say something else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DefaultSettings {
    /// The port of plain HTTP.
    pub port: u16,
    /// The port of TLS.
    pub ssl_port: u16,
    /// Milliseconds between two pings of a stream client.
    pub ws_ping_interval: u64,
    /// Minutes after which silent contexts are forgotten.
    pub prune_contexts_minutes: f64,
}

impl From<&Settings> for DefaultSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            port: settings.port,
            ssl_port: settings.ssl_port,
            ws_ping_interval: settings.ws_ping_interval,
            prune_contexts_minutes: settings.prune_contexts_minutes,
        }
    }
}

impl Administration {
    /// The administration of a configuration directory.
    pub fn new(directory: &Path, defaults: DefaultSettings, vessel: VesselFile, model: Addr<DataModel>) -> Self {
        Self {
            directory: directory.to_owned(),
            defaults,
            vessel,
            application_data: ApplicationData::below(directory.join("applicationData")),
            model,
            changing_connections: Mutex::default(),
            changing_priorities: Mutex::default(),
            packing: Arc::new(Semaphore::new(PACKING)),
            uploaded: Mutex::default(),
            ending: watch::Sender::new(None),
        }
    }

    /// Ends the process in a moment. What was asked for first counts.
    pub fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|wanted| {
            let is_first = wanted.is_none();
            wanted.get_or_insert(ending);
            is_first
        });
    }

    /// Resolves when an end was asked for, and its answer had time to leave.
    pub async fn ended(&self) -> Ending {
        let mut wanted = self.ending.subscribe();
        let ending = match wanted.wait_for(Option::is_some).await.map(|wanted| *wanted) {
            Ok(Some(ending)) => ending,
            // The sender lives as long as this does, and waited for is that there is something.
            _ => std::future::pending().await,
        };
        tokio::time::sleep(BEFORE_END).await;
        ending
    }
}

/// `loggingDirectory` of settings.json, else the configuration directory (signalk-v1 §14).
pub fn logging_directory(directory: &Path, reference: &Map<String, Value>) -> PathBuf {
    let named = reference.get("loggingDirectory").and_then(Value::as_str).filter(|name| !name.is_empty());
    // A relative name starts at the configuration directory.
    named.map_or_else(|| directory.to_owned(), |name| directory.join(name))
}
