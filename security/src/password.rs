//! Password hashes: Argon2id for new ones, bcrypt for those of an existing installation.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};

use crate::error::SecurityError;
use crate::token::random;

/// The shortest password that can be chosen, in characters.
const MIN_PASSWORD: usize = 8;
/// The longest text that is looked at as a password, in bytes.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1024;
/// The most that a hash of the file may ask for: a mistyped cost must not stop the server.
const MAX_BCRYPT_COST: u32 = 16;
const MAX_ARGON2_KIB: u32 = 256 * 1024;
const MAX_ARGON2_PASSES: u32 = 16;
const MAX_ARGON2_LANES: u32 = 16;

/// Passwords hashed at the same time. Each takes a processor, and 19 MiB of memory.
const PLACES: usize = 2;
/// Callers that wait for one of them; more are sent away.
const MAX_WAITING: usize = 16;
/// When those may come back.
const BUSY: Duration = Duration::from_secs(1);

/// A password hash that can be verified.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PasswordHash {
    Argon2(Box<phc::PasswordHash>),
    Bcrypt(String),
}

impl PasswordHash {
    /// From its text in security.json.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.starts_with("$argon2") {
            let hash = phc::PasswordHash::new(text).map_err(|_| "the hash is damaged")?;
            let params = Params::try_from(&hash).map_err(|_| "the hash is damaged")?;
            if hash.hash.is_none() || hash.salt.is_none() {
                return Err("the hash is damaged");
            }
            let costly = params.m_cost() > MAX_ARGON2_KIB
                || params.t_cost() > MAX_ARGON2_PASSES
                || params.p_cost() > MAX_ARGON2_LANES;
            return if costly {
                Err("the hash takes too much memory or time")
            } else {
                Ok(Self::Argon2(Box::new(hash)))
            };
        }
        let parts: bcrypt::HashParts = text.parse().map_err(|_| "the hash is neither Argon2 nor bcrypt")?;
        // `2x` marks the hashes of an old faulty implementation, which the verification does not imitate.
        match parts.get_cost() {
            _ if text.starts_with("$2x$") => Err("hashes of the kind 2x are not supported"),
            4..=MAX_BCRYPT_COST => Ok(Self::Bcrypt(text.to_owned())),
            _ => Err("the cost of the bcrypt hash is out of range"),
        }
    }

    /// Whether the password is the one. The time does not depend on the answer.
    pub fn verify(&self, password: &str) -> bool {
        match self {
            Self::Argon2(hash) => Argon2::default().verify_password(password.as_bytes(), &**hash).is_ok(),
            // bcrypt looks at 72 bytes, as whoever made the hash has done. It repeats the password with a zero at its end, so that with zero
            // bytes in it another password could be the same.
            Self::Bcrypt(hash) => {
                let verified = bcrypt::verify(password, hash).unwrap_or_default();
                verified && !password.contains('\0')
            }
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argon2(_) => "Argon2(hidden)",
            Self::Bcrypt(_) => "Bcrypt(hidden)",
        })
    }
}

/// Refuses passwords that nobody may choose.
pub(crate) fn check(password: &str) -> Result<(), SecurityError> {
    let good = password.chars().count() >= MIN_PASSWORD && password.len() <= MAX_PASSWORD_BYTES;
    if good { Ok(()) } else { Err(SecurityError::BadPassword) }
}

/// Hashes a new password, as text for security.json.
pub(crate) fn hash(password: &str) -> Result<String, SecurityError> {
    let salt: [u8; 16] = random()?;
    let hash: phc::PasswordHash = Argon2::default()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("the default parameters, a salt of 16 bytes and a bounded password are within the limits of Argon2");
    Ok(hash.to_string())
}

/// Lets few passwords be hashed at the same time, so that a flood of logins takes neither all processors nor much memory.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Inside {
    hashing: usize,
    waiting: usize,
}

impl Gate {
    /// Works when there is a place; waits for one if need be.
    ///
    /// # Errors
    /// Too many wait already: when to try again.
    pub fn pass<T>(&self, work: impl FnOnce() -> T) -> Result<T, Duration> {
        let mut inside = self.lock();
        if inside.hashing >= PLACES {
            if inside.waiting >= MAX_WAITING {
                return Err(BUSY);
            }
            inside.waiting += 1;
            inside =
                self.left.wait_while(inside, |inside| inside.hashing >= PLACES).unwrap_or_else(PoisonError::into_inner);
            inside.waiting -= 1;
        }
        inside.hashing += 1;
        drop(inside);
        let _place = Place(self);
        Ok(work())
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the place back, also after a panic.
struct Place<'a>(&'a Gate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().hashing -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Barrier, mpsc};
    use std::thread;

    use super::*;

