//! PUT and DELETE requests: who handles them, and what has become of them (signalk-v1 §6, wasm-plugin-abi §3.7).
//!
//! [`PutHandlers::put`] finds who handles a path: the metadata of a path is changed here, then come the plugins that have registered for
//! the path, notifications, and the stream clients that feed it. What comes of it is the [`RequestStatus`] that the client gets now and
//! can ask for later.

mod base_deltas;
mod feeders;
mod metadata;
mod notifications;
mod outcome;
mod requests;

use std::sync::Arc;
use std::time::SystemTime;

use actix::{Addr, Recipient};
use windlass_broker::{Broker, RawJson};
use windlass_security::{Security, Session};

use crate::data_model::ModelView;
use crate::plugins::{CallTarget, PluginCallError, PluginManager, PluginState};
pub use base_deltas::{BaseDeltas, BaseDeltasError};
use feeders::Found;
pub use feeders::{FeederSeat, Feeders, PutForward};
pub use metadata::CategoryCheck;
use metadata::{Metadata, Target};
use outcome::Outcome;
pub use requests::{
    Asker, NewRequest, OpenRequest, PendingAction, RequestChanged, RequestState, RequestStatus, RequestStore,
};

/// The context of the own ship in requests.
const OWN: &str = "vessels.self";
const SEVERAL_SOURCES: &str =
    "there are multiple sources for the given path, but no source was specified in the request";
const NOT_PERMITTED: &str = "this is not permitted to you; ask the admin of the server for the right to change values";

/// Who makes a request, and how they want to hear of it.
#[derive(Debug, Clone)]
pub struct RequestFrom {
    /// Who.
    pub session: Session,
    /// The client's id of the request; a new one is made when it has none.
    pub request_id: Option<String>,
    /// They may change nothing, whatever the session says: a page of another origin.
    pub only_reads: bool,
    /// Who is told of each state, the first included.
    pub watcher: Option<Recipient<RequestChanged>>,
}

/// A value that somebody wants changed.
#[derive(Debug, Clone)]
pub struct PutRequest {
    /// Who wants it.
    pub from: RequestFrom,
    /// `vessels.self`, or another context.
    pub context: String,
    /// The path, with dots.
    pub path: String,
    /// The wanted value.
    pub value: RawJson,
    /// Which of several handlers is meant: a plugin's id or package name, or the `$source` of a stream client.
    pub source: Option<String>,
}

/// Something that somebody wants deleted.
#[derive(Debug, Clone)]
pub struct DeleteRequest {
    /// Who wants it.
    pub from: RequestFrom,
    /// `vessels.self`, or another context.
    pub context: String,
    /// The path, with dots.
    pub path: String,
}

/// Where PUT requests go. Cheap to clone.
#[derive(Clone)]
pub struct PutHandlers(Arc<Inner>);

struct Inner {
    plugins: PluginManager,
    security: Security,
    /// The own ship's context with its identity.
    own: String,
    requests: RequestStore,
    feeders: Feeders,
    metadata: Metadata,
}

impl PutHandlers {
    /// `feeders` are the stream clients that can be asked, `base_deltas` is where metadata is kept.
    pub fn new(
        plugins: PluginManager,
        security: Security,
        broker: Addr<Broker>,
        view: ModelView,
        base_deltas: Arc<BaseDeltas>,
        feeders: Feeders,
    ) -> Self {
        let own = view.identity().context().as_str().to_owned();
        let metadata = Metadata::new(base_deltas, broker, view);
        Self(Arc::new(Inner { plugins, security, own, requests: RequestStore::default(), feeders, metadata }))
    }

    /// From now on the categories of metadata are checked. Only the first check counts.
    pub fn checking_categories(self, check: CategoryCheck) -> Self {
        // A second one would be a mistake of whoever starts the server, and no harm.
        let _ = self.0.metadata.categories.set(check);
        self
    }

    /// What has become of the requests.
    pub fn requests(&self) -> &RequestStore {
        &self.0.requests
    }

    /// The stream clients that can be asked.
    pub fn feeders(&self) -> &Feeders {
        &self.0.feeders
    }

    /// Has a request handled, which takes no longer than a plugin may take. The answer is kept for those who ask later.
    pub async fn put(&self, request: PutRequest) -> RequestStatus {
        let PutRequest { from, context, path, value, source } = request;
        let mut open = self.begin(&from);
        let metadata = self.is_own(&context).then(|| Target::of(&path)).flatten();
        // Whoever may change a value may say what it means.
        let judged = metadata.as_ref().map_or(path.as_str(), |target| &target.path);
        // Metadata has no source that could be chosen: what the request names as such must not find another rule.
        let judged_source = if metadata.is_some() { None } else { source.as_deref() };
        if !self.permits(&from.session, &context, judged, judged_source) {
            return open.tell(Outcome::completed(403, NOT_PERMITTED));
        }
        if let Some(target) = metadata {
            let changes = target.changes(value.to_value());
            let checked = changes.and_then(|changes| self.0.metadata.check(&target.path, &changes).map(|()| changes));
            return match checked {
                Err(outcome) => open.tell(outcome),
                Ok(changes) => {
                    let inner = self.0.clone();
                    self.finish_later(open, async move { inner.metadata.set(&target.path, changes).await })
                }
            };
        }
        if let Some(outcome) = self.ask_plugins(&context, &path, &value, source.as_deref()).await {
            return open.tell(outcome);
        }
        if !self.is_own(&context) {
            return open.tell(not_supported("PUT", &path));
        }
        if let Some(target) = notifications::target(&path) {
            let Metadata { broker, view, .. } = &self.0.metadata;
            let outcome = notifications::change(broker, view, target, value.to_value(), source.as_deref()).await;
            return open.tell(outcome);
        }
        match self.0.feeders.find(&path, source.as_deref()) {
            Found::One(candidate) => self.0.feeders.forward(&candidate, open, &path, value),
            Found::Several => open.tell(Outcome::completed(400, SEVERAL_SOURCES)),
            Found::Nobody => open.tell(not_supported("PUT", &path)),
        }
    }

