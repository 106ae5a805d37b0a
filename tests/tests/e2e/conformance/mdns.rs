//! Group N: announcements by multicast DNS, within this computer only.

use std::collections::BTreeMap;

use mdns_sd::{IfKind, ServiceDaemon, ServiceEvent};
use serde_json::json;
use tokio::time::timeout;
use windlass_tests::{Json, PATIENCE, Server, ServerOptions, Stream, Trust, delta, rows, run_table};

const KINDS: [&str; 5] =
    ["_http._tcp", "_signalk-http._tcp", "_signalk-ws._tcp", "_signalk-tcp._tcp", "_nmea-0183._tcp"];
const SECURE: [&str; 3] = ["_https._tcp", "_signalk-https._tcp", "_signalk-wss._tcp"];
const LOOPBACK: &str = "mdns_reach = \"loopback\"\n";

#[tokio::test]
async fn group_n_announcements() {
    let server = Server::start().await;
    let rows = rows![
        [225] the_server_announces_itself_until_it_stops,
        [225] a_server_with_tls_announces_that,
        [] a_connection_finds_another_server,
    ];
    run_table(&server, rows).await;
}

fn boat(name: &str, mmsi: &str) -> ServerOptions {
    ServerOptions::new().vessel(name, mmsi).file("windlass.toml", LOOPBACK)
}

/// An MMSI that no other run of the tests on this computer has.
fn own_mmsi(number: u32) -> String {
    format!("23{:07}", std::process::id() % 1_000_000 * 10 + number)
}

/// What is told about a service.
type Texts = BTreeMap<String, String>;

/// Another program on this computer, which looks for services.
struct Browser(ServiceDaemon);

impl Browser {
    fn new() -> Self {
        let daemon = ServiceDaemon::new().expect("multicast DNS can be spoken");
        daemon.disable_interface(IfKind::All).expect("it listens");
        daemon.enable_interface(IfKind::LoopbackV4).expect("it listens");
        Self(daemon)
    }

    /// Waits for the service of this kind of somebody; its port and texts.
    async fn find(&self, kind: &str, own: &str) -> (u16, Texts) {
        let events = self.0.browse(&format!("{kind}.local.")).expect("it listens");
        let found = async {
            loop {
                if let ServiceEvent::ServiceResolved(service) = events.recv_async().await.expect("it runs") {
                    let text = |key: &str| service.get_property_val_str(key).map(str::to_owned);
                    if text("self").as_deref() == Some(own) {
                        let keys = ["txtvers", "swname", "swvers", "roles", "self", "vname", "vmmsi", "vuuid"];
                        let texts = keys.iter().filter_map(|key| Some(((*key).to_owned(), text(key)?))).collect();
                        return (service.get_port(), texts);
                    }
                }
            }
        };
        let found = timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no {kind} of {own} is announced"));
        self.0.stop_browse(&format!("{kind}.local.")).expect("it listens");
        found
    }

    /// Waits until a service that is there is taken back, because of what is done then.
    async fn until_gone(&self, kind: &str, port: u16, then: impl AsyncFnOnce()) {
        let events = self.0.browse(&format!("{kind}.local.")).expect("it listens");
        let name = format!(" {port}.");
        let mut then = Some(then);
        let waiting = async {
            loop {
                match events.recv_async().await.expect("it runs") {
                    ServiceEvent::ServiceResolved(service) if service.get_fullname().contains(&name) => {
                        if let Some(then) = then.take() {
                            then().await;
                        }
                    }
                    ServiceEvent::ServiceRemoved(_, gone) if gone.contains(&name) => return,
                    _ => {}
                }
            }
        };
        timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{kind} is not taken back"));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It has a thread of its own; an error means that it has ended.
        let _ = self.0.shutdown();
    }
}

fn port(address: &str) -> u16 {
    address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("an address has a port")
}

#[tokio::test]
async fn announcements_begin_and_end_while_the_server_runs() {
    let mmsi = own_mmsi(7);
    let own = format!("urn:mrn:imo:mmsi:{mmsi}");
    let server = boat("Shy", &mmsi).setting("mdns", json!(false)).start().await;
    let browser = Browser::new();
    let set = async |mdns: bool| {
        let body = json!({"options": {"mdns": mdns}}).to_string();
        let headers = [("Accept", "application/json")];
        let answer = server.request(reqwest::Method::PUT, "/skServer/settings", &headers, Some(body)).await.json();
        assert_eq!(answer["changes"], json!([{"setting": "options.mdns", "effect": "now"}]));
    };
    set(true).await;
    let (announced, _) = browser.find("_signalk-ws._tcp", &own).await;
    assert_eq!(announced, server.port());
    browser.until_gone("_signalk-ws._tcp", announced, async || set(false).await).await;
}

