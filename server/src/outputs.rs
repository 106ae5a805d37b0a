//! The TCP outputs (signalk-v1 §13): which of them are on, where they listen, and for whom. They come and go while the server runs.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix::{Actor, Addr, ArbiterHandle};
use serde_json::{Map, Value, json};
use windlass_actors::connections::RawLogSettings;
use windlass_actors::outputs::{
    Gate, LineServer, LineServerOptions, OutputCounters, PluginSentences, SentenceBus, serve_lines, serve_sentences,
};
use windlass_actors::stream::{Hub, StreamContext};
use windlass_actors::{StatusBoard, StatusKind, StatusSubject};
use windlass_broker::observe::{ActorKind, Observatory, Observed};
use windlass_security::{Mode, Principal, Security};

/// Clients of one output.
const MAX_CLIENTS: usize = 64;
/// The entries of the outputs on the status board.
const NMEA: &str = "nmea-tcp";
/// See [`NMEA`].
const SIGNALK: &str = "tcp";
/// The interface of each output, the variable that gives it another port, and the port without it.
const PORTS: [(&str, &str, u16); 2] = [(NMEA, "NMEA0183PORT", 10110), (SIGNALK, "TCPSTREAMPORT", 8375)];

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
        let [nmea, signalk] = output_ports(&variable, problems).map(|(interface, _, port)| {
            let is_off = interfaces.and_then(|it| it.get(interface)) == Some(&Value::Bool(false));
            (!is_off).then_some(port)
        });
        let signalk_host = variable("TCPSTREAMADDRESS").filter(|address| {
            let known = resolve(address).is_some();
            if !known {
                problems.push(format!("TCPSTREAMADDRESS is {address:?}, which is no address; {host} is used"));
            }
            known
        });
        Self { nmea, signalk, host: host.to_owned(), signalk_host }
    }

    /// Where NMEA 0183 and the Signal K stream listen, if they do.
    fn places(&self) -> [Option<(String, u16)>; 2] {
        let signalk_host = self.signalk_host.as_ref().unwrap_or(&self.host);
        [self.nmea.map(|port| (self.host.clone(), port)), self.signalk.map(|port| (signalk_host.clone(), port))]
    }
}

/// The interface of each output, the variable that gives it another port, and its port, whether or not it is on; 0 is any free one.
pub fn output_ports(
    variable: impl Fn(&str) -> Option<String>,
    problems: &mut Vec<String>,
) -> [(&'static str, &'static str, u16); 2] {
    PORTS.map(|(interface, name, default)| {
        let port = match variable(name) {
            None => default,
            Some(text) => text.trim().parse().unwrap_or_else(|_| {
                problems.push(format!("{name} is {text:?}, which is no port number; {default} is used"));
                default
            }),
        };
        (interface, name, port)
    })
}

/// Why nobody can read an output that `next` opens, in sentences, by its setting. `closed` is why no output may be read at present.
fn obstacles(former: &OutputSettings, next: &OutputSettings, closed: Option<&str>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for ((interface, variable, _), (before, now)) in
        PORTS.into_iter().zip(former.places().into_iter().zip(next.places()))
    {
        let Some((host, port)) = now.filter(|now| before.as_ref() != Some(now)) else { continue };
        let why = match closed {
            Some(reason) => format!("The port stays closed as long as {reason}."),
            // What is bound here is given back at once: the output binds it itself.
            None => match TcpListener::bind((address(&host), port)) {
                Ok(_) => continue,
                Err(error) => format!(
                    "TCP port {port} can't be opened: {error}. It is tried again until it works: end the program that uses the port, or \
                     choose another with {variable}."
                ),
            },
        };
        found.insert(format!("interfaces.{interface}"), why);
    }
    found
}

fn observe(observatory: &Observatory, name: &str, counters: &OutputCounters) -> Observed {
    let counters = counters.clone();
    observatory.observe_counters(ActorKind::Output, name, move || counters.reading())
}

