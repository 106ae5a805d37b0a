//! The Signal K stream as lines of JSON over TCP (signalk-v1 §13.1).
//!
//! Behind the lines is the same [`Client`] as behind a WebSocket, with all that it promises: it is fed with the frames that a WebSocket
//! would have brought, and the frames that it gives are unwrapped. As long as the socket takes nothing the client is not polled, which
//! is how it learns that its reader is slow.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use actix::Addr;
use actix_codec::{Decoder, Encoder};
use actix_http::ws::{Codec, Frame, Message};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use actix_web_actors::ws::WebsocketContext;
use bytestring::ByteString;
use futures_util::stream::{Stream, StreamExt, unfold};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use windlass_broker::{MAX_DELTA_BYTES, Provider};
use windlass_security::Mode;

use super::statistics::OutputCounters;
use crate::connections::LineSplitter;
use crate::stream::{Client, ClientOptions, DefaultSubscription, Hub, PingInterval, StreamContext};

/// In whose name clients send updates (signalk-v1 §13.1).
const PROVIDER: &str = "tcp";
/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1024;
/// Largest frame from the client, which is larger than any line, and from the server.
const MAX_FRAME: usize = 64 * 1024 * 1024;

/// Serves one client until it leaves: hello, and then what it subscribes to.
pub async fn serve_lines(
    stream: TcpStream,
    peer: SocketAddr,
    context: StreamContext,
    hub: Addr<Hub>,
    counters: OutputCounters,
) {
    let client = match client(&stream, peer, context, hub) {
        Ok(client) => client,
        Err(problem) => return log::warn!("{peer} can't be served with the Signal K stream: {problem}"),
    };
    let (reading, mut writing) = stream.into_split();
    let codec = || Codec::new().max_size(MAX_FRAME);
    let frames = WebsocketContext::with_codec(client, frames_of(reading, counters.clone()), codec());
    let mut frames = pin!(frames);
    let (mut codec, mut buffer, mut lines) = (codec().client_mode(), BytesMut::new(), Vec::new());
    while let Some(Ok(bytes)) = frames.next().await {
        buffer.extend_from_slice(&bytes);
        lines.clear();
        let mut count = 0;
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(Frame::Text(text))) => {
                    lines.extend_from_slice(&text);
                    lines.extend_from_slice(b"\r\n");
                    count += 1;
                }
                // Pings and the like mean nothing to a reader of lines.
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => return log::error!("{peer}: the stream can't be written as lines: {error}"),
            }
        }
        if writing.write_all(&lines).await.is_err() {
            return;
        }
        counters.add_sent(count);
    }
}

fn client(stream: &TcpStream, peer: SocketAddr, context: StreamContext, hub: Addr<Hub>) -> Result<Client, String> {
    let session = context.security.authenticate(None, SystemTime::now()).map_err(|error| error.to_string())?;
    let options = ClientOptions {
        subscribe: DefaultSubscription::None,
        send_cached_values: true,
        // Updates are taken only while everybody may do everything.
        only_reads: context.security.mode() != Mode::Open,
        socket: SockRef::from(stream).try_clone().ok().map(Arc::new),
        ..ClientOptions::default()
    };
    // A reader of lines can't answer a ping; that it has gone is found out by the system.
    let context = StreamContext { ping_interval: PingInterval::never(), ..context };
    let client = Client::new(context, hub, options, session, peer.ip()).map_err(|error| error.to_string())?;
    Ok(client.publishing_as(Provider::new(PROVIDER).map_err(|error| error.to_string())?))
}

/// The lines of a client as the frames of a WebSocket client.
fn frames_of(
    stream: OwnedReadHalf,
    counters: OutputCounters,
) -> impl Stream<Item = Result<Bytes, PayloadError>> + 'static {
    let splitter = LineSplitter::with_limit(MAX_DELTA_BYTES);
    unfold((stream, splitter, counters), |(mut stream, mut splitter, counters)| async move {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let Ok(length @ 1..) = stream.read(&mut buffer).await else { return None };
            splitter.extend(&buffer[..length]);
            let frames = wrapped(&mut splitter, &counters);
            if !frames.is_empty() {
                return Some((Ok(frames.freeze()), (stream, splitter, counters)));
            }
        }
    })
}

fn wrapped(splitter: &mut LineSplitter, counters: &OutputCounters) -> BytesMut {
    let (mut codec, mut frames) = (Codec::new().client_mode(), BytesMut::new());
    while let Some(line) = splitter.next_line() {
        counters.add_received();
        let text = line.ok().and_then(|line| std::str::from_utf8(line).ok()).map(str::trim);
        let Some(text) = text else {
            counters.add_ignored();
            continue;
        };
        // Blank lines keep some connections alive.
        if !text.is_empty() && codec.encode(Message::Text(ByteString::from(text)), &mut frames).is_err() {
            counters.add_ignored();
        }
    }
    frames
}
