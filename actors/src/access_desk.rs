//! Requests for access on their way from a device to an admin and back (signalk-v1 §8.6).
//!
//! What may be asked for and by whom is decided in [`windlass_security`]; here is what the client polls or waits for, and what tells the
//! admin: a notification and a server event.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use actix::Addr;
use serde_json::{Map, Value, json};
use smallvec::SmallVec;
use tokio::sync::watch;
use windlass_broker::observe::{ActorId, ActorKind, Flow, Observatory, Observed};
use windlass_broker::{
    Broker, Context, Delta, DeltaVersion, NameError, Origin, Path, PathValue, Publish, RawJson, SourceRef, Timestamp,
    Update,
};
use windlass_security::{AccessError, AccessRequest, Decision, Level, Requester, Security, SecurityError};

use crate::stream::EventBus;

/// In whose name the notifications are.
const SOURCE: &str = "access-requests";
/// How long the answer of a decided request can be asked for.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Answers that are kept; of more the oldest are forgotten.
const MAX_ANSWERS: usize = 1_000;

/// Where devices and people ask for access. Clones share.
#[derive(Clone)]
pub struct AccessDesk(Arc<Inner>);

struct Inner {
    security: Security,
    broker: Addr<Broker>,
    events: EventBus,
    own: Context,
    source: SourceRef,
    answers: Mutex<HashMap<String, Kept>>,
    seen: Seen,
}

/// How it is seen.
struct Seen {
    observed: Observed,
    to_broker: Flow,
}

struct Kept {
    at: SystemTime,
    state: watch::Sender<Value>,
}

/// Why a request for access is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// What was asked for can't be understood.
    #[error("{0}")]
    Malformed(&'static str),
    /// It is not wanted.
    #[error(transparent)]
    Refused(#[from] AccessError),
}

impl AskError {
    /// The HTTP status, which is the `statusCode` of the reply too (signalk-v1 §8.6).
    pub fn status_code(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Refused(AccessError::Malformed(_) | AccessError::AlreadyRequested { .. }) => 400,
            Self::Refused(AccessError::NotAvailable) => 404,
            Self::Refused(AccessError::Off) => 403,
            Self::Refused(AccessError::TooMany { .. } | AccessError::TooManyPending) => 429,
            Self::Refused(AccessError::Full) => 503,
            Self::Refused(AccessError::Failed(_)) => 500,
        }
    }
}

impl AccessDesk {
    /// The desk of a server whose own ship is `own`.
    ///
    /// # Errors
    /// There are too many names.
    pub fn new(
        security: Security,
        broker: Addr<Broker>,
        events: EventBus,
        own: Context,
        observatory: &Observatory,
    ) -> Result<Self, NameError> {
        let observed = observatory.observe(ActorKind::AccessDesk, "");
        let seen = Seen { to_broker: observed.flow_to(&ActorId::broker()), observed };
        let source = SourceRef::new(SOURCE)?;
        Ok(Self(Arc::new(Inner { security, broker, events, own, source, answers: Mutex::default(), seen })))
    }

    /// Takes `{"clientId", "description", "permissions"?}` of a device or `{"userId", "password"}` of somebody. The answer is the reply to
    /// give at once; [`Self::follow`] tells how it goes on. Blocks: a password is hashed.
    ///
    /// # Errors
    /// See [`AskError`].
    pub fn ask(&self, asked: &Value, request_id: Option<&str>, address: IpAddr) -> Result<Value, AskError> {
        self.0.seen.observed.count(1, 0);
        let text = |name: &str| asked.get(name).and_then(Value::as_str);
        let id = request_id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let now = SystemTime::now();
        let security = &self.0.security;
        let request = match (text("clientId"), text("userId")) {
            (Some(client), _) => {
                let Some(description) = text("description") else {
                    return Err(AskError::Malformed("A clientId and a description are required"));
                };
                let permissions = match asked.get("permissions") {
                    None | Some(Value::Null) => None,
                    Some(level) => Some(
                        level
                            .as_str()
                            .and_then(Level::from_name)
                            .ok_or(AskError::Malformed("permissions must be readonly, readwrite or admin"))?,
                    ),
                };
                security.request_device(&id, address, client, description, permissions, now)?
            }
            (None, Some(user)) => {
                let password = text("password").ok_or(AskError::Malformed("A userId and a password are required"))?;
                security.request_user(&id, address, user, password, now)?
            }
            (None, None) => {
                return Err(AskError::Malformed("send a clientId and a description, or a userId and a password"));
            }
        };
        let mut reply = reply(&request.request_id, "PENDING", 202);
        reply.insert("ip".into(), address.to_string().into());
        reply.insert("user".into(), Value::Null);
        let reply = Value::Object(reply);
        self.keep(&request.request_id, reply.clone(), now);
        self.announce(&request, true);
        self.tell_admins(now);
        Ok(reply)
    }

