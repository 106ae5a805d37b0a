//! Binary streams.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};
use tokio_tungstenite::{WebSocketStream, client_async};
use windlass_tests::{Server, ServerOptions};

use super::{Guest, install, install_restricted, until_running};

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

type Socket = WebSocketStream<TcpStream>;

/// Opens a WebSocket whose system buffer for what arrives is small.
async fn open(server: &Server, path: &str) -> Socket {
    open_with(server, path, &[]).await.expect("a WebSocket")
}

/// The same with further headers, for when the server may refuse.
async fn open_with(
    server: &Server,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<Socket, tungstenite::Error> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    let address = server.address().parse().expect("an address");
    let tcp = socket.connect(address).await.expect("the server listens");
    let mut request = format!("ws://{}{path}", server.address()).into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().expect("a header's value is plain text"));
    }
    Ok(client_async(request, tcp).await?.0)
}

/// The next message that is no ping; `Err` with the reason when it is a close.
async fn next(socket: &mut Socket) -> Result<Vec<u8>, CloseFrame> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("something comes").expect("the stream goes on");
        match message.expect("the connection is whole") {
            Message::Binary(bytes) => return Ok(bytes.to_vec()),
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(reason) => return Err(reason.expect("a close has a reason")),
            other => panic!("nothing but frames is sent: {other:?}"),
        }
    }
}

async fn close_of(socket: &mut Socket) -> (u16, String) {
    loop {
        if let Err(reason) = next(socket).await {
            return (reason.code.into(), reason.reason.to_string());
        }
    }
}

/// Sends 20 frames of 64 KiB each second: too few at a time for a client that reads to be given up.
fn flood() -> Guest {
    Guest::new("(drop (call $radar @display))").text("display", "Flood").text("id", "flood").poll(
        "(local $n i32) (loop $next
                (drop (call $spokes @id (i32.const 0x100000) (i32.const 0x10000)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $n) (i32.const 20))))",
    )
}

/// Tries once to send a frame of the radar that is another plugin's, one of its own, and one of a stream of its own.
fn intruder() -> Guest {
    let start = "(drop (call $radar @display))
        (drop (call $spokes @foreign @spoke)) (drop (call $spokes @own @spoke)) (drop (call $stream @log @line))";
    Guest::new(start)
        .text("display", "Intruder")
        .text("foreign", "flood")
        .text("own", "own")
        .text("spoke", "SPOKES")
        .text("log", "plugins/@test/intruder/log")
        .text("line", "LINE")
}

#[tokio::test]
async fn a_radar_belongs_to_the_plugin_that_has_the_right_and_was_first() {
    // ABI-74
    let options = install(ServerOptions::new(), "flood", "flood", &flood());
    let may = json!({"radarProvider": true});
    let options = install_restricted(options, "@test/intruder", &intruder(), &may);
    let server = install_restricted(options, "incapable", &intruder(), &json!({})).start().await;
    until_running(&server, "flood").await;
    let mut reader = open(&server, "/signalk/v2/api/vessels/self/radars/flood/spokes").await;
    let mut own = open(&server, "/signalk/v2/api/vessels/self/radars/own/spokes").await;
    assert_eq!(next(&mut reader).await.expect("a frame").len(), 0x10000);
    // Under the package's name as well as under the id.
    let mut lines = Vec::new();
    for name in ["@test/intruder", "_test_intruder"] {
        lines.push(open(&server, &format!("/signalk/v2/api/streams/plugins/{name}/log")).await);
    }
    for plugin in ["incapable", "_test_intruder"] {
        let answer = server.post(&format!("/skServer/plugins/{plugin}/enable"), &json!({})).await;
        assert_eq!(answer.status, 200, "{plugin}: {}", answer.text);
    }
    assert_eq!(next(&mut own).await.expect("a frame"), b"SPOKES");
    for line in &mut lines {
        assert_eq!(next(line).await.expect("a frame"), b"LINE");
    }
    for _ in 0..30 {
        assert_eq!(next(&mut reader).await.expect("a frame").len(), 0x10000, "a frame of somebody else");
    }
    let status = server.json("/skServer/plugins/_test_intruder/status").await;
    assert!(status["notices"].to_string().contains("belongs to the plugin flood"), "{status}");
    let status = server.json("/skServer/plugins/incapable/status").await;
    assert_eq!((&status["state"], &status["deniedCalls"]), (&json!("running"), &json!(3)), "{status}");
    let published = server.statistics().await["binaryStreams"]["streams"].clone();
    assert_eq!(published, 3, "the radars flood and own and the log, and nothing of the plugin without the right");
    let radars = server.json("/signalk/v2/api/vessels/self/radars/_providers").await;
    assert_eq!(radars.as_object().map(|providers| providers.len()), Some(2), "{radars}");
}

