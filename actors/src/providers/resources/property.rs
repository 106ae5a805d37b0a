//! Properties of resources (signalk-v2 §2.1).

use serde_json::{Value, json};
use windlass_broker::Timestamp;

/// The property of a whole resource, with the resource's `timestamp` and `$source` where it has them.
pub(super) fn of_resource(resource: &Value, path: &[String]) -> Option<Value> {
    let value = path.iter().try_fold(resource, |value, key| match value {
        Value::Object(object) => object.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })?;
    Some(wrap(value.clone(), Some(resource)))
}

/// `{"value"}` with the resource's `timestamp` and `$source` where it has them.
pub(super) fn wrap(value: Value, resource: Option<&Value>) -> Value {
    let mut property = json!({"value": value});
    for key in ["timestamp", "$source"] {
        if let Some(text) = resource.and_then(|resource| resource.get(key)).filter(|text| text.is_string()) {
            property[key] = text.clone();
        }
    }
    property
}

/// Adds what a provider has left open: when it was read, and from whom.
pub(super) fn complete(property: &mut Value, provider: &str) {
    let Value::Object(property) = property else { return };
    property.entry("timestamp").or_insert_with(|| Timestamp::now().to_string().into());
    property.entry("$source").or_insert_with(|| provider.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_found_by_its_path() {
        let resource = json!({"name": "Home", "feature": {"geometry": {"coordinates": [24.5, 60]}}, "$source": "me"});
        let find =
            |path: &[&str]| of_resource(&resource, &path.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        assert_eq!(find(&["name"]), Some(json!({"value": "Home", "$source": "me"})));
        assert_eq!(find(&["feature", "geometry", "coordinates", "1"]).expect("there")["value"], 60);
        assert_eq!(find(&["name", "length"]), None);
        assert_eq!(find(&["description"]), None);
        let mut property = find(&["name"]).expect("there");
        complete(&mut property, "other");
        assert_eq!((&property["$source"], property["timestamp"].is_string()), (&json!("me"), true));
    }
}
