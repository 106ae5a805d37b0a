//! Group E: how often values are delivered, and the answers to odd requests.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;
use windlass_tests::{Publisher, Server, Stream, delta, rows, run_table, values_of};

#[tokio::test]
async fn group_e_rate_control() {
    let server = Server::start().await;
    let rows = rows![
        [84] period_delivers_the_latest_once_a_period,
        [85] period_sends_nothing_when_nothing_came,
        [86] instant_delivers_each_value,
        [87] min_period_delivers_the_first_at_once,
        [88] period_may_be_a_string,
        [89] ideal_repeats_the_last_value,
        [90, 99] odd_options_are_answered_and_do_no_harm,
    ];
    run_table(&server, rows).await;
}

/// A client with one row, whose first (cached) value has been read.
async fn settled(server: &Server, publisher: &mut Publisher, path: &str, options: Json) -> Stream {
    publisher.value("e", path, 0).await;
    let mut row = options;
    row["path"] = json!(path);
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([row])).await;
    assert_eq!(stream.next_value().await.value, 0);
    stream
}

async fn period_delivers_the_latest_once_a_period(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut stream = settled(server, &mut publisher, "test.period", json!({"period": 1000})).await;
    let start = Instant::now();
    // Two sources, each a value every 20 ms until three periods are over.
    let feeding = async {
        let mut number = 1;
        while start.elapsed() < Duration::from_millis(3200) {
            for source in ["e.one", "e.two"] {
                publisher.send(&delta(source, "test.period", number)).await;
            }
            number += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        publisher.value("e.one", "test.period", number).await;
        number
    };
    let (mut received, mut last) = (Vec::new(), None);
    let reading = async {
        loop {
            let value = stream.next_value().await;
            received.push((value.source, value.value.as_i64().expect("a number")));
        }
    };
    tokio::select! {
        number = feeding => last = Some(number),
        () = reading => {}
    }
    let last = last.expect("reading has no end");
    let periods = start.elapsed().as_secs() + 1;
    for source in ["e.one", "e.two"] {
        let numbers: Vec<_> = received.iter().filter(|(from, _)| from == source).map(|(_, number)| *number).collect();
        assert!((2..=periods as usize).contains(&numbers.len()), "{source}: {numbers:?} in {periods} s");
        // The latest of some fifty values, so not neighbours.
        assert!(numbers.windows(2).all(|pair| pair[1] > pair[0] + 1), "{source}: {numbers:?}");
    }
    let value = stream.wait_for("the last value", |value| value.source == "e.one" && value.value == last).await;
    assert_eq!(value.path, "test.period");
}

/// A row that would tick every 20 ms is silent for as long as another row takes for three periods.
async fn period_sends_nothing_when_nothing_came(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut stream = settled(server, &mut publisher, "test.silent", json!({"period": 20})).await;
    let mut clock = settled(server, &mut publisher, "test.clock", json!({"period": 100})).await;
    for number in 1..=3 {
        publisher.value("e", "test.clock", number).await;
        clock.wait_for("the clock", |value| value.value == number).await;
    }
    publisher.value("e", "test.silent", 1).await;
    assert_eq!(stream.next_value().await.value, 1, "the first thing since the cached value");
}

async fn instant_delivers_each_value(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for (path, options) in [("test.instant", json!({"policy": "instant"})), ("test.nothing", json!({}))] {
        let mut stream = settled(server, &mut publisher, path, options).await;
        for number in 1..=200 {
            publisher.send(&delta("e", path, number)).await;
        }
        for number in 1..=200 {
            assert_eq!(stream.next_value().await.value, number, "{path}");
        }
    }
}

async fn min_period_delivers_the_first_at_once(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let period = Duration::from_millis(600);
    let mut stream = Stream::connect(server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([{"path": "test.min", "minPeriod": 600}])).await;
    // The first value comes from the cache or live.
    let start = Instant::now();
    publisher.value("e", "test.min", 0).await;
    assert_eq!(stream.next_value().await.value, 0);
    for number in 1..=20 {
        publisher.value("e", "test.min", number).await;
    }
    // The specification sends the last one when the window ends; the reference would have dropped it.
    let value = stream.next_value().await;
    assert!(start.elapsed() >= period - Duration::from_millis(50), "after {:?}", start.elapsed());
    assert_eq!(value.value, 20);
}

async fn period_may_be_a_string(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let mut stream = settled(server, &mut publisher, "test.string", json!({"period": "300"})).await;
    for number in 1..=5 {
        publisher.send(&delta("e", "test.string", number)).await;
    }
    publisher.value("e", "test.string", 6).await;
    // Had it not been understood, each value would have come.
    let read = stream.read_until("the last value", |value| value.value == 6).await;
    assert!(read.len() <= 2, "{read:?}");
}

async fn ideal_repeats_the_last_value(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    let options = json!({"policy": "ideal", "period": 200});
    let mut stream = settled(server, &mut publisher, "test.ideal", options).await;
    for number in 1..=20 {
        publisher.value("e", "test.ideal", number).await;
        // Each at once; on a slow machine the one before may have been repeated first.
        stream.wait_for("the value", |value| value.value == number).await;
    }
    for _ in 0..3 {
        assert_eq!(stream.next_value().await.value, 20, "again, without news");
    }
}

async fn odd_options_are_answered_and_do_no_harm(server: &Server) {
    let mut publisher = Publisher::connect(server).await;
    for (number, (options, reply)) in [
        (
            json!({"policy": "sometimes"}),
            "Only 'instant', 'fixed' and 'ideal' policies supported, ignoring policy sometimes",
        ),
        (json!({"format": "full"}), "Only delta format supported, using it"),
        (json!({"minPeriod": 10, "policy": "fixed"}), "minPeriod assumes policy 'instant', ignoring policy fixed"),
        (json!({"minPeriod": "soon"}), "invalid minPeriod value 'soon', ignoring"),
        (json!({"period": 10, "policy": "instant"}), "period assumes policy 'fixed', ignoring policy instant"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("test.odd{number}");
        publisher.value("e", &path, 1).await;
        let mut row = options;
        row["path"] = json!(path);
        let mut stream = Stream::connect(server, "subscribe=none").await;
        stream.subscribe("vessels.self", json!([row])).await;
        // The answer is a bare string; it comes before or after the cached value.
        let frames = [stream.next_json().await, stream.next_json().await];
        assert!(frames.contains(&json!(reply)), "{row}: {frames:?}");
        assert!(
            frames.iter().any(|frame| values_of(frame).iter().any(|value| value.path == path)),
            "{row}: {frames:?}"
        );
        publisher.value("e", &path, 2).await;
        assert_eq!(stream.next_value().await.value, 2, "{row}");
    }
}
