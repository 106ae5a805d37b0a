//! Trying a connection before it is added: what comes over it, if anything, without anything of it getting into the data model.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};
use windlass_broker::observe::Observatory;

use super::backoff::Backoff;
use super::connection::run;
use super::format::{Format, guess};
use super::link::{End, Link};
use super::manager::{ConnectionContext, ConnectionManager};
use super::plan::Input;
use super::recent::LastLine;
use super::settings::{ConnectionSettings, SettingsError};
use super::statistics::{ConnectionState, ConnectionStatistics, Counters};
use crate::outputs::SentenceBus;
use crate::{StatusBoard, StatusKind};

/// The longest trial.
pub const LONGEST_TRIAL: Duration = Duration::from_secs(15);
/// So many lines tell enough.
const ENOUGH_LINES: u64 = 25;
/// How often it is looked whether there are enough.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// Whether it got as far as being connected, listening, or playing.
    pub connected: bool,
    /// What the connection said last of itself when it worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why it does not work, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What the lines seem to be; absent when nothing came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The lines that came, the oldest first, at most 50.
    pub lines: Vec<LastLine>,
    /// What was counted. `deltas` are those that would have gone to the data model.
    pub statistics: ConnectionStatistics,
    /// Options that have no effect on such a connection, one sentence each.
    pub notes: Vec<String>,
}

/// Why a connection can't be tried.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrialError {
    /// The settings can't be followed.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Two programs can't read from one port.
    #[error("the connection {connection} reads from {device} already; disable it, then try again")]
    InUse {
        /// The serial port.
        device: String,
        /// Who has it.
        connection: String,
    },
    /// There is nothing to connect to.
    #[error("this input takes what clients of the NMEA 0183 output send: add it, and look at what it receives")]
    Nothing,
    /// One at a time.
    #[error("another connection is being tried; try again in a few seconds")]
    Busy,
    /// No arbiter runs any more.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl ConnectionManager {
    /// Connects as the settings say, for so long at most ([`LONGEST_TRIAL`]) or until enough has come, and tells what came. Nothing of
    /// it is published, repeated, logged or written out, and the connections of the server are left alone.
    ///
    /// # Errors
    /// See [`TrialError`]. That nothing can be connected to is no error, but told in the [`Trial`].
    pub async fn try_out(&self, settings: &ConnectionSettings, most: Duration) -> Result<Trial, TrialError> {
        let permit = self.trials().try_acquire_owned().map_err(|_| TrialError::Busy)?;
        let context = self.context().clone();
        let plan = settings.plan(&context.directory)?;
        match &plan.input {
            Input::OutputClients => return Err(TrialError::Nothing),
            Input::Serial(serial) => {
                let device = serial.device.display().to_string();
                if let Some(connection) = self.user_of(&device) {
                    return Err(TrialError::InUse { device, connection });
                }
            }
            _ => {}
        }
        let id = settings.id().unwrap_or_default();
        // Lines of a file that can't be read are not shown: whoever may name a file would read it here.
        let counters = Arc::new(Counters::new(id, !settings.is_recording()));
        let board = StatusBoard::default();
        let arbiter = context.arbiter.clone();
        // It says how it is to nobody else, and is none of the server's actors.
        let apart = ConnectionContext {
            status: board.clone(),
            sentences: SentenceBus::default(),
            observatory: Observatory::default(),
            ..context
        };
        let link = Link::new(apart, &plan, id, &counters).map_err(SettingsError::from)?;
        let link = Link { broker: None, writes: Arc::default(), notes: Arc::default(), raw_log: None, ..link };
        let (input, notes, reads) = (plan.input.clone(), plan.notes.to_vec(), plan.input.protocol());
        let (sender, ended) = oneshot::channel();
        let most = most.min(LONGEST_TRIAL);
        let started = arbiter.spawn_fn(move || {
            actix::spawn(async move {
                let end = try_for(&input, &link, most).await;
                // The sockets are closed: whoever gets the answer may try the next one at once.
                drop(permit);
                // Whoever asked may have gone.
                let _ = sender.send(end);
            });
        });
        if !started {
            return Err(TrialError::ShuttingDown);
        }
        let end = ended.await.map_err(|_| TrialError::ShuttingDown)?;
        let said = board.get(id);
        let (state, _) = counters.state();
        let statistics = counters.read();
        let connected =
            statistics.connects > 0 || matches!(state, ConnectionState::Running | ConnectionState::Finished);
        let problem = match end {
            Some(End::Lost(problem)) => Some(problem),
            Some(end @ End::BrokerStopped) => Some(end.to_string()),
            Some(End::Finished) | None if connected => None,
            Some(End::Finished) | None => Some(format!(
                "nothing could be connected to within {} s; check host, port and that the device is on",
                most.as_secs_f64()
            )),
        };
        let lines = counters.last_lines().received;
        Ok(Trial {
            connected,
            message: said.filter(|entry| entry.kind == StatusKind::Status).map(|entry| entry.message),
            problem,
            format: guess(&lines, statistics.bytes, reads),
            lines,
            statistics,
            notes,
        })
    }
}

/// Runs the input until it ends, enough has come, or the time is over.
async fn try_for(input: &Input, link: &Link, most: Duration) -> Option<End> {
    let mut backoff = Backoff::default();
    let enough = async {
        let mut looks = interval(BETWEEN_LOOKS);
        while link.counters.lines() < ENOUGH_LINES {
            looks.tick().await;
        }
    };
    let trial = async {
        tokio::select! {
            Err(end) = run(input, link, &mut backoff) => Some(end),
            () = enough => None,
        }
    };
    timeout(most, trial).await.ok().flatten()
}
