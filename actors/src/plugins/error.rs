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
    #[error("plugin {0} is just being started; try again when it runs")]
    Busy(String),
    /// Only an enabled plugin can be restarted.
    #[error("plugin {0} is not enabled; enable it to start it")]
    NotEnabled(String),
    /// The server is going down, or the plugin's thread is gone.
    #[error("plugin {0} is shut down; restart the server to use it again")]
    ShutDown(String),
}
