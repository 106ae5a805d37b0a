//! PUT requests: who handles them, and what has become of them (signalk-v1 §6, wasm-plugin-abi §3.7).
//!
//! A plugin registers a handler for a context and a path. [`PutHandlers::put`] finds it, gives it the value, and makes of its answer
//! the [`RequestStatus`] that the client gets now and can ask for later.

mod outcome;
mod requests;

use std::sync::Arc;

use windlass_broker::RawJson;

use crate::plugins::{CallTarget, PluginCallError, PluginManager, PluginState};
use outcome::Outcome;
pub use requests::{PendingAction, RequestState, RequestStatus, RequestStore};

/// The context of the own ship in requests.
const OWN: &str = "vessels.self";
const SEVERAL_SOURCES: &str =
    "there are multiple sources for the given path, but no source was specified in the request";

/// A value that somebody wants changed.
#[derive(Debug, Clone, PartialEq)]
pub struct PutRequest {
    /// `vessels.self`, or another context.
    pub context: String,
    /// The path, with dots.
    pub path: String,
    /// The wanted value.
    pub value: RawJson,
    /// Which of several handlers is meant: a plugin's id or package name.
    pub source: Option<String>,
    /// The client's id of the request; a new one is made when it has none.
    pub request_id: Option<String>,
}

/// Where PUT requests go. Cheap to clone.
#[derive(Clone)]
pub struct PutHandlers(Arc<Inner>);

struct Inner {
    plugins: PluginManager,
    /// The own ship's context with its identity.
    own: String,
    requests: RequestStore,
}

impl PutHandlers {
    /// `own` is the own ship's context, `vessels.urn:…`.
    pub fn new(plugins: PluginManager, own: &str, requests: RequestStore) -> Self {
        Self(Arc::new(Inner { plugins, own: own.to_owned(), requests }))
    }

    /// What has become of the requests.
    pub fn requests(&self) -> &RequestStore {
        &self.0.requests
    }

    /// Has a request handled, which takes no longer than a plugin may take. The answer is kept for those who ask later.
    pub async fn put(&self, request: PutRequest) -> RequestStatus {
        let outcome = self.handle(&request).await;
        self.0.requests.keep(request.request_id, outcome)
    }

    /// Refuses to delete something: only metadata could be (§6.4).
    pub fn refuse_delete(&self, path: &str) -> RequestStatus {
        self.0.requests.keep(None, Outcome::completed(405, format!("DELETE not supported for {path}")))
    }

    async fn handle(&self, request: &PutRequest) -> Outcome {
        let contexts = self.contexts(&request.context);
        let offers = self.0.plugins.offers();
        let mut handlers = Vec::new();
        for context in &contexts {
            handlers.extend(offers.put_handlers(context, &request.path).into_iter().map(|plugin| (*context, plugin)));
        }
        if let Some(source) = &request.source {
            let meant = self.0.plugins.id_of(source);
            handlers.retain(|(_, plugin)| Some(plugin) == meant.as_ref());
        }
        let (context, plugin) = match handlers.as_slice() {
            [] if self.is_restarting(&contexts, request) => return Outcome::of(Err(PluginCallError::NotRunning)),
            [] => return Outcome::completed(405, format!("PUT not supported for {}", request.path)),
            // One plugin may have registered for both names of the own ship.
            [first, rest @ ..] if rest.iter().all(|other| other.1 == first.1) => first,
            _ => return Outcome::completed(400, SEVERAL_SOURCES.to_owned()),
        };
        let target = CallTarget::Put { context: (*context).to_owned(), path: request.path.clone() };
        let (plugins, value) = (&self.0.plugins, request.value.as_str().to_owned());
        Outcome::of(plugins.call(plugin, target, value, plugins.request_deadline()).await)
    }

    /// A context under all its names.
    fn contexts<'a>(&'a self, context: &'a str) -> Vec<&'a str> {
        if context == OWN || context == self.0.own { vec![OWN, &self.0.own] } else { vec![context] }
    }

    /// Whether the handler is gone only because its plugin crashed and will be back.
    fn is_restarting(&self, contexts: &[&str], request: &PutRequest) -> bool {
        let plugins = &self.0.plugins;
        let meant = request.source.as_ref().map(|source| plugins.id_of(source));
        let mut before =
            contexts.iter().flat_map(|context| plugins.offers().withdrawn_put_handlers(context, &request.path));
        before.any(|plugin| {
            let returns = matches!(plugins.state(&plugin), Some(PluginState::Crashed | PluginState::Starting));
            returns && meant.as_ref().is_none_or(|meant| meant.as_ref() == Some(&plugin))
        })
    }
}
