//! A client: one WebSocket on `/signalk/v1/stream`.
//!
//! Here is what its connection does as a whole; `incoming` reads what the client says, `control` opens and closes subscriptions, `requests`
//! answers PUT, DELETE and queries, and `session` knows who the client is and what it may do at this moment.

mod control;
mod incoming;
mod requests;
mod session;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix::fut::wrap_stream;
use actix::prelude::*;
use actix_http::ws::{CloseCode, ProtocolError};
use actix_web_actors::ws;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::json;
use socket2::Socket;
use tokio::sync::OwnedSemaphorePermit;
use windlass_broker::observe::{ActorId, ActorKind, Flow, Observatory, Observed, QueueUnit};
use windlass_broker::{
    Broker, Context as SkContext, Delta, Intake, NameError, Origin, Provider, SourcePolicy, SubscriptionId, Timestamp,
};
use windlass_security::{RateLimit, Security, Session};

use self::control::Opened;
use super::backlog::{Backlog, SlowClientLimits};
use super::events::{EventBus, ServerEvent};
use super::hub::{CloseSubscription, Hub};
use super::message::{DefaultSubscription, SubscribeRow, ValueFilter};
use super::metadata_sent::MetadataSent;
use super::pings::PingInterval;
use super::rate::Kept;
use super::rights::Rights;
use super::server_log::ServerLog;
use super::statistics::StreamCounters;
use super::subscription::{Connection, End};
use crate::StatusBoard;
use crate::access_desk::AccessDesk;
use crate::data_model::ModelView;
use crate::put::{FeederSeat, PutHandlers};

/// Messages that may wait for a client: one batch a subscription is on its way at most, so few.
const MAILBOX: usize = 32;
/// Provider id of clients without a name.
const PROVIDER: &str = "ws";

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
    /// Who may do what.
    pub security: Security,
    /// Where clients ask for access.
    pub access: AccessDesk,
    /// How often an address may ask, by stream and HTTP together.
    pub access_limit: Arc<RateLimit>,
    /// Where PUT requests go.
    pub puts: PutHandlers,
    /// Server events.
    pub events: EventBus,
    /// The server's log, for admins who watch it.
    pub log: ServerLog,
    /// Where it is said that a client may not do what it tries.
    pub status: StatusBoard,
    /// Counters.
    pub counters: StreamCounters,
    /// Where the clients are seen.
    pub observatory: Observatory,
    /// The first frame, without its time.
    pub hello: Arc<Hello>,
    /// Time between two pings.
    pub ping_interval: PingInterval,
    /// When a client counts as slow.
    pub slow: SlowClientLimits,
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
    /// Whose values are wanted, if a subscribe message does not say.
    pub sources: SourcePolicy,
    /// Whether it may not change anything, whoever it is: the page that connects is of another origin, and the server open.
    pub only_reads: bool,
    /// The connection's socket, to close it when it is blocked.
    pub socket: Option<Arc<Socket>>,
}

/// One WebSocket.
pub struct Client {
    stream: StreamContext,
    hub: Addr<Hub>,
    options: ClientOptions,
    address: IpAddr,
    intake: Intake,
    rights: Rc<Rights>,
    /// What it publishes does not come back to it.
    origin: Origin,
    subscriptions: Vec<Opened>,
    /// What it has subscribed to before it may read.
    deferred: Vec<(Vec<SubscribeRow>, ValueFilter)>,
    /// Rows of all subscriptions.
    rows: usize,
    metadata: Option<Rc<RefCell<MetadataSent>>>,
    backlog: Rc<Backlog>,
    kept: Kept,
    /// Its place among those who carry out PUT requests; taken with the first value that it sends.
    seat: Option<FeederSeat>,
    /// PUT requests that have no answer yet.
    under_way: Rc<Cell<usize>>,
    asking_for_access: bool,
    publishing: Vec<Delta>,
    publish_soon: bool,
    partial: Option<Vec<u8>>,
    pong_due: bool,
    next_ping: Option<SpawnHandle>,
    complained: bool,
    observed: Observed,
    to_broker: Flow,
    /// Dropped with the client.
    held: Option<Box<dyn Any>>,
}

/// Text frames of one of the client's subscriptions.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Frames {
    pub(super) subscription: SubscriptionId,
    pub(super) frames: Vec<ByteString>,
    /// Given back when the client has taken the frames.
    pub(super) room: OwnedSemaphorePermit,
}

/// A subscription has found that the client may not read any more.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct RightsChanged;

/// The client is too slow: it is told so, and that is the end.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Terminate;

impl Client {
    /// A client at an address, of whom the handshake has found out who it is. Its name is part of the provider id, which is also the
    /// `$source` of last resort of what it sends (signalk-v1 §5.7).
    ///
    /// # Errors
    /// There are too many names.
    pub fn new(
        stream: StreamContext,
        hub: Addr<Hub>,
        options: ClientOptions,
        session: Session,
        address: IpAddr,
    ) -> Result<Self, NameError> {
        let own: SkContext = stream.view.identity().context().clone();
        let provider = session::provider_of(session.principal())?;
        let intake = Intake { self_context: own.clone(), provider: provider.clone(), override_timestamps: false };
        let metadata = options.send_meta.then(|| Rc::new(RefCell::new(MetadataSent::new(stream.view.clone()))));
        let rights = Rc::new(Rights::new(stream.security.clone(), own, session, options.only_reads));
        let backlog = Rc::new(Backlog::new(stream.slow));
        let origin = Origin::unique();
        let observed = stream.observatory.observe(ActorKind::Client, &origin.to_string());
        observed.label(&format!("{} at {address}", provider.id));
        observed.queue().holds(QueueUnit::Bytes, stream.slow.enter as u64);
        let to_broker = observed.flow_to(&ActorId::broker());
        Ok(Self {
            stream,
            hub,
            options,
            address,
            intake,
            rights,
            origin,
            subscriptions: Vec::new(),
            deferred: Vec::new(),
            rows: 0,
            metadata,
            backlog,
            kept: Kept::default(),
            seat: None,
            under_way: Rc::default(),
            asking_for_access: false,
            publishing: Vec::new(),
            publish_soon: false,
            partial: None,
            pong_due: false,
            next_ping: None,
            complained: false,
            observed,
            to_broker,
            held: None,
        })
    }

