//! Group E: subscriptions.

use serde_json::{Value as Json, json};
use windlass_tests::{Publisher, Server, ServerOptions, Stream, Value, delta, rows, run_table};

use super::{MMSI, NAME, own_context};

const OTHER: &str = "vessels.urn:mrn:imo:mmsi:230033333";

#[tokio::test]
async fn group_e_subscriptions() {
    let server = ServerOptions::new().vessel(NAME, MMSI).start().await;
    let rows = rows![
        [78] only_the_path_asked_for_is_delivered,
        [79] the_present_value_is_sent_at_once,
        [80] a_star_delivers_everything,
        [81] stars_stand_anywhere_in_a_path,
        [82] contexts_may_have_stars,
        [83] paths_that_appear_later_are_delivered,
        [91] a_relative_context_covers_what_is_near,
        [92] an_incomplete_relative_context_is_answered,
        [93, 94] unsubscribing_stops_everything_until_subscribed_again,
        [93] some_rows_can_be_unsubscribed,
        [95] subscribe_messages_add_up,
        [96] a_root_attribute_has_its_own_name,
        [97] metadata_is_sent_again_after_unsubscribing,
        [98] new_paths_are_announced_once,
        [100] sources_can_be_excluded,
    ];
    run_table(&server, rows).await;
}

/// A client with one subscription.
async fn subscribed(server: &Server, context: &str, rows: Json) -> Stream {
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.subscribe(context, rows).await;
    stream
}

/// Publishes the paths in turn, each with its own name as the value.
async fn publish_all(server: &Server, context: &str, paths: &[&str]) {
    let mut publisher = Publisher::connect(server).await;
    for path in paths {
        let mut message = delta("e", path, *path);
        message["context"] = json!(context);
        publisher.publish(&message).await;
    }
}

fn paths(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value.path.as_str()).collect()
}

async fn only_the_path_asked_for_is_delivered(server: &Server) {
    let mut stream = subscribed(server, "vessels.self", json!([{"path": "navigation.position"}])).await;
    let near = ["navigation", "navigation.positio", "navigation.position.x", "navigation.positions", "position"];
    let asked = "navigation.position";
    for round in 0..2 {
        publish_all(server, "vessels.self", &near).await;
        publish_all(server, OTHER, &[asked]).await;
        publish_all(server, "vessels.self", &[asked]).await;
        let value = stream.next_value().await;
        assert_eq!((value.path.as_str(), value.context), (asked, own_context()), "round {round}");
    }
}

async fn the_present_value_is_sent_at_once(server: &Server) {
    publish_all(server, "vessels.self", &["test.present"]).await;
    for context in ["vessels.self", "self", &own_context()] {
        let mut stream = subscribed(server, context, json!([{"path": "test.present"}])).await;
        let delta = stream.next_delta().await;
        let update = &delta["updates"][0];
        assert_eq!((&delta["context"], &update["$source"]), (&json!(own_context()), &json!("e")), "{context}");
        assert!(update["timestamp"].is_string(), "{delta}");
        assert_eq!(update["values"], json!([{"path": "test.present", "value": "test.present"}]));
    }
}

async fn a_star_delivers_everything(server: &Server) {
    publish_all(server, "vessels.self", &["test.star.before"]).await;
    let mut stream = subscribed(server, "vessels.self", json!([{"path": "*"}])).await;
    let mut publisher = Publisher::connect(server).await;
    publisher
        .publish(&json!({"updates": [{"$source": "e", "values": [{"path": "", "value": {"port": "Utö"}}]}]}))
        .await;
    publisher.value("e", "test.star.last", 1).await;
    let read = stream.read_until("the last one", |value| value.path == "test.star.last").await;
    assert!(read.iter().any(|value| value.path == "test.star.before"), "{:?}", paths(&read));
    // From the cache or live, root values come under the path "".
    let root = read.iter().rfind(|value| value.path.is_empty()).expect("root values come");
    assert_eq!(root.value["port"], "Utö");
}

