//! The own ship's static data as the administration shows and changes it (server-admin-api §3), and as it is in baseDeltas.json.

use serde::Serialize;
use serde_json::{Map, Number, Value, json};
use windlass_actors::nmea0183::ship_type;

use crate::identity::{UUID_PREFIX, root_delta};

/// Longest name and call sign, in characters.
const MAX_TEXT: usize = 200;
/// Longest ship and deepest draft there can be, in metres.
const MAX_LENGTH: f64 = 1000.0;

/// `GET /skServer/vessel`: lengths in metres; what is not configured is absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VesselData {
    /// Her name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Nine digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mmsi: Option<String>,
    /// `urn:mrn:signalk:uuid:<uuid>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// `design.draft.maximum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<Number>,
    /// `design.length.overall`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<Number>,
    /// `design.beam`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beam: Option<Number>,
    /// `design.airHeight`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
    /// `sensors.gps.fromBow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gps_from_bow: Option<Number>,
    /// `sensors.gps.fromCenter`; starboard is positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gps_from_center: Option<Number>,
    /// `design.aisShipType.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ais_ship_type: Option<Number>,
    /// `communication.callsignVhf`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callsign_vhf: Option<String>,
}

/// Why the vessel is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VesselError {
    /// A key has something else than belongs there.
    #[error("Invalid vessel payload at /{key}: {why}")]
    Invalid {
        /// Which key.
        key: &'static str,
        /// What belongs there.
        why: &'static str,
    },
}

/// Where a number is kept: its key in the body, its path, the member of the value there, and the least that it can be.
const LENGTHS: [(&str, &str, Option<&str>, f64); 6] = [
    ("draft", "design.draft", Some("maximum"), 0.0),
    ("length", "design.length", Some("overall"), 0.0),
    ("beam", "design.beam", None, 0.0),
    ("height", "design.airHeight", None, 0.0),
    ("gpsFromBow", "sensors.gps.fromBow", None, 0.0),
    // To port it is negative.
    ("gpsFromCenter", "sensors.gps.fromCenter", None, -MAX_LENGTH),
];
const SHIP_TYPE: &str = "design.aisShipType";

impl VesselData {
    /// What base deltas say; of several values the last. An MMSI may also be a number.
    pub fn of(deltas: &[Value]) -> Self {
        let text = |key| match root(deltas, key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if key == "mmsi" => number.as_u64().map(|mmsi| format!("{mmsi:09}")),
            _ => None,
        };
        let number = |key: &str| {
            let (_, path, member, _) = LENGTHS.iter().find(|(name, ..)| *name == key)?;
            let value = value_at(deltas, path)?;
            member.map_or(Some(value), |member| value.get(member))?.as_number().cloned()
        };
        let callsign = root(deltas, "communication").and_then(|communication| communication.get("callsignVhf"));
        Self {
            name: text("name"),
            mmsi: text("mmsi"),
            uuid: text("uuid"),
            draft: number("draft"),
            length: number("length"),
            beam: number("beam"),
            height: number("height"),
            gps_from_bow: number("gpsFromBow"),
            gps_from_center: number("gpsFromCenter"),
            ais_ship_type: value_at(deltas, SHIP_TYPE).and_then(|kind| kind.get("id")?.as_number().cloned()),
            callsign_vhf: callsign.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned),
        }
    }

    /// What the event `VESSEL_INFO` says (server-admin-api §14).
    pub fn info(&self) -> Value {
        let mut info = json!({});
        for (key, value) in [("name", &self.name), ("mmsi", &self.mmsi), ("uuid", &self.uuid)] {
            if let Some(value) = value {
                info[key] = value.as_str().into();
            }
        }
        info
    }
}

/// Changes what `body` names: null and the empty text take a value away, numbers may be texts. All or nothing.
///
/// # Errors
/// Something makes no sense.
pub fn change(deltas: &mut Vec<Value>, body: &Map<String, Value>) -> Result<(), VesselError> {
    let mut changed = deltas.clone();
    for key in ["name", "callsignVhf", "mmsi", "uuid"] {
        if let Some(value) = body.get(key) {
            change_text(&mut changed, key, value)?;
        }
    }
    if root(&changed, "mmsi").is_some() {
        set_root(&mut changed, "uuid", None);
    }
    for (key, path, member, least) in LENGTHS {
        let Some(value) = body.get(key) else { continue };
        let length = number(value)
            .filter(|length| length.is_none_or(|length| (least..=MAX_LENGTH).contains(&length)))
            .ok_or(VesselError::Invalid { key, why: "a number of metres is expected" })?;
        set(&mut changed, path, member, length.map(|length| json!(length)));
    }
    if let Some(value) = body.get("aisShipType") {
        let invalid = VesselError::Invalid { key: "aisShipType", why: "a number from 0 to 99 is expected" };
        let id = number(value)
            .filter(|id| id.is_none_or(|id| (0.0..=99.0).contains(&id) && id.fract() == 0.0))
            .ok_or(invalid)?;
        let kind = id.map(|id| {
            let id = id as u8;
            json!({"id": id, "name": ship_type(id).map_or_else(|| "Not available".into(), |name| name.to_string())})
        });
        set(&mut changed, SHIP_TYPE, None, kind);
    }
    *deltas = changed;
    Ok(())
}

