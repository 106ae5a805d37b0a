//! The deltas that go out.

use crate::watch::State;
use serde_json::{Value, json};
use windlass_plugin::{AlarmMethod, AlarmState, DeltaBuilder, Notification, Position};

/// Path of the anchor's position.
pub const ANCHOR_POSITION: &str = "navigation.anchor.position";
const ANCHOR_STATE: &str = "navigation.anchor.state";
const CURRENT_RADIUS: &str = "navigation.anchor.currentRadius";
const MAX_RADIUS: &str = "navigation.anchor.maxRadius";
const BEARING: &str = "navigation.anchor.bearingTrue";
const NOTIFICATION: &str = "notifications.navigation.anchor";

/// A delta under construction, in the terms of the watch.
#[derive(Debug, Default)]
#[must_use]
pub struct Outgoing(DeltaBuilder);

impl Outgoing {
    /// The alarm radius (metres), with the metadata of the one path that the Signal K schema lacks.
    pub fn max_radius(self, metres: f64) -> Self {
        let meta = json!({ "units": "rad", "description": "True bearing from the boat to the anchor" });
        Self(self.0.value(MAX_RADIUS, metres).meta(BEARING, meta))
    }

    /// Where the anchor lies; `None` when it is up.
    pub fn anchor(self, position: Option<Position>) -> Self {
        let state = if position.is_some() { "on" } else { "off" };
        Self(self.0.value(ANCHOR_POSITION, json!(position)).value(ANCHOR_STATE, state))
    }

    /// Distance (metres) and bearing (radians) to the anchor; `None` for unknown.
    pub fn range(self, range: Option<(f64, Option<f64>)>) -> Self {
        let value = |known: Option<f64>| known.map_or(Value::Null, Value::from);
        let (distance, bearing) = (range.map(|(metres, _)| metres), range.and_then(|(_, bearing)| bearing));
        Self(self.0.value(CURRENT_RADIUS, value(distance)).value(BEARING, value(bearing)))
    }

    /// The notification for `state`.
    pub fn notification(self, state: State, message: &str) -> Self {
        use AlarmMethod::{Sound, Visual};
        let notification = match state {
            State::Normal => Notification::new(AlarmState::Normal, message),
            State::Warn => Notification::new(AlarmState::Warn, message).method([Visual]),
            State::Alarm => Notification::new(AlarmState::Alarm, message).method([Visual, Sound]),
        };
        Self(self.0.value(NOTIFICATION, notification))
    }

    /// Sends it, unless there is nothing to say.
    pub fn emit(self) {
        self.0.emit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_plugin::testing::MockHost;

    #[test]
    fn an_outgoing_delta_has_the_shape_that_servers_read() {
        let server = MockHost::new();
        Outgoing::default().range(Some((12.5, None))).notification(State::Warn, "12 m from \"the\" anchor").emit();
        Outgoing::default().emit();
        let sent = server.deltas();
        assert_eq!(sent.len(), 1);
        assert_eq!(
            sent[0].delta,
            json!({ "context": "vessels.self", "updates": [{ "values": [
                { "path": "navigation.anchor.currentRadius", "value": 12.5 },
                { "path": "navigation.anchor.bearingTrue", "value": null },
                { "path": "notifications.navigation.anchor", "value": {
                    "state": "warn", "method": ["visual"], "message": "12 m from \"the\" anchor" } },
            ] }] })
        );
    }
}
