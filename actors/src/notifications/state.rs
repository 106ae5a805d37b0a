//! How bad it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The state of a notification, the least severe first (signalk-v1 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    /// As it should be.
    Nominal,
    /// Nothing to say.
    Normal,
    /// Worth a look.
    Alert,
    /// Something is going wrong.
    Warn,
    /// Something has to be done.
    Alarm,
    /// Life or the ship is in danger.
    Emergency,
}

impl AlarmState {
    /// The state in the value of a notification. One without a state is normal; a state that nobody knows is as bad as the web pages show it,
    /// an alert. `None` for a value that is no notification.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Normal),
            Value::Object(object) => Some(Self::of_state(object.get("state"))),
            _ => None,
        }
    }

    /// The same of the key `state`.
    pub(crate) fn of_state(state: Option<&Value>) -> Self {
        match state {
            None | Some(Value::Null) => Self::Normal,
            Some(state) => Self::deserialize(state).unwrap_or(Self::Alert),
        }
    }

    /// Whether something is wrong.
    pub fn is_active(self) -> bool {
        self > Self::Normal
    }
}
