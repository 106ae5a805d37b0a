//! The HTTP endpoints that a plugin declares (§3.6).

mod pattern;

use serde::Deserialize;
use serde_json::Value;
use windlass_wasm_host::{CallError, Guest, HandlerKind};

use super::plugin::Plugin;
use pattern::PathPattern;

/// Endpoints of one plugin; more are refused.
const MAX_ENDPOINTS: usize = 256;

/// What the management API answers itself below `/plugins/<id>`: a plugin can't declare it (§8.2, 8.4).
pub const RESERVED_ENDPOINTS: [(&str, &str); 10] = [
    ("GET", "/"),
    ("GET", "/config"),
    ("POST", "/config"),
    ("GET", "/status"),
    ("POST", "/enable"),
    ("POST", "/disable"),
    ("POST", "/restart"),
    ("POST", "/reload"),
    ("POST", "/@consent"),
    ("GET", "/@log"),
];

/// The endpoints of one plugin, in the order in which they were declared, which is that in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct Endpoints(Vec<Endpoint>);

#[derive(Debug, Clone)]
struct Endpoint {
    method: &'static str,
    path: String,
    pattern: PathPattern,
    handler: String,
}

/// The endpoint that a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointMatch {
    /// The export that handles it.
    pub handler: String,
    /// The parameters in the path, percent-decoded, in its order.
    pub params: Vec<(String, String)>,
}

/// Why a request has no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is no such plugin.
    #[error("there is no plugin {0:?}")]
    UnknownPlugin(String),
    /// The plugin has no such endpoint.
    #[error("the plugin has no endpoint for this method and path")]
    NotFound,
    /// The plugin has never run since the server started, so nobody knows its endpoints.
    #[error("Plugin not running")]
    NotRunning,
    /// A parameter is not percent-encoded UTF-8.
    #[error("Failed to decode param '{0}'")]
    BadParameter(String),
}

/// One entry of what `http_endpoints` returns.
#[derive(Deserialize)]
struct Declared {
    method: String,
    path: String,
    handler: String,
}

