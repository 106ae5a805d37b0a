//! Lines from UDP datagrams.

use std::convert::Infallible;
use std::io;

use tokio::net::UdpSocket;

use super::backoff::Backoff;
use super::intake::{Intake, take_lines};
use super::link::{End, Link};
use super::plan::Udp;

/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 64 * 1024;
/// Datagrams that go into one batch when so many wait.
const MAX_DATAGRAMS: usize = 64;

/// Receives until the socket fails.
///
/// All senders share one decoder, as on a wire with several talkers. A datagram holds whole lines; the last one may lack its
/// line end.
pub(super) async fn run(settings: &Udp, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    let Udp { address, port, protocol } = settings;
    let failed = |error| {
        let hint = "check that no other program uses the port and that the address is one of this machine";
        End::Lost(format!("can't listen on UDP {address} port {port}: {error}; {hint}"))
    };
    let socket = UdpSocket::bind((*address, *port)).await.map_err(failed)?;
    let local = socket.local_addr().map_err(failed)?;
    backoff.reset();
    link.counters.set_local_address(Some(local));
    link.status(&format!("Listening on UDP port {}", local.port()));
    log::info!("connection {}: listening on UDP {local}", link.id());
    let mut intake = Intake::new(link, *protocol);
    let mut splitter = intake.splitter();
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let lost = |error| End::Lost(format!("receiving on UDP port {} failed: {error}", local.port()));
    loop {
        let mut length = socket.recv(&mut buffer).await.map_err(lost)?;
        let now = jiff::Timestamp::now();
        for datagram in 1.. {
            link.counters.add_bytes(length);
            splitter.extend(&buffer[..length]);
            take_lines(&mut splitter, &mut intake, now);
            splitter.finish();
            take_lines(&mut splitter, &mut intake, now);
            if datagram == MAX_DATAGRAMS {
                break;
            }
            length = match socket.try_recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(lost(error)),
            };
        }
        intake.publish().await?;
    }
}
