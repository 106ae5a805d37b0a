//! Where values come from: the `source` object of an update and the `$source` derived from it (signalk-v1 §1.6).

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use crate::delta::push_string;
use crate::intern::{NameError, SourceRef};
use crate::raw_json::RawJson;

/// The `source` object of an update. Unknown keys are kept and sent on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// The connection's id.
    pub label: SmolStr,
    /// `NMEA0183`, `NMEA2000`, `plugin`, …
    pub kind: Option<SmolStr>,
    /// NMEA 2000 address, as the producer wrote it (number or string).
    pub src: Option<RawJson>,
    /// NMEA 2000 parameter group number.
    pub pgn: Option<RawJson>,
    /// NMEA 2000 device name.
    pub can_name: Option<SmolStr>,
    /// NMEA 0183 talker.
    pub talker: Option<SmolStr>,
    /// NMEA 0183 sentence.
    pub sentence: Option<SmolStr>,
    /// Everything else.
    pub other: Vec<(SmolStr, RawJson)>,
}

/// The keys and values of an object, as they come.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// What a provider's connection says about sources.
#[derive(Debug, Clone)]
pub struct Provider {
    /// The connection, plugin or WebSocket identity, used as label and as `$source` of last resort.
    pub id: SourceRef,
    /// The connection's "use CAN name" option.
    pub use_can_name: bool,
}

impl Provider {
    /// A provider without options.
    pub fn new(id: &str) -> Result<Self, NameError> {
        Ok(Self { id: SourceRef::new(id)?, use_can_name: false })
    }
}

impl Source {
    /// Reads the JSON text of a source object; `None` when it is something else. Keys of unexpected type are kept as they are and take
    /// no part in deriving `$source`. Of a key that is there twice, the last counts.
    pub fn from_json(text: &str) -> Option<Self> {
        let Entries(entries) = serde_json::from_str(text).ok()?;
        let mut source = Self::default();
        for (key, value) in entries {
            source.set(&key, RawJson::from_checked(value));
        }
        Some(source)
    }

    /// Numbers are not read as such: they are sent on as they came.
    fn set(&mut self, key: &str, value: RawJson) {
        self.other.retain(|(other, _)| other != key);
        let is_text = value.as_str().starts_with('"');
        let text = if is_text { serde_json::from_str::<SmolStr>(value.as_str()).ok() } else { None };
        let identifies = is_text || value.as_str().starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let slot = match key {
            // Every source object has a label of its own in the end; one that is no text is not kept beside it.
            "label" => return self.label = text.unwrap_or_default(),
            "src" => return self.src = self.or_other(key, value, identifies),
            "pgn" => return self.pgn = self.or_other(key, value, identifies),
            "type" => &mut self.kind,
            "canName" => &mut self.can_name,
            "talker" => &mut self.talker,
            "sentence" => &mut self.sentence,
            _ => return self.other.push((key.into(), value)),
        };
        *slot = text;
        if !is_text {
            self.other.push((key.into(), value));
        }
    }

    /// The value, if it is of the expected type; kept among the others if not.
    fn or_other(&mut self, key: &str, value: RawJson, expected: bool) -> Option<RawJson> {
        if expected {
            return Some(value);
        }
        self.other.push((key.into(), value));
        None
    }

    /// A label from outside is kept when it consists of letters, digits, `-`, `_` and `.`; otherwise the provider's id replaces it.
    pub fn settle_label(&mut self, provider: &Provider) {
        let fine = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if self.label.is_empty() || !self.label.bytes().all(fine) {
            self.label = provider.id.as_str().into();
        }
    }

    /// The `$source` for a settled label, by the table of signalk-v1 §1.6.
    pub fn derive_ref(&self, provider: &Provider) -> Result<SourceRef, NameError> {
        let label = &self.label;
        let can_name = self.can_name.as_ref().filter(|_| provider.use_can_name);
        if let Some(name) = can_name {
            SourceRef::new(&format!("{label}.{name}"))
        } else if let Some(src) = &self.src {
            SourceRef::new(&format!("{label}.{}", src.as_str().trim_matches('"')))
        } else if self.kind.as_deref() == Some("plugin") {
            SourceRef::new(label)
        } else if let Some(talker) = &self.talker {
            SourceRef::new(&format!("{label}.{talker}"))
        } else {
            SourceRef::new(&format!("{label}.XX"))
        }
    }

    /// The NMEA 2000 address as text.
    pub fn src_text(&self) -> Option<&str> {
        self.src.as_ref().map(|src| src.as_str().trim_matches('"'))
    }

    pub(crate) fn push_json(&self, out: &mut String) {
        out.push_str("{\"label\":");
        push_string(out, &self.label);
        for (key, text) in [(",\"type\":", &self.kind), (",\"canName\":", &self.can_name)] {
            if let Some(text) = text {
                out.push_str(key);
                push_string(out, text);
            }
        }
        for (key, raw) in [(",\"pgn\":", &self.pgn), (",\"src\":", &self.src)] {
            if let Some(raw) = raw {
                out.push_str(key);
                out.push_str(raw.as_str());
            }
        }
        for (key, text) in [(",\"talker\":", &self.talker), (",\"sentence\":", &self.sentence)] {
            if let Some(text) = text {
                out.push_str(key);
                push_string(out, text);
            }
        }
        for (key, raw) in &self.other {
            out.push(',');
            push_string(out, key);
            out.push(':');
            out.push_str(raw.as_str());
        }
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(json: &str) -> Source {
        let mut source = Source::from_json(json).unwrap_or_else(|| panic!("{json} is no object"));
        source.settle_label(&Provider::new("conn").expect("a name"));
        source
    }

    #[test]
    fn the_source_reference_follows_the_table() {
        let plain = Provider::new("conn").expect("a name");
        let can = Provider { use_can_name: true, ..plain.clone() };
        for (json, provider, expected, statement) in [
            (r#"{"label":"n2k","src":"115","pgn":128267}"#, &plain, "n2k.115", "SK-46"),
            (r#"{"label":"n2k","src":0}"#, &plain, "n2k.0", "SK-46"),
            (r#"{"label":"gps","type":"NMEA0183","talker":"GP"}"#, &plain, "gps.GP", "SK-47"),
            (r#"{"label":"x"}"#, &plain, "x.XX", "SK-48"),
            (r#"{"label":"bad label!"}"#, &plain, "conn.XX", "SK-48"),
            (r#"{"label":"p","type":"plugin"}"#, &plain, "p", "SK-48"),
            (r#"{"label":"n","src":"1","canName":"c0"}"#, &can, "n.c0", "SK-49"),
            (r#"{"label":"n","src":"1","canName":"c0"}"#, &plain, "n.1", "SK-46"),
        ] {
            assert_eq!(source(json).derive_ref(provider).expect(json).as_str(), expected, "{statement} {json}");
        }
    }

    #[test]
    fn unknown_keys_survive() {
        let mut text = String::new();
        source(r#"{"label":"a","type":7,"bus":{"id":1.0}}"#).push_json(&mut text);
        assert_eq!(text, r#"{"label":"a","type":7,"bus":{"id":1}}"#);
        text.clear();
        source(r#"{"label":7}"#).push_json(&mut text);
        assert_eq!(text, r#"{"label":"conn"}"#);
        text.clear();
        // One object of two, and a number that not every parser reads to its last digit.
        source(
            r#"{"label":"a","src":1,"src":[],"id":28261111111111111111111111111111133333333333333333337,"x":2,"x":3}"#,
        )
        .push_json(&mut text);
        assert_eq!(text, r#"{"label":"a","src":[],"id":2.826111111111111e+52,"x":3}"#);
    }
}
