//! Lines of the files: CSV as in RFC 4180, but with plain line feeds.

use serde_json::Value;

/// The first line of each file.
pub const HEADER: &str = "timestamp,path,value,source\n";

/// One value as a line. Objects and arrays are written as JSON, unknown values as nothing.
pub fn line(timestamp: &str, path: &str, value: &Value, source: &str) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields = [timestamp, path, &text, source].map(field);
    format!("{}\n", fields.join(","))
}

/// A field, quoted where it must be. Line ends become spaces, so that a line of the file is a value.
fn field(text: &str) -> String {
    let text = text.replace(['\r', '\n'], " ");
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_any_kind_become_one_line() {
        let time = "2024-05-01T10:00:00.000Z";
        for (value, expected) in [
            (json!(3.25), "3.25"),
            (json!("motoring"), "motoring"),
            (json!(true), "true"),
            (Value::Null, ""),
            (json!({ "latitude": 60.1, "longitude": 24.9 }), r#""{""latitude"":60.1,""longitude"":24.9}""#),
            (json!("Bay, \"inner\"\npart"), r#""Bay, ""inner"" part""#),
        ] {
            assert_eq!(line(time, "a.b", &value, "gps.GP"), format!("{time},a.b,{expected},gps.GP\n"));
        }
    }
}
