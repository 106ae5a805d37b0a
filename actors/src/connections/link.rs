//! What an input needs of the server.

use std::sync::Arc;

use actix::Addr;
use smol_str::SmolStr;
use windlass_broker::observe::{ActorId, ActorKind, Flow, Observed};
use windlass_broker::{Broker, Context, NameError, Origin, Provider};

use super::echoes::Past;
use super::manager::ConnectionContext;
use super::options::LineOptions;
use super::plan::Plan;
use super::raw_log::RawLog;
use super::statistics::{ConnectionState, Counters};
use crate::data_model::ModelView;
use crate::discovery::Reach;
use crate::outputs::SentenceBus;
use crate::{StatusBoard, StatusKind, StatusSubject};

/// Binds the input of one connection to the bus, its counters and its entry on the status board.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub provider: Provider,
    /// Where deltas go; `None` for a connection that is only tried.
    pub broker: Option<Addr<Broker>>,
    pub self_context: Context,
    pub lines: Arc<LineOptions>,
    /// The events whose sentences are written out.
    pub writes: Arc<[SmolStr]>,
    /// Whose sentences it does not write out: its own.
    pub origin: Origin,
    /// What the settings ask for in vain.
    pub notes: Arc<[String]>,
    /// Replace every timestamp with the time of reception.
    pub override_timestamps: bool,
    /// The model, to find out what is known already.
    pub view: ModelView,
    /// What it remembers of itself.
    pub past: Past,
    /// Where sentences go besides, and where those come from that are written out.
    pub sentences: SentenceBus,
    /// What everything received is written to.
    pub raw_log: Option<RawLog>,
    pub counters: Arc<Counters>,
    /// How it is seen; its lines are counted above.
    pub observed: Observed,
    pub to_broker: Flow,
    pub board: StatusBoard,
    /// Where other servers are looked for.
    pub reach: Reach,
}

impl Link {
    /// Binds a connection that does as planned.
    pub fn new(context: ConnectionContext, plan: &Plan, id: &str, counters: &Arc<Counters>) -> Result<Self, NameError> {
        let mut provider = Provider::new(id)?;
        provider.use_can_name = plan.use_can_name;
        let counted = counters.clone();
        let observed = context.observatory.observe_counters(ActorKind::Connection, id, move || counted.reading());
        Ok(Self {
            to_broker: observed.flow_to(&ActorId::broker()),
            observed,
            provider,
            broker: Some(context.broker),
            self_context: context.self_context,
            lines: Arc::new(plan.lines.clone()),
            writes: plan.writes.as_slice().into(),
            origin: Origin::unique(),
            notes: plan.notes.clone(),
            override_timestamps: context.override_timestamps || plan.override_timestamp,
            view: context.view,
            past: Past::default(),
            sentences: context.sentences,
            raw_log: plan.logging.then_some(context.raw_log),
            counters: counters.clone(),
            board: context.status,
            reach: context.reach,
        })
    }

    /// The connection's id.
    pub fn id(&self) -> &str {
        self.provider.id.as_str()
    }

    /// Records a received line, if that is wanted. `kind` is the letter of the multiplexed form (signalk-v1 §14).
    pub fn record(&self, kind: char, line: &[u8], now: jiff::Timestamp) {
        if let Some(log) = &self.raw_log {
            log.write(kind, line, now);
        }
    }

    /// Good news: it works.
    pub fn status(&self, text: &str) {
        self.counters.set_state(ConnectionState::Running);
        self.say(text);
    }

    /// It is about to work.
    pub fn busy(&self, text: &str) {
        self.counters.set_state(ConnectionState::Starting);
        self.say(text);
    }

    /// It has done its work.
    pub fn finished(&self, text: &str) {
        self.counters.set_state(ConnectionState::Finished);
        self.say(text);
    }

    fn say(&self, text: &str) {
        // What is asked for in vain stays to be read as long as it is asked for.
        let text = std::iter::once(text).chain(self.notes.iter().map(String::as_str)).collect::<Vec<_>>().join("; ");
        self.board.set(self.id(), StatusSubject::Provider, StatusKind::Status, &text);
    }

    /// Bad news.
    pub fn error(&self, text: &str) {
        self.counters.set_state(ConnectionState::Failing);
        self.board.set(self.id(), StatusSubject::Provider, StatusKind::Error, text);
    }
}

/// Why an input came to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The recording is over and is not to start again.
    #[error("finished")]
    Finished,
    /// The broker has stopped: so does the server.
    #[error("the server is shutting down")]
    BrokerStopped,
    /// The input failed or was lost; it may work later. The text says what to do.
    #[error("{0}")]
    Lost(String),
}
