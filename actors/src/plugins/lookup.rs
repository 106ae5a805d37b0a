//! What `sk_get_self_path` and `sk_get_path` find in the data model (§4.3).

use serde_json::Value;
use windlass_broker::{DeltaVersion, Path, RawJson};

use crate::data_model::ModelView;

/// Fields of a leaf that a path may end in.
const LEAF_FIELDS: [&str; 4] = ["value", "timestamp", "$source", "meta"];

/// What a plugin gets for a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeafForm {
    /// Its value.
    Value,
    /// The whole object with `value`, `$source`, `timestamp` and `meta` (`signalk.wasm.selfPathMode: "node"`).
    Node,
}

/// The compact JSON at a path of the own vessel; everything for the empty path.
pub(super) fn self_path(view: &ModelView, path: &str, form: LeafForm) -> Option<String> {
    if let Some(value) = own_value(view, path).filter(|_| form == LeafForm::Value) {
        return Some(value);
    }
    let segments = ["vessels", "self"].into_iter().chain(path.split('.').filter(|_| !path.is_empty()));
    find(view, &segments.collect::<Vec<_>>(), form)
}

/// The same for a path that starts with a context or names another part of the tree, such as `/sources`.
pub(super) fn full_path(view: &ModelView, path: &str, form: LeafForm) -> Option<String> {
    if let Some(path) = path.strip_prefix("vessels.self.") {
        return self_path(view, path, form);
    }
    let segments: Vec<_> = match path.strip_prefix('/') {
        Some(path) => path.split(['/', '.']).collect(),
        None => path.split('.').collect(),
    };
    find(view, &segments, form)
}

/// The usual case, a leaf of the own vessel, without building a tree: the value is kept as the text that is wanted.
fn own_value(view: &ModelView, path: &str) -> Option<String> {
    let leaf = view.own().leaf(&Path::find(path)?)?;
    let latest = leaf.latest();
    (latest.delta().delta().version == DeltaVersion::V1).then(|| latest.parts().1.value.to_string())
}

fn find(view: &ModelView, segments: &[&str], form: LeafForm) -> Option<String> {
    let node = view.node(segments)?;
    let field = segments.last().is_some_and(|last| LEAF_FIELDS.contains(last));
    let found = match node {
        Value::Object(mut leaf) if form == LeafForm::Value && !field && leaf.contains_key("value") => {
            leaf.remove("value").unwrap_or_default()
        }
        node => node,
    };
    Some(RawJson::of(&found).to_string())
}

#[cfg(test)]
mod tests {
    use windlass_broker::{Context, Intake, Judged, Provider};

    use super::*;
    use crate::data_model::Identity;

    fn view() -> ModelView {
        let own = Context::new("vessels.urn:mrn:imo:mmsi:230099999").expect("a context");
        let view = ModelView::new(Identity::new(own.clone()));
        let provider = Provider::new("test").expect("a name");
        let intake = Intake { self_context: own, provider, override_timestamps: false };
        let apply = |text: &str, version| {
            view.apply(&Judged::accepted(intake.take(text, version).delta.expect("a delta")));
        };
        let time = r#""$source":"gps.GP","timestamp":"2024-05-01T10:00:00.000Z""#;
        apply(
            &format!(
                r#"{{"updates":[{{{time},"values":[{{"path":"navigation.position","value":{{"latitude":60.0,"longitude":24.5}}}},
                {{"path":"navigation.speedOverGround","value":null}},{{"path":"test.number","value":2.50}}],
                "meta":[{{"path":"test.number","value":{{"units":"m"}}}}]}}]}}"#
            ),
            DeltaVersion::V1,
        );
        apply(&format!(r#"{{"updates":[{{{time},"values":[{{"path":"v2.only","value":1}}]}}]}}"#), DeltaVersion::V2);
        apply(
            &format!(
                r#"{{"context":"vessels.urn:mrn:imo:mmsi:1","updates":[{{{time},"values":[{{"path":"a.b","value":7}}]}}]}}"#
            ),
            DeltaVersion::V1,
        );
        view
    }

    #[test]
    fn paths_lead_to_values_and_leaf_fields() {
        // ABI-38, ABI-39
        let view = view();
        let position = r#"{"latitude":60,"longitude":24.5}"#;
        for (path, expected) in [
            ("navigation.position", Some(position)),
            ("navigation.position.value", Some(position)),
            ("navigation.position.value.latitude", Some("60")),
            ("navigation.position.$source", Some(r#""gps.GP""#)),
            ("navigation.position.timestamp", Some(r#""2024-05-01T10:00:00.000Z""#)),
            ("navigation.speedOverGround", Some("null")),
            ("test.number", Some("2.5")),
            ("test.number.meta", Some(r#"{"units":"m"}"#)),
            ("mmsi", Some(r#""230099999""#)),
            ("nowhere", None),
            ("v2.only", None),
            ("navigation..position", None),
        ] {
            assert_eq!(self_path(&view, path, LeafForm::Value).as_deref(), expected, "{path}");
            let full = full_path(&view, &format!("vessels.self.{path}"), LeafForm::Value);
            assert_eq!(full.as_deref(), expected, "vessels.self.{path}");
            let by_name = full_path(&view, &format!("vessels.urn:mrn:imo:mmsi:230099999.{path}"), LeafForm::Value);
            assert_eq!(by_name.as_deref(), expected, "by name: {path}");
        }
        assert_eq!(full_path(&view, "vessels.urn:mrn:imo:mmsi:1.a.b", LeafForm::Value).as_deref(), Some("7"));
        assert!(full_path(&view, "/sources", LeafForm::Value).expect("sources").starts_with(r#"{"gps""#));
        let node = self_path(&view, "test.number", LeafForm::Node).expect("a node");
        assert!(node.contains(r#""value":2.5"#) && node.contains(r#""$source":"gps.GP""#), "{node}");
        let all = self_path(&view, "", LeafForm::Value).expect("the whole tree");
        assert!(all.contains(r#""navigation":{"#) && all.contains(r#""mmsi":"230099999""#), "{all}");
    }
}
