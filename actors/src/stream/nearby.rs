//! Contexts by their distance: `{"radius", "position"}` instead of a name (signalk-v1 §5.4).

use std::sync::LazyLock;

use geographiclib_rs::{Geodesic, InverseGeodesic};
use serde_json::Value;
use windlass_broker::{Context, Path};

use crate::data_model::ModelView;

/// Metres of a degree of latitude, at the least: what is farther away by this needs no exact calculation.
const METRES_PER_DEGREE: f64 = 110_000.0;

static EARTH: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// Contexts within a radius of a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearby {
    latitude: f64,
    longitude: f64,
    /// In metres.
    radius: f64,
}

impl Nearby {
    /// From the context of a subscribe message; `None` when a number is missing or makes no sense.
    pub fn read(context: &serde_json::Map<String, Value>) -> Option<Self> {
        let position = context.get("position")?;
        let nearby = Self {
            latitude: degrees(position.get("latitude")?, 90.0)?,
            longitude: degrees(position.get("longitude")?, 360.0)?,
            radius: context.get("radius")?.as_f64()?,
        };
        (nearby.radius.is_finite() && nearby.radius >= 0.0).then_some(nearby)
    }

    /// Whether a context is there now, by its latest `navigation.position`. One without a position is nowhere.
    pub fn covers(&self, view: &ModelView, context: &Context) -> bool {
        let position = Path::find("navigation.position").and_then(|path| view.latest(context, &path));
        let place = position.map(|position| position.to_value()).and_then(|position| {
            Some((degrees(position.get("latitude")?, 90.0)?, degrees(position.get("longitude")?, 360.0)?))
        });
        place.is_some_and(|(latitude, longitude)| self.reaches(latitude, longitude))
    }

    fn reaches(&self, latitude: f64, longitude: f64) -> bool {
        if (latitude - self.latitude).abs() * METRES_PER_DEGREE > self.radius {
            return false;
        }
        let metres: f64 = EARTH.inverse(self.latitude, self.longitude, latitude, longitude);
        metres <= self.radius
    }
}

fn degrees(value: &Value, most: f64) -> Option<f64> {
    value.as_f64().filter(|degrees| degrees.abs() <= most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nearby(context: Value) -> Option<Nearby> {
        Nearby::read(context.as_object().expect("an object"))
    }

    #[test]
    fn the_radius_is_in_metres_on_the_earth() {
        // SK-91: at 60° north a degree of longitude is 55,800 m, one of latitude 111,412 m.
        let here = |radius: f64| {
            nearby(json!({"radius": radius, "position": {"latitude": 60, "longitude": 179.9}})).expect("complete")
        };
        assert!(here(0.0).reaches(60.0, 179.9));
        assert!(here(55_802.0 * 0.2).reaches(60.0, -179.9), "across the date line");
        assert!(!here(55_790.0 * 0.2).reaches(60.0, -179.9));
        assert!(here(111_430.0).reaches(61.0, 179.9));
        assert!(!here(111_400.0).reaches(61.0, 179.9));
    }

    #[test]
    fn what_is_incomplete_is_no_place() {
        // SK-92
        for context in [
            json!({}),
            json!({"radius": 5}),
            json!({"radius": -5, "position": {"latitude": 1, "longitude": 2}}),
            json!({"radius": "5", "position": {"latitude": 1, "longitude": 2}}),
            json!({"radius": 5, "position": {"latitude": 91, "longitude": 2}}),
            json!({"radius": 5, "position": {"latitude": 1}}),
        ] {
            assert_eq!(nearby(context.clone()), None, "{context}");
        }
    }
}
