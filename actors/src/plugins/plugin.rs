//! The actor of one plugin: it owns the live instance and gives it one thing to do at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::prelude::*;
use bytestring::ByteString;
use futures_util::future::LocalBoxFuture;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::yield_now;
use tokio::time::Instant;
use windlass_broker::observe::{ActorId, ActorKind, Flow, Observatory, Observed, name_thread};
use windlass_broker::{Broker, ConsumerId, DeliverDeltas, RestartInstance, SharedDelta};
use windlass_wasm_host::{CallError, CompiledPlugin, CutShort, DeltaText, Guest, Limits, Runtime, utf16_bytes};

use super::calls::Calls;
use super::config_store::Revision;
use super::error::PluginError;
use super::host::PluginHost;
use super::record::{PluginState, Record};
use super::reload::{NewModule, Trial};
use super::server_events::Extras;
use super::settings::Timing;
use super::to_broker::{Subscription, ToBroker, send_all};

/// Runs one plugin, on an arbiter of its own. Its life cycle is in [`super::lifecycle`]; here is what it does while it runs.
pub(super) struct Plugin {
    pub(super) record: Arc<Record>,
    pub(super) host: Arc<PluginHost>,
    pub(super) runtime: Runtime,
    pub(super) limits: Limits,
    pub(super) timing: Timing,
    pub(super) broker: Addr<Broker>,
    /// Places to compile at, one a processor core, for all plugins.
    pub(super) compilers: Arc<Semaphore>,
    pub(super) compiled: Option<CompiledPlugin>,
    /// The live instance. It has been started exactly in [`PluginState::Running`].
    pub(super) guest: Option<Box<dyn Guest>>,
    /// Deltas to hand over, one a turn.
    pub(super) queue: VecDeque<Arc<SharedDelta>>,
    /// The broker sends these deltas.
    pub(super) attached: Option<Subscription>,
    pub(super) outbox: Vec<ToBroker>,
    /// Who wants to know how the start went.
    pub(super) waiting: Vec<oneshot::Sender<Result<(), PluginError>>>,
    /// The notification about repeated crashes stands.
    pub(super) alarmed: bool,
    /// The configuration of the latest start.
    pub(super) started_with: Revision,
    pub(super) poll: Option<SpawnHandle>,
    /// Server events, and answers of HTTP requests.
    pub(super) extras: Extras,
    /// Requests that wait for their turn.
    pub(super) calls: Calls,
    /// How often it crashed; a restart is for the crash with this number.
    pub(super) crashes: u64,
    delivering: bool,
    /// Begins with doing nothing, because a reload follows.
    idle: bool,
    /// A new module is being compiled and tried out.
    pub(super) examining: bool,
    /// The module to run from the next start on.
    pub(super) next: Option<NewModule>,
    /// A new module is being started for the first time.
    pub(super) trial: Option<Trial>,
    /// Times each call into the guest.
    pub(super) observed: Observed,
    to_broker: Flow,
}

/// What a new plugin actor needs.
pub(super) struct PluginParts {
    pub record: Arc<Record>,
    pub host: Arc<PluginHost>,
    pub runtime: Runtime,
    pub limits: Limits,
    pub timing: Timing,
    pub broker: Addr<Broker>,
    pub compilers: Arc<Semaphore>,
    pub observatory: Observatory,
    /// Do nothing until told: a reload follows.
    pub idle: bool,
}

/// The manager has saved another configuration: start, restart or stop accordingly. Answered when that is done.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), PluginError>")]
pub(super) struct ApplyConfig {
    /// What the plugin is to run with.
    pub revision: Revision,
    /// Restart a plugin that runs with an older revision.
    pub restart: bool,
    /// Where the plugin is to stop or start anew: until it gets this, it waits for nothing outside.
    pub hurry: Option<CutShort>,
}

/// Start a fresh instance in place of whatever there is. Answered when that is done.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), PluginError>")]
pub(super) struct Restart {
    /// Until it gets this, the plugin waits for nothing outside.
    pub hurry: CutShort,
}

/// The server goes down, or the package is gone: stop the plugin and end its thread. Answered when `plugin_stop` has returned.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Shutdown {
    /// Until it gets this, the plugin waits for nothing outside.
    pub hurry: CutShort,
    /// The package is gone; nobody else will take back what was said about the plugin.
    pub removed: bool,
}

