//! PUT handlers: values that clients ask a plugin to set (ABI specification §3.7).

use serde::Serialize;

/// What became of a PUT request. The handler is a method with the value as its argument, in any shape that serde reads; a value
/// of another shape is answered with 400 without calling it.
///
/// ```
/// use windlass_plugin::{Plugin, PutResult, StartError, testing::MockHost, testing::Harness};
///
/// struct Anchor {
///     radius: f64,
/// }
///
/// impl Plugin for Anchor {
///     const ID: &'static str = "anchor";
///     const NAME: &'static str = "Anchor";
///     type Config = windlass_plugin::serde_json::Value;
///
///     fn start(_: Self::Config) -> Result<Self, StartError> {
///         Ok(Self { radius: 50.0 })
///     }
/// }
///
/// impl Anchor {
///     fn put_radius(&mut self, radius: f64) -> PutResult {
///         if radius < 10.0 {
///             return PutResult::failed(400, "An alarm radius of less than 10 m makes no sense");
///         }
///         self.radius = radius;
///         PutResult::completed()
///     }
/// }
///
/// // package.json must say `"putHandlers": true` in wasmCapabilities.
/// windlass_plugin::export_plugin!(Anchor, put { navigation.anchor.maxRadius => put_radius });
///
/// let mut running = Harness::<Anchor>::start("{}").unwrap();
/// let refused = running.plugin(|anchor| anchor.put_radius(5.0));
/// assert_eq!(refused.status(), 400);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PutResult {
    state: &'static str,
    #[serde(rename = "statusCode")]
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl PutResult {
    /// It is done: 200.
    pub fn completed() -> Self {
        Self { state: "COMPLETED", status: 200, message: None }
    }

    /// It is done, with something to say: 200.
    pub fn completed_with(message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..Self::completed() }
    }

    /// It is not done. `status` is that of HTTP: 400 for a bad value, 502 for a device that does not answer.
    pub fn failed(status: u16, message: impl Into<String>) -> Self {
        Self { status, ..Self::completed_with(message) }
    }

    /// It takes time: 202.
    pub fn pending(message: impl Into<String>) -> Self {
        Self { state: "PENDING", status: 202, message: Some(message.into()) }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The sentence for people.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn results_are_written_as_servers_read_them() {
        // ABI-62, ABI-63
        assert_eq!(to_value(PutResult::completed()).unwrap(), json!({ "state": "COMPLETED", "statusCode": 200 }));
        assert_eq!(
            to_value(PutResult::failed(400, "too small")).unwrap(),
            json!({ "state": "COMPLETED", "statusCode": 400, "message": "too small" })
        );
        assert_eq!(
            to_value(PutResult::pending("hauling")).unwrap(),
            json!({ "state": "PENDING", "statusCode": 202, "message": "hauling" })
        );
    }
}