/// The outputs, those that are on and those that are not.
#[derive(Debug)]
pub struct Outputs {
    stream: Stream,
    board: StatusBoard,
    arbiter: ArbiterHandle,
    reports: OutputReports,
    settings: OutputSettings,
    nmea: Option<LineServer>,
    signalk: Option<LineServer>,
    /// Serves all readers of the Signal K stream; the broker knows it from the first time on that the port is on.
    hub: Arc<OnceLock<Addr<Hub>>>,
}

/// What clients share; it has no words of its own for those who debug.
struct Stream(StreamContext);

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamContext")
    }
}

/// What the outputs have done since they were switched on. Clones share.
#[derive(Debug, Clone, Default)]
pub struct OutputReports {
    nmea: Report,
    signalk: Report,
    /// What the NMEA 0183 output repeats.
    pub sentences: SentenceBus,
}

#[derive(Debug, Clone, Default)]
struct Report(Arc<Mutex<Option<OutputCounters>>>);

impl Report {
    fn get(&self) -> Option<OutputCounters> {
        // Set in one step, so whole also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, counters: Option<OutputCounters>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counters;
    }
}

impl Outputs {
    /// Starts those that are on.
    pub fn start(
        settings: OutputSettings,
        stream: StreamContext,
        board: &StatusBoard,
        sentences: SentenceBus,
        arbiter: &ArbiterHandle,
    ) -> (Self, OutputReports) {
        let (events, bus) = (stream.events.clone(), sentences.clone());
        // Also while the port is off: connections write out the same sentences.
        PluginSentences::start_in_arbiter(arbiter, move |_| PluginSentences::new(events, bus));
        let reports = OutputReports { sentences, ..OutputReports::default() };
        let mut outputs = Self {
            stream: Stream(stream),
            board: board.clone(),
            arbiter: arbiter.clone(),
            reports: reports.clone(),
            settings,
            nmea: None,
            signalk: None,
            hub: Arc::default(),
        };
        outputs.start_missing();
        (outputs, reports)
    }

    /// Why nobody could read an output that other settings open, in sentences, by its setting such as `interfaces.tcp`.
    pub fn obstacles(&self, next: &OutputSettings) -> BTreeMap<String, String> {
        let gate = gate(self.stream.0.security.clone());
        obstacles(&self.settings, next, gate())
    }

    /// Stops those that are off now, or listen elsewhere, and starts those that are on. Readers of the others notice nothing.
    pub async fn set(&mut self, settings: OutputSettings) {
        let former = std::mem::replace(&mut self.settings, settings);
        let (before, now) = (former.places(), self.settings.places());
        if before[0] != now[0] {
            stop(&mut self.nmea, &self.reports.nmea, &self.board, NMEA).await;
        }
        if before[1] != now[1] {
            stop(&mut self.signalk, &self.reports.signalk, &self.board, SIGNALK).await;
        }
        self.start_missing();
    }

    fn start_missing(&mut self) {
        let [nmea, signalk] = self.settings.places();
        if let (None, Some((host, port))) = (&self.nmea, nmea) {
            self.nmea = Some(self.start_nmea(&host, port));
        }
        if let (None, Some((host, port))) = (&self.signalk, signalk) {
            self.signalk = Some(self.start_signalk(&host, port));
        }
    }

    fn options(&self, name: &'static str, host: &str, port: u16, hint: &'static str) -> LineServerOptions {
        let gate = gate(self.stream.0.security.clone());
        LineServerOptions { name, address: address(host), port, max_clients: MAX_CLIENTS, hint, gate }
    }