async fn the_server_announces_itself_until_it_stops(_: &Server) {
    let mmsi = own_mmsi(1);
    let (mmsi, own) = (mmsi.as_str(), format!("urn:mrn:imo:mmsi:{mmsi}"));
    let server = boat("Announced", mmsi).start().await;
    let browser = Browser::new();
    for kind in KINDS {
        let (announced, texts) = browser.find(kind, &own).await;
        let expected = match kind {
            "_signalk-tcp._tcp" => port(&server.output("signalkTcp").await),
            "_nmea-0183._tcp" => port(&server.output("nmeaTcp").await),
            _ => server.port(),
        };
        assert_eq!(announced, expected, "{kind}");
        let version = server.json("/signalk").await["server"]["version"].clone();
        let text = |key: &str| texts.get(key).map_or("", String::as_str);
        assert_eq!(
            (text("self"), text("swname"), text("txtvers"), text("roles")),
            (own.as_str(), "windlass", "1", "master, main")
        );
        assert_eq!((text("vname"), text("vmmsi"), text("vuuid")), ("Announced", mmsi, ""), "{kind}");
        assert_eq!(json!(text("swvers")), version, "{kind}");
    }
    let web = server.port();
    browser.until_gone("_signalk-ws._tcp", web, async || drop(server.terminate().await)).await;
}

async fn a_server_with_tls_announces_that(_: &Server) {
    let own = format!("urn:mrn:imo:mmsi:{}", own_mmsi(2));
    let secure = boat("Secure", &own_mmsi(2)).setting("ssl", json!(true)).setting("sslport", json!(0)).start().await;
    // It says nothing of itself.
    let _silent = boat("Silent", &own_mmsi(3)).setting("mdns", json!(false)).start().await;
    let browser = Browser::new();
    for kind in SECURE {
        let (announced, _) = browser.find(kind, &own).await;
        assert_eq!(announced, port(&secure.tls_address().await), "{kind}");
    }
    let heard = browser.0.browse("_signalk-ws._tcp.local.").expect("it listens");
    let plain = boat("Plain", &own_mmsi(4)).start().await;
    let (mut names, silent) = (Vec::new(), format!("urn:mrn:imo:mmsi:{}", own_mmsi(3)));
    let until_plain = async {
        loop {
            if let ServiceEvent::ServiceResolved(service) = heard.recv_async().await.expect("it runs") {
                names.push(service.get_property_val_str("self").unwrap_or_default().to_owned());
                if service.get_port() == plain.port() {
                    return;
                }
            }
        }
    };
    timeout(PATIENCE, until_plain).await.expect("the third is announced");
    assert!(names.iter().all(|name| *name != own && *name != silent), "{names:?}");
}

async fn a_connection_finds_another_server(_: &Server) {
    for secure in [false, true] {
        let mmsi = own_mmsi(if secure { 6 } else { 5 });
        let other = boat("Other", &mmsi).setting("ssl", json!(secure)).setting("sslport", json!(0)).start().await;
        let options =
            json!({"type": if secure { "wss" } else { "ws" }, "useDiscovery": true, "selfsignedcert": secure});
        let server = boat("Finder", &own_mmsi(7)).connection("buddy", "SignalK", options).start().await;
        let mut events = Stream::connect(&server, "subscribe=none&serverevents=all").await;
        let connected = |event: &Json| {
            let entries = event["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            event["type"] == "PROVIDERSTATUS"
                && entries.iter().any(|it| {
                    it["id"] == "buddy" && it["message"].as_str().is_some_and(|text| text.starts_with("Connected to"))
                })
        };
        events.wait_for_frame("the connection", connected).await;
        let mut sender = if secure {
            let trust = Trust::download(&other).await;
            Stream::connect_secure(&other, "subscribe=none", &trust).await.expect("it is trusted")
        } else {
            Stream::connect(&other, "subscribe=none").await
        };
        sender.send(&delta("n", "test.found", 7)).await;
        let path = format!("/signalk/v1/api/vessels/urn:mrn:imo:mmsi:{mmsi}/test/found");
        server.eventually(&path, |leaf| leaf["value"] == 7).await;
    }
}
