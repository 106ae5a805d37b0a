//! What an input needs of the server.

use std::sync::Arc;

use actix::Addr;
use windlass_broker::{Broker, Context, Provider};

use super::statistics::Counters;
use crate::nmea0183;
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
    pub counters: Arc<Counters>,
    pub board: StatusBoard,
}

impl Link {
    /// The connection's id.
    pub fn id(&self) -> &str {
        self.provider.id.as_str()
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
