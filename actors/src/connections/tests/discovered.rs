//! Servers that were found on the network.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::super::backoff::Backoff;
use super::super::link::Link;
use super::super::plan::{Input, Plan, Remote};
use super::super::statistics::Counters;
use super::super::trust::Trust;
use super::super::websocket::{candidates, connect_to_any};
use super::bus::*;
use crate::connections::*;
use crate::discovery::FoundServer;

fn plan(bus: &Bus, kind: &str, any_certificate: bool) -> (Plan, Remote) {
    let sub = json!({"type": kind, "useDiscovery": true, "token": "secret", "selfsignedcert": any_certificate});
    let options = json!({"type": "SignalK", "subOptions": sub});
    let entry = json!({"id": "in", "pipeElements": [{"type": "providers/simple", "options": options}]});
    let settings: ConnectionSettings = serde_json::from_value(entry).expect("an object");
    let plan = settings.plan(bus.directory.path()).expect("a plan");
    let Input::WebSocket(remote) = plan.input.clone() else { panic!("{:?}", plan.input) };
    (plan, remote)
}

fn found(addresses: &[[u8; 4]], port: u16, here: bool) -> FoundServer {
    FoundServer {
        name: "Plaka".into(),
        host: "plaka.local".into(),
        addresses: addresses.iter().copied().map(IpAddr::from).collect(),
        port,
        secure: false,
        own: Some("urn:mrn:imo:mmsi:230099999".into()),
        software: None,
        here,
    }
}

#[actix::test]
#[expect(clippy::result_large_err, reason = "the handshake's own type")]
async fn all_addresses_are_tried_and_nobody_is_given_the_token() {
    let bus = Bus::new();
    let (plan, remote) = plan(&bus, "ws", false);
    let server = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = server.local_addr().expect("an address").port();
    // This server, then another one of the same boat, whose first address leads nowhere.
    let all = vec![found(&[[127, 0, 0, 1]], port, true), found(&[[127, 0, 0, 2], [127, 0, 0, 1]], port, false)];
    let candidates = candidates(&remote, all);
    let hosts: Vec<_> = candidates.iter().map(|it| it.host.as_str()).collect();
    assert_eq!(hosts, ["127.0.0.2", "127.0.0.1"]);
    let counters = Arc::new(Counters::new("in", true));
    let link = Link::new(bus.context.clone(), &plan, "in", &counters).expect("a name");
    let following = actix::spawn(async move { connect_to_any(&candidates, &link, &mut Backoff::default()).await });
    let (stream, _) = soon(server.accept()).await.expect("connected");
    let mut given = None;
    let note = |request: &Request, response: Response| {
        given = Some(request.headers().contains_key("authorization"));
        Ok(response)
    };
    let _socket = soon(tokio_tungstenite::accept_hdr_async(stream, note)).await.expect("a handshake");
    assert_eq!(given, Some(false));
    let entry = bus.status_text("in", &format!("Connected to 127.0.0.1 {port}")).await;
    assert!(entry.message.contains("the `token` is not given"), "{}", entry.message);
    following.abort();
}

#[actix::test]
async fn a_token_is_for_those_who_are_known() {
    let bus = Bus::new();
    let given = |kind, any| plan(&bus, kind, any).1.token_to_give().map(str::to_owned);
    assert_eq!((given("ws", false), given("wss", true)), (None, None));
    assert_eq!(given("wss", false), None, "its public certificate says that it is where it said it is");
    let authorities = Remote { trust: Trust::Authorities([].into()), ..plan(&bus, "wss", false).1 };
    assert_eq!(authorities.token_to_give(), Some("secret"), "its certificate says who it is");
    let named = Remote { discover: false, ..plan(&bus, "ws", false).1 };
    assert_eq!(named.token_to_give(), Some("secret"), "whoever sets it up says who it is");
}
