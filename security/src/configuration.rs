//! What security.json says (signalk-v1 §16).

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::acl::Acl;
use crate::expiration::Expiration;
use crate::level::Level;
use crate::password::PasswordHash;

/// The key of users and devices under which it is kept when tokens of them became invalid for the last time: milliseconds since 1970. It is
/// also what `gen` of a token has to be.
pub(crate) const CREDENTIALS_CHANGED: &str = "credentialsChanged";

/// The settings in force, the environment included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether visitors without a token may read.
    pub allow_readonly: bool,
    /// How long the tokens of logins are valid, and those of devices for which nothing else was said.
    pub expiration: Expiration,
    /// Whether visitors may ask for a user of their own.
    pub allow_new_user_registration: bool,
    /// Whether devices may ask for access.
    pub allow_device_access_requests: bool,
    /// `allowedCorsOrigins`: the origins whose pages may use the server with a visitor's cookie.
    pub allowed_cors_origins: Vec<String>,
}

/// security.json, understood. What is in it besides is kept in the file, not here.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    /// `None` when the file does not say.
    pub allow_readonly: Option<bool>,
    pub expiration: Expiration,
    pub allow_new_user_registration: Option<bool>,
    pub allow_device_access_requests: Option<bool>,
    pub allowed_cors_origins: Vec<String>,
    pub immutable: bool,
    pub secret_key: Option<Secret>,
    pub users: Vec<User>,
    pub devices: Vec<Device>,
    pub acl: Arc<Acl>,
    /// What is not as it should be, and how it is taken.
    pub problems: Vec<Problem>,
}

/// A text that is not shown.
pub(crate) struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub key: &'static str,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.reason)
    }
}

/// An entry of `users`.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub name: Arc<str>,
    /// `None` for a type that is not known: such a user may do nothing.
    pub level: Option<Level>,
    /// `None` for a user who can't log in.
    pub hash: Option<PasswordHash>,
    pub credentials_changed: Option<u64>,
    pub oidc: Option<Value>,
    /// Comes from the environment.
    pub fixed: bool,
}

impl User {
    /// Whether this user can log in and configure the server.
    pub fn can_administer(&self) -> bool {
        self.level == Some(Level::Admin) && self.hash.is_some()
    }
}

/// An entry of `devices`.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub client_id: Arc<str>,
    pub level: Option<Level>,
    pub credentials_changed: Option<u64>,
    /// The entry as it is.
    pub entry: Map<String, Value>,
}

impl Configuration {
    /// Understands the content of the file. What is wrong in a way that could let somebody in, or that makes it no security.json at all, is
    /// an error; other things are taken in the safe way, and told.
    pub fn parse(file: &Value) -> Result<Self, Problem> {
        let Value::Object(file) = file else {
            return Err(Problem { key: "security.json", reason: "it is no object".to_owned() });
        };
        let mut this = Self::default();
        this.allow_readonly = this.flag(file, "allow_readonly");
        this.allow_new_user_registration = this.flag(file, "allowNewUserRegistration");
        this.allow_device_access_requests = this.flag(file, "allowDeviceAccessRequests");
        this.immutable = this.flag(file, "immutableConfig").unwrap_or_default();
        match file.get("expiration") {
            None | Some(Value::Null) => {}
            Some(value) => match Expiration::from_json(value) {
                Ok(expiration) => this.expiration = expiration,
                Err(error) => this.problem("expiration", format!("{error}; 1d is used")),
            },
        }
        match file.get("allowedCorsOrigins") {
            None | Some(Value::Null) => {}
            Some(Value::String(origins)) => {
                let origins = origins.split(',').map(|origin| origin.trim().trim_end_matches('/'));
                this.allowed_cors_origins = origins.filter(|origin| !origin.is_empty()).map(str::to_owned).collect();
            }
            Some(_) => this.problem("allowedCorsOrigins", "it is no text; no origin is allowed".to_owned()),
        }
        match file.get("secretKey") {
            None | Some(Value::Null) => {}
            Some(Value::String(key)) if !key.is_empty() => this.secret_key = Some(Secret(key.clone())),
            Some(_) => this.problem("secretKey", "it is empty or no text; a new one is made".to_owned()),
        }
        this.read_users(file)?;
        this.read_devices(file)?;
        this.read_acls(file)?;
        Ok(this)
    }

    fn problem(&mut self, key: &'static str, reason: String) {
        self.problems.push(Problem { key, reason });
    }

    fn flag(&mut self, file: &Map<String, Value>, key: &'static str) -> Option<bool> {
        match file.get(key)? {
            Value::Null => None,
            Value::Bool(value) => Some(*value),
            _ => {
                self.problem(key, "it is neither true nor false; it counts as false".to_owned());
                Some(false)
            }
        }
    }

    fn read_users(&mut self, file: &Map<String, Value>) -> Result<(), Problem> {
        let wrong = |reason: &str| Problem { key: "users", reason: reason.to_owned() };
        for entry in list(file, "users").ok_or_else(|| wrong("it is no list"))? {
            let name = entry["username"].as_str().ok_or_else(|| wrong("an entry has no username"))?;
            if self.users.iter().any(|user| *user.name == *name) {
                self.problem("users", format!("there are two entries of {name:?}; the first one is used"));
                continue;
            }
            let level = self.level("users", name, &entry["type"]);
            let hash = match &entry["password"] {
                Value::Null => None,
                value => match PasswordHash::parse(value.as_str().unwrap_or_default()) {
                    Ok(hash) => Some(hash),
                    Err(reason) => {
                        self.problem("users", format!("{name:?} can't log in: {reason}; set a new password"));
                        None
                    }
                },
            };
            self.users.push(User {
                name: name.into(),
                level,
                hash,
                credentials_changed: entry[CREDENTIALS_CHANGED].as_u64(),
                oidc: entry.get("oidc").filter(|oidc| oidc.is_object()).cloned(),
                fixed: false,
            });
        }
        Ok(())
    }

