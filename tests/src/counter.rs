//! A client that counts.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::{Frame, PATIENCE, Server, Stream, delta};

/// Sends the numbers 1, 2, 3… as values of one path of the own ship, at an even pace, until it is stopped.
#[derive(Debug)]
pub struct Counter {
    stop: oneshot::Sender<()>,
    counting: JoinHandle<u64>,
}

impl Counter {
    /// Connects and begins.
    pub async fn start(server: &Server, source: &'static str, path: &'static str, period: Duration) -> Self {
        let mut stream = Stream::connect(server, "subscribe=none").await;
        let (stop, mut stopped) = oneshot::channel();
        let counting = tokio::spawn(async move {
            let mut ticks = interval(period);
            // What a busy machine has missed is made up for: the rate counts.
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut number = 0;
            loop {
                tokio::select! {
                    _ = &mut stopped, if number > 0 => return number,
                    _ = ticks.tick() => {
                        number += 1;
                        stream.send(&delta(source, path, number)).await;
                    }
                    // Answers the server's pings.
                    frame = stream.next_frame(PATIENCE) => {
                        assert!(!matches!(frame, Some(Frame::Closed)), "the server has closed the counter's connection");
                    }
                }
            }
        });
        Self { stop, counting }
    }

    /// Stops, and says which number was the last.
    ///
    /// # Panics
    /// When the connection was lost.
    pub async fn stop(self) -> u64 {
        self.stop.send(()).expect("the counting client works until it is stopped");
        self.counting.await.expect("the counting client stays connected")
    }
}
