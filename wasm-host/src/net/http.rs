//! One HTTP request on behalf of a guest: guarded, bounded, and followed through its redirects (§4.9).

use std::{
    fmt,
    io::Read,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use ureq::{
    Agent,
    config::Config,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
    tls::TlsConfig,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};
use url::Url;

use super::{
    CertificateAuthorities, NetworkLoop,
    names::{self, NameError, Reach},
};
use crate::access::{NetworkAccess, Refusal};

/// Redirects followed, not more (§4.9).
const REDIRECTS: u32 = 5;
/// How long one connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a name may take to be looked up.
const NAME: Duration = Duration::from_secs(5);
/// What the server calls itself towards others.
const USER_AGENT: &str = concat!("windlass/", env!("CARGO_PKG_VERSION"));
/// Headers a guest cannot set, because they belong to the connection or the encoding; they are left out.
const RESERVED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Headers that must not follow a redirect to another server.
const CREDENTIALS: &[&str] = &["authorization", "cookie"];
/// Headers that describe a body.
const OF_BODY: &[&str] = &["content-encoding", "content-language", "content-location", "content-type"];

/// What `as-fetch` can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// A request as the guest made it; nothing of it has been checked.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// The HTTP status, of whatever kind.
    pub status: u16,
    /// Whether another address answered than the one asked.
    pub redirected: bool,
    /// Decoded.
    pub bytes: Vec<u8>,
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Most bytes of an answer, after decoding.
    pub bytes: u64,
    /// From the beginning to the last byte of the answer.
    pub deadline: Duration,
}

/// Why there is no answer. The texts hold no part of an address that may be secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the address is not a URL: {0}")]
    Url(#[from] url::ParseError),
    #[error("only http and https addresses can be requested, not {0}")]
    Scheme(String),
    #[error("the address contains a user name or password; send an authorization header instead")]
    Credentials,
    #[error("the header {0:?} is not valid")]
    Header(String),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("more than {REDIRECTS} redirects")]
    Redirects,
    #[error("the answer is larger than {0} bytes; ask for less, or raise the limit")]
    TooLarge(u64),
    #[error("no complete answer within {} s", .0.as_secs_f32())]
    Late(Duration),
    #[error("the server's certificate is not trusted: {0}")]
    Certificate(rustls::CertificateError),
    #[error(
        "the server's certificate is not trusted: no authority that is known here has signed it. If it is the server of a private \
         authority, put that authority's certificate into the file that plugins.certificateAuthorities in the settings names"
    )]
    UnknownAuthority,
    #[error("the request was broken off")]
    Aborted,
    #[error("{0}")]
    Transport(String),
}

impl From<Refusal> for FetchError {
    fn from(refusal: Refusal) -> Self {
        FetchError::Name(refusal.into())
    }
}

impl FetchError {
    /// Whether the rules for this plugin, and not the network, are the reason.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, FetchError::Scheme(_) | FetchError::Credentials | FetchError::Name(NameError::Refused(_)))
    }
}

impl Request {
    /// The address without user name, password, query and fragment.
    pub(crate) fn shown(&self) -> String {
        match Url::parse(&self.url) {
            Ok(url) if url.has_host() => format!("{}{}", url.origin().ascii_serialization(), url.path()),
            Ok(url) => format!("a {} address", url.scheme()),
            Err(_) => "(no address)".to_owned(),
        }
    }
}

/// Makes what sends a guest's requests: no cookies, no proxy, no connection kept, and addresses only through the guard.
pub(super) fn agent(reactor: &NetworkLoop, authorities: &CertificateAuthorities, access: &Arc<Reach>) -> Agent {
    let config = Config::builder()
        .tls_config(TlsConfig::builder().root_certs(authorities.roots()).build())
        .proxy(None)
        .http_status_as_error(false)
        // Redirects are followed here, so that each address is checked the way the first one was.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .user_agent(USER_AGENT)
        .timeout_connect(Some(CONNECT))
        .timeout_resolve(Some(NAME))
        .build();
    let guard = Guard { reactor: reactor.clone(), access: Arc::clone(access) };
    Agent::with_parts(config, DefaultConnector::default(), guard)
}

/// Looks names up and gives out only addresses that may be reached. The connection goes to the very address that was
/// checked: a name that leads elsewhere a moment later changes nothing.
struct Guard {
    reactor: NetworkLoop,
    access: Arc<Reach>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("https")) => 443,
            (None, _) => 80,
        };
        let within = NAME.min(*timeout.after);
        let found = names::resolve_blocking(&self.reactor, &self.access, host, port, within)
            .map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let mut addresses = self.empty();
        // The array holds 16.
        for address in found.into_iter().take(16) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// Sends `request` and waits for the whole answer. Error statuses are answers (§4.9).
