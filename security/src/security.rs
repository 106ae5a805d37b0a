//! The handle that everything else asks: who is this, and what may they do?

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use crate::access_requests::AccessRequests;
use crate::acl::Acl;
use crate::changes::{Changing, Files};
use crate::claim::ClaimCode;
use crate::configuration::{Policy, User};
use crate::error::{AuthError, LoginError, SecurityError};
use crate::level::{Level, Principal};
use crate::options::SecurityOptions;
use crate::password::{Gate, MAX_PASSWORD_BYTES, PasswordHash};
use crate::rate_limit::RateLimit;
use crate::session::{Login, Session};
use crate::snapshot::Snapshot;
use crate::token::{Claims, SigningKey, Subject, hex, random, seconds};

/// Wrong claim codes of an address in a minute.
const WRONG_CODES: u32 = 5;

/// Takes the place of a user's hash when there are no users, so that a login takes as long. No password belongs to it.
static NOBODYS_HASH: LazyLock<PasswordHash> = LazyLock::new(|| {
    PasswordHash::parse(
        "$argon2id$v=19$m=19456,t=2,p=1$d2luZGxhc3Mgbm9ib2R5$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    )
    .expect("a well-formed hash")
});

/// What the server is for everybody (docs/security.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everybody may do everything.
    Open,
    /// There are no users: everybody may read, until an admin claims the server.
    Unclaimed,
    /// There are users.
    Secured,
    /// security.json is damaged and there is no earlier version: nobody may do anything.
    Locked,
}

/// Users, devices, tokens and permissions of a server. Clones are cheap and share everything.
///
/// Asking is cheap and takes no lock, except for what an admin sees ([`Security::config`], [`Security::claim_code`]), which waits for a
/// change that is being saved. [`Security::login`] and everything that returns a [`SecurityError`] hash passwords or wait for the
/// disk and belong on threads that may block. Each change is on the disk before the call returns; one that can't be saved is none.
#[derive(Clone)]
pub struct Security(Arc<Inner>);

pub(crate) struct Inner {
    /// Why the server is open, if it is.
    pub open: Option<String>,
    pub options: SecurityOptions,
    /// The admin of the environment, with a hash of the password.
    pub fixed_admin: Option<User>,
    /// `None` when the server is open.
    pub files: Option<Files>,
    pub problems: Vec<String>,
    /// What signs tokens as long as the file has no `secretKey`.
    pub new_secret: String,
    pub snapshot: ArcSwap<Snapshot>,
    pub revision: AtomicU64,
    pub changing: Mutex<Changing>,
    pub requests: Mutex<AccessRequests>,
    pub gate: Gate,
    pub logins: RateLimit,
    pub wrong_codes: RateLimit,
}

impl Inner {
    /// Without users, files and environment.
    pub fn new(snapshot: Snapshot, options: SecurityOptions) -> Self {
        Self {
            open: None,
            fixed_admin: None,
            files: None,
            problems: Vec::new(),
            new_secret: String::new(),
            snapshot: ArcSwap::from_pointee(snapshot),
            revision: AtomicU64::new(0),
            changing: Mutex::new(Changing { file: Value::Object(Map::new()), claim_code: None }),
            requests: Mutex::default(),
            gate: Gate::default(),
            logins: RateLimit::new(options.rate_limits.login, options.rate_limits.window),
            wrong_codes: RateLimit::new(WRONG_CODES, Duration::from_secs(60)),
            options,
        }
    }
}