#[tokio::test]
async fn frames_reach_those_who_read_and_slow_clients_are_closed() {
    // ABI-75
    let server = install(ServerOptions::new(), "flood", "flood", &flood()).start().await;
    until_running(&server, "flood").await;
    let mut slow = open(&server, "/signalk/v2/api/vessels/self/radars/flood/spokes").await;
    let mut reader = open(&server, "/signalk/v2/api/streams/radars%2Fflood").await;
    let mut other = open(&server, "/signalk/v2/api/streams/radars/other").await;
    assert_eq!(next(&mut reader).await.expect("a frame"), vec![0; 0x10000]);
    // The reader goes on until the other one is given up.
    let mut frames = 1;
    loop {
        assert!(next(&mut reader).await.is_ok(), "a client that reads is not given up");
        frames += 1;
        if frames % 10 == 0 && server.statistics().await["binaryStreams"]["disconnected"] == 1 {
            break;
        }
        assert!(frames < 5000, "the client that does not read is kept");
    }
    let expected = (1008, "Client cannot keep up with data rate".to_owned());
    assert_eq!(close_of(&mut slow).await, expected);
    assert!(next(&mut reader).await.is_ok());
    let statistics = server.statistics().await["binaryStreams"].clone();
    assert_eq!((&statistics["clients"], &statistics["streams"]), (&json!(2), &json!(2)), "{statistics}");
    assert!(statistics["skipped"].as_u64().is_some_and(|skipped| skipped > 30), "{statistics}");

    server.post("/skServer/plugins/flood/disable", &json!({})).await;
    assert_eq!(close_of(&mut reader).await, (1001, "Stream ended".to_owned()));
    // Nobody's stream goes on waiting.
    other.close(None).await.expect("it is open");
    server.eventually("/windlass/statistics", |all| all["binaryStreams"]["streams"] == 0).await;
    for path in ["radars/no%20radar", "plugins/nobody/x", "plugins/flood", "x"] {
        let headers = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
        let answer = server.request(Method::GET, &format!("/signalk/v2/api/streams/{path}"), &headers, None).await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_see_it() {
    let (server, admin) = install(ServerOptions::new(), "flood", "flood", &flood()).start_claimed().await;
    let display = format!("Bearer {}", server.add_device(&admin, "display", "readonly").await);
    let crew = server.add_user(&admin, "crew", "readonly").await;
    let (busy, silent) = ("/signalk/v2/api/streams/radars/flood", "/signalk/v2/api/streams/radars/silent");
    let headers = [("Authorization", display.as_str())];
    let mut frames = open_with(&server, busy, &headers).await.expect("it may read");
    let mut nothing = open_with(&server, silent, &headers).await.expect("it may read");
    let bearer = format!("Bearer {crew}");
    let mut other = open_with(&server, busy, &[("Authorization", &bearer)]).await.expect("they may read");
    assert_eq!(next(&mut frames).await.expect("a frame").len(), 0x10000);
    let removed = server.as_who(&admin, Method::DELETE, "/skServer/security/devices/display", None).await;
    assert_eq!(removed.status, 200);
    let expected = (1008, "Connection disconnected by security constraint".to_owned());
    assert_eq!(close_of(&mut frames).await, expected);
    assert_eq!(close_of(&mut nothing).await, expected);
    for _ in 0..40 {
        assert!(next(&mut other).await.is_ok(), "nothing has changed for others");
    }

    // A browser adds the cookie to whatever page asks.
    let cookie = format!("JAUTHENTICATION={crew}");
    let own = format!("http://{}", server.address());
    for (origin, expected) in [("http://evil.example", 403), (own.as_str(), 101)] {
        let status = match open_with(&server, silent, &[("Cookie", &cookie), ("Origin", origin)]).await {
            Ok(_) => 101,
            Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            Err(error) => panic!("{origin}: {error}"),
        };
        assert_eq!(status, expected, "{origin}");
    }
}
