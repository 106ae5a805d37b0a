//! The values a sentence gives, and their JSON text.

use std::fmt::Write as _;

use smol_str::SmolStr;

/// A value for a Signal K path, in SI units.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The talker has no data for this path now.
    Null,
    /// A number in the path's SI unit.
    Number(f64),
    /// A text.
    Text(SmolStr),
    /// A position in degrees, north and east positive, with the altitude in metres where known.
    Position {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// Metres above mean sea level.
        altitude: Option<f64>,
    },
    /// An object that is already compact JSON, such as a satellite list.
    Json(String),
}

impl Value {
    /// Appends the value as compact JSON. Numbers look as ECMAScript writes them: the shortest digits that read back
    /// as the same number.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Number(number) => write_number(out, *number),
            Self::Text(text) => write_text(out, text),
            Self::Position { latitude, longitude, altitude } => {
                out.push_str(r#"{"latitude":"#);
                write_number(out, *latitude);
                out.push_str(r#","longitude":"#);
                write_number(out, *longitude);
                if let Some(altitude) = altitude {
                    out.push_str(r#","altitude":"#);
                    write_number(out, *altitude);
                }
                out.push('}');
            }
            Self::Json(json) => out.push_str(json),
        }
    }

    /// The value as compact JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(24);
        self.write_json(&mut out);
        out
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<SmolStr> for Value {
    fn from(text: SmolStr) -> Self {
        Self::Text(text)
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(SmolStr::new_static(text))
    }
}

/// Appends a number; JSON has no NaN or infinity, they become `null`.
pub(super) fn write_number(out: &mut String, number: f64) {
    if number.is_finite() {
        out.push_str(ryu_js::Buffer::new().format_finite(number));
    } else {
        out.push_str("null");
    }
}

/// Appends a quoted and escaped text.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                write!(out, "\\u{:04x}", u32::from(control)).expect("writing to a String cannot fail");
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Builds a JSON object from the members that are known, or `None` if none is.
pub(super) fn object(members: &[(&str, Option<f64>)]) -> Option<Value> {
    let mut json = String::from("{");
    for (name, value) in members {
        if let Some(value) = value {
            if json.len() > 1 {
                json.push(',');
            }
            write_text(&mut json, name);
            json.push(':');
            write_number(&mut json, *value);
        }
    }
    if json.len() == 1 {
        return None;
    }
    json.push('}');
    Some(Value::Json(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compact_json() {
        let position = Value::Position { latitude: 60.084516666666666, longitude: -23.5, altitude: Some(3.0) };
        for (value, json) in [
            (Value::Null, "null"),
            (Value::Number(2.0), "2"),
            (Value::Number(-0.0), "0"),
            (Value::Number(1e21), "1e+21"),
            (Value::Number(3.143256351847165), "3.143256351847165"),
            (Value::Number(f64::NAN), "null"),
            (Value::Text("a\"b\\c\u{1}ä".into()), "\"a\\\"b\\\\c\\u0001ä\""),
            (position, r#"{"latitude":60.084516666666666,"longitude":-23.5,"altitude":3}"#),
            (object(&[("a", Some(1.5)), ("b", None), ("c", Some(2.0))]).unwrap(), r#"{"a":1.5,"c":2}"#),
        ] {
            assert_eq!(value.to_json(), json);
        }
        assert_eq!(object(&[("a", None)]), None);
    }
}
