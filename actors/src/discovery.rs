//! Announcing the server on the local network, and finding others there, by multicast DNS (signalk-v1 §12).

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::Duration;

use if_addrs::{IfAddr, Interface};
use mdns_sd::{IfKind, ResolvedService, ServiceDaemon, ServiceEvent, ServiceInfo};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

/// The port of multicast DNS.
const PORT: u16 = 5353;
/// Longest part of a name that is made of the boat's: DNS allows 63 bytes, and a number may be put behind it.
const LONGEST_NAME: usize = 48;
/// How long taking an announcement back may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// Most servers that are looked at in one search.
const MOST_FOUND: usize = 256;

/// Tells this process from all other servers, those of the same boat included. It is announced as `instance`.
static INSTANCE: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().to_string());

/// Why nothing is announced or found.
#[derive(Debug, thiserror::Error)]
#[error("multicast DNS does not work on this computer: {0}; set `mdns` to false in settings.json to do without")]
pub struct DiscoveryError(#[from] mdns_sd::Error);

/// Where multicast DNS is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// On all networks of this computer.
    #[default]
    Network,
    /// Within this computer.
    Loopback,
}

/// What is to be told about a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The computer.
    pub host_name: String,
    /// The port of HTTP and the stream.
    pub port: u16,
    /// Whether that port speaks TLS.
    pub secure: bool,
    /// The port of the Signal K stream over TCP, while it listens.
    pub signalk_tcp: Option<u16>,
    /// The port of NMEA 0183 over TCP, while it listens.
    pub nmea: Option<u16>,
    /// The server's version.
    pub version: String,
    /// The own ship's id: `urn:mrn:…`.
    pub own: String,
    /// The boat's name.
    pub vessel_name: Option<String>,
}

impl Facts {
    /// The service types and their ports.
    pub fn services(&self) -> Vec<(&'static str, u16)> {
        let web = match self.secure {
            true => ["_https._tcp", "_signalk-https._tcp", "_signalk-wss._tcp"],
            false => ["_http._tcp", "_signalk-http._tcp", "_signalk-ws._tcp"],
        };
        let tcp = [("_signalk-tcp._tcp", self.signalk_tcp), ("_nmea-0183._tcp", self.nmea)];
        let tcp = tcp.into_iter().filter_map(|(kind, port)| Some((kind, port?)));
        web.into_iter().map(|kind| (kind, self.port)).chain(tcp).collect()
    }

    /// What stands beside each service.
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let mmsi = self.own.strip_prefix("urn:mrn:imo:mmsi:").map(str::to_owned);
        let uuid = self.own.starts_with("urn:mrn:signalk:uuid:").then(|| self.own.clone());
        let known = [
            ("txtvers", Some("1".to_owned())),
            ("swname", Some("windlass".to_owned())),
            ("swvers", Some(self.version.clone())),
            ("roles", Some("master, main".to_owned())),
            ("self", Some(self.own.clone())),
            ("vname", self.vessel_name.clone()),
            ("vmmsi", mmsi),
            ("vuuid", uuid),
            ("instance", Some(INSTANCE.clone())),
        ];
        known.into_iter().filter_map(|(key, value)| Some((key, value.filter(|value| !value.is_empty())?))).collect()
    }

    /// The name that people see, with the port, so that two servers of one boat have two names.
    fn instance(&self) -> String {
        let name = self.vessel_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("Windlass");
        let mut end = name.len().min(LONGEST_NAME);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        format!("{} {}", &name[..end], self.port)
    }

    fn records(&self, reach: Reach) -> Result<Vec<ServiceInfo>, DiscoveryError> {
        let label: String = self.host_name.split('.').next().unwrap_or_default().chars().take(32).collect();
        // A name of our own: the computer may announce its own itself.
        let host = format!("{}-windlass-{}.local.", if label.is_empty() { "boat" } else { &label }, self.port);
        let addresses = if reach == Reach::Loopback { "127.0.0.1" } else { "" };
        let properties = self.properties();
        let record = |(kind, port): (&'static str, u16)| {
            let domain = format!("{kind}.local.");
            let record = ServiceInfo::new(&domain, &self.instance(), &host, addresses, port, &properties[..])?;
            Ok(if reach == Reach::Loopback { record } else { record.enable_addr_auto() })
        };
        self.services().into_iter().map(record).collect()
    }
}

/// Keeps a server announced until it is stopped.
pub struct Announcer {
    reach: Reach,
    port: u16,
    announced: Option<Announced>,
}

/// What is announced, and by what.
struct Announced {
    facts: Facts,
    daemon: Daemon,
    names: Vec<String>,
}

impl Announcer {
    /// An announcer that says nothing yet.
    pub fn new(reach: Reach) -> Self {
        Self { reach, port: PORT, announced: None }
    }

    /// From now on this is announced, and nothing else. Telling the same again does nothing.
    ///
    /// # Errors
    /// Multicast DNS does not work here; nothing is announced then.
    pub async fn announce(&mut self, facts: &Facts) -> Result<(), DiscoveryError> {
        if self.announced.as_ref().is_some_and(|announced| announced.facts == *facts) {
            return Ok(());
        }
        self.stop().await;
        let daemon = Daemon::start(self.reach, self.port)?;
        let mut names = Vec::new();
        for record in facts.records(self.reach)? {
            names.push(record.get_fullname().to_owned());
            daemon.register(record)?;
        }
        self.announced = Some(Announced { facts: facts.clone(), daemon, names });
        Ok(())
    }

