//! Asking another Signal K server, so that a connection to it can be set up from the page: whether it is there, whether a token is
//! good, and for a token (server-admin-api §10; the other side is signalk-v1 §8.6).
//!
//! An administrator says where to ask, so this must be no way to look around where only this computer gets to: nothing is answered of
//! what came but the few fields that are expected, redirects are not followed, and addresses that only lead to this computer's own link,
//! where routers and clouds keep their secrets, are refused after the name was looked up.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// For a whole answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const LARGEST: u64 = 64 * 1024;
/// Longest text of a field, in bytes; a certificate may be longer.
const LONGEST: usize = 4096;
const LONGEST_CERTIFICATE: usize = 64 * 1024;

/// Where and how to ask.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Whereabouts {
    /// Name or address.
    host: String,
    /// Its port.
    port: u16,
    /// Whether over TLS.
    #[serde(default, rename = "useTLS")]
    use_tls: bool,
    /// Who to be there.
    #[serde(default)]
    token: Option<String>,
    /// Whether any certificate will do.
    #[serde(default)]
    selfsignedcert: bool,
    /// Only a certificate of this authority will do; PEM text.
    #[serde(default)]
    certificate_authority: Option<String>,
}

/// What the body of a request lacks, and what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWhereabouts {
    /// No host, or one with an address's other parts.
    #[error(
        "`host` is a name or an address alone, without a scheme, a port or a path, such as 192.168.1.20 or boat.local"
    )]
    Host,
    /// Port 0.
    #[error("`port` is a number from 1 to 65535; a Signal K server often has 3000, or 80 or 443 behind a proxy")]
    Port,
    /// A token that can't be one.
    #[error("`token` has characters that no token has; copy it once more, without spaces and line ends")]
    Token,
    /// No authority.
    #[error(
        "`certificateAuthority` is the certificate of an authority as PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----"
    )]
    Authority,
    /// One of them would be in vain, and nobody could see which.
    #[error("`selfsignedcert` is false or left out where `certificateAuthority` is set, as it trusts everybody")]
    Both,
}

/// Why the other server could not be asked, or what it said instead. In words for the page.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It can't be reached.
    #[error("it can't be reached: {0}; check host, port and TLS, and that the server runs")]
    Unreachable(String),
    /// It answers, and not as a Signal K server does.
    #[error("it answers, but not as a Signal K server; check the port")]
    Foreign,
    /// It answers that it doesn't want to.
    #[error("it refuses: {0}")]
    Refused(String),
    /// It has no security, so there is nothing to ask for.
    #[error("its security is off: no token is needed to read from it")]
    Open,
}

