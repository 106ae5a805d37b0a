//! Notifications: values below `notifications.` that ask for attention.

use crate::{Error, sys};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How bad it is. The order is that of severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmState {
    /// Nothing special, but worth saying.
    Nominal,
    /// All is well again.
    Normal,
    /// Worth a look.
    Alert,
    /// Something needs attention.
    Warn,
    /// Something needs action now.
    Alarm,
    /// Life is in danger.
    Emergency,
}

/// How to ask for attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlarmMethod {
    /// On displays.
    Visual,
    /// By sound.
    Sound,
}

/// A notification.
///
/// ```
/// use windlass_plugin::{AlarmMethod, AlarmState, Notification, serde_json::json, testing::MockHost};
///
/// let server = MockHost::new();
/// let dragging = Notification::new(AlarmState::Alarm, "Anchor dragging")
///     .method([AlarmMethod::Visual, AlarmMethod::Sound]);
/// dragging.publish("notifications.navigation.anchor").unwrap();
/// Notification::clear("notifications.navigation.anchor").unwrap();
///
/// let published = server.notifications();
/// assert_eq!(published[0].1["state"], "alarm");
/// assert_eq!(published[1].1, json!(null));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// How bad it is.
    pub state: AlarmState,
    /// How to ask for attention.
    pub method: Vec<AlarmMethod>,
    /// The sentence for people.
    pub message: String,
}

impl Notification {
    /// A notification that asks for no attention yet.
    pub fn new(state: AlarmState, message: impl Into<String>) -> Self {
        Self { state, method: Vec::new(), message: message.into() }
    }

    /// Sets how it asks for attention.
    #[must_use]
    pub fn method(mut self, method: impl IntoIterator<Item = AlarmMethod>) -> Self {
        self.method = method.into_iter().collect();
        self
    }

    /// Publishes it for the own vessel (capability `dataWrite`). As a value of a [`DeltaBuilder`](crate::DeltaBuilder) it can go
    /// out together with others.
    ///
    /// # Errors
    /// When the server refuses: the path does not begin with `notifications.`, or the plugin may not write.
    pub fn publish(self, path: &str) -> Result<(), Error> {
        publish(path, &Value::from(self))
    }

    /// Takes a notification back.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    pub fn clear(path: &str) -> Result<(), Error> {
        publish(path, &Value::Null)
    }
}

impl From<Notification> for Value {
    fn from(notification: Notification) -> Value {
        json!({
            "state": notification.state,
            "method": notification.method,
            "message": notification.message,
        })
    }
}

fn publish(path: &str, value: &Value) -> Result<(), Error> {
    match sys::publish_notification(path, &value.to_string()) {
        0 => Ok(()),
        _ => Err(Error::refused(format!("the notification {path}"), Some("dataWrite"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeltaBuilder, testing::MockHost};

    #[test]
    fn a_refusal_names_the_notification() {
        let server = MockHost::new();
        let normal = Notification::new(AlarmState::Normal, "fine");
        let wrong = normal.clone().publish("navigation.anchor").unwrap_err().to_string();
        assert!(wrong.contains("navigation.anchor"), "{wrong}");
        server.refuse_all();
        assert!(normal.publish("notifications.navigation.anchor").is_err());
    }

    #[test]
    fn a_notification_goes_out_with_other_values() {
        let server = MockHost::new();
        let warn = Notification::new(AlarmState::Warn, "close").method([AlarmMethod::Visual]);
        DeltaBuilder::new().value("notifications.navigation.anchor", warn).emit();
        assert_eq!(
            server.last_value("notifications.navigation.anchor"),
            Some(json!({ "state": "warn", "method": ["visual"], "message": "close" }))
        );
    }
}
