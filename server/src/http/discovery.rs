//! Discovery: where the interfaces are (signalk-v1 §4.1).

use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::PROTOCOL_VERSION;

/// `GET /signalk`.
pub async fn discovery(request: HttpRequest) -> HttpResponse {
    let connection = request.connection_info();
    let forwarded = request.headers().get("X-Forwarded-Proto").and_then(|value| value.to_str().ok());
    let secure = forwarded.is_some_and(|proto| proto.eq_ignore_ascii_case("https")) || connection.scheme() == "https";
    let (http, ws) = if secure { ("https", "wss") } else { ("http", "ws") };
    let own_host = request.headers().get("Host").and_then(|value| value.to_str().ok());
    let host = own_host.unwrap_or_else(|| connection.host());
    HttpResponse::Ok().json(json!({
        "endpoints": {"v1": {
            "version": PROTOCOL_VERSION,
            "signalk-http": format!("{http}://{host}/signalk/v1/api/"),
            "signalk-ws": format!("{ws}://{host}/signalk/v1/stream"),
        }},
        "server": {"id": "windlass", "version": PROTOCOL_VERSION},
    }))
}