impl Plugin {
    pub(super) fn new(parts: PluginParts) -> Self {
        let PluginParts { record, host, runtime, limits, timing, broker, compilers, observatory, idle } = parts;
        name_thread(&format!("plugin {}", record.id()));
        let observed = observatory.observe(ActorKind::Plugin, record.id());
        let to_broker = observed.flow_to(&ActorId::broker());
        Self {
            record,
            host,
            runtime,
            limits,
            timing,
            broker,
            compilers,
            compiled: None,
            guest: None,
            queue: VecDeque::new(),
            attached: None,
            outbox: Vec::new(),
            waiting: Vec::new(),
            alarmed: false,
            started_with: Revision::default(),
            poll: None,
            extras: Extras::default(),
            calls: Calls::default(),
            crashes: 0,
            delivering: false,
            idle,
            examining: false,
            next: None,
            trial: None,
            observed,
            to_broker,
        }
    }

    pub(super) fn id(&self) -> &str {
        self.record.id()
    }

    pub(super) fn consumer(&self) -> ConsumerId {
        ConsumerId(self.id().into())
    }

    pub(super) fn is_running(&self) -> bool {
        self.record.state() == PluginState::Running
    }

    /// Puts what the guest has emitted in line for the broker.
    pub(super) fn collect_emitted(&mut self) {
        let deltas = self.host.take_emitted();
        if !deltas.is_empty() {
            self.outbox.push(ToBroker::Publish(deltas));
        }
        if let Some(guest) = &mut self.guest {
            self.record.observe(&mut **guest, self.queue.len());
        }
    }

    /// Sends what is in line and does nothing else until the broker has it; then goes on with `then`.
    ///
    /// Must be the last thing a handler does: of two waits, actix would serve the second one first.
    pub(super) fn send_then(
        &mut self,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if self.outbox.is_empty() {
            return then(self, ctx);
        }
        ctx.wait(self.sending().into_actor(self).map(|(), plugin, ctx| then(plugin, ctx)));
    }

    /// The same without anything afterwards.
    pub(super) fn send(&mut self, ctx: &mut Context<Self>) {
        self.send_then(ctx, |_, _| {});
    }

    pub(super) fn sending(&mut self) -> LocalBoxFuture<'static, ()> {
        let messages = std::mem::take(&mut self.outbox);
        let (broker, consumer, provider) = (self.broker.clone(), self.consumer(), self.host.provider().id.clone());
        let flow = self.to_broker.clone();
        Box::pin(async move {
            if send_all(&broker, &flow, &consumer, &provider, messages).await.is_err() {
                log::warn!("plugin {}: the broker has stopped; what the plugin emitted last is lost", consumer.0);
            }
        })
    }

    /// Gives the guest the next delta after everything else that waits has had its turn.
    pub(super) fn schedule_delivery(&mut self, ctx: &mut Context<Self>) {
        if self.delivering || self.queue.is_empty() || !self.is_running() {
            return;
        }
        self.delivering = true;
        let go_on = |plugin: &mut Self, ctx: &mut Context<Self>| {
            plugin.delivering = false;
            plugin.deliver_next(ctx);
        };
        // One that has had more than its share of the processor waits; its queue stays bounded.
        match self.record.rest() {
            Some(rest) => ctx.run_later(rest, go_on),
            None => ctx.spawn(yield_now().into_actor(self).map(move |(), plugin, ctx| go_on(plugin, ctx))),
        };
    }

    fn deliver_next(&mut self, ctx: &mut Context<Self>) {
        if !self.is_running() {
            return;
        }
        let (Some(guest), Some(delta)) = (&mut self.guest, self.queue.pop_front()) else { return };
        let handling = self.observed.begin();
        let result = guest.deliver_shared(&Rendered { text: delta.whole(), delta: &delta });
        self.observed.end(handling, 1);
        self.after_call(result, ctx, |plugin, ctx| {
            if plugin.queue.is_empty() {
                plugin.outbox.push(ToBroker::Ready);
            }
            plugin.send_then(ctx, Self::schedule_delivery);
        });
    }

    /// Has `poll` called a period from now (§3.4). Calls that could not be made in time are not made up for.
    pub(super) fn schedule_poll(&mut self, due: Instant, ctx: &mut Context<Self>) {
        if !self.guest.as_ref().is_some_and(|guest| guest.has_poll()) {
            return;
        }
        let now = Instant::now();
        let mut next = due + self.timing.poll;
        if next <= now {
            next = now + self.timing.poll;
        }
        self.poll = Some(ctx.run_later(next - now, move |plugin, ctx| {
            plugin.poll = None;
            plugin.poll_guest(next, ctx);
        }));
    }

    fn poll_guest(&mut self, due: Instant, ctx: &mut Context<Self>) {
        if !self.is_running() {
            return;
        }
        if let Some(rest) = self.record.rest() {
            self.poll = Some(ctx.run_later(rest, move |plugin, ctx| {
                plugin.poll = None;
                plugin.poll_guest(due, ctx);
            }));
            return;
        }
        let Some(guest) = &mut self.guest else { return };
        let handling = self.observed.begin();
        let result = guest.poll().map(|events| {
            if events != 0 {
                log::trace!(target: "signalk:wasm:loader", "[{}] poll returned {events}", self.record.id());
            }
        });
        self.observed.end(handling, 0);
        self.after_call(result, ctx, move |plugin, ctx| {
            plugin.schedule_poll(due, ctx);
            plugin.send(ctx);
        });
    }

    /// Goes on with `then` when a call went well; otherwise the instance has crashed.
    pub(super) fn after_call(
        &mut self,
        result: Result<(), CallError>,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>),
    ) {
        self.collect_emitted();
        match result {
            Ok(()) => {
                self.mind_extras(ctx);
                then(self, ctx);
            }
            Err(error) => {
                self.record.count_failure(&error);
                self.crash(&error.to_string(), ctx);
            }
        }
    }

    /// An answer that comes with the end of the start that is about to begin.
    fn answer_later(&mut self) -> ResponseFuture<Result<(), PluginError>> {
        let (sender, receiver) = oneshot::channel();
        self.waiting.push(sender);
        let id = self.id().to_owned();
        Box::pin(async move { receiver.await.unwrap_or(Err(PluginError::ShutDown(id))) })
    }
}

