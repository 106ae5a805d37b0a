//! Whom HTTPS requests of plugins trust to vouch for servers.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use rustls::{RootCertStore, pki_types::CertificateDer};
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Larger files are refused; all public authorities together take a quarter of it.
const LARGEST: u64 = 1 << 20;

/// The public certificate authorities, as browsers know them, and those that the operator adds. The default adds none. Clones share.
#[derive(Clone, Debug, Default)]
pub struct CertificateAuthorities(Option<RootCerts>);

/// Why a file adds no authorities.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It can't be read.
    #[error("{} can't be read: {source}; correct the path or its permissions", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no list of certificates.
    #[error("{} has more than {LARGEST} bytes; name a file with the certificates of your own authorities only", .0.display())]
    TooLarge(PathBuf),
    /// It is damaged.
    #[error("{} is no PEM file: {reason}; it must have the certificates of authorities between BEGIN CERTIFICATE and END CERTIFICATE", path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It has something else.
    #[error("{} has no certificate between BEGIN CERTIFICATE and END CERTIFICATE; export that of your authority as PEM", .0.display())]
    Empty(PathBuf),
    /// One of its certificates makes no sense.
    #[error("certificate {number} in {} can't be used: {reason}; export it again, or remove it from the file", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Which one, from 1 on.
        number: usize,
        /// Why.
        reason: String,
    },
}

impl CertificateAuthorities {
    /// The public authorities, and those whose certificates are in a PEM file. What else is in the file is passed over.
    ///
    /// # Errors
    /// The file can't be read, has no certificate, or one that makes no sense.
    pub fn read(path: &Path) -> Result<Self, AuthorityError> {
        let unreadable = |source| AuthorityError::Unreadable { path: path.to_owned(), source };
        let mut text = Vec::new();
        File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut text)).map_err(unreadable)?;
        if text.len() as u64 > LARGEST {
            return Err(AuthorityError::TooLarge(path.to_owned()));
        }
        let mut own = Vec::new();
        for item in parse_pem(&text) {
            match item {
                Ok(PemItem::Certificate(certificate)) => own.push(certificate),
                Ok(_) => {}
                Err(error) => {
                    return Err(AuthorityError::NoPem { path: path.to_owned(), reason: error.to_string() });
                }
            }
        }
        if own.is_empty() {
            return Err(AuthorityError::Empty(path.to_owned()));
        }
        // A request would pass over what makes no sense, and fail without saying so.
        for (at, certificate) in own.iter().enumerate() {
            let added = RootCertStore::empty().add(CertificateDer::from(certificate.der()));
            added.map_err(|error| AuthorityError::Unusable {
                path: path.to_owned(),
                number: at + 1,
                reason: error.to_string(),
            })?;
        }
        let public = TLS_SERVER_ROOT_CERTS.iter().map(|certificate| Certificate::from_der(certificate));
        Ok(Self(Some(public.chain(own).into())))
    }

    /// For the requests of a guest.
    pub(super) fn roots(&self) -> RootCerts {
        self.0.clone().unwrap_or(RootCerts::WebPki)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> String {
        let mut authority = rcgen::CertificateParams::default();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        authority.self_signed(&key).expect("a certificate").pem()
    }

    fn read(text: &[u8]) -> Result<CertificateAuthorities, AuthorityError> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ca.pem");
        std::fs::write(&path, text).expect("a file");
        CertificateAuthorities::read(&path)
    }

    fn count(authorities: &CertificateAuthorities) -> usize {
        match authorities.roots() {
            RootCerts::Specific(all) => all.len(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn own_authorities_come_beside_the_public_ones() {
        let public = TLS_SERVER_ROOT_CERTS.len();
        assert!(public > 50);
        let key = rcgen::KeyPair::generate().expect("a key").serialize_pem();
        let text = format!("# ours\n{}{key}\nand the other one\n{}", certificate(), certificate());
        let authorities = read(text.as_bytes()).expect("good certificates");
        assert_eq!(count(&authorities), public + 2);
        assert!(matches!(CertificateAuthorities::default().roots(), RootCerts::WebPki));
    }

    #[test]
    fn a_file_that_can_not_be_used_is_named_with_the_reason() {
        let missing = CertificateAuthorities::read(Path::new("/nowhere/ca.pem")).expect_err("there is none");
        assert!(matches!(missing, AuthorityError::Unreadable { .. }), "{missing}");
        assert!(missing.to_string().contains("/nowhere/ca.pem"), "{missing}");
        let cut = certificate().replace("-----END CERTIFICATE-----", "");
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let second = format!("{}{no_certificate}", certificate());
        let large = vec![b'#'; usize::try_from(LARGEST).expect("it fits") + 1];
        for (text, expected) in [
            (&b""[..], "has no certificate"),
            (b"\x30\x82\x01\x0a", "has no certificate"),
            (cut.as_bytes(), "is no PEM file"),
            (no_certificate.as_bytes(), "certificate 1 in"),
            (second.as_bytes(), "certificate 2 in"),
            (&large, "more than 1048576 bytes"),
        ] {
            let error = read(text).expect_err(expected).to_string();
            assert!(error.contains(expected) && error.contains("ca.pem"), "{error}");
        }
    }
}
