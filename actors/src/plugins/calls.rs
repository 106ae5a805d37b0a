//! Requests to a running plugin: HTTP endpoints, PUT handlers, providers (§3.6–3.9).

use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;
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
}

/// Sends a request and waits for the answer until `patience` is over.
pub(super) async fn call(
    plugin: &Addr<Plugin>,
    target: CallTarget,
    request: String,
    patience: Duration,
) -> Result<Option<String>, PluginCallError> {
    let expires = Instant::now() + patience;
    match timeout_at(expires, plugin.send(Call { target, request, expires })).await {
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

impl Handler<Call> for Plugin {
    type Result = ResponseFuture<Result<Option<String>, PluginCallError>>;

    fn handle(&mut self, call: Call, ctx: &mut Self::Context) -> Self::Result {
        let refused = |error| -> Self::Result { Box::pin(std::future::ready(Err(error))) };
        if !self.is_running() {
            return refused(PluginCallError::NotRunning);
        }
        if Instant::now() >= call.expires {
            return refused(PluginCallError::Timeout("the plugin was busy for too long".to_owned()));
        }
        let Some(guest) = &mut self.guest else { return refused(PluginCallError::NotRunning) };
        let result = call.target.call(&mut **guest, &call.request);
        let (sender, receiver) = oneshot::channel();
        let (result, answer) = match result {
            Ok(answer) => (Ok(()), Ok(answer)),
            Err(error) => {
                let answer = Err(PluginCallError::from(&error));
                (if error.is_crash() { Err(error) } else { Ok(()) }, answer)
            }
        };
        if result.is_err() {
            // The restart must not hold the answer up.
            self.after_call(result, ctx, |_, _| {});
            return Box::pin(std::future::ready(answer));
        }
        self.after_call(result, ctx, move |plugin, ctx| {
            plugin.send_then(ctx, move |_, _| {
                // Who has stopped waiting does not mind.
                let _ = sender.send(answer);
            });
        });
        Box::pin(async move { receiver.await.unwrap_or(Err(PluginCallError::NotRunning)) })
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