pub(super) fn perform(
    agent: &Agent,
    access: &NetworkAccess,
    request: Request,
    bounds: Bounds,
) -> Result<Body, FetchError> {
    let end = Instant::now() + bounds.deadline;
    let mut headers = headers(&request.headers)?;
    let mut url = checked(Url::parse(&request.url)?, access)?;
    let Request { mut method, mut body, .. } = request;
    let mut redirects = 0;
    loop {
        let left = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
        let left = left.ok_or(FetchError::Late(bounds.deadline))?;
        let response = send(agent, method, &url, &headers, &body, left)
            .map_err(|error| transport_error(error, bounds.deadline))?;
        let status = response.status().as_u16();
        let target = matches!(status, 301 | 302 | 303 | 307 | 308)
            .then(|| response.headers().get(header::LOCATION))
            .flatten()
            .map(|location| String::from_utf8_lossy(location.as_bytes()).into_owned());
        let Some(target) = target else {
            let bytes = read_body(response, bounds, end)?;
            return Ok(Body { status, redirected: redirects > 0, bytes });
        };
        redirects += 1;
        if redirects > REDIRECTS {
            return Err(FetchError::Redirects);
        }
        let next = checked(url.join(&target)?, access)?;
        if next.origin() != url.origin() {
            remove(&mut headers, CREDENTIALS);
        }
        if matches!(status, 301..=303) && method == Method::Post {
            method = Method::Get;
            body = Vec::new();
            remove(&mut headers, OF_BODY);
        }
        url = next;
    }
}

/// Lets an address pass that may be requested, as far as that can be told from its text.
fn checked(mut url: Url, access: &NetworkAccess) -> Result<Url, FetchError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FetchError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FetchError::Credentials);
    }
    let port = url.port_or_known_default().unwrap_or(80);
    match url.host() {
        Some(url::Host::Domain(name)) => drop(names::check_before_lookup(access, name, port)?),
        // The parser has turned decimal, octal and hexadecimal spellings into addresses.
        Some(url::Host::Ipv4(address)) => access.permits_address(None, IpAddr::V4(address), port)?,
        Some(url::Host::Ipv6(address)) => access.permits_address(None, IpAddr::V6(address), port)?,
        None => return Err(url::ParseError::EmptyHost.into()),
    }
    url.set_fragment(None);
    Ok(url)
}

/// Checks headers. Names and values with line ends or other control characters are refused, so that no header can
/// smuggle in another one.
fn headers(given: &[(String, String)]) -> Result<HeaderMap, FetchError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let wrong = || FetchError::Header(name.clone());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value.trim_matches([' ', '\t'])).map_err(|_| wrong())?;
        if !RESERVED.contains(&key.as_str()) {
            headers.append(key, value);
        }
    }
    Ok(headers)
}

fn remove(headers: &mut HeaderMap, names: &[&str]) {
    for name in names {
        headers.remove(*name);
    }
}

fn send(
    agent: &Agent,
    method: Method,
    url: &Url,
    headers: &HeaderMap,
    body: &[u8],
    left: Duration,
) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let mut request = ureq::http::Request::builder().uri(url.as_str());
    if let Some(all) = request.headers_mut() {
        all.clone_from(headers);
    }
    match method {
        Method::Get => {
            let request = request.method("GET").body(())?;
            agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
        }
        Method::Post => {
            let request = request.method("POST").body(body)?;
            agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
        }
    }
}

/// Reads until the end, the limit or the deadline, whichever comes first.
fn read_body(response: ureq::http::Response<ureq::Body>, bounds: Bounds, end: Instant) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::TooLarge(bounds.bytes);
    let announced = response.body().content_length().unwrap_or(0);
    if announced > bounds.bytes {
        return Err(too_large());
    }
    let mut reader = response.into_body().into_reader();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    loop {
        let size =
            reader.read(&mut buffer).map_err(|error| transport_error(ureq::Error::from(error), bounds.deadline))?;
        if size == 0 {
            return Ok(bytes);
        }
        if (bytes.len() + size) as u64 > bounds.bytes {
            return Err(too_large());
        }
        bytes.extend_from_slice(&buffer[..size]);
        if Instant::now() >= end {
            return Err(FetchError::Late(bounds.deadline));
        }
    }
}

fn transport_error(error: ureq::Error, deadline: Duration) -> FetchError {
    if let Some(error) = certificate_error(&error) {
        return match error {
            rustls::CertificateError::UnknownIssuer => FetchError::UnknownAuthority,
            error => FetchError::Certificate(error.clone()),
        };
    }
    match error {
        ureq::Error::Timeout(ureq::Timeout::Global | ureq::Timeout::RecvBody) => FetchError::Late(deadline),
        ureq::Error::BadUri(_) => FetchError::Transport("the address cannot be requested".to_owned()),
        ureq::Error::Other(error) => match error.downcast::<NameError>() {
            Ok(error) => FetchError::Name(*error),
            Err(error) => FetchError::Transport(error.to_string()),
        },
        error => FetchError::Transport(error.to_string()),
    }
}

/// What is wrong with the server's certificate, if that is the reason of the failure.
fn certificate_error(error: &ureq::Error) -> Option<&rustls::CertificateError> {
    let error = match error {
        ureq::Error::Rustls(error) => error,
        // From within the handshake.
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<rustls::Error>()?,
        _ => return None,
    };
    match error {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}