/// The configured data that a body has changed, as a delta; a value that is gone is null. The identity is left out: it changes with the
/// next start.
pub fn news(deltas: &[Value], body: &Map<String, Value>) -> Value {
    let (mut attributes, mut values) = (Map::new(), Vec::new());
    for (key, attribute) in [("name", "name"), ("callsignVhf", "communication")] {
        if body.contains_key(key) {
            attributes.insert(attribute.into(), root(deltas, attribute).cloned().unwrap_or_default());
        }
    }
    if !attributes.is_empty() {
        values.push(json!({"path": "", "value": attributes}));
    }
    let paths = LENGTHS.iter().map(|(key, path, ..)| (*key, *path)).chain([("aisShipType", SHIP_TYPE)]);
    for (_, path) in paths.filter(|(key, _)| body.contains_key(*key)) {
        values.push(json!({"path": path, "value": value_at(deltas, path)}));
    }
    json!({"context": "vessels.self", "updates": [{"values": values}]})
}

fn change_text(deltas: &mut Vec<Value>, key: &'static str, value: &Value) -> Result<(), VesselError> {
    let invalid = |why| VesselError::Invalid { key, why };
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        // An MMSI may come as a number.
        Value::Number(number) if key == "mmsi" => number.to_string(),
        _ => return Err(invalid("a text is expected")),
    };
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(invalid("at most 200 characters are expected"));
    }
    let text = (!text.is_empty()).then_some(text);
    match (key, text) {
        ("mmsi", Some(mmsi)) if mmsi.len() != 9 || !mmsi.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(invalid("nine digits are expected"))
        }
        ("uuid", Some(uuid)) => {
            let bare = uuid.strip_prefix(UUID_PREFIX).unwrap_or(&uuid);
            let uuid = uuid::Uuid::parse_str(bare).map_err(|_| invalid("urn:mrn:signalk:uuid:<uuid> is expected"))?;
            set_root(deltas, key, Some(format!("{UUID_PREFIX}{uuid}").into()));
            Ok(())
        }
        ("callsignVhf", text) => {
            let mut communication =
                root(deltas, "communication").and_then(Value::as_object).cloned().unwrap_or_default();
            match text {
                Some(text) => drop(communication.insert(key.to_owned(), text.into())),
                None => drop(communication.shift_remove(key)),
            }
            set_root(deltas, "communication", (!communication.is_empty()).then(|| communication.into()));
            Ok(())
        }
        (key, text) => {
            set_root(deltas, key, text.map(Value::from));
            Ok(())
        }
    }
}

/// A number, also one that is a text; `Some(None)` for one that is to be taken away.
fn number(value: &Value) -> Option<Option<f64>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) if text.trim().is_empty() => Some(None),
        Value::String(text) => text.trim().replace(',', ".").parse().ok().filter(|n: &f64| n.is_finite()).map(Some),
        Value::Number(number) => number.as_f64().map(Some),
        _ => None,
    }
}

/// The value entries `{"path", "value"}` of the own ship.
fn entries(deltas: &[Value]) -> impl Iterator<Item = &Value> {
    entries_of(deltas, "values")
}

fn entries_of<'a>(deltas: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let own = deltas.iter().filter(|delta| is_own(delta));
    let updates = own.filter_map(|delta| delta.get("updates")?.as_array()).flatten();
    updates.filter_map(move |update| update.get(kind)?.as_array()).flatten()
}

/// Whether base deltas give zones to a path of the own ship.
pub fn has_zones(deltas: &[Value], path: &str) -> bool {
    let metadata = entries_of(deltas, "meta").filter(|entry| path_of(entry) == path);
    let told = metadata.filter_map(|entry| entry.get("value")?.get("zones")).last();
    told.and_then(Value::as_array).is_some_and(|zones| !zones.is_empty())
}

fn is_own(delta: &Value) -> bool {
    matches!(delta.get("context").and_then(Value::as_str), None | Some("vessels.self" | "self"))
}

