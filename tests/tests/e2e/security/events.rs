//! What the server says of itself on streams, to those who may only look.

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::SinkExt as _;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use windlass_tests::{Json, ServerOptions, Stream, delta, sentence};

/// Where the others are: an instrument, one that is sent away, somebody who asks for access, and a client that sends what it may not.
const INSTRUMENT: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 1);
const SENT_AWAY: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 2);
const ASKING: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 3);
const REFUSED: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 4);
/// What all of their addresses begin with.
const ALL: &str = "127.0.77.";

/// Connects from an address of this computer.
async fn from(address: Ipv4Addr, to: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((address, 0))).expect("all of 127.0.0.0/8 is this computer");
    socket.connect(to.parse().expect("an address")).await.expect("the server listens")
}

/// Reads events into `seen`: up to one that says this name of the vessel, and the states that are told regularly after that. By then everything
/// of before is told.
async fn read_on(stream: &mut Stream, seen: &mut Vec<Json>, name: &str) {
    for (kind, said) in [("VESSEL_INFO", name), ("SERVERSTATISTICS", ""), ("PROVIDERSTATUS", "")] {
        loop {
            let event = stream.wait_for_frame(kind, |_| true).await;
            let found = event["type"] == kind && (said.is_empty() || event["data"]["name"] == said);
            seen.push(event);
            if found {
                break;
            }
        }
    }
}

#[tokio::test]
async fn who_is_no_admin_is_not_told_where_others_are() {
    let listener = json!({"type": "tcplistener", "host": "127.0.0.1", "port": 0, "maxPeers": 1});
    let options = ServerOptions::new().connection("gps", "NMEA0183", listener);
    let (server, admin) = options.start_claimed().await;
    let readable = json!({"allow_readonly": true});
    let opened = server.as_who(&admin, Method::PUT, "/skServer/security/config", Some(readable)).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    let query = |token: &str| format!("subscribe=none&serverevents=all{token}");
    let mut viewers = Vec::new();
    for (who, token) in [("a visitor", String::new()), ("the crew", format!("&token={crew}"))] {
        viewers.push((who, Stream::connect(&server, &query(&token)).await, Vec::new()));
    }
    let mut owner = Stream::connect(&server, &query(&format!("&token={admin}"))).await;

    let input = server.input("gps").await;
    let mut instrument = from(INSTRUMENT, &input).await;
    instrument.write_all(sentence("GPHDT,1.0,T").as_bytes()).await.expect("sent");
    server.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", |leaf| leaf["value"].is_number()).await;
    server.logs().wait_for(&["connection gps", &INSTRUMENT.to_string(), "connected"]).await;
    let mut sent_away = from(SENT_AWAY, &input).await;
    let end = sent_away.read_to_end(&mut Vec::new()).await;
    assert!(matches!(end, Ok(0) | Err(_)), "{end:?}");
    server.logs().wait_for(&["connection gps", &SENT_AWAY.to_string(), "sent away"]).await;
    let body = json!({"clientId": "11111111-2222-4333-8444-555555555555", "description": "A display"}).to_string();
    let mut asking = from(ASKING, &server.address()).await;
    let head = "POST /signalk/v1/access/requests HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    asking.write_all(request.as_bytes()).await.expect("sent");
    // The admin, who decides about it, sees where it comes from.
    let asked = |event: &Json| event["type"] == "ACCESS_REQUEST" && event.to_string().contains(&ASKING.to_string());
    owner.wait_for_frame("the request", asked).await;
    let stream = format!("ws://{}/signalk/v1/stream?subscribe=none", server.address());
    let (mut refused, _) = client_async(stream, from(REFUSED, &server.address()).await).await.expect("a stream");
    let unwanted = delta("h", "test.unwanted", 1).to_string();
    refused.send(Message::text(unwanted)).await.expect("sent");
    // The log is for admins.
    server.logs().wait_for(&["stream client", &REFUSED.to_string(), "no right to send data"]).await;
    let rename = async |name: &str| {
        let changed = server.as_who(&admin, Method::PUT, "/skServer/vessel", Some(json!({"name": name}))).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    };
    rename("All are here").await;
    for (_, stream, seen) in &mut viewers {
        read_on(stream, seen, "All are here").await;
    }
    // And when they have left.
    drop(instrument);
    server.logs().wait_for(&["connection gps", &INSTRUMENT.to_string(), "left"]).await;
    rename("All have left").await;
    for (who, mut stream, mut seen) in viewers {
        read_on(&mut stream, &mut seen, "All have left").await;
        let told = |words: &str| {
            let mut entries = seen.iter().filter(|event| event["type"] == "PROVIDERSTATUS").map(|event| &event["data"]);
            entries.any(|all| all.to_string().contains(words))
        };
        assert!(told("Listening on TCP port"), "{who} sees how the connection is: {seen:?}");
        assert!(told("data of a stream client is ignored"), "{who} sees that something is wrong: {seen:?}");
        for event in &seen {
            assert!(!event.to_string().contains(ALL), "{who} is told {event}");
        }
    }
}