impl Security {
    /// A server without security: everybody may do everything. `reason` is what has made it so (`--insecure`), for the log and the pages.
    pub fn open(reason: impl Into<String>) -> Self {
        let inner = Inner::new(Snapshot::empty(Mode::Open), SecurityOptions::default());
        Self::from_inner(Inner { open: Some(reason.into()), ..inner })
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// What is in force now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// Puts something else in force, and lets everybody know.
    pub(crate) fn replace(&self, snapshot: Snapshot) {
        self.0.snapshot.store(Arc::new(snapshot));
        self.0.revision.fetch_add(1, Ordering::Release);
    }

    /// What the server is for everybody now.
    pub fn mode(&self) -> Mode {
        self.0.snapshot.load().mode
    }

    /// Why the server is open, if it is.
    pub fn open_reason(&self) -> Option<&str> {
        self.0.open.as_deref()
    }

    /// What was not as it should be when the files were read, in words for the log.
    pub fn problems(&self) -> &[String] {
        &self.0.problems
    }

    /// The settings in force.
    pub fn policy(&self) -> Policy {
        self.0.snapshot.load().policy.clone()
    }

    /// The ACLs in force. Keep them for a batch of values; ask again when [`Security::revision`] has changed.
    pub fn acl(&self) -> Arc<Acl> {
        self.0.snapshot.load().acl.clone()
    }

    /// Grows with each change of users, devices, settings, ACLs and logged-out tokens. A connection that lives longer than a request
    /// compares it, and when it has changed, asks [`Security::check`] and [`Security::acl`] again.
    pub fn revision(&self) -> u64 {
        self.0.revision.load(Ordering::Acquire)
    }

    /// The code with which the server can be claimed, for the console and nothing else. `None` when there is an admin who can log in, on an
    /// open server, and on a locked one.
    pub fn claim_code(&self) -> Option<String> {
        self.changing().claim_code.as_ref().map(ClaimCode::text)
    }

    /// Logins refused by the rate limit since the start.
    pub fn logins_refused(&self) -> u64 {
        self.0.logins.refused()
    }

    /// Who it is that brings this token, or none.
    ///
    /// Without a token: [`Principal::Anonymous`] where everybody may read, else [`Principal::Nobody`], who may use what needs nothing. On an
    /// open server everybody is [`Principal::Anybody`], whatever the token.
    ///
    /// # Errors
    /// There is a token, but it lets nobody in. It is an error also where visitors without a token may read (SK-134).
    pub fn authenticate(&self, token: Option<&str>, now: SystemTime) -> Result<Session, AuthError> {
        let snapshot = self.0.snapshot.load();
        if snapshot.mode == Mode::Open {
            return Ok(Session::without_token(Principal::Anybody));
        }
        let Some(token) = token else {
            let principal = if snapshot.is_readable() { Principal::Anonymous } else { Principal::Nobody };
            return Ok(Session::without_token(principal));
        };
        if snapshot.mode == Mode::Locked {
            return Err(AuthError::Locked);
        }
        let claims = snapshot.key.verify(token)?;
        let principal = snapshot.admit(&claims, now)?;
        Ok(Session { principal, claims: Some(claims) })
    }

    /// Whether a session is still good, for connections that live longer than a request.
    ///
    /// # Errors
    /// Why it is not. [`AuthError::NoToken`] for visitors without a token where reading is not allowed (any more), [`Principal::Nobody`]
    /// among them.
    pub fn check(&self, session: &Session, now: SystemTime) -> Result<(), AuthError> {
        let snapshot = self.0.snapshot.load();
        match (&session.claims, &session.principal) {
            (Some(claims), _) => snapshot.admit(claims, now).map(|_| ()),
            (None, Principal::Anybody) if snapshot.mode == Mode::Open => Ok(()),
            (None, Principal::Anonymous) if snapshot.is_readable() => Ok(()),
            _ => Err(AuthError::NoToken),
        }
    }

    /// The level that somebody has now; `None` for those who may do nothing. As long as the server is unclaimed, nobody has more than
    /// [`Level::ReadOnly`].
    pub fn level_of(&self, principal: &Principal) -> Option<Level> {
        let snapshot = self.0.snapshot.load();
        let level = match principal {
            Principal::User(name) => snapshot.user(name)?.level?,
            Principal::Device(id) => snapshot.device(id)?.level?,
            Principal::Anonymous => snapshot.is_readable().then_some(Level::ReadOnly)?,
            Principal::Nobody => return None,
            Principal::Anybody => (snapshot.mode == Mode::Open).then_some(Level::Admin)?,
        };
        Some(if snapshot.mode == Mode::Unclaimed { level.min(Level::ReadOnly) } else { level })
    }

    /// Whether somebody may read, the ACLs apart.
    pub fn may_read(&self, principal: &Principal) -> bool {
        self.level_of(principal).is_some()
    }

    /// Whether somebody may PUT, send deltas and change resources, the ACLs apart.
    pub fn may_write(&self, principal: &Principal) -> bool {
        self.level_of(principal) >= Some(Level::ReadWrite)
    }

    /// Whether somebody may configure the server.
    pub fn is_admin(&self, principal: &Principal) -> bool {
        self.level_of(principal) == Some(Level::Admin)
    }

    /// Logs a user in. Blocks for tens of milliseconds or longer: call it on a thread that may.
    ///
    /// Each address has a number of tries in a window of time, successful or not, by HTTP and stream together. Whether the user exists
    /// can't be seen from the answer nor from its time: the hash of some user is computed in any case.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub fn login(
        &self,
        address: IpAddr,
        username: &str,
        password: &str,
        remember: bool,
        now: SystemTime,
    ) -> Result<Login, LoginError> {
        match self.mode() {
            Mode::Open => return Err(LoginError::Off),
            Mode::Locked => return Err(LoginError::Locked),
            Mode::Unclaimed | Mode::Secured => {}
        }
        let too_many = |retry_after| LoginError::TooMany { retry_after };
        self.0.logins.take(address, now).map_err(too_many)?;
        let snapshot = self.0.snapshot.load_full();
        let user = self.verify(&snapshot.users, &snapshot.key, username, password).map_err(too_many)?;
        let (user, level) = user.and_then(|user| Some((user, user.level?))).ok_or(LoginError::WrongCredentials)?;
        let claims = new_claims(Subject::User(user.name.clone()), user.credentials_changed, remember);
        let claims = claims.map_err(|_| LoginError::Randomness)?;
        Ok(snapshot.login(claims, snapshot.policy.expiration.lifetime(), level, now))
    }

