//! Proof that nobody else is disturbed: a client counts in deltas, another one watches that no number is missing.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::{Counter, PATIENCE, Server, Stream};

const PATH: &str = "navigation.speedOverGround";
const SOURCE: &str = "continuity.counter";
/// A hundred a second.
const PERIOD: Duration = Duration::from_millis(10);
/// The longest silence that is still no gap, on a machine that compiles plugins meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A counter that flows through the server from the start of a test to its end.
#[derive(Debug)]
pub struct Continuity {
    counter: Counter,
    watcher: JoinHandle<Watched>,
    last_sent: watch::Sender<Option<u64>>,
    received: watch::Receiver<u64>,
}

/// What the watching client received.
#[derive(Debug)]
struct Watched {
    last: u64,
    longest_pause: Duration,
}

impl Continuity {
    /// Connects both clients and waits until numbers flow, a hundred a second.
    pub async fn start(server: &Server) -> Self {
        Self::paced(server, PERIOD).await
    }

    /// The same with another pace.
    pub async fn paced(server: &Server, period: Duration) -> Self {
        let mut watching = Stream::connect(server, "subscribe=none").await;
        watching.subscribe("vessels.self", serde_json::json!([{"path": PATH, "policy": "instant"}])).await;
        let (last_sent, last) = watch::channel(None);
        let (received, receiving) = watch::channel(0);
        let counter = Counter::start(server, SOURCE, PATH, period).await;
        let watcher = tokio::spawn(watch(watching, last, received));
        let mut started = Self { counter, watcher, last_sent, received: receiving };
        started.flows_on(10).await;
        started
    }

    /// Waits until this many more numbers have come through.
    ///
    /// # Panics
    /// When they do not.
    pub async fn flows_on(&mut self, numbers: u64) {
        let goal = *self.received.borrow() + numbers;
        let flowing = self.received.wait_for(|received| *received >= goal);
        let flows = matches!(tokio::time::timeout(PATIENCE, flowing).await, Ok(Ok(_)));
        assert!(flows, "the counter does not flow any more");
    }

    /// Stops counting, and waits until the last number has arrived. Returns how many there were.
    ///
    /// # Panics
    /// When a number is missing, comes twice, or there was a long silence.
    pub async fn finish(self) -> u64 {
        let sent = self.counter.stop().await;
        self.last_sent.send_replace(Some(sent));
        let watched = tokio::time::timeout(PATIENCE, self.watcher).await;
        let watched = watched.expect("the last number arrives").expect("the watching client stays connected");
        assert_eq!(watched.last, sent, "the last number that was sent is the last that arrived");
        assert!(watched.longest_pause < LONGEST_PAUSE, "nothing came for {:?}", watched.longest_pause);
        sent
    }
}

/// Reads the numbers and checks each.
async fn watch(mut stream: Stream, mut last: watch::Receiver<Option<u64>>, received: watch::Sender<u64>) -> Watched {
    let (mut expected, mut longest_pause, mut since) = (1, Duration::ZERO, Instant::now());
    loop {
        let over = last.borrow_and_update().is_some_and(|last| expected > last);
        if over {
            return Watched { last: expected - 1, longest_pause };
        }
        tokio::select! {
            changed = last.changed() => changed.expect("the sender lives until the watcher has ended"),
            value = stream.next_value() => {
                if value.source != SOURCE {
                    continue;
                }
                assert_eq!(value.value, expected, "the numbers come in order and none is missing");
                expected += 1;
                longest_pause = longest_pause.max(since.elapsed());
                since = Instant::now();
                received.send_replace(expected - 1);
            }
        }
    }
}