    fn start_nmea(&self, host: &str, port: u16) -> LineServer {
        let options = self.options(NMEA, host, port, "choose another with NMEA0183PORT");
        let (sentences, counters) = (self.reports.sentences.clone(), OutputCounters::default());
        self.reports.nmea.set(Some(counters.clone()));
        let observed = observe(&self.stream.0.observatory, NMEA, &counters);
        let served = counters.clone();
        let prepare = move || {
            observed.runs_here();
            move |connection, peer| {
                // As long as the port is served it is seen.
                let _observed = &observed;
                serve_sentences(connection, peer, sentences.clone(), served.clone())
            }
        };
        LineServer::start(options, self.board.clone(), counters, &self.arbiter, prepare)
    }

    fn start_signalk(&self, host: &str, port: u16) -> LineServer {
        let options = self.options(SIGNALK, host, port, "choose another with TCPSTREAMPORT");
        let (stream, counters, hub) = (self.stream.0.clone(), OutputCounters::default(), self.hub.clone());
        self.reports.signalk.set(Some(counters.clone()));
        let observed = observe(&stream.observatory, SIGNALK, &counters);
        let served = counters.clone();
        let prepare = move || {
            observed.runs_here();
            let start = || Hub::new(stream.broker.clone()).observed_by(&stream.observatory).start();
            let hub = hub.get_or_init(start).clone();
            move |connection, peer| {
                let _observed = &observed;
                serve_lines(connection, peer, stream.clone(), hub.clone(), served.clone())
            }
        };
        LineServer::start(options, self.board.clone(), counters, &self.arbiter, prepare)
    }

    /// Closes all ports and connections.
    pub async fn stop(&self) {
        for server in self.nmea.iter().chain(&self.signalk) {
            server.stop().await;
        }
    }
}

async fn stop(server: &mut Option<LineServer>, report: &Report, board: &StatusBoard, name: &str) {
    if let Some(server) = server.take() {
        server.stop().await;
        report.set(None);
        board.set(name, StatusSubject::Provider, StatusKind::Status, "");
        log::info!("{name}: switched off");
    }
}

impl OutputReports {
    /// Of NMEA 0183, if it is on.
    pub fn nmea(&self) -> Option<OutputCounters> {
        self.nmea.get()
    }

    /// Of the Signal K stream, if it is on.
    pub fn signalk(&self) -> Option<OutputCounters> {
        self.signalk.get()
    }

    /// The port of the Signal K stream while it listens.
    pub fn signalk_port(&self) -> Option<u16> {
        Some(self.signalk()?.read().local_address?.port())
    }

    /// The port of NMEA 0183 while it listens.
    pub fn nmea_port(&self) -> Option<u16> {
        Some(self.nmea()?.read().local_address?.port())
    }

    /// For `/windlass/statistics`.
    pub fn to_json(&self) -> Value {
        json!({
            "nmeaTcp": self.nmea().as_ref().map(OutputCounters::read),
            "signalkTcp": self.signalk().as_ref().map(OutputCounters::read),
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

    #[test]
    fn outputs_that_nobody_can_read_say_why() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = taken.local_addr().expect("it is bound").port();
        let outputs =
            |nmea, signalk| OutputSettings { nmea, signalk, host: "127.0.0.1".to_owned(), signalk_host: None };
        let off = outputs(None, None);
        let found = |former, next, closed| {
            let found = obstacles(former, next, closed).into_iter();
            found.map(|(setting, why)| (setting, why.contains("can't be opened"))).collect::<Vec<_>>()
        };
        let (tcp, nmea) = ("interfaces.tcp".to_owned(), "interfaces.nmea-tcp".to_owned());
        let both = outputs(Some(0), Some(port));
        assert_eq!(found(&off, &both, None), [(tcp.clone(), true)]);
        assert_eq!(found(&off, &both, Some("it is dark")), [(nmea, false), (tcp, false)]);
        assert_eq!(found(&both, &both, Some("it is dark")), [], "they are open already");
        assert_eq!(found(&both, &off, Some("it is dark")), [], "nothing is opened");
        drop(taken);
        assert_eq!(found(&off, &both, None), []);
    }
}
