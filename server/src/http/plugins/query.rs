//! Queries and forms in the extended form: `x=1&x=2` is an array, `a[b]=c` an object (wasm-plugin-abi §3.6).

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Parameters that count; more are ignored.
const MAX_PARAMETERS: usize = 1_000;
/// Brackets that count; what follows them is one more key as it stands.
const MAX_DEPTH: usize = 5;
/// Largest index that makes an array; with a larger one it is an object.
const MAX_INDEX: usize = 20;

/// Parses a query or a form. Nothing is an error: what makes no sense is a key or a value as it stands.
pub fn parse(encoded: &str) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, value) in form_urlencoded::parse(encoded.as_bytes()).take(MAX_PARAMETERS) {
        let (first, rest) = keys(&name);
        if !first.is_empty() {
            let slot = root.entry(first).or_insert(Value::Null);
            insert(slot, &rest, value.into_owned());
        }
    }
    root.into_iter().map(|(name, value)| (name, with_arrays(value))).collect()
}

/// `a[b][c]` in its parts.
fn keys(name: &str) -> (String, Vec<String>) {
    let Some((first, mut rest)) = name.find('[').filter(|at| *at > 0).map(|at| name.split_at(at)) else {
        return (name.to_owned(), Vec::new());
    };
    let mut keys = Vec::new();
    while let Some((key, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        if keys.len() == MAX_DEPTH {
            keys.push(rest.to_owned());
            return (first.to_owned(), keys);
        }
        keys.push(key.to_owned());
        rest = after;
    }
    match keys.is_empty() {
        // No bracket is closed.
        true => (name.to_owned(), keys),
        false => (first.to_owned(), keys),
    }
}

fn insert(slot: &mut Value, keys: &[String], value: String) {
    let Some((key, rest)) = keys.split_first() else { return add(slot, value) };
    if key.is_empty() {
        let mut item = Value::Null;
        insert(&mut item, rest, value);
        return match slot {
            Value::Null => *slot = Value::Array(vec![item]),
            Value::Array(items) => items.push(item),
            Value::Object(members) => {
                let free = (0..=members.len()).map(|at| at.to_string()).find(|at| !members.contains_key(at));
                if let Some(free) = free {
                    members.insert(free, item);
                }
            }
            single => *single = Value::Array(vec![single.take(), item]),
        };
    }
    let members = match slot {
        Value::Object(members) => members,
        other => {
            let before = match other.take() {
                Value::Null => Vec::new(),
                Value::Array(items) => items,
                single => vec![single],
            };
            *other = Value::Object(before.into_iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect());
            match other {
                Value::Object(members) => members,
                _ => return,
            }
        }
    };
    insert(members.entry(key.clone()).or_insert(Value::Null), rest, value);
}

/// One more value where there may be others.
fn add(slot: &mut Value, value: String) {
    match slot {
        Value::Null => *slot = Value::String(value),
        Value::Array(items) => items.push(Value::String(value)),
        Value::Object(members) => drop(members.insert(value, Value::Bool(true))),
        single => *single = Value::Array(vec![single.take(), Value::String(value)]),
    }
}

/// Objects whose keys are indices become arrays.
fn with_arrays(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(with_arrays).collect()),
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(key, item)| (key, with_arrays(item))).collect();
            let indices: Option<Vec<usize>> = members.iter().map(|(key, _)| index(key)).collect();
            match indices {
                None => Value::Object(members.into_iter().collect()),
                Some(_) => {
                    members.sort_by_key(|(key, _)| index(key));
                    Value::Array(members.into_iter().map(|(_, item)| item).collect())
                }
            }
        }
        other => other,
    }
}

fn index(key: &str) -> Option<usize> {
    key.parse().ok().filter(|index: &usize| *index <= MAX_INDEX && index.to_string() == key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_extended_form() {
        // ABI-53
        for (query, expected) in [
            ("", json!({})),
            ("x=1&y=2&y=3&y=4", json!({"x": "1", "y": ["2", "3", "4"]})),
            ("a[b]=c&a[d][e]=f", json!({"a": {"b": "c", "d": {"e": "f"}}})),
            ("a[]=1&a[]=2", json!({"a": ["1", "2"]})),
            ("a[1]=x&a[0]=y", json!({"a": ["y", "x"]})),
            ("a[1]=x&a[]=y", json!({"a": ["y", "x"]})),
            ("a[0]=x&a[2]=z&a[]=y", json!({"a": ["x", "y", "z"]})),
            ("a[b]=x&a[]=y", json!({"a": {"b": "x", "0": "y"}})),
            ("a[100]=x", json!({"a": {"100": "x"}})),
            ("a[01]=x", json!({"a": {"01": "x"}})),
            ("a[0][b]=1&a[1][b]=2", json!({"a": [{"b": "1"}, {"b": "2"}]})),
            ("a=1&a[b]=2", json!({"a": {"0": "1", "b": "2"}})),
            ("a[b]=1&a=2", json!({"a": {"b": "1", "2": true}})),
            ("a=1&a[]=2", json!({"a": ["1", "2"]})),
            ("empty=&bare", json!({"empty": "", "bare": ""})),
            ("=x&[b]=c", json!({"[b]": "c"})),
            ("open[=1&a]=2", json!({"open[": "1", "a]": "2"})),
            ("s=a+b%20%C3%A4%zz", json!({"s": "a b ä%zz"})),
            ("a%5Bb%5D=c", json!({"a": {"b": "c"}})),
            ("a[b][c][d][e][f][g]=1", json!({"a": {"b": {"c": {"d": {"e": {"f": {"[g]": "1"}}}}}}})),
            ("0=x&1=y", json!({"0": "x", "1": "y"})),
        ] {
            assert_eq!(Value::Object(parse(query)), expected, "{query}");
        }
    }

    #[test]
    fn a_query_without_end_is_cut() {
        let query: String = (0..5_000).map(|n| format!("k{n}=1&")).collect();
        assert_eq!(parse(&query).len(), MAX_PARAMETERS);
        let deep = format!("a{}=1", "[x]".repeat(10_000));
        assert!(serde_json::to_string(&parse(&deep)).is_ok());
    }
}