    /// Deletes metadata that was set; nothing else can be deleted (§6.4).
    pub fn delete(&self, request: DeleteRequest) -> RequestStatus {
        let DeleteRequest { from, context, path } = request;
        let mut open = self.begin(&from);
        let target = self.is_own(&context).then(|| Target::of(&path)).flatten();
        let judged = target.as_ref().map_or(path.as_str(), |target| &target.path);
        if !self.permits(&from.session, &context, judged, None) {
            return open.tell(Outcome::completed(403, NOT_PERMITTED));
        }
        let Some(target) = target else { return open.tell(not_supported("DELETE", &path)) };
        let inner = self.0.clone();
        self.finish_later(open, async move { inner.metadata.remove(&target).await })
    }

    /// Answers a request that can't be read, and keeps the answer for those who could have made it.
    pub fn refuse(&self, from: &RequestFrom, status_code: u16, message: impl Into<String>) -> RequestStatus {
        self.begin(from).tell(Outcome::completed(status_code, message))
    }

    fn begin(&self, from: &RequestFrom) -> OpenRequest {
        let RequestFrom { session, request_id, only_reads, watcher } = from;
        let by = session.principal().clone();
        // Neither makes others forget, nor is it another way to read: there is nothing to ask about.
        let remembered = !only_reads && self.may_write(session);
        self.0.requests.begin(NewRequest { id: request_id.clone(), by, remembered, watcher: watcher.clone() })
    }

    /// The request is pending; how it ends is told when the disk has it.
    fn finish_later(&self, mut open: OpenRequest, work: impl Future<Output = Outcome> + 'static) -> RequestStatus {
        let status = open.tell(Outcome::pending());
        // A task of its own, so that the change is made also when whoever asked for it has gone.
        actix::spawn(async move { open.tell(work.await) });
        status
    }

    fn may_write(&self, session: &Session) -> bool {
        let security = &self.0.security;
        security.check(session, SystemTime::now()).is_ok() && security.may_write(session.principal())
    }

    /// Whether the level and the ACLs of somebody allow a PUT at this moment (signalk-v1 §8.5).
    fn permits(&self, session: &Session, context: &str, path: &str, source: Option<&str>) -> bool {
        let (acl, principal) = (self.0.security.acl(), session.principal());
        self.may_write(session)
            && acl.decide(principal, self.is_own(context), context, path, source.unwrap_or_default()).put
    }

    /// What a plugin says; `None` when no plugin handles the path.
    async fn ask_plugins(&self, context: &str, path: &str, value: &RawJson, source: Option<&str>) -> Option<Outcome> {
        let plugins = &self.0.plugins;
        let contexts = self.contexts(context);
        let mut handlers = Vec::new();
        for context in &contexts {
            let of = plugins.offers().put_handlers(context, path);
            handlers.extend(of.into_iter().map(|plugin| (*context, plugin)));
        }
        if let Some(source) = source {
            let meant = plugins.id_of(source);
            handlers.retain(|(_, plugin)| Some(plugin) == meant.as_ref());
        }
        let (context, plugin) = match handlers.as_slice() {
            [] if self.is_restarting(&contexts, path, source) => {
                return Some(Outcome::of(Err(PluginCallError::NotRunning)));
            }
            [] => return None,
            // One plugin may have registered for both names of the own ship.
            [first, rest @ ..] if rest.iter().all(|other| other.1 == first.1) => first,
            _ => return Some(Outcome::completed(400, SEVERAL_SOURCES)),
        };
        let target = CallTarget::Put { context: (*context).to_owned(), path: path.to_owned() };
        let value = value.as_str().to_owned();
        Some(Outcome::of(plugins.call(plugin, target, value, plugins.request_deadline(plugin)).await))
    }

    fn is_own(&self, context: &str) -> bool {
        context == OWN || context == self.0.own
    }

    /// A context under all its names.
    fn contexts<'a>(&'a self, context: &'a str) -> Vec<&'a str> {
        if self.is_own(context) { vec![OWN, &self.0.own] } else { vec![context] }
    }

    /// Whether the handler is gone only because its plugin crashed and will be back.
    fn is_restarting(&self, contexts: &[&str], path: &str, source: Option<&str>) -> bool {
        let plugins = &self.0.plugins;
        let meant = source.map(|source| plugins.id_of(source));
        let mut before = contexts.iter().flat_map(|context| plugins.offers().withdrawn_put_handlers(context, path));
        before.any(|plugin| {
            let returns = matches!(plugins.state(&plugin), Some(PluginState::Crashed | PluginState::Starting));
            returns && meant.as_ref().is_none_or(|meant| meant.as_ref() == Some(&plugin))
        })
    }
}

fn not_supported(method: &str, path: &str) -> Outcome {
    Outcome::completed(405, format!("{method} not supported for {path}"))
}