async fn stars_stand_anywhere_in_a_path(server: &Server) {
    for (pattern, covered, not_covered) in [
        ("wild.a.*", ["wild.a.x", "wild.a.x.y"], ["wild.a", "wild.ab.x"]),
        (
            "wild.p.*.revolutions",
            ["wild.p.port.revolutions", "wild.p.0.1.revolutions"],
            ["wild.p.revolutions", "wild.p.port.revolutionsX"],
        ),
        ("wild.nav*", ["wild.nav", "wild.navigation.x"], ["wild.na", "xwild.nav"]),
        ("*.end", ["wild.end", "wild.x.end"], ["wild.ending", "end.wild"]),
        ("wild.*.mid.*", ["wild.a.mid.b", "wild.a.b.mid.c.d"], ["wild.mid.b", "wild.a.mid"]),
    ] {
        let mut stream = subscribed(server, "vessels.self", json!([{"path": pattern}])).await;
        // What isn't covered comes first, so it would be seen first.
        publish_all(server, "vessels.self", &not_covered).await;
        publish_all(server, "vessels.self", &covered).await;
        let last = covered[1];
        let read = stream.read_until(last, |value| value.path == last).await;
        assert_eq!(paths(&read), covered, "{pattern}");
        // The same with cached values.
        let mut stream = subscribed(server, "vessels.self", json!([{"path": pattern}])).await;
        let mut read = [stream.next_value().await, stream.next_value().await];
        read.sort_by_key(|value| covered.iter().position(|path| *path == value.path));
        assert_eq!(paths(&read), covered, "{pattern} cached");
    }
}

async fn contexts_may_have_stars(server: &Server) {
    for (number, pattern) in ["*", "vessels.*"].into_iter().enumerate() {
        let path = format!("test.context{number}");
        let mut stream = subscribed(server, pattern, json!([{"path": path}])).await;
        let later = format!("vessels.urn:mrn:imo:mmsi:23004444{number}");
        for context in [own_context(), OTHER.to_owned(), later] {
            publish_all(server, &context, &[&path]).await;
            assert_eq!(stream.next_value().await.context, context, "{pattern}");
        }
    }
    // vessels.* is about vessels.
    let mut stream = subscribed(server, "vessels.*", json!([{"path": "test.kind"}])).await;
    publish_all(server, "atons.urn:mrn:imo:mmsi:992305555", &["test.kind"]).await;
    publish_all(server, OTHER, &["test.kind"]).await;
    assert_eq!(stream.next_value().await.context, OTHER);
}

async fn paths_that_appear_later_are_delivered(server: &Server) {
    for (pattern, path) in [("test.later.exact", "test.later.exact"), ("test.later.*", "test.later.glob")] {
        assert_eq!(server.tree_status(&format!("vessels/self/{}", path.replace('.', "/"))).await, 404);
        let mut stream = subscribed(server, "vessels.self", json!([{"path": pattern}])).await;
        publish_all(server, "vessels.self", &[path]).await;
        stream.wait_for_path(path).await;
    }
}

async fn an_incomplete_relative_context_is_answered(server: &Server) {
    publish_all(server, "vessels.self", &["test.relative"]).await;
    let mut stream = Stream::connect(server, "subscribe=none").await;
    for context in [json!({}), json!({"radius": 100}), json!({"position": {"latitude": 1, "longitude": 2}})] {
        stream.send(&json!({"context": context, "subscribe": [{"path": "*"}]})).await;
        assert_eq!(stream.next_json().await, "Please specify a radius and position for relativePosition");
    }
    stream.subscribe("vessels.self", json!([{"path": "test.relative"}])).await;
    assert_eq!(stream.next_value().await.path, "test.relative");
}

async fn unsubscribing_stops_everything_until_subscribed_again(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for query in ["subscribe=none", "subscribe=self", "subscribe=all"] {
        let numbered = |number: u8| json!([query, number]);
        let mut stream = Stream::connect(server, query).await;
        stream.subscribe("vessels.self", json!([{"path": "test.stop"}])).await;
        stream.subscribe("*", json!([{"path": "test.*", "period": 50}])).await;
        publisher.value("e", "test.stop", numbered(1)).await;
        stream.wait_for("the first value", |value| value.path == "test.stop" && value.value == numbered(1)).await;
        stream.unsubscribe_all().await;
        // Behind the unsubscribe message on the same connection: when this is seen, that has been read.
        stream.send(&delta("e", "test.unsubscribed", query)).await;
        publisher
            .stream()
            .wait_for("the mark", |value| value.path == "test.unsubscribed" && value.value == query)
            .await;
        publisher.value("e", "test.stop", numbered(2)).await;
        stream.subscribe("vessels.self", json!([{"path": "test.marker"}])).await;
        publisher.value("e", "test.stop", numbered(3)).await;
        publisher.value("e", "test.marker", numbered(4)).await;
        // What was on its way before the unsubscribe message may still come, but nothing published since.
        let read = stream.read_until("the marker", |value| value.value == numbered(4)).await;
        assert!(!read.iter().any(|value| [numbered(2), numbered(3)].contains(&value.value)), "{query}: {read:?}");
        assert_eq!(read.last().map(|value| value.path.as_str()), Some("test.marker"));
    }
}

