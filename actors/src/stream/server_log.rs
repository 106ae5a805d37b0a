//! The server's log for those who watch it: the latest rows, and new ones as they are written (signalk-v1 §5.10).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::prelude::*;
use bytestring::ByteString;
use serde_json::json;

/// Rows that a new watcher gets.
const KEPT: usize = 100;
/// Longest row in bytes; the rest is cut off.
const MAX_ROW: usize = 4096;
/// Most watchers at once.
const MAX_WATCHERS: usize = 100;

/// One row on its way to a watcher: `{"type": "LOG", "data": {"ts": "May 01 10:00:00", "row": …, "isError": true?}}` as text.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LogRow(pub ByteString);

/// The latest rows of the log, and who watches it. Clones share. The rows have no secrets in them: whoever writes them sees to that.
#[derive(Debug, Clone, Default)]
pub struct ServerLog(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    rows: VecDeque<ByteString>,
    watchers: Vec<Recipient<LogRow>>,
    dropped: u64,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerLog").field("rows", &self.rows.len()).field("dropped", &self.dropped).finish()
    }
}

impl ServerLog {
    /// Adds a row and passes it on. A watcher whose mailbox is full misses it, which is counted.
    ///
    /// Logs nothing itself: it is what logging ends in.
    pub fn write(&self, row: &str, is_error: bool) {
        let ts = jiff::Timestamp::now().strftime("%b %d %H:%M:%S").to_string();
        let mut data = json!({"ts": ts, "row": &row[..row.floor_char_boundary(MAX_ROW)]});
        if is_error {
            data["isError"] = true.into();
        }
        let text: ByteString = json!({"type": "LOG", "data": data}).to_string().into();
        let mut inner = self.lock();
        if inner.rows.len() >= KEPT {
            inner.rows.pop_front();
        }
        inner.rows.push_back(text.clone());
        let mut dropped = 0;
        inner.watchers.retain(|watcher| match watcher.try_send(LogRow(text.clone())) {
            Ok(()) => true,
            Err(SendError::Full(_)) => {
                dropped += 1;
                true
            }
            Err(SendError::Closed(_)) => false,
        });
        inner.dropped += dropped;
    }

    /// Adds a watcher and returns the latest rows, oldest first. One that watches already gets them once more and no row twice from then
    /// on. When there are too many watchers, the one that has watched longest makes room.
    pub fn watch(&self, watcher: Recipient<LogRow>) -> Vec<ByteString> {
        let mut inner = self.lock();
        inner.watchers.retain(|other| *other != watcher && other.connected());
        if inner.watchers.len() >= MAX_WATCHERS {
            inner.watchers.remove(0);
        }
        inner.watchers.push(watcher);
        inner.rows.iter().cloned().collect()
    }

    /// Ends what [`watch`](Self::watch) began. Watchers that have stopped are left out without it.
    pub fn leave(&self, watcher: &Recipient<LogRow>) {
        self.lock().watchers.retain(|other| other != watcher);
    }

    /// Rows that a watcher had no room for.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whole between any two statements above, also after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Watcher(Vec<ByteString>);

    impl Actor for Watcher {
        type Context = Context<Self>;
    }

    impl Handler<LogRow> for Watcher {
        type Result = ();
        fn handle(&mut self, LogRow(text): LogRow, _: &mut Self::Context) {
            self.0.push(text);
        }
    }

    #[derive(Message)]
    #[rtype(result = "Vec<ByteString>")]
    struct Seen;

    impl Handler<Seen> for Watcher {
        type Result = Vec<ByteString>;
        fn handle(&mut self, _: Seen, _: &mut Self::Context) -> Self::Result {
            self.0.clone()
        }
    }

    fn row(text: &str) -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(text).expect("JSON")["data"]["row"].clone()
    }

    #[actix::test]
    async fn a_watcher_gets_the_latest_rows_and_then_each_new_one_once() {
        // SK-211
        let log = ServerLog::default();
        for number in 0..150 {
            log.write(&format!("row {number}"), number == 149);
        }
        let watcher = Watcher(Vec::new()).start();
        let before = log.watch(watcher.clone().recipient());
        assert_eq!((before.len(), row(&before[0]), row(&before[99])), (100, json!("row 50"), json!("row 149")));
        assert!(before[99].contains(r#""isError":true"#) && !before[0].contains("isError"), "{}", before[99]);
        log.watch(watcher.clone().recipient());
        log.write(&"x".repeat(10_000), false);
        let seen = watcher.send(Seen).await.expect("alive");
        assert_eq!(seen.len(), 1);
        assert_eq!(row(&seen[0]).as_str().map(str::len), Some(MAX_ROW));
        log.leave(&watcher.clone().recipient());
        log.write("unseen", false);
        assert_eq!(watcher.send(Seen).await.expect("alive").len(), 1);
    }
}
