//! Everything that is in force at a moment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::acl::Acl;
use crate::configuration::{Configuration, Device, Policy, User};
use crate::error::AuthError;
use crate::expiration::Expiration;
use crate::level::{Level, Principal};
use crate::options::SecurityOptions;
use crate::revocation::Revocations;
use crate::security::Mode;
use crate::session::{Login, Session, Token};
use crate::token::{Claims, SigningKey, Subject, seconds};

/// Immutable, so that asking takes no lock: each change makes another one.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub mode: Mode,
    pub policy: Policy,
    pub users: Vec<User>,
    pub devices: Vec<Device>,
    pub immutable: bool,
    pub acl: Arc<Acl>,
    pub key: Arc<SigningKey>,
    pub revocations: Arc<Revocations>,
    user_index: HashMap<Arc<str>, usize>,
    device_index: HashMap<Arc<str>, usize>,
}

impl Snapshot {
    /// Nobody is known; the mode says what that means.
    pub fn empty(mode: Mode) -> Self {
        Self {
            mode,
            policy: Policy {
                allow_readonly: false,
                expiration: Expiration::default(),
                allow_new_user_registration: false,
                allow_device_access_requests: false,
                allowed_cors_origins: Vec::new(),
            },
            users: Vec::new(),
            devices: Vec::new(),
            immutable: false,
            acl: Arc::default(),
            key: Arc::new(SigningKey::new("")),
            revocations: Arc::default(),
            user_index: HashMap::new(),
            device_index: HashMap::new(),
        }
    }

    /// What the file and the environment say together. `fixed_admin` takes the place of the user of that name.
    pub fn new(
        configuration: Configuration,
        options: &SecurityOptions,
        fixed_admin: Option<User>,
        key: SigningKey,
        revocations: Arc<Revocations>,
    ) -> Self {
        let mut users = configuration.users;
        if let Some(admin) = fixed_admin {
            users.retain(|user| user.name != admin.name);
            users.push(admin);
        }
        let mode = if users.is_empty() { Mode::Unclaimed } else { Mode::Secured };
        let index = |names: Vec<Arc<str>>| names.into_iter().enumerate().map(|(at, name)| (name, at)).collect();
        let or = |fixed: Option<bool>, file: Option<bool>, default| fixed.or(file).unwrap_or(default);
        Self {
            mode,
            policy: Policy {
                // A new server shows its data until somebody decides otherwise; one with users does not.
                allow_readonly: or(options.allow_readonly, configuration.allow_readonly, mode == Mode::Unclaimed),
                expiration: configuration.expiration,
                allow_new_user_registration: or(
                    options.allow_new_user_registration,
                    configuration.allow_new_user_registration,
                    true,
                ),
                allow_device_access_requests: or(
                    options.allow_device_access_requests,
                    configuration.allow_device_access_requests,
                    true,
                ),
                allowed_cors_origins: configuration.allowed_cors_origins,
            },
            user_index: index(users.iter().map(|user| user.name.clone()).collect()),
            device_index: index(configuration.devices.iter().map(|device| device.client_id.clone()).collect()),
            users,
            devices: configuration.devices,
            immutable: configuration.immutable,
            acl: configuration.acl,
            key: Arc::new(key),
            revocations,
        }
    }

    /// The same, with other tokens logged out.
    pub fn with_revocations(self, revocations: Revocations) -> Self {
        Self { revocations: Arc::new(revocations), ..self }
    }

    pub fn user(&self, name: &str) -> Option<&User> {
        self.user_index.get(name).map(|at| &self.users[*at])
    }

    pub fn device(&self, client_id: &str) -> Option<&Device> {
        self.device_index.get(client_id).map(|at| &self.devices[*at])
    }

    /// Whether visitors without a token may read.
    pub fn is_readable(&self) -> bool {
        match self.mode {
            Mode::Open => true,
            Mode::Locked => false,
            Mode::Unclaimed | Mode::Secured => self.policy.allow_readonly,
        }
    }

    /// Whether somebody can administer the server.
    pub fn has_admin(&self) -> bool {
        self.users.iter().any(User::can_administer)
    }

    /// Whether the subject of a revoked token is still there.
    pub fn knows(&self, subject: &str) -> bool {
        match subject.split_once(':') {
            Some(("user", name)) => self.user(name).is_some(),
            Some(("device", id)) => self.device(id).is_some(),
            _ => false,
        }
    }

    /// Who the claims of a verified token let in now.
    pub fn admit(&self, claims: &Claims, now: SystemTime) -> Result<Principal, AuthError> {
        if self.mode == Mode::Locked {
            return Err(AuthError::Locked);
        }
        if claims.expires.is_some_and(|expires| expires <= seconds(now)) {
            return Err(AuthError::Expired);
        }
        let (changed, fixed, principal) = match &claims.subject {
            Subject::User(name) => {
                let user = self.user(name).ok_or(AuthError::Gone)?;
                (user.credentials_changed, user.fixed, Principal::User(user.name.clone()))
            }
            Subject::Device(id) => {
                let device = self.device(id).ok_or(AuthError::Gone)?;
                (device.credentials_changed, false, Principal::Device(device.client_id.clone()))
            }
        };
        let current = match (claims.generation, changed) {
            (Some(generation), changed) => generation == changed.unwrap_or_default(),
            // Tokens of another server with the same key say only in which second they were made; it has to be a later one.
            (None, Some(changed)) => fixed || claims.issued.is_some_and(|issued| issued.saturating_mul(1000) > changed),
            (None, None) => true,
        };
        if !current {
            return Err(AuthError::Outdated);
        }
        if self.revocations.covers(claims) { Err(AuthError::Revoked) } else { Ok(principal) }
    }

    /// Signs a token for these claims, valid from now on; the times in them are set here.
    pub fn issue(&self, mut claims: Claims, lifetime: Option<Duration>, now: SystemTime) -> (Token, Claims) {
        let issued = seconds(now);
        // All tokens up to some second may have been ended: this one has to be younger.
        let ended = self.revocations.ended_until(&claims.subject).map_or(0, |second| second.saturating_add(1));
        claims.issued = Some(issued.max(ended));
        claims.expires = lifetime.map(|lifetime| issued.max(ended).saturating_add(lifetime.as_secs()));
        (self.key.sign(&claims), claims)
    }

    /// As [`Snapshot::issue`], for a user.
    pub fn login(&self, claims: Claims, lifetime: Option<Duration>, level: Level, now: SystemTime) -> Login {
        let (token, claims) = self.issue(claims, lifetime, now);
        let (Subject::User(name) | Subject::Device(name)) = claims.subject.clone();
        Login {
            token,
            time_to_live: lifetime,
            level,
            user: name.to_string(),
            remember: claims.remember,
            session: Session { principal: Principal::User(name), claims: Some(claims) },
        }
    }
}
