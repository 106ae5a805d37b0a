//! Lines from a TCP server.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::backoff::Backoff;
use super::intake::{Intake, take_lines};
use super::link::{End, Link};
use super::plan::TcpClient;
use super::writing::{NETWORK_BYTES, Outgoing};

/// Most bytes of one read: what one connection may hold in memory, and the size of a batch.
pub(super) const READ_BYTES: usize = 16 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects and reads until the connection is lost.
pub(super) async fn run(client: &TcpClient, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    let TcpClient { host, port, silence, protocol, greeting } = client;
    let connected = match timeout(CONNECT_TIMEOUT, TcpStream::connect((host.as_str(), *port))).await {
        Ok(connected) => connected,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer")),
    };
    let mut stream = connected.map_err(|error| {
        End::Lost(format!("can't connect to {host} {port}: {error}; check host and port, and that the device is on"))
    })?;
    keep_alive(&stream);
    let failed = |error: io::Error| End::Lost(format!("the connection to {host} {port} failed: {error}"));
    stream.write_all(greeting.as_bytes()).await.map_err(failed)?;
    let outgoing = Outgoing::open(link, NETWORK_BYTES);
    let _peer = link.counters.peer();
    link.status(&format!("Connected to {host} {port}"));
    log::info!("connection {}: connected to {host} {port}", link.id());
    let mut intake = Intake::new(link, *protocol);
    let (mut reading, mut writing) = stream.split();
    let closed = tokio::select! {
        closed = read_stream(&mut reading, &mut intake, link, *silence, || backoff.reset()) => closed?,
        Err(error) = outgoing.write_to(&mut writing, link) => Closed::Failed(error),
    };
    match closed {
        Closed::ByPeer => Err(End::Lost(format!("{host} {port} closed the connection"))),
        Closed::Silent(limit) => Err(End::Lost(format!(
            "no data from {host} {port} for {} s (noDataReceivedTimeout); check the device",
            limit.as_secs_f64()
        ))),
        Closed::Failed(error) => Err(failed(error)),
    }
}

/// How a stream came to its end.
#[derive(Debug)]
pub(super) enum Closed {
    ByPeer,
    /// Nothing came for as long as the settings allow.
    Silent(Duration),
    Failed(io::Error),
}

/// Reads a stream to its end, and publishes what each read brings before the next one. `alive` is called after every read.
pub(super) async fn read_stream(
    stream: &mut (impl AsyncRead + Unpin),
    intake: &mut Intake<'_>,
    link: &Link,
    silence: Option<Duration>,
    mut alive: impl FnMut(),
) -> Result<Closed, End> {
    let mut splitter = intake.splitter();
    let mut buffer = vec![0; READ_BYTES];
    let closed = loop {
        let read = stream.read(&mut buffer);
        let read = match silence {
            None => read.await,
            Some(limit) => match timeout(limit, read).await {
                Ok(read) => read,
                Err(_) => break Closed::Silent(limit),
            },
        };
        match read {
            Ok(0) => break Closed::ByPeer,
            Ok(length) => {
                alive();
                link.counters.add_bytes(length);
                splitter.extend(&buffer[..length]);
                take_lines(&mut splitter, intake, jiff::Timestamp::now());
                intake.publish().await?;
            }
            Err(error) => break Closed::Failed(error),
        }
    };
    splitter.finish();
    while let Some(line) = splitter.next_line() {
        intake.take_unfinished(line, jiff::Timestamp::now());
    }
    intake.publish().await?;
    Ok(closed)
}

/// Lets the system find out when the other side is gone without a word.
pub(crate) fn keep_alive(stream: &TcpStream) {
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10));
    if let Err(error) = SockRef::from(stream).set_tcp_keepalive(&probes) {
        log::debug!("no TCP keep-alive: {error}; a peer that is gone may be noticed late");
    }
}
