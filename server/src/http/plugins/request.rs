//! An HTTP request as a plugin gets it: one JSON text, compact, its keys in this order (wasm-plugin-abi §3.6):
//!
//! ```json
//! {"method":"GET","path":"/api/data/77","query":{"x":"1"},"params":{"id":"77"},"body":{},"headers":{"host":"…"}}
//! ```

use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use serde_json::{Map, Value};
use windlass_broker::RawJson;

use super::query;

/// A request without its body.
#[derive(Debug)]
pub struct Head {
    method: Method,
    path: String,
    query: String,
    params: Map<String, Value>,
    headers: Map<String, Value>,
    body: BodyKind,
}

/// How the body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    Json,
    Form,
    Other,
}

/// The body is not what the request says.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// No UTF-8.
    #[error("the body is not UTF-8: {0}")]
    Encoding(#[from] std::str::Utf8Error),
    /// No JSON.
    #[error("the body is not JSON, though its Content-Type says so: {0}")]
    Json(#[from] windlass_broker::RawJsonError),
}

impl Head {
    /// `path` is relative to the plugin; `params` are what its pattern found in it.
    pub fn of(request: &HttpRequest, method: &Method, path: &str, params: &[(String, String)]) -> Self {
        let headers = request.headers();
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self {
            method: method.clone(),
            path: path.to_owned(),
            query: request.query_string().to_owned(),
            params: params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect(),
            headers: headers_json(headers),
            body: match kind.as_str() {
                "application/json" => BodyKind::Json,
                "application/x-www-form-urlencoded" => BodyKind::Form,
                _ => BodyKind::Other,
            },
        }
    }

    /// The whole request.
    ///
    /// # Errors
    /// The body is malformed.
    pub fn with_body(&self, body: &[u8]) -> Result<String, BodyError> {
        let body = match self.body {
            BodyKind::Json if !body.is_empty() => RawJson::parse(std::str::from_utf8(body)?)?,
            BodyKind::Form => RawJson::of(&query::parse(std::str::from_utf8(body)?)),
            _ => RawJson::EMPTY_OBJECT,
        };
        let parts = [
            ("method", RawJson::string(self.method.as_str())),
            ("path", RawJson::string(&self.path)),
            ("query", RawJson::of(&query::parse(&self.query))),
            ("params", RawJson::of(&self.params)),
            ("body", body),
            ("headers", RawJson::of(&self.headers)),
        ];
        let mut text = String::with_capacity(64 + parts.iter().map(|(_, value)| value.as_str().len()).sum::<usize>());
        for (number, (key, value)) in parts.iter().enumerate() {
            text.push(if number == 0 { '{' } else { ',' });
            text.push('"');
            text.push_str(key);
            text.push_str("\":");
            text.push_str(value.as_str());
        }
        text.push('}');
        Ok(text)
    }
}

/// The headers, sorted by name: the order in which they came is not known. Repeated ones are joined.
fn headers_json(headers: &header::HeaderMap) -> Map<String, Value> {
    let mut names: Vec<_> = headers.keys().collect();
    names.sort_unstable_by_key(|name| name.as_str());
    let mut all = Map::new();
    for name in names {
        // One byte a character, as HTTP had it before it knew UTF-8.
        let text = |value: &header::HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        let values: Vec<String> = headers.get_all(name).map(text).collect();
        let separator = if name == header::COOKIE { "; " } else { ", " };
        all.insert(name.as_str().to_owned(), values.join(separator).into());
    }
    all
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn json(request: TestRequest, body: &[u8]) -> Result<String, BodyError> {
        let request = request.to_http_request();
        let params = [("id".to_owned(), "ä\"".to_owned())];
        Head::of(&request, request.method(), "/api/%C3%A4%22", &params).with_body(body)
    }

    #[test]
    fn the_text_is_compact_and_its_keys_are_in_order() {
        // ABI-53
        let request = TestRequest::put()
            .uri("/plugins/x/api/%C3%A4%22?y=2&y=3")
            .append_header(("X-B", "1"))
            .append_header(("X-A", "1"))
            .append_header(("X-A", "2"))
            .append_header(("Content-Type", "Application/JSON; charset=utf-8"));
        let expected = concat!(
            r#"{"method":"PUT","path":"/api/%C3%A4%22","query":{"y":["2","3"]},"params":{"id":"ä\""},"body":{"b":1,"a":[1.5,"ü"]},"#,
            r#""headers":{"content-type":"Application/JSON; charset=utf-8","x-a":"1, 2","x-b":"1"}}"#
        );
        assert_eq!(json(request, r#" { "b" : 1.0, "a": [1.5, "ü"] } "#.as_bytes()).expect("JSON"), expected);
    }

    #[test]
    fn a_body_that_is_neither_json_nor_a_form_is_an_empty_object() {
        for (kind, body, expected) in [
            ("application/json", "", "{}"),
            ("application/json", "7", "7"),
            ("application/x-www-form-urlencoded", "a[b]=1&c=2", r#"{"a":{"b":"1"},"c":"2"}"#),
            ("text/plain", "{\"a\":1}", "{}"),
            ("application/jsonp", "{\"a\":1}", "{}"),
            ("", "{\"a\":1}", "{}"),
        ] {
            let request = TestRequest::post().append_header(("Content-Type", kind));
            let text = json(request, body.as_bytes()).expect("a request");
            assert!(text.contains(&format!(r#","body":{expected},"headers""#)), "{kind}: {text}");
        }
        let json_with =
            |body: &[u8]| json(TestRequest::post().append_header(("Content-Type", "application/json")), body);
        assert!(matches!(json_with(b"{oops"), Err(BodyError::Json(_))));
        assert!(matches!(json_with(b"\"\xff\""), Err(BodyError::Encoding(_))));
        assert!(matches!(json_with("[".repeat(100_000).as_bytes()), Err(BodyError::Json(_))));
    }
}
