//! The TCP outputs (signalk-v1 §13): which of them are on, where they listen, and for whom.

use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;

use actix::{Actor, ArbiterHandle};
use serde_json::{Map, Value, json};
use windlass_actors::StatusBoard;
use windlass_actors::connections::RawLogSettings;
use windlass_actors::outputs::{
    Gate, LineServer, LineServerOptions, OutputCounters, PluginSentences, SentenceBus, serve_lines, serve_sentences,
};
use windlass_actors::stream::{Hub, StreamContext};
use windlass_broker::observe::{ActorKind, Observatory, Observed};
use windlass_security::{Mode, Principal, Security};

/// Clients of one output.
const MAX_CLIENTS: usize = 64;

/// Which outputs are on, and on which ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSettings {
    /// The port of NMEA 0183, unless `interfaces.nmea-tcp` is false; `NMEA0183PORT` or 10110.
    pub nmea: Option<u16>,
    /// The port of the Signal K stream, unless `interfaces.tcp` is false; `TCPSTREAMPORT` or 8375.
    pub signalk: Option<u16>,
    /// The address that both listen on, but for `TCPSTREAMADDRESS`.
    pub host: String,
    /// The address of the Signal K stream.
    pub signalk_host: Option<String>,
}

impl OutputSettings {
    /// Reads settings.json (its `interfaces`) and the environment, through `variable`. What can't be used is told and left at its default.
    pub fn read(
        reference: &Map<String, Value>,
        host: &str,
        variable: impl Fn(&str) -> Option<String>,
        problems: &mut Vec<String>,
    ) -> Self {
        let interfaces = reference.get("interfaces");
        let mut port = |interface: &str, name: &str, default: u16| {
            if interfaces.and_then(|it| it.get(interface)) == Some(&Value::Bool(false)) {
                return None;
            }
            Some(match variable(name) {
                None => default,
                Some(text) => text.trim().parse().unwrap_or_else(|_| {
                    problems.push(format!("{name} is {text:?}, which is no port number; {default} is used"));
                    default
                }),
            })
        };
        let (nmea, signalk) = (port("nmea-tcp", "NMEA0183PORT", 10110), port("tcp", "TCPSTREAMPORT", 8375));
        let signalk_host = variable("TCPSTREAMADDRESS").filter(|address| {
            let known = resolve(address).is_some();
            if !known {
                problems.push(format!("TCPSTREAMADDRESS is {address:?}, which is no address; {host} is used"));
            }
            known
        });
        Self { nmea, signalk, host: host.to_owned(), signalk_host }
    }
}

fn observe(observatory: &Observatory, name: &str, counters: &OutputCounters) -> Observed {
    let counters = counters.clone();
    observatory.observe_counters(ActorKind::Output, name, move || counters.reading())
}

/// The outputs that are on.
#[derive(Debug)]
pub struct Outputs {
    servers: Vec<LineServer>,
}

/// What the outputs have done. Clones share.
#[derive(Debug, Clone, Default)]
pub struct OutputReports {
    /// NMEA 0183, if it is on.
    pub nmea: Option<OutputCounters>,
    /// The Signal K stream, if it is on.
    pub signalk: Option<OutputCounters>,
    /// What the NMEA 0183 output repeats.
    pub sentences: SentenceBus,
}

impl Outputs {
    /// Starts those that are on.
    pub fn start(
        settings: &OutputSettings,
        stream: StreamContext,
        board: &StatusBoard,
        sentences: SentenceBus,
        arbiter: &ArbiterHandle,
    ) -> (Self, OutputReports) {
        let mut reports = OutputReports { sentences: sentences.clone(), ..OutputReports::default() };
        let mut servers = Vec::new();
        let options = |name, host: &str, port, hint| LineServerOptions {
            name,
            address: address(host),
            port,
            max_clients: MAX_CLIENTS,
            hint,
            gate: gate(stream.security.clone()),
        };
        if let Some(port) = settings.nmea {
            let (events, bus) = (stream.events.clone(), sentences.clone());
            PluginSentences::start_in_arbiter(arbiter, move |_| PluginSentences::new(events, bus));
            let options = options("nmea-tcp", &settings.host, port, "choose another with NMEA0183PORT");
            let counters = OutputCounters::default();
            reports.nmea = Some(counters.clone());
            let observed = observe(&stream.observatory, "nmea-tcp", &counters);
            let prepare = move || {
                observed.runs_here();
                move |connection, peer| {
                    // As long as the port is served it is seen.
                    let _observed = &observed;
                    serve_sentences(connection, peer, sentences.clone(), counters.clone())
                }
            };
            let counters = reports.nmea.clone().unwrap_or_default();
            servers.push(LineServer::start(options, board.clone(), counters, arbiter, prepare));
        }
        if let Some(port) = settings.signalk {
            let host = settings.signalk_host.as_ref().unwrap_or(&settings.host);
            let options = options("tcp", host, port, "choose another with TCPSTREAMPORT");
            let counters = OutputCounters::default();
            reports.signalk = Some(counters.clone());
            let served = counters.clone();
            let observed = observe(&stream.observatory, "tcp", &counters);
            let prepare = move || {
                observed.runs_here();
                let hub = Hub::new(stream.broker.clone()).observed_by(&stream.observatory).start();
                move |connection, peer| {
                    let _observed = &observed;
                    serve_lines(connection, peer, stream.clone(), hub.clone(), served.clone())
                }
            };
            servers.push(LineServer::start(options, board.clone(), counters, arbiter, prepare));
        }
        (Self { servers }, reports)
    }

