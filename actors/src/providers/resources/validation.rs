//! What ids and bodies of the standard types must look like (signalk-v2 §2.2, 2.4).

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_json::Value;

/// The `type` of charts other than tile layers.
const CHART_SOURCES: [&str; 5] = ["tileJSON", "WMS", "WMTS", "mapstyleJSON", "S-57"];
const TILE_FORMATS: [&str; 4] = ["jpg", "pbf", "png", "webp"];

/// Where something wrong was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// In the query of the address.
    Query,
    /// In the body.
    Body,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The parameter or property, such as `feature.geometry`.
    pub path: String,
    /// What it must be.
    pub message: String,
    /// Where it was.
    pub location: Place,
}

/// All that is wrong with a request, at least one thing. Its text is a JSON array, as clients expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issues(Vec<Issue>);

impl Issue {
    pub(super) fn new(path: &str, message: &str, location: Place) -> Self {
        Self { path: path.to_owned(), message: message.to_owned(), location }
    }
}

impl Issues {
    pub(super) fn from_found(issues: Vec<Issue>) -> Result<(), Self> {
        if issues.is_empty() { Ok(()) } else { Err(Self(issues)) }
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Strings always have a JSON form.
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

/// Whether an id is one that a resource of a type may have.
pub(super) fn is_id(kind: &str, id: &str) -> bool {
    static UUID: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$")
            .expect("the expression is constant, and tests use it")
    });
    match kind {
        "charts" => id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)),
        _ if super::is_standard(kind) => UUID.is_match(id),
        _ => !id.is_empty(),
    }
}

/// Checks the body of a resource; custom types take anything.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(kind: &str, body: &Value) -> Result<(), Issues> {
    let mut checker = Checker { body, issues: Vec::new() };
    if super::is_standard(kind) {
        if body.is_object() {
            checker.check(kind);
        } else {
            checker.complain("", "must be an object");
        }
    }
    Issues::from_found(checker.issues)
}

struct Checker<'a> {
    body: &'a Value,
    issues: Vec<Issue>,
}

impl<'a> Checker<'a> {
    fn check(&mut self, kind: &str) {
        self.texts(&["name", "description"]);
        match kind {
            "routes" => {
                self.number("distance", f64::MIN, f64::MAX, "must be a number, in metres");
                self.feature("a LineString of at least 2 positions", |kind, coordinates| {
                    kind == "LineString" && is_positions(coordinates, 2)
                });
                self.coordinates_meta();
            }
            "waypoints" => {
                self.texts(&["type"]);
                self.feature("a Point", |kind, coordinates| kind == "Point" && is_position(coordinates));
            }
            "regions" => {
                self.feature("a Polygon or MultiPolygon with rings of at least 4 positions", |kind, coordinates| {
                    match kind {
                        "Polygon" => is_polygon(coordinates),
                        "MultiPolygon" => is_list(coordinates, 1, is_polygon),
                        _ => false,
                    }
                })
            }
            "notes" => self.note(),
            "charts" => self.chart(),
            _ => {}
        }
    }

    fn note(&mut self) {
        static HREF: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new("^/resources/\\w+/[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-4[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$")
                .expect("the expression is constant, and tests use it")
        });
        self.texts(&["title", "mimeType", "url", "group"]);
        let is_place = |place: &Value| place["latitude"].is_number() && place["longitude"].is_number();
        self.optional("position", "must be {latitude, longitude}", is_place);
        self.optional("href", "must be /resources/<type>/<uuid>", |href| {
            href.as_str().is_some_and(|h| HREF.is_match(h))
        });
        self.optional("properties", "must be an object", Value::is_object);
    }

    fn chart(&mut self) {
        self.texts(&["identifier", "url"]);
        self.optional("layers", "must be an array of texts", |layers| is_list(layers, 0, Value::is_string));
        match self.body["type"].as_str() {
            Some("tilelayer") => {
                let is_bounds = |bounds: &Value| {
                    bounds.as_array().is_some_and(|sides| sides.len() == 4 && sides.iter().all(Value::is_number))
                };
                self.optional("bounds", "must be an array [west, south, east, north]", is_bounds);
                let is_format = |format: &Value| format.as_str().is_some_and(|format| TILE_FORMATS.contains(&format));
                self.optional("format", "must be one of jpg, pbf, png, webp", is_format);
                self.number("minzoom", 0.0, 30.0, "must be a number from 0 to 30");
                self.number("maxzoom", 0.0, 30.0, "must be a number from 0 to 30");
                self.number("scale", 1.0, f64::MAX, "must be a number of at least 1");
            }
            Some(kind) if CHART_SOURCES.contains(&kind) => {}
            _ => self.complain("type", "must be one of tilelayer, tileJSON, WMS, WMTS, mapstyleJSON, S-57"),
        }
    }

    fn feature(&mut self, expected: &str, geometry: impl Fn(&str, &Value) -> bool) {
        let feature = &self.body["feature"];
        if feature["type"] != "Feature" {
            return self.complain("feature", "must be a GeoJSON object with the type \"Feature\"");
        }
        let shape = &feature["geometry"];
        if !shape["type"].as_str().is_some_and(|kind| geometry(kind, &shape["coordinates"])) {
            self.complain("feature.geometry", &format!("must be {expected}"));
        }
        if feature.get("properties").is_some_and(|properties| !properties.is_object() && !properties.is_null()) {
            self.complain("feature.properties", "must be an object");
        }
        if feature.get("id").is_some_and(|id| !id.is_string()) {
            self.complain("feature.id", "must be a text");
        }
    }

    fn coordinates_meta(&mut self) {
        let Some(meta) = self.body.pointer("/feature/properties/coordinatesMeta") else { return };
        let is_text = |value: Option<&Value>| value.is_none_or(Value::is_string);
        let is_entry = |entry: &Value| {
            entry.is_object() && ["name", "description", "href"].iter().all(|key| is_text(entry.get(*key)))
        };
        if !is_list(meta, 0, is_entry) {
            let message = "must be an array of {name, description} or {href}";
            self.complain("feature.properties.coordinatesMeta", message);
        }
    }

    fn texts(&mut self, keys: &[&str]) {
        for key in keys {
            self.optional(key, "must be a text", Value::is_string);
        }
    }

    fn number(&mut self, key: &str, least: f64, most: f64, message: &str) {
        self.optional(key, message, |value| value.as_f64().is_some_and(|number| (least..=most).contains(&number)));
    }

    fn optional(&mut self, key: &str, message: &str, fine: impl Fn(&'a Value) -> bool) {
        if self.body.get(key).is_some_and(|value| !fine(value)) {
            self.complain(key, message);
        }
    }

    fn complain(&mut self, path: &str, message: &str) {
        self.issues.push(Issue::new(path, message, Place::Body));
    }
}

