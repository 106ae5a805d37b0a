//! Two servers that feed each other.

use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use windlass_tests::{NmeaPeer, PATIENCE, Server, ServerOptions};

/// A connection to another server's stream.
fn following(options: ServerOptions, port: u16) -> ServerOptions {
    let everything = json!([{"context": "*", "subscribe": [{"path": "*"}]}]);
    let sub = json!({"type": "ws", "host": "127.0.0.1", "port": port, "subscription": everything});
    options.connection("other", "SignalK", sub)
}

fn loop_notification(server: &Server) -> impl Future<Output = Json> {
    server.eventually("/signalk/v1/api/vessels/self/notifications/server/loop/other", |leaf| leaf["value"].is_object())
}

#[tokio::test]
async fn servers_that_feed_each_other_do_not_grow_a_loop_and_say_so() {
    // The port of the second one is not known before it runs, so the way there leads over one that is.
    let passage = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let passage_port = passage.local_addr().expect("it is bound").port();
    let boat = || ServerOptions::new().vessel("Same boat", "230099999");
    let first = following(boat().nmea_listener("gps"), passage_port).start().await;
    let second = following(boat(), first.port()).start().await;
    let there = second.address();
    let passing = tokio::spawn(async move {
        loop {
            let (mut from, _) = passage.accept().await.expect("the first server comes");
            let mut to = TcpStream::connect(&there).await.expect("the second server listens");
            // Either side may leave at the end of the test.
            let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
        }
    });
    let mut peer = NmeaPeer::connect(&first.input("gps").await).await;
    let heading = |degrees: f64| {
        move |leaf: &Json| leaf["value"].as_f64().is_some_and(|value| (value - degrees.to_radians()).abs() < 1e-9)
    };
    for n in 1..=40 {
        let degrees = f64::from(n);
        peer.say(&format!("GPHDT,{degrees:.1},T")).await;
        let arrived = second.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", heading(degrees));
        let Ok(leaf) = tokio::time::timeout(PATIENCE / 2, arrived).await else {
            let (here, there) = (first.statistics().await, second.statistics().await);
            let leaf = first.tree("vessels/self/navigation/headingTrue").await;
            panic!("heading {n} does not arrive; the first server has {leaf} and\n{here}\nthe second one\n{there}");
        };
        assert_eq!(leaf["$source"], "gps.GP", "who measured it stays known");
    }
    // What the second one sends back is dropped.
    first.connection_counts("other", "/echoes", 10).await;
    let leaf = loop_notification(&first).await;
    assert_eq!(leaf["value"]["state"], "warn");
    let message = leaf["value"]["message"].as_str().expect("a text");
    assert!(message.contains("connection other") && message.contains("connection gps"), "{message}");
    let leaf = first.tree("vessels/self/navigation/headingTrue").await;
    assert!(leaf.get("values").is_none(), "one source, as before: {leaf}");
    // The number of deltas is that of the sentences, give or take those of the start and the notifications: nothing goes round and round.
    let published = first.statistics().await["broker"]["deltas"].as_u64().expect("a number");
    assert!(published < 200, "{published} deltas of 40 sentences");
    passing.abort();
}