    fn read_devices(&mut self, file: &Map<String, Value>) -> Result<(), Problem> {
        let wrong = |reason: &str| Problem { key: "devices", reason: reason.to_owned() };
        for entry in list(file, "devices").ok_or_else(|| wrong("it is no list"))? {
            let (Some(id), Value::Object(entry)) = (entry["clientId"].as_str(), entry) else {
                return Err(wrong("an entry has no clientId"));
            };
            if self.devices.iter().any(|device| *device.client_id == *id) {
                self.problem("devices", format!("there are two entries of {id:?}; the first one is used"));
                continue;
            }
            let level = self.level("devices", id, entry.get("permissions").unwrap_or(&Value::Null));
            let credentials_changed = entry.get(CREDENTIALS_CHANGED).and_then(Value::as_u64);
            self.devices.push(Device { client_id: id.into(), level, credentials_changed, entry: entry.clone() });
        }
        Ok(())
    }

    fn read_acls(&mut self, file: &Map<String, Value>) -> Result<(), Problem> {
        let acls = match file.get("acls") {
            None | Some(Value::Null) => return Ok(()),
            Some(acls) => acls,
        };
        let users: HashSet<&str> = self.users.iter().map(|user| &*user.name).collect();
        let problems = &mut self.problems;
        let acl = Acl::compile(acls, &users, |reason| problems.push(Problem { key: "acls", reason }))
            .map_err(|reason| Problem { key: "acls", reason })?;
        self.acl = Arc::new(acl);
        Ok(())
    }

    fn level(&mut self, key: &'static str, name: &str, value: &Value) -> Option<Level> {
        let level = value.as_str().and_then(Level::from_name);
        if level.is_none() {
            self.problem(key, format!("{name:?} has no known level ({value}), and may do nothing"));
        }
        level
    }
}

/// A list of the file; an absent one is empty.
fn list<'a>(file: &'a Map<String, Value>, key: &str) -> Option<&'a [Value]> {
    match file.get(key) {
        None | Some(Value::Null) => Some(&[]),
        Some(value) => value.as_array().map(Vec::as_slice),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_of_an_existing_installation_is_understood() {
        let file = json!({
            "allow_readonly": true, "expiration": "60d", "secretKey": "00ff", "immutableConfig": false,
            "allowedCorsOrigins": "https://a.example, http://b.example:8080/,", "future": {"kept": 1},
            "users": [
                {"username": "admin", "type": "admin", "password": "$2b$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
                {"username": "crew", "type": "readonly"},
            ],
            "devices": [{"clientId": "d", "permissions": "readwrite", "description": "Sensor"}],
            "acls": [],
        });
        let read = Configuration::parse(&file).expect("understood");
        assert_eq!(read.problems, []);
        assert_eq!(read.allowed_cors_origins, ["https://a.example", "http://b.example:8080"]);
        assert_eq!((read.allow_readonly, read.allow_new_user_registration), (Some(true), None));
        assert_eq!(read.users[0].level, Some(Level::Admin));
        assert!(read.users[0].hash.is_some() && read.users[1].hash.is_none());
        assert_eq!(read.devices[0].level, Some(Level::ReadWrite));
        let shown = format!("{read:?}");
        assert!(!shown.contains("00ff") && !shown.contains("E5YPO9k"), "{shown}");
    }

    #[test]
    fn what_is_odd_is_taken_in_the_safe_way_and_told() {
        let file = json!({
            "allow_readonly": "yes", "expiration": "soon", "secretKey": "", "allowedCorsOrigins": ["*"],
            "users": [
                {"username": "a", "type": "root", "password": "plain"}, {"username": "a", "type": "admin"},
            ],
            "devices": [{"clientId": "d"}, {"clientId": "d", "permissions": "admin"}],
        });
        let read = Configuration::parse(&file).expect("understood");
        assert_eq!((read.allow_readonly, read.expiration), (Some(false), Expiration::default()));
        assert!(read.secret_key.is_none() && read.allowed_cors_origins.is_empty());
        assert_eq!((read.users.len(), read.users[0].level, read.devices[0].level), (1, None, None));
        assert!(read.users[0].hash.is_none());
        let keys: Vec<_> = read.problems.iter().map(|problem| problem.key).collect();
        assert_eq!(
            keys,
            [
                "allow_readonly",
                "expiration",
                "allowedCorsOrigins",
                "secretKey",
                "users",
                "users",
                "users",
                "devices",
                "devices"
            ]
        );
        assert!(!format!("{:?}", read.problems).contains("plain\""), "no password is shown");
    }

    #[test]
    fn what_is_no_security_json_is_refused() {
        for (file, key) in [
            (json!([]), "security.json"),
            (json!({"users": {}}), "users"),
            (json!({"users": [{"type": "admin"}]}), "users"),
            (json!({"users": ["admin"]}), "users"),
            (json!({"devices": "none"}), "devices"),
            (json!({"devices": [{}]}), "devices"),
            (json!({"acls": {"context": "*"}}), "acls"),
            (json!({"acls": [{"context": "*"}]}), "acls"),
        ] {
            assert_eq!(Configuration::parse(&file).map(|_| ()).expect_err(key).key, key, "{file}");
        }
    }
}
