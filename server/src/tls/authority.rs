//! The boat's own certificate authority, below the configuration directory. What is damaged of it is made anew.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};
use serde_json::{Value, json};
use windlass_store as store;

use super::{Tls, TlsError, certificates, config, provider};

/// Below the configuration directory: what the server makes for itself.
const DIRECTORY: &str = "tls";
/// How long a root is valid; it is to be installed once in a boat's life with a server.
const ROOT_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
/// How long a certificate is valid: phones refuse more than 825 days.
pub(super) const LIFE: Duration = Duration::from_secs(800 * 24 * 60 * 60);
/// It is made anew when less is left at a start.
pub(super) const RENEW: Duration = Duration::from_secs(100 * 24 * 60 * 60);

/// Serves the chain, the key and the root as they are on the disk, or new ones.
pub(super) fn own(config_dir: &Path, names: &[String], now: SystemTime) -> Result<Tls, TlsError> {
    let directory = config_dir.join(DIRECTORY);
    store_directory(&directory)?;
    let mut problems = Vec::new();
    let file = |name: &str| directory.join(name);
    let (root_file, root_key_file) = (file("ca.pem"), file("ca-key.pem"));
    let (chain_file, key_file, for_file) = (file("cert.pem"), file("key.pem"), file("cert-for.json"));
    let known: Value = absent(&for_file)?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let until = known["until"].as_u64().unwrap_or_default();
    let made = Duration::from_secs(until).saturating_sub(LIFE);
    // A computer without a clock of its own starts in the past.
    let now = now.max(UNIX_EPOCH.checked_add(made).unwrap_or(now));
    let (root_key, known_root) = match known_key(&root_key_file, &mut problems)? {
        Some(key) => (key, absent(&root_file)?),
        None => {
            let key = KeyPair::generate()?;
            save(&root_key_file, &key.serialize_pem())?;
            log::info!("made a certificate authority for this boat: {}", root_file.display());
            (key, None)
        }
    };
    let make_root = || -> Result<String, TlsError> {
        let root = root_params(now).self_signed(&root_key)?.pem();
        save(&root_file, &root)?;
        Ok(root)
    };
    let root = known_root.map_or_else(make_root, Ok)?;
    if let (Some(chain), Some(key)) = (absent(&chain_file)?, absent(&key_file)?)
        && known["names"] == json!(names)
        && known["root"] == *root
        && until > seconds(now + RENEW)
        && is_trusted(&root, &chain, names, made)
        && let Ok(config) = config(&chain_file, &chain, &key_file, &key)
    {
        return Ok(Tls { config, root: Some(root), problems });
    }
    let (chain, key) = make(&root_key, names, now)?;
    let root = if is_trusted(&root, &chain, names, since_epoch(now)) {
        root
    } else {
        // What phones trust is the key; with it the root can be signed once more.
        let aside = put_aside(&root_file)?;
        problems.push(format!(
            "{} is no root of this boat's authority; it is kept as {}, and made anew with the same key",
            root_file.display(),
            aside.display()
        ));
        make_root()?
    };
    save(&key_file, &key)?;
    save(&chain_file, &chain)?;
    save(&for_file, &json!({"names": names, "root": root, "until": seconds(now + LIFE)}).to_string())?;
    log::info!("made a certificate for {}", names.join(", "));
    Ok(Tls { config: config(&chain_file, &chain, &key_file, &key)?, root: Some(root), problems })
}

/// The key of the authority, if it has one already. A file that is none is put aside.
fn known_key(file: &Path, problems: &mut Vec<String>) -> Result<Option<KeyPair>, TlsError> {
    let Some(text) = absent(file)? else { return Ok(None) };
    match KeyPair::from_pem(&text) {
        Ok(key) => Ok(Some(key)),
        Err(error) => {
            let aside = put_aside(file)?;
            problems.push(format!(
                "{} is no key any more ({error}); it is kept as {}, and the boat has a new authority: phones have to trust its root anew",
                file.display(),
                aside.display()
            ));
            Ok(None)
        }
    }
}

/// An authority and its certificate that are nowhere but in memory.
pub(super) fn temporary(names: &[String], now: SystemTime) -> Result<Tls, TlsError> {
    let root_key = KeyPair::generate()?;
    let root = root_params(now).self_signed(&root_key)?.pem();
    let (chain, key) = make(&root_key, names, now)?;
    let memory = Path::new("the memory");
    Ok(Tls { config: config(memory, &chain, memory, &key)?, root: Some(root), problems: Vec::new() })
}

/// A new certificate and its key. Name and key are all that a signature needs of the root, and its name is always the same.
fn make(root_key: &KeyPair, names: &[String], now: SystemTime) -> Result<(String, String), TlsError> {
    let issuer = Issuer::new(root_params(now), root_key);
    let key = KeyPair::generate()?;
    let chain = params(names, now)?.signed_by(&key, &issuer)?.pem();
    Ok((chain, key.serialize_pem()))
}

/// Whether a client that trusts the root trusts the chain, at a time since 1970.
fn is_trusted(root: &str, chain: &str, names: &[String], at: Duration) -> bool {
    let (Ok(root), Ok(chain)) = (certificates(root), certificates(chain)) else { return false };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(root);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let name = names.first().and_then(|name| ServerName::try_from(name.as_str()).ok());
    let (Ok(verifier), Some(name), [server, between @ ..]) = (verifier, name, &chain[..]) else { return false };
    verifier.verify_server_cert(server, between, &name, &[], UnixTime::since_unix_epoch(at)).is_ok()
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

fn since_epoch(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn seconds(at: SystemTime) -> u64 {
    since_epoch(at).as_secs()
}

/// The text of a file, with marks in the place of what is no text; `None` when there is no file.
fn absent(path: &Path) -> Result<Option<String>, TlsError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TlsError::Unusable { path: path.to_owned(), reason: error.to_string() }),
    }
}

/// Keeps a file under another name, for whoever wants to know what has become of it.
fn put_aside(path: &Path) -> Result<PathBuf, TlsError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    let aside = path.with_file_name(name);
    fs::rename(path, &aside).map_err(|source| TlsError::Unsaved { path: aside.clone(), source })?;
    Ok(aside)
}

fn save(path: &Path, text: &str) -> Result<(), TlsError> {
    store::write_private(path, text.as_bytes()).map_err(|source| TlsError::Unsaved { path: path.to_owned(), source })
}

fn store_directory(directory: &Path) -> Result<(), TlsError> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| TlsError::Unsaved { path: directory.to_owned(), source })
}
