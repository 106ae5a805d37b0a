//! Whose certificate a connection with TLS takes.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde_json::Value;

use super::keys::Keys;
use super::settings::SettingsError;

/// The option that names authorities.
const AUTHORITY: &str = "certificateAuthority";
/// The option that trusts everybody.
const ANYBODY: &str = "selfsignedcert";
/// Longest text that is read, in bytes, and most certificates in it.
const LONGEST: usize = 64 * 1024;
const MOST: usize = 16;
/// What [`AUTHORITY`] should be.
const EXPECTED: &str = "the certificate of an authority as PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----; a \
     Windlass server has its own at /windlass/ca.pem";

/// Who is trusted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trust {
    /// Whoever has a certificate of a public authority.
    Public,
    /// Whoever has one of these authorities, and nobody else: a public one has no business on a boat's network.
    Authorities(Arc<[CertificateDer<'static>]>),
    /// Whoever answers.
    Anybody,
}

impl Trust {
    /// Reads `certificateAuthority` and `selfsignedcert`.
    pub fn read(sub: Keys<'_>) -> Result<Self, SettingsError> {
        let anybody = sub.flag(ANYBODY, false)?;
        let Some(given) = sub.present(AUTHORITY) else {
            return Ok(if anybody { Self::Anybody } else { Self::Public });
        };
        if anybody {
            // One of them would be in vain, and nobody could see which.
            let expected = "false or left out where `certificateAuthority` is set, as it trusts everybody";
            return Err(wrong(ANYBODY, "true".to_owned(), expected));
        }
        // What was pasted is not repeated: it may be a key.
        authorities(given).map(Self::Authorities).map_err(|found| wrong(AUTHORITY, found, EXPECTED))
    }

    /// What to do when a certificate is refused.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Public => {
                "if it made its certificate itself, set `certificateAuthority` to the certificate of its authority (a Windlass server has \
                 it at /windlass/ca.pem), or trust whatever it has with `selfsignedcert`"
            }
            Self::Authorities(_) => {
                "it should be signed by the authority in `certificateAuthority`, and be for the name or address in `host`; get \
                 the authority's certificate anew if the other server was set up again"
            }
            Self::Anybody => "check that the port is one for TLS",
        }
    }

    /// How to connect.
    ///
    /// # Errors
    /// In words: the cryptography of this computer can't be used.
    pub fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("TLS can't be used: {error}"))?;
        let mut roots = RootCertStore::empty();
        match self {
            Self::Anybody => {
                let trusting = Arc::new(Anybody(provider));
                let config = builder.dangerous().with_custom_certificate_verifier(trusting).with_no_client_auth();
                return Ok(Arc::new(config));
            }
            Self::Public => {
                let public = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
                let (trusted, _) = roots.add_parsable_certificates(public);
                log::debug!("{trusted} public authorities are trusted");
            }
            // They were looked at when the settings were read.
            Self::Authorities(authorities) => {
                roots.add_parsable_certificates(authorities.iter().cloned());
            }
        }
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// The certificates of a PEM text, each of which can be an authority; otherwise what it is instead.
fn authorities(given: &Value) -> Result<Arc<[CertificateDer<'static>]>, String> {
    let text = given.as_str().ok_or("no text")?;
    if text.len() > LONGEST {
        return Err(format!("longer than {} KiB", LONGEST / 1024));
    }
    if text.contains("PRIVATE KEY-----") {
        return Err("a text with a private key in it, which nobody but its owner may have".to_owned());
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).take(MOST + 1).collect();
    let found = found.map_err(|error| format!("damaged ({error})"))?;
    match found.len() {
        0 => return Err("a text without a certificate".to_owned()),
        1..=MOST => {}
        _ => return Err(format!("a list of more than {MOST} certificates")),
    }
    let mut roots = RootCertStore::empty();
    for certificate in &found {
        roots.add(certificate.clone()).map_err(|error| format!("no certificate that can be used ({error})"))?;
    }
    Ok(found.into())
}

fn wrong(key: &str, found: String, expected: &'static str) -> SettingsError {
    SettingsError::Wrong { key: format!("subOptions.{key}"), found, expected }
}

/// Takes every certificate, as `selfsignedcert` asks for; that the other side has the key that belongs to it is checked all the same.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(options: &Value) -> Result<Trust, String> {
        let map = options.as_object().expect("an object");
        Trust::read(Keys { map, at: "subOptions." }).map_err(|error| error.to_string())
    }

    #[test]
    fn authorities_are_looked_at_when_the_settings_are_read() {
        for (options, expected) in [
            (json!({}), Trust::Public),
            (json!({"certificateAuthority": "", "selfsignedcert": false}), Trust::Public),
            (json!({"certificateAuthority": null, "selfsignedcert": true}), Trust::Anybody),
        ] {
            assert_eq!(read(&options), Ok(expected), "{options}");
        }
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        for (given, words) in [
            (json!(7), "no text"),
            (json!("ca.pem"), "a text without a certificate"),
            (json!("x".repeat(LONGEST + 1)), "longer than 64 KiB"),
            (json!(pem("no base64!")), "damaged"),
            (json!(pem("bm8gY2VydGlmaWNhdGU=").trim_end().trim_end_matches('-')), "damaged"),
            (json!(pem("bm8gY2VydGlmaWNhdGU=")), "no certificate that can be used"),
            (json!(pem("bm8gY2VydGlmaWNhdGU=").repeat(MOST + 1)), "more than 16 certificates"),
            (json!("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"), "a private key"),
        ] {
            let said = read(&json!({"certificateAuthority": given})).expect_err("a refusal");
            assert!(said.starts_with("`subOptions.certificateAuthority` is ") && said.contains(words), "{said}");
            assert!(said.contains("/windlass/ca.pem") && !said.contains("c2VjcmV0"), "{said}");
        }
        let both = read(&json!({"certificateAuthority": "x", "selfsignedcert": true})).expect_err("a refusal");
        assert!(both.starts_with("`subOptions.selfsignedcert` is true; it should be false"), "{both}");
    }
}