    fn bcrypt_of(password: &str, version: bcrypt::Version) -> PasswordHash {
        let hash = bcrypt::hash_with_salt(password, 4, [7; 16]).expect("a hash").format_for_version(version);
        PasswordHash::parse(&hash).expect("a hash")
    }

    // SK-125, SK-126
    #[test]
    fn a_new_hash_is_argon2id_and_verifies_its_password_only() {
        let text = hash("correct horse ⛵").expect("a hash");
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert_ne!(text, hash("correct horse ⛵").expect("a hash"), "each has its own salt");
        let parsed = PasswordHash::parse(&text).expect("a hash");
        for (password, expected) in [
            ("correct horse ⛵", true),
            ("correct horse", false),
            ("correct horse ⛵ ", false),
            ("correct horse ⛵\0", false),
            ("", false),
        ] {
            assert_eq!(parsed.verify(password), expected, "{password:?}");
        }
        assert_eq!(format!("{parsed:?}"), "Argon2(hidden)");
    }

    #[test]
    fn bcrypt_hashes_of_an_existing_file_verify() {
        // From the published test vectors of bcrypt.
        for (password, text) in [
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ] {
            let hash = PasswordHash::parse(text).expect("a hash");
            assert!(hash.verify(password), "{password}");
            assert!(!hash.verify("U*V"));
        }
        for version in [bcrypt::Version::TwoA, bcrypt::Version::TwoB, bcrypt::Version::TwoY] {
            let hash = bcrypt_of("pässword", version);
            assert!(hash.verify("pässword") && !hash.verify("password"));
            assert_eq!(format!("{hash:?}"), "Bcrypt(hidden)");
        }
    }

    #[test]
    fn bcrypt_takes_72_bytes_and_is_not_fooled_by_zero_bytes() {
        let long = "x".repeat(72);
        let hash = bcrypt_of(&format!("{long}tail"), bcrypt::Version::TwoB);
        assert!(
            hash.verify(&format!("{long}tail")) && hash.verify(&format!("{long}other")),
            "as the other server does"
        );
        assert!(!hash.verify(&long[1..]));
        let short = bcrypt_of("secret", bcrypt::Version::TwoB);
        assert!(bcrypt::verify("secret\0secret", &bcrypt::hash("secret", 4).expect("a hash")).expect("verified"));
        for password in ["secret\0", "secret\0secret", "\0secret", "\0"] {
            assert!(!short.verify(password), "{password:?}");
        }
    }

    #[test]
    fn hashes_that_can_not_be_used_are_refused() {
        for text in [
            "",
            "plain text",
            "$1$abc$def",
            "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$2b$05$CCCC",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0",
            "$argon2id$v=19$m=4194304,t=2,p=1$c2FsdHNhbHRzYWx0$qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo",
            "$argon2id$v=19$m=19456,t=4000000,p=1$c2FsdHNhbHRzYWx0$qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo",
            "$argon2id$",
        ] {
            PasswordHash::parse(text).expect_err(text);
        }
    }

    #[test]
    fn passwords_have_a_length() {
        for (password, good) in
            [("1234567", false), ("12345678", true), ("⛵⛵⛵⛵⛵⛵⛵⛵", true), ("⛵⛵⛵⛵", false), ("", false)]
        {
            assert_eq!(check(password).is_ok(), good, "{password}");
        }
        check(&"x".repeat(MAX_PASSWORD_BYTES)).expect("long, but bounded");
        check(&"x".repeat(MAX_PASSWORD_BYTES + 1)).expect_err("too long");
    }

    #[test]
    fn few_hash_at_the_same_time_and_few_wait() {
        let gate = Gate::default();
        let (full, go) = (Barrier::new(PLACES + 1), Barrier::new(PLACES + 1));
        let passed = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..PLACES {
                scope.spawn(|| {
                    gate.pass(|| {
                        full.wait();
                        go.wait();
                    })
                });
            }
            full.wait();
            let (started, waiting) = mpsc::channel();
            for _ in 0..MAX_WAITING {
                let (started, gate, passed) = (started.clone(), &gate, &passed);
                scope.spawn(move || {
                    started.send(()).expect("received");
                    gate.pass(|| passed.fetch_add(1, Ordering::Relaxed)).expect("a place");
                });
            }
            for _ in 0..MAX_WAITING {
                waiting.recv().expect("started");
            }
            while gate.lock().waiting < MAX_WAITING {
                thread::yield_now();
            }
            assert_eq!(passed.load(Ordering::Relaxed), 0, "all places are taken");
            assert_eq!(gate.pass(|| ()), Err(BUSY), "more are sent away");
            go.wait();
        });
        assert_eq!(passed.load(Ordering::Relaxed), MAX_WAITING, "who waits gets a place");
        let inside = gate.lock();
        assert_eq!((inside.hashing, inside.waiting), (0, 0));
    }
}
