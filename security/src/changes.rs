//! Reading the files at start, and changing them: one change at a time, on the disk before it is in force.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::{Map, Value};
use windlass_store::{Document, Loaded};

use crate::claim::ClaimCode;
use crate::configuration::{Configuration, User};
use crate::error::SecurityError;
use crate::level::Level;
use crate::options::{Admin, SecurityOptions};
use crate::password::{self, PasswordHash};
use crate::revocation::Revocations;
use crate::security::{Inner, Mode, Security};
use crate::snapshot::Snapshot;
use crate::token::{SigningKey, hex, random, seconds};

const SECURITY_FILE: &str = "security.json";
const DISABLED_FILE: &str = "security.json.disabled";
const REVOKED_FILE: &str = "revoked-tokens.json";

/// Bytes of a new `secretKey`; it is twice as many hexadecimal digits.
const SECRET_BYTES: usize = 256;
/// A shorter `SECRETKEY` can be guessed.
const MIN_SECRET: usize = 32;

/// The files of a server that is not open.
pub(crate) struct Files {
    pub security: Document,
    pub revoked: Document,
    /// Where security.json goes when the owner switches security off.
    pub disabled: PathBuf,
}

impl Files {
    fn of(directory: &Path) -> Self {
        Self {
            security: Document::private(directory.join(SECURITY_FILE)),
            revoked: Document::private(directory.join(REVOKED_FILE)),
            disabled: directory.join(DISABLED_FILE),
        }
    }
}

/// What only one change at a time may touch.
pub(crate) struct Changing {
    /// The content of security.json.
    pub file: Value,
    /// How to become the first admin; `None` when there is one.
    pub claim_code: Option<ClaimCode>,
}

impl Security {
    /// Reads `security.json` of the configuration directory, and `revoked-tokens.json`. Saves a new `secretKey` when there are users but no
    /// key. Blocks.
    ///
    /// A damaged security.json is replaced by its last good version; when there is none, the mode is [`Mode::Locked`].
    /// [`Security::problems`] tells what was found.
    ///
    /// # Errors
    /// A file is there but can't be read at all, or the system gives no randomness.
    pub fn load(directory: &Path, options: SecurityOptions, now: SystemTime) -> Result<Self, SecurityError> {
        let files = Files::of(directory);
        let mut problems = Vec::new();
        let check = |value: &Value| Configuration::parse(value).map(|_| ()).map_err(|problem| problem.to_string());
        let loaded = load(&files.security, check)?;
        let locked = matches!(loaded, Loaded::Damaged(_));
        let (file, said) = loaded.into_parts();
        problems.extend(said);
        let mut file = file.unwrap_or_else(|| Value::Object(Map::new()));
        let configuration = Configuration::parse(&file).unwrap_or_default();
        problems.extend(configuration.problems.iter().map(|problem| format!("{SECURITY_FILE}: {problem}")));
        let revocations = load_revocations(&files.revoked, now, &mut problems)?;
        let fixed_admin = options.admin.as_ref().map(|admin| fixed_admin(admin, &mut problems)).transpose()?;
        if options.secret_key.as_ref().is_some_and(|key| key.len() < MIN_SECRET) {
            problems.push(format!("SECRETKEY has less than {MIN_SECRET} characters: whoever guesses it is an admin"));
        }
        let new_secret = hex(&random::<SECRET_BYTES>()?);
        let somebody = fixed_admin.is_some() || !configuration.users.is_empty() || !configuration.devices.is_empty();
        if somebody && !locked && options.secret_key.is_none() && configuration.secret_key.is_none() {
            file["secretKey"] = new_secret.as_str().into();
            if let Err(error) = files.security.save(&file) {
                let path = files.security.path().display();
                problems.push(format!("{path} can't be saved: {error}; the logins of this run end with it"));
            }
        }
        let before = Snapshot::empty(Mode::Locked).with_revocations(revocations);
        let changing = Changing { file, claim_code: None };
        let this = Self::from_inner(Inner {
            fixed_admin,
            files: Some(files),
            problems,
            new_secret,
            changing: Mutex::new(changing),
            ..Inner::new(before, options)
        });
        if !locked {
            let code = ClaimCode::generate()?;
            let mut changing = this.changing();
            this.put_in_force(configuration, code, &mut changing);
            drop(changing);
        }
        Ok(this)
    }

