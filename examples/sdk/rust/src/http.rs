//! HTTP endpoints: requests that the server passes on, and their answers (ABI specification §3.6).

use crate::Error;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// A request to one of the plugin's endpoints.
///
/// ```
/// use windlass_plugin::{Request, Response, serde_json::json};
///
/// fn drop_anchor(request: &Request) -> Result<Response, Response> {
///     #[derive(serde::Deserialize)]
///     struct Drop {
///         latitude: f64,
///     }
///     let body: Drop = request.json().map_err(|error| Response::error(400, error.to_string()))?;
///     Ok(Response::json(json!({ "latitude": body.latitude })))
/// }
///
/// let request = Request::new("POST", "/api/drop").with_body(json!({ "latitude": 60.1 }));
/// assert_eq!(drop_anchor(&request).unwrap().status(), 200);
/// let request = Request::new("POST", "/api/drop").with_body(json!({ "latitude": "north" }));
/// assert_eq!(drop_anchor(&request).unwrap_err().status(), 400);
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Request {
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: String,
    /// The path below the plugin's own, for example `/api/status`.
    pub path: String,
    /// The query. A repeated key has an array as value, `a[b]=c` an object.
    #[serde(default)]
    pub query: Map<String, Value>,
    /// What the placeholders of the endpoint's path stand for.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// The JSON body or form; an empty object when there is none.
    #[serde(default)]
    pub body: Value,
    /// The headers, with lower-case names.
    #[serde(default)]
    pub headers: Map<String, Value>,
}

impl Request {
    /// A request, for tests.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: Map::new(),
            params: Map::new(),
            body: json!({}),
            headers: Map::new(),
        }
    }

    /// The same with a body.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    /// The same with a value for a placeholder.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// The same with a key of the query.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.insert(name.to_owned(), value.into());
        self
    }

    /// What a placeholder of the path stands for: `id` for the endpoint `/api/files/:id`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str()
    }

    /// A key of the query that is given once.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name)?.as_str()
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.as_str()
    }

    /// The body in the shape of `T`.
    ///
    /// # Errors
    /// When it has another one.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.body).map_err(|e| Error::json("the body", e))
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Response {
    #[serde(rename = "statusCode")]
    status: u16,
    headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

impl Response {
    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Map::new(), body: None }
    }

    /// 200 with JSON.
    pub fn json(body: impl Into<Value>) -> Self {
        let body = match body.into() {
            body @ (Value::Object(_) | Value::Array(_)) => body,
            // The server takes a string for JSON text when the content type says so.
            plain => Value::String(plain.to_string()),
        };
        Self { body: Some(body), ..Self::empty(200) }.header("Content-Type", "application/json")
    }

    /// 200 with a text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::content("text/plain", body)
    }

    /// 200 with a text of any content type, for example `text/csv`.
    pub fn content(content_type: &str, body: impl Into<String>) -> Self {
        Self { body: Some(Value::String(body.into())), ..Self::empty(200) }.header("Content-Type", content_type)
    }

    /// An error as JSON: `{"error": message}`.
    pub fn error(status: u16, message: impl Into<String>) -> Self {
        Self { status, ..Self::json(json!({ "error": message.into() })) }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body: an object or array, or a string with the text.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }
}

/// What an endpoint may return: a [`Response`], or a `Result` of two.
pub trait IntoResponse {
    /// Makes an answer of it.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<A: IntoResponse, B: IntoResponse> IntoResponse for Result<A, B> {
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(answer) => answer.into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_servers_write_it() {
        // ABI-53
        let request: Request = serde_json::from_str(
            r#"{"method":"GET","path":"/api/data/77","query":{"x":"1","y":["2","3"]},"params":{"id":"77"},
                "body":{},"headers":{"host":"boat:3000"}}"#,
        )
        .unwrap();
        assert_eq!((request.param("id"), request.query("x"), request.query("y")), (Some("77"), Some("1"), None));
        assert_eq!(request.query["y"], json!(["2", "3"]));
        assert_eq!(request.header("host"), Some("boat:3000"));
        assert!(request.json::<Vec<i32>>().is_err());
    }

    #[test]
    fn answers_are_written_as_servers_read_them() {
        // ABI-55
        let written = |response: Response| serde_json::to_value(response).unwrap();
        assert_eq!(
            written(Response::json(json!({ "a": 1 })).with_status(201)),
            json!({ "statusCode": 201, "headers": { "Content-Type": "application/json" }, "body": { "a": 1 } })
        );
        assert_eq!(written(Response::json("text"))["body"], json!("\"text\""));
        assert_eq!(
            written(Response::content("text/csv", "a,b\n")),
            json!({ "statusCode": 200, "headers": { "Content-Type": "text/csv" }, "body": "a,b\n" })
        );
        assert_eq!(written(Response::empty(204)), json!({ "statusCode": 204, "headers": {} }));
        assert_eq!(written(Response::error(404, "no such file"))["body"]["error"], "no such file");
    }
}
