//! Devices and people that ask for access, and what an admin decides (signalk-v1 §8.6).
//!
//! The answer that a client polls for is kept by whoever keeps the answers of requests; here is what an admin has to decide about.

use std::net::IpAddr;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::administration::{
    MAX_DESCRIPTION_BYTES, MAX_NAME_BYTES, check_name, credentials_changed, entry, entry_or_new, insert_user,
};
use crate::configuration::{CREDENTIALS_CHANGED, Policy};
use crate::error::SecurityError;
use crate::expiration::Expiration;
use crate::level::{ANONYMOUS, Level};
use crate::password;
use crate::rate_limit::network;
use crate::security::{Mode, Security, new_claims};
use crate::session::Token;
use crate::token::Subject;

/// Requests that can be pending at once.
pub const MAX_PENDING: usize = 100;
/// Requests of one address that can be pending at once; an IPv6 network of 64 bits counts as one address.
pub const MAX_PENDING_OF_ADDRESS: usize = 10;
/// How long a request can be pending.
pub const PENDING_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// Who asks for access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requester {
    /// A device, by client id.
    Device,
    /// A person who wants to be a user.
    User,
}

/// A pending request. Serializes as an entry of `GET /skServer/security/access/requests`; a password is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRequest {
    /// The id under which the client polls for the answer.
    pub request_id: String,
    /// A device or a person.
    pub requester: Requester,
    /// The client id or the user name: what an admin names when deciding.
    pub identifier: Arc<str>,
    /// What the device says it is.
    pub description: String,
    /// The level asked for, if one was named: then it is the one to be had.
    pub permissions: Option<Level>,
    /// Where the request came from.
    pub address: IpAddr,
    /// When.
    pub at: SystemTime,
}

/// What an admin decides.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Access is granted.
    Approved {
        /// The level, if the request names none.
        permissions: Option<Level>,
        /// How long the token of a device is valid; as for logins when not said.
        expiration: Option<Expiration>,
        /// Kept with the device.
        config: Option<Value>,
    },
    /// It is not.
    Denied,
}

/// A request that is decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The request.
    pub request: AccessRequest,
    /// The level that was granted; `None` when access was denied.
    pub permissions: Option<Level>,
    /// The token of a device with access. A new user logs in with the password.
    pub token: Option<Token>,
}

impl Decided {
    /// The value of `accessRequest` in the answer of the request, for the client only: it has the token.
    pub fn answer(&self) -> Value {
        match (&self.permissions, &self.token) {
            (None, _) => json!({"permission": "DENIED"}),
            (Some(_), None) => json!({"permission": "APPROVED"}),
            (Some(_), Some(token)) => json!({"permission": "APPROVED", "token": token.as_str()}),
        }
    }
}

