//! What providers offer to HTTP clients: resources, weather, radars (signalk-v2 §2, 5, 7; wasm-plugin-abi §3.8, 3.9).
//!
//! A provider is a plugin that has registered itself; for resources it may also be a part of the server, see [`ResourceProvider`].
//! Here is what the providers of one kind have in common: who is asked, in which order, for how long, and what an answer means.
//! Nothing here knows HTTP.

mod failures;
mod named;
mod plugin;
mod radar;
mod radar_controls;
pub mod resources;
mod weather;

use std::collections::BTreeMap;

use actix::Addr;
use windlass_broker::{Broker, Context};

pub use failures::Failures;
pub use named::{NamedProviders, UnknownProvider};
pub use plugin::ProviderError;
pub use radar::{RadarError, Radars};
pub use radar_controls::RadarControl;
pub use resources::{ResourceError, ResourceProvider, Resources};
pub use weather::{Weather, WeatherError, WeatherKind, WeatherRequest};

use crate::plugins::PluginManager;

/// All providers. Clones share.
#[derive(Clone)]
pub struct Providers {
    /// Those of resources.
    pub resources: Resources,
    /// Those of weather data.
    pub weather: Weather,
    /// Those of radars.
    pub radars: Radars,
    /// What went wrong, by provider and function.
    pub failures: Failures,
}

impl Providers {
    /// The providers among the plugins. `defaults` is the default provider of each type of resources, as it was saved.
    pub fn new(
        plugins: &PluginManager,
        broker: Addr<Broker>,
        own: Context,
        defaults: BTreeMap<String, String>,
    ) -> Self {
        let failures = Failures::default();
        Self {
            resources: Resources::new(plugins.clone(), failures.clone(), broker, own, defaults),
            weather: Weather::new(plugins.clone(), failures.clone()),
            radars: Radars::new(plugins.clone(), failures.clone()),
            failures,
        }
    }
}

#[cfg(test)]
mod tests;
