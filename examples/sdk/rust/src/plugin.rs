//! The trait that every plugin implements.

use crate::delta::RawDelta;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// Why a plugin can't start. The server shows its text; any error, and any text, becomes one by `?` or `.into()`.
pub type StartError = Box<dyn std::error::Error>;

/// A plugin: what it is called, how it starts, and what it does then.
///
/// The value exists from a successful [`start`](Plugin::start) until [`stop`](Plugin::stop); its fields are the plugin's state.
/// Nothing runs in between calls, and no two calls overlap. [`export_plugin!`](crate::export_plugin) makes a module of it.
///
/// ```
/// use serde::Deserialize;
/// use windlass_plugin::{DeltaBuilder, Plugin, StartError, host, testing::Harness};
///
/// /// Says how many seconds it has been running.
/// struct Uptime {
///     path: String,
///     seconds: u32,
/// }
///
/// #[derive(Deserialize)]
/// struct Settings {
///     #[serde(default = "default_path")]
///     path: String,
/// }
///
/// fn default_path() -> String {
///     "environment.uptime".to_owned()
/// }
///
/// impl Plugin for Uptime {
///     const ID: &'static str = "uptime";
///     const NAME: &'static str = "Uptime";
///     type Config = Settings;
///
///     fn start(config: Settings) -> Result<Self, StartError> {
///         host::set_status("Counting");
///         Ok(Self { path: config.path, seconds: 0 })
///     }
///
///     fn poll(&mut self) -> i32 {
///         self.seconds += 1;
///         DeltaBuilder::new().value(&self.path, self.seconds).emit();
///         0
///     }
/// }
///
/// windlass_plugin::export_plugin!(Uptime, poll);
///
/// // In a test, a mock host stands in for the server.
/// let mut running = Harness::<Uptime>::start("{}").unwrap();
/// running.poll();
/// running.poll();
/// assert_eq!(running.host().statuses(), ["Counting"]);
/// assert_eq!(running.host().last_value("environment.uptime"), Some(2.into()));
/// ```
pub trait Plugin: Sized + 'static {
    /// The plugin's own short name. Servers derive the id they use from the package name.
    const ID: &'static str;

    /// The name shown to users.
    const NAME: &'static str;

    /// The configuration. The server passes what the user saved plus `enableDebug`, which shows whether the user asked for
    /// debug output; so unknown keys must be ignored (serde does, unless told otherwise), and every key may be missing.
    type Config: DeserializeOwned;

    /// The JSON Schema of the configuration, from which the server makes its form.
    fn schema() -> Cow<'static, str> {
        Cow::Borrowed("{}")
    }

    /// Starts. PUT handlers and providers named in [`export_plugin!`](crate::export_plugin) are registered afterwards.
    ///
    /// # Errors
    /// The server shows the error and the plugin does not run.
    fn start(config: Self::Config) -> Result<Self, StartError>;

    /// Stops; the value is dropped afterwards, and sockets it holds are closed. Not called after a crash.
    fn stop(&mut self) {}

    /// Called once a second when the plugin exports `poll`. The result has no meaning for the server; 0 is usual.
    fn poll(&mut self) -> i32 {
        0
    }

    /// Called for every delta on the server, of all vessels, when the plugin exports `deltas`. That includes the plugin's own
    /// deltas.
    fn delta(&mut self, delta: RawDelta<'_>) {
        let _ = delta;
    }
}
