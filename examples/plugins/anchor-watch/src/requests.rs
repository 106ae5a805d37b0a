//! What clients may ask for: values to set, and HTTP endpoints.

use crate::AnchorWatch;
use crate::publish::Outgoing;
use crate::watch::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass_plugin::{Position, PutResult, Request, Response, host};

/// The body of `POST /api/drop`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Drop {
    #[serde(flatten)]
    position: Position,
    #[serde(default)]
    max_radius: Option<f64>,
}

impl AnchorWatch {
    /// PUT `navigation.anchor.position`: drops the anchor there; null weighs it.
    pub(crate) fn put_position(&mut self, position: Option<Position>) -> PutResult {
        let Some(position) = position else {
            return self.weigh();
        };
        match self.drop_at(position) {
            Ok(message) => PutResult::completed_with(message),
            Err(message) => PutResult::failed(400, message),
        }
    }

    /// PUT `navigation.anchor.maxRadius`: changes the radius of the alarm, metres.
    pub(crate) fn put_max_radius(&mut self, metres: f64) -> PutResult {
        match self.change_max_radius(metres) {
            Ok(message) => PutResult::completed_with(message),
            Err(message) => PutResult::failed(400, message),
        }
    }

    /// PUT `navigation.anchor.state`: `"on"` drops the anchor where the boat is, `"off"` weighs it.
    pub(crate) fn put_state(&mut self, state: String) -> PutResult {
        match state.as_str() {
            "on" => {
                let report = self.watch.drop_here();
                self.publish(report);
                PutResult::completed_with(match self.watch.anchor() {
                    Some(_) => "The anchor is down",
                    None => "The anchor drops at the boat's next position",
                })
            }
            "off" => self.weigh(),
            other => PutResult::failed(400, format!("The state of the anchor is \"on\" or \"off\", not {other:?}")),
        }
    }

    /// `GET /api/status`: everything that the watch knows.
    pub(crate) fn http_get_status(&mut self, _: &Request) -> Response {
        let anchor = self.watch.anchor();
        let range = self.watch.range();
        Response::json(json!({
            "state": if anchor.is_some() { "on" } else { "off" },
            "position": anchor,
            "maxRadius": self.watch.max_radius(),
            "currentRadius": range.map(|(metres, _)| metres),
            "bearingTrue": range.and_then(|(_, bearing)| bearing),
            "alarm": match self.watch.state() {
                State::Normal => "normal",
                State::Warn => "warn",
                State::Alarm => "alarm",
            },
        }))
    }

    /// `GET /api/position`: where the anchor lies.
    pub(crate) fn http_get_position(&mut self, _: &Request) -> Response {
        match self.watch.anchor() {
            Some(position) => Response::json(position),
            None => Response::error(404, "No anchor is down"),
        }
    }

    /// `POST /api/drop`: drops the anchor at `latitude` and `longitude`, with a new alarm radius if there is a `maxRadius`.
    pub(crate) fn http_post_drop(&mut self, request: &Request) -> Result<Response, Response> {
        let refused = |message: String| Response::error(400, message);
        let drop: Drop = request
            .json()
            .map_err(|error| refused(format!("{error}; it must have the numbers latitude and longitude")))?;
        check(drop.position).map_err(refused)?;
        if let Some(metres) = drop.max_radius {
            self.change_max_radius(metres).map_err(refused)?;
        }
        let message = self.drop_at(drop.position).map_err(refused)?;
        Ok(Response::json(json!({
            "success": true,
            "message": message,
            "position": drop.position,
            "maxRadius": self.watch.max_radius(),
        })))
    }

    fn drop_at(&mut self, position: Position) -> Result<String, String> {
        check(position)?;
        let report = self.watch.drop_at(position);
        self.publish(report);
        self.announce();
        Ok(format!("The anchor lies at {:.5}, {:.5}", position.latitude, position.longitude))
    }

    fn weigh(&mut self) -> PutResult {
        let report = self.watch.weigh();
        self.publish(report);
        PutResult::completed_with("The anchor is up")
    }

    /// Changes the radius now and for later starts.
    fn change_max_radius(&mut self, metres: f64) -> Result<String, String> {
        let report = self.watch.set_max_radius(metres)?;
        Outgoing::default().max_radius(metres).emit();
        self.publish(report);
        let saved = host::read_config().and_then(|mut config: Map<String, Value>| {
            config.insert("maxRadius".to_owned(), metres.into());
            host::save_config(&config)
        });
        Ok(match saved {
            Ok(()) => format!("The alarm radius is {metres} m"),
            Err(error) => format!("The alarm radius is {metres} m until the next start: {error}"),
        })
    }
}

fn check(position: Position) -> Result<(), String> {
    if position.is_valid() {
        return Ok(());
    }
    Err(format!("The position {}, {} is not on this planet", position.latitude, position.longitude))
}
