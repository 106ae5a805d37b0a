//! Two servers that feed each other.

use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use windlass_tests::{BETWEEN_LOOKS, NmeaPeer, PATIENCE, Server, ServerOptions};

/// A connection to another server's stream.
fn following(options: ServerOptions, port: u16) -> ServerOptions {
    let everything = json!([{"context": "*", "subscribe": [{"path": "*"}]}]);
    let sub = json!({"type": "ws", "host": "127.0.0.1", "port": port, "subscription": everything});
    options.connection("other", "SignalK", sub)
}

/// Sentences that go around at least.
const SENTENCES: u32 = 40;

/// How many values of the other server were dropped because they are known. One of which the model has had a later one when it comes back
/// counts as outdated.
async fn dropped(server: &Server) -> u64 {
    let counted = server.connection_statistics("other").await;
    ["echoes", "outdated"].iter().map(|count| counted[count].as_u64().expect("a number")).sum()
}

/// Waits until one more has come back and was dropped.
async fn comes_around(server: &Server, before: u64) {
    let start = Instant::now();
    while dropped(server).await <= before {
        assert!(start.elapsed() < PATIENCE, "nothing comes back; {}", server.statistics().await);
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
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
    let mut sentences = 0;
    let leaf = loop {
        sentences += 1;
        let came_back = dropped(&first).await;
        let degrees = f64::from(sentences) / 10.0;
        peer.say(&format!("GPHDT,{degrees:.1},T")).await;
        let arrived = second.eventually("/signalk/v1/api/vessels/self/navigation/headingTrue", heading(degrees));
        let Ok(leaf) = tokio::time::timeout(PATIENCE / 2, arrived).await else {
            let (here, there) = (first.statistics().await, second.statistics().await);
            let leaf = first.tree("vessels/self/navigation/headingTrue").await;
            panic!(
                "heading {sentences} does not arrive; the first server has {leaf} and\n{here}\nthe second one\n{there}"
            );
        };
        assert_eq!(leaf["$source"], "gps.GP", "who measured it stays known");
        // What the second one sends back is dropped. The next sentence waits for that, so that each one goes around on its own.
        comes_around(&first, came_back).await;
        // A loop is told when ten come back within ten seconds, which on a busy machine may take a few more of them.
        if sentences >= SENTENCES {
            let path = "vessels/self/notifications/server/loop/other";
            if first.tree_status(path).await == 200 {
                break first.tree(path).await;
            }
            assert!(sentences < 10 * SENTENCES, "no loop is told; {}", first.statistics().await);
        }
    };
    assert_eq!(leaf["value"]["state"], "warn");
    let message = leaf["value"]["message"].as_str().expect("a text");
    assert!(message.contains("connection other") && message.contains("connection gps"), "{message}");
    let leaf = first.tree("vessels/self/navigation/headingTrue").await;
    assert!(leaf.get("values").is_none(), "one source, as before: {leaf}");
    // The number of deltas is that of the sentences, give or take those of the start and the notifications: nothing goes round and round.
    let published = first.statistics().await["broker"]["deltas"].as_u64().expect("a number");
    assert!(published < u64::from(sentences) + 160, "{published} deltas of {sentences} sentences");
    passing.abort();
}
