//! The parameters of a list of resources (signalk-v2 §2.3).

use serde_json::{Map, Value};

use super::validation::{Issue, Issues, Place};

/// Reads the parameters: each value as JSON where it is, else as text. One that is given several times is an array.
pub(super) fn read(query: Vec<(String, String)>) -> Map<String, Value> {
    let mut read: Map<String, Value> = Map::new();
    let mut repeated = Vec::new();
    for (key, text) in query {
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        match read.get_mut(&key) {
            Some(Value::Array(values)) if repeated.contains(&key) => values.push(value),
            Some(first) => {
                *first = Value::Array(vec![first.take(), value]);
                repeated.push(key);
            }
            None => drop(read.insert(key, value)),
        }
    }
    read
}

/// Checks the parameters of a standard type; a custom type takes what its provider likes.
///
/// # Errors
/// What is wrong with them.
pub(super) fn check(kind: &str, query: &Map<String, Value>) -> Result<(), Issues> {
    if !super::is_standard(kind) {
        return Ok(());
    }
    let mut issues = Vec::new();
    for (key, value) in query {
        let problem = match key.as_str() {
            "provider" => value.is_array().then_some("must be given once"),
            _ if kind == "charts" => Some("is no parameter of charts"),
            "limit" | "zoom" => (!is_integer(value, 1)).then_some("must be an integer of at least 1"),
            "distance" => (!is_integer(value, 100)).then_some("must be an integer of at least 100, in metres"),
            "position" => (!is_numbers(value, 2)).then_some("must be an array [longitude, latitude]"),
            "bbox" => (!is_numbers(value, 4)).then_some("must be an array [lon1, lat1, lon2, lat2]"),
            "href" if kind == "notes" => (!value.is_string()).then_some("must be a text"),
            _ => Some("is no parameter of this list"),
        };
        if let Some(problem) = problem {
            issues.push(Issue::new(key, problem, Place::Query));
        }
    }
    Issues::from_found(issues)
}

fn is_integer(value: &Value, least: u64) -> bool {
    let whole = value.as_f64().filter(|number| number.fract() == 0.0);
    whole.is_some_and(|number| number >= least as f64)
}

fn is_numbers(value: &Value, count: usize) -> bool {
    value.as_array().is_some_and(|items| items.len() == count && items.iter().all(Value::is_number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(query: &[(&str, &str)]) -> Map<String, Value> {
        read(query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn values_are_json_where_possible() {
        let query = parse(&[("limit", "5"), ("position", "[24.5,60]"), ("name", "Home [1"), ("a", "1"), ("a", "x")]);
        assert_eq!(Value::from(query), json!({"limit": 5, "position": [24.5, 60], "name": "Home [1", "a": [1, "x"]}));
    }

    #[test]
    fn standard_types_take_only_the_known_parameters() {
        let good = [("limit", "5"), ("distance", "100"), ("position", "[1,2.5]"), ("bbox", "[1,2,3,4]"), ("zoom", "3")];
        assert!(check("routes", &parse(&good)).is_ok());
        assert!(check("notes", &parse(&[("href", "/resources/regions/x"), ("provider", "x")])).is_ok());
        assert!(check("charts", &parse(&[("provider", "x")])).is_ok());
        assert!(check("fishing", &parse(&[("group", "a"), ("limit", "many")])).is_ok());
        for (kind, key, value) in [
            ("routes", "limit", "0"),
            ("routes", "limit", "1.5"),
            ("routes", "limit", "many"),
            ("routes", "distance", "99"),
            ("routes", "position", "[1]"),
            ("routes", "position", "1,2"),
            ("routes", "bbox", "[1,2,3,\"4\"]"),
            ("routes", "zoom", "0"),
            ("routes", "href", "x"),
            ("notes", "group", "x"),
            ("charts", "limit", "5"),
            ("waypoints", "colour", "red"),
        ] {
            let issues = check(kind, &parse(&[(key, value)])).expect_err(key);
            assert!(issues.to_string().starts_with(&format!("[{{\"path\":\"{key}\"")), "{issues}");
        }
    }
}
