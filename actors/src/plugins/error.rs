//! Why something asked of the plugins was not done.

use super::config_store::ConfigError;

/// Why a request about a plugin failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// No package has this id or name.
    #[error("there is no plugin {0:?}; GET /skServer/plugins lists the installed ones")]
    Unknown(String),
    /// A configuration that is not of the expected form.
    #[error(
        "a plugin's settings are a JSON object with `enabled`, `enableDebug` and `configuration`, this is not an object"
    )]
    NotAnObject,
    /// The configuration could not be read or written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The request is carried out and saved, but the plugin does not run; the text says why.
    #[error("{0}")]
    Start(String),
    /// The plugin is being started.
    #[error("plugin {0} is just being started or reloaded; try again when that is done")]
    Busy(String),
    /// The new module, or its package, can't be loaded or started. What ran before runs again.
    #[error("{0}")]
    Invalid(String),
    /// The plugin asks for more than the operator has consented to; the text says what and what to do.
    #[error("{0}")]
    ConsentNeeded(String),
    /// A consent could not be recorded.
    #[error("{0}")]
    ConsentNotSaved(String),
    /// Only an enabled plugin can be restarted.
    #[error("plugin {0} is not enabled; enable it to start it")]
    NotEnabled(String),
    /// The server is going down, or the plugin's thread is gone.
    #[error("plugin {0} is shut down; restart the server to use it again")]
    ShutDown(String),
}