    /// The user whom name and password belong to. Hashes something in any case, of the same cost as for a user who exists.
    ///
    /// # Errors
    /// Too many passwords are being verified: when to try again.
    pub(crate) fn verify<'a>(
        &self,
        users: &'a [User],
        key: &SigningKey,
        username: &str,
        password: &str,
    ) -> Result<Option<&'a User>, Duration> {
        let username = username.trim();
        if password.len() > MAX_PASSWORD_BYTES {
            return Ok(None);
        }
        let user = users.iter().find(|user| *user.name == *username);
        let hash = user.and_then(|user| user.hash.as_ref());
        // A name that nobody has always meets the same user's hash, as if it were that of somebody.
        let others: Vec<_> = users.iter().filter_map(|user| user.hash.as_ref()).collect();
        let place = key.number("unknown user", username) % others.len().max(1) as u64;
        let decoy = others.get(place as usize).copied().unwrap_or(&NOBODYS_HASH);
        let matches = self.0.gate.pass(|| hash.unwrap_or(decoy).verify(password))?;
        Ok(user.filter(|_| matches && hash.is_some()))
    }

    /// A new token for a user whose token is past half of its life, to be set as cookie (SK-150). `None` for everybody else, and for a
    /// session that is not good any more. The new one lives as long as the old one did, and ends with it when the user logs out.
    pub fn renew(&self, session: &Session, now: SystemTime) -> Option<Login> {
        let snapshot = self.0.snapshot.load();
        let claims = session.claims.as_ref()?;
        let (issued, expires) = (claims.issued?, claims.expires?);
        let lifetime = expires.checked_sub(issued).filter(|lifetime| *lifetime > 0)?;
        if seconds(now) < issued.saturating_add(lifetime / 2) {
            return None;
        }
        let Principal::User(name) = snapshot.admit(claims, now).ok()? else { return None };
        let user = snapshot.user(&name)?;
        let claims = Claims { generation: Some(user.credentials_changed.unwrap_or_default()), ..claims.clone() };
        Some(snapshot.login(claims, Some(Duration::from_secs(lifetime)), user.level?, now))
    }

    /// Ends the session of a token, with all renewals of it. A token that lets nobody in needs no ending. Saves a file.
    ///
    /// # Errors
    /// The list of logged-out tokens can't be saved; the token is still good then.
    pub fn logout(&self, token: &str, now: SystemTime) -> Result<(), SecurityError> {
        let Some(files) = &self.0.files else { return Ok(()) };
        let _changing = self.changing();
        let snapshot = self.snapshot();
        let Ok(claims) = snapshot.key.verify(token) else { return Ok(()) };
        if snapshot.admit(&claims, now).is_err() {
            return Ok(());
        }
        let revocations = snapshot.revocations.with(&claims, seconds(now), |subject| snapshot.knows(subject));
        files
            .revoked
            .save(&revocations.to_json())
            .map_err(|source| SecurityError::Unsaved { path: files.revoked.path().to_owned(), source })?;
        self.replace(Snapshot::clone(&snapshot).with_revocations(revocations));
        Ok(())
    }
}

/// The claims of a new session. Its times are set when it is signed.
pub(crate) fn new_claims(
    subject: Subject,
    credentials_changed: Option<u64>,
    remember: bool,
) -> Result<Claims, SecurityError> {
    let session = hex(&random::<16>()?);
    let generation = Some(credentials_changed.unwrap_or_default());
    Ok(Claims { subject, issued: None, expires: None, remember, session, generation })
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.0.snapshot.load();
        f.debug_struct("Security")
            .field("mode", &snapshot.mode)
            .field("users", &snapshot.users.len())
            .field("devices", &snapshot.devices.len())
            .field("revision", &self.revision())
            .finish_non_exhaustive()
    }
}
