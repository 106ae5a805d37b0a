//! The HTTP endpoints of plugins (wasm-plugin-abi §3.6).

use actix_web::http::header::RETRY_AFTER;
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;
use serde_json::json;
use windlass_actors::plugins::{CallTarget, EndpointError, EndpointMatch, PluginCallError, PluginState};

use super::super::AppState;
use super::{request, response, static_files};

/// Texts longer than this are worked on where they hold no other request up.
const LONG: usize = 64 << 10;

/// A request to a plugin that the management API does not answer.
pub async fn serve(request: HttpRequest, payload: web::Payload, state: web::Data<AppState>) -> HttpResponse {
    let Some((id, path)) = plugin_and_path(request.path()) else {
        return error(StatusCode::NOT_FOUND, "there is nothing here");
    };
    // HEAD is GET of which only the headers are sent.
    let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
    let reason = match state.plugins.endpoint(&id, method.as_str(), path) {
        Ok(endpoint) => return call(&request, payload, &state, &id, &method, path, endpoint).await,
        Err(reason) => reason,
    };
    let may_be_file = matches!(reason, EndpointError::NotFound | EndpointError::NotRunning) && method == Method::GET;
    if may_be_file
        && let Some(public) = state.plugins.public_folder(&id).await
        && let Some(file) = static_files::serve(&request, &public, path).await
    {
        return file;
    }
    let is_served = [Method::GET, Method::POST, Method::PUT, Method::DELETE].contains(&method);
    match reason {
        EndpointError::BadParameter(_) => error(StatusCode::BAD_REQUEST, &reason.to_string()),
        EndpointError::NotRunning if is_served => error(StatusCode::SERVICE_UNAVAILABLE, &reason.to_string()),
        EndpointError::UnknownPlugin(_) => error(StatusCode::NOT_FOUND, &reason.to_string()),
        EndpointError::NotFound | EndpointError::NotRunning => {
            error(StatusCode::NOT_FOUND, &format!("Cannot {} {}", request.method(), request.path()))
        }
    }
}

async fn call(
    request: &HttpRequest,
    payload: web::Payload,
    state: &AppState,
    id: &str,
    method: &Method,
    path: &str,
    endpoint: EndpointMatch,
) -> HttpResponse {
    if state.plugins.state(id) != Some(PluginState::Running) {
        return failure(&PluginCallError::NotRunning);
    }
    let body = match web::Bytes::from_request(request, &mut payload.into_inner()).await {
        Ok(body) => body,
        Err(problem) => return error(problem.as_response_error().status_code(), &problem.to_string()),
    };
    let (long, head) = (body.len() > LONG, request::Head::of(request, method, path, &endpoint.params));
    let json = match worked_on(long, move || head.with_body(&body)).await {
        Ok(Ok(json)) => json,
        Ok(Err(problem)) => return error(StatusCode::BAD_REQUEST, &problem.to_string()),
        Err(stopped) => return stopped,
    };
    let handler = CallTarget::Http(endpoint.handler);
    let text = match state.plugins.call(id, handler, json, state.plugins.request_deadline(id)).await {
        Ok(text) => text.unwrap_or_default(),
        Err(problem) => return failure(&problem),
    };
    match worked_on(text.len() > LONG, move || response::read(&text)).await {
        Ok(Ok(answer)) => {
            for notice in &answer.notices {
                state.plugins.notice(id, notice);
            }
            answer.into_response()
        }
        Ok(Err(problem)) => error(StatusCode::INTERNAL_SERVER_ERROR, &problem.to_string()),
        Err(stopped) => stopped,
    }
}

/// The plugin's id or package name, and the path below it as it stands in the URL.
fn plugin_and_path(path: &str) -> Option<(String, &str)> {
    let below = path.strip_prefix("/skServer").unwrap_or(path).strip_prefix("/plugins/")?;
    let (id, path) = below.split_at(below.find('/').unwrap_or(below.len()));
    let id = percent_decode_str(id).decode_utf8().ok()?.into_owned();
    Some((id, if path.is_empty() { "/" } else { path }))
}

/// Does some work; if it may take long, on a thread that is there for such. The error is the answer when the server is going down.
async fn worked_on<T: Send + 'static>(
    long: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, HttpResponse> {
    if !long {
        return Ok(work());
    }
    let stopped = |_| error(StatusCode::SERVICE_UNAVAILABLE, "the server is shutting down");
    web::block(work).await.map_err(stopped)
}

/// What is answered when the plugin did not.
fn failure(problem: &PluginCallError) -> HttpResponse {
    let text = problem.to_string();
    match problem {
        PluginCallError::Unknown(_) => error(StatusCode::NOT_FOUND, &text),
        PluginCallError::NotRunning => error(StatusCode::SERVICE_UNAVAILABLE, &text),
        PluginCallError::Busy => {
            HttpResponse::ServiceUnavailable().insert_header((RETRY_AFTER, "1")).json(json!({"error": text}))
        }
        PluginCallError::NoHandler(_) => error(StatusCode::INTERNAL_SERVER_ERROR, &text),
        PluginCallError::Crashed(_) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, &format!("WASM handler crashed: {text}"))
        }
        PluginCallError::Timeout(_) => {
            HttpResponse::GatewayTimeout().json(json!({"error": "Plugin handler timeout", "message": text}))
        }
    }
}

fn error(status: StatusCode, text: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({"error": text}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_named_by_id_or_by_encoded_package_name() {
        // ABI-60
        for (path, expected) in [
            ("/plugins/x/api/a%20b", Some(("x", "/api/a%20b"))),
            ("/skServer/plugins/x/api/", Some(("x", "/api/"))),
            ("/plugins/%40scope%2Fname/a", Some(("@scope/name", "/a"))),
            ("/plugins/x", Some(("x", "/"))),
            ("/elsewhere/x/a", None),
            ("/plugins/%ff/a", None),
        ] {
            let expected = expected.map(|(id, path)| (id.to_owned(), path));
            assert_eq!(plugin_and_path(path), expected, "{path}");
        }
    }
}
