//! A client: one WebSocket on `/signalk/v1/stream`.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use actix_http::ws::{Item, ProtocolError};
use actix_web_actors::ws;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::{Value, json};
use socket2::Socket;
use windlass_broker::{
    Broker, Context as SkContext, ContextPattern, Delta, DeltaVersion, Intake, MAX_DELTA_BYTES, Provider, Publish,
    Scope, SubscriptionId, Timestamp, Topic,
};

use super::events::{EventBus, ServerEvent};
use super::hub::{CloseSubscription, Hub, OpenSubscription};
use super::message::{
    ControlMessage, DefaultSubscription, RateControl, SubscribeRow, excerpt, is_unsubscribe_all, read_subscribe,
};
use super::metadata_sent::MetadataSent;
use super::statistics::StreamCounters;
use super::subscription::{End, Subscription};
use crate::data_model::ModelView;

/// Messages that may wait for a client: one batch a subscription is on its way at most, so few.
const MAILBOX: usize = 32;
/// Deltas of a client that are published together.
const BATCH: usize = 128;
/// Most subscribe messages that may be in force on one connection.
const MAX_SUBSCRIPTIONS: usize = 256;
/// Most rows of all of them together.
const MAX_ROWS: usize = 2000;

/// The first frame on every stream (signalk-v1 §5.2).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The server's name.
    pub name: String,
    /// The server's version.
    pub version: String,
    /// `vessels.<id>`.
    #[serde(rename = "self")]
    pub own: String,
    /// Always `["master","main"]`.
    pub roles: [&'static str; 2],
    /// Changes with each start of the server.
    pub server_start_id: String,
}

/// What all clients of a server share.
#[derive(Clone)]
pub struct StreamContext {
    /// Where deltas go.
    pub broker: Addr<Broker>,
    /// The model, for metadata.
    pub view: ModelView,
    /// Server events.
    pub events: EventBus,
    /// Counters.
    pub counters: StreamCounters,
    /// The first frame, without its time.
    pub hello: Arc<Hello>,
    /// Time between two pings; `None` sends none.
    pub ping_interval: Option<Duration>,
}

/// What a client asked for in the query of its address, and how it is connected.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// What to deliver without a subscribe message.
    pub subscribe: DefaultSubscription,
    /// Whether metadata goes before the first value of a path.
    pub send_meta: bool,
    /// Whether the present values are sent first.
    pub send_cached_values: bool,
    /// Whether server events are wanted.
    pub server_events: bool,
    /// The connection's socket, to close it when it is blocked.
    pub socket: Option<Arc<Socket>>,
}

/// One WebSocket.
pub struct Client {
    stream: StreamContext,
    hub: Addr<Hub>,
    options: ClientOptions,
    intake: Intake,
    subscriptions: Vec<(SubscriptionId, Addr<Subscription>)>,
    /// Rows of all subscriptions.
    rows: usize,
    metadata: Option<Rc<RefCell<MetadataSent>>>,
    publishing: Vec<Delta>,
    publish_soon: bool,
    partial: Option<Vec<u8>>,
    pong_due: bool,
    complained: bool,
    /// Dropped with the client.
    held: Option<Box<dyn Any>>,
}

/// Text frames of one of the client's subscriptions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Frames {
    pub(super) subscription: SubscriptionId,
    pub(super) frames: Vec<ByteString>,
}

/// Publish what has been read since the last time.
#[derive(Message)]
#[rtype(result = "()")]
struct PublishPending;

impl Client {
    /// A client of the given identity: provider id and `$source` of last resort of what it sends (signalk-v1 §5.7).
    pub fn new(stream: StreamContext, hub: Addr<Hub>, options: ClientOptions, provider: Provider) -> Self {
        let own: SkContext = stream.view.identity().context().clone();
        let intake = Intake { self_context: own, provider, override_timestamps: false };
        let metadata = options.send_meta.then(|| Rc::new(RefCell::new(MetadataSent::new(stream.view.clone()))));
        Self {
            stream,
            hub,
            options,
            intake,
            subscriptions: Vec::new(),
            rows: 0,
            metadata,
            publishing: Vec::new(),
            publish_soon: false,
            partial: None,
            pong_due: false,
            complained: false,
            held: None,
        }
    }

    /// Lets the client hold something until it has gone, such as its place among the connections of its address.
    pub fn holding(mut self, guard: impl Any) -> Self {
        self.held = Some(Box::new(guard));
        self
    }

    fn say_hello(&self, ctx: &mut ws::WebsocketContext<Self>) {
        let mut hello = json!(*self.stream.hello);
        hello["timestamp"] = Timestamp::now().to_string().into();
        ctx.text(hello.to_string());
    }

    fn open_default_subscription(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let context = match self.options.subscribe {
            DefaultSubscription::None => return,
            DefaultSubscription::Own => ContextPattern::Exact(self.intake.self_context.clone()),
            DefaultSubscription::All => ContextPattern::all(),
        };
        let row = SubscribeRow { topic: Topic { context, scope: Scope::Whole }, rate: RateControl::Instant };
        self.open(vec![row], self.options.send_cached_values, ctx);
    }

