//! Write Signal K server plugins in Rust, compiled to WASM.
//!
//! A plugin is a type that implements [`Plugin`], and [`export_plugin!`] makes a module of it that any Signal K server with WASM
//! support loads. In between are safe functions for everything such a server offers:
//!
//! | to | use |
//! | --- | --- |
//! | log, show a status, read and save the configuration | [`host`] |
//! | publish values | [`DeltaBuilder`], [`Notification`] |
//! | read values | [`data`], and [`Plugin::delta`] for all as they come |
//! | let clients set values | [`PutResult`] |
//! | serve HTTP | [`Request`], [`Response`] |
//! | provide resources, weather, radars | [`provider`], [`stream`] |
//! | speak UDP and TCP | [`net`] |
//! | store files | `std::fs`: `/data` is the plugin's own and stays, `/tmp` is emptied at each start |
//! | test all that without a server | [`testing`] |
//!
//! ```
//! use windlass_plugin::{DeltaBuilder, Plugin, RawDelta, StartError, export_plugin, testing::Harness};
//!
//! /// Publishes the temperature of the sea in the engine's words.
//! struct Intake;
//!
//! impl Plugin for Intake {
//!     const ID: &'static str = "intake";
//!     const NAME: &'static str = "Intake temperature";
//!     type Config = windlass_plugin::serde_json::Value;
//!
//!     fn start(_: Self::Config) -> Result<Self, StartError> {
//!         Ok(Self)
//!     }
//!
//!     fn delta(&mut self, delta: RawDelta<'_>) {
//!         // Most deltas are about something else: looking is cheaper than parsing.
//!         if !delta.mentions("environment.water.temperature") {
//!             return;
//!         }
//!         let Ok(delta) = delta.parse() else { return };
//!         for kelvin in delta.values_of::<f64>("environment.water.temperature") {
//!             DeltaBuilder::new().value("propulsion.main.intakeTemperature", kelvin).emit();
//!         }
//!     }
//! }
//!
//! export_plugin!(Intake, deltas);
//!
//! let mut running = Harness::<Intake>::start("{}").unwrap();
//! running.deliver(r#"{"context":"vessels.self","updates":[{"values":[
//!     {"path":"environment.water.temperature","value":289.15}]}]}"#);
//! assert_eq!(running.host().last_value("propulsion.main.intakeTemperature"), Some(289.15.into()));
//! ```

pub mod data;
mod delta;
mod error;
#[doc(hidden)]
pub mod export;
pub mod host;
mod http;
pub mod net;
mod plugin;
pub mod provider;
mod put;
pub mod stream;
mod sys;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use delta::{AlarmMethod, AlarmState, Delta, DeltaBuilder, Notification, PathValue, RawDelta, Update};
pub use error::Error;
pub use http::{IntoResponse, Request, Response};
pub use plugin::{Plugin, StartError};
pub use provider::Position;
pub use put::PutResult;
pub use serde_json;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
