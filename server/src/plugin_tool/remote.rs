//! Asking a running server over HTTP.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::Agent;

use super::output::plain;
use super::{ServerArguments, ToolError};
use crate::settings::Settings;

/// Longer than any answer takes: a start is answered after ten seconds at the latest, a log after 25.
const PATIENCE: Duration = Duration::from_secs(60);
/// A bearer token for servers with security, from the environment: a command line can be seen by everybody on the machine.
const TOKEN_VARIABLE: &str = "WINDLASS_TOKEN";

/// A running server.
#[derive(Debug)]
pub struct Remote {
    agent: Agent,
    url: String,
    token: Option<String>,
}

impl Remote {
    /// The server that the arguments mean.
    ///
    /// # Errors
    /// Its configuration, which has the port, can't be read.
    pub fn new(arguments: &ServerArguments) -> Result<Self, ToolError> {
        let url = match &arguments.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let settings = Settings::load(&arguments.config_dir()?)?;
                local_url(&settings.host, settings.port)
            }
        };
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // A proxy has no business between a boat's server and its owner.
            .proxy(None)
            .build();
        Ok(Self { agent: config.into(), url, token: std::env::var(TOKEN_VARIABLE).ok() })
    }

    /// `GET` of a path below the plugins' management API.
    ///
    /// # Errors
    /// No server answers, or it refuses.
    pub fn get(&self, path: &str) -> Result<Value, ToolError> {
        let mut request = self.agent.get(self.address(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.call())
    }

    /// `POST` of JSON to such a path.
    ///
    /// # Errors
    /// No server answers, or it refuses.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, ToolError> {
        let mut request = self.agent.post(self.address(path)).content_type("application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(request.send(body.to_string()))
    }

    fn address(&self, path: &str) -> String {
        format!("{}/skServer/plugins{path}", self.url)
    }

    fn answer(&self, result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, ToolError> {
        let failed = |error: ureq::Error| {
            let (url, reason) = (self.url.clone(), error.to_string());
            if nobody_listens(&error) {
                ToolError::Unreachable { url, reason }
            } else {
                ToolError::NoAnswer { url, reason }
            }
        };
        let mut response = result.map_err(failed)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(failed)?;
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!({"error": text.trim()}));
        if status.is_success() {
            return Ok(body);
        }
        let reason = body["error"].as_str().or_else(|| body["message"].as_str()).unwrap_or_default();
        Err(ToolError::Refused(match (status.as_u16(), reason) {
            (401 | 403, _) => {
                format!("the server wants an administrator: put a token into the environment variable {TOKEN_VARIABLE}")
            }
            (code, "") => format!("the server answers {code}"),
            (_, reason) => plain(reason),
        }))
    }
}

/// Whether the server does not run, rather than being busy, behind a broken network, or something else than a server.
fn nobody_listens(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        ureq::Error::Io(error) => error.kind() == ErrorKind::ConnectionRefused,
        _ => false,
    }
}

/// Where a server of this machine is that listens on `host`; one that listens everywhere does so here too.
fn local_url(host: &str, port: u16) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => format!("http://127.0.0.1:{port}"),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => format!("http://[::1]:{port}"),
        Ok(IpAddr::V6(address)) => format!("http://[{address}]:{port}"),
        _ if host.is_empty() => format!("http://127.0.0.1:{port}"),
        _ => format!("http://{host}:{port}"),
    }
}

/// A plugin's name as part of a path.
pub fn segment(plugin: &str) -> String {
    utf8_percent_encode(plugin, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_server_is_looked_for_where_it_listens() {
        for (host, expected) in [
            ("127.0.0.1", "http://127.0.0.1:3000"),
            ("0.0.0.0", "http://127.0.0.1:3000"),
            ("::", "http://[::1]:3000"),
            ("::1", "http://[::1]:3000"),
            ("192.168.1.4", "http://192.168.1.4:3000"),
            ("boat.local", "http://boat.local:3000"),
            ("", "http://127.0.0.1:3000"),
        ] {
            assert_eq!(local_url(host, 3000), expected, "{host:?}");
        }
    }

    #[test]
    fn only_where_nobody_listens_is_no_server() {
        let ask = |port: u16| {
            let url = Some(format!("http://127.0.0.1:{port}"));
            let remote = Remote::new(&ServerArguments { url, config_dir: None }).expect("an address");
            remote.get("").expect_err("no server")
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        // Somebody who accepts the connection and closes it.
        let closing = std::thread::spawn(move || {
            listener.accept().expect("a client");
        });
        let error = ask(port);
        closing.join().expect("it accepted one");
        assert!(matches!(error, ToolError::NoAnswer { .. }), "{error}");
        // Nobody listens on this port.
        let error = ask(1);
        assert!(matches!(error, ToolError::Unreachable { .. }), "{error}");
    }
}
