//! The past: the tree at an earlier time, and playback of what was recorded (signalk-v1 §4.4, §5.13).
//!
//! Nothing records history in this server yet, and no plugin can: both say so, in the words that clients know.

use std::collections::HashMap;

use actix::prelude::*;
use actix_web::http::header::{ContentType, UPGRADE};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_web_actors::ws;
use serde_json::Value;

use super::read;

const NO_TIME: &str = "Snapshot api requires time query parameter";
const NO_PROVIDER: &str = "No history provider";
const NO_START: &str = "startTime is a required query parameter for playback connections";

/// Registers the routes; before the tree, one of whose addresses is taken.
pub fn routes(config: &mut ServiceConfig) {
    for path in ["/signalk/v1/snapshot/{path:.*}", "/signalk/v1/api/snapshot/{path:.*}"] {
        config.service(web::resource(path).route(read().to(snapshot)));
    }
    config.service(web::resource(["/signalk/v1/playback", "/signalk/v1/playback/"]).route(web::get().to(playback)));
}

/// `GET /signalk/v1/snapshot/<path>?time=<ISO>`: the tree at that time.
async fn snapshot(query: web::Query<HashMap<String, String>>) -> HttpResponse {
    match query.get("time") {
        None => HttpResponse::BadRequest().content_type(ContentType::plaintext()).body(NO_TIME),
        Some(time) if !is_time(time) => HttpResponse::BadRequest()
            .content_type(ContentType::plaintext())
            .body("time must have the form 2024-05-01T10:00:00Z or 2024-05-01T10:00:00.000Z"),
        Some(_) => HttpResponse::NotImplemented().content_type(ContentType::plaintext()).body(NO_PROVIDER),
    }
}

/// `GET /signalk/v1/playback`: a stream of what was recorded.
async fn playback(
    request: HttpRequest,
    payload: web::Payload,
    query: web::Query<HashMap<String, String>>,
) -> Result<HttpResponse, Error> {
    if !request.headers().contains_key(UPGRADE) {
        return Ok(HttpResponse::UpgradeRequired().content_type(ContentType::plaintext()).body("Upgrade Required"));
    }
    let problem = if query.contains_key("startTime") { NO_PROVIDER } else { NO_START };
    ws::start(Refusal(problem), &request, payload)
}

/// A WebSocket that says why there is nothing to play, and ends.
struct Refusal(&'static str);

impl Actor for Refusal {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.text(Value::from(self.0).to_string());
        ctx.close(None);
        ctx.stop();
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for Refusal {
    fn handle(&mut self, _: Result<ws::Message, ws::ProtocolError>, _: &mut Self::Context) {}
}

/// Whether a text has the form `YYYY-MM-DDTHH:MM:SS[.fff]Z` and is a time.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00";
    let shaped = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    let Some((seconds, rest)) = text.split_at_checked(FORM.len()) else { return false };
    let fraction = rest.strip_suffix('Z').is_some_and(|fraction| match fraction.strip_prefix('.') {
        Some(digits) => (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => fraction.is_empty(),
    });
    seconds.bytes().zip(FORM).all(shaped) && fraction && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_time;

    #[test]
    fn times_have_one_form() {
        for good in ["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.1Z", "2024-02-29T23:59:59.999Z"] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "",
            "now",
            "2024-05-01",
            "2024-05-01T10:00:00",
            "2024-05-01T10:00:00+02:00",
            "2024-05-01 10:00:00Z",
            "2024-13-01T10:00:00Z",
            "2023-02-29T10:00:00Z",
            "2024-05-01T10:00:00.Z",
            "2024-05-01T10:00:00ZZ",
            "äöü-05-01T10:00:00Z",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }
}
