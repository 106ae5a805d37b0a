//! What admins see and change: users, devices and settings (server-admin-api §4).

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::configuration::{CREDENTIALS_CHANGED, Configuration, Device, User};
use crate::error::SecurityError;
use crate::expiration::Expiration;
use crate::level::{ANONYMOUS, Level};
use crate::security::{Mode, Security};

/// The longest name of a user and id of a device, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 128;
/// The longest description of a device, in bytes.
pub(crate) const MAX_DESCRIPTION_BYTES: usize = 1024;

/// Keys of security.json that are not read or changed as settings: they have calls of their own, or are secret.
const NO_SETTINGS: [&str; 4] = ["users", "devices", "secretKey", "oidc"];

/// A user, as an admin sees it. Serializes as an entry of `GET /skServer/security/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// The name.
    pub user_id: String,
    /// The level; absent when the file has one that is not known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Whether the user comes from an identity provider.
    #[serde(rename = "isOIDC")]
    pub is_oidc: bool,
    /// What the identity provider says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<OidcInfo>,
}

/// A user of an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OidcInfo {
    /// The identity provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A device with access. Serializes as an entry of `GET /skServer/security/devices`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceInfo {
    /// Its id.
    pub client_id: String,
    /// The level; absent when the file has one that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Level>,
    /// What it says it is, or what an admin has called it.
    pub description: String,
    /// What an admin has set when it was approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config: Option<Value>,
    /// The level that it asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_permissions: Option<Value>,
    /// When its token expires, in seconds since 1970; absent for one that does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_expiry: Option<u64>,
}

impl Security {
    /// All users, in the order of the file. Empty on an open server.
    pub fn users(&self) -> Vec<UserInfo> {
        let text = |oidc: &Value, key: &str| oidc[key].as_str().map(str::to_owned);
        let info = |user: &User| UserInfo {
            user_id: user.name.to_string(),
            level: user.level,
            is_oidc: user.oidc.is_some(),
            oidc: user.oidc.as_ref().map(|oidc| OidcInfo {
                issuer: text(oidc, "issuer"),
                email: text(oidc, "email"),
                name: text(oidc, "name"),
            }),
        };
        self.snapshot().users.iter().map(info).collect()
    }

    /// Adds a user. Without a password the user can't log in. Blocks.
    ///
    /// # Errors
    /// [`SecurityError::BadName`], [`SecurityError::BadPassword`], [`SecurityError::UserExists`]; [`SecurityError::TooMany`] when too many
    /// passwords are being hashed; or nothing can be changed or saved.
    pub fn add_user(
        &self,
        name: &str,
        password: Option<&str>,
        level: Level,
        now: SystemTime,
    ) -> Result<(), SecurityError> {
        self.changeable()?;
        let name = check_name(name)?;
        let hash = password.map(|password| self.hash(password)).transpose()?;
        self.change(|file, snapshot| {
            if snapshot.user(name).is_some_and(|user| user.fixed) || entry(file, "users", "username", name).is_some() {
                return Err(SecurityError::UserExists);
            }
            insert_user(file, name, hash, level, now)
        })
    }

    /// Changes the password of a user, the level, or both. A new password ends all sessions of the user (SK-143). Blocks.
    ///
    /// # Errors
    /// [`SecurityError::UnknownUser`], [`SecurityError::BadPassword`], [`SecurityError::LastAdmin`],
    /// [`SecurityError::FixedByEnvironment`]; [`SecurityError::TooMany`] when too many passwords are being hashed; or nothing can be
    /// changed or saved.
    pub fn update_user(
        &self,
        name: &str,
        password: Option<&str>,
        level: Option<Level>,
        now: SystemTime,
    ) -> Result<(), SecurityError> {
        // Not worth a hash for a user who is not there.
        if self.changeable()?.user(name).is_none() {
            return Err(SecurityError::UnknownUser);
        }
        let hash = password.map(|password| self.hash(password)).transpose()?;
        self.change(|file, snapshot| {
            if snapshot.user(name).is_some_and(|user| user.fixed) {
                return Err(SecurityError::FixedByEnvironment("ADMINUSER"));
            }
            let changed = credentials_changed(entry(file, "users", "username", name), now);
            let user = entry_mut(file, "users", "username", name).ok_or(SecurityError::UnknownUser)?;
            if let Some(hash) = hash {
                user.insert("password".to_owned(), hash.into());
                user.insert(CREDENTIALS_CHANGED.to_owned(), changed.into());
            }
            if let Some(level) = level {
                user.insert("type".to_owned(), level.name().into());
            }
            Ok(())
        })
    }

