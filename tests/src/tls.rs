//! Clients that speak TLS and trust one certificate authority.

use std::sync::Arc;

use reqwest::Method;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use ureq::http;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::{Answer, PATIENCE, Server};

/// The line by which the server says where it speaks TLS.
const SECURE: &str = "Windlass is listening on https://";

/// Whom a client trusts: an authority by its root, in PEM form.
#[derive(Debug, Clone)]
pub struct Trust {
    root: String,
}

impl Trust {
    /// In the authority with this root.
    pub fn new(root: impl Into<String>) -> Self {
        Self { root: root.into() }
    }

    /// In the boat's own authority: its root is downloaded as a phone does it, without TLS.
    ///
    /// # Panics
    /// When there is none.
    pub async fn download(server: &Server) -> Self {
        let answer = server.get("/windlass/ca.pem").await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, "application/x-x509-ca-cert"),
            "{}",
            answer.text
        );
        Self::new(answer.text)
    }

    /// The root.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A connection to `127.0.0.1:<port>`, for an address of that form.
    pub(crate) async fn connect(&self, socket: TcpStream, host: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.root.as_bytes()).expect("the root is a certificate");
        roots.add(root).expect("the root is that of an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the usual versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_owned()).expect("a host is a name");
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }

    /// A request over HTTPS; redirects are not followed.
    ///
    /// # Errors
    /// The server is not trusted, or does not answer.
    pub async fn request(
        &self,
        server: &Server,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Answer, ureq::Error> {
        let url = format!("https://{}{path}", server.tls_address().await);
        let root = Certificate::from_pem(self.root.as_bytes()).expect("the root is a certificate");
        let asking = tokio::task::spawn_blocking(move || {
            let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[root])).build();
            let config = ureq::Agent::config_builder().tls_config(tls).timeout_global(Some(PATIENCE));
            let agent = config.max_redirects(0).http_status_as_error(false).build().new_agent();
            let request = http::Request::builder().method(method).uri(url);
            let answer = match body {
                Some(body) => agent.run(request.header("Content-Type", "application/json").body(body)?),
                None => agent.run(request.body(())?),
            };
            let mut answer = answer?;
            let text = answer.body_mut().read_to_string()?;
            Ok(Answer { status: answer.status(), headers: answer.headers().clone(), text })
        });
        asking.await.expect("asking does not panic")
    }

    /// `GET` over HTTPS of something that is answered.
    pub async fn get(&self, server: &Server, path: &str) -> Answer {
        let answer = self.request(server, Method::GET, path, None).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Server {
    /// `127.0.0.1:<port>`, where it speaks TLS.
    pub async fn tls_address(&self) -> String {
        let line = self.logs().wait_for(&[SECURE]).await;
        line.split(SECURE).nth(1).expect("the line was found by this text").trim().to_owned()
    }
}
