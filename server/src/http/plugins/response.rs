//! What a plugin's handler answers, as an HTTP response (wasm-plugin-abi §3.6).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use windlass_broker::RawJson;

const JSON: &str = "application/json; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
/// Headers that belong to the connection, not to the answer.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A response that can be sent.
#[derive(Debug, PartialEq)]
pub struct PluginResponse {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    content_type: Option<HeaderValue>,
    body: String,
    /// What the author of the plugin should know.
    pub notices: Vec<String>,
}

/// The answer can't be sent.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is not of the form that a handler has to answer in.
    #[error("the handler's answer can't be used: {0}")]
    Form(#[from] serde_json::Error),
    /// The status does not exist, or does not end a request.
    #[error("the handler's answer can't be used: statusCode {0} is not an HTTP status from 200 to 999")]
    Status(Value),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(default)]
    status_code: Value,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    /// `None` only when it is absent.
    #[serde(default, borrow, deserialize_with = "present")]
    body: Option<&'a RawValue>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// Reads a handler's answer.
///
/// # Errors
/// It is not `{"statusCode":…,"headers":…,"body":…}`, of which each may be absent.
pub fn read(answer: &str) -> Result<PluginResponse, AnswerError> {
    if !answer.trim_start().starts_with('{') {
        // Serde would take an array for the fields in order.
        serde_json::from_str::<Map<String, Value>>(answer)?;
    }
    let answer: Answer = serde_json::from_str(answer)?;
    let mut response = PluginResponse {
        status: status(answer.status_code)?,
        headers: Vec::new(),
        content_type: None,
        body: String::new(),
        notices: Vec::new(),
    };
    for (name, value) in answer.headers.unwrap_or_default() {
        match value {
            Value::Array(values) => values.iter().for_each(|value| response.set_header(&name, value)),
            value => response.set_header(&name, &value),
        }
    }
    let Some(body) = answer.body else { return Ok(response) };
    let kind = response.content_type.as_ref().and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let default = if body.get().starts_with('"') {
        let text: String = serde_json::from_str(body.get())?;
        let json = kind.to_ascii_lowercase().contains("application/json").then(|| RawJson::parse(&text).ok()).flatten();
        response.body = json.map_or(text, |json| json.to_string());
        HTML
    } else {
        response.body = RawJson::from_checked(body).to_string();
        JSON
    };
    response.content_type = Some(match response.content_type.take() {
        Some(given) => with_charset(given),
        None => HeaderValue::from_static(default),
    });
    Ok(response)
}

fn status(given: Value) -> Result<StatusCode, AnswerError> {
    let number = match &given {
        Value::Null => Some(0.0),
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    match number {
        Some(0.0) => Ok(StatusCode::OK),
        // Those below 200 announce another response, which never comes.
        Some(code) if (200.0..1000.0).contains(&code) => {
            StatusCode::from_u16(code as u16).map_err(|_| AnswerError::Status(given))
        }
        _ => Err(AnswerError::Status(given)),
    }
}

/// A type of text says how it is encoded.
fn with_charset(kind: HeaderValue) -> HeaderValue {
    let Ok(text) = kind.to_str() else { return kind };
    let lower = text.to_ascii_lowercase();
    let essence = lower.split(';').next().unwrap_or_default().trim();
    let is_text = essence.starts_with("text/")
        || essence.ends_with("+json")
        || ["application/json", "application/javascript"].contains(&essence);
    if !is_text || lower.contains("charset=") {
        return kind;
    }
    HeaderValue::from_str(&format!("{text}; charset=utf-8")).unwrap_or(kind)
}

impl PluginResponse {
    fn set_header(&mut self, name: &str, value: &Value) {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let lower = name.to_ascii_lowercase();
        if lower == "content-length" {
            // Counted anew: it may be that of a text that has been written differently.
            return;
        }
        if HOP_BY_HOP.contains(&lower.as_str()) {
            let notice = format!("the header {lower} of an endpoint's answer is ignored: it belongs to the connection");
            return self.notices.push(notice);
        }
        match (HeaderName::from_bytes(name.as_bytes()), header_value(&text)) {
            (Ok(header::CONTENT_TYPE), Some(value)) => self.content_type = Some(value),
            (Ok(name), Some(value)) => self.headers.push((name, value)),
            _ => {
                let shown: String = name.escape_debug().take(60).collect();
                self.notices
                    .push(format!("the header {shown} of an endpoint's answer is ignored: it is not valid in HTTP"));
            }
        }
    }

    /// The response.
    pub fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for header in self.headers {
            response.append_header(header);
        }
        if let Some(kind) = self.content_type {
            response.insert_header((header::CONTENT_TYPE, kind));
        }
        match self.status {
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => response.finish(),
            _ => response.body(self.body),
        }
    }
}

