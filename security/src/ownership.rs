//! Whose server it is: claiming a new one, switching security off, and on again (server-admin-api §4).

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use crate::administration::{check_name, credentials_changed, entry, entry_or_new};
use crate::claim::ClaimCode;
use crate::configuration::{CREDENTIALS_CHANGED, Configuration};
use crate::error::SecurityError;
use crate::level::Level;
use crate::password;
use crate::security::{Mode, Security, new_claims};
use crate::session::Login;
use crate::token::{SigningKey, Subject};

impl Security {
    /// Makes the first admin, who is logged in at once. In force at once. Blocks.
    ///
    /// Only wrong codes count against the limit of an address, which is 5 in a minute. `allow_readonly` says whether visitors without a
    /// token may go on reading. A user of that name who is no admin yet becomes one. The code is spent.
    ///
    /// # Errors
    /// [`SecurityError::WrongCode`], [`SecurityError::TooMany`], [`SecurityError::AlreadyClaimed`] when there is an admin who can log in;
    /// [`SecurityError::BadName`], [`SecurityError::BadPassword`]; [`SecurityError::Open`], [`SecurityError::Locked`],
    /// [`SecurityError::Immutable`]; or the file can't be saved.
    pub fn claim(
        &self,
        address: IpAddr,
        code: &str,
        username: &str,
        password: &str,
        allow_readonly: bool,
        now: SystemTime,
    ) -> Result<Login, SecurityError> {
        self.changeable()?;
        let wrong_codes = &self.inner().wrong_codes;
        wrong_codes.look(address, now).map_err(|retry_after| SecurityError::TooMany { retry_after })?;
        let right = match &self.changing().claim_code {
            Some(expected) => expected.is(code),
            None => return Err(SecurityError::AlreadyClaimed),
        };
        if !right {
            wrong_codes.take(address, now).map_err(|retry_after| SecurityError::TooMany { retry_after })?;
            return Err(SecurityError::WrongCode);
        }
        let name = check_name(username)?;
        let hash = self.hash(password)?;
        self.change(|file, snapshot| {
            // Somebody else may have been faster.
            if snapshot.has_admin() {
                return Err(SecurityError::AlreadyClaimed);
            }
            let secret = file.get("secretKey").and_then(Value::as_str).unwrap_or_default();
            if secret.is_empty() && self.inner().options.secret_key.is_none() {
                file.insert("secretKey".to_owned(), self.inner().new_secret.as_str().into());
            }
            file.insert("allow_readonly".to_owned(), allow_readonly.into());
            let changed = credentials_changed(entry(file, "users", "username", name), now);
            let user = entry_or_new(file, "users", "username", name)?;
            user.insert("type".to_owned(), Level::Admin.name().into());
            user.insert("password".to_owned(), hash.into());
            user.insert(CREDENTIALS_CHANGED.to_owned(), changed.into());
            Ok(())
        })?;
        let snapshot = self.snapshot();
        let user = snapshot.user(name).ok_or(SecurityError::UnknownUser)?;
        let claims = new_claims(Subject::User(user.name.clone()), user.credentials_changed, false)?;
        Ok(snapshot.login(claims, snapshot.policy.expiration.lifetime(), Level::Admin, now))
    }

    /// Whether [`Security::restore`] has something to restore.
    pub fn has_backup(&self) -> bool {
        self.files().is_ok_and(|files| files.disabled.is_file())
    }