    /// Lets the client hold something until it has gone, such as its place among the connections of its address.
    pub fn holding(mut self, guard: impl Any) -> Self {
        self.held = Some(Box::new(guard));
        self
    }

    /// Lets what the client sends come from this provider, instead of one that is named after the client.
    pub fn publishing_as(mut self, provider: Provider) -> Self {
        self.observed.label(&format!("{} at {}", provider.id, self.address));
        self.intake.provider = provider;
        self
    }

    fn connection(&self, ctx: &mut ws::WebsocketContext<Self>) -> Connection {
        Connection {
            client: ctx.address(),
            rights: self.rights.clone(),
            backlog: self.backlog.clone(),
            kept: self.kept.clone(),
            metadata: self.metadata.clone(),
            view: self.stream.view.clone(),
            counters: self.stream.counters.clone(),
            observed: self.observed.clone(),
            socket: self.options.socket.clone(),
        }
    }

    fn say_hello(&self, ctx: &mut ws::WebsocketContext<Self>) {
        let mut hello = json!(*self.stream.hello);
        hello["timestamp"] = Timestamp::now().to_string().into();
        ctx.text(hello.to_string());
    }

    /// Tells the client why its connection ends, and ends it.
    fn expel(&mut self, message: &str, ctx: &mut ws::WebsocketContext<Self>) {
        ctx.text(json!({"errorMessage": message}).to_string());
        ctx.close(Some((CloseCode::Policy, message.to_owned()).into()));
        ctx.stop();
    }

    /// Pings again and again, and begins anew when another interval is set.
    fn heartbeat(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        // Looked out for before it is read: a change in between is none that is missed.
        let changes = wrap_stream::<_, Self>(self.stream.ping_interval.changes());
        self.ping_later(ctx);
        let begin_anew = changes.map(|(), client, ctx: &mut ws::WebsocketContext<Self>| {
            if let Some(next) = client.next_ping.take() {
                ctx.cancel_future(next);
            }
            client.pong_due = false;
            client.ping_later(ctx);
        });
        ctx.spawn(begin_anew.finish());
    }

    fn ping_later(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        let Some(interval) = self.stream.ping_interval.get() else { return };
        let due = actix::clock::Instant::now() + interval;
        let next = ctx.run_later(interval, move |client, ctx| {
            // A client that could not be served for so long has not been heard either: its answer may be what comes next.
            let is_late = actix::clock::Instant::now() > due + interval / 2;
            if client.pong_due && !is_late {
                log::info!("a stream client has not answered a ping; closing its connection");
                return ctx.stop();
            }
            if !client.pong_due {
                client.pong_due = true;
                ctx.ping(b"");
            }
            client.ping_later(ctx);
        });
        self.next_ping = Some(next);
    }
}

impl Actor for Client {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.stream.counters.client_came();
        self.say_hello(ctx);
        self.listen_to_events(ctx);
        self.open_default_subscription(ctx);
        self.heartbeat(ctx);
        self.recheck_now_and_then(ctx);
    }

    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        self.publish(ctx);
        Running::Stop
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.stream.counters.client_went();
        self.held = None;
        self.seat = None;
        // The context polls no more, so what has to be said is said from a task of its own.
        let (hub, subscriptions) = (self.hub.clone(), std::mem::take(&mut self.subscriptions));
        actix::spawn(async move {
            for Opened { id, address, .. } in subscriptions {
                // Either may have ended before: then there is nothing to end.
                let _ = address.send(End).await;
                let _ = hub.send(CloseSubscription(id)).await;
            }
        });
    }
}

impl Handler<Frames> for Client {
    type Result = ();

    fn handle(&mut self, Frames { subscription, frames, room }: Frames, ctx: &mut Self::Context) {
        drop(room);
        self.observed.queue().set(self.backlog.bytes());
        if !self.still_may_read(ctx) {
            return;
        }
        // Frames of a subscription that has just been closed are not delivered any more.
        if self.subscriptions.iter().any(|opened| opened.id == subscription) {
            self.stream.counters.sent(frames.len());
            for frame in frames {
                ctx.text(frame);
            }
        }
    }
}

impl Handler<RightsChanged> for Client {
    type Result = ();

    fn handle(&mut self, _: RightsChanged, ctx: &mut Self::Context) {
        self.still_may_read(ctx);
    }
}

impl Handler<ServerEvent> for Client {
    type Result = ();

    fn handle(&mut self, event: ServerEvent, ctx: &mut Self::Context) {
        self.pass_event_on(event, ctx);
    }
}

impl Handler<Terminate> for Client {
    type Result = ();

    fn handle(&mut self, _: Terminate, ctx: &mut Self::Context) {
        self.expel("Server outgoing buffer overflow, terminating connection", ctx);
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
