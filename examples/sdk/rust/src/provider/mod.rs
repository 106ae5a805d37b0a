//! Providers: what a plugin offers to the clients of the v2 API (ABI specification §3.8, §3.9).
//!
//! A plugin implements a trait and names it in [`export_plugin!`](crate::export_plugin), which exports its functions and
//! registers the provider when the plugin starts. Each needs its capability in package.json.

mod radar;
mod resources;
mod weather;

pub use radar::{RadarProvider, Target};
pub use resources::ResourceProvider;
pub use weather::{Forecast, Position, WeatherOptions, WeatherProvider};

#[doc(hidden)]
pub use {radar::Call as RadarCall, resources::Call as ResourceCall, weather::Call as WeatherCall};

use crate::{Error, stream::accepted, sys};
use serde_json::{Value, json};

/// Why a provider can't do what it is asked; the text is for the client's user.
pub type ProviderError = Box<dyn std::error::Error>;

/// Offers the resources of a type, for example `routes`, besides those in [`export_plugin!`](crate::export_plugin).
///
/// # Errors
/// When the server refuses.
pub fn register_resources(kind: &str) -> Result<(), Error> {
    accepted(sys::register_resource_provider(kind), || {
        Error::refused(format!("provider of the resource type {kind}"), Some("resourceProvider"))
    })
}

/// Offers weather data under a name for people.
///
/// # Errors
/// When the server refuses.
pub fn register_weather(name: &str) -> Result<(), Error> {
    accepted(sys::register_weather_provider(name), || {
        Error::refused(format!("weather provider {name}"), Some("weatherProvider"))
    })
}

/// Offers radars under a name for people.
///
/// # Errors
/// When the server refuses.
pub fn register_radar(name: &str) -> Result<(), Error> {
    accepted(sys::register_radar_provider(name), || {
        Error::refused(format!("radar provider {name}"), Some("radarProvider"))
    })
}

/// Answers PUT requests for a path of the own vessel, besides those in [`export_plugin!`](crate::export_plugin).
///
/// # Errors
/// When the server refuses.
pub fn register_put(path: &str) -> Result<(), Error> {
    accepted(sys::register_put_handler("vessels.self", path), || {
        Error::refused(format!("PUT handler for {path}"), Some("putHandlers"))
    })
}

fn failure(error: &ProviderError) -> Value {
    json!({ "error": error.to_string() })
}