/// One byte a character; `None` for others, and for control characters.
fn header_value(text: &str) -> Option<HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    HeaderValue::from_bytes(&bytes?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Status, content type and body.
    fn sent(answer: &str) -> (u16, String, String) {
        let response = read(answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
        let kind = response.content_type.map(|kind| kind.to_str().expect("ASCII").to_owned());
        (response.status.as_u16(), kind.unwrap_or_default(), response.body)
    }

    #[test]
    fn each_form_of_an_answer() {
        // ABI-55
        let json = "application/json; charset=utf-8";
        let html = "text/html; charset=utf-8";
        for (answer, code, kind, body) in [
            (r#"{}"#, 200, "", ""),
            (r#"{"statusCode":0,"body":"<p>ä</p>"}"#, 200, html, "<p>ä</p>"),
            (r#"{"statusCode":"404","body":""}"#, 404, html, ""),
            (
                r#"{"statusCode":201.0,"headers":{"CONTENT-type":"application/json"},"body":"{ \"a\" : 1.0 }"}"#,
                201,
                json,
                r#"{"a":1}"#,
            ),
            (
                r#"{"headers":{"Content-Type":"Application/JSON"},"body":"{oops"}"#,
                200,
                "Application/JSON; charset=utf-8",
                "{oops",
            ),
            (
                r#"{"headers":{"content-type":"text/plain"},"body":"{ \"a\" : 1 }"}"#,
                200,
                "text/plain; charset=utf-8",
                r#"{ "a" : 1 }"#,
            ),
            (
                r#"{"headers":{"content-type":"text/csv; charset=latin1"},"body":"x"}"#,
                200,
                "text/csv; charset=latin1",
                "x",
            ),
            (r#"{"headers":{"content-type":"image/svg+xml"},"body":"<svg/>"}"#, 200, "image/svg+xml", "<svg/>"),
            (r#"{"body":{"z":1.0,"a":[ 2 ]}}"#, 200, json, r#"{"z":1,"a":[2]}"#),
            (
                r#"{"headers":{"Content-Type":"application/geo+json"},"body":[]}"#,
                200,
                "application/geo+json; charset=utf-8",
                "[]",
            ),
            (r#"{"body":null}"#, 200, json, "null"),
            (r#"{"body":false}"#, 200, json, "false"),
            (r#"{"statusCode":null,"headers":null,"body":7}"#, 200, json, "7"),
        ] {
            assert_eq!(sent(answer), (code, kind.to_owned(), body.to_owned()), "{answer}");
        }
    }

    #[test]
    fn what_can_not_be_sent_is_an_error() {
        // ABI-56
        for answer in
            ["", "oops", "null", "[]", "7", r#"{"statusCode":99}"#, r#"{"statusCode":101}"#, r#"{"statusCode":1e9}"#]
        {
            assert!(read(answer).is_err(), "{answer}");
        }
        assert!(matches!(read(r#"{"statusCode":"many"}"#), Err(AnswerError::Status(_))));
    }

    #[test]
    fn headers_are_set_as_they_are_unless_they_must_not_be() {
        let answer = json!({"headers": {
            "X-Own": "a b", "x-number": 7, "Set-Cookie": ["a=1", "b=2"], "x-latin": "é",
            "Content-Length": "3", "Connection": "close", "Transfer-Encoding": "chunked",
            "bad name": "x", "x-split": "a\r\nevil: 1", "x-wide": "漢",
        }, "body": "x"});
        let response = read(&answer.to_string()).expect("an answer");
        let text = |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect::<String>();
        let headers: Vec<_> = response.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let expected =
            [("x-own", "a b"), ("x-number", "7"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-latin", "é")];
        assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(response.notices.len(), 5, "{:#?}", response.notices);
    }
}
