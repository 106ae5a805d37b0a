//! TLS: the owner's certificate, or one of a certificate authority of the boat's own (docs/security.md).
//!
//! No public authority gives a certificate to a boat without a name in the internet. So the server can be its own authority: its root is
//! downloaded once to each phone from `/windlass/ca.pem`, and every certificate made later is trusted.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use windlass_store as store;

/// Below the configuration directory: what the server makes for itself.
const DIRECTORY: &str = "tls";
/// How long a root is valid; it is to be installed once in a boat's life with a server.
const ROOT_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
/// How long a certificate is valid: phones refuse more than 825 days.
const LIFE: Duration = Duration::from_secs(800 * 24 * 60 * 60);
/// It is made anew when less is left at a start.
const RENEW: Duration = Duration::from_secs(100 * 24 * 60 * 60);

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
    #[error("the certificate and its key can't be used together: {0}")]
    Unfit(#[from] rustls::Error),
}

/// What TLS is served with.
#[derive(Debug)]
pub struct Tls {
    /// For the listener.
    pub config: ServerConfig,
    /// The root that phones have to trust, in PEM form, when it is the boat's own.
    pub root: Option<String>,
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
    /// See [`TlsError`].
    pub fn load(&self, config_dir: &Path, names: &[String], now: SystemTime) -> Result<Tls, TlsError> {
        let (chain, key, root) = match self {
            Self::Files { chain, key } => (read(chain)?, read(key)?, None),
            Self::Own => {
                let (chain, key, root) = own(&config_dir.join(DIRECTORY), names, now)?;
                (chain, key, Some(root))
            }
        };
        let place = match self {
            Self::Files { chain, .. } => chain.clone(),
            Self::Own => config_dir.join(DIRECTORY),
        };
        let unusable = |reason: String| TlsError::Unusable { path: place.clone(), reason };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(error.to_string()))?;
        if chain.is_empty() {
            return Err(unusable("there is no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Tls { config, root })
    }
}

/// The chain, the key and the root, as they are on the disk, or new ones.
fn own(directory: &Path, names: &[String], now: SystemTime) -> Result<(String, String, String), TlsError> {
    store_directory(directory)?;
    let file = |name: &str| directory.join(name);
    let (root_file, root_key_file) = (file("ca.pem"), file("ca-key.pem"));
    let (root, root_key) = match (absent(&root_file)?, absent(&root_key_file)?) {
        (Some(root), Some(key)) => (root, key),
        _ => {
            let key = KeyPair::generate()?;
            let root = root_params(now).self_signed(&key)?.pem();
            save(&root_key_file, &key.serialize_pem())?;
            save(&root_file, &root)?;
            log::info!("made a certificate authority for this boat: {}", root_file.display());
            (root, key.serialize_pem())
        }
    };
    let (chain_file, key_file, for_file) = (file("cert.pem"), file("key.pem"), file("cert-for.json"));
    let made_for = serde_json::json!({"names": names, "root": root, "until": seconds(now + LIFE)});
    if let (Some(chain), Some(key), Some(known)) = (absent(&chain_file)?, absent(&key_file)?, absent(&for_file)?)
        && let Ok(known) = serde_json::from_str::<serde_json::Value>(&known)
        && known["names"] == made_for["names"]
        && known["root"] == made_for["root"]
        && known["until"].as_u64().is_some_and(|until| until > seconds(now + RENEW))
    {
        return Ok((chain, key, root));
    }
    // Name and key are all that a signature needs of the root, and its name is always the same.
    let issuer = Issuer::new(root_params(now), KeyPair::from_pem(&root_key)?);
    let key = KeyPair::generate()?;
    let chain = params(names, now)?.signed_by(&key, &issuer)?.pem();
    save(&key_file, &key.serialize_pem())?;
    save(&chain_file, &chain)?;
    save(&for_file, &made_for.to_string())?;
    log::info!("made a certificate for {}", names.join(", "));
    Ok((chain, key.serialize_pem(), root))
}

fn root_params(now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Windlass on this boat");
    params.distinguished_name = name;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (yesterday(now), (now + ROOT_LIFE).into());
    params
}

fn params(names: &[String], now: SystemTime) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(names)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, names.first().map_or("windlass", String::as_str));
    params.distinguished_name = name;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (yesterday(now), (now + LIFE).into());
    Ok(params)
}

/// A phone whose clock is behind must not find the certificate too young.
fn yesterday<T: From<SystemTime>>(now: SystemTime) -> T {
    now.checked_sub(Duration::from_secs(24 * 60 * 60)).unwrap_or(now).into()
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
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

fn absent(path: &Path) -> Result<Option<String>, TlsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::Unusable { path: path.to_owned(), reason: error.to_string() }),
    }
}

fn save(path: &Path, text: &str) -> Result<(), TlsError> {
    store::write_private(path, text.as_bytes()).map_err(|source| TlsError::Unsaved { path: path.to_owned(), source })
}

fn store_directory(directory: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| TlsError::Unsaved { path: directory.to_owned(), source })
}

#[cfg(test)]
mod tests {
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
}
