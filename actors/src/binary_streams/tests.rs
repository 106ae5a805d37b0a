use futures_util::{FutureExt as _, StreamExt as _};

use super::queue::{MAX_QUEUED, MAX_SKIPPED};
use super::*;

/// What waits in a queue.
fn waiting(frames: &mut Frames) -> Vec<QueueItem> {
    let mut items = Vec::new();
    let mut pauses = 0;
    while pauses < 2 {
        match frames.next().now_or_never() {
            Some(Some(item)) => {
                pauses = 0;
                items.push(item);
            }
            Some(None) => break,
            // One is the pause after a chunk.
            None => pauses += 1,
        }
    }
    items
}

fn frame(text: &'static str) -> QueueItem {
    QueueItem::Frame(Bytes::from_static(text.as_bytes()))
}

#[test]
fn frames_go_to_the_clients_of_their_stream() {
    // ABI-74
    let streams = BinaryStreams::default();
    let mut early = streams.subscribe("radars/a").expect("room");
    streams.publish("p", "radars/a", b"1").expect("accepted");
    let mut late = streams.subscribe("radars/a").expect("room");
    let mut other = streams.subscribe("radars/b").expect("room");
    streams.publish("p", "radars/a", b"2").expect("accepted");
    assert_eq!(waiting(&mut early), [frame("1"), frame("2")]);
    assert_eq!(waiting(&mut late), [frame("2")]);
    assert_eq!(waiting(&mut other), []);
    let foreign = streams.publish("q", "radars/a", b"3").expect_err("it is not q's");
    assert_eq!(foreign.to_string(), "the stream radars/a belongs to the plugin p");
    let read = streams.statistics();
    assert_eq!((read.streams, read.clients, read.published, read.delivered), (2, 3, 2, 3));
}

#[test]
fn the_streams_of_a_plugin_end_with_it() {
    // ABI-75
    let streams = BinaryStreams::default();
    let mut frames = streams.subscribe("radars/a").expect("room");
    let mut other = streams.subscribe("radars/b").expect("room");
    streams.publish("p", "radars/a", b"1").expect("accepted");
    streams.publish("q", "radars/b", b"1").expect("accepted");
    streams.end_of("p");
    assert_eq!(waiting(&mut frames), [frame("1"), QueueItem::End(StreamEnd::Ended)]);
    assert_eq!(waiting(&mut other), [frame("1")]);
    // Somebody else may have it now.
    streams.publish("q", "radars/a", b"1").expect("accepted");
}

#[test]
fn a_slow_client_misses_frames_and_is_given_up() {
    // ABI-75
    let streams = BinaryStreams::default();
    let mut slow = streams.subscribe("s").expect("room");
    let mut quick = streams.subscribe("s").expect("room");
    let content = vec![7; 1024];
    let mut publish = || {
        streams.publish("p", "s", &content).expect("accepted");
        waiting(&mut quick).len()
    };
    let fits = (0..).take_while(|_| publish() == 1 && streams.statistics().skipped == 0).count();
    assert!((200..=MAX_QUEUED / 1024 + 1).contains(&fits), "{fits}");
    for _ in 1..MAX_SKIPPED {
        publish();
    }
    let read = streams.statistics();
    assert_eq!((read.clients, read.skipped, read.disconnected), (2, u64::from(MAX_SKIPPED), 0));
    publish();
    let read = streams.statistics();
    assert_eq!((read.clients, read.skipped, read.disconnected), (1, u64::from(MAX_SKIPPED) + 1, 1));
    assert_eq!(publish(), 1, "the quick one gets all");
    let items = waiting(&mut slow);
    assert_eq!((items.len(), items.last()), (fits + 1, Some(&QueueItem::End(StreamEnd::TooSlow))));
}

#[test]
fn a_client_that_catches_up_is_not_given_up() {
    let streams = BinaryStreams::default();
    let mut frames = streams.subscribe("s").expect("room");
    let content = vec![7; MAX_QUEUED];
    for _ in 0..3 {
        for _ in 0..=MAX_SKIPPED {
            streams.publish("p", "s", &content).expect("accepted");
        }
        waiting(&mut frames);
    }
    assert_eq!(streams.statistics().disconnected, 0);
}

#[test]
fn what_nobody_publishes_is_forgotten_with_its_clients_and_bounded() {
    let streams = BinaryStreams::default();
    let mut waiting = Vec::new();
    let refused = (0..).find(|number| match streams.subscribe(&format!("radars/{number}")) {
        Ok(frames) => {
            waiting.push(frames);
            false
        }
        Err(TooManyStreams) => true,
    });
    assert_eq!(refused, Some(MAX_STREAMS_WITHOUT_OWNER));
    assert!(streams.subscribe("radars/0").is_ok(), "another client of the same stream costs no stream");
    drop(waiting);
    assert_eq!(streams.statistics().streams, 0);
    let refused = (0..).find(|number| streams.publish("p", &format!("plugins/p/{number}"), b"").is_err());
    assert_eq!(refused, Some(MAX_STREAMS_PER_PLUGIN));
    streams.publish("p", "plugins/p/0", b"").expect("the ones it has go on");
}
