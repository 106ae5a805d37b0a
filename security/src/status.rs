//! The answer to `GET /skServer/loginStatus` (server-admin-api §2).

use serde::Serialize;

use crate::level::{Level, Principal};
use crate::security::{Mode, Security};

/// Whether somebody is logged in, and what a login page needs to know. Serializes as the answer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginStatus {
    /// `loggedIn` or `notLoggedIn`
    pub status: &'static str,
    /// Visitors without a token may read.
    pub read_only_access: bool,
    /// False only for an open server.
    pub authentication_required: bool,
    /// Absent on an open server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_new_user_registration: Option<bool>,
    /// Absent on an open server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_device_access_requests: Option<bool>,
    /// Only when logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_level: Option<Level>,
    /// Only when logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// True when there are no users: the server waits to be claimed. Otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_users: Option<bool>,
    /// Always false: security takes effect without a restart.
    pub security_was_enabled: bool,
}

impl Security {
    /// The login status of somebody. Answers everybody, also in [`Mode::Locked`].
    pub fn login_status(&self, principal: &Principal) -> LoginStatus {
        let mode = self.mode();
        let policy = (mode != Mode::Open).then(|| self.policy());
        let user = match principal {
            Principal::User(name) | Principal::Device(name) if mode != Mode::Open => Some(name.to_string()),
            _ => None,
        };
        LoginStatus {
            status: if user.is_some() { "loggedIn" } else { "notLoggedIn" },
            read_only_access: policy.as_ref().is_some_and(|policy| policy.allow_readonly),
            authentication_required: mode != Mode::Open,
            allow_new_user_registration: policy.as_ref().map(|policy| policy.allow_new_user_registration),
            allow_device_access_requests: policy.as_ref().map(|policy| policy.allow_device_access_requests),
            user_level: user.as_ref().and_then(|_| self.level_of(principal)),
            username: user,
            no_users: (mode == Mode::Unclaimed).then_some(true),
            security_was_enabled: false,
        }
    }
}
