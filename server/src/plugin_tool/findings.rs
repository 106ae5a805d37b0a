//! What is noticed about a plugin, and the rules by which deltas and schemas are judged.

use std::io::{self, Write};

use serde_json::Value;

/// What was noticed, in the order in which it was.
#[derive(Debug, Default)]
pub struct Findings {
    warnings: Vec<String>,
    notes: Vec<String>,
}

impl Findings {
    /// Something that will not work as the author means it.
    pub fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Something that could be better.
    pub fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// A line each; nothing when there are none.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for (kind, texts) in [("warning", &self.warnings), ("note", &self.notes)] {
            for text in texts {
                writeln!(out, "{kind}: {text}")?;
            }
        }
        Ok(())
    }
}

/// Why servers drop an emitted delta, if they do (wasm-plugin-abi §4.3).
pub fn delta_problem(json: &str) -> Option<String> {
    let delta: Value = match serde_json::from_str(json) {
        Ok(delta) => delta,
        Err(error) => return Some(format!("it is no JSON: {error}")),
    };
    let Some(updates) = delta["updates"].as_array() else {
        return Some("it has no array \"updates\"".to_owned());
    };
    for update in updates {
        let entries = ["values", "meta"].map(|key| update[key].as_array());
        if entries == [None, None] {
            return Some("an update has neither an array \"values\" nor \"meta\"".to_owned());
        }
        for entry in entries.into_iter().flatten().flatten() {
            if !entry["path"].is_string() || entry.get("value").is_none() {
                return Some("a value lacks \"path\" or \"value\"".to_owned());
            }
        }
    }
    None
}

/// The settings in words; what is wrong with the schema goes to the findings.
pub fn schema_findings(schema: &str, findings: &mut Findings) -> String {
    let object = match serde_json::from_str::<Value>(schema) {
        Ok(Value::Object(object)) => object,
        Ok(other) => {
            findings.warn(format!("plugin_schema gives no JSON object but {}: there is no form", kind(&other)));
            return "not understood".to_owned();
        }
        Err(error) => {
            findings.warn(format!(
                "plugin_schema gives no JSON ({error}): there is no form, and the plugin shows an error"
            ));
            return "not understood".to_owned();
        }
    };
    if object.get("type").is_some_and(|of| of != "object") {
        findings.warn("the schema's type is not \"object\", but a configuration is one".to_owned());
    }
    let empty = Value::Object(Default::default());
    let Value::Object(properties) = object.get("properties").unwrap_or(&empty) else {
        findings.warn("\"properties\" of the schema is no object: there is no form".to_owned());
        return "not understood".to_owned();
    };
    for (name, property) in properties {
        let wanted = property["type"].as_str().unwrap_or_default();
        match property.get("default") {
            _ if !property.is_object() => findings.warn(format!("the setting {name:?} is no object in the schema")),
            Some(default) if !is_of(default, wanted) => findings
                .warn(format!("the setting {name:?} is of the type {wanted:?}, but its default is {}", kind(default))),
            _ => {}
        }
    }
    let names: Vec<_> = properties.keys().map(String::as_str).collect();
    match names.len() {
        0 => "no settings".to_owned(),
        1 => format!("1 setting: {}", names[0]),
        count => format!("{count} settings: {}", names.join(", ")),
    }
}

/// Whether a value is of a type of JSON Schema; of one that is not known every value is.
fn is_of(value: &Value, wanted: &str) -> bool {
    match wanted {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" | "boolean" | "number" | "object" | "string" => kind(value).ends_with(wanted),
        _ => true,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_that_servers_drop_are_told_from_good_ones() {
        for good in [
            r#"{"updates":[]}"#,
            r#"{"context":"vessels.self","updates":[{"values":[{"path":"a.b","value":null}]}]}"#,
            r#"{"updates":[{"meta":[{"path":"a","value":{}}]}]}"#,
        ] {
            assert_eq!(delta_problem(good), None, "{good}");
        }
        for (bad, why) in [
            ("{", "no JSON"),
            ("[]", "updates"),
            (r#"{"updates":{}}"#, "updates"),
            (r#"{"updates":[{}]}"#, "values"),
            (r#"{"updates":[{"values":[{"value":1}]}]}"#, "path"),
            (r#"{"updates":[{"values":[null]}]}"#, "path"),
            (r#"{"updates":[{"values":[{"path":"a"}]}]}"#, "value"),
        ] {
            assert!(delta_problem(bad).is_some_and(|problem| problem.contains(why)), "{bad}");
        }
    }

    #[test]
    fn schemas_are_judged() {
        for (schema, words, warnings) in [
            ("{}", "no settings", 0),
            (r#"{"type":"object","properties":{"a":{"type":"integer","default":3}}}"#, "1 setting: a", 0),
            (
                r#"{"properties":{"a":{"type":"number","default":"3"},"b":{"type":"array","default":[]}}}"#,
                "2 settings: a, b",
                1,
            ),
            (r#"{"properties":{"a":{"type":"integer","default":3.5}}}"#, "1 setting: a", 1),
            (r#"{"type":"array"}"#, "no settings", 1),
            (r#"{"properties":[]}"#, "not understood", 1),
            (r#"{"properties":{"a":1}}"#, "1 setting: a", 1),
            ("[]", "not understood", 1),
            ("", "not understood", 1),
        ] {
            let mut findings = Findings::default();
            assert_eq!(schema_findings(schema, &mut findings), words, "{schema}");
            assert_eq!(findings.warnings.len(), warnings, "{schema}: {findings:?}");
        }
    }
}