/// Why a request for access is not taken. The comments name the HTTP status.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The server is open. 404
    #[error("Access requests not available. Server security is not enabled.")]
    NotAvailable,
    /// The settings do not allow such requests, or security.json is damaged. 403
    #[error("the server does not take such access requests; its admin can allow them in the security settings")]
    Off,
    /// Something is missing or too long. 400
    #[error("{0}")]
    Malformed(&'static str),
    /// There is a request of this client. 400
    #[error("A {} '{identifier}' has already requested access", match requester { Requester::Device => "device with clientId", Requester::User => "user with userId" })]
    AlreadyRequested {
        /// Who.
        requester: Requester,
        /// The client id or user name.
        identifier: String,
    },
    /// Too many are pending. 503
    #[error("too many access requests are pending; ask the admin of the server to decide about them")]
    Full,
    /// Too many of this address are pending. 429
    #[error("too many access requests from this address are pending; ask the admin of the server to decide about them")]
    TooManyPending,
    /// Too many passwords are being hashed, or too many registrations come from this address. 429
    #[error("Too many requests from this IP, please try again later")]
    TooMany {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// The password can't be hashed. 500
    #[error(transparent)]
    Failed(SecurityError),
}

/// The pending requests, and those that nobody decided about in time.
#[derive(Default)]
pub(crate) struct AccessRequests {
    pending: Vec<Pending>,
    /// Not told yet; as many as can have been pending.
    expired: Vec<AccessRequest>,
}

struct Pending {
    request: AccessRequest,
    /// The hash of the password of a new user.
    hash: Option<String>,
}

impl AccessRequests {
    /// A clock that was set back makes requests last longer, not expire.
    fn expire(&mut self, now: SystemTime) {
        let is_over =
            |pending: &Pending| now.duration_since(pending.request.at).is_ok_and(|passed| passed >= PENDING_LIFETIME);
        let over: Vec<_> = self.pending.extract_if(.., |pending| is_over(pending)).collect();
        self.expired.extend(over.into_iter().map(|pending| pending.request));
        let surplus = self.expired.len().saturating_sub(MAX_PENDING);
        self.expired.drain(..surplus);
    }

    fn check(
        &mut self,
        requester: Requester,
        identifier: &str,
        address: IpAddr,
        now: SystemTime,
    ) -> Result<(), AccessError> {
        self.expire(now);
        let is_same =
            |pending: &Pending| pending.request.requester == requester && *pending.request.identifier == *identifier;
        if self.pending.iter().any(is_same) {
            return Err(AccessError::AlreadyRequested { requester, identifier: identifier.to_owned() });
        }
        // Before the general limit: one address alone must not keep all others away.
        let theirs = |pending: &&Pending| network(pending.request.address) == network(address);
        if self.pending.iter().filter(theirs).count() >= MAX_PENDING_OF_ADDRESS {
            return Err(AccessError::TooManyPending);
        }
        if self.pending.len() >= MAX_PENDING { Err(AccessError::Full) } else { Ok(()) }
    }
}

impl Security {
    /// Takes the request of a device (SK-139, SK-142). `request_id` is what the client polls with; the caller keeps the answer under it.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub fn request_device(
        &self,
        request_id: &str,
        address: IpAddr,
        client_id: &str,
        description: &str,
        permissions: Option<Level>,
        now: SystemTime,
    ) -> Result<AccessRequest, AccessError> {
        self.takes_requests(|policy| policy.allow_device_access_requests)?;
        if client_id.is_empty() || client_id.len() > MAX_NAME_BYTES || client_id.chars().any(char::is_control) {
            return Err(AccessError::Malformed("clientId has to be a text of 1 to 128 characters"));
        }
        if matches!(client_id, "any" | ANONYMOUS) {
            return Err(AccessError::Malformed("this clientId has another meaning; choose a random one"));
        }
        if description.len() > MAX_DESCRIPTION_BYTES {
            return Err(AccessError::Malformed("description has to be a text of at most 1024 characters"));
        }
        let request = AccessRequest {
            request_id: request_id.to_owned(),
            requester: Requester::Device,
            identifier: client_id.into(),
            description: description.to_owned(),
            permissions,
            address,
            at: now,
        };
        self.keep_request(request, None)
    }

    /// Takes the request of somebody who wants to be a user. Blocks: the password is hashed, and kept only so.
    ///
    /// Counts against the limit of logins. Whether there is such a user can't be seen from the answer; an admin will see it when deciding.
    ///
    /// # Errors
    /// See [`AccessError`].
    pub fn request_user(
        &self,
        request_id: &str,
        address: IpAddr,
        username: &str,
        password: &str,
        now: SystemTime,
    ) -> Result<AccessRequest, AccessError> {
        self.takes_requests(|policy| policy.allow_new_user_registration)?;
        let name = check_name(username).map_err(|_| AccessError::Malformed("this can't be a user name"))?;
        password::check(password).map_err(|_| AccessError::Malformed("userId or password missing or too short"))?;
        self.requests().check(Requester::User, name, address, now)?;
        let too_many = |retry_after| AccessError::TooMany { retry_after };
        self.inner().logins.take(address, now).map_err(too_many)?;
        let hash = self.hash(password).map_err(|error| match error {
            SecurityError::TooMany { retry_after } => too_many(retry_after),
            error => AccessError::Failed(error),
        })?;
        let request = AccessRequest {
            request_id: request_id.to_owned(),
            requester: Requester::User,
            identifier: name.into(),
            description: "New user".to_owned(),
            permissions: None,
            address,
            at: now,
        };
        self.keep_request(request, Some(hash))
    }

    /// The requests that wait for a decision, the oldest first.
    pub fn pending_requests(&self, now: SystemTime) -> Vec<AccessRequest> {
        let mut requests = self.requests();
        requests.expire(now);
        requests.pending.iter().map(|pending| pending.request.clone()).collect()
    }

    /// The requests that nobody has decided about in time, each once: to tell their clients, and to end what announces them.
    pub fn take_expired_requests(&self, now: SystemTime) -> Vec<AccessRequest> {
        let mut requests = self.requests();
        requests.expire(now);
        std::mem::take(&mut requests.expired)
    }

    /// Decides about a pending request, named by client id, user name or request id (SK-139, SK-141). Blocks.
    ///
    /// A level that the request names wins over the one of the decision. A device that had access already keeps the token that it has
    /// besides the new one.
    ///
    /// # Errors
    /// The request stays pending: [`SecurityError::UnknownRequest`], [`SecurityError::SeveralRequests`], [`SecurityError::NoPermissions`], [`SecurityError::UserExists`], or
    /// nothing can be changed or saved.
    pub fn decide(&self, id: &str, decision: Decision, now: SystemTime) -> Result<Decided, SecurityError> {
        self.changeable()?;
        // Kept until it is done: nobody else decides about the same request.
        let mut requests = self.requests();
        requests.expire(now);
        // Names are the clients' choice: a device may have taken that of a person, or over a stream the id of somebody's request.
        let is_meant = |pending: &Pending| *pending.request.identifier == *id || pending.request.request_id == id;
        let mut meant = requests.pending.iter().enumerate().filter(|(_, pending)| is_meant(pending));
        let at = match (meant.next(), meant.next()) {
            (None, _) => return Err(SecurityError::UnknownRequest),
            (Some((at, _)), None) => at,
            (Some(_), Some(_)) => return Err(SecurityError::SeveralRequests),
        };
        let Pending { request, hash } = &requests.pending[at];
        let (granted, token) = match decision {
            Decision::Denied => (None, None),
            Decision::Approved { permissions, expiration, config } => {
                let level = request.permissions.or(permissions).ok_or(SecurityError::NoPermissions)?;
                let token = match request.requester {
                    Requester::Device => Some(self.approve_device(request, level, expiration, config, now)?),
                    Requester::User => {
                        self.approve_user(&request.identifier, hash.clone(), level, now)?;
                        None
                    }
                };
                (Some(level), token)
            }
        };
        let Pending { request, .. } = requests.pending.remove(at);
        Ok(Decided { request, permissions: granted, token })
    }

    fn approve_device(
        &self,
        request: &AccessRequest,
        level: Level,
        expiration: Option<Expiration>,
        config: Option<Value>,
        now: SystemTime,
    ) -> Result<Token, SecurityError> {
        let id = &request.identifier;
        self.change(|file, snapshot| {
            let before = entry(file, "devices", "clientId", id);
            let changed = match before {
                Some(device) => device.get(CREDENTIALS_CHANGED).and_then(Value::as_u64),
                None => Some(credentials_changed(None, now)),
            };
            let lifetime = expiration.unwrap_or(snapshot.policy.expiration).lifetime();
            let claims = new_claims(Subject::Device(id.clone()), changed, false)?;
            let (token, claims) = snapshot.issue(claims, lifetime, now);
            let device = entry_or_new(file, "devices", "clientId", id)?;
            device.insert("permissions".to_owned(), level.name().into());
            device.insert("description".to_owned(), request.description.as_str().into());
            let mut set = |key: &str, value: Option<Value>| match value {
                Some(value) => device.insert(key.to_owned(), value),
                None => device.shift_remove(key),
            };
            set("requestedPermissions", request.permissions.map(|level| level.name().into()));
            set("tokenExpiry", claims.expires.map(Value::from));
            set(CREDENTIALS_CHANGED, changed.map(Value::from));
            if config.is_some() {
                set("config", config);
            }
            Ok(token)
        })
    }

    fn approve_user(
        &self,
        name: &str,
        hash: Option<String>,
        level: Level,
        now: SystemTime,
    ) -> Result<(), SecurityError> {
        self.change(|file, snapshot| {
            if snapshot.user(name).is_some() || entry(file, "users", "username", name).is_some() {
                return Err(SecurityError::UserExists);
            }
            insert_user(file, name, hash, level, now)
        })
    }

    fn takes_requests(&self, allowed: impl Fn(&Policy) -> bool) -> Result<(), AccessError> {
        let snapshot = self.snapshot();
        match snapshot.mode {
            Mode::Open => Err(AccessError::NotAvailable),
            Mode::Unclaimed | Mode::Secured if allowed(&snapshot.policy) => Ok(()),
            Mode::Unclaimed | Mode::Secured | Mode::Locked => Err(AccessError::Off),
        }
    }

    fn keep_request(&self, request: AccessRequest, hash: Option<String>) -> Result<AccessRequest, AccessError> {
        let mut requests = self.requests();
        requests.check(request.requester, &request.identifier, request.address, request.at)?;
        requests.pending.push(Pending { request: request.clone(), hash });
        Ok(request)
    }

    fn requests(&self) -> MutexGuard<'_, AccessRequests> {
        // Whole between any two statements, also after a panic.
        self.inner().requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serialize for AccessRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut asked = Map::new();
        let id = match self.requester {
            Requester::Device => "clientId",
            Requester::User => "userId",
        };
        asked.insert(id.to_owned(), (*self.identifier).into());
        if self.requester == Requester::Device {
            asked.insert("description".to_owned(), self.description.as_str().into());
        }
        if let Some(level) = self.permissions {
            asked.insert("permissions".to_owned(), level.name().into());
        }
        let date = jiff::Timestamp::try_from(self.at).map(|date| format!("{date:.3}")).unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("requestId", &self.request_id)?;
        map.serialize_entry("accessIdentifier", &*self.identifier)?;
        map.serialize_entry("accessDescription", &self.description)?;
        if let Some(level) = self.permissions {
            map.serialize_entry("permissions", &level)?;
        }
        map.serialize_entry("requestedPermissions", &self.permissions.is_some())?;
        map.serialize_entry("ip", &self.address.to_canonical())?;
        map.serialize_entry("date", &date)?;
        map.serialize_entry("state", "PENDING")?;
        map.serialize_entry("clientRequest", &json!({"requestId": self.request_id, "accessRequest": asked}))?;
        map.end()
    }
}
