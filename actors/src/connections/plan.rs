//! What a connection does, read from its settings.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smol_str::SmolStr;

use super::keys::{Keys, unsupported, wrong};
use super::options::{LineOptions, outgoing, without_effect};
use super::pacing::Steady;
use super::settings::SettingsError;
use super::trust::Trust;

/// Silence after which a connection is made anew.
const SILENCE: Duration = Duration::from_secs(60);
/// Everybody on the network.
const BROADCAST: &str = "255.255.255.255";
/// What another server's lines are asked for, which sends nothing by itself (signalk-v1 §13.1).
const EVERYTHING: &str = r#"{"context":"vessels.self","subscribe":[{"path":"*"}]}"#;
/// How gpsd is asked for sentences.
const WATCH: &str = "?WATCH={\"enable\":true,\"nmea\":true};\r\n";

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub input: Input,
    pub lines: LineOptions,
    /// The events whose sentences are written out.
    pub writes: Vec<SmolStr>,
    /// Replace every timestamp with the time of reception.
    pub override_timestamp: bool,
    /// Name NMEA 2000 sources by their CAN names (signalk-v1 §1.6).
    pub use_can_name: bool,
    /// What the settings ask for in vain.
    pub notes: Arc<[String]>,
    /// Record what is received.
    pub logging: bool,
}

/// Where the bytes come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Input {
    TcpClient(TcpClient),
    TcpListener(TcpListener),
    Udp(Udp),
    Serial(Serial),
    Playback(Recording),
    /// What clients of the NMEA 0183 output send.
    OutputClients,
    WebSocket(Remote),
}

impl Input {
    /// What the lines are; `None` for a recording, which may hold both.
    pub fn protocol(&self) -> Option<Protocol> {
        Some(match self {
            Self::TcpClient(TcpClient { protocol, .. })
            | Self::Udp(Udp { protocol, .. })
            | Self::Serial(Serial { protocol, .. }) => *protocol,
            Self::TcpListener(_) | Self::OutputClients => Protocol::Nmea0183,
            Self::WebSocket(_) => Protocol::SignalK,
            Self::Playback(_) => return None,
        })
    }

    /// Whether sentences can be written to where the bytes come from.
    pub fn can_write(&self) -> bool {
        self.protocol() == Some(Protocol::Nmea0183) && *self != Self::OutputClients
    }
}

