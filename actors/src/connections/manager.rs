//! All connections of the server: start, list, stop.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::ArbiterHandle;
use actix::prelude::*;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::oneshot;
use windlass_broker::{Broker, Context as VesselContext, Provider};

use super::connection::{CloseConnection, Connection};
use super::link::Link;
use super::plan::Plan;
use super::raw_log::RawLog;
use super::settings::{ConnectionSettings, SettingsError};
use super::statistics::{ConnectionStatistics, Counters};
use crate::data_model::ModelView;
use crate::outputs::SentenceBus;
use crate::{StatusBoard, StatusKind, StatusSubject};

/// What connections need of the server.
#[derive(Debug, Clone)]
pub struct ConnectionContext {
    /// Where deltas go.
    pub broker: Addr<Broker>,
    /// The own ship's context; sentences are about it.
    pub self_context: VesselContext,
    /// Where connections say how they are.
    pub status: StatusBoard,
    /// Replace every timestamp with the time of reception.
    pub override_timestamps: bool,
    /// The model, to find out what is known already.
    pub view: ModelView,
    /// Where received sentences go besides.
    pub sentences: SentenceBus,
    /// What connections with `logging` write to.
    pub raw_log: RawLog,
    /// Where relative file names of recordings start: the configuration directory.
    pub directory: PathBuf,
    /// The I/O arbiter, on which all connections run.
    pub arbiter: ArbiterHandle,
}

/// Holds the connections. Can be shared between threads; nothing blocks on input or output.
#[derive(Debug)]
pub struct ConnectionManager {
    context: ConnectionContext,
    entries: Mutex<Vec<Entry>>,
}

/// A connection as REST and the statistics show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionOverview {
    /// The id; a placeholder when the settings have none.
    pub id: String,
    /// `options.type` of the settings, such as `NMEA0183`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether it is to run.
    pub enabled: bool,
    /// Whether its actor lives.
    pub running: bool,
    /// Why it can't be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What it has done since it was started.
    pub statistics: ConnectionStatistics,
}

#[derive(Debug)]
struct Entry {
    id: String,
    settings: ConnectionSettings,
    counters: Arc<Counters>,
    state: State,
}

#[derive(Debug)]
enum State {
    Disabled,
    Refused(SettingsError),
    Started(Running),
}

#[derive(Debug)]
struct Running {
    actor: Addr<Connection>,
    /// Its sender is dropped when the sockets are closed.
    closed: oneshot::Receiver<Infallible>,
}

impl ConnectionManager {
    /// Starts the enabled ones of these connections. One that can't be started says why on the status board and in the log, and
    /// does not disturb the others.
    pub fn start(settings: Vec<ConnectionSettings>, context: ConnectionContext) -> Self {
        let manager = Self { context, entries: Mutex::default() };
        for settings in settings {
            manager.add(settings);
        }
        manager
    }

    /// Adds a connection and starts it if it is enabled.
    pub fn add(&self, settings: ConnectionSettings) {
        self.insert(usize::MAX, settings);
    }

    /// Puts other settings in the place of a connection: it is stopped, and started with them if they are enabled. The others run on.
    /// False when there is none with this id.
    pub async fn replace(&self, id: &str, settings: ConnectionSettings) -> bool {
        let Some(at) = self.lock().iter().position(|entry| entry.id == id) else { return false };
        let renamed = settings.id() != Some(id);
        let removed = self.take_out(id);
        // Its socket or file may be what the new one needs.
        close(removed).await;
        if renamed || !settings.enabled() {
            self.context.status.set(id, StatusSubject::Provider, StatusKind::Status, "");
        }
        self.insert(at, settings);
        true
    }