/// A delta in the forms that guests want, each made once for all plugins.
struct Rendered<'a> {
    text: ByteString,
    delta: &'a SharedDelta,
}

impl DeltaText for Rendered<'_> {
    fn utf8(&self) -> &str {
        &self.text
    }

    fn utf16(&self) -> &[u8] {
        self.delta.utf16(utf16_bytes)
    }
}

impl Actor for Plugin {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if !self.idle {
            self.load(ctx);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        // The thread is this plugin's alone.
        Arbiter::current().stop();
    }
}

impl Handler<DeliverDeltas> for Plugin {
    type Result = ();

    fn handle(&mut self, DeliverDeltas(deltas): DeliverDeltas, ctx: &mut Self::Context) {
        // A batch that crossed the end of its subscription is for nobody.
        if self.attached.is_some() {
            self.queue.extend(deltas);
            self.schedule_delivery(ctx);
        }
    }
}

impl Handler<RestartInstance> for Plugin {
    type Result = ();

    fn handle(&mut self, RestartInstance { crash }: RestartInstance, ctx: &mut Self::Context) {
        // It may have been stopped, or started by hand, meanwhile, and may even have crashed again since.
        if self.record.state() == PluginState::Crashed && crash == self.crashes {
            self.observed.restarted();
            self.begin(true, ctx);
        }
    }
}

impl Handler<ApplyConfig> for Plugin {
    type Result = ResponseFuture<Result<(), PluginError>>;

    fn handle(
        &mut self,
        ApplyConfig { revision, restart, hurry }: ApplyConfig,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        drop(hurry);
        self.outbox.push(ToBroker::Forgive);
        let wanted = self.record.wanted(self.record.saved().as_ref());
        // The file may have been read for another reason since it was written.
        let outdated = restart && self.started_with < revision;
        if wanted && (outdated || !self.is_running()) {
            let answer = self.answer_later();
            self.begin(false, ctx);
            return answer;
        }
        if !wanted {
            self.stop(ctx);
        } else {
            self.send(ctx);
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Handler<Restart> for Plugin {
    type Result = ResponseFuture<Result<(), PluginError>>;

    fn handle(&mut self, Restart { hurry }: Restart, ctx: &mut Self::Context) -> Self::Result {
        drop(hurry);
        self.outbox.push(ToBroker::Forgive);
        let answer = self.answer_later();
        self.begin(true, ctx);
        answer
    }
}

impl Handler<Shutdown> for Plugin {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Shutdown { hurry, removed }: Shutdown, ctx: &mut Self::Context) -> Self::Result {
        drop(hurry);
        let (sender, receiver) = oneshot::channel::<()>();
        if removed {
            self.clear_alarm("Plugin removed");
        }
        self.shut_down(sender, ctx);
        Box::pin(async move {
            // An error says that the actor has ended, which is what was asked for.
            let _ = receiver.await;
        })
    }
}
