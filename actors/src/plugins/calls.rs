//! Requests to a running plugin: HTTP endpoints, PUT handlers, providers (§3.6–3.9).
//!
//! They wait in a line of their own and not in the actor's mailbox: actix does nothing else as long as a mailbox has messages, so that
//! requests that come faster than they are answered would keep deltas, polls, and the answers of each other from getting through.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use windlass_wasm_host::{CallError, Guest, HandlerKind};

use super::plugin::Plugin;

/// Which function of a plugin is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallTarget {
    /// The handler of an HTTP endpoint, by the name of its export.
    Http(String),
    /// The PUT handler of a path; its export is found by the rules of §3.7.
    Put {
        /// As registered, `vessels.self`.
        context: String,
        /// The path.
        path: String,
    },
    /// A provider's function, by the name of its export.
    Provider(String),
    /// A provider's function that gets no request.
    ProviderList(String),
}

/// Why a request to a plugin was not answered by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginCallError {
    /// There is no such plugin.
    #[error("there is no plugin {0:?}")]
    Unknown(String),
    /// The plugin is stopped, starting, crashed or disabled.
    #[error("Plugin not running")]
    NotRunning,
    /// The plugin has no such function.
    #[error("{0}")]
    NoHandler(String),
    /// The plugin did not answer in time: it was busy, or its handler was interrupted.
    #[error("{0}")]
    Timeout(String),
    /// Too many requests wait for it already.
    #[error("too many requests wait for the plugin; try again later")]
    Busy,
    /// The handler failed, which is a crash of the plugin.
    #[error("{0}")]
    Crashed(String),
}

/// A request on its way to the plugin. Answered when the plugin has, and the bus has taken what it emitted meanwhile.
#[derive(Debug, Message)]
#[rtype(result = "Result<Option<String>, PluginCallError>")]
pub(super) struct Call {
    pub target: CallTarget,
    pub request: String,
    /// Nobody waits for the answer after this.
    pub expires: Instant,
    /// Its place among those that wait, of which there are only so many; given back with the answer.
    pub place: OwnedSemaphorePermit,
}

/// Requests to one plugin, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Calls {
    waiting: VecDeque<Waiting>,
    /// The next one's turn comes by itself.
    scheduled: bool,
}

#[derive(Debug)]
struct Waiting {
    call: Call,
    answer: oneshot::Sender<Result<Option<String>, PluginCallError>>,
}

/// Sends a request and waits for the answer until `patience` is over.
pub(super) async fn call(
    plugin: &Addr<Plugin>,
    target: CallTarget,
    request: String,
    patience: Duration,
    place: OwnedSemaphorePermit,
) -> Result<Option<String>, PluginCallError> {
    let expires = Instant::now() + patience;
    match timeout_at(expires, plugin.send(Call { target, request, expires, place })).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(PluginCallError::NotRunning),
        Err(_) => Err(PluginCallError::Timeout(format!("no answer within {} s", patience.as_secs_f32()))),
    }
}

impl CallTarget {
    fn call(&self, guest: &mut dyn Guest, request: &str) -> Result<Option<String>, CallError> {
        match self {
            CallTarget::Http(export) => guest.handle(HandlerKind::Http, export, request),
            CallTarget::Put { context, path } => {
                let export = guest.put_handler(context, path).ok_or_else(|| CallError::NoHandler {
                    export: format!("handle_put_{context}_{path}").replace('.', "_"),
                })?;
                guest.handle(HandlerKind::Put, &export, request)
            }
            CallTarget::Provider(export) => guest.handle(HandlerKind::Provider, export, request),
            CallTarget::ProviderList(export) => guest.handle(HandlerKind::ProviderList, export, request),
        }
    }
}

impl Waiting {
    fn answer(self, answer: Result<Option<String>, PluginCallError>) {
        drop(self.call.place);
        // Who has stopped waiting does not mind.
        let _ = self.answer.send(answer);
    }
}

impl Plugin {
    /// Serves the next request after everything else that waits has had its turn.
    fn schedule_call(&mut self, ctx: &mut Context<Self>) {
        if self.calls.waiting.is_empty() || mem::replace(&mut self.calls.scheduled, true) {
            return;
        }
        ctx.spawn(yield_now().into_actor(self).map(|(), plugin, ctx| {
            plugin.calls.scheduled = false;
            plugin.serve_next(ctx);
        }));
    }

    fn serve_next(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let (expired, in_time): (VecDeque<_>, _) =
            mem::take(&mut self.calls.waiting).into_iter().partition(|waiting: &Waiting| waiting.call.expires <= now);
        self.calls.waiting = in_time;
        for waiting in expired {
            waiting.answer(Err(PluginCallError::Timeout("the plugin was busy for too long".to_owned())));
        }
        if !self.is_running() {
            self.calls.waiting.drain(..).for_each(|waiting| waiting.answer(Err(PluginCallError::NotRunning)));
            return;
        }
        let (Some(guest), Some(waiting)) = (&mut self.guest, self.calls.waiting.pop_front()) else { return };
        let handling = self.observed.begin();
        let result = waiting.call.target.call(&mut **guest, &waiting.call.request);
        self.observed.end(handling, 0);
        let (result, answer) = match result {
            Ok(answer) => (Ok(()), Ok(answer)),
            Err(error) => {
                let answer = Err(PluginCallError::from(&error));
                (if error.is_crash() { Err(error) } else { Ok(()) }, answer)
            }
        };
        // Those that wait behind it hear of a crash when it has been reported.
        self.schedule_call(ctx);
        if result.is_err() {
            // The restart must not hold the answer up.
            waiting.answer(answer);
            return self.after_call(result, ctx, |_, _| {});
        }
        self.after_call(result, ctx, move |plugin, ctx| {
            plugin.send_then(ctx, move |plugin, ctx| {
                waiting.answer(answer);
                // The answer leaves by another task of this thread. Only a wait gives the thread to it: what is spawned may be polled
                // twice in one turn of the actor, and the next request would begin before.
                ctx.wait(yield_now().into_actor(plugin));
            });
        });
    }
}

impl Handler<Call> for Plugin {
    type Result = ResponseFuture<Result<Option<String>, PluginCallError>>;

    fn handle(&mut self, call: Call, ctx: &mut Self::Context) -> Self::Result {
        if !self.is_running() {
            return Box::pin(std::future::ready(Err(PluginCallError::NotRunning)));
        }
        let (answer, answered) = oneshot::channel();
        self.calls.waiting.push_back(Waiting { call, answer });
        self.schedule_call(ctx);
        Box::pin(async move { answered.await.unwrap_or(Err(PluginCallError::NotRunning)) })
    }
}

impl From<&CallError> for PluginCallError {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::NoHandler { .. } | CallError::Unsupported { .. } => {
                PluginCallError::NoHandler(error.to_string())
            }
            CallError::Deadline { .. } => PluginCallError::Timeout(error.to_string()),
            CallError::Discarded { .. } => PluginCallError::NotRunning,
            _ => PluginCallError::Crashed(error.to_string()),
        }
    }
}
