//! A delta under construction.

use crate::sys;
use serde_json::{Value, json};

const OWN_VESSEL: &str = "vessels.self";
/// What the server takes for a delta of version 1 and 2 (ABI specification §4.3).
const V1: i32 = 1;
const V2: i32 = 2;

/// Collects values and metadata and sends them as one delta (capability `dataWrite`, which plugins have unless package.json
/// says otherwise). The server adds source and time.
///
/// ```
/// use windlass_plugin::{DeltaBuilder, serde_json::json, testing::MockHost};
///
/// let server = MockHost::new();
/// let sent = DeltaBuilder::new()
///     .value("navigation.anchor.maxRadius", 30)
///     .value("navigation.anchor.position", json!({ "latitude": 60.1, "longitude": 24.9 }))
///     .meta("navigation.anchor.bearingTrue", json!({ "units": "rad" }))
///     .emit();
/// assert!(sent);
/// assert_eq!(server.values()[0], ("navigation.anchor.maxRadius".to_owned(), json!(30)));
/// assert!(!DeltaBuilder::new().emit(), "an empty delta is not sent");
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a delta goes out by `emit`"]
pub struct DeltaBuilder {
    context: Option<String>,
    timestamp: Option<String>,
    values: Vec<Value>,
    meta: Vec<Value>,
}

impl DeltaBuilder {
    /// An empty delta of the own vessel.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it a delta of another vessel, for example `vessels.urn:mrn:imo:mmsi:230011111`.
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// When the values were measured, ISO 8601 in UTC. Without it: now.
    pub fn timestamp(mut self, timestamp: impl Into<String>) -> Self {
        self.timestamp = Some(timestamp.into());
        self
    }

    /// Adds a value, in SI units. `Value::Null` means unknown, and so does a number that is none or infinite.
    pub fn value(mut self, path: impl AsRef<str>, value: impl Into<Value>) -> Self {
        self.values.push(json!({ "path": path.as_ref(), "value": value.into() }));
        self
    }

    /// Adds metadata of a path, for example `{"units": "rad"}`.
    pub fn meta(mut self, path: impl AsRef<str>, meta: impl Into<Value>) -> Self {
        self.meta.push(json!({ "path": path.as_ref(), "value": meta.into() }));
        self
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.meta.is_empty()
    }

    /// The delta as JSON; `None` when it is empty.
    pub fn to_json(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut updates = Vec::new();
        for (key, entries) in [("values", &self.values), ("meta", &self.meta)] {
            if entries.is_empty() {
                continue;
            }
            let mut update = json!({ key: entries });
            if let Some(timestamp) = &self.timestamp {
                update["timestamp"] = timestamp.as_str().into();
            }
            updates.push(update);
        }
        let context = self.context.as_deref().unwrap_or(OWN_VESSEL);
        Some(json!({ "context": context, "updates": updates }).to_string())
    }

    /// Sends it, unless it is empty. Returns whether there was something to send; the server does not say what became of it.
    pub fn emit(self) -> bool {
        self.send(V1)
    }

    /// The same as a delta of version 2: for the streams of the v2 API only, not for the v1 model.
    pub fn emit_v2(self) -> bool {
        self.send(V2)
    }

    fn send(&self, version: i32) -> bool {
        match self.to_json() {
            Some(json) => {
                sys::handle_message(&json, version);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockHost;

    #[test]
    fn a_delta_has_the_shape_that_servers_read() {
        let delta = DeltaBuilder::new()
            .context("vessels.urn:mrn:imo:mmsi:230011111")
            .timestamp("2024-05-01T10:00:00.000Z")
            .value("navigation.speedOverGround", 3.5)
            .value("navigation.headingTrue", f64::NAN)
            .meta("navigation.headingTrue", json!({ "units": "rad" }));
        assert_eq!(
            serde_json::from_str::<Value>(&delta.to_json().unwrap()).unwrap(),
            json!({ "context": "vessels.urn:mrn:imo:mmsi:230011111", "updates": [
                { "timestamp": "2024-05-01T10:00:00.000Z", "values": [
                    { "path": "navigation.speedOverGround", "value": 3.5 },
                    { "path": "navigation.headingTrue", "value": null },
                ] },
                { "timestamp": "2024-05-01T10:00:00.000Z", "meta": [
                    { "path": "navigation.headingTrue", "value": { "units": "rad" } },
                ] },
            ] })
        );
        // ABI-48: readers that search the text find the path before its value.
        assert!(delta.to_json().unwrap().contains(r#"{"path":"navigation.speedOverGround","value":3.5}"#));
    }

    #[test]
    fn versions_are_told_to_the_server() {
        // ABI-26
        let server = MockHost::new();
        DeltaBuilder::new().value("a.b", 1).emit();
        DeltaBuilder::new().value("a.c", 2).emit_v2();
        DeltaBuilder::new().emit();
        let versions: Vec<_> = server.deltas().into_iter().map(|delta| delta.version).collect();
        assert_eq!(versions, [1, 2]);
    }
}