    /// Changes security.json. Nothing is changed when `edit` refuses, when the result is no security.json, when nobody could administer the
    /// server afterwards, or when it can't be saved.
    pub(crate) fn change<T>(
        &self,
        edit: impl FnOnce(&mut Map<String, Value>, &Snapshot) -> Result<T, SecurityError>,
    ) -> Result<T, SecurityError> {
        let files = self.files()?;
        let code = ClaimCode::generate()?;
        let mut changing = self.changing();
        let snapshot = self.changeable()?;
        let path = files.security.path();
        let damaged = |reason| SecurityError::Damaged { path: path.to_owned(), reason };
        let (done, file, configuration) = files.security.change(|file| {
            // Whoever has edited the file meanwhile finds the edits in the new version; whoever has removed it does not get half a file.
            if file.as_object().is_some_and(Map::is_empty) {
                *file = changing.file.clone();
            }
            Configuration::parse(file).map_err(|problem| damaged(problem.to_string()))?;
            let object = file.as_object_mut().ok_or_else(|| damaged("it is no object".to_owned()))?;
            let done = edit(object, &snapshot)?;
            let configuration = Configuration::parse(file)
                .map_err(|problem| SecurityError::BadSetting { key: problem.key.to_owned(), reason: problem.reason })?;
            let fixed = self.inner().fixed_admin.iter();
            if snapshot.has_admin() && !fixed.chain(&configuration.users).any(User::can_administer) {
                return Err(SecurityError::LastAdmin);
            }
            Ok((done, file.clone(), configuration))
        })?;
        changing.file = file;
        self.put_in_force(configuration, code, &mut changing);
        Ok(done)
    }

    /// Makes a content of the file count. `code` is how to claim the server, should it have no admin now and no code yet.
    pub(crate) fn put_in_force(&self, configuration: Configuration, code: ClaimCode, changing: &mut Changing) {
        let inner = self.inner();
        let options = &inner.options;
        let secret = options.secret_key.as_ref().or(configuration.secret_key.as_ref().map(|secret| &secret.0));
        let key = SigningKey::new(secret.unwrap_or(&inner.new_secret));
        let fixed_admin = inner.fixed_admin.clone().zip(options.admin.as_ref()).map(|(user, admin)| {
            // Another password in the environment ends the tokens of the old one.
            let number = key.number("ADMINUSER", &format!("{}:{}", admin.name, admin.password));
            User { credentials_changed: Some(number >> 11), ..user }
        });
        let revocations = self.snapshot().revocations.clone();
        let snapshot = Snapshot::new(configuration, options, fixed_admin, key, revocations);
        changing.claim_code = match changing.claim_code.take() {
            _ if snapshot.has_admin() => None,
            Some(code) => Some(code),
            None => Some(code),
        };
        self.replace(snapshot);
    }

    /// What is in force, if it may be changed. To be asked while nothing else is changing.
    pub(crate) fn changeable(&self) -> Result<Arc<Snapshot>, SecurityError> {
        let snapshot = self.snapshot();
        match snapshot.mode {
            Mode::Open => Err(SecurityError::Open),
            Mode::Locked => Err(SecurityError::Locked),
            Mode::Unclaimed | Mode::Secured if snapshot.immutable => Err(SecurityError::Immutable),
            Mode::Unclaimed | Mode::Secured => Ok(snapshot),
        }
    }

    pub(crate) fn files(&self) -> Result<&Files, SecurityError> {
        self.inner().files.as_ref().ok_or(SecurityError::Open)
    }

    /// Keeps others from changing anything.
    pub(crate) fn changing(&self) -> MutexGuard<'_, Changing> {
        // Whole between any two statements, also after a panic.
        self.inner().changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(document: &Document, check: impl Fn(&Value) -> Result<(), String>) -> Result<Loaded, SecurityError> {
    document.load(check).map_err(|source| SecurityError::Unreadable { path: document.path().to_owned(), source })
}

fn load_revocations(
    document: &Document,
    now: SystemTime,
    problems: &mut Vec<String>,
) -> Result<Revocations, SecurityError> {
    let (value, said) = match load(document, |value| Revocations::from_json(value).map(|_| ()))? {
        Loaded::Damaged(said) => {
            problems.push(format!("{said}; all users have to log in again"));
            let all = Revocations::all_users(seconds(now));
            if let Err(error) = document.save(&all.to_json()) {
                problems.push(format!("{} can't be saved: {error}", document.path().display()));
            }
            return Ok(all);
        }
        other => other.into_parts(),
    };
    problems.extend(said);
    Ok(value.and_then(|value| Revocations::from_json(&value).ok()).unwrap_or_default())
}

fn fixed_admin(admin: &Admin, problems: &mut Vec<String>) -> Result<User, SecurityError> {
    if password::check(&admin.password).is_err() {
        problems.push("the password of ADMINUSER has less than 8 characters: it is easily guessed".to_owned());
    }
    let hash = PasswordHash::parse(&password::hash(&admin.password)?);
    let unusable = |reason: &str| SecurityError::Environment { name: "ADMINUSER", reason: reason.to_owned() };
    Ok(User {
        name: admin.name.as_str().into(),
        level: Some(Level::Admin),
        hash: Some(hash.map_err(unusable)?),
        credentials_changed: None,
        oidc: None,
        fixed: true,
    })
}
