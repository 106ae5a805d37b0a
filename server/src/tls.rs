//! TLS: the owner's certificate, or one of a certificate authority of the boat's own (docs/security.md).
//!
//! No public authority gives a certificate to a boat without a name in the internet. So the server can be its own authority: its root is
//! downloaded once to each phone from `/windlass/ca.pem`, and every certificate made later is trusted.

mod authority;

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use windlass_actors::{StatusBoard, StatusKind, StatusSubject};

use crate::settings::TlsFiles;

/// Where certificates come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificates {
    /// Files in PEM form: the chain, the server's own certificate first, and its key.
    Files {
        /// The chain.
        chain: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The boat's own authority, below the configuration directory.
    Own,
}

/// Why TLS can't be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error(
        "{path} can't be used for TLS: {reason}; give a PEM file that the server may read, or remove the setting to use the boat's own authority"
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file can't be written.
    #[error("{path} can't be saved: {source}; make the configuration directory writable")]
    Unsaved {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate can't be made.
    #[error("no certificate can be made: {0}")]
    Unmade(#[from] rcgen::Error),
    /// Certificate and key don't fit.
    #[error("the certificate in {path} and its key can't be used together: {source}")]
    Unfit {
        /// The file with the certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// What TLS is served with.
#[derive(Debug)]
pub struct Tls {
    /// For the listener.
    pub config: ServerConfig,
    /// The root that phones have to trust, in PEM form, when it is the boat's own.
    pub root: Option<String>,
    /// What was wrong, and what is used instead; in words for the owner.
    pub problems: Vec<String>,
}

/// The entry on the status board.
const NAME: &str = "tls";

/// Tells the owner what is wrong with the certificates, on the status board and in the log; takes it back when there is nothing.
pub fn tell_problems(problems: &[String], status: &StatusBoard) {
    for problem in problems {
        log::error!("{problem}");
        status.set(NAME, StatusSubject::Provider, StatusKind::Error, problem);
    }
    if problems.is_empty() {
        status.set(NAME, StatusSubject::Provider, StatusKind::Status, "");
    }
}

impl Certificates {
    /// The owner's files as the settings name them, relative to the configuration directory; or those that the reference server uses, when
    /// they are there; or the boat's own authority.
    pub fn of(config_dir: &Path, chain: Option<&Path>, key: Option<&Path>) -> Self {
        let file = |named: Option<&Path>, usual: &str| config_dir.join(named.unwrap_or(Path::new(usual)));
        let (chain_file, key_file) = (file(chain, "ssl-cert.pem"), file(key, "ssl-key.pem"));
        if chain.is_some() || key.is_some() || (chain_file.exists() && key_file.exists()) {
            Self::Files { chain: chain_file, key: key_file }
        } else {
            Self::Own
        }
    }

    /// Reads the certificates, or makes them. `names` are those that clients use for this computer, `now` is the time.
    ///
    /// # Errors
    /// See [`TlsError`]. What the boat's own authority has lost is made anew.
    pub fn load(&self, config_dir: &Path, names: &[String], now: SystemTime) -> Result<Tls, TlsError> {
        match self {
            Self::Files { chain, key } => {
                let config = config(chain, &read(chain)?, key, &read(key)?)?;
                Ok(Tls { config, root: None, problems: Vec::new() })
            }
            Self::Own => authority::own(config_dir, names, now),
        }
    }

    /// The same, but a boat does not go without its server because of a certificate, nor are its passwords sent in plain text: the boat's
    /// own authority stands in for files that can't be used, and one that lives as long as the server for an authority that can't be saved.
    ///
    /// # Errors
    /// Not even that can be made.
    pub fn load_or_replace(&self, config_dir: &Path, names: &[String], now: SystemTime) -> Result<Tls, TlsError> {
        let mut problems = Vec::new();
        if *self != Self::Own {
            match self.load(config_dir, names, now) {
                Ok(tls) => return Ok(tls),
                Err(error) => problems.push(format!("{error}. Until then the boat's own authority stands in for it")),
            }
        }
        let mut tls = match authority::own(config_dir, names, now) {
            Ok(tls) => tls,
            Err(error) => {
                problems
                    .push(format!("{error}. Until then each start has an authority of its own, which nobody trusts"));
                authority::temporary(names, now)?
            }
        };
        problems.append(&mut tls.problems);
        Ok(Tls { problems, ..tls })
    }
}

impl TlsFiles {
    /// Where the certificates of this configuration directory come from, with all names of this computer.
    pub fn certificates(&self, config_dir: &Path) -> (Certificates, Vec<String>) {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
            log::warn!(
                "the addresses of this computer can't be found ({error}); its certificate is for its names only"
            );
            Vec::new()
        });
        let addresses = interfaces.iter().map(if_addrs::Interface::ip).filter(|address| !address.is_loopback());
        let certificates = Certificates::of(config_dir, self.certificate.as_deref(), self.key.as_deref());
        (certificates, names_of_this_computer(addresses))
    }
}

/// What serves a chain and its key, which were read from these files.
fn config(chain_file: &Path, chain: &str, key_file: &Path, key: &str) -> Result<ServerConfig, TlsError> {
    let unusable = |path: &Path, reason: String| TlsError::Unusable { path: path.to_owned(), reason };
    let chain = certificates(chain).map_err(|reason| unusable(chain_file, reason))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| unusable(key_file, error.to_string()))?;
    let unfit = |source| TlsError::Unfit { path: chain_file.to_owned(), source };
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unfit)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The certificates of a PEM text, or what is wrong with it.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    if found.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(found) }
}

