//! What a token says once it has been verified, and what a login hands out.

use std::fmt;
use std::time::{Duration, SystemTime};

use crate::level::{Level, Principal};
use crate::token::{Claims, at};

/// A signed token. It is shown to its owner only: its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The JSON Web Token.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON Web Token.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// Somebody who has been let in, as one request or one connection. What they may do is asked with the principal, each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub(crate) principal: Principal,
    pub(crate) claims: Option<Claims>,
}

impl Session {
    pub(crate) fn without_token(principal: Principal) -> Self {
        Self { principal, claims: None }
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// When its token expires; `None` without a token and for one that does not expire.
    pub fn expires(&self) -> Option<SystemTime> {
        self.claims.as_ref()?.expires.map(at)
    }

    /// Whether the user wanted to stay logged in when the browser closes (`rememberMe`): its cookie then has a Max-Age.
    pub fn remember(&self) -> bool {
        self.claims.as_ref().is_some_and(|claims| claims.remember)
    }
}

/// A successful login, or its renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// What proves it from now on.
    pub token: Token,
    /// How long the token is valid; `None` for one that does not expire. `timeToLive` is this in seconds, or `null`.
    pub time_to_live: Option<Duration>,
    /// The level of the user now.
    pub level: Level,
    /// The name of the user.
    pub user: String,
    /// Whether the cookies of this login are to outlive the browser.
    pub remember: bool,
    /// The session that the token opens, as [`crate::Security::authenticate`] would say: for a stream that has logged in.
    pub session: Session,
}