async fn subscribe_messages_add_up(server: &Server) {
    let mut stream = subscribed(server, "vessels.self", json!([{"path": "test.add.a"}])).await;
    stream.subscribe("vessels.self", json!([{"path": "test.add.b"}, {"path": "test.add.c"}])).await;
    stream.subscribe(OTHER, json!([{"path": "test.add.a"}])).await;
    publish_all(server, OTHER, &["test.add.a"]).await;
    publish_all(server, "vessels.self", &["test.add.c", "test.add.b", "test.add.a"]).await;
    // Between subscriptions there is no order.
    let mut read = Vec::new();
    for _ in 0..4 {
        read.push(stream.next_value().await);
    }
    read.sort_by_key(|value| (value.context != OTHER, value.path.clone()));
    assert_eq!(paths(&read), ["test.add.a", "test.add.a", "test.add.b", "test.add.c"]);
    assert_eq!(read.iter().filter(|value| value.context == OTHER).count(), 1);
}

async fn metadata_is_sent_again_after_unsubscribing(server: &Server) {
    const PATH: &str = "environment.outside.pressure";
    let mut publisher = Publisher::connect(server).await;
    publisher.value("e", PATH, 101_300).await;
    let mut stream = Stream::connect(server, "subscribe=none&sendMeta=all").await;
    for round in 0..2 {
        stream.subscribe("vessels.self", json!([{"path": PATH}])).await;
        let frame = stream.next_delta().await;
        let entries = frame["updates"][0]["meta"].as_array().expect("metadata comes first");
        assert!(
            entries.iter().any(|meta| meta["path"] == PATH && meta["value"]["units"] == "Pa"),
            "round {round}: {frame}"
        );
        assert_eq!(stream.next_value().await.value, 101_300);
        stream.unsubscribe_all().await;
    }
}

async fn a_relative_context_covers_what_is_near(server: &Server) {
    const NEAR: &str = "vessels.urn:mrn:imo:mmsi:230055551";
    const FAR: &str = "vessels.urn:mrn:imo:mmsi:230055552";
    const NOWHERE: &str = "vessels.urn:mrn:imo:mmsi:230055553";
    let mut publisher = Publisher::connect(server).await;
    let mut publish = async |context: &str, path: &str, value: Json| {
        let mut message = delta("e", path, value);
        message["context"] = json!(context);
        publisher.publish(&message).await;
    };
    let at = |latitude: f64| json!({"latitude": latitude, "longitude": 24.25});
    publish(NEAR, "navigation.position", at(60.0005)).await;
    publish(FAR, "navigation.position", at(60.5)).await;
    for context in [NOWHERE, FAR, NEAR] {
        publish(context, "test.near", json!("cached")).await;
    }
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let place = json!({"radius": 100, "position": {"latitude": 60.0, "longitude": 24.25}});
    stream.send(&json!({"context": place, "subscribe": [{"path": "test.near"}]})).await;
    let cached = stream.next_value().await;
    assert_eq!((cached.context.as_str(), &cached.value), (NEAR, &json!("cached")));
    for context in [NOWHERE, FAR, NEAR] {
        publish(context, "test.near", json!("live")).await;
    }
    let live = stream.next_value().await;
    assert_eq!((live.context.as_str(), &live.value), (NEAR, &json!("live")));
    // They change places.
    publish(NEAR, "navigation.position", at(60.5)).await;
    publish(FAR, "navigation.position", at(60.0005)).await;
    for context in [NEAR, FAR] {
        publish(context, "test.near", json!("moved")).await;
    }
    let moved = stream.next_value().await;
    assert_eq!((moved.context.as_str(), &moved.value), (FAR, &json!("moved")));
}

