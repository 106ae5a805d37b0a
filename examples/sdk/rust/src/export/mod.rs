//! What [`export_plugin!`](crate::export_plugin) needs. Not for use by hand.

mod macros;
mod memory;
mod slot;

pub use memory::{allocate, deallocate, getter, handler, input};
pub use slot::Slot;

pub use crate::provider::{
    RadarCall, ResourceCall, WeatherCall, register_put, register_radar, register_resources, register_weather,
};

use crate::{
    IntoResponse, Plugin, PutResult, Request, Response,
    provider::{RadarProvider, ResourceProvider, WeatherProvider},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use slot::Unavailable;

/// One line of the list of endpoints.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Endpoint {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The pattern of the path.
    pub path: &'static str,
    /// The export that answers.
    pub handler: &'static str,
}

/// The answer of the export `http_endpoints`.
pub fn endpoints(endpoints: &[Endpoint]) -> String {
    json!(endpoints).to_string()
}

/// An HTTP request, answered by a method of the plugin.
pub fn http<P: Plugin, R: IntoResponse>(
    slot: &Slot<P>,
    request: &[u8],
    method: impl FnOnce(&mut P, &Request) -> R,
) -> Answer {
    let response = match serde_json::from_slice::<Request>(request) {
        Ok(request) => slot
            .with(|plugin| method(plugin, &request).into_response())
            .unwrap_or_else(|reason| Response::error(503, reason.to_string())),
        Err(error) => Response::error(400, format!("the request can't be read: {error}")),
    };
    Answer { text: to_json(&response), too_large: |error| to_json(&Response::error(500, error)) }
}

/// A PUT request's value, taken by a method of the plugin.
pub fn put<P: Plugin, T: DeserializeOwned>(
    slot: &Slot<P>,
    value: &[u8],
    method: impl FnOnce(&mut P, T) -> PutResult,
) -> Answer {
    let result = match serde_json::from_slice(value) {
        Ok(value) => slot
            .with(|plugin| method(plugin, value))
            .unwrap_or_else(|reason| PutResult::failed(503, reason.to_string())),
        Err(error) => PutResult::failed(400, format!("The value can't be used: {error}")),
    };
    Answer { text: to_json(&result), too_large: |error| to_json(&PutResult::failed(500, error)) }
}

/// A request for resources.
pub fn resources<P: Plugin + ResourceProvider>(slot: &Slot<P>, call: ResourceCall, request: &[u8]) -> Answer {
    Answer::of_provider(slot.with(|plugin| call.answer(plugin, request)))
}

/// A request for weather data.
pub fn weather<P: Plugin + WeatherProvider>(slot: &Slot<P>, call: WeatherCall, request: &[u8]) -> Answer {
    Answer::of_provider(slot.with(|plugin| call.answer(plugin, request)))
}

/// A request to a radar.
pub fn radar<P: Plugin + RadarProvider>(slot: &Slot<P>, call: RadarCall, request: &[u8]) -> Answer {
    Answer::of_provider(slot.with(|plugin| call.answer(plugin, request)))
}

/// The list of radars; without a running plugin there are none.
pub fn radars<P: Plugin + RadarProvider>(slot: &Slot<P>) -> String {
    json!(slot.with(|plugin| plugin.radars()).unwrap_or_default()).to_string()
}

/// Shows that the server refused a registration; the plugin runs without it.
pub fn registered(result: Result<(), crate::Error>) {
    if let Err(error) = result {
        crate::host::set_error(error.to_string());
    }
}

/// An answer, and what to say when it does not fit into the server's buffer.
#[derive(Debug)]
pub struct Answer {
    text: String,
    too_large: fn(String) -> String,
}

impl Answer {
    fn of_provider(answer: Result<String, Unavailable>) -> Self {
        let error = |message| json!({ "error": message }).to_string();
        Self { text: answer.unwrap_or_else(|reason| error(reason.to_string())), too_large: error }
    }

    /// The text for a buffer of `max` bytes: the answer, else an error, else nothing.
    fn fit(self, max: usize) -> String {
        if self.text.len() <= max {
            return self.text;
        }
        let size = self.text.len();
        let error =
            (self.too_large)(format!("the answer of {size} bytes is larger than the {max} that the server takes"));
        if error.len() <= max { error } else { String::new() }
    }
}

/// The JSON of an answer. Answers have texts as keys and their own numbers, so that there is always one.
fn to_json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}

#[cfg(test)]
mod tests;