    fn open(&mut self, rows: Vec<SubscribeRow>, cached: bool, ctx: &mut ws::WebsocketContext<Self>) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = SubscriptionId(NEXT.fetch_add(1, Ordering::Relaxed));
        self.rows += rows.len();
        let rates = rows.iter().map(|row| row.rate);
        let (metadata, counters) = (self.metadata.clone(), self.stream.counters.clone());
        let subscription =
            Subscription::new(id, ctx.address(), rates, metadata, counters, self.options.socket.clone()).start();
        let rows = rows.into_iter().map(|row| row.topic).collect();
        self.subscriptions.push((id, subscription.clone()));
        let open = OpenSubscription { subscription: id, address: subscription, rows, cached };
        self.tell_hub(open, ctx);
    }

    fn close_all(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.rows = 0;
        for (id, subscription) in std::mem::take(&mut self.subscriptions) {
            if let Err(SendError::Full(end)) = subscription.try_send(End) {
                drop(actix::spawn(subscription.send(end)));
            }
            self.tell_hub(CloseSubscription(id), ctx);
        }
        if let Some(metadata) = &self.metadata {
            metadata.borrow_mut().forget();
        }
    }

    fn tell_hub<M>(&self, message: M, ctx: &mut ws::WebsocketContext<Self>)
    where
        M: Message<Result = ()> + Send + 'static,
        Hub: Handler<M>,
    {
        match self.hub.try_send(message) {
            Ok(()) => {}
            Err(SendError::Full(message)) => {
                // From a task of its own, so that it arrives also when the client goes meanwhile.
                drop(actix::spawn(self.hub.send(message)));
            }
            Err(SendError::Closed(_)) => {
                log::error!("this worker's hub has stopped; the client is closed so that it connects anew");
                ctx.stop();
            }
        }
    }

    fn read(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        // Text is looked at for its keys before it is parsed, so that a delta is parsed once.
        let has = |key: &str| text.contains(key);
        if has("\"updates\"") {
            self.take_delta(text, ctx);
        }
        if has("\"subscribe\"") || has("\"unsubscribe\"") || has("\"put\"") {
            match serde_json::from_str::<ControlMessage<'_>>(text) {
                Ok(message) => self.control(&message, ctx),
                Err(error) => self.complain(format_args!("message not understood: {error}"), text),
            }
        } else if !has("\"updates\"") && serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            self.complain(format_args!("message that is not JSON ignored"), text);
        }
    }

    fn take_delta(&mut self, text: &str, ctx: &mut ws::WebsocketContext<Self>) {
        let taken = self.intake.take(text, DeltaVersion::V1);
        for problem in &taken.problems {
            self.complain(format_args!("{problem}"), text);
        }
        let Some(delta) = taken.delta else { return };
        self.publishing.push(delta);
        if self.publishing.len() >= BATCH {
            self.publish(ctx);
        } else if !self.publish_soon {
            // Everything that is read in this wake-up is published together.
            self.publish_soon = ctx.address().try_send(PublishPending).is_ok();
            if !self.publish_soon {
                self.publish(ctx);
            }
        }
    }

    fn publish(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        if self.publishing.is_empty() {
            return;
        }
        let deltas = std::mem::take(&mut self.publishing);
        match self.stream.broker.try_send(Publish { provider: self.intake.provider.id.clone(), deltas }) {
            Ok(()) => {}
            Err(SendError::Full(message)) => {
                // Nothing more is read from this socket until the broker has room: that pushes back to the sender.
                // It is sent from a task of its own, so that it arrives also when the client goes meanwhile.
                let published = actix::spawn(self.stream.broker.send(message));
                ctx.wait(actix::fut::wrap_future::<_, Self>(published).map(|_, _, _| ()));
            }
            Err(SendError::Closed(_)) => ctx.stop(),
        }
    }

    fn control(&mut self, message: &ControlMessage<'_>, ctx: &mut ws::WebsocketContext<Self>) {
        if let Some(rows) = message.subscribe {
            let subscribed = read_subscribe(message.context.as_ref(), rows, &self.intake.self_context);
            for reply in subscribed.replies {
                ctx.text(Value::from(reply).to_string());
            }
            if !subscribed.rows.is_empty() {
                let rows = self.rows + subscribed.rows.len();
                if self.subscriptions.len() < MAX_SUBSCRIPTIONS && rows <= MAX_ROWS {
                    self.open(subscribed.rows, true, ctx);
                } else {
                    let reply = format!(
                        "more than {MAX_SUBSCRIPTIONS} subscriptions or {MAX_ROWS} rows on one connection; unsubscribe first"
                    );
                    ctx.text(Value::from(reply).to_string());
                }
            }
        }
        if let Some(rows) = message.unsubscribe {
            if is_unsubscribe_all(message.context.as_ref(), rows) {
                self.close_all(ctx);
            } else {
                let given = excerpt(&serde_json::from_str(rows.get()).unwrap_or(Value::Null));
                let supported = r#"{"context":"*","unsubscribe":[{"path":"*"}]}"#;
                ctx.text(Value::from(format!("Only '{supported}' supported, received {given}")).to_string());
            }
        }
        if let Some(put) = &message.put {
            let path = put.get("path").and_then(Value::as_str).unwrap_or_default();
            let answer = json!({"requestId": message.request_id, "state": "COMPLETED", "statusCode": 405,
                "message": format!("PUT not supported for {path}")});
            ctx.text(answer.to_string());
        }
    }

    /// Counts a message that could not be used; the first of a connection is logged as a warning, the others for debugging.
    fn complain(&mut self, problem: std::fmt::Arguments<'_>, text: &str) {
        self.stream.counters.bad_message();
        let level = if self.complained { log::Level::Debug } else { log::Level::Warn };
        self.complained = true;
        let start: String = text.chars().take(120).collect();
        let provider = &self.intake.provider.id;
        log::log!(
            level,
            "{provider}: {problem}; the message begins {start:?} (further ones of this client are logged at debug)"
        );
    }

    fn fragment(&mut self, item: Item, ctx: &mut ws::WebsocketContext<Self>) {
        let (bytes, last) = match item {
            Item::FirstText(bytes) | Item::FirstBinary(bytes) => {
                self.partial = Some(Vec::new());
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(partial) = &mut self.partial else { return };
        partial.extend_from_slice(&bytes);
        if partial.len() > 4 * MAX_DELTA_BYTES {
            self.partial = None;
            self.complain(format_args!("message of more than {} bytes ignored", 4 * MAX_DELTA_BYTES), "");
        } else if last && let Some(whole) = self.partial.take() {
            self.read_bytes(&whole, ctx);
        }
    }

    fn read_bytes(&mut self, bytes: &[u8], ctx: &mut ws::WebsocketContext<Self>) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.read(text, ctx),
            Err(error) => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
                self.complain(format_args!("message that is not UTF-8 ({error}) ignored"), &start);
            }
        }
    }

    fn heartbeat(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let Some(interval) = self.stream.ping_interval else { return };
        ctx.run_interval(interval, |client, ctx| {
            if client.pong_due {
                log::info!("a stream client has not answered a ping; closing its connection");
                return ctx.stop();
            }
            client.pong_due = true;
            ctx.ping(b"");
        });
    }
}