impl Endpoints {
    /// Reads what `http_endpoints` returns, with what was wrong with single entries, which are left out.
    ///
    /// # Errors
    /// It is no JSON array.
    pub fn parse(json: &str) -> Result<(Self, Vec<String>), String> {
        let declared = match serde_json::from_str(json) {
            Ok(Value::Array(declared)) => declared,
            Ok(_) => return Err("it is not an array".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let (mut endpoints, mut problems) = (Vec::new(), Vec::new());
        if declared.len() > MAX_ENDPOINTS {
            problems
                .push(format!("only the first {MAX_ENDPOINTS} of its {} HTTP endpoints are served", declared.len()));
        }
        for entry in declared.into_iter().take(MAX_ENDPOINTS) {
            match Endpoint::new(&entry) {
                Ok(endpoint) => endpoints.push(endpoint),
                Err(reason) => problems.push(format!("the HTTP endpoint {} is refused: {reason}", excerpt(&entry))),
            }
        }
        Ok((Self(endpoints), problems))
    }

    /// The first endpoint that matches. `path` is what follows the plugin's id in the URL, not decoded.
    ///
    /// # Errors
    /// None matches, or a parameter can't be decoded.
    pub fn find(&self, method: &str, path: &str) -> Result<EndpointMatch, EndpointError> {
        for endpoint in self.0.iter().filter(|endpoint| endpoint.method == method) {
            let Some(found) = endpoint.pattern.matches(path) else { continue };
            let mut params = Vec::with_capacity(found.len());
            for (name, encoded) in found {
                let decoded = percent_decode(encoded).ok_or_else(|| EndpointError::BadParameter(encoded.to_owned()))?;
                params.push((name.to_owned(), decoded));
            }
            return Ok(EndpointMatch { handler: endpoint.handler.clone(), params });
        }
        Err(EndpointError::NotFound)
    }
}

impl Endpoint {
    fn new(entry: &Value) -> Result<Self, String> {
        if !entry.is_object() {
            return Err("it is not an object".to_owned());
        }
        let declared = Declared::deserialize(entry).map_err(|error| error.to_string())?;
        let methods = ["GET", "POST", "PUT", "DELETE"];
        let method = methods.into_iter().find(|known| known.eq_ignore_ascii_case(&declared.method));
        let method = method.ok_or("only GET, POST, PUT and DELETE are served")?;
        let plain = declared.path.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(&declared.path);
        let is_reserved = |(m, path): &(&str, &str)| *m == method && path.eq_ignore_ascii_case(plain);
        if RESERVED_ENDPOINTS.iter().any(is_reserved) {
            return Err("the server's plugin management answers this method and path itself".to_owned());
        }
        let pattern = PathPattern::new(&declared.path).map_err(|error| format!("its path can't be used: {error}"))?;
        Ok(Self { method, path: declared.path, pattern, handler: declared.handler })
    }
}

impl Plugin {
    /// Asks the module for its endpoints, before it is started.
    pub(super) fn read_endpoints(&self, guest: &mut dyn Guest) -> Result<(), CallError> {
        let capability = self.record.package().capabilities.http_endpoints;
        let declared = if capability == Some(false) { None } else { guest.http_endpoints()? };
        let mut endpoints = Endpoints::default();
        // A module without text has none.
        if let Some(json) = declared.filter(|json| !json.is_empty()) {
            match Endpoints::parse(&json) {
                Ok((read, problems)) => {
                    problems.iter().for_each(|problem| self.note(problem));
                    endpoints = read;
                }
                Err(reason) => self.note(&format!("what http_endpoints returns can't be used: {reason}")),
            }
        }
        for Endpoint { method, path, handler, .. } in &endpoints.0 {
            if !guest.has_handler(HandlerKind::Http, handler) {
                self.note(&format!(
                    "{method} {path}: {handler} can't handle requests, because it is not exported, is not of a handler's type, or has a \
                     meaning of its own; they are answered with 500"
                ));
            }
        }
        if capability.is_none() && !endpoints.0.is_empty() {
            self.note(
                "it has HTTP endpoints without declaring them: package.json should say wasmCapabilities.httpEndpoints",
            );
        }
        self.record.set_endpoints(endpoints);
        Ok(())
    }

    fn note(&self, text: &str) {
        if self.record.note(text) {
            log::warn!("plugin {}: {text}", self.id());
        }
    }
}

/// What `decodeURIComponent` makes of it; `None` where that fails.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || (rest.next()? as char).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                bytes.push((high * 16 + low) as u8);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// An entry as it is shown in a message.
fn excerpt(entry: &Value) -> String {
    let text = entry.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(json: Value) -> (Endpoints, Vec<String>) {
        Endpoints::parse(&json.to_string()).expect("an array")
    }

    #[test]
    fn good_entries_survive_bad_ones() {
        // ABI-56
        let (endpoints, problems) = parse(json!([
            {"method": "get", "path": "/api/:id", "handler": "first", "more": 1},
            {"method": "PATCH", "path": "/api/x", "handler": "h"},
            {"method": "GET", "path": "no-slash", "handler": "h"},
            {"method": "GET", "path": "/a(", "handler": "h"},
            {"method": "GET", "handler": "h"},
            "GET /api",
            {"method": "GET", "path": "/api/second", "handler": "second"},
            {"method": "Post", "path": "/api/:id", "handler": "post"},
        ]));
        assert_eq!(problems.len(), 5, "{problems:#?}");
        for (problem, reason) in problems.iter().zip(["PATCH", "begin with /", "unmatched", "`path`", "not an object"])
        {
            assert!(problem.contains(reason), "{problem}");
        }
        let found = |method, path| endpoints.find(method, path).map(|found| found.handler);
        assert_eq!(found("GET", "/api/second"), Ok("first".to_owned()), "the one declared first");
        assert_eq!(found("POST", "/api/1"), Ok("post".to_owned()));
        for (method, path) in [("PATCH", "/api/x"), ("DELETE", "/api/1"), ("GET", "/no-slash"), ("get", "/api/1")] {
            assert_eq!(found(method, path), Err(EndpointError::NotFound), "{method} {path}");
        }
        for no_array in ["", "{}", "null", "[", "7"] {
            assert!(Endpoints::parse(no_array).is_err(), "{no_array}");
        }
    }

    #[test]
    fn what_the_management_answers_is_not_mounted() {
        let entry = |method: &str, path: &str| json!({"method": method, "path": path, "handler": "h"});
        let reserved = RESERVED_ENDPOINTS.iter().map(|(method, path)| entry(method, path)).collect();
        let (endpoints, problems) = parse(Value::Array(reserved));
        assert_eq!((endpoints.0.len(), problems.len()), (0, RESERVED_ENDPOINTS.len()));
        let (_, problems) =
            parse(json!([entry("post", "/Config/"), entry("POST", "/status"), entry("GET", "/config/x")]));
        assert_eq!(problems.len(), 1, "{problems:?}");
        // The reference leaves these to plugins.
        let (endpoints, problems) = parse(json!([entry("GET", "/log"), entry("POST", "/consent")]));
        assert_eq!((endpoints.0.len(), problems.len()), (2, 0), "{problems:?}");
    }

    #[test]
    fn parameters_are_decoded() {
        // ABI-53
        let (endpoints, _) = parse(json!([{"method": "GET", "path": "/t/:a/:b?", "handler": "h"}]));
        let params = |path: &str| endpoints.find("GET", path).map(|found| found.params);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(params("/t/a%20b%2Fc/%C3%A4+"), Ok(vec![pair("a", "a b/c"), pair("b", "ä+")]));
        assert_eq!(params("/t/1"), Ok(vec![pair("a", "1")]));
        for bad in ["%E0", "%zz", "%2", "%"] {
            assert_eq!(params(&format!("/t/{bad}")), Err(EndpointError::BadParameter(bad.to_owned())));
        }
    }

    #[test]
    fn a_plugin_can_not_declare_endpoints_without_end() {
        let many = (0..1000).map(|n| json!({"method": "GET", "path": format!("/{n}"), "handler": "h"})).collect();
        let (endpoints, problems) = parse(Value::Array(many));
        assert_eq!((endpoints.0.len(), problems.len()), (MAX_ENDPOINTS, 1));
    }
}