    /// Removes a user, which ends all sessions of the user (SK-143). Says whether there was one. Blocks.
    ///
    /// # Errors
    /// [`SecurityError::LastAdmin`], [`SecurityError::FixedByEnvironment`], or nothing can be changed or saved.
    pub fn remove_user(&self, name: &str) -> Result<bool, SecurityError> {
        self.change(|file, snapshot| {
            if snapshot.user(name).is_some_and(|user| user.fixed) {
                return Err(SecurityError::FixedByEnvironment("ADMINUSER"));
            }
            Ok(remove(file, "users", "username", name))
        })
    }

    /// All devices with access, in the order of the file. Empty on an open server.
    pub fn devices(&self) -> Vec<DeviceInfo> {
        let info = |device: &Device| DeviceInfo {
            client_id: device.client_id.to_string(),
            permissions: device.level,
            description: device.entry.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
            config: device.entry.get("config").cloned(),
            requested_permissions: device.entry.get("requestedPermissions").cloned(),
            token_expiry: device.entry.get("tokenExpiry").and_then(Value::as_u64),
        };
        self.snapshot().devices.iter().map(info).collect()
    }

    /// Changes the level of a device, its description, or both. Its token stays good. Blocks.
    ///
    /// # Errors
    /// [`SecurityError::UnknownDevice`], or nothing can be changed or saved.
    pub fn update_device(
        &self,
        client_id: &str,
        permissions: Option<Level>,
        description: Option<&str>,
    ) -> Result<(), SecurityError> {
        if description.is_some_and(|description| description.len() > MAX_DESCRIPTION_BYTES) {
            let reason = format!("a description has at most {MAX_DESCRIPTION_BYTES} bytes");
            return Err(SecurityError::BadSetting { key: "devices".to_owned(), reason });
        }
        self.change(|file, _| {
            let device = entry_mut(file, "devices", "clientId", client_id).ok_or(SecurityError::UnknownDevice)?;
            if let Some(permissions) = permissions {
                device.insert("permissions".to_owned(), permissions.name().into());
            }
            if let Some(description) = description {
                device.insert("description".to_owned(), description.into());
            }
            Ok(())
        })
    }

    /// Removes a device, which ends its token (SK-143). Says whether there was one. Blocks.
    ///
    /// # Errors
    /// Nothing can be changed or saved.
    pub fn remove_device(&self, client_id: &str) -> Result<bool, SecurityError> {
        self.change(|file, _| Ok(remove(file, "devices", "clientId", client_id)))
    }

    /// The settings: security.json without `users`, `devices`, `secretKey` and `oidc`, with the values of the environment and the defaults.
    /// An empty object on an open server.
    pub fn config(&self) -> Value {
        let changing = self.changing();
        let snapshot = self.snapshot();
        if snapshot.mode == Mode::Open {
            return json!({});
        }
        let mut config = changing.file.as_object().cloned().unwrap_or_default();
        drop(changing);
        config.retain(|key, _| !NO_SETTINGS.contains(&key.as_str()));
        let policy = &snapshot.policy;
        for (key, value) in [
            ("allow_readonly", policy.allow_readonly),
            ("allowNewUserRegistration", policy.allow_new_user_registration),
            ("allowDeviceAccessRequests", policy.allow_device_access_requests),
        ] {
            config.insert(key.to_owned(), value.into());
        }
        for (key, default) in [
            ("expiration", json!("1d")),
            ("allowedCorsOrigins", json!("")),
            ("acls", json!([])),
            ("immutableConfig", json!(false)),
        ] {
            config.entry(key).or_insert(default);
        }
        Value::Object(config)
    }

    /// Changes settings: the keys of `config` are set, `null` removes one, others stay. `users`, `devices`, `secretKey` and `oidc` in it are
    /// ignored, so that the answer of [`Security::config`] can be sent back changed. Blocks.
    ///
    /// # Errors
    /// [`SecurityError::Expiration`] and [`SecurityError::BadSetting`] say what can't be used; [`SecurityError::FixedByEnvironment`] when the
    /// environment says otherwise; or nothing can be changed or saved.
    pub fn set_config(&self, config: &Value) -> Result<(), SecurityError> {
        let bad =
            |key: &str, reason: &str| SecurityError::BadSetting { key: key.to_owned(), reason: reason.to_owned() };
        let config = config.as_object().ok_or_else(|| bad("config", "it is no object"))?;
        if let Some(expiration) = config.get("expiration").filter(|value| !value.is_null()) {
            Expiration::from_json(expiration)?;
        }
        let options = &self.inner().options;
        self.change(|file, _| {
            for (key, value) in config.iter().filter(|(key, _)| !NO_SETTINGS.contains(&key.as_str())) {
                let fixed = match key.as_str() {
                    "allow_readonly" => options.allow_readonly.zip(Some("ALLOW_READONLY")),
                    "allowNewUserRegistration" => {
                        options.allow_new_user_registration.zip(Some("ALLOW_NEW_USER_REGISTRATION"))
                    }
                    "allowDeviceAccessRequests" => {
                        options.allow_device_access_requests.zip(Some("ALLOW_DEVICE_ACCESS_REQUESTS"))
                    }
                    _ => None,
                };
                match fixed {
                    Some((fixed, _)) if *value == fixed => {}
                    Some((_, variable)) => return Err(SecurityError::FixedByEnvironment(variable)),
                    None if value.is_null() => {
                        file.shift_remove(key);
                    }
                    None => {
                        file.insert(key.clone(), value.clone());
                    }
                }
            }
            let parsed = Configuration::parse(&Value::Object(file.clone()))
                .map_err(|problem| SecurityError::BadSetting { key: problem.key.to_owned(), reason: problem.reason })?;
            // At start these are only told, so that a typing error locks nobody out. Here there is somebody to correct them.
            match parsed.problems.into_iter().find(|problem| config.contains_key(problem.key)) {
                Some(problem) if !NO_SETTINGS.contains(&problem.key) => Err(bad(problem.key, &problem.reason)),
                _ => Ok(()),
            }
        })
    }
}

