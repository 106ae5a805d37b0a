//! Where values come from: the `source` object of an update and the `$source` derived from it (signalk-v1 §1.6).

use serde_json::{Map, Value};
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
    /// Reads a source object. Keys of unexpected type are kept as they are and take no part in deriving `$source`.
    pub fn from_object(object: Map<String, Value>) -> Self {
        let mut source = Self::default();
        for (key, value) in object {
            let slot = match (key.as_str(), &value) {
                ("label", Value::String(text)) => {
                    source.label = text.into();
                    continue;
                }
                ("type", Value::String(_)) => &mut source.kind,
                ("canName", Value::String(_)) => &mut source.can_name,
                ("talker", Value::String(_)) => &mut source.talker,
                ("sentence", Value::String(_)) => &mut source.sentence,
                ("src", Value::String(_) | Value::Number(_)) => {
                    source.src = Some(RawJson::of(&value));
                    continue;
                }
                ("pgn", Value::Number(_) | Value::String(_)) => {
                    source.pgn = Some(RawJson::of(&value));
                    continue;
                }
                _ => {
                    source.other.push((key.into(), RawJson::of(&value)));
                    continue;
                }
            };
            *slot = value.as_str().map(SmolStr::new);
        }
        source
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
        let Ok(Value::Object(object)) = serde_json::from_str(json) else { panic!("{json} is no object") };
        let mut source = Source::from_object(object);
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
    }
}