    /// Takes everything back.
    pub async fn stop(&mut self) {
        let Some(Announced { daemon, names, .. }) = self.announced.take() else { return };
        for name in names {
            if let Ok(told) = daemon.unregister(&name) {
                // Whoever does not hear the goodbye forgets us by and by.
                let _ = timeout(GOODBYE, told.recv_async()).await;
            }
        }
        daemon.end().await;
    }
}

/// What speaks multicast DNS. It has a thread and sockets, which go when this is dropped.
struct Daemon(ServiceDaemon);

impl Daemon {
    fn start(reach: Reach, port: u16) -> Result<Self, DiscoveryError> {
        let daemon = Self(ServiceDaemon::new_with_port(port)?);
        match reach {
            Reach::Network => daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?,
            Reach::Loopback => {
                daemon.disable_interface(IfKind::All)?;
                daemon.enable_interface(IfKind::LoopbackV4)?;
            }
        }
        Ok(daemon)
    }

    /// Waits until it has said goodbye.
    async fn end(self) {
        if let Ok(ended) = self.shutdown() {
            let _ = timeout(GOODBYE, ended.recv_async()).await;
        }
    }
}

impl Deref for Daemon {
    type Target = ServiceDaemon;

    fn deref(&self) -> &ServiceDaemon {
        &self.0
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        match self.0.shutdown() {
            Ok(_) | Err(mdns_sd::Error::DaemonShutdown) => {}
            Err(error) => log::warn!("multicast DNS: a thread could not be told to end, and goes on: {error}"),
        }
    }
}

/// A Signal K server that announces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundServer {
    /// The name that people see.
    pub name: String,
    /// The name of its computer.
    pub host: String,
    /// Its addresses, those first that are most likely to be reached from here.
    pub addresses: Vec<IpAddr>,
    /// The port of its stream.
    pub port: u16,
    /// Whether that speaks TLS.
    pub secure: bool,
    /// Its own ship's id, if it says so.
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub own: Option<String>,
    /// Its software, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// Whether it is this very process.
    #[serde(skip)]
    pub here: bool,
}

/// Looks for Signal K servers for as long as `wait`; this one is found, too, when it is announced.
///
/// # Errors
/// Multicast DNS does not work here.
pub async fn find_servers(wait: Duration, reach: Reach) -> Result<Vec<FoundServer>, DiscoveryError> {
    find_on_port(wait, reach, PORT, |_| false).await
}

async fn find_on_port(
    wait: Duration,
    reach: Reach,
    port: u16,
    enough: impl Fn(&[FoundServer]) -> bool,
) -> Result<Vec<FoundServer>, DiscoveryError> {
    let daemon = Daemon::start(reach, port)?;
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::warn!(
            "the networks of this computer can't be found ({error}); addresses of other servers are tried as they come"
        );
        Vec::new()
    });
    let mut found: Vec<FoundServer> = Vec::new();
    let until = Instant::now() + wait;
    let (plain, secure) = (daemon.browse("_signalk-ws._tcp.local.")?, daemon.browse("_signalk-wss._tcp.local.")?);
    while found.len() < MOST_FOUND && !enough(&found) {
        let event = async {
            tokio::select! {
                event = plain.recv_async() => event,
                event = secure.recv_async() => event,
            }
        };
        match timeout_at(until, event).await {
            Ok(Ok(ServiceEvent::ServiceResolved(service))) => {
                let server = FoundServer::of(&service, &interfaces);
                found.retain(|known| (&known.name, known.secure) != (&server.name, server.secure));
                found.push(server);
            }
            Ok(Ok(_)) => {}
            // The time is over, or the daemon has ended.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    daemon.end().await;
    Ok(found)
}

impl FoundServer {
    fn of(service: &ResolvedService, interfaces: &[Interface]) -> Self {
        let property = |key| service.get_property_val_str(key).map(str::to_owned);
        let name = service.get_fullname().strip_suffix(&service.ty_domain).unwrap_or(service.get_fullname());
        let mut addresses: Vec<_> = service.get_addresses().iter().map(|address| address.to_ip_addr()).collect();
        addresses.sort_by_key(|address| (distance(*address, interfaces), *address));
        Self {
            name: name.trim_end_matches('.').to_owned(),
            host: service.get_hostname().trim_end_matches('.').to_owned(),
            addresses,
            port: service.get_port(),
            secure: service.ty_domain.starts_with("_signalk-wss."),
            own: property("self"),
            software: property("swname"),
            here: property("instance").as_deref() == Some(INSTANCE.as_str()),
        }
    }
}

/// How far off an address is: on one of our networks, elsewhere, or of a kind that means something to its own computer or wire only.
fn distance(address: IpAddr, interfaces: &[Interface]) -> u8 {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    let near = |interface: &Interface| match (&interface.addr, address) {
        (IfAddr::V4(own), IpAddr::V4(other)) => own.ip & own.netmask == other & own.netmask,
        (IfAddr::V6(own), IpAddr::V6(other)) => own.ip & own.netmask == other & own.netmask,
        _ => false,
    };
    if address.is_loopback() {
        3
    } else if link_local {
        2
    } else {
        u8::from(!interfaces.iter().any(near))
    }
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
