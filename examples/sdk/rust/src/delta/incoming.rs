//! A delta as the server hands it over.

use crate::Error;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::borrow::Cow;

/// One delta of the server's stream, not parsed yet: most deltas are of no interest to a plugin, and parsing costs more than
/// looking.
#[derive(Debug, Clone, Copy)]
pub struct RawDelta<'a> {
    json: &'a [u8],
}

impl<'a> RawDelta<'a> {
    /// Wraps a delta's JSON.
    pub fn new(json: &'a [u8]) -> Self {
        Self { json }
    }

    /// The text as it came.
    pub fn json(&self) -> &'a [u8] {
        self.json
    }

    /// Whether a text occurs anywhere in it. A quick way to pass over deltas without a path one waits for.
    ///
    /// ```
    /// use windlass_plugin::RawDelta;
    ///
    /// let delta = RawDelta::new(br#"{"updates":[{"values":[{"path":"navigation.position","value":null}]}]}"#);
    /// assert!(delta.mentions("navigation.position"));
    /// assert!(!delta.mentions("environment.wind"));
    /// ```
    pub fn mentions(&self, text: &str) -> bool {
        text.is_empty() || self.json.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Parses it.
    ///
    /// # Errors
    /// When it is no delta.
    pub fn parse(&self) -> Result<Delta<'a>, Error> {
        serde_json::from_slice(self.json).map_err(|e| Error::json("a delta", e))
    }
}

/// A parsed delta. Texts without escapes stay in the buffer they came in.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Delta<'a> {
    /// The full context, for example `vessels.urn:mrn:imo:mmsi:230099999`; never the alias `vessels.self`.
    #[serde(borrow, default)]
    pub context: Cow<'a, str>,
    /// What changed.
    #[serde(borrow)]
    pub updates: Vec<Update<'a>>,
}

/// Changes from one source at one time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Update<'a> {
    /// Where they are from.
    #[serde(borrow, rename = "$source", default)]
    pub source: Option<Cow<'a, str>>,
    /// When they were measured, ISO 8601.
    #[serde(borrow, default)]
    pub timestamp: Option<Cow<'a, str>>,
    /// The new values.
    #[serde(borrow, default)]
    pub values: Vec<PathValue<'a>>,
    /// The new metadata.
    #[serde(borrow, default)]
    pub meta: Vec<PathValue<'a>>,
}

/// A value and its path.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PathValue<'a> {
    /// The path, for example `navigation.position`.
    #[serde(borrow)]
    pub path: Cow<'a, str>,
    /// The value, in SI units.
    pub value: Value,
}

impl Delta<'_> {
    /// All values in it with their updates, oldest first.
    pub fn values(&self) -> impl Iterator<Item = (&Update<'_>, &PathValue<'_>)> {
        self.updates.iter().flat_map(|update| update.values.iter().map(move |entry| (update, entry)))
    }

    /// The values of one path that have the shape of `T`, oldest first.
    pub fn values_of<T: DeserializeOwned>(&self, path: &str) -> impl Iterator<Item = T> {
        self.values().filter(move |(_, entry)| entry.path == path).filter_map(|(_, entry)| entry.parse())
    }

    /// Whether one of these sources (values of `$source`) sent an update of it.
    pub fn is_from(&self, sources: &[String]) -> bool {
        let mut found = self.updates.iter().filter_map(|update| update.source.as_deref());
        found.any(|source| sources.iter().any(|own| own == source))
    }
}

impl PathValue<'_> {
    /// The value, if it has the shape of `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &[u8] = br#"{"context":"vessels.urn:mrn:imo:mmsi:230099999","updates":[
        {"meta":[{"path":"navigation.speedOverGround","value":{"units":"m/s"}}]},
        {"$source":"gps.GP","timestamp":"2024-05-01T10:00:00.000Z","values":[
          {"path":"navigation.speedOverGround","value":3.1},
          {"path":"navigation.speedOverGround","value":null},
          {"path":"a \"quoted\" path","value":"text"}]}]}"#;

    #[test]
    fn values_are_found_among_other_values_and_meta() {
        let delta = RawDelta::new(JSON).parse().unwrap();
        assert_eq!(delta.values_of::<f64>("navigation.speedOverGround").collect::<Vec<_>>(), [3.1]);
        assert_eq!(delta.values().count(), 3);
        assert_eq!(delta.updates[0].meta[0].value["units"], "m/s");
        assert!(delta.is_from(&["gps.GP".to_owned()]));
        assert!(!delta.is_from(&["gps".to_owned()]));
        let (update, entry) = delta.values().last().unwrap();
        assert_eq!(entry.path, "a \"quoted\" path");
        assert_eq!(update.timestamp.as_deref(), Some("2024-05-01T10:00:00.000Z"));
    }

    #[test]
    fn what_is_not_a_delta_is_refused() {
        for text in [&b"{"[..], b"[]", br#"{"updates":1}"#, b"\xff\xfe", b""] {
            assert!(RawDelta::new(text).parse().is_err());
            assert!(!RawDelta::new(text).mentions("navigation.position"));
        }
    }
}
