//! Ending what a guest waits for.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

/// The server's hold on what one plugin waits for: answers to its HTTP requests, and the look-up of a name.
///
/// A plugin that waits does nothing else, so it could not be stopped before it has its answer. Whoever wants something of it
/// that cannot wait has the waiting [cut short](Self::cut_short). Clones belong to the same plugin; one may outlive many of its instances.
#[derive(Clone)]
pub struct Waits(Arc<watch::Sender<usize>>);

/// Until this is dropped, the plugin waits for nothing outside: what it waits for now has failed, and so does what it asks for meanwhile.
#[must_use = "the plugin waits again as soon as this is dropped"]
pub struct CutShort(Waits);

impl Waits {
    /// Has what the plugin waits for fail, the way the interface documents it.
    pub fn cut_short(&self) -> CutShort {
        self.0.send_modify(|holders| *holders += 1);
        CutShort(self.clone())
    }

    /// Whether nothing is waited for now.
    pub(crate) fn are_cut_short(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Ends when they are.
    pub(crate) async fn cut(&self) {
        // The sender is part of this, so it is not gone.
        let _ = self.0.subscribe().wait_for(|holders| *holders > 0).await;
    }
}

impl Default for Waits {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Drop for CutShort {
    fn drop(&mut self) {
        self.0.0.send_modify(|holders| *holders -= 1);
    }
}

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waits").field("cut_short", &self.are_cut_short()).finish()
    }
}

impl fmt::Debug for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CutShort")
    }
}