/// Another server.
pub struct RemoteServer {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl RemoteServer {
    /// The one that is meant; nothing is asked yet.
    ///
    /// # Errors
    /// What is said about it can't be used.
    pub fn new(at: Whereabouts) -> Result<Self, BadWhereabouts> {
        let Whereabouts { host, port, use_tls, token, selfsignedcert, certificate_authority } = at;
        let host = host.trim();
        let shown = match host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => host.to_owned(),
        };
        let scheme = if use_tls { "https" } else { "http" };
        let base = format!("{scheme}://{shown}:{port}");
        let alone = url::Url::parse(&base).is_ok_and(|url| {
            url.path() == "/" && url.username().is_empty() && url.query().is_none() && url.fragment().is_none()
        });
        if host.is_empty() || host.len() > LONGEST || !alone {
            return Err(BadWhereabouts::Host);
        }
        if port == 0 {
            return Err(BadWhereabouts::Port);
        }
        let token = token.filter(|token| !token.is_empty());
        let is_token = |token: &String| token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic());
        if !token.as_ref().is_none_or(is_token) {
            return Err(BadWhereabouts::Token);
        }
        let tls = TlsConfig::builder().disable_verification(selfsignedcert);
        let tls = match certificate_authority.filter(|pem| !pem.trim().is_empty()) {
            Some(_) if selfsignedcert => return Err(BadWhereabouts::Both),
            Some(pem) if pem.len() <= LONGEST_CERTIFICATE => tls.root_certs(authorities(&pem)?),
            Some(_) => return Err(BadWhereabouts::Authority),
            None => tls,
        };
        let config = Config::builder()
            .tls_config(tls.build())
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(PATIENCE))
            .build();
        Ok(Self { agent: Agent::with_parts(config, DefaultConnector::default(), Elsewhere::default()), base, token })
    }

    /// Who it is, and whether it knows the token. Blocks for up to twice ten seconds.
    ///
    /// Shape: `{success, connected, authenticated, userLevel?, username?, server{id, version}}`.
    ///
    /// # Errors
    /// It can't be reached, or is something else.
    pub fn test(&self) -> Result<Value, RemoteError> {
        let (status, discovery) = self.get("/signalk")?;
        if status != 200 || !discovery["endpoints"].is_object() {
            return Err(RemoteError::Foreign);
        }
        let server = json!({"id": text(&discovery["server"]["id"]), "version": text(&discovery["server"]["version"])});
        let mut answer = json!({"success": true, "connected": true, "authenticated": false, "server": server});
        if self.token.is_some() {
            let (status, login) = self.get("/skServer/loginStatus")?;
            let known = status == 200 && login["status"] == "loggedIn";
            answer["authenticated"] = json!(known);
            answer["success"] = json!(known);
            for key in ["userLevel", "username"] {
                if known && login[key].is_string() {
                    answer[key] = json!(text(&login[key]));
                }
            }
            if !known {
                answer["error"] = json!("the other server does not know this token; ask for a new one");
            }
        }
        Ok(answer)
    }

    /// Asks for a token, in the name of a device.
    ///
    /// Shape: `{state, requestId}`.
    ///
    /// # Errors
    /// It can't be reached, is something else, or does not take requests.
    pub fn request_access(&self, client: &str, description: &str) -> Result<Value, RemoteError> {
        let body = json!({"clientId": client, "description": description});
        let request = self.agent.post(format!("{}/signalk/v1/access/requests", self.base));
        let sent = request.content_type("application/json").send(body.to_string());
        let (status, answer) = read(sent)?;
        match (status, answer["requestId"].as_str()) {
            (200..=299, Some(id)) if is_id(id) => Ok(json!({"state": text(&answer["state"]), "requestId": id})),
            (404, _) => Err(RemoteError::Open),
            (400..=599, _) => Err(RemoteError::Refused(match text(&answer["message"]) {
                said if said.is_empty() => format!("HTTP status {status}"),
                said => said,
            })),
            _ => Err(RemoteError::Foreign),
        }
    }

    /// What became of a request.
    ///
    /// Shape: `{state, requestId, accessRequest?{permission, token?}}`.
    ///
    /// # Errors
    /// It can't be reached, or does not know the request (any more).
    pub fn check_access_request(&self, id: &str) -> Result<Value, RemoteError> {
        let (status, answer) = self.get(&format!("/signalk/v1/requests/{id}"))?;
        if status != 200 {
            return Err(RemoteError::Refused("it does not know the request any more; ask again".to_owned()));
        }
        let mut told = json!({"state": text(&answer["state"]), "requestId": id});
        if let Some(decision) = answer["accessRequest"].as_object() {
            let mut shown = json!({});
            for key in ["permission", "token"] {
                if let Some(Value::String(said)) = decision.get(key).filter(|said| said.as_str().is_some_and(is_short))
                {
                    shown[key] = json!(said);
                }
            }
            told["accessRequest"] = shown;
        }
        Ok(told)
    }

    fn get(&self, path: &str) -> Result<(u16, Value), RemoteError> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        read(request.call())
    }
}

/// All authorities of a PEM text.
fn authorities(pem: &str) -> Result<RootCerts, BadWhereabouts> {
    let found: Result<Vec<_>, _> = ureq::tls::parse_pem(pem.as_bytes()).collect();
    let items = found.map_err(|_| BadWhereabouts::Authority)?;
    let certificates: Vec<_> = items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(BadWhereabouts::Authority) } else { Ok(RootCerts::new_with_certs(&certificates)) }
}

