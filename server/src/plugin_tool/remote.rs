//! Asking a running server over HTTP.

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
            None => format!("http://127.0.0.1:{}", Settings::load(&arguments.config_dir()?)?.port),
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
        let unreachable =
            |error: ureq::Error| ToolError::Unreachable { url: self.url.clone(), reason: error.to_string() };
        let mut response = result.map_err(unreachable)?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(unreachable)?;
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

/// A plugin's name as part of a path.
pub fn segment(plugin: &str) -> String {
    utf8_percent_encode(plugin, NON_ALPHANUMERIC).to_string()
}
