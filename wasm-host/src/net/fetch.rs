//! The HTTP requests of one guest: how many there may be, which are running, and which answers wait to be delivered.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use ureq::Agent;

use super::{
    CertificateAuthorities, FetchStatistics, NetworkLoop,
    http::{self, Body, Bounds, FetchError, Request},
    lock,
    names::Reach,
};
use crate::{Limits, Waits, access::NetworkAccess};

/// Requests with callbacks that may run at once.
const CALLBACKS: usize = 8;
/// Failures kept for callbacks; a guest that asks on and on without being allowed to is not told each time.
const FAILURES: usize = 256;
const MINUTE: Duration = Duration::from_secs(60);
/// How much longer than its own deadline a request is waited for.
const GRACE: Duration = Duration::from_secs(1);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfetched {
    #[error("a request was not sent: more than {0} within a minute; ask less often, or raise the limit")]
    TooOften(u32),
    #[error("a request was not sent: {CALLBACKS} are running already; wait for their answers first")]
    TooMany,
    #[error("no answer from {address}: {error}")]
    Failed {
        /// Without what may be secret in it.
        address: String,
        error: FetchError,
    },
    #[error("a request was not sent: no thread could be started for it: {0}")]
    Thread(#[from] io::Error),
}

impl Unfetched {
    /// Whether a rule, and not the network, is the reason.
    fn is_refusal(&self) -> bool {
        match self {
            Unfetched::TooOften(_) | Unfetched::TooMany => true,
            Unfetched::Failed { error, .. } => error.is_refusal(),
            Unfetched::Thread(_) => false,
        }
    }
}

/// The answer to a request with a callback.
pub(crate) struct Answer {
    /// The number the guest gave.
    pub callback: i32,
    /// `None` when there is no answer.
    pub body: Option<Body>,
    /// Why there is none, unless that has been told.
    pub failure: Option<Unfetched>,
}

/// Fetches for one guest. Clones fetch for the same guest.
#[derive(Clone)]
pub(crate) struct Fetcher(Arc<Inner>);

struct Inner {
    reactor: NetworkLoop,
    authorities: CertificateAuthorities,
    access: Arc<Reach>,
    /// Ends the waiting of [`fetch`](Fetcher::fetch).
    waits: Waits,
    bounds: Bounds,
    per_minute: u32,
    /// Made when first needed: most plugins never fetch.
    agent: OnceLock<Agent>,
    state: Mutex<State>,
    sent: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    bytes_received: AtomicU64,
}

struct State {
    aborted: bool,
    minute: Instant,
    /// Requests in this minute.
    used: u32,
    last: u64,
    running: HashMap<u64, Receiver>,
    answers: VecDeque<Answer>,
}

/// Who gets an answer.
enum Receiver {
    /// The guest's thread, which waits.
    Thread(mpsc::SyncSender<Result<Body, Unfetched>>),
    /// The export for answers, later.
    Callback(i32),
}

impl Fetcher {
    pub(super) fn new(
        reactor: NetworkLoop,
        authorities: CertificateAuthorities,
        access: NetworkAccess,
        waits: Waits,
        limits: &Limits,
    ) -> Self {
        Self(Arc::new(Inner {
            reactor,
            authorities,
            // Looking up a name holds up the guest only where it waits for the answer, which ends by itself.
            access: Arc::new(Reach::new(access, Waits::default())),
            waits,
            bounds: Bounds { bytes: limits.fetch_bytes, deadline: limits.fetch_deadline },
            per_minute: limits.fetches_per_minute,
            agent: OnceLock::new(),
            state: Mutex::new(State {
                aborted: false,
                minute: Instant::now(),
                used: 0,
                last: 0,
                running: HashMap::new(),
                answers: VecDeque::new(),
            }),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            bytes_received: AtomicU64::new(0),
        }))
    }

    pub(crate) fn statistics(&self) -> FetchStatistics {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let state = lock(&self.0.state);
        FetchStatistics {
            sent: count(&self.0.sent),
            failed: count(&self.0.failed),
            refused: count(&self.0.refused),
            in_progress: state.running.len() as u32,
            undelivered: state.answers.len() as u32,
            bytes_received: count(&self.0.bytes_received),
        }
    }

    /// Fetches, and waits for the answer.
    pub(crate) fn fetch(&self, request: Request) -> Result<Body, Unfetched> {
        let (send, receive) = mpsc::sync_channel(1);
        let address = request.shown();
        let id = self.begin(request, Receiver::Thread(send))?;
        let fetcher = self.clone();
        let cutting = self.0.reactor.handle().spawn(async move {
            fetcher.0.waits.cut().await;
            // Its sender goes with it, which ends the waiting below.
            lock(&fetcher.0.state).running.remove(&id);
        });
        let received = receive.recv_timeout(self.0.bounds.deadline + GRACE);
        cutting.abort();
        received.unwrap_or_else(|reason| {
            lock(&self.0.state).running.remove(&id);
            let error = match reason {
                mpsc::RecvTimeoutError::Timeout => FetchError::Late(self.0.bounds.deadline),
                mpsc::RecvTimeoutError::Disconnected => FetchError::Aborted,
            };
            let error = Unfetched::Failed { address, error };
            self.0.count(&error);
            Err(error)
        })
    }

    /// Requests admitted in the minute that is being counted, and when it is over.
    pub(super) fn this_minute(&self) -> (u32, Option<Instant>) {
        let state = lock(&self.0.state);
        (state.used, state.minute.checked_add(MINUTE))
    }

    /// Fetches while the guest goes on; the answer waits to be [taken](Self::take_answer) with the number `callback`.
    ///
    /// # Errors
    /// The request was not even sent.
    pub(crate) fn fetch_later(&self, request: Request, callback: i32) -> Result<(), Unfetched> {
        self.begin(request, Receiver::Callback(callback)).map(drop)
    }

    /// Lets the callback hear that there is no answer, for a reason that has been told.
    pub(crate) fn fail_later(&self, callback: i32) {
        let mut state = lock(&self.0.state);
        if state.answers.len() < FAILURES {
            state.answers.push_back(Answer { callback, body: None, failure: None });
        }
    }

    /// The oldest answer for a callback.
    pub(crate) fn take_answer(&self) -> Option<Answer> {
        lock(&self.0.state).answers.pop_front()
    }

    /// Breaks off all requests; later ones fail at once. Whoever waits for an answer stops waiting.
    pub(super) fn abort(&self) {
        let mut state = lock(&self.0.state);
        state.aborted = true;
        state.running.clear();
        state.answers.clear();
        drop(state);
        if let Some(agent) = self.0.agent.get() {
            agent.clone().shutdown();
        }
    }

    fn begin(&self, request: Request, receiver: Receiver) -> Result<u64, Unfetched> {
        let id = self.admit(&request, receiver).inspect_err(|error| self.0.count(error))?;
        let fetcher = self.clone();
        let run = move || {
            let address = request.shown();
            let inner = &*fetcher.0;
            let agent = || http::agent(&inner.reactor, &inner.authorities, &inner.access);
            let agent = inner.agent.get_or_init(agent);
            if lock(&inner.state).aborted {
                return;
            }
            let result = http::perform(agent, &inner.access, request, inner.bounds);
            fetcher.finish(id, result.map_err(|error| Unfetched::Failed { address, error }));
        };
        if let Err(error) = thread::Builder::new().name("wasm-fetch".into()).spawn(run) {
            lock(&self.0.state).running.remove(&id);
            let error = Unfetched::Thread(error);
            self.0.count(&error);
            return Err(error);
        }
        Ok(id)
    }

    fn admit(&self, request: &Request, receiver: Receiver) -> Result<u64, Unfetched> {
        let mut state = lock(&self.0.state);
        let waited_for = matches!(receiver, Receiver::Thread(_));
        if state.aborted || (waited_for && self.0.waits.are_cut_short()) {
            return Err(Unfetched::Failed { address: request.shown(), error: FetchError::Aborted });
        }
        if state.minute.elapsed() >= MINUTE {
            state.minute = Instant::now();
            state.used = 0;
        }
        if state.used >= self.0.per_minute {
            return Err(Unfetched::TooOften(self.0.per_minute));
        }
        // Answers that nobody takes hold memory, so they count as well.
        if !waited_for && state.running.len() + state.answers.len() >= CALLBACKS {
            return Err(Unfetched::TooMany);
        }
        state.used += 1;
        state.last += 1;
        let id = state.last;
        state.running.insert(id, receiver);
        Ok(id)
    }

    fn finish(&self, id: u64, result: Result<Body, Unfetched>) {
        let mut state = lock(&self.0.state);
        // Absent when nobody waits any more.
        let Some(receiver) = state.running.remove(&id) else { return };
        match &result {
            Ok(body) => {
                self.0.sent.fetch_add(1, Ordering::Relaxed);
                self.0.bytes_received.fetch_add(body.bytes.len() as u64, Ordering::Relaxed);
            }
            Err(error) => self.0.count(error),
        }
        match receiver {
            Receiver::Callback(callback) => {
                let (body, failure) = match result {
                    Ok(body) => (Some(body), None),
                    Err(error) => (None, Some(error)),
                };
                state.answers.push_back(Answer { callback, body, failure });
            }
            Receiver::Thread(thread) => {
                // The thread has given up in this instant when this fails.
                let _ = thread.send(result);
            }
        }
    }
}

impl Inner {
    fn count(&self, error: &Unfetched) {
        if error.is_refusal() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        } else {
            self.sent.fetch_add(1, Ordering::Relaxed);
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
