//! The ports of HTTP and TLS.

use std::io::ErrorKind;
use std::net::TcpListener as Taken;
use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use windlass_tests::{BETWEEN_LOOKS, Continuity, Json, PATIENCE, Server, ServerOptions, Stream, Trust, delta};

use super::{SETTINGS, again, change, changed, effects, hold, refused};

/// A port that nobody uses at the moment.
fn free_port() -> u16 {
    let free = Taken::bind("127.0.0.1:0").expect("a port is free");
    free.local_addr().expect("it is bound").port()
}

/// A server whose ports are those of its settings.
async fn settled() -> (Server, u16) {
    let tls = free_port();
    (ServerOptions::new().settled_port(free_port()).setting("sslport", json!(tls)).start().await, tls)
}

/// Waits until nobody listens on a port any more.
async fn closes(port: u16) {
    let start = Instant::now();
    loop {
        match TcpStream::connect(("127.0.0.1", port)).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            _ => assert!(start.elapsed() < PATIENCE, "port {port} is still open"),
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

async fn get(server: &Server, port: u16, path: &str) -> (u16, Json) {
    let url = format!("http://127.0.0.1:{port}{path}");
    let answer = server.http().get(&url).send().await.unwrap_or_else(|error| panic!("{url}: {error}"));
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn ports(report: &Json) -> Vec<(String, u64)> {
    let addresses = report["addresses"].as_array().expect("addresses").iter();
    addresses.map(|at| (at["scheme"].as_str().expect("one").to_owned(), at["port"].as_u64().expect("one"))).collect()
}

#[tokio::test]
async fn the_port_is_another_one_and_nobody_is_cut_off() {
    let (server, _) = settled().await;
    let (former, next) = (server.port(), free_port());
    let mut flow = Continuity::start(&server).await;
    // A request that is under way when the port is left: its body is still to come.
    let body = json!({"value": 7}).to_string();
    let mut slow = TcpStream::connect(server.address()).await.expect("it listens");
    let head = format!(
        "POST /signalk/v1/applicationData/global/slow/1.0 HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        server.address(),
        body.len()
    );
    slow.write_all(head.as_bytes()).await.expect("it is taken");
    // The server has begun with it when it has answered another one since.
    assert_eq!(server.get("/signalk").await.status, 200);
    let report = changed(&server, json!({"options": {}, "port": next})).await;
    assert_eq!((effects(&report), &report["moved"]), (json!([["port", "now"]]), &json!(true)), "{report}");
    assert_eq!(ports(&report), [("http".to_owned(), u64::from(next))]);
    closes(former).await;
    let (status, found) = get(&server, next, "/signalk").await;
    assert_eq!(status, 200);
    assert_eq!(found["endpoints"]["v1"]["signalk-ws"], format!("ws://127.0.0.1:{next}/signalk/v1/stream"));
    // Streams of the former port go on, to and fro, and those of the next one get the same.
    flow.flows_on(50).await;
    let mut late =
        Stream::open(&format!("ws://127.0.0.1:{next}/signalk/v1/stream?subscribe=self")).await.expect("a stream");
    late.wait_for_path("navigation.speedOverGround").await;
    late.send(&delta("late", "test.moved", 1)).await;
    slow.write_all(body.as_bytes()).await.expect("it is taken");
    let mut answer = String::new();
    let read = timeout(PATIENCE, slow.read_to_string(&mut answer)).await;
    read.expect("the connection is ended").expect("it is answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, value) = get(&server, next, "/signalk/v1/api/vessels/self/test/moved/value").await;
    assert_eq!(value, 1);
    flow.finish().await;
    let server = again(server).await;
    assert_eq!(server.port(), next, "also after a restart");
}

#[tokio::test]
async fn a_port_that_can_not_be_had_changes_nothing() {
    let (server, _) = settled().await;
    let flow = Continuity::start(&server).await;
    let taken = Taken::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let at = format!("127.0.0.1:{port}");
    let named = ["/port: can't listen on ", at.as_str(), "nothing is saved", "Choose another port"];
    // What came with it is not saved either, nor does it hold.
    refused(&server, json!({"options": {"wsPingInterval": 7777}, "port": port}), &named).await;
    let tls = json!({"options": {"ssl": true}, "sslport": port});
    refused(&server, tls, &["/sslport: can't listen on ", &at, "Choose another port"]).await;
    assert_eq!(server.get("/signalk").await.status, 200, "it is where it was, and has no TLS");
    flow.finish().await;
    let server = again(server).await;
    assert_eq!(server.json(SETTINGS).await["options"]["wsPingInterval"], 30_000);
}

#[tokio::test]
async fn the_command_line_counts_more() {
    let server = Server::start().await;
    let port = free_port();
    let report = changed(&server, json!({"options": {}, "port": port})).await;
    assert_eq!((effects(&report), &report["moved"]), (json!([["port", "overridden"]]), &json!(false)), "{report}");
    let why = report["changes"][0]["why"].as_str().expect("it is said why");
    assert!(why.contains("--port 0"), "{why}");
    assert_eq!(ports(&report), [("http".to_owned(), u64::from(server.port()))]);
    assert_eq!(server.json(SETTINGS).await["port"], port, "it is saved");
    drop(Taken::bind(("127.0.0.1", port)).expect("nobody has it"));
    let server = again(server).await;
    assert_eq!(server.port(), port, "and holds as soon as the command line says nothing");
}

#[tokio::test]
async fn tls_comes_and_goes() {
    let (server, tls) = settled().await;
    let mut flow = Continuity::start(&server).await;
    let both = changed(&server, json!({"options": {"ssl": true}})).await;
    assert_eq!((effects(&both), &both["moved"]), (json!([["options.ssl", "now"]]), &json!(true)), "{both}");
    let http = ("http".to_owned(), u64::from(server.port()));
    assert_eq!(ports(&both), [http.clone(), ("https".to_owned(), u64::from(tls))]);
    let led = server.get("/signalk").await;
    assert_eq!(
        (led.status.as_u16(), led.header("location")),
        (307, format!("https://127.0.0.1:{tls}/signalk").as_str())
    );
    let trust = Trust::download(&server).await;
    assert_eq!(trust.get(&server, "/signalk").await.status, 200);
    // Its port can be another one, with the same root.
    let next = free_port();
    let put = async |body: Json| {
        let answer = trust.request(&server, Method::PUT, SETTINGS, Some(body.to_string())).await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "Settings changed"));
    };
    put(json!({"options": {}, "sslport": next})).await;
    closes(tls).await;
    assert_eq!(server.get("/signalk").await.header("location"), format!("https://127.0.0.1:{next}/signalk"));
    assert_eq!(Trust::download(&server).await.root(), trust.root());
    // Who has been there since before is not cut off, but with a server of its own, which goes in an hour.
    flow.flows_on(50).await;
    flow.finish().await;
    server.logs().wait_for(&["the last former connection to", &server.address()]).await;
    assert_eq!(server.get("/signalk").await.status, 307, "the port is still there");
    let server = again(server).await;
    assert_eq!(trust.get(&server, "/signalk").await.status, 200, "also after a restart");
    let off = json!({"options": {"ssl": false}}).to_string();
    let off = trust.request(&server, Method::PUT, SETTINGS, Some(off)).await.expect("an answer");
    assert_eq!(off.status, 200, "{}", off.text);
    closes(next).await;
    assert_eq!(server.get("/signalk").await.status, 200);
    assert_eq!(server.get("/windlass/ca.pem").await.status, 404);
    hold(&changed(&server, json!({"options": {}, "sslport": tls})).await, &["sslport"]);
    assert_eq!(change(&server, &json!({"options": {}})).await.json()["changes"], json!([]));
}

#[tokio::test]
async fn pages_come_before_outputs() {
    let (port, nmea) = (free_port(), free_port());
    let server = ServerOptions::new()
        .settled_port(port)
        .environment("TCPSTREAMPORT", port.to_string())
        .environment("NMEA0183PORT", nmea.to_string())
        .setting("interfaces", json!({"nmea-tcp": false}))
        .start()
        .await;
    assert_eq!(server.get("/signalk").await.status, 200);
    // Also while the output is off, and for TLS while there is none.
    for (mut body, place) in [(json!({"port": nmea}), "/port: "), (json!({"sslport": nmea}), "/sslport: ")] {
        body["options"] = json!({});
        refused(&server, body, &[place, "interfaces.nmea-tcp", "Choose another port", "NMEA0183PORT"]).await;
    }
}

#[tokio::test]
async fn windlass_toml_is_read_when_the_server_starts() {
    let (server, _) = settled().await;
    let flow = Continuity::start(&server).await;
    let file = server.directory().join("windlass.toml");
    // Somebody is not done with it yet.
    std::fs::write(&file, "port = [").expect("it is written");
    hold(&changed(&server, json!({"options": {"accessLogging": false}})).await, &["options.accessLogging"]);
    std::fs::write(&file, "ssl = true\n").expect("it is written");
    hold(&changed(&server, json!({"options": {"accessLogging": true}})).await, &["options.accessLogging"]);
    std::fs::write(&file, "prune_contexts_minutes = 7.0\n").expect("it is written");
    hold(&changed(&server, json!({"options": {"accessLogging": false}})).await, &["options.accessLogging"]);
    flow.finish().await;
    assert_eq!(server.json(SETTINGS).await["pruneContextsMinutes"], 60);
    let server = again(server).await;
    assert_eq!(server.json(SETTINGS).await["pruneContextsMinutes"], 7);
}