fn path_of(entry: &Value) -> &str {
    entry.get("path").and_then(Value::as_str).unwrap_or_default()
}

/// The last value at a path.
fn value_at<'a>(deltas: &'a [Value], path: &str) -> Option<&'a Value> {
    entries(deltas).filter(|entry| path_of(entry) == path).filter_map(|entry| entry.get("value")).last()
}

/// The last value of a root attribute; it may also stand at a path of its own.
fn root<'a>(deltas: &'a [Value], key: &str) -> Option<&'a Value> {
    let values = entries(deltas).filter_map(|entry| match path_of(entry) {
        "" => entry.get("value")?.get(key),
        path if path == key => entry.get("value"),
        _ => None,
    });
    values.filter(|value| !value.is_null() && value.as_str() != Some("")).last()
}

/// Calls `change` with each value entry of the own ship; it says whether the entry stays.
fn retain_entries(deltas: &mut [Value], mut change: impl FnMut(&mut Value) -> bool) {
    for delta in deltas.iter_mut().filter(|delta| is_own(delta)) {
        let updates = delta.get_mut("updates").and_then(Value::as_array_mut);
        for update in updates.into_iter().flatten() {
            if let Some(values) = update.get_mut("values").and_then(Value::as_array_mut) {
                values.retain_mut(&mut change);
            }
        }
    }
}

/// Sets a root attribute, once, or takes it away.
fn set_root(deltas: &mut Vec<Value>, key: &str, value: Option<Value>) {
    let mut value = value;
    retain_entries(deltas, |entry| match path_of(entry) {
        "" => {
            let Some(Value::Object(attributes)) = entry.get_mut("value") else { return true };
            match value.take() {
                Some(value) => drop(attributes.insert(key.to_owned(), value)),
                None => drop(attributes.shift_remove(key)),
            }
            !attributes.is_empty()
        }
        path => path != key,
    });
    deltas.extend(value.map(|value| root_delta(json!({key: value}))));
    drop_empty(deltas);
}

/// Sets the value at a path, or a member of the object there, or takes it away.
fn set(deltas: &mut Vec<Value>, path: &str, member: Option<&str>, value: Option<Value>) {
    let value = match member {
        Some(member) => {
            let mut object = value_at(deltas, path).and_then(Value::as_object).cloned().unwrap_or_default();
            match value {
                Some(value) => drop(object.insert(member.to_owned(), value)),
                None => drop(object.shift_remove(member)),
            }
            (!object.is_empty()).then(|| object.into())
        }
        None => value,
    };
    let mut value = value;
    retain_entries(deltas, |entry| {
        if path_of(entry) != path {
            return true;
        }
        match value.take() {
            Some(value) => {
                entry["value"] = value;
                true
            }
            None => false,
        }
    });
    deltas
        .extend(value.map(
            |value| json!({"context": "vessels.self", "updates": [{"values": [{"path": path, "value": value}]}]}),
        ));
    drop_empty(deltas);
}

