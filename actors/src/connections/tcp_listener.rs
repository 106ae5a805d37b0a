//! NMEA 0183 from peers that connect to us.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpListener as Listener, TcpStream};

use super::backoff::Backoff;
use super::intake::Intake;
use super::link::{End, Link};
use super::plan::{Protocol, TcpListener};
use super::tcp_client::{Closed, keep_alive, read_stream};
use super::writing::{NETWORK_BYTES, Outgoing};

/// Wait after a failed accept, which usually means that the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Listens and reads from all peers until the broker stops.
pub(super) async fn run(settings: &TcpListener, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    let TcpListener { address, port, max_peers, silence } = settings;
    let failed = |error| {
        let hint = "check that no other program uses the port and that the address is one of this machine";
        End::Lost(format!("can't listen on TCP {address} port {port}: {error}; {hint}"))
    };
    let listener = Listener::bind((*address, *port)).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    backoff.reset();
    link.counters.set_local_address(Some(local));
    let listening = format!("Listening on TCP port {}", local.port());
    link.status(&listening);
    log::info!("connection {}: listening on {local}", link.id());
    let mut peers = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if peers.len() < *max_peers => peers.push(serve(stream, peer, link, *silence)),
                Ok((_, peer)) => {
                    if link.counters.refuse_peer() {
                        log::warn!(
                            "connection {}: {peer} is sent away because {max_peers} peers are connected; raise maxPeers if \
                             they are wanted. Further ones are only counted.",
                            link.id()
                        );
                    }
                }
                Err(error) => {
                    let text = format!("can't accept a peer: {error}");
                    log::warn!("connection {}: {text}", link.id());
                    link.error(&text);
                    // The peers that are connected go on meanwhile.
                    let pause = tokio::time::sleep(ACCEPT_PAUSE);
                    tokio::pin!(pause);
                    loop {
                        tokio::select! {
                            () = &mut pause => break,
                            Some(ended) = peers.next() => ended?,
                        }
                    }
                    link.status(&listening);
                }
            },
            Some(ended) = peers.next() => ended?,
        }
    }
}

/// Reads from one peer until it leaves; an error only when the broker has stopped.
async fn serve(mut stream: TcpStream, peer: SocketAddr, link: &Link, silence: Option<Duration>) -> Result<(), End> {
    keep_alive(&stream);
    let outgoing = Outgoing::open(link, NETWORK_BYTES);
    let _peer = link.counters.peer();
    log::info!("connection {}: {peer} connected", link.id());
    let mut intake = Intake::new(link, Protocol::Nmea0183);
    let (mut reading, mut writing) = stream.split();
    let closed = tokio::select! {
        closed = read_stream(&mut reading, &mut intake, link, silence, || ()) => closed?,
        Err(error) = outgoing.write_to(&mut writing, link) => Closed::Failed(error),
    };
    match closed {
        Closed::ByPeer => log::info!("connection {}: {peer} left", link.id()),
        Closed::Silent(limit) => {
            log::warn!("connection {}: {peer} disconnected: no data for {} s", link.id(), limit.as_secs_f64());
        }
        Closed::Failed(error) => log::warn!("connection {}: {peer} lost: {error}", link.id()),
    }
    Ok(())
}
