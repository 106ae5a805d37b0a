//! The actor of one connection: keeps its input running.

use std::convert::Infallible;

use actix::prelude::*;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::link::{End, Link};
use super::plan::{Input, Plan};
use super::{output_clients, playback, serial, tcp_client, tcp_listener, udp, websocket};

/// One configured connection. It lives on the I/O arbiter, reads its input, and starts it again with growing delays when it is
/// lost. It ends with [`CloseConnection`], with its recording, or with the broker.
pub struct Connection {
    input: Input,
    link: Link,
    /// Dropped when the sockets are closed.
    closed: Option<oneshot::Sender<Infallible>>,
}

/// Whoever manages the connections ends one. Answered when no more is read; what waits for the broker then is given up.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CloseConnection;

impl Connection {
    /// A connection that does as planned; `closed` is dropped when it has let go of its sockets and files.
    pub(super) fn new(plan: Plan, link: Link, closed: oneshot::Sender<Infallible>) -> Self {
        Self { input: plan.input, link, closed: Some(closed) }
    }
}

impl Actor for Connection {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.link.observed.runs_here();
        let (input, link, closed) = (self.input.clone(), self.link.clone(), self.closed.take());
        let running = async move {
            // Outlives everything that `keep_running` holds.
            let _closed = closed;
            keep_running(&input, &link).await;
        };
        ctx.spawn(running.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }
}

impl Handler<CloseConnection> for Connection {
    type Result = ();

    fn handle(&mut self, _: CloseConnection, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// Runs the input, again and again, until there is no more to do.
async fn keep_running(input: &Input, link: &Link) {
    let mut backoff = Backoff::default();
    loop {
        let Err(end) = run(input, link, &mut backoff).await;
        link.counters.set_local_address(None);
        let reason = match end {
            End::Finished => return,
            End::BrokerStopped => return log::info!("connection {}: {end}", link.id()),
            End::Lost(reason) => reason,
        };
        let first = backoff.tries() == 0;
        let delay = backoff.next_delay();
        link.error(&reason);
        let remote = match input {
            Input::TcpClient(client) => Some((&client.host, client.port)),
            Input::WebSocket(remote) if !remote.discover => Some((&remote.host, remote.port)),
            _ => None,
        };
        if let Some((host, port)) = remote {
            // The cause stays readable as the entry's last error.
            let retry = backoff.tries();
            link.error(&format!("Reconnect {host} {port} retry {retry} delay {}", delay.as_millis()));
        }
        if first {
            log::warn!("connection {}: {reason}. Trying again until it works.", link.id());
        } else {
            log::debug!("connection {}: {reason}; next try in {} s", link.id(), delay.as_secs());
        }
        sleep(delay).await;
    }
}

pub(super) async fn run(input: &Input, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    match input {
        Input::TcpClient(client) => tcp_client::run(client, link, backoff).await,
        Input::TcpListener(listener) => tcp_listener::run(listener, link, backoff).await,
        Input::Udp(settings) => udp::run(settings, link, backoff).await,
        Input::Serial(settings) => serial::run(settings, link, backoff).await,
        Input::OutputClients => output_clients::run(link).await,
        Input::WebSocket(remote) => websocket::run(remote, link, backoff).await,
        Input::Playback(recording) => playback::run(recording, link, backoff).await,
    }
}