    /// Closes all ports and connections.
    pub async fn stop(&self) {
        for server in &self.servers {
            server.stop().await;
        }
    }
}

impl OutputReports {
    /// The port of the Signal K stream while it listens.
    pub fn signalk_port(&self) -> Option<u16> {
        Some(self.signalk.as_ref()?.read().local_address?.port())
    }

    /// The port of NMEA 0183 while it listens.
    pub fn nmea_port(&self) -> Option<u16> {
        Some(self.nmea.as_ref()?.read().local_address?.port())
    }

    /// For `/windlass/statistics`.
    pub fn to_json(&self) -> Value {
        json!({
            "nmeaTcp": self.nmea.as_ref().map(OutputCounters::read),
            "signalkTcp": self.signalk.as_ref().map(OutputCounters::read),
            "sentences": self.sentences.repeated(),
        })
    }
}

/// The first address of a host; this computer alone when it has none, which the HTTP server complains about.
fn address(host: &str) -> IpAddr {
    resolve(host).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// The first address of a host, by preference one of IPv4: `localhost` has two, and clients try that.
fn resolve(host: &str) -> Option<IpAddr> {
    let found: Vec<_> = (host.trim_matches(['[', ']']), 0).to_socket_addrs().ok()?.map(|found| found.ip()).collect();
    found.iter().find(|address| address.is_ipv4()).or(found.first()).copied()
}

/// Lines know neither passwords nor who may see what: they are for everybody or for nobody.
fn gate(security: Security) -> Gate {
    Arc::new(move || {
        if !security.may_read(&Principal::Anonymous) {
            return Some("security is on and reading without a login is not allowed (allow_readonly)");
        }
        if security.mode() != Mode::Open && !security.acl().is_empty() {
            return Some("security.json has ACLs, and this output can't tell who reads");
        }
        None
    })
}

/// Where the raw data log goes, and how large it may get: `loggingDirectory`, `keepMostRecentLogsOnly`, `logCountToKeep` and this
/// server's own `logBytesToKeep` of settings.json.
pub fn raw_log_settings(reference: &Map<String, Value>, directory: &Path) -> RawLogSettings {
    let named = reference.get("loggingDirectory").and_then(Value::as_str).filter(|name| !name.is_empty());
    let mut settings = RawLogSettings::in_directory(directory.join(named.unwrap_or_default()));
    let number = |key: &str| {
        let value = reference.get(key)?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    };
    if let Some(count) = number("logCountToKeep") {
        settings.files = Some(usize::try_from(count).unwrap_or(usize::MAX));
    }
    if reference.get("keepMostRecentLogsOnly") == Some(&Value::Bool(false)) {
        settings.files = None;
    }
    if let Some(bytes) = number("logBytesToKeep") {
        settings.bytes = bytes;
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_what_the_settings_say() {
        let read = |text: &str| {
            let reference = serde_json::from_str(text).expect("an object");
            let read = raw_log_settings(&reference, Path::new("/config"));
            (read.directory, read.files, read.bytes)
        };
        assert_eq!(read("{}"), ("/config/".into(), Some(24), 1 << 30));
        let all = r#"{"loggingDirectory":"/logs","logCountToKeep":"3","logBytesToKeep":5000}"#;
        assert_eq!(read(all), ("/logs".into(), Some(3), 5000));
        let forever = r#"{"loggingDirectory":"logs","keepMostRecentLogsOnly":false,"logCountToKeep":3}"#;
        assert_eq!(read(forever), ("/config/logs".into(), None, 1 << 30));
    }

    #[test]
    fn both_outputs_are_on_unless_switched_off() {
        let mut problems = Vec::new();
        let reference = |text: &str| serde_json::from_str::<Map<String, Value>>(text).expect("an object");
        let none = |_: &str| None;
        let read = OutputSettings::read(&reference("{}"), "127.0.0.1", none, &mut problems);
        assert_eq!((read.nmea, read.signalk, read.signalk_host), (Some(10110), Some(8375), None));
        let off = reference(r#"{"interfaces":{"nmea-tcp":false,"tcp":false}}"#);
        let read = OutputSettings::read(&off, "127.0.0.1", none, &mut problems);
        assert_eq!((read.nmea, read.signalk), (None, None));
        assert!(problems.is_empty());
        let set = |name: &str| Some(if name == "NMEA0183PORT" { "0" } else { "127.0.0.256 " }.to_owned());
        let read = OutputSettings::read(&reference("{}"), "127.0.0.1", set, &mut problems);
        assert_eq!((read.nmea, read.signalk, read.signalk_host), (Some(0), Some(8375), None));
        assert_eq!(problems.len(), 2, "{problems:?}");
    }
}