/// Adds a user to the file, who is not in it.
pub(crate) fn insert_user(
    file: &mut Map<String, Value>,
    name: &str,
    hash: Option<String>,
    level: Level,
    now: SystemTime,
) -> Result<(), SecurityError> {
    let changed = credentials_changed(None, now);
    let user = entry_or_new(file, "users", "username", name)?;
    user.insert("type".to_owned(), level.name().into());
    if let Some(hash) = hash {
        user.insert("password".to_owned(), hash.into());
    }
    user.insert(CREDENTIALS_CHANGED.to_owned(), changed.into());
    Ok(())
}

/// A name that a user can have, without the spaces around it.
pub(crate) fn check_name(name: &str) -> Result<&str, SecurityError> {
    let trimmed = name.trim();
    let reason = match trimmed {
        "" => "it is missing or too short",
        long if long.len() > MAX_NAME_BYTES => "it is too long",
        odd if odd.chars().any(|c| c.is_control() || is_invisible(c)) => "it has characters that can't be seen",
        odd if odd.contains(['/', '\\']) => "it has slashes",
        "." | ".." => "it has a meaning in file names",
        "any" | ANONYMOUS => "it has a meaning in access control lists",
        good => return Ok(good),
    };
    Err(SecurityError::BadName(trimmed.chars().take(40).collect(), reason))
}

/// Characters with which a name can look like another one: without width, or turning the direction of the text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The next value of [`CREDENTIALS_CHANGED`]: the time, but in any case another one than before.
pub(crate) fn credentials_changed(entry: Option<&Map<String, Value>>, now: SystemTime) -> u64 {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let before = entry.and_then(|entry| entry.get(CREDENTIALS_CHANGED)).and_then(Value::as_u64);
    now.max(before.map_or(0, |before| before.saturating_add(1)))
}

fn is(entry: &Value, key: &str, id: &str) -> bool {
    entry[key].as_str() == Some(id)
}

/// The entry of a list with this id.
pub(crate) fn entry<'a>(
    file: &'a Map<String, Value>,
    list: &str,
    key: &str,
    id: &str,
) -> Option<&'a Map<String, Value>> {
    file.get(list)?.as_array()?.iter().find(|entry| is(entry, key, id))?.as_object()
}

fn entry_mut<'a>(
    file: &'a mut Map<String, Value>,
    list: &str,
    key: &str,
    id: &str,
) -> Option<&'a mut Map<String, Value>> {
    file.get_mut(list)?.as_array_mut()?.iter_mut().find(|entry| is(entry, key, id))?.as_object_mut()
}

/// As [`entry`], with a new one at the end of the list when there is none.
pub(crate) fn entry_or_new<'a>(
    file: &'a mut Map<String, Value>,
    list: &str,
    key: &str,
    id: &str,
) -> Result<&'a mut Map<String, Value>, SecurityError> {
    let wrong = || SecurityError::BadSetting { key: list.to_owned(), reason: "it is no list of objects".to_owned() };
    let entries = file.entry(list).or_insert(Value::Null);
    if entries.is_null() {
        *entries = json!([]);
    }
    let entries = entries.as_array_mut().ok_or_else(wrong)?;
    let at = entries.iter().position(|entry| is(entry, key, id)).unwrap_or_else(|| {
        entries.push(json!({ key: id }));
        entries.len() - 1
    });
    entries[at].as_object_mut().ok_or_else(wrong)
}

/// Removes all entries with this id; says whether there was one.
fn remove(file: &mut Map<String, Value>, list: &str, key: &str, id: &str) -> bool {
    let Some(entries) = file.get_mut(list).and_then(Value::as_array_mut) else { return false };
    let before = entries.len();
    entries.retain(|entry| !is(entry, key, id));
    entries.len() < before
}