/// What the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Nmea0183,
    /// NMEA 0183 with lines of JSON in between.
    Gpsd,
    /// Deltas.
    SignalK,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TcpClient {
    pub host: String,
    pub port: u16,
    /// Connect anew after this long without data.
    pub silence: Option<Duration>,
    pub protocol: Protocol,
    /// What is said first.
    pub greeting: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct TcpListener {
    pub address: IpAddr,
    pub port: u16,
    pub max_peers: usize,
    /// Disconnect a peer after this long without data.
    pub silence: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Udp {
    pub address: IpAddr,
    pub port: u16,
    pub protocol: Protocol,
    /// Where sentences are sent, to the same port.
    pub receiver: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Serial {
    pub device: PathBuf,
    pub baud_rate: u32,
    pub protocol: Protocol,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recording {
    pub file: PathBuf,
    /// What lines are that do not say it themselves, as a letter of the multiplexed form.
    pub plain: char,
    pub speed: f64,
    pub looped: bool,
    /// Use this rate even if the recording has times.
    pub throttle: Option<Steady>,
    /// Use this rate if it has none.
    pub without_times: Steady,
}

/// Another server's stream.
#[derive(Clone, PartialEq)]
pub(super) struct Remote {
    /// Look for it on the network; until it is found, host and port are empty.
    pub discover: bool,
    pub host: String,
    pub port: u16,
    pub secure: bool,
    /// Whose certificate is trusted.
    pub trust: Trust,
    pub token: Option<String>,
    /// Messages; without any its own ship is subscribed to.
    pub subscriptions: Vec<String>,
    pub own_self: SelfHandling,
    pub silence: Option<Duration>,
}

/// What becomes of the other server's own ship.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SelfHandling {
    /// Another vessel.
    Separate,
    /// Ours.
    Remote,
    /// Ours is this context of it.
    Named(String),
}

impl Remote {
    /// The token, for those who may have it. Whoever answers a search first could be anybody: he has to prove who he is, and a certificate of
    /// a public authority proves no more than that he owns the address that he has told.
    pub fn token_to_give(&self) -> Option<&str> {
        let proven = !self.discover || self.secure && matches!(self.trust, Trust::Authorities(_));
        self.token.as_deref().filter(|_| proven)
    }

    /// Where the stream is.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let subscribe = if self.subscriptions.is_empty() { "self" } else { "none" };
        format!("{scheme}://{host}:{}/signalk/v1/stream?subscribe={subscribe}", self.port)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is nobody's business.
        f.debug_struct("Remote").field("url", &self.url()).field("own_self", &self.own_self).finish_non_exhaustive()
    }
}

impl Plan {
    /// Reads `options` and `subOptions`. `directory` is where relative file names start.
    pub fn read(kind: &str, options: Keys<'_>, sub: Keys<'_>, directory: &Path) -> Result<Self, SettingsError> {
        let input = match kind {
            "NMEA0183" => nmea0183_input(sub)?,
            "SignalK" => signalk_input(sub)?,
            "FileStream" => file_input(options, sub, directory)?,
            "Execute" => {
                let command = sub.map.get("command").and_then(Value::as_str).unwrap_or("the program");
                return Err(SettingsError::Execute { command: command.chars().take(60).collect() });
            }
            other => {
                let with = sub.map.get("type").and_then(Value::as_str).map(|t| format!(" with {t}"));
                return Err(unsupported(format!("type {other}{}", with.unwrap_or_default())));
            }
        };
        let writes = outgoing(sub)?;
        Ok(Self {
            lines: LineOptions::read(sub)?,
            writes: if input.can_write() { writes } else { Vec::new() },
            override_timestamp: sub.flag("overrideTimestamp", false)?,
            use_can_name: sub.flag("useCanName", false)?,
            notes: without_effect(&input, sub),
            input,
            logging: options.flag("logging", false)?,
        })
    }
}

fn nmea0183_input(sub: Keys<'_>) -> Result<Input, SettingsError> {
    Ok(match sub.text("type")? {
        "tcp" => Input::TcpClient(tcp_client(sub, Protocol::Nmea0183)?),
        "tcplistener" => Input::TcpListener(TcpListener {
            address: sub.address("host", IpAddr::from([127, 0, 0, 1]))?,
            port: sub.port("port")?,
            max_peers: sub.number("maxPeers", 1.0..=1000.0, "a number from 1 to 1000")?.unwrap_or(32.0) as usize,
            silence: sub.seconds("noDataReceivedTimeout", None)?,
        }),
        "tcpserver" => Input::OutputClients,
        "udp" => Input::Udp(udp(sub, Protocol::Nmea0183)?),
        "serial" => Input::Serial(serial(sub, Protocol::Nmea0183)?),
        "gpsd" => {
            let host = sub.find("hostname", Value::as_str, "a text")?.unwrap_or("localhost");
            let port = if sub.present("port").is_some() { sub.port("port")? } else { 2947 };
            Input::TcpClient(TcpClient {
                host: host.to_owned(),
                port,
                silence: sub.seconds("noDataReceivedTimeout", Some(SILENCE))?,
                protocol: Protocol::Gpsd,
                greeting: WATCH.to_owned(),
            })
        }
        other => return Err(unsupported(format!("type NMEA0183 with {other}"))),
    })
}

fn signalk_input(sub: Keys<'_>) -> Result<Input, SettingsError> {
    Ok(match sub.text("type")? {
        kind @ ("ws" | "wss") => {
            const HANDLING: &str = "noSelf, useRemoteSelf or manualSelf";
            let handling = sub.find("selfHandling", Value::as_str, HANDLING)?;
            let own_self = match handling.unwrap_or("noSelf") {
                "noSelf" => SelfHandling::Separate,
                "useRemoteSelf" => SelfHandling::Remote,
                "manualSelf" => {
                    let named = sub.text("remoteSelf")?;
                    let named = if named.contains('.') { named.to_owned() } else { format!("vessels.{named}") };
                    SelfHandling::Named(named)
                }
                other => return Err(wrong("subOptions.selfHandling", &json!(other), HANDLING)),
            };
            let discover = sub.flag("useDiscovery", false)?;
            let (host, port) =
                if discover { (String::new(), 0) } else { (sub.text("host")?.to_owned(), sub.port("port")?) };
            Input::WebSocket(Remote {
                discover,
                host,
                port,
                secure: kind == "wss",
                trust: Trust::read(sub)?,
                token: token(sub)?,
                subscriptions: subscriptions(sub)?,
                own_self,
                silence: sub.seconds("noDataReceivedTimeout", Some(SILENCE))?,
            })
        }
        "tcp" => {
            let asked = match sub.present("subscription") {
                Some(_) => subscriptions(sub)?,
                None => vec![EVERYTHING.to_owned()],
            };
            let greeting = asked.into_iter().map(|message| message + "\r\n").collect();
            Input::TcpClient(TcpClient { greeting, ..tcp_client(sub, Protocol::SignalK)? })
        }
        "udp" => Input::Udp(udp(sub, Protocol::SignalK)?),
        "serial" => Input::Serial(serial(sub, Protocol::SignalK)?),
        other => return Err(unsupported(format!("type SignalK with {other}"))),
    })
}

fn tcp_client(sub: Keys<'_>, protocol: Protocol) -> Result<TcpClient, SettingsError> {
    Ok(TcpClient {
        host: sub.text("host")?.to_owned(),
        port: sub.port("port")?,
        silence: sub.seconds("noDataReceivedTimeout", Some(SILENCE))?,
        protocol,
        greeting: String::new(),
    })
}

fn udp(sub: Keys<'_>, protocol: Protocol) -> Result<Udp, SettingsError> {
    let address = sub.address("bindAddress", IpAddr::from([0, 0, 0, 0]))?;
    let receiver = sub.find("host", Value::as_str, "a text")?.unwrap_or(BROADCAST).to_owned();
    Ok(Udp { address, port: sub.port("port")?, protocol, receiver })
}

fn serial(sub: Keys<'_>, protocol: Protocol) -> Result<Serial, SettingsError> {
    let rate = sub.number("baudrate", 50.0..=4_000_000.0, "a number from 50 to 4000000, such as 4800 or 38400")?;
    Ok(Serial { device: sub.text("device")?.into(), baud_rate: rate.unwrap_or(4800.0) as u32, protocol })
}

/// Whoever reads what is wrong with a token must not read the token.
fn token(sub: Keys<'_>) -> Result<Option<String>, SettingsError> {
    match sub.present("token") {
        None => Ok(None),
        Some(Value::String(token)) => Ok(Some(token.clone())),
        Some(_) => Err(wrong("subOptions.token", &json!("something else"), "a text")),
    }
}

/// The subscribe messages that the settings ask for: one or a list of them, as JSON or as a text that is JSON.
fn subscriptions(sub: Keys<'_>) -> Result<Vec<String>, SettingsError> {
    const EXPECTED: &str =
        "a subscribe message such as {\"context\":\"vessels.self\",\"subscribe\":[{\"path\":\"*\"}]}";
    let Some(given) = sub.present("subscription") else { return Ok(Vec::new()) };
    let refused = || wrong("subOptions.subscription", given, EXPECTED);
    let value = match given {
        Value::String(text) => serde_json::from_str(text).map_err(|_| refused())?,
        value => value.clone(),
    };
    let messages = match value {
        Value::Array(messages) => messages,
        message => vec![message],
    };
    let message = |message: Value| {
        let has_rows = message.get("subscribe").is_some_and(Value::is_array);
        has_rows.then(|| message.to_string()).ok_or_else(refused)
    };
    messages.into_iter().map(message).collect()
}

fn file_input(options: Keys<'_>, sub: Keys<'_>, directory: &Path) -> Result<Input, SettingsError> {
    let data_type =
        sub.find("dataType", Value::as_str, "a text")?.or(options.find("dataType", Value::as_str, "a text")?);
    let plain = match data_type {
        Some("NMEA0183" | "Multiplexed") | None => 'N',
        Some("SignalK") => 'I',
        Some(other) => return Err(unsupported(format!("type FileStream with dataType {other}"))),
    };
    let throttle = match data_type {
        Some("Multiplexed") | None => None,
        Some(_) => sub.number("throttleRate", 1.0..=1e9, "a number of bytes per second")?.map(Steady::Bytes),
    };
    let lines = sub.number("linesPerSecond", 0.01..=1e6, "a number from 0.01 to 1000000")?.unwrap_or(10.0);
    let speed = match sub.number("speed", 0.0..=1e5, "0 or a number from 0.001 to 100000")? {
        Some(slow) if slow > 0.0 && slow < 1e-3 => {
            return Err(wrong("subOptions.speed", &json!(slow), "0 or a number from 0.001 to 100000"));
        }
        speed => speed.unwrap_or(1.0),
    };
    Ok(Input::Playback(Recording {
        file: directory.join(sub.text("filename")?),
        plain,
        speed,
        looped: sub.flag("loop", true)?,
        throttle,
        without_times: Steady::Lines(lines),
    }))
}