impl Actor for Client {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.stream.counters.client_came();
        self.say_hello(ctx);
        if self.options.server_events {
            for event in self.stream.events.listen(ctx.address().recipient()) {
                ctx.text(event);
            }
        }
        self.open_default_subscription(ctx);
        self.heartbeat(ctx);
    }

    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        self.publish(ctx);
        Running::Stop
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.stream.counters.client_went();
        self.held = None;
        // The context polls no more, so what has to be said is said from a task of its own.
        let (hub, subscriptions) = (self.hub.clone(), std::mem::take(&mut self.subscriptions));
        actix::spawn(async move {
            for (id, subscription) in subscriptions {
                // Either may have ended before: then there is nothing to end.
                let _ = subscription.send(End).await;
                let _ = hub.send(CloseSubscription(id)).await;
            }
        });
    }
}

impl Handler<Frames> for Client {
    type Result = ();

    fn handle(&mut self, message: Frames, ctx: &mut Self::Context) {
        // Frames of a subscription that has just been closed are not delivered any more.
        if self.subscriptions.iter().any(|(id, _)| *id == message.subscription) {
            self.stream.counters.sent(message.frames.len());
            for frame in message.frames {
                ctx.text(frame);
            }
        }
    }
}

impl Handler<ServerEvent> for Client {
    type Result = ();

    fn handle(&mut self, ServerEvent(text): ServerEvent, ctx: &mut Self::Context) {
        ctx.text(text);
    }
}

impl Handler<End> for Client {
    type Result = ();

    fn handle(&mut self, _: End, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<PublishPending> for Client {
    type Result = ();

    fn handle(&mut self, _: PublishPending, ctx: &mut Self::Context) {
        self.publish_soon = false;
        self.publish(ctx);
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for Client {
    fn handle(&mut self, message: Result<ws::Message, ProtocolError>, ctx: &mut Self::Context) {
        match message {
            Ok(ws::Message::Text(text)) => self.read(&text, ctx),
            Ok(ws::Message::Binary(bytes)) => self.read_bytes(&bytes, ctx),
            Ok(ws::Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(ws::Message::Ping(payload)) => ctx.pong(&payload),
            Ok(ws::Message::Pong(_)) => self.pong_due = false,
            Ok(ws::Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(ws::Message::Nop) => {}
            Err(error) => {
                self.complain(format_args!("WebSocket protocol violated ({error}); the connection is closed"), "");
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

/// Ends a connection at once, whatever is still to be read or written on it.
pub(crate) fn shut_down(socket: &Socket) {
    if let Err(error) = socket.shutdown(std::net::Shutdown::Both) {
        log::debug!("the socket was already closed: {error}");
    }
}
