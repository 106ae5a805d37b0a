//! A TCP port whose clients are served with lines.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use actix::ArbiterHandle;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::statistics::OutputCounters;
use crate::connections::{Backoff, keep_alive};
use crate::{StatusBoard, StatusKind, StatusSubject};

/// How often the gate is asked while clients are served.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);
/// Wait after a failed accept, which usually means that the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Says why visitors without a password may not read now, in words for the status board; `None` when they may. Asked at the start and
/// once a second: a port that may not be open any more is closed and its clients are disconnected, and it opens again when it may.
pub type Gate = Arc<dyn Fn() -> Option<&'static str> + Send + Sync>;

/// Where a [`LineServer`] listens, and for how many.
#[derive(Clone)]
pub struct LineServerOptions {
    /// Its entry on the status board, such as `nmea-tcp`.
    pub name: &'static str,
    /// The address to listen on.
    pub address: IpAddr,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// Clients served at the same time.
    pub max_clients: usize,
    /// What to do about a port that is taken, such as `set NMEA0183PORT`.
    pub hint: &'static str,
    /// Whether everybody may read.
    pub gate: Gate,
}

/// A port that is listened on, again and again if it is lost. It goes when [`stop`](Self::stop) is called, when it is
/// dropped, or with its arbiter.
#[derive(Debug)]
pub struct LineServer {
    counters: OutputCounters,
    stop: watch::Sender<bool>,
    /// Its sender is dropped when the sockets are closed.
    closed: watch::Receiver<()>,
}

impl LineServer {
    /// Listens from now on. `prepare` runs on the arbiter and gives what serves a client until it leaves.
    pub fn start<P, S, F>(
        options: LineServerOptions,
        board: StatusBoard,
        counters: OutputCounters,
        arbiter: &ArbiterHandle,
        prepare: P,
    ) -> Self
    where
        P: FnOnce() -> S + Send + 'static,
        S: Fn(TcpStream, SocketAddr) -> F + 'static,
        F: Future<Output = ()> + 'static,
    {
        let (stop, mut stopped) = watch::channel(false);
        let (closing, closed) = watch::channel(());
        let shown = counters.clone();
        arbiter.spawn_fn(move || {
            actix::spawn(async move {
                // Outlives everything that has a socket.
                let _closing = closing;
                let server = Listening { options, board, counters, serve: prepare() };
                tokio::select! {
                    // An error is as good: nobody holds the server any more.
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                    never = server.run() => match never {},
                }
                server.counters.set_local_address(None);
            });
        });
        Self { counters: shown, stop, closed }
    }

    /// What it has done.
    pub fn counters(&self) -> &OutputCounters {
        &self.counters
    }

    /// Closes the port and all connections, and waits until that is done.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut closed = self.closed.clone();
        while closed.changed().await.is_ok() {}
    }
}

struct Listening<S> {
    options: LineServerOptions,
    board: StatusBoard,
    counters: OutputCounters,
    serve: S,
}

impl<S, F> Listening<S>
where
    S: Fn(TcpStream, SocketAddr) -> F,
    F: Future<Output = ()>,
{
    async fn run(&self) -> Infallible {
        let LineServerOptions { name, address, port, hint, gate, .. } = &self.options;
        let mut backoff = Backoff::default();
        let mut told = None;
        loop {
            if let Some(reason) = gate() {
                if told.replace(reason) != Some(reason) {
                    log::info!("{name}: not listening: {reason}");
                }
                self.say(StatusKind::Status, &format!("Not listening: {reason}"));
                sleep(BETWEEN_QUESTIONS).await;
                continue;
            }
            told = None;
            let bound = TcpListener::bind((*address, *port)).await;
            let listening = bound.and_then(|listener| listener.local_addr().map(|local| (listener, local)));
            match listening {
                Ok((listener, local)) => {
                    backoff.reset();
                    self.counters.set_local_address(Some(local));
                    self.say(StatusKind::Status, &format!("Listening on TCP port {}", local.port()));
                    log::info!("{name}: listening on {local}");
                    let reason = self.accept(&listener).await;
                    self.counters.set_local_address(None);
                    log::warn!("{name}: no longer listening, and its clients are disconnected: {reason}");
                }
                Err(error) => {
                    let text = format!(
                        "can't listen on TCP {address} port {port}: {error}; end the program that uses the port, or {hint}"
                    );
                    self.say(StatusKind::Error, &text);
                    if backoff.tries() == 0 {
                        log::warn!("{name}: {text}. Trying again until it works.");
                    }
                    sleep(backoff.next_delay()).await;
                }
            }
        }
    }

    /// Serves everybody who comes, until it may not any more.
    async fn accept(&self, listener: &TcpListener) -> &'static str {
        let LineServerOptions { name, max_clients, gate, .. } = &self.options;
        let mut clients = FuturesUnordered::new();
        let mut questions = interval(BETWEEN_QUESTIONS);
        questions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) if clients.len() < *max_clients => clients.push(self.attend(stream, peer)),
                    Ok((_, peer)) => {
                        if self.counters.refuse() {
                            log::warn!("{name}: {peer} is sent away because {max_clients} clients are connected. Further ones are only counted.");
                        }
                    }
                    Err(error) => {
                        log::warn!("{name}: a client can't be accepted: {error}");
                        // Those that are connected go on meanwhile.
                        let pause = sleep(ACCEPT_PAUSE);
                        tokio::pin!(pause);
                        loop {
                            tokio::select! {
                                () = &mut pause => break,
                                Some(()) = clients.next() => {}
                            }
                        }
                    }
                },
                Some(()) = clients.next() => {}
                _ = questions.tick() => if let Some(reason) = gate() {
                    return reason;
                },
            }
        }
    }

    async fn attend(&self, stream: TcpStream, peer: SocketAddr) {
        let _client = self.counters.client();
        keep_alive(&stream);
        if let Err(error) = stream.set_nodelay(true) {
            log::debug!("TCP_NODELAY could not be set: {error}");
        }
        log::info!("{}: {peer} connected", self.options.name);
        (self.serve)(stream, peer).await;
        log::info!("{}: {peer} left", self.options.name);
    }

    fn say(&self, kind: StatusKind, text: &str) {
        self.board.set(self.options.name, StatusSubject::Provider, kind, text);
    }
}
