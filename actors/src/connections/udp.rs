//! Lines from UDP datagrams, and sentences sent out in them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{UdpSocket, lookup_host};

use super::backoff::Backoff;
use super::intake::{Intake, take_lines};
use super::link::{End, Link};
use super::plan::Udp;
use super::writing::{NETWORK_BYTES, Outgoing};

/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 64 * 1024;
/// Datagrams that go into one batch when so many wait.
const MAX_DATAGRAMS: usize = 64;
/// Addresses of which it is remembered whether they are ours.
const MAX_ADDRESSES: usize = 64;

/// Receives until the socket fails, and sends out what is to be written, one sentence a datagram.
///
/// All senders share one decoder, as on a wire with several talkers. A datagram holds whole lines; the last one may lack its
/// line end.
pub(super) async fn run(settings: &Udp, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    let Udp { address, port, receiver, .. } = settings;
    let failed = |error| {
        let hint = "check that no other program uses the port and that the address is one of this machine";
        End::Lost(format!("can't listen on UDP {address} port {port}: {error}; {hint}"))
    };
    let socket = UdpSocket::bind((*address, *port)).await.map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?;
    let sends = !link.writes.is_empty();
    let outgoing = Outgoing::open(link, NETWORK_BYTES);
    let receiver = if sends {
        socket.set_broadcast(true).map_err(failed)?;
        Some(resolve(receiver, local).await?)
    } else {
        None
    };
    backoff.reset();
    link.counters.set_local_address(Some(local));
    link.status(&listening(local));
    log::info!("connection {}: listening on UDP {local}", link.id());
    tokio::select! {
        end = receive(&socket, settings, Echo::new(sends, local), link) => end,
        end = send(&socket, receiver, &outgoing, local, link) => end,
    }
}

fn listening(local: SocketAddr) -> String {
    format!("Listening on UDP port {}", local.port())
}

async fn receive(socket: &UdpSocket, settings: &Udp, mut echo: Echo, link: &Link) -> Result<Infallible, End> {
    let mut intake = Intake::new(link, settings.protocol);
    let mut splitter = intake.splitter();
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let port = echo.local.port();
    let lost = |error| End::Lost(format!("receiving on UDP port {port} failed: {error}"));
    loop {
        let mut received = socket.recv_from(&mut buffer).await.map_err(lost)?;
        let now = jiff::Timestamp::now();
        for datagram in 1.. {
            let (length, sender) = received;
            if !echo.is_ours(sender) {
                link.counters.add_bytes(length);
                splitter.extend(&buffer[..length]);
                take_lines(&mut splitter, &mut intake, now);
                splitter.finish();
                take_lines(&mut splitter, &mut intake, now);
            }
            if datagram == MAX_DATAGRAMS {
                break;
            }
            received = match socket.try_recv_from(&mut buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(lost(error)),
            };
        }
        intake.publish().await?;
    }
}

/// Sends sentences as they come. That nobody can be reached, such as before the network is up, ends nothing.
async fn send(
    socket: &UdpSocket,
    receiver: Option<SocketAddr>,
    outgoing: &Outgoing,
    local: SocketAddr,
    link: &Link,
) -> Result<Infallible, End> {
    let mut fails = false;
    loop {
        let sentence = outgoing.next(link).await;
        let Some(receiver) = receiver else { continue };
        match socket.send_to(&sentence, receiver).await {
            Ok(_) => {
                link.counters.add_written(&sentence, jiff::Timestamp::now());
                if std::mem::take(&mut fails) {
                    link.status(&listening(local));
                }
            }
            Err(error) => {
                link.counters.add_lost_out(1);
                if !std::mem::replace(&mut fails, true) {
                    let text = format!("can't send to {receiver}: {error}; check `host` and the network");
                    log::warn!("connection {}: {text}", link.id());
                    link.error(&text);
                }
            }
        }
    }
}

/// The address behind `host`, of the same family as ours.
async fn resolve(host: &str, local: SocketAddr) -> Result<SocketAddr, End> {
    let hint = "set `host` to the address or name of who is to receive the sentences";
    let found = lookup_host((host, local.port())).await;
    let mut found = found.map_err(|error| End::Lost(format!("can't find {host}: {error}; {hint}")))?;
    let fits = found.find(|address| address.is_ipv4() == local.is_ipv4());
    fits.ok_or_else(|| End::Lost(format!("{host} has no address that {} can send to; {hint}", local.ip())))
}

/// Tells what we have sent ourselves: a broadcast reaches its sender, too.
struct Echo {
    sends: bool,
    local: SocketAddr,
    known: HashMap<IpAddr, bool>,
}

impl Echo {
    fn new(sends: bool, local: SocketAddr) -> Self {
        Self { sends, local, known: HashMap::new() }
    }

    /// Only this socket can send from its address and port.
    fn is_ours(&mut self, sender: SocketAddr) -> bool {
        if !self.sends || sender.port() != self.local.port() {
            return false;
        }
        if !self.local.ip().is_unspecified() {
            return sender.ip() == self.local.ip();
        }
        if self.known.len() >= MAX_ADDRESSES {
            self.known.clear();
        }
        // An address can be bound when it is one of this machine.
        *self.known.entry(sender.ip()).or_insert_with_key(|ip| std::net::UdpSocket::bind((*ip, 0)).is_ok())
    }
}
