//! The promises of the whole crate. The time is made up, so that nothing waits.

mod acls_and_levels;
mod administration;
mod damage;
mod logins;
mod ownership;
mod requests;
mod tokens;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Login, Principal, Security, SecurityOptions, Session};

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// A time, in seconds after a day in 2025.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_750_000_000 + seconds)
}

/// The cheapest hash that bcrypt has: these tests are about other things.
fn bcrypt_of(password: &str) -> String {
    bcrypt::hash_with_salt(password, 4, [3; 16]).expect("a hash").to_string()
}

/// A configuration directory and a server's security in it.
struct Boat {
    directory: TempDir,
    security: Security,
}

impl Boat {
    fn with(file: &Value, options: SecurityOptions) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("security.json"), file.to_string()).expect("a file");
        let security = Security::load(directory.path(), options, at(0)).expect("readable");
        Self { directory, security }
    }

    /// An admin, a user of each other level, one without password, a device; passwords are `<name>-password`.
    fn secured() -> Self {
        let user = |name: &str, level: &str| json!({"username": name, "type": level, "password": bcrypt_of(&format!("{name}-password"))});
        let file = json!({
            "allow_readonly": true, "expiration": "1d", "secretKey": SECRET, "kept": {"by": "somebody"},
            "users": [
                user("admin", "admin"), user("crew", "readwrite"), user("guest", "readonly"),
                {"username": "panel", "type": "readwrite"},
            ],
            "devices": [{"clientId": "sensor", "permissions": "readwrite", "description": "Wind", "unit": 5}],
        });
        Self::with(&file, SecurityOptions::default())
    }

    fn fresh() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let security = Security::load(directory.path(), SecurityOptions::default(), at(0)).expect("readable");
        Self { directory, security }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path("security.json")).expect("the file")).expect("JSON")
    }

    /// What another start of the server makes of the directory.
    fn reloaded(&self) -> Security {
        Security::load(self.directory.path(), SecurityOptions::default(), at(1)).expect("readable")
    }

    fn login(&self, name: &str) -> Login {
        self.security.login(ADDRESS, name, &format!("{name}-password"), false, at(0)).expect("logged in")
    }

    /// Makes the next saving of a file fail.
    fn block(&self, name: &str) {
        let path = self.path(name);
        if path.exists() {
            fs::rename(&path, self.path("away")).expect("moved");
        }
        fs::create_dir_all(path.join("in-the-way")).expect("a directory");
    }

    fn unblock(&self, name: &str) {
        fs::remove_dir_all(self.path(name)).expect("removed");
        if self.path("away").exists() {
            fs::rename(self.path("away"), self.path(name)).expect("moved");
        }
    }
}

fn user(name: &str) -> Principal {
    Principal::User(name.into())
}

fn session(security: &Security, token: &str, seconds: u64) -> Result<Session, crate::AuthError> {
    security.authenticate(Some(token), at(seconds))
}