fn is_list(value: &Value, least: usize, fine: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.len() >= least && items.iter().all(fine))
}

fn is_position(value: &Value) -> bool {
    value.as_array().is_some_and(|numbers| (2..=3).contains(&numbers.len()) && numbers.iter().all(Value::is_number))
}

fn is_positions(value: &Value, least: usize) -> bool {
    is_list(value, least, is_position)
}

fn is_polygon(value: &Value) -> bool {
    is_list(value, 1, |ring| is_positions(ring, 4))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn feature(kind: &str, coordinates: Value) -> Value {
        json!({"feature": {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}}})
    }

    #[test]
    fn ids_have_the_form_of_their_type() {
        for (kind, id, fine) in [
            ("routes", "5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab", true),
            ("routes", "5A3F2B1C-0D9E-4C8B-8A7F-1234567890AB", true),
            ("routes", "5a3f2b1c-0d9e-1c8b-9a7f-1234567890ab", false),
            ("routes", "x5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab", false),
            ("notes", "harbour", false),
            ("charts", "chart_no-1", true),
            ("charts", "chart 12", false),
            ("charts", "short", false),
            ("fishing", "harbour", true),
        ] {
            assert_eq!(is_id(kind, id), fine, "{kind} {id}");
        }
    }

    #[test]
    fn good_bodies_are_accepted() {
        let ring = json!([[0, 0], [1, 0], [1, 1], [0, 0]]);
        let mut route = feature("LineString", json!([[24.5, 60.1], [24.6, 60.2, 0]]));
        route["name"] = "Home".into();
        route["distance"] = 18345.5.into();
        route["feature"]["properties"] = json!({"coordinatesMeta": [{"name": "start"}, {"href": "/resources/x"}]});
        route["anything"] = json!([1]);
        for (kind, body) in [
            ("routes", route),
            ("waypoints", feature("Point", json!([24.5, 60.1]))),
            ("regions", feature("Polygon", json!([ring]))),
            ("regions", feature("MultiPolygon", json!([[ring]]))),
            ("notes", json!({"title": "Anchorage", "position": {"latitude": 60, "longitude": 24.5}})),
            ("notes", json!({"href": "/resources/regions/5a3f2b1c-0d9e-4c8b-9a7f-1234567890ab"})),
            ("notes", json!({})),
            ("charts", json!({"type": "tilelayer", "bounds": [1, 2, 3, 4], "format": "png", "maxzoom": 30})),
            ("charts", json!({"type": "S-57", "layers": ["a"]})),
            ("fishing", json!(["anything"])),
        ] {
            assert_eq!(check(kind, &body), Ok(()), "{kind} {body}");
        }
    }

    #[test]
    fn bad_bodies_are_refused_with_the_place() {
        let with = |mut body: Value, key: &str, value: Value| {
            body[key] = value;
            body
        };
        let point = || feature("Point", json!([1, 2]));
        for (kind, body, path) in [
            ("routes", json!({}), "feature"),
            ("routes", json!([]), ""),
            ("routes", feature("LineString", json!([[1, 2]])), "feature.geometry"),
            ("routes", feature("Point", json!([1, 2])), "feature.geometry"),
            ("waypoints", feature("Point", json!([1])), "feature.geometry"),
            ("waypoints", feature("Point", json!([1, "2"])), "feature.geometry"),
            ("waypoints", with(point(), "name", json!(7)), "name"),
            ("waypoints", with(point(), "feature", json!({"type": "Thing"})), "feature"),
            ("regions", feature("Polygon", json!([[[0, 0], [1, 0], [0, 0]]])), "feature.geometry"),
            ("regions", feature("MultiPolygon", json!([])), "feature.geometry"),
            ("notes", json!({"href": "/resources/regions/x"}), "href"),
            ("notes", json!({"position": [1, 2]}), "position"),
            ("charts", json!({}), "type"),
            ("charts", json!({"type": "tilelayer", "minzoom": 31}), "minzoom"),
            ("charts", json!({"type": "tilelayer", "format": "gif"}), "format"),
            ("charts", json!({"type": "tilelayer", "scale": 0}), "scale"),
        ] {
            let issues = check(kind, &body).expect_err(path);
            assert_eq!(issues.0[0].path, path, "{kind} {body}: {issues}");
        }
    }
}
