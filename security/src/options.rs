//! What the environment fixes.

use std::fmt;

use crate::error::SecurityError;
use crate::rate_limit::RateLimits;

/// What comes from outside of security.json and wins over it (signalk-v1 §16). It can't be changed by requests and is not saved.
#[derive(Clone, Default)]
pub struct SecurityOptions {
    /// `ADMINUSER=<user>:<password>`: an admin that is always there.
    pub admin: Option<Admin>,
    /// `SECRETKEY`: what tokens are signed with.
    pub secret_key: Option<String>,
    /// `ALLOW_READONLY`
    pub allow_readonly: Option<bool>,
    /// `ALLOW_NEW_USER_REGISTRATION`
    pub allow_new_user_registration: Option<bool>,
    /// `ALLOW_DEVICE_ACCESS_REQUESTS`
    pub allow_device_access_requests: Option<bool>,
    /// `HTTP_RATE_LIMITS`; that of logins is applied here, the others are for the HTTP server.
    pub rate_limits: RateLimits,
}

/// The admin of `ADMINUSER`.
#[derive(Clone)]
pub struct Admin {
    /// The user name.
    pub name: String,
    /// The password, as it is.
    pub password: String,
}

impl SecurityOptions {
    /// From environment variables, by a function that gives the value of one. Empty ones count as unset.
    ///
    /// # Errors
    /// [`SecurityError::Environment`] names the variable that can't be used.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SecurityError> {
        let text = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let flag = |name: &'static str| match text(name).as_deref().map(str::trim) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(SecurityError::Environment { name, reason: "write true or false".to_owned() }),
        };
        let admin = match text("ADMINUSER") {
            None => None,
            Some(value) => match value.split_once(':') {
                Some((name, password)) if !name.trim().is_empty() && !password.is_empty() => {
                    Some(Admin { name: name.trim().to_owned(), password: password.to_owned() })
                }
                _ => {
                    let reason = "write <user>:<password>".to_owned();
                    return Err(SecurityError::Environment { name: "ADMINUSER", reason });
                }
            },
        };
        let rate_limits = match text("HTTP_RATE_LIMITS") {
            None => RateLimits::default(),
            Some(limits) => limits
                .parse()
                .map_err(|error| SecurityError::Environment { name: "HTTP_RATE_LIMITS", reason: format!("{error}") })?,
        };
        Ok(Self {
            admin,
            secret_key: text("SECRETKEY").map(|key| key.trim().to_owned()),
            allow_readonly: flag("ALLOW_READONLY")?,
            allow_new_user_registration: flag("ALLOW_NEW_USER_REGISTRATION")?,
            allow_device_access_requests: flag("ALLOW_DEVICE_ACCESS_REQUESTS")?,
            rate_limits,
        })
    }
}

impl fmt::Debug for SecurityOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityOptions")
            .field("admin", &self.admin)
            .field("secret_key", &self.secret_key.as_ref().map(|_| "hidden"))
            .field("allow_readonly", &self.allow_readonly)
            .field("allow_new_user_registration", &self.allow_new_user_registration)
            .field("allow_device_access_requests", &self.allow_device_access_requests)
            .field("rate_limits", &self.rate_limits)
            .finish()
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Result<SecurityOptions, SecurityError> {
        SecurityOptions::from_environment(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read() {
        let options = from(&[
            ("ADMINUSER", "skipper:pass:word"),
            ("SECRETKEY", "0123"),
            ("ALLOW_READONLY", "false"),
            ("ALLOW_NEW_USER_REGISTRATION", ""),
            ("ALLOW_DEVICE_ACCESS_REQUESTS", "true"),
            ("HTTP_RATE_LIMITS", "login=3"),
        ])
        .expect("options");
        let admin = options.admin.as_ref().expect("an admin");
        assert_eq!((admin.name.as_str(), admin.password.as_str()), ("skipper", "pass:word"));
        assert_eq!((options.allow_readonly, options.allow_new_user_registration), (Some(false), None));
        assert_eq!((options.allow_device_access_requests, options.rate_limits.login), (Some(true), 3));
        let shown = format!("{options:?}");
        assert!(shown.contains("skipper") && !shown.contains("pass:word") && !shown.contains("0123"), "{shown}");
    }

    #[test]
    fn what_can_not_be_used_is_named_without_its_value() {
        for (name, value) in [
            ("ADMINUSER", "hunter2"),
            ("ADMINUSER", ":hunter2"),
            ("ADMINUSER", "hunter2:"),
            ("ALLOW_READONLY", "yes"),
            ("HTTP_RATE_LIMITS", "login=many"),
        ] {
            let error = from(&[(name, value)]).expect_err(value).to_string();
            assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
        }
    }
}
