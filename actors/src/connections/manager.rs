//! All connections of the server: start, list, stop.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::ArbiterHandle;
use actix::prelude::*;
use futures_util::future::join_all;
use tokio::sync::{Semaphore, oneshot};
use windlass_broker::observe::Observatory;
use windlass_broker::{Broker, Context as VesselContext};

use super::connection::{CloseConnection, Connection};
use super::echoes::Past;
use super::link::Link;
use super::overview::{ConnectionDetails, ConnectionOverview};
use super::plan::Plan;
use super::raw_log::RawLog;
use super::settings::{ConnectionSettings, SettingsError};
use super::statistics::{ConnectionState, Counters};
use crate::data_model::ModelView;
use crate::discovery::Reach;
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
    /// Where the connections are seen.
    pub observatory: Observatory,
    /// Where other servers are looked for.
    pub reach: Reach,
}

/// Holds the connections. Can be shared between threads; nothing blocks on input or output.
#[derive(Debug)]
pub struct ConnectionManager {
    context: ConnectionContext,
    entries: Mutex<Vec<Entry>>,
    /// One connection is tried at a time.
    trials: Arc<Semaphore>,
}

#[derive(Debug)]
struct Entry {
    id: String,
    settings: ConnectionSettings,
    counters: Arc<Counters>,
    notes: Arc<[String]>,
    past: Past,
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
        let manager = Self { context, entries: Mutex::default(), trials: Arc::new(Semaphore::new(1)) };
        for settings in settings {
            manager.add(settings);
        }
        manager
    }

    /// Adds a connection and starts it if it is enabled.
    pub fn add(&self, settings: ConnectionSettings) {
        self.insert(usize::MAX, settings, Past::default());
    }

    /// Puts other settings in the place of a connection, of several with the same id the first: it is stopped, and started with them if
    /// they are enabled. The others run on. False when there is none with this id.
    pub async fn replace(&self, id: &str, settings: ConnectionSettings) -> bool {
        let Some((at, former)) = self.take_out_first(|entry| entry.id == id) else { return false };
        let renamed = settings.id() != Some(id);
        let past = if renamed { former.past.renamed() } else { former.past.clone() };
        // Its socket or file may be what the new one needs.
        close(vec![former]).await;
        if renamed || !settings.enabled() {
            self.context.status.set(id, StatusSubject::Provider, StatusKind::Status, "");
        }
        self.insert(at, settings, past);
        // Another one may have waited for the name.
        let waits =
            |entry: &Entry| entry.id == id && matches!(entry.state, State::Refused(SettingsError::DuplicateId(_)));
        if renamed && let Some((at, waiting)) = self.take_out_first(waits) {
            self.insert(at, waiting.settings, waiting.past);
        }
        true
    }

    fn insert(&self, at: usize, settings: ConnectionSettings, past: Past) {
        let mut entries = self.lock();
        let id = settings.id().map_or_else(|| format!("connection {} without id", entries.len() + 1), str::to_owned);
        let taken = entries.iter().any(|entry| entry.id == id && !matches!(entry.state, State::Refused(_)));
        let counters = Arc::new(Counters::new(&id, !settings.is_recording()));
        let mut notes: Arc<[String]> = Arc::default();
        let state = match self.start_one(&settings, &counters, taken, &mut notes, &past) {
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
        entries.insert(at, Entry { id, settings, counters, notes, past, state });
    }

    /// Takes out the first one that is wanted, with its place.
    fn take_out_first(&self, wanted: impl Fn(&Entry) -> bool) -> Option<(usize, Entry)> {
        let mut entries = self.lock();
        let at = entries.iter().position(wanted)?;
        Some((at, entries.remove(at)))
    }

    fn take_out(&self, id: &str) -> Vec<Entry> {
        self.lock().extract_if(.., |entry| entry.id == id).collect()
    }

    /// All connections in the order they were added.
    pub fn connections(&self) -> Vec<ConnectionOverview> {
        self.lock().iter().map(|entry| entry.overview(&self.context.status)).collect()
    }

    /// One connection; of several with the same id the first.
    pub fn connection(&self, id: &str) -> Option<ConnectionOverview> {
        self.lock().iter().find(|entry| entry.id == id).map(|entry| entry.overview(&self.context.status))
    }

    /// One connection with the lines that came and went last; of several with the same id the first.
    pub fn details(&self, id: &str) -> Option<ConnectionDetails> {
        let entries = self.lock();
        let entry = entries.iter().find(|entry| entry.id == id)?;
        let overview = entry.overview(&self.context.status);
        Some(ConnectionDetails { overview, last_lines: entry.counters.last_lines() })
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
        notes: &mut Arc<[String]>,
        past: &Past,
    ) -> Result<State, SettingsError> {
        let id = settings.id().unwrap_or_default();
        if taken {
            return Err(SettingsError::DuplicateId(id.to_owned()));
        }
        if !settings.enabled() {
            return Ok(State::Disabled);
        }
        let plan = settings.plan(&self.context.directory)?;
        *notes = plan.notes.clone();
        for note in plan.notes.iter() {
            log::warn!("connection {id}: {note}");
        }
        let link = Link { past: past.clone(), ..Link::new(self.context.clone(), &plan, id, counters)? };
        Ok(State::Started(Running::start(plan, link, &self.context.arbiter)))
    }

    pub(super) fn context(&self) -> &ConnectionContext {
        &self.context
    }

    pub(super) fn trials(&self) -> Arc<Semaphore> {
        self.trials.clone()
    }

    /// The connection that reads from a serial port.
    pub(super) fn user_of(&self, device: &str) -> Option<String> {
        let entries = self.lock();
        let user = entries.iter().find(|entry| entry.runs() && entry.settings.sub_option("device") == Some(device))?;
        Some(user.id.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        // The list is whole between any two statements of this file, also after a panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn runs(&self) -> bool {
        matches!(&self.state, State::Started(running) if running.actor.connected())
    }

    fn overview(&self, board: &StatusBoard) -> ConnectionOverview {
        let running = self.runs();
        let (state, since) = self.counters.state();
        let (state, problem) = match &self.state {
            State::Started(_) if !running && state != ConnectionState::Finished => (ConnectionState::Stopped, None),
            State::Started(_) => (state, None),
            State::Refused(problem) => (ConnectionState::Refused, Some(problem.to_string())),
            State::Disabled => (ConnectionState::Disabled, None),
        };
        // What the board has may be about another one of the same id.
        let said = if problem.is_none() { board.get(&self.id) } else { None };
        let (message, last_error) = said.map_or_else(Default::default, |said| (Some(said.message), said.last_error));
        ConnectionOverview {
            id: self.id.clone(),
            kind: self.settings.kind().map(str::to_owned),
            input: self.settings.sub_option("type").map(str::to_owned),
            enabled: self.settings.enabled(),
            running,
            state,
            since,
            message: message.or_else(|| problem.clone()),
            last_error,
            problem,
            notes: self.notes.to_vec(),
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
