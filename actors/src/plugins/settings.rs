//! How the plugins of a server are set up.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use windlass_broker::observe::Observatory;
use windlass_wasm_host::CertificateAuthorities;

use super::limits::{PluginLimits, PluginOverride};

/// What the server's settings say about plugins.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// The configuration directory; plugins keep theirs in `plugin-config-data` below it.
    pub config_dir: PathBuf,
    /// The `node_modules` directories, the user's first (§1.1).
    pub roots: Vec<PathBuf>,
    /// What each plugin may use up.
    pub limits: PluginLimits,
    /// What is different for single plugins, by id or package name.
    pub overrides: BTreeMap<String, PluginOverride>,
    /// For those who develop plugins: reload a plugin when its files change.
    pub watch: bool,
    /// Where compiled modules are kept between starts.
    pub cache_dir: PathBuf,
    /// Whom the HTTPS requests of plugins trust to vouch for servers.
    pub authorities: CertificateAuthorities,
    /// False when `interfaces.wasm` is: plugins are listed, none is loaded (§1.5).
    pub wasm_enabled: bool,
    /// `DISABLEPLUGINS`: none is started, whatever its configuration says.
    pub disable_all: bool,
    /// `DEFAULTENABLEDPLUGINS`: ids (or package names) of plugins that are enabled as long as they have no configuration file.
    pub enabled_by_default: Vec<String>,
    /// Where the plugins' actors are seen.
    pub observatory: Observatory,
}

/// Times that only tests change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// From one `poll` to the next (§3.4).
    pub poll: Duration,
    /// How long an answer waits for a start (§8.2).
    pub answer: Duration,
    /// How long the end of the server waits for plugins: somewhat more than `plugin_stop` may take.
    pub shutdown: Duration,
    /// How long an answer waits for a reload, compiling included.
    pub reload: Duration,
    /// From one look at the files to the next, where they are watched.
    pub watch: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(1),
            answer: Duration::from_secs(10),
            shutdown: Duration::from_secs(6),
            reload: Duration::from_secs(120),
            watch: Duration::from_secs(1),
        }
    }
}
