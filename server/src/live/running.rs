//! What the server does at present, of all that its settings can change while it runs.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;
use windlass_actors::connections::RawLogSettings;
use windlass_actors::discovery::Reach;
use windlass_actors::staleness::StalenessSettings;

use crate::http::Proxies;
use crate::outputs::{OutputSettings, raw_log_settings};
use crate::settings::Settings;

/// Where the demo listens.
const LOOPBACK: &str = "127.0.0.1";

/// What the command line says about settings. It counts more than they do, as long as the server runs.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    /// `--port`.
    pub port: Option<u16>,
    /// `--host`.
    pub host: Option<String>,
    /// `--demo`, which listens for this computer only.
    pub demo: bool,
}

impl CommandLine {
    /// Puts what was said there over the settings.
    pub fn apply(&self, settings: &mut Settings) {
        settings.port = self.port.unwrap_or(settings.port);
        if let Some(host) = &self.host {
            settings.host.clone_from(host);
        }
        if self.demo && !is_loopback(&settings.host) {
            settings.host = LOOPBACK.to_owned();
        }
    }
}

/// Settings that can be changed while the server runs, as its parts have them.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// The address of all ports. Not to be changed while the server runs: only windlass.toml and the command line have it.
    pub host: String,
    /// The port of plain HTTP; 0 takes any free one.
    pub port: u16,
    /// Whether TLS is served.
    pub ssl: bool,
    /// Its port; 0 takes any free one.
    pub ssl_port: u16,
    /// Whether the server is to be announced on the network.
    pub mdns: bool,
    /// Whether that would be in vain: it listens for this computer only, and others would be told.
    pub mdns_in_vain: bool,
    /// The TCP outputs.
    pub outputs: OutputSettings,
    /// Whether plugins are run.
    pub plugins: bool,
    /// Milliseconds between two pings of a stream client; 0 sends none.
    pub ws_ping_interval: u64,
    /// Minutes after which silent contexts are forgotten; 0 keeps them.
    pub prune_contexts_minutes: f64,
    /// When values count as stale.
    pub staleness: StalenessSettings,
    /// Whether notifications get an id and a status.
    pub manage_notifications: bool,
    /// Where received data are recorded.
    pub raw_log: RawLogSettings,
    /// Which proxies are trusted.
    pub proxies: Proxies,
    /// Whether requests are logged.
    pub access_log: bool,
}

impl Running {
    /// What these settings ask for, in a configuration directory. What can't be used is told and left at its default.
    pub fn of(settings: &Settings, directory: &Path, problems: &mut Vec<String>) -> Self {
        let reference = &settings.reference;
        let variable = |name: &str| std::env::var(name).ok();
        Self {
            host: settings.host.clone(),
            port: settings.port,
            ssl: settings.ssl,
            ssl_port: settings.ssl_port,
            mdns: reference.get("mdns") != Some(&Value::Bool(false)),
            mdns_in_vain: is_loopback(&settings.host) && settings.mdns_reach == Reach::Network,
            outputs: OutputSettings::read(reference, &settings.host, variable, problems),
            plugins: settings.plugins.enabled,
            ws_ping_interval: settings.ws_ping_interval,
            prune_contexts_minutes: settings.prune_contexts_minutes,
            staleness: settings.staleness.clone(),
            manage_notifications: settings.manage_notifications,
            raw_log: raw_log_settings(reference, directory),
            proxies: Proxies::read(reference.get("trustProxy")).unwrap_or_else(|problem| {
                problems.push(problem.to_string());
                Proxies::default()
            }),
            access_log: reference.get("accessLogging") != Some(&Value::Bool(false)),
        }
    }

    /// Whether the server is announced.
    pub fn announced(&self) -> bool {
        self.mdns && !self.mdns_in_vain
    }

    /// The address of a port, as it is bound.
    pub fn address(&self, port: u16) -> String {
        format!("{}:{port}", self.host)
    }
}

/// Whether nobody but this computer can connect to a host.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