/// The names by which clients reach this computer.
pub fn names_of_this_computer(addresses: impl IntoIterator<Item = IpAddr>) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if let Ok(name) = fs::read_to_string("/proc/sys/kernel/hostname") {
        let name = name.trim().to_ascii_lowercase();
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if is_name && name != "localhost" {
            let first = name.split('.').next().unwrap_or(&name).to_owned();
            names.extend([name.clone(), format!("{first}.local")]);
        }
    }
    names.extend(addresses.into_iter().map(|address| address.to_string()));
    names.sort();
    names.dedup();
    names
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|error| TlsError::Unusable { path: path.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::authority::{LIFE, RENEW};
    use super::*;

    #[test]
    fn the_boats_own_authority_lasts_and_its_certificates_are_renewed() {
        let directory = tempfile::tempdir().expect("a directory");
        let now = SystemTime::now();
        let names = vec!["boat.local".to_owned(), "10.0.0.2".to_owned()];
        let load = |names: &[String], now| Certificates::Own.load(directory.path(), names, now).expect("certificates");
        let file = |name: &str| fs::read_to_string(directory.path().join("tls").join(name)).expect("a file");
        let first = load(&names, now);
        let (root, certificate) = (file("ca.pem"), file("cert.pem"));
        assert_eq!(first.root.as_deref(), Some(root.as_str()));
        load(&names, now + Duration::from_secs(60));
        assert_eq!(file("cert.pem"), certificate, "it is good for long");
        load(&["other.local".to_owned()], now);
        assert_ne!(file("cert.pem"), certificate, "another name needs another certificate");
        let certificate = file("cert.pem");
        load(&["other.local".to_owned()], now + LIFE - RENEW);
        assert_ne!(file("cert.pem"), certificate, "it is renewed in time");
        assert_eq!(file("ca.pem"), root, "the root stays");
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(directory.path().join("tls/ca-key.pem")).expect("the key").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_owners_files_come_first_and_are_named_when_they_are_no_good() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(Certificates::of(directory.path(), None, None), Certificates::Own);
        for name in ["ssl-cert.pem", "ssl-key.pem"] {
            fs::write(directory.path().join(name), "nothing").expect("a file");
        }
        let files = Certificates::of(directory.path(), None, None);
        assert!(matches!(files, Certificates::Files { .. }));
        let error = files.load(directory.path(), &[], SystemTime::now()).expect_err("no certificate");
        assert!(error.to_string().contains("ssl-cert.pem"), "{error}");
        let error = Certificates::of(directory.path(), Some(Path::new("x.pem")), None);
        assert!(error.load(directory.path(), &[], SystemTime::now()).is_err());
    }

    #[test]
    fn what_is_damaged_of_the_boats_own_authority_is_made_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let (now, names) = (SystemTime::now(), vec!["boat.local".to_owned()]);
        let load = || Certificates::Own.load(directory.path(), &names, now).expect("certificates");
        let root = load().root;
        let stranger = tempfile::tempdir().expect("a directory");
        let strange = Certificates::Own.load(stranger.path(), &names, now).expect("certificates").root;
        let strange = strange.expect("a root");
        for (name, damage, same_root, told) in [
            ("cert.pem", "", true, false),
            ("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", true, false),
            ("cert.pem", &strange, true, false),
            ("key.pem", "\u{0}", true, false),
            ("cert-for.json", "{", true, false),
            ("ca.pem", "nothing", false, true),
            // That of another boat.
            ("ca.pem", &strange, false, true),
            ("ca-key.pem", "nothing", false, true),
        ] {
            let before = load();
            assert_eq!(before.problems, [""; 0], "all is well before {name} is damaged");
            fs::write(directory.path().join("tls").join(name), damage).expect("written");
            let after = load();
            assert_eq!((before.root == after.root, !after.problems.is_empty()), (same_root, told), "{name}: {damage}");
            assert!(!told || after.problems[0].contains(&format!("{name}.damaged")), "{:?}", after.problems);
            assert_eq!(load().problems, [""; 0], "and afterwards");
        }
        assert_ne!(load().root, root);
    }

    #[test]
    fn there_is_always_something_that_stands_in() {
        let directory = tempfile::tempdir().expect("a directory");
        let (now, names) = (SystemTime::now(), vec!["boat.local".to_owned()]);
        let files = Certificates::of(directory.path(), Some(Path::new("gone.pem")), None);
        let replaced = files.load_or_replace(directory.path(), &names, now).expect("the own authority");
        let own = Certificates::Own.load(directory.path(), &names, now).expect("the own authority");
        assert_eq!(replaced.root, own.root);
        assert!(replaced.problems[0].contains("gone.pem"), "{:?}", replaced.problems);
        // Where there is no place for it either.
        fs::remove_dir_all(directory.path().join("tls")).expect("removed");
        fs::write(directory.path().join("tls"), "").expect("a file");
        let memory = files.load_or_replace(directory.path(), &names, now).expect("one in memory");
        assert_eq!(memory.problems.len(), 2, "{:?}", memory.problems);
        assert!(memory.root.is_some() && memory.root != own.root);
    }
}
