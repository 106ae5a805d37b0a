//! One line of the history.

use serde::{Deserialize, Serialize};

use crate::notifications::AlarmState;

/// Longest message that is kept, in bytes of UTF-8.
const MAX_MESSAGE: usize = 500;

/// A change of the state of a notification. Times are ISO 8601, by the server's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmEntry {
    /// Its number: later ones have greater ones.
    pub id: u64,
    /// When it changed.
    pub time: String,
    /// Whose notification it is, such as `vessels.urn:mrn:imo:mmsi:230099999`.
    pub context: String,
    /// Whether that was the own ship then, whatever its identity is now.
    #[serde(default)]
    pub own: bool,
    /// Which one, with its `notifications.`.
    pub path: String,
    /// The `$source` that told it.
    pub source: String,
    /// What it was.
    pub from: AlarmState,
    /// What it became.
    pub state: AlarmState,
    /// In words.
    pub message: String,
    /// When the alarm began of which this is a part: when it was normal last.
    pub raised: String,
    /// When somebody silenced it in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silenced: Option<String>,
    /// When somebody acknowledged it in this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<String>,
    /// When it left this state. What is normal has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// It ended because nobody raised it again after the server was restarted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

impl AlarmEntry {
    /// Whether it is still so.
    pub fn is_open(&self) -> bool {
        self.state.is_active() && self.ended.is_none()
    }

    /// About what it takes in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        const TIMES: usize = 5 * 24;
        size_of::<Self>() + TIMES + self.context.len() + self.path.len() + self.source.len() + self.message.len()
    }
}

/// A message, cut where it is too long.
pub(super) fn short(message: &str) -> String {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    if end < message.len() { format!("{}…", &message[..end]) } else { message.to_owned() }
}
