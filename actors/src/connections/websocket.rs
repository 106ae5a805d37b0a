//! The stream of another Signal K server.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use windlass_broker::MAX_DELTA_BYTES;

use super::backoff::Backoff;
use super::delta_intake::DeltaIntake;
use super::link::{End, Link};
use super::plan::Remote;
use super::tcp_client::keep_alive;
use crate::discovery::{FoundServer, find_servers};

/// For the TCP connection, TLS and the handshake together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// For each address of a server that was found on the network.
const REACH_TIMEOUT: Duration = Duration::from_secs(3);
/// How long to look for servers.
const SEARCH: Duration = Duration::from_secs(4);
/// Deltas that go into one batch when so many have come.
const BATCH: usize = 128;
/// How often the other side is asked whether it is there.
const PING: Duration = Duration::from_secs(20);

/// Connects, subscribes and reads until the connection is lost.
pub(super) async fn run(remote: &Remote, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    if remote.discover {
        link.busy("Looking for a Signal K server on the network");
        let found = find_servers(SEARCH, link.reach).await.map_err(|error| End::Lost(error.to_string()))?;
        return connect_to_any(&candidates(remote, found), link, backoff).await;
    }
    let stream = reach(remote, CONNECT_TIMEOUT).await?;
    talk(stream, remote, link, backoff).await
}

/// Where servers were found, all addresses of all of them; this one is none.
pub(super) fn candidates(remote: &Remote, found: Vec<FoundServer>) -> Vec<Remote> {
    let others = found.into_iter().filter(|server| server.secure == remote.secure && !server.here);
    let addresses = others.flat_map(|server| server.addresses.into_iter().map(move |address| (address, server.port)));
    addresses.map(|(address, port)| Remote { host: address.to_string(), port, ..remote.clone() }).collect()
}

/// Follows the first one that can be reached.
pub(super) async fn connect_to_any(
    candidates: &[Remote],
    link: &Link,
    backoff: &mut Backoff,
) -> Result<Infallible, End> {
    let mut last = End::Lost(
        "no other Signal K server announces itself on the network; check that it runs and has mdns on, or set `host` and \
         `port` instead of `useDiscovery`"
            .to_owned(),
    );
    for remote in candidates {
        match reach(remote, REACH_TIMEOUT).await {
            Ok(stream) => return talk(stream, remote, link, backoff).await,
            Err(end) => last = end,
        }
    }
    Err(last)
}

async fn reach(remote: &Remote, patience: Duration) -> Result<TcpStream, End> {
    let (host, port) = (&remote.host, remote.port);
    let stream =
        timeout(patience, TcpStream::connect((host.as_str(), port))).await.map_err(|_| late(remote, patience))?;
    stream.map_err(|error| {
        End::Lost(format!("can't connect to {host} {port}: {error}; check host and port, and that the server runs"))
    })
}

fn late(Remote { host, port, .. }: &Remote, patience: Duration) -> End {
    End::Lost(format!("{host} {port} did not answer for {} s; check that the server runs", patience.as_secs()))
}

async fn talk(stream: TcpStream, remote: &Remote, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    let (host, port) = (&remote.host, remote.port);
    keep_alive(&stream);
    if !remote.secure {
        return follow(stream, remote, link, backoff).await;
    }
    let name = ServerName::try_from(host.clone())
        .map_err(|_| End::Lost(format!("`host` is {host:?}, which is no name that TLS knows")))?;
    let tls = TlsConnector::from(remote.trust.config().map_err(End::Lost)?).connect(name, stream);
    let stream = timeout(CONNECT_TIMEOUT, tls).await.map_err(|_| late(remote, CONNECT_TIMEOUT))?.map_err(|error| {
        let advice = remote.trust.advice();
        End::Lost(format!("{host} {port} has no certificate that can be trusted: {error}; {advice}"))
    })?;
    follow(stream, remote, link, backoff).await
}

async fn follow(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    remote: &Remote,
    link: &Link,
    backoff: &mut Backoff,
) -> Result<Infallible, End> {
    let (host, port) = (&remote.host, remote.port);
    let token = remote.token_to_give();
    let withheld = if remote.token.is_some() && token.is_none() {
        "; the `token` is not given to whoever is found on the network: set `host` and `port` instead of `useDiscovery`"
    } else {
        ""
    };
    let lost = |error: Error| End::Lost(format!("the connection to {host} {port} failed: {error}"));
    let refused = |error: Error| match &error {
        Error::Http(answer) if [401, 403].contains(&answer.status().as_u16()) => End::Lost(format!(
            "{host} {port} does not let us in: set a valid `token`, or ask for one with an access request{withheld}"
        )),
        _ => End::Lost(format!(
            "{host} {port} is no Signal K server with a stream: {error}; check host, port and whether it wants wss"
        )),
    };
    let mut request = remote.url().into_client_request().map_err(refused)?;
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| End::Lost("`token` has characters that no token has".to_owned()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let limits =
        WebSocketConfig::default().max_message_size(Some(MAX_DELTA_BYTES)).max_frame_size(Some(MAX_DELTA_BYTES));
    let handshake = client_async_with_config(request, stream, Some(limits));
    let answered = timeout(CONNECT_TIMEOUT, handshake).await;
    let answered = answered.map_err(|_| End::Lost(format!("{host} {port} did not answer the handshake")))?;
    let (mut socket, _) = answered.map_err(refused)?;
    for subscription in &remote.subscriptions {
        socket.send(Message::text(subscription.clone())).await.map_err(lost)?;
    }
    let _peer = link.counters.peer();
    link.status(&format!("Connected to {host} {port}{withheld}"));
    log::info!("connection {}: connected to {host} {port}{withheld}", link.id());
    let mut intake = DeltaIntake::new(link).handling_self(remote.own_self.clone());
    let mut pings = tokio::time::interval(PING);
    let silence = remote.silence.unwrap_or(Duration::MAX);
    let mut heard = tokio::time::Instant::now();
    loop {
        let mut message = tokio::select! {
            message = socket.next() => message,
            _ = pings.tick() => {
                if heard.elapsed() > silence {
                    return Err(End::Lost(format!(
                        "nothing from {host} {port} for {} s (noDataReceivedTimeout), not even answers to pings",
                        silence.as_secs_f64()
                    )));
                }
                socket.send(Message::Ping(Vec::new().into())).await.map_err(lost)?;
                continue;
            }
        };
        let now = jiff::Timestamp::now();
        for taken in 1.. {
            match message {
                None | Some(Ok(Message::Close(_))) => {
                    intake.publish().await?;
                    return Err(End::Lost(format!("{host} {port} closed the connection")));
                }
                Some(Err(error)) => {
                    intake.publish().await?;
                    return Err(lost(error));
                }
                Some(Ok(Message::Text(text))) => {
                    link.counters.add_bytes(text.len());
                    intake.take(Ok(text.as_bytes()), now);
                    backoff.reset();
                }
                Some(Ok(Message::Binary(bytes))) => {
                    link.counters.add_bytes(bytes.len());
                    intake.take(Ok(&bytes), now);
                }
                Some(Ok(_)) => {}
            }
            heard = tokio::time::Instant::now();
            if taken >= BATCH {
                break;
            }
            // What has come already goes along; nothing is waited for.
            match futures_util::FutureExt::now_or_never(socket.next()) {
                Some(next) => message = next,
                None => break,
            }
        }
        intake.publish().await?;
    }
}
