//! Reading what the server knows (capability `dataRead`, which plugins have unless package.json says otherwise).

use crate::{Error, host::growing, sys};
use serde::de::DeserializeOwned;

/// Most values are a number or a position.
const FIRST: usize = 1 << 10;
/// The largest value of a typed read, bytes.
const VALUE: usize = 64 << 10;

/// The value at a path of the own vessel, for example `navigation.speedOverGround`. `None`: the server knows none, or it is null.
///
/// The suffixes `.timestamp`, `.$source` and `.meta` lead to what belongs to a value. At most 64 KiB; [`self_json`] reads more.
///
/// # Errors
/// When the value has another shape than `T`.
///
/// ```
/// use windlass_plugin::{data, serde_json::json, testing::MockHost};
///
/// let server = MockHost::new();
/// server.set_self_path("navigation.speedOverGround", json!(3.2));
/// assert_eq!(data::self_path::<f64>("navigation.speedOverGround").unwrap(), Some(3.2));
/// assert_eq!(data::self_path::<f64>("navigation.speedThroughWater").unwrap(), None);
/// assert!(data::self_path::<String>("navigation.speedOverGround").is_err());
/// ```
pub fn self_path<T: DeserializeOwned>(path: &str) -> Result<Option<T>, Error> {
    parse(path, growing(FIRST, VALUE, |out| sys::get_self_path(path, out)))
}

/// The same for any vessel: the path begins with a context, as in `vessels.self.navigation.position`. The path `/sources` gives
/// the sources.
///
/// # Errors
/// When the value has another shape than `T`.
pub fn path<T: DeserializeOwned>(path: &str) -> Result<Option<T>, Error> {
    parse(path, growing(FIRST, VALUE, |out| sys::get_path(path, out)))
}

/// The JSON at a path of the own vessel, at most `limit` bytes; the empty path is everything. `None`: unknown, or larger.
pub fn self_json(path: &str, limit: usize) -> Option<String> {
    text(growing(FIRST, limit, |out| sys::get_self_path(path, out)))
}

/// The same for any vessel.
pub fn json(path: &str, limit: usize) -> Option<String> {
    text(growing(FIRST, limit, |out| sys::get_path(path, out)))
}

/// The own vessel's context as it stands in deltas, for example `vessels.urn:mrn:imo:mmsi:230099999`. `None`: the server does not
/// tell.
pub fn self_context() -> Option<String> {
    let known = |path| self_path::<String>(path).ok().flatten();
    match known("mmsi") {
        Some(mmsi) => Some(format!("vessels.urn:mrn:imo:mmsi:{mmsi}")),
        None => known("uuid").map(|uuid| format!("vessels.{uuid}")),
    }
}

fn parse<T: DeserializeOwned>(path: &str, json: Option<Vec<u8>>) -> Result<Option<T>, Error> {
    match json {
        Some(json) => serde_json::from_slice(&json).map_err(|e| Error::json(format!("the value of {path}"), e)),
        None => Ok(None),
    }
}

fn text(json: Option<Vec<u8>>) -> Option<String> {
    String::from_utf8(json?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MockHost;
    use serde_json::{Value, json as value};

    #[test]
    fn values_larger_than_the_first_buffer_are_read() {
        let server = MockHost::new();
        let large = "x".repeat(60_000);
        server.set_self_path("design.notes", value!(large));
        assert_eq!(self_path::<String>("design.notes").unwrap(), Some(large.clone()));
        assert_eq!(self_json("design.notes", 100), None, "it does not fit");
        assert_eq!(self_json("design.notes", 1 << 20).map(|json| json.len()), Some(60_002));
        assert_eq!(path::<String>("vessels.self.design.notes").unwrap(), Some(large));
    }

    #[test]
    fn null_counts_as_unknown() {
        let server = MockHost::new();
        server.set_self_path("navigation.anchor.position", Value::Null);
        assert_eq!(self_path::<Value>("navigation.anchor.position").unwrap(), None);
    }

    #[test]
    fn the_own_context_is_made_of_mmsi_or_uuid() {
        let server = MockHost::new();
        assert_eq!(self_context(), None);
        server.set_self_path("uuid", value!("urn:mrn:signalk:uuid:1"));
        assert_eq!(self_context().as_deref(), Some("vessels.urn:mrn:signalk:uuid:1"));
        server.set_self_path("mmsi", value!("230099999"));
        assert_eq!(self_context().as_deref(), Some("vessels.urn:mrn:imo:mmsi:230099999"));
    }
}