/// Whether a text can be the id of a request, as a part of an address.
pub fn is_id(id: &str) -> bool {
    (1..=100).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_short(text: &str) -> bool {
    text.len() <= LONGEST
}

/// A text of the answer, if it is one and no novel.
fn text(value: &Value) -> String {
    value.as_str().filter(|text| is_short(text)).unwrap_or_default().to_owned()
}

/// Status and body; a body that is no JSON is `null`.
fn read(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<(u16, Value), RemoteError> {
    let unreachable = |error: ureq::Error| RemoteError::Unreachable(error.to_string());
    let mut response = result.map_err(unreachable)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|error| match error {
        ureq::Error::BodyExceedsLimit(_) => RemoteError::Foreign,
        error => unreachable(error),
    })?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Looks names up, and takes no address that a Signal K server does not have.
#[derive(Debug, Default)]
struct Elsewhere(DefaultResolver);

impl Resolver for Elsewhere {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        let mut taken = self.empty();
        for address in found.iter().filter(|address| may_be_asked(address.ip())) {
            taken.push(*address);
        }
        // The same words as for a name that nobody has: what this computer could reach is not told.
        if taken.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(taken) }
    }
}

fn may_be_asked(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()),
        IpAddr::V6(v6) => !(v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(body: Value) -> Result<RemoteServer, BadWhereabouts> {
        RemoteServer::new(serde_json::from_value(body).expect("the shape"))
    }

    #[test]
    fn where_to_ask_is_judged_before_anything_is_asked() {
        for (body, base) in [
            (json!({"host": "boat.local", "port": 3000}), "http://boat.local:3000"),
            (json!({"host": " 192.168.1.20 ", "port": 443, "useTLS": true, "token": ""}), "https://192.168.1.20:443"),
            (json!({"host": "2001:db8::1", "port": 80, "token": "a.b-c_d"}), "http://[2001:db8::1]:80"),
        ] {
            assert_eq!(at(body.clone()).map(|server| server.base), Ok(base.to_owned()), "{body}");
        }
        for host in ["", "a/b", "http://a", "a:80", "user@a", "a?b", "a#b", "a b", "[::1]:80/x"] {
            let refused = at(json!({"host": host, "port": 80})).map(|_| ());
            assert_eq!(refused, Err(BadWhereabouts::Host), "{host}");
        }
        for (key, value, error) in [
            ("port", json!(0), BadWhereabouts::Port),
            ("token", json!("a b"), BadWhereabouts::Token),
            ("token", json!("a\r\nX: y"), BadWhereabouts::Token),
            ("token", json!("a".repeat(LONGEST + 1)), BadWhereabouts::Token),
            ("certificateAuthority", json!("ca.pem"), BadWhereabouts::Authority),
        ] {
            let mut body = json!({"host": "a", "port": 80});
            body[key] = value;
            assert_eq!(at(body.clone()).map(|_| ()), Err(error), "{body}");
        }
        let both = json!({"host": "a", "port": 80, "selfsignedcert": true, "certificateAuthority": "x"});
        assert_eq!(at(both).map(|_| ()), Err(BadWhereabouts::Both));
    }

    #[test]
    fn only_addresses_that_servers_have_are_asked() {
        for (address, may) in [
            ("192.168.1.20", true),
            ("127.0.0.1", true),
            ("fd00::1", true),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("224.0.0.251", false),
            ("ff02::fb", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(may_be_asked(address.parse().expect("an address")), may, "{address}");
        }
    }

    #[test]
    fn ids_are_no_paths() {
        for (id, is) in [("0b6d-4c", true), ("", false), ("..", false), ("a/b", false), ("a?b", false), ("%2e", false)]
        {
            assert_eq!(is_id(id), is, "{id}");
        }
    }
}