    /// Switches security off: security.json becomes `security.json.disabled`. In force at once: the server is [`Mode::Unclaimed`], with a
    /// new claim code, all sessions have ended, and nobody can write until it is claimed or restored. To run open, it has to be started so
    /// (`--insecure`). Name and password are those of an admin; the limit of logins applies. Blocks.
    ///
    /// # Errors
    /// [`SecurityError::WrongCredentials`], [`SecurityError::TooMany`]; [`SecurityError::FixedByEnvironment`] when the environment has an
    /// admin; [`SecurityError::Open`], [`SecurityError::Locked`], [`SecurityError::Immutable`]; or a file can't be saved.
    pub fn disable(
        &self,
        address: IpAddr,
        username: &str,
        password: &str,
        now: SystemTime,
    ) -> Result<(), SecurityError> {
        let files = self.files()?;
        let snapshot = self.changeable()?;
        if self.inner().fixed_admin.is_some() {
            return Err(SecurityError::FixedByEnvironment("ADMINUSER"));
        }
        let too_many = |retry_after| SecurityError::TooMany { retry_after };
        self.inner().logins.take(address, now).map_err(too_many)?;
        let user = self.verify(&snapshot.users, &snapshot.key, username, password).map_err(too_many)?;
        user.filter(|user| user.can_administer()).ok_or(SecurityError::WrongCredentials)?;
        let code = ClaimCode::generate()?;
        let mut changing = self.changing();
        self.changeable()?;
        let path = files.security.path();
        let unsaved = |path: &Path| {
            let path = path.to_owned();
            |source| SecurityError::Unsaved { path, source }
        };
        let content = fs::read(path).map_err(unsaved(path))?;
        windlass_store::write_private(&files.disabled, &content).map_err(unsaved(&files.disabled))?;
        remove(path).map_err(unsaved(path))?;
        changing.file = Value::Object(Map::new());
        self.put_in_force(Configuration::default(), code, &mut changing);
        Ok(())
    }

    /// Switches security on again as it was: `security.json.disabled` becomes security.json. In force at once. Name and password are those
    /// of an admin in it; the limit of logins applies. Blocks.
    ///
    /// # Errors
    /// [`SecurityError::AlreadyClaimed`] when there are users, [`SecurityError::NoBackup`], [`SecurityError::WrongCredentials`],
    /// [`SecurityError::TooMany`], [`SecurityError::Damaged`]; [`SecurityError::Open`], [`SecurityError::Locked`],
    /// [`SecurityError::Immutable`]; or a file can't be read or saved.
    pub fn restore(
        &self,
        address: IpAddr,
        username: &str,
        password: &str,
        now: SystemTime,
    ) -> Result<(), SecurityError> {
        let files = self.files()?;
        let snapshot = self.changeable()?;
        if snapshot.mode != Mode::Unclaimed {
            return Err(SecurityError::AlreadyClaimed);
        }
        // Before anything is read: whoever asks need not be anybody.
        let too_many = |retry_after| SecurityError::TooMany { retry_after };
        self.inner().logins.take(address, now).map_err(too_many)?;
        let disabled = &files.disabled;
        let content = match fs::read(disabled) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(SecurityError::NoBackup),
            Err(source) => return Err(SecurityError::Unreadable { path: disabled.clone(), source }),
        };
        let damaged = |reason| SecurityError::Damaged { path: disabled.clone(), reason };
        let mut file: Value = serde_json::from_slice(&content).map_err(|error| damaged(error.to_string()))?;
        let parse = |file: &Value| Configuration::parse(file).map_err(|problem| damaged(problem.to_string()));
        let configuration = parse(&file)?;
        let key = SigningKey::new(configuration.secret_key.as_ref().map_or("", |secret| &secret.0));
        let user = self.verify(&configuration.users, &key, username, password).map_err(too_many)?;
        user.filter(|user| user.can_administer()).ok_or(SecurityError::WrongCredentials)?;
        if configuration.secret_key.is_none() && self.inner().options.secret_key.is_none() {
            file["secretKey"] = json!(self.inner().new_secret);
        }
        let configuration = parse(&file)?;
        let code = ClaimCode::generate()?;
        let mut changing = self.changing();
        if self.changeable()?.mode != Mode::Unclaimed {
            return Err(SecurityError::AlreadyClaimed);
        }
        let path = files.security.path();
        files.security.save(&file).map_err(|source| SecurityError::Unsaved { path: path.to_owned(), source })?;
        changing.file = file;
        self.put_in_force(configuration, code, &mut changing);
        // What is left of the backup does no harm: security is on, and the next time that it is switched off replaces it.
        remove(disabled).map_err(|source| SecurityError::Unsaved { path: disabled.clone(), source })
    }
}

/// Removes a file, so that it is gone after a power cut too.
fn remove(path: &Path) -> std::io::Result<()> {
    fs::remove_file(path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

impl Security {
    /// Hashes a new password, when there is a place to.
    pub(crate) fn hash(&self, password: &str) -> Result<String, SecurityError> {
        password::check(password)?;
        self.inner()
            .gate
            .pass(|| password::hash(password))
            .map_err(|retry_after| SecurityError::TooMany { retry_after })?
    }
}