    /// What an admin decided about a pending request, by its client id, user name or request id. Blocks: it is saved.
    ///
    /// # Errors
    /// There is no such request, the decision makes no sense, or it can't be saved.
    pub fn decide(&self, id: &str, decision: Decision) -> Result<(), SecurityError> {
        let now = SystemTime::now();
        let decided = self.0.security.decide(id, decision, now)?;
        let mut reply = reply(&decided.request.request_id, "COMPLETED", 200);
        reply.insert("ip".into(), decided.request.address.to_string().into());
        reply.insert("accessRequest".into(), decided.answer());
        self.keep(&decided.request.request_id, Value::Object(reply), now);
        self.announce(&decided.request, false);
        self.tell_admins(now);
        Ok(())
    }

    /// What there is to decide, as the administration pages show it.
    pub fn pending(&self) -> Vec<AccessRequest> {
        self.0.security.pending_requests(SystemTime::now())
    }

    /// The state of a request; `None` for one that nobody made, or that is forgotten.
    pub fn state(&self, request_id: &str) -> Option<Value> {
        self.expire(SystemTime::now());
        self.lock().get(request_id).map(|kept| kept.state.borrow().clone())
    }

    /// The states of a request from now on.
    pub fn follow(&self, request_id: &str) -> Option<watch::Receiver<Value>> {
        self.lock().get(request_id).map(|kept| kept.state.subscribe())
    }

    /// Ends what nobody has decided about for too long. To be called once a minute.
    pub fn expire(&self, now: SystemTime) {
        let expired = self.0.security.take_expired_requests(now);
        for request in &expired {
            let mut reply = reply(&request.request_id, "COMPLETED", 408);
            reply.insert("message".into(), "nobody has decided about the request in time; ask again".into());
            self.keep(&request.request_id, Value::Object(reply), now);
            self.announce(request, false);
        }
        if !expired.is_empty() {
            self.tell_admins(now);
        }
    }

    fn keep(&self, id: &str, state: Value, now: SystemTime) {
        let mut answers = self.lock();
        match answers.get_mut(id) {
            Some(kept) => {
                kept.at = now;
                kept.state.send_replace(state);
            }
            None => {
                answers.retain(|_, kept| now.duration_since(kept.at).is_ok_and(|age| age < 2 * MEMORY));
                if answers.len() >= MAX_ANSWERS
                    && let Some(oldest) = answers.iter().min_by_key(|(_, kept)| kept.at).map(|(id, _)| id.clone())
                {
                    answers.remove(&oldest);
                }
                answers.insert(id.to_owned(), Kept { at: now, state: watch::Sender::new(state) });
            }
        }
    }

    fn tell_admins(&self, now: SystemTime) {
        self.0.events.emit("ACCESS_REQUEST", &self.0.security.pending_requests(now));
    }

    /// `notifications.security.accessRequest.<permissions or any>.<client>` while the request is pending.
    fn announce(&self, request: &AccessRequest, pending: bool) {
        let permissions = request.permissions.map_or("any", Level::name);
        let who = match request.requester {
            Requester::Device => "The device",
            Requester::User => "The user",
        };
        // A client's own choice must not divide the path.
        let name = request.identifier.replace('.', "_");
        let value = if pending {
            let message = format!("{who} {} has requested access to the server", request.identifier);
            json!({"state": "alert", "method": ["visual"], "message": message})
        } else {
            json!({"state": "normal", "method": [], "message": format!("The request of {} is decided", request.identifier)})
        };
        let path = match Path::new(&format!("notifications.security.accessRequest.{permissions}.{name}")) {
            Ok(path) => path,
            Err(error) => return log::warn!("an access request can't be announced: {error}"),
        };
        let update = Update {
            source: None,
            source_ref: self.0.source.clone(),
            timestamp: Timestamp::now(),
            values: SmallVec::from_iter([PathValue::new(path, RawJson::of(&value))]),
            meta: Vec::new(),
            notification_id: None,
        };
        let delta =
            Delta { context: self.0.own.clone(), updates: SmallVec::from_iter([update]), version: DeltaVersion::V1 };
        let publish = Publish { provider: self.0.source.clone(), origin: Origin::NONE, deltas: vec![delta] };
        if self.0.broker.try_send(self.0.seen.to_broker.carry(publish)).is_err() {
            log::warn!(
                "an access request of {} could not be announced, because the server is busy",
                request.identifier
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        // Whole between any two statements, also after a panic.
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reply(id: &str, state: &str, status_code: u16) -> Map<String, Value> {
    let mut reply = Map::new();
    reply.insert("state".into(), state.into());
    reply.insert("requestId".into(), id.into());
    reply.insert("statusCode".into(), status_code.into());
    reply.insert("href".into(), format!("/signalk/v1/requests/{id}").into());
    reply
}