/// Leaves out deltas that say nothing any more.
fn drop_empty(deltas: &mut Vec<Value>) {
    let says_something = |update: &Value| {
        update.as_object().is_none_or(|update| {
            let is_empty = |key: &str| update.get(key).and_then(Value::as_array).is_some_and(Vec::is_empty);
            !is_empty("values") || update.contains_key("meta")
        })
    };
    deltas.retain(|delta| {
        let updates = delta.get("updates").and_then(Value::as_array);
        updates.is_none_or(|updates| updates.iter().any(says_something))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(deltas: Value, body: Value) -> Result<(Vec<Value>, Value), VesselError> {
        let mut deltas = deltas.as_array().cloned().expect("an array");
        change(&mut deltas, body.as_object().expect("an object"))?;
        let data = json!(VesselData::of(&deltas));
        Ok((deltas, data))
    }

    #[test]
    fn everything_can_be_set_and_taken_away() {
        // SK-202
        let all = json!({"name": "Aurora", "mmsi": 230099999, "draft": "1.8", "length": 12, "beam": "3,9", "height": 18.5,
            "gpsFromBow": 4, "gpsFromCenter": "-0.5", "aisShipType": "36", "callsignVhf": "OJ1234"});
        let (deltas, data) = changed(json!([root_delta(json!({"uuid": "x", "flag": "FI"}))]), all).expect("changed");
        assert_eq!(
            data,
            json!({"name": "Aurora", "mmsi": "230099999", "draft": 1.8, "length": 12.0, "beam": 3.9, "height": 18.5,
                "gpsFromBow": 4.0, "gpsFromCenter": -0.5, "aisShipType": 36, "callsignVhf": "OJ1234"}),
            "and no uuid any more"
        );
        assert_eq!(value_at(&deltas, "design.draft"), Some(&json!({"maximum": 1.8})));
        assert_eq!(value_at(&deltas, SHIP_TYPE), Some(&json!({"id": 36, "name": "Sailing"})));
        let none = json!({"name": "", "mmsi": null, "draft": "", "length": null, "beam": null, "height": null,
            "gpsFromBow": null, "gpsFromCenter": null, "aisShipType": "", "callsignVhf": ""});
        let (deltas, data) = changed(deltas.into(), none).expect("changed");
        assert_eq!((deltas, data), (vec![root_delta(json!({"flag": "FI"}))], json!({})));
    }

    #[test]
    fn an_mmsi_may_be_a_number() {
        let deltas = [root_delta(json!({"mmsi": 230099999})), root_delta(json!({"name": 7}))];
        assert_eq!(json!(VesselData::of(&deltas)), json!({"mmsi": "230099999"}));
        assert_eq!(VesselData::of(&[root_delta(json!({"mmsi": 1000}))]).mmsi.as_deref(), Some("000001000"));
    }

    #[test]
    fn zones_are_those_told_last() {
        let told = |zones: Value| json!({"updates": [{"meta": [{"path": "a.b", "value": {"zones": zones}}]}]});
        let zones = json!([{"lower": 1, "state": "alarm"}]);
        assert!(has_zones(&[told(zones.clone())], "a.b"));
        assert!(!has_zones(&[told(zones.clone())], "a.c"));
        assert!(!has_zones(&[told(zones), told(Value::Null)], "a.b"));
        assert!(!has_zones(&[told(json!([]))], "a.b"));
    }

    #[test]
    fn what_is_not_named_stays() {
        let before = json!([
            {"context": "vessels.self", "updates": [
                {"values": [{"path": "", "value": {"name": "A", "communication": {"phone": "1", "callsignVhf": "X"}}},
                    {"path": "design.draft", "value": {"minimum": 1, "maximum": 2}}, {"path": "other", "value": 7}]},
                {"meta": [{"path": "other", "value": {"units": "m"}}]}]},
            {"context": "vessels.urn:mrn:imo:mmsi:1", "updates": [{"values": [{"path": "", "value": {"name": "B"}}]}]},
            {"updates": [{"values": [{"path": "name", "value": "A2"}]}]},
        ]);
        let (deltas, data) = changed(before.clone(), json!({})).expect("nothing to do");
        assert_eq!((json!(deltas), &data["name"]), (before.clone(), &json!("A2")));
        let (deltas, data) =
            changed(before, json!({"name": "C", "draft": null, "callsignVhf": null})).expect("changed");
        assert_eq!(data, json!({"name": "C"}));
        assert_eq!(
            json!(deltas),
            json!([
                {"context": "vessels.self", "updates": [
                    {"values": [{"path": "", "value": {"name": "C", "communication": {"phone": "1"}}},
                        {"path": "design.draft", "value": {"minimum": 1}}, {"path": "other", "value": 7}]},
                    {"meta": [{"path": "other", "value": {"units": "m"}}]}]},
                {"context": "vessels.urn:mrn:imo:mmsi:1", "updates": [{"values": [{"path": "", "value": {"name": "B"}}]}]},
            ])
        );
    }

    #[test]
    fn nonsense_is_refused_and_changes_nothing() {
        for (key, value) in [
            ("mmsi", json!("12345678")),
            ("mmsi", json!("23009999x")),
            ("uuid", json!("no uuid")),
            ("name", json!(7)),
            ("name", json!("x".repeat(201))),
            ("draft", json!(-1)),
            ("length", json!("long")),
            ("beam", json!([])),
            ("aisShipType", json!(100)),
            ("aisShipType", json!(1.5)),
        ] {
            let refused = changed(json!([]), json!({"name": "A", key: value})).expect_err("refused");
            assert!(refused.to_string().starts_with(&format!("Invalid vessel payload at /{key}: ")), "{refused}");
        }
    }

    #[test]
    fn news_are_what_was_asked_for() {
        let mut deltas = vec![root_delta(json!({"communication": {"phone": "1"}}))];
        let body = json!({"name": "A", "draft": "1.5", "beam": null, "mmsi": "230099999", "callsignVhf": "X"});
        let body = body.as_object().expect("an object");
        change(&mut deltas, body).expect("changed");
        assert_eq!(
            news(&deltas, body)["updates"][0]["values"],
            json!([{"path": "", "value": {"name": "A", "communication": {"phone": "1", "callsignVhf": "X"}}},
                {"path": "design.draft", "value": {"maximum": 1.5}}, {"path": "design.beam", "value": null}])
        );
    }
}
