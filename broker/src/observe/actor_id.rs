//! What actors are called.

use std::fmt;

use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};

/// What kind of actor it is. Written in kebab-case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActorKind {
    /// The broker.
    Broker,
    /// A stage of the broker's pipeline, which runs on the broker's thread.
    Stage,
    /// The data model.
    DataModel,
    /// What tells which source provides a path.
    PreferredSources,
    /// A worker's share of the fan-out.
    Hub,
    /// A client of the stream, its subscriptions included.
    Client,
    /// A client of a binary stream.
    BinaryClient,
    /// A plugin.
    Plugin,
    /// A configured connection.
    Connection,
    /// A port that gives data to whoever connects.
    Output,
    /// Where access is asked for.
    AccessDesk,
    /// The server itself: what its HTTP handlers publish.
    Server,
}

impl ActorKind {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broker => "broker",
            Self::Stage => "stage",
            Self::DataModel => "data-model",
            Self::PreferredSources => "preferred-sources",
            Self::Hub => "hub",
            Self::Client => "client",
            Self::BinaryClient => "binary-client",
            Self::Plugin => "plugin",
            Self::Connection => "connection",
            Self::Output => "output",
            Self::AccessDesk => "access-desk",
            Self::Server => "server",
        }
    }
}

/// An actor's name in the server: `<kind>:<name>`, or the kind alone where there is only one of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ActorId(SmolStr);

impl ActorId {
    /// The actor of a kind that has this name; empty for the only one of its kind.
    pub fn new(kind: ActorKind, name: &str) -> Self {
        match name {
            "" => Self(SmolStr::new_static(kind.name())),
            name => Self(format_smolstr!("{}:{name}", kind.name())),
        }
    }

    /// The broker.
    pub fn broker() -> Self {
        Self::new(ActorKind::Broker, "")
    }

    /// The data model.
    pub fn data_model() -> Self {
        Self::new(ActorKind::DataModel, "")
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