    fn insert(&self, at: usize, settings: ConnectionSettings) {
        let mut entries = self.lock();
        let id = settings.id().map_or_else(|| format!("connection {} without id", entries.len() + 1), str::to_owned);
        let taken = entries.iter().any(|entry| entry.id == id && !matches!(entry.state, State::Refused(_)));
        let counters = Arc::new(Counters::new(&id));
        let state = match self.start_one(&settings, &counters, taken) {
            Ok(state) => state,
            Err(problem) => {
                log::error!("connection {id} is not started: {problem}");
                if !taken {
                    self.context.status.set(&id, StatusSubject::Provider, StatusKind::Error, &problem.to_string());
                }
                State::Refused(problem)
            }
        };
        let at = at.min(entries.len());
        entries.insert(at, Entry { id, settings, counters, state });
    }

    fn take_out(&self, id: &str) -> Vec<Entry> {
        self.lock().extract_if(.., |entry| entry.id == id).collect()
    }

    /// All connections in the order they were added.
    pub fn connections(&self) -> Vec<ConnectionOverview> {
        self.lock().iter().map(Entry::overview).collect()
    }

    /// One connection; of several with the same id the first.
    pub fn connection(&self, id: &str) -> Option<ConnectionOverview> {
        self.lock().iter().find(|entry| entry.id == id).map(Entry::overview)
    }

    /// The settings of all connections, as they were given.
    pub fn settings(&self) -> Vec<ConnectionSettings> {
        self.lock().iter().map(|entry| entry.settings.clone()).collect()
    }

    /// Stops one connection, forgets it and takes it off the status board. False when there is none with this id.
    pub async fn remove(&self, id: &str) -> bool {
        let removed = self.take_out(id);
        let found = !removed.is_empty();
        close(removed).await;
        if found {
            self.context.status.set(id, StatusSubject::Provider, StatusKind::Status, "");
        }
        found
    }

    /// Stops all connections and waits until their sockets and files are closed.
    pub async fn stop(&self) {
        let entries = std::mem::take(&mut *self.lock());
        close(entries).await;
    }

    fn start_one(
        &self,
        settings: &ConnectionSettings,
        counters: &Arc<Counters>,
        taken: bool,
    ) -> Result<State, SettingsError> {
        let id = settings.id().unwrap_or_default();
        if taken {
            return Err(SettingsError::DuplicateId(id.to_owned()));
        }
        if !settings.enabled() {
            return Ok(State::Disabled);
        }
        let plan = settings.plan(&self.context.directory)?;
        let context = self.context.clone();
        let link = Link {
            provider: Provider::new(id)?,
            broker: context.broker,
            self_context: context.self_context,
            decoding: plan.decoding.clone(),
            override_timestamps: context.override_timestamps || plan.override_timestamp,
            view: context.view,
            brought: Arc::default(),
            sentences: context.sentences,
            repeat: plan.repeat,
            raw_log: plan.logging.then_some(context.raw_log),
            counters: counters.clone(),
            board: context.status,
        };
        Ok(State::Started(Running::start(plan, link, &self.context.arbiter)))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // The list is whole between any two statements of this file, also after a panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn overview(&self) -> ConnectionOverview {
        let (running, problem) = match &self.state {
            State::Started(running) => (running.actor.connected(), None),
            State::Refused(problem) => (false, Some(problem.to_string())),
            State::Disabled => (false, None),
        };
        ConnectionOverview {
            id: self.id.clone(),
            kind: self.settings.kind().map(str::to_owned),
            enabled: self.settings.enabled(),
            running,
            problem,
            statistics: self.counters.read(),
        }
    }
}

impl Running {
    fn start(plan: Plan, link: Link, arbiter: &ArbiterHandle) -> Self {
        let (closing, closed) = oneshot::channel();
        let actor = Connection::start_in_arbiter(arbiter, move |_| Connection::new(plan, link, closing));
        Self { actor, closed }
    }

    async fn close(self) {
        // An error means that it has ended already, which is as good.
        let _ = self.actor.send(CloseConnection).await;
        let Err(_) = self.closed.await;
    }
}

async fn close(entries: Vec<Entry>) {
    let running = entries.into_iter().filter_map(|entry| match entry.state {
        State::Started(running) => Some(running.close()),
        State::Refused(_) | State::Disabled => None,
    });
    join_all(running).await;
}
