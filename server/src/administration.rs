//! What the administration needs besides the bus: the files that it changes, and the restart (server-admin-api §3, §5, §8, §9, §12).

use std::path::{Path, PathBuf};
use std::time::Duration;

use actix::Addr;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, watch};
use windlass_actors::data_model::DataModel;

use crate::application_data::ApplicationData;
use crate::identity::VesselFile;
use crate::settings::Settings;

/// Time between the answer to a request for a restart and the end of the process.
const BEFORE_RESTART: Duration = Duration::from_secs(2);

/// What is administered, shared by the HTTP workers.
#[derive(Debug)]
pub struct Administration {
    /// The configuration directory.
    pub directory: PathBuf,
    /// Where the logs of received data are.
    pub logging_directory: PathBuf,
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
    restart: watch::Sender<bool>,
}

/// The settings of which settings.json may say something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultSettings {
    /// The port of plain HTTP.
    pub port: u16,
    /// Milliseconds between two pings of a stream client.
    pub ws_ping_interval: u64,
    /// Minutes after which silent contexts are forgotten.
    pub prune_contexts_minutes: u64,
}

impl From<&Settings> for DefaultSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            port: settings.port,
            ws_ping_interval: settings.ws_ping_interval,
            prune_contexts_minutes: settings.prune_contexts_minutes,
        }
    }
}

impl Administration {
    /// The administration of a configuration directory; `reference` is settings.json as it was at the start.
    pub fn new(
        directory: &Path,
        reference: &Map<String, Value>,
        defaults: DefaultSettings,
        vessel: VesselFile,
        model: Addr<DataModel>,
    ) -> Self {
        Self {
            directory: directory.to_owned(),
            logging_directory: logging_directory(directory, reference),
            defaults,
            vessel,
            application_data: ApplicationData::below(directory.join("applicationData")),
            model,
            changing_connections: Mutex::default(),
            changing_priorities: Mutex::default(),
            restart: watch::Sender::new(false),
        }
    }

    /// Ends the process in a moment, so that whoever supervises it starts it anew.
    pub fn restart(&self) {
        self.restart.send_replace(true);
    }

    /// Resolves when a restart was asked for, and its answer had time to leave.
    pub async fn restarted(&self) {
        // The sender lives as long as this does.
        let _ = self.restart.subscribe().wait_for(|wanted| *wanted).await;
        tokio::time::sleep(BEFORE_RESTART).await;
    }
}

/// `loggingDirectory` of settings.json, else the configuration directory (signalk-v1 §14).
pub fn logging_directory(directory: &Path, reference: &Map<String, Value>) -> PathBuf {
    let named = reference.get("loggingDirectory").and_then(Value::as_str).filter(|name| !name.is_empty());
    // A relative name starts at the configuration directory.
    named.map_or_else(|| directory.to_owned(), |name| directory.join(name))
}
