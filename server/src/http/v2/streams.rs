//! The WebSocket handshake of binary streams (signalk-v2 §12).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Path};
use actix_web::{Error, HttpRequest, HttpResponse};
use actix_web_actors::ws;
use socket2::Socket;
use windlass_actors::binary_streams::{StreamClient, StreamClientOptions, Viewer};
use windlass_actors::plugins::PluginManager;

use super::answers::failed;
use super::radar;
use crate::http::auth::cookies::Presented;
use crate::http::auth::{Visitor, is_trusted_origin};
use crate::http::frame_guard::FrameGuard;
use crate::http::{AppState, pages, stream};

/// Largest frame accepted from a client, whose messages are ignored anyway.
const MAX_FRAME: usize = 64 * 1024;

/// `GET /signalk/v2/api/streams/<stream>`.
pub async fn stream(
    request: HttpRequest,
    payload: web::Payload,
    id: Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Error> {
    // The spokes of a radar, under their other name.
    if let Some(radar) = id.strip_prefix("radars/")
        && !radar::is_seen(&request, &state, radar).await
    {
        return Ok(pages::not_found(request).await);
    }
    match known_stream(&state.plugins, &id) {
        Some(stream) => open(&request, payload, &state, &stream),
        None => Ok(pages::not_found(request).await),
    }
}

/// `GET /signalk/v2/api/vessels/self/radars/<id>/spokes`.
pub async fn spokes(
    request: HttpRequest,
    payload: web::Payload,
    id: Path<String>,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Error> {
    match known_stream(&state.plugins, &format!("radars/{id}")) {
        Some(stream) => open(&request, payload, &state, &stream),
        None => Ok(pages::not_found(request).await),
    }
}

/// The name under which a stream is published; `None` when nobody could publish it. It need not be published yet.
fn known_stream(plugins: &PluginManager, id: &str) -> Option<String> {
    if let Some(radar) = id.strip_prefix("radars/") {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        return (!radar.is_empty() && radar.bytes().all(valid)).then(|| id.to_owned());
    }
    let rest = id.strip_prefix("plugins/")?;
    // A package name may have a slash of its own.
    rest.match_indices('/').take(2).find_map(|(at, _)| {
        let (plugin, stream) = (plugins.id_of(&rest[..at])?, &rest[at + 1..]);
        (!stream.is_empty()).then(|| format!("plugins/{plugin}/{stream}"))
    })
}

fn open(request: &HttpRequest, payload: web::Payload, state: &AppState, stream: &str) -> Result<HttpResponse, Error> {
    // A handshake is a GET, but a browser lets any page read what comes of it.
    if Presented::of(request.headers()).has_cookie() && !is_trusted_origin(request, &state.security) {
        let reason = "a page of another origin may not use the cookie of this server; name the origin in allowedCorsOrigins, or send a token";
        return Ok(failed(StatusCode::FORBIDDEN, reason));
    }
    let ticket = stream::admit(request, state)?;
    let frames = match state.plugins.streams().subscribe(stream) {
        Ok(frames) => frames,
        Err(error) => return Ok(failed(StatusCode::SERVICE_UNAVAILABLE, error)),
    };
    let options = StreamClientOptions {
        ping_interval: state.stream.ping_interval.clone(),
        socket: request.conn_data::<Arc<Socket>>().cloned(),
        observatory: state.stream.observatory.clone(),
    };
    let viewer = Viewer::new(state.security.clone(), Visitor::of(request).session().clone());
    let client = StreamClient::new(frames, viewer, options, ticket);
    let payload = FrameGuard::new(payload, MAX_FRAME);
    ws::WsResponseBuilder::new(client, request, payload).frame_size(MAX_FRAME).start()
}
