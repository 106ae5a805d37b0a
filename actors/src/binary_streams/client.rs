//! A client: one WebSocket that gets the frames of a stream.

use std::any::Any;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use actix::fut::wrap_stream;
use actix::prelude::*;
use actix_http::ws::ProtocolError;
use actix_web_actors::ws;
use socket2::Socket;
use windlass_broker::Origin;
use windlass_broker::observe::{ActorKind, Observatory, Observed};

use super::queue::{Frames, QueueItem, StreamEnd};
use super::viewer::Viewer;
use crate::stream::{PingInterval, shut_down};

/// How long a client may take to read what is left and to answer the close.
const CLOSING: Duration = Duration::from_secs(30);
/// Time between two looks at the rights of a client of a stream that is silent.
const RECHECK: Duration = Duration::from_secs(1);

/// How a client is connected.
#[derive(Debug, Default)]
pub struct StreamClientOptions {
    /// Time between two pings.
    pub ping_interval: PingInterval,
    /// The connection's socket, to close it when it is blocked.
    pub socket: Option<Arc<Socket>>,
    /// Where the client is seen.
    pub observatory: Observatory,
}

/// One WebSocket. What it sends is ignored.
pub struct StreamClient {
    /// Until the actor starts.
    frames: Option<Frames>,
    viewer: Viewer,
    options: StreamClientOptions,
    pong_due: bool,
    pings: Option<SpawnHandle>,
    /// The close has been sent; its answer is all that is waited for.
    closing: bool,
    observed: Observed,
    /// Dropped with the client.
    held: Option<Box<dyn Any>>,
}

impl StreamClient {
    /// A client of a stream, see [`BinaryStreams::subscribe`](super::BinaryStreams::subscribe), for as long as its `viewer` may see it. It holds something until it has gone,
    /// such as its place among the connections of its address.
    pub fn new(frames: Frames, viewer: Viewer, options: StreamClientOptions, held: impl Any) -> Self {
        let observed = options.observatory.observe(ActorKind::BinaryClient, &Origin::unique().to_string());
        let held: Option<Box<dyn Any>> = Some(Box::new(held));
        Self { frames: Some(frames), viewer, options, pong_due: false, pings: None, closing: false, observed, held }
    }

    /// Whether the client may go on seeing the stream. If not, its connection is closed.
    fn may_stay(&mut self, ctx: &mut ws::WebsocketContext<Self>) -> bool {
        if self.closing {
            return false;
        }
        if self.viewer.may_stay(SystemTime::now()) {
            return true;
        }
        self.closing = true;
        let description = Some("Connection disconnected by security constraint".to_owned());
        ctx.close(Some(ws::CloseReason { code: ws::CloseCode::Policy, description }));
        // Not by the actor: that of a blocked connection is not run.
        if let Some(socket) = self.options.socket.as_ref().map(Arc::downgrade) {
            actix::spawn(async move {
                tokio::time::sleep(CLOSING).await;
                if let Some(socket) = socket.upgrade() {
                    shut_down(&socket);
                }
            });
        }
        false
    }

    /// Pings again and again, and begins anew when another interval is set.
    fn heartbeat(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.ping(ctx);
        let changes = wrap_stream::<_, Self>(self.options.ping_interval.changes());
        let begin_anew = changes.map(|(), client, ctx: &mut ws::WebsocketContext<Self>| {
            if let Some(pings) = client.pings.take() {
                ctx.cancel_future(pings);
            }
            client.pong_due = false;
            client.ping(ctx);
        });
        ctx.spawn(begin_anew.finish());
    }

    fn ping(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let Some(interval) = self.options.ping_interval.get() else { return };
        let pings = ctx.run_interval(interval, |client, ctx| {
            if client.closing {
                return;
            }
            if client.pong_due {
                log::info!("a client of a binary stream has not answered a ping; closing its connection");
                return ctx.stop();
            }
            client.pong_due = true;
            ctx.ping(b"");
        });
        self.pings = Some(pings);
    }
}

/// Cuts a connection whose client does not read to the end after its stream has ended. From a task of its own, because a blocked
/// connection's actor is not run.
async fn cut_off(ended: tokio::sync::oneshot::Receiver<StreamEnd>, socket: Weak<Socket>) {
    // An error says that the client went first.
    if ended.await.is_ok() {
        tokio::time::sleep(CLOSING).await;
        if let Some(socket) = socket.upgrade() {
            shut_down(&socket);
        }
    }
}

impl Actor for StreamClient {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(mut frames) = self.frames.take() {
            if let (Some(ended), Some(socket)) = (frames.take_ended(), &self.options.socket) {
                actix::spawn(cut_off(ended, Arc::downgrade(socket)));
            }
            ctx.add_stream(frames);
        }
        self.heartbeat(ctx);
        ctx.run_interval(RECHECK, |client, ctx| {
            client.may_stay(ctx);
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.held = None;
    }
}

impl StreamHandler<QueueItem> for StreamClient {
    fn handle(&mut self, item: QueueItem, ctx: &mut Self::Context) {
        match item {
            QueueItem::Frame(_) if !self.may_stay(ctx) => {}
            QueueItem::Frame(frame) => {
                self.observed.count(1, 0);
                ctx.binary(frame);
            }
            QueueItem::End(_) if self.closing => {}
            QueueItem::End(end) => {
                self.closing = true;
                ctx.close(Some(reason(end)));
            }
        }
    }

    /// The end has been said; the client's answer ends the connection.
    fn finished(&mut self, _: &mut Self::Context) {}
}

fn reason(end: StreamEnd) -> ws::CloseReason {
    let (code, description) = match end {
        StreamEnd::TooSlow => (ws::CloseCode::Policy, "Client cannot keep up with data rate"),
        StreamEnd::Ended => (ws::CloseCode::Away, "Stream ended"),
    };
    ws::CloseReason { code, description: Some(description.to_owned()) }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for StreamClient {
    fn handle(&mut self, message: Result<ws::Message, ProtocolError>, ctx: &mut Self::Context) {
        match message {
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Pong(_)) => self.pong_due = false,
            Ok(ws::Message::Close(reason)) => {
                if !self.closing {
                    ctx.close(reason);
                }
                ctx.stop();
            }
            // Streams go one way.
            Ok(ws::Message::Text(_) | ws::Message::Binary(_) | ws::Message::Continuation(_) | ws::Message::Nop) => {}
            Err(error) => {
                log::info!("a client of a binary stream violates the WebSocket protocol ({error}); it is disconnected");
                // The HTTP layer would go on reading what such a client sends.
                if let Some(socket) = &self.options.socket {
                    shut_down(socket);
                }
                ctx.stop();
            }
        }
    }

    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.stop();
    }
}
