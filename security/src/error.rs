//! What can go wrong.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use windlass_store::ChangeError;

use crate::expiration::ExpirationError;
use crate::level::Level;

/// Why a token, or the lack of one, lets nobody in. HTTP answers 401 `bad auth token` to all but [`AuthError::NoToken`], which is 401
/// `Unauthorized` (signalk-v1 §8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is no JSON Web Token of the kind that this server makes.
    #[error("the token can't be read")]
    Malformed,
    /// Somebody else has signed it, or it was changed.
    #[error("the token was not signed by this server")]
    BadSignature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its user has logged out.
    #[error("the token was logged out")]
    Revoked,
    /// The user or device is gone.
    #[error("the user or device of the token does not exist any more")]
    Gone,
    /// It is older than the password of its user.
    #[error("the token is older than the last change of the password")]
    Outdated,
    /// There is no token, and reading without one is not allowed (any more).
    #[error("a token is needed")]
    NoToken,
    /// security.json is damaged: nobody is let in.
    #[error("security.json is damaged, so that nobody can be let in; correct the file on the server")]
    Locked,
}

/// Why a login fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// No such user, another password, or a user without one: it is not said which.
    #[error("Invalid username/password")]
    WrongCredentials,
    /// Too many logins from this address, or in all.
    #[error("Too many login attempts from this IP, please try again later")]
    TooMany {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// The server runs open: there is nothing to log in to. HTTP answers 404, the stream nothing.
    #[error("the server runs without security; there are no users")]
    Off,
    /// security.json is damaged.
    #[error("security.json is damaged, so that nobody can log in; correct the file on the server")]
    Locked,
    /// The operating system gives no randomness, so that no token can be made.
    #[error("the operating system gives no random numbers")]
    Randomness,
}

/// Why something of the security settings can't be read or changed. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// A file is there but can't be read at all.
    #[error("{path} can't be read: {source}; give the server the right to read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk refuses.
    #[error(
        "{path} can't be saved: {source}; make the configuration directory writable and see that the disk has room"
    )]
    Unsaved {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is on the disk now can't be used.
    #[error("{path} is damaged ({reason}); correct the file, then try again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system gives no randomness.
    #[error("the operating system gives no random numbers: {0}")]
    Randomness(String),
    /// An environment variable has a value that can't be used. The value itself is not told: it may be a secret.
    #[error("the environment variable {name} can't be used: {reason}")]
    Environment {
        /// The variable.
        name: &'static str,
        /// What it has to be.
        reason: String,
    },
    /// The server runs open.
    #[error("the server runs without security, as it was told to; start it without --insecure to set up users")]
    Open,
    /// security.json is damaged.
    #[error("security.json is damaged, so that nothing can be changed; correct the file on the server")]
    Locked,
    /// `immutableConfig` is on.
    #[error("the security settings can't be changed: immutableConfig is on in security.json")]
    Immutable,
    /// The environment decides this.
    #[error("this is fixed by the environment variable {0} and can't be changed here")]
    FixedByEnvironment(&'static str),
    /// There is an admin already.
    #[error("Security already enabled")]
    AlreadyClaimed,
    /// The claim code is another.
    #[error("that is not the code that the server shows on its console")]
    WrongCode,
    /// Too many tries, or too many password checks at once.
    #[error("too many tries; try again in {} s", retry_after.as_secs())]
    TooMany {
        /// When it makes sense to try again.
        retry_after: Duration,
    },
    /// User name and password do not belong together, or the user is no admin.
    #[error("Invalid username or password")]
    WrongCredentials,
    /// There is no `security.json.disabled`.
    #[error("No security backup found")]
    NoBackup,
    /// A name that can't be used for a user.
    #[error("{0:?} can't be a user name: {1}")]
    BadName(String, &'static str),
    /// A password that is too short or too long.
    #[error("userId or password missing or too short: a password has 8 to 1024 characters")]
    BadPassword,
    /// There is such a user.
    #[error("User already exists")]
    UserExists,
    /// There is no such user.
    #[error("there is no user of that name")]
    UnknownUser,
    /// There is no such device.
    #[error("there is no device with that client id")]
    UnknownDevice,
    /// There is no such request, or not any more.
    #[error("there is no pending access request with that id")]
    UnknownRequest,
    /// A device and a person ask under the same name.
    #[error("several pending access requests go by that name; name the one that is meant by its requestId")]
    SeveralRequests,
    /// Afterwards nobody could administer the server.
    #[error("this is the last admin who can log in; make another one first")]
    LastAdmin,
    /// A level is needed to approve a request that names none.
    #[error("name the permissions to give: {}, {} or {}", Level::ReadOnly, Level::ReadWrite, Level::Admin)]
    NoPermissions,
    /// The lifetime of tokens can't be read.
    #[error(transparent)]
    Expiration(#[from] ExpirationError),
    /// A setting has a value that it can't have.
    #[error("{key} of the security settings can't be used: {reason}")]
    BadSetting {
        /// The key in security.json.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

impl From<ChangeError<SecurityError>> for SecurityError {
    fn from(error: ChangeError<SecurityError>) -> Self {
        match error {
            ChangeError::Damaged { path, reason } => Self::Damaged { path, reason },
            ChangeError::Unsaved { path, source } => Self::Unsaved { path, source },
            ChangeError::Refused(error) => error,
        }
    }
}
