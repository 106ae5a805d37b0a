//! What an input needs of the server.

use std::sync::{Arc, Mutex};

use actix::Addr;
use windlass_broker::{Broker, Context, Provider};

use super::delta_intake::Brought;
use super::raw_log::RawLog;
use super::statistics::Counters;
use crate::data_model::ModelView;
use crate::nmea0183;
use crate::outputs::SentenceBus;
use crate::{StatusBoard, StatusKind, StatusSubject};

/// Binds the input of one connection to the bus, its counters and its entry on the status board.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub provider: Provider,
    pub broker: Addr<Broker>,
    pub self_context: Context,
    pub decoding: nmea0183::Options,
    /// Replace every timestamp with the time of reception.
    pub override_timestamps: bool,
    /// The model, to find out what is known already.
    pub view: ModelView,
    /// Which deltas it has brought itself.
    pub brought: Arc<Mutex<Brought>>,
    /// Where sentences go besides.
    pub sentences: SentenceBus,
    /// Whether they do.
    pub repeat: bool,
    /// What everything received is written to.
    pub raw_log: Option<RawLog>,
    pub counters: Arc<Counters>,
    pub board: StatusBoard,
}

impl Link {
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

    /// Good news.
    pub fn status(&self, text: &str) {
        self.board.set(self.id(), StatusSubject::Provider, StatusKind::Status, text);
    }

    /// Bad news.
    pub fn error(&self, text: &str) {
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
