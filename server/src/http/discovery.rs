//! Discovery: where the interfaces are (signalk-v1 §4.1).

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::{AppState, PROTOCOL_VERSION};

/// `GET /signalk`.
pub async fn discovery(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let connection = request.connection_info();
    let forwarded = request.headers().get("X-Forwarded-Proto").and_then(|value| value.to_str().ok());
    let secure = forwarded.is_some_and(|proto| proto.eq_ignore_ascii_case("https")) || connection.scheme() == "https";
    let (http, ws) = if secure { ("https", "wss") } else { ("http", "ws") };
    let own_host = request.headers().get("Host").and_then(|value| value.to_str().ok());
    let host = own_host.unwrap_or_else(|| connection.host());
    let mut answer = json!({
        "endpoints": {"v1": {
            "version": PROTOCOL_VERSION,
            "signalk-http": format!("{http}://{host}/signalk/v1/api/"),
            "signalk-ws": format!("{ws}://{host}/signalk/v1/stream"),
        }},
        "server": {"id": "windlass", "version": PROTOCOL_VERSION},
    });
    // Only while it listens.
    if let Some(port) = state.outputs.signalk_port() {
        answer["endpoints"]["v1"]["signalk-tcp"] = format!("tcp://{}:{port}", without_port(host)).into();
    }
    HttpResponse::Ok().json(answer)
}

/// The name or address in a `Host` header; an IPv6 address has colons of its own.
fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::without_port;

    #[test]
    fn the_port_of_the_request_is_not_that_of_the_lines() {
        for (host, name) in
            [("boat:3000", "boat"), ("boat", "boat"), ("[::1]:3000", "[::1]"), ("[fe80::1]", "[fe80::1]")]
        {
            assert_eq!(without_port(host), name);
        }
    }
}
