//! The WebSocket handshake of `/signalk/v1/stream` (signalk-v1 §5.1).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix::Addr;
use actix_web::error::InternalError;
use actix_web::http::header;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use serde_json::json;
use socket2::Socket;
use windlass_actors::stream::{Client, ClientOptions, DefaultSubscription, Hub};
use windlass_broker::Provider;

use super::AppState;
use super::frame_guard::FrameGuard;
use super::limit::Ticket;

/// Largest WebSocket frame; larger messages are refused with an error of their own before this ends the connection.
const MAX_FRAME: usize = 4 * 1024 * 1024;
/// Provider id of clients without a user.
const PROVIDER: &str = "ws";

/// `GET /signalk/v1/stream`.
pub async fn stream(
    request: HttpRequest,
    payload: web::Payload,
    query: web::Query<HashMap<String, String>>,
    state: web::Data<AppState>,
    hub: web::Data<Addr<Hub>>,
) -> Result<HttpResponse, Error> {
    let ticket = admit(&request, &state)?;
    let options = ClientOptions {
        subscribe: match query.get("subscribe").map(String::as_str) {
            Some("all") => DefaultSubscription::All,
            Some("none") => DefaultSubscription::None,
            _ => DefaultSubscription::Own,
        },
        send_meta: query.get("sendMeta").is_some_and(|value| value == "all"),
        send_cached_values: query.get("sendCachedValues").is_none_or(|value| value != "false"),
        server_events: query.get("serverevents").is_some_and(|value| value == "all"),
        socket: request.conn_data::<Arc<Socket>>().cloned(),
    };
    let provider = Provider::new(PROVIDER).map_err(actix_web::error::ErrorInternalServerError)?;
    let client = Client::new(state.stream.clone(), hub.get_ref().clone(), options, provider).holding(ticket);
    let payload = FrameGuard::new(payload, MAX_FRAME);
    ws::WsResponseBuilder::new(client, &request, payload).frame_size(MAX_FRAME).start()
}

/// Counts a WebSocket among those of its address.
///
/// # Errors
/// It is none, or one too many; the error answers the request.
pub fn admit(request: &HttpRequest, state: &AppState) -> Result<Ticket, Error> {
    if !request.headers().contains_key(header::UPGRADE) {
        let answer = HttpResponse::UpgradeRequired().content_type("text/plain").body("Upgrade Required");
        return Err(InternalError::from_response("no WebSocket was asked for", answer).into());
    }
    let address = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    state.limit.enter(address).ok_or_else(|| {
        let error = "Too many concurrent websocket connections from same IP address";
        let answer = HttpResponse::TooManyRequests().json(json!({"error": error}));
        InternalError::from_response(error, answer).into()
    })
}
