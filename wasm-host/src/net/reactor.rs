//! The one thread that waits for all plugins' sockets.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex, Weak, mpsc},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::AbortHandle,
};

use super::{GuestNetwork, lock};

/// Names looked up at once. The operating system cannot be told to give up, so a name server that is silent occupies a
/// thread for longer than anybody waits for it.
const LOOKUP_THREADS: usize = 16;
/// How long closing a socket waits for the thread to let go of it.
const CLOSING: Duration = Duration::from_secs(1);

/// Waits for sockets and names on behalf of all plugins. The thread ends when all clones are gone.
#[derive(Clone)]
pub(crate) struct NetworkLoop(Arc<Running>);

struct Running {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    /// The guests there are.
    guests: Mutex<Vec<Weak<GuestNetwork>>>,
}

impl NetworkLoop {
    /// Starts the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(LOOKUP_THREADS)
            .thread_name("wasm-names")
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new().name("wasm-network".into()).spawn(move || {
            // Ends with a value or because the sender is gone; both mean stop.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })?;
        Ok(Self(Arc::new(Running { handle, stop: Some(stop), guests: Mutex::default() })))
    }

    pub(super) fn enlist(&self, guest: &Arc<GuestNetwork>) {
        let mut guests = lock(&self.0.guests);
        guests.retain(|guest| guest.strong_count() > 0);
        guests.push(Arc::downgrade(guest));
    }

    /// Breaks off the HTTP requests of all guests, for good.
    pub(crate) fn abort_requests(&self) {
        let guests: Vec<Arc<GuestNetwork>> = lock(&self.0.guests).iter().filter_map(Weak::upgrade).collect();
        for guest in guests {
            guest.fetcher().abort();
        }
    }

    /// What sockets are created within, so that the thread waits for them.
    pub(crate) fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// Runs `work` on the thread until it ends or is [stopped](Task::stop). `held` is dropped with it.
    pub(super) fn spawn<H: Send + 'static, F: Future<Output = ()> + Send + 'static>(
        &self,
        held: H,
        work: impl FnOnce(H) -> F + Send + 'static,
    ) -> Task {
        let (ended, end) = mpsc::channel();
        // Dropped after the future and all it owns, also when the task is aborted.
        let future = Finally { future: Box::pin(async move { work(held).await }), _ended: ended };
        Task { abort: self.0.handle.spawn(future).abort_handle(), end }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread is gone already when this fails.
            let _ = stop.send(());
        }
    }
}

/// A future that lets go of `_ended` last: fields are dropped in order.
struct Finally {
    future: std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    _ended: mpsc::Sender<()>,
}

impl Future for Finally {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<()> {
        self.future.as_mut().poll(context)
    }
}

/// Work on the thread.
pub(super) struct Task {
    abort: AbortHandle,
    end: mpsc::Receiver<()>,
}

impl Task {
    /// Asks the work to end.
    pub(super) fn abort(&self) {
        self.abort.abort();
    }

    /// Ends the work, and waits until everything it owned is closed.
    pub(super) fn stop(self) {
        self.abort();
        // Nothing is ever sent: this returns when the sender is dropped. A loop too busy to do that within the time allowed will
        // do it later.
        let _ = self.end.recv_timeout(CLOSING);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.abort.abort();
    }
}
