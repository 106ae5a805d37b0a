//! The WebSocket handshake of `/signalk/v1/stream` (signalk-v1 §5.1, §5.9).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use actix::Addr;
use actix_web::error::InternalError;
use actix_web::http::header;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use serde_json::json;
use socket2::Socket;
use windlass_actors::stream::{Client, ClientOptions, DefaultSubscription, Hub, source_policy};
use windlass_security::{Mode, Principal, Session};

use super::auth::cookies::Presented;
use super::auth::{address_of, is_trusted_origin};
use super::frame_guard::FrameGuard;
use super::limit::Ticket;
use super::{AppState, same_origin};

/// Largest WebSocket frame; larger messages are refused with an error of their own before this ends the connection.
const MAX_FRAME: usize = 4 * 1024 * 1024;

/// `GET /signalk/v1/stream`.
pub async fn stream(
    request: HttpRequest,
    payload: web::Payload,
    query: web::Query<HashMap<String, String>>,
    state: web::Data<AppState>,
    hub: web::Data<Addr<Hub>>,
) -> Result<HttpResponse, Error> {
    wants_upgrade(&request)?;
    // Who is refused for a bad token does not count among the connections of the address.
    let token = query.get("token").map(String::as_str).filter(|token| !token.is_empty());
    let visit = authenticate(&request, token, &state)?;
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
        sources: query.get("sourcePolicy").and_then(|policy| source_policy(policy)).unwrap_or_default(),
        only_reads: visit.only_reads,
        socket: request.conn_data::<Arc<Socket>>().cloned(),
    };
    let address = address_of(&request, &state.proxies);
    let client = Client::new(state.stream.clone(), hub.get_ref().clone(), options, visit.session, address)
        .map_err(actix_web::error::ErrorServiceUnavailable)?
        .holding(ticket);
    let payload = FrameGuard::new(payload, MAX_FRAME);
    ws::WsResponseBuilder::new(client, &request, payload).frame_size(MAX_FRAME).start()
}

/// Who connects.
struct Visit {
    session: Session,
    only_reads: bool,
}

/// By the `token` of the query, else a header, else the cookie. Without any of them somebody who may not read is let in too, to log in over
/// the stream (SK-136).
///
/// A page of another origin is no user: a browser adds the cookie, and its way into an open server, to whatever any page asks for.
///
/// # Errors
/// The token is no good: 401, also where everybody may read (SK-135).
fn authenticate(request: &HttpRequest, token: Option<&str>, state: &AppState) -> Result<Visit, Error> {
    let security = &state.security;
    let presented = Presented::of(request.headers());
    // A page whose name was made to lead here is of the same origin to a browser; an open server needs no cookie of it.
    let is_rebound = security.mode() == Mode::Open && !same_origin::is_local_name(request, &state.host_names);
    let is_trusted = is_trusted_origin(request, security) && !is_rebound;
    let token = token.or_else(|| presented.token().filter(|_| is_trusted || !presented.has_cookie()));
    match security.authenticate(token, SystemTime::now()) {
        Ok(session) => {
            let only_reads = !is_trusted && *session.principal() == Principal::Anybody;
            Ok(Visit { session, only_reads })
        }
        Err(error) => {
            let answer = HttpResponse::Unauthorized().json(json!({"error": error.to_string()}));
            Err(InternalError::from_response("the token is refused", answer).into())
        }
    }
}

fn wants_upgrade(request: &HttpRequest) -> Result<(), Error> {
    if request.headers().contains_key(header::UPGRADE) {
        return Ok(());
    }
    let answer = HttpResponse::UpgradeRequired().content_type("text/plain").body("Upgrade Required");
    Err(InternalError::from_response("no WebSocket was asked for", answer).into())
}

/// Counts a WebSocket among those of its address.
///
/// # Errors
/// It is none, or one too many; the error answers the request.
pub fn admit(request: &HttpRequest, state: &AppState) -> Result<Ticket, Error> {
    wants_upgrade(request)?;
    let address = address_of(request, &state.proxies);
    state.limit.enter(address).ok_or_else(|| {
        let error = "Too many concurrent websocket connections from same IP address";
        let answer = HttpResponse::TooManyRequests().json(json!({"error": error}));
        InternalError::from_response(error, answer).into()
    })
}
