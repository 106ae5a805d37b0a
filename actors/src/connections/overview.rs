//! Connections as REST and the statistics show them.

use serde::Serialize;
use windlass_broker::Timestamp;

use super::recent::LastLines;
use super::statistics::{ConnectionState, ConnectionStatistics};

/// A connection, and what it has done.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionOverview {
    /// The id; a placeholder when the settings have none.
    pub id: String,
    /// `options.type` of the settings, such as `NMEA0183`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `subOptions.type`, such as `tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Whether it is to run.
    pub enabled: bool,
    /// Whether its actor lives.
    pub running: bool,
    /// How it is.
    pub state: ConnectionState,
    /// Since when it has been like that.
    pub since: Timestamp,
    /// What it said last of itself, good or bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What went wrong last, before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Why it can't be started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What its settings ask for in vain, one sentence each.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub notes: Vec<String>,
    /// What it has done since it was started.
    pub statistics: ConnectionStatistics,
}

/// The same with what came and went last.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionDetails {
    /// The connection.
    #[serde(flatten)]
    pub overview: ConnectionOverview,
    /// The last lines in and out.
    pub last_lines: LastLines,
}
