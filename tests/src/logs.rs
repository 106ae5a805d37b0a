//! What the server wrote to its standard output and standard error.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::PATIENCE;

/// Lines shown when a test fails.
const SHOWN: usize = 60;

/// The lines so far, oldest first. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    lines: Arc<Mutex<Vec<String>>>,
    grown: Arc<Notify>,
}

impl Logs {
    /// Collects the lines of a pipe until it closes, on a thread of its own: that way nothing is lost when the test fails.
    pub(crate) fn collect(&self, pipe: impl Read + Send + 'static) {
        let logs = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n') {
                // A pipe that can't be read any more is one that the server has closed.
                let Ok(line) = line else { break };
                logs.lock().push(String::from_utf8_lossy(&line).into_owned());
                logs.grown.notify_waiters();
            }
        });
    }

    /// All lines.
    pub fn all(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// The first line that has all of these words in it.
    pub fn find(&self, words: &[&str]) -> Option<String> {
        self.lock().iter().find(|line| words.iter().all(|word| line.contains(word))).cloned()
    }

    /// Waits for a line that has all of these words in it.
    ///
    /// # Panics
    /// When none comes.
    pub async fn wait_for(&self, words: &[&str]) -> String {
        match self.try_wait_for(words).await {
            Some(line) => line,
            None => panic!("no line of the log has {words:?} in it; it ends\n{}", self.tail()),
        }
    }

    pub(crate) async fn try_wait_for(&self, words: &[&str]) -> Option<String> {
        let found = async {
            loop {
                let grown = self.grown.notified();
                tokio::pin!(grown);
                // Registered before the look, so that a line that comes right after it is not overlooked.
                grown.as_mut().enable();
                if let Some(line) = self.find(words) {
                    return line;
                }
                grown.await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.ok()
    }

    /// The last lines, for a message.
    pub fn tail(&self) -> String {
        let lines = self.lock();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        // A vector of whole lines, also after a panic.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