async fn some_rows_can_be_unsubscribed(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut stream =
        subscribed(server, "vessels.self", json!([{"path": "test.some.a"}, {"path": "test.some.b"}])).await;
    stream.subscribe("*", json!([{"path": "test.some.c"}])).await;
    let mut round = async |stream: &mut Stream, number: u64, last: &str| {
        for path in ["a", "b", "c", "end"] {
            publisher.value("e", &format!("test.some.{path}"), number).await;
        }
        let read = stream.read_until(last, |value| value.path == last && value.value == number).await;
        let mut paths: Vec<_> =
            read.into_iter().filter(|value| value.value == number).map(|value| value.path).collect();
        paths.sort();
        paths
    };
    let settled = async |stream: &mut Stream| {
        stream.send(&json!({"requestId": "settled", "query": true})).await;
        stream.wait_for_frame("an answer", |frame| frame["requestId"] == "settled").await;
    };
    stream.subscribe("vessels.self", json!([{"path": "test.some.end"}])).await;
    settled(&mut stream).await;
    publish_all(server, "vessels.self", &["test.some.end"]).await;
    stream.wait_for_path("test.some.end").await;
    let all = ["test.some.a", "test.some.b", "test.some.c", "test.some.end"];
    assert_eq!(round(&mut stream, 1, "test.some.end").await, all);
    for (number, (context, path, left)) in (2..).zip([
        // Nothing that anybody has subscribed to: harmless.
        ("vessels.self", "test.some", &all[..]),
        ("vessels.urn:mrn:imo:mmsi:230055559", "*", &all),
        ("vessels.self", "test.some.a", &all[1..]),
        ("vessels.self", "test.some.c", &all[1..]),
        ("*", "test.some.c", &["test.some.b", "test.some.end"]),
        ("vessels.self", "test.some.b*", &["test.some.end"]),
    ]) {
        stream.send(&json!({"context": context, "unsubscribe": [{"path": path}]})).await;
        settled(&mut stream).await;
        assert_eq!(round(&mut stream, number, "test.some.end").await, left, "{context} {path}");
    }
}

async fn a_root_attribute_has_its_own_name(server: &Server) {
    for path in ["name", "nam*"] {
        let mut stream = subscribed(server, "vessels.self", json!([{"path": path}])).await;
        let value = stream.next_value().await;
        assert_eq!((value.path.as_str(), &value.value), ("name", &json!(NAME)), "{path}");
    }
    let mut publisher = Publisher::connect(server).await;
    let mut stream = subscribed(server, OTHER, json!([{"path": "communication.*"}])).await;
    let mut all = subscribed(server, OTHER, json!([{"path": "*"}])).await;
    let mut root = delta("e", "", json!({"communication": {"callsignVhf": "OJ1"}, "flag": "FI"}));
    root["context"] = json!(OTHER);
    publisher.publish(&root).await;
    let value = stream.wait_for_path("communication.callsignVhf").await;
    assert_eq!(value.value, "OJ1");
    // Who gets the root value as a whole does not get it a second time in parts.
    let mut end = delta("e", "test.root.end", 1);
    end["context"] = json!(OTHER);
    publisher.publish(&end).await;
    let read = all.read_until("the end", |value| value.path == "test.root.end").await;
    assert!(read.iter().any(|value| value.path.is_empty() && value.value["flag"] == "FI"), "{:?}", paths(&read));
    assert!(read.iter().all(|value| !["flag", "communication.callsignVhf"].contains(&value.path.as_str())));
}

async fn new_paths_are_announced_once(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    publisher.value("e.one", "test.announced.before", 1).await;
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let subscribe = json!([{"path": "test.announced.named", "period": 50}]);
    stream.send(&json!({"context": "vessels.self", "subscribe": subscribe, "announceNewPaths": true})).await;
    stream.wait_for_path("test.announced.before").await;
    for number in 2..=4 {
        publisher.value("e.one", "test.announced.before", number).await;
        publisher.value("e.two", "test.announced.after", number).await;
        publisher.value("e.one", "test.announced.after", number).await;
    }
    publisher.value("e.one", "test.announced.end", 1).await;
    let read = stream.read_until("the end", |value| value.path == "test.announced.end").await;
    let ours: Vec<_> = read.iter().filter(|value| value.path.starts_with("test.announced.")).collect();
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert_eq!((ours[0].path.as_str(), &ours[0].value), ("test.announced.after", &json!(2)), "the first value");
    // Alone, it needs no rows; and a client hears nothing more of the paths than that they are there.
    let mut only = Stream::connect(server, "subscribe=none").await;
    only.send(&json!({"context": "vessels.self", "subscribe": [], "announceNewPaths": true})).await;
    only.wait_for_path("test.announced.end").await;
}

async fn sources_can_be_excluded(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for source in ["e.bad", "e.good"] {
        publisher.value(source, "test.excluded", source).await;
    }
    let mut stream = Stream::connect(server, "subscribe=none").await;
    let message =
        json!({"context": "vessels.self", "subscribe": [{"path": "test.excluded"}], "excludeSources": ["e.bad"]});
    stream.send(&message).await;
    assert_eq!(stream.next_value().await.source, "e.good", "cached");
    for source in ["e.bad", "e.good"] {
        publisher.value(source, "test.excluded", source).await;
    }
    assert_eq!(stream.next_value().await.source, "e.good", "live");
}
