//! Changing values: PUT below `/signalk/v1/api/`, and asking what became of it (signalk-v1 §6).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;
use windlass_actors::put::{Asker, DeleteRequest, PutRequest, RequestFrom, RequestStatus};
use windlass_broker::RawJson;
use windlass_security::Level;

use super::AppState;
use super::auth::Visitor;

/// The body of a PUT.
#[derive(Default, Deserialize)]
struct Body {
    /// `None` only when it is absent: null is a value.
    #[serde(default, deserialize_with = "present")]
    value: Option<Box<RawValue>>,
    #[serde(default)]
    source: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(value).map(Some)
}

/// `PUT /signalk/v1/api/vessels/self/<path>` with `{"value": …, "source": …}`.
pub async fn put(request: HttpRequest, body: web::Bytes, state: web::Data<AppState>) -> HttpResponse {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    // What is not sent as JSON counts as nothing, as does what is not an object.
    let body = if is_json && !body.is_empty() { read_body(&body) } else { Ok(Body::default()) };
    let Body { value, source } = match body {
        Ok(body) => body,
        Err(error) => return HttpResponse::BadRequest().json(json!({"error": error.to_string()})),
    };
    let Some(value) = value else { return bad_request("input is missing a value") };
    let Some((context, path)) = context_and_path(request.path()) else { return bad_request("invalid path") };
    let value = match RawJson::try_from(&*value) {
        Ok(value) => value,
        Err(error) => return HttpResponse::BadRequest().json(json!({"error": error.to_string()})),
    };
    respond(&state.puts.put(PutRequest { from: from(&request), context, path, value, source }).await)
}

fn read_body(body: &[u8]) -> serde_json::Result<Body> {
    let whole: &RawValue = serde_json::from_slice(body)?;
    if whole.get().starts_with('{') { serde_json::from_str(whole.get()) } else { Ok(Body::default()) }
}

/// `DELETE` of the same: of metadata that was set.
pub async fn delete(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    match context_and_path(request.path()) {
        Some((context, path)) => respond(&state.puts.delete(DeleteRequest { from: from(&request), context, path })),
        None => bad_request("invalid path"),
    }
}

/// Who makes a request over HTTP.
pub fn from(request: &HttpRequest) -> RequestFrom {
    RequestFrom { session: Visitor::of(request).session().clone(), request_id: None, only_reads: false, watcher: None }
}

/// `GET /signalk/v1/requests/<id>`. An unknown id, or that of somebody else's request, is 404, as the specification says; the reference answers 500.
pub async fn status(request: &HttpRequest, state: &AppState, id: &str) -> HttpResponse {
    let visitor = Visitor::of(request);
    let asker = Asker { principal: visitor.principal(), is_admin: visitor.level() == Some(Level::Admin) };
    match state.puts.requests().get(id, asker) {
        Some(status) => HttpResponse::Ok().json(status),
        None => HttpResponse::NotFound()
            .content_type("text/plain; charset=utf-8")
            .body("Unable to check request: not found"),
    }
}

fn respond(status: &RequestStatus) -> HttpResponse {
    let code = StatusCode::from_u16(status.status_code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(code).json(status)
}

fn bad_request(text: &'static str) -> HttpResponse {
    HttpResponse::BadRequest().content_type("text/plain; charset=utf-8").body(text)
}

/// `vessels.self` and a path with dots, of which there were at least three parts. Slashes and dots divide alike, except that the first two
/// parts of the URL are the context.
fn context_and_path(path: &str) -> Option<(String, String)> {
    let below = path.strip_prefix("/signalk/v1/api/")?;
    let parts = below.strip_suffix('/').unwrap_or(below).split('/');
    let parts: Vec<_> = parts.map(|part| percent_decode_str(part).decode_utf8()).collect::<Result<_, _>>().ok()?;
    let [group, vessel, path @ ..] = parts.as_slice() else { return None };
    let path = path.join(".");
    let is_whole = !group.is_empty() && !vessel.is_empty() && path.split('.').all(|part| !part.is_empty());
    is_whole.then(|| (format!("{group}.{vessel}"), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_parts_are_the_context() {
        for (path, expected) in [
            ("vessels/self/navigation/anchor/maxRadius", Some(("vessels.self", "navigation.anchor.maxRadius"))),
            ("vessels/self/navigation.anchor/maxRadius/", Some(("vessels.self", "navigation.anchor.maxRadius"))),
            ("vessels/urn:mrn:imo:mmsi:1/a", Some(("vessels.urn:mrn:imo:mmsi:1", "a"))),
            ("vessels/self/a%20b", Some(("vessels.self", "a b"))),
            ("vessels/self", None),
            ("vessels/self/", None),
            ("vessels/self//a", None),
            ("vessels//a", None),
            ("vessels/self/a..b", None),
            ("vessels/self/%ff", None),
            ("", None),
        ] {
            let expected = expected.map(|(context, path)| (context.to_owned(), path.to_owned()));
            assert_eq!(context_and_path(&format!("/signalk/v1/api/{path}")), expected, "{path}");
        }
    }

    #[test]
    fn null_is_a_value() {
        let value = |text: &str| read_body(text.as_bytes()).map(|body| body.value.map(|value| value.get().to_owned()));
        assert_eq!(value(r#"{"value":null}"#).ok(), Some(Some("null".to_owned())));
        assert_eq!(value(r#"{"source":"x"}"#).ok(), Some(None));
        assert_eq!(value(r#"[1, "x"]"#).ok(), Some(None));
        assert!(value(r#"{"value":1"#).is_err());
    }
}
