//! A server on this machine, in the place of the weather service on the internet.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use windlass_tests::PATIENCE;

/// 2026-03-01 00:00 UTC.
const MIDNIGHT: u64 = 1_772_323_200;

/// A certificate authority that nobody knows.
pub struct Authority {
    /// Its certificate.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key can be made");
        let pem = parameters.self_signed(&key).expect("a certificate can be made").pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    /// What a server needs whose certificate is for `name`.
    fn server_of(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key can be made");
        let parameters = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate can be made");
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the usual versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.expect("the key is that of the certificate"))
    }
}

/// Answers like Open-Meteo; dropping it ends it.
pub struct Service {
    address: SocketAddr,
    scheme: &'static str,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The first lines of the requests.
    requests: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Service {
    /// Speaks HTTP.
    pub fn plain() -> Self {
        Self::start("http", None)
    }

    /// Speaks HTTPS, with a certificate for `name`.
    pub fn secure(authority: &Authority, name: &str) -> Self {
        Self::start("https", Some(authority.server_of(name)))
    }

    fn start(scheme: &'static str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                for stream in listener.incoming() {
                    if shared.over.load(Ordering::Relaxed) {
                        return;
                    }
                    shared.serve(stream.expect("a connection"), tls.clone());
                }
            }
        });
        Self { address, scheme, shared, thread: Some(thread) }
    }

    /// `http://127.0.0.1:<port>`, or `https`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The first lines of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().expect("whole").clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Whoever waits for a connection gets one.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the service failed");
        }
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let Some(config) = tls else { return self.answer(stream) };
        let connection = ServerConnection::new(config).expect("good settings");
        self.answer(StreamOwned::new(connection, stream));
    }

    /// Answers one request. A client that goes away, because it does not trust the certificate for one, gets none.
    fn answer(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            match stream.read_line(&mut line) {
                Ok(0) => return,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => head.push(line.trim_end().to_owned()),
                Err(error) => {
                    let gone = [ErrorKind::InvalidData, ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof];
                    assert!(gone.contains(&error.kind()), "{error}");
                    return;
                }
            }
        }
        let body = body(&head[0]);
        self.requests.lock().expect("whole").push(head.swap_remove(0));
        let size = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n{body}"
        );
        let stream = stream.get_mut();
        stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).expect("the client waits for the answer");
    }
}

/// What is asked for is in the query.
fn body(request: &str) -> String {
    let hours: Vec<_> = (0..3).map(|hour| MIDNIGHT + hour * 3600).collect();
    let days = [MIDNIGHT, MIDNIGHT + 86_400];
    let answer = if request.contains("&current=") {
        json!({"current": {"time": MIDNIGHT + 900, "temperature_2m": 12.3, "pressure_msl": 1013.2, "weather_code": 61,
            "wind_speed_10m": 5.14, "wind_direction_10m": 180, "wind_gusts_10m": 9.5}})
    } else if request.contains("&hourly=") {
        json!({"hourly": {"time": hours, "temperature_2m": [10, 9.5, 9], "wind_speed_10m": [10, 18, 19],
            "wind_direction_10m": [0, 90, 180], "wind_gusts_10m": [12, 20, 31]}})
    } else {
        json!({"daily": {"time": days, "temperature_2m_min": [-1, 0], "temperature_2m_max": [3.5, 6.5]}})
    };
    answer.to_string()
}
