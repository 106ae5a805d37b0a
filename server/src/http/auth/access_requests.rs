//! Asking for access, and deciding about it (signalk-v1 §8.6, server-admin-api §4).

use std::time::SystemTime;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_actors::access_desk::AskError;
use windlass_security::{AccessError, Decision, Expiration, Level, SecurityError};

use super::administration::{refusal, said};
use super::login::too_many_requests;
use super::{address_of, blocking};
use crate::http::{AppState, put, read};

/// Largest body of a request for access.
const MAX_BODY: usize = 10 * 1024;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/signalk/v1/access/requests")
                // What is larger has to be seen here, to be answered in words.
                .app_data(web::PayloadConfig::new(MAX_BODY + 1))
                .route(web::post().to(ask)),
        )
        .service(web::resource("/signalk/v1/requests/{id}").route(read().to(status)))
        .service(web::resource("/skServer/security/access/requests").route(read().to(pending)));
    for prefix in ["/skServer", ""] {
        config.service(
            web::resource(format!("{prefix}/security/access/requests/{{id}}/{{decision}}"))
                .route(web::put().to(decide)),
        );
    }
}

async fn ask(request: HttpRequest, state: web::Data<AppState>, mut body: web::Payload) -> Result<HttpResponse, Error> {
    let address = address_of(&request, &state.proxies);
    if let Err(wait) = state.limits.api.take(address, SystemTime::now()) {
        return Ok(too_many_requests(wait));
    }
    let Some(body) = read_bounded(&mut body).await? else {
        return Ok(said(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large"));
    };
    let desk = state.access.clone();
    let asked = blocking(move || {
        let asked: Value =
            serde_json::from_slice(&body).map_err(|_| AskError::Malformed("the body is no JSON object"))?;
        desk.ask(&asked, None, address)
    })
    .await?;
    Ok(match asked {
        Ok(reply) => HttpResponse::Accepted().json(reply),
        Err(AskError::Refused(error @ AccessError::NotAvailable)) => {
            HttpResponse::NotFound().json(json!({"message": error.to_string()}))
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            HttpResponse::build(status)
                .json(json!({"state": "COMPLETED", "statusCode": status.as_u16(), "message": error.to_string()}))
        }
    })
}

/// The body, or `None` when it is larger than [`MAX_BODY`].
async fn read_bounded(payload: &mut web::Payload) -> Result<Option<Vec<u8>>, Error> {
    use futures_util::StreamExt as _;
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > MAX_BODY {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// What has become of a request, for access or of another kind.
async fn status(request: HttpRequest, state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let address = address_of(&request, &state.proxies);
    if let Err(wait) = state.limits.api.take(address, SystemTime::now()) {
        return too_many_requests(wait);
    }
    match state.access.state(&id) {
        Some(reply) => HttpResponse::Ok().json(reply),
        None => put::status(&request, &state, &id).await,
    }
}

async fn pending(state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    // It waits while a decision is being saved.
    let desk = state.access.clone();
    Ok(HttpResponse::Ok().json(blocking(move || desk.pending()).await?))
}

#[derive(Deserialize, Default)]
struct Terms {
    #[serde(default)]
    permissions: Option<Level>,
    #[serde(default)]
    expiration: Option<String>,
    #[serde(default)]
    config: Option<Value>,
}

async fn decide(
    state: web::Data<AppState>,
    path: web::Path<(String, String)>,
    body: web::Bytes,
) -> Result<HttpResponse, Error> {
    let (id, word) = path.into_inner();
    let failed = |why: &str| said(StatusCode::INTERNAL_SERVER_ERROR, format!("Unable update request: {why}"));
    let decision = match word.as_str() {
        "denied" => Decision::Denied,
        "approved" => {
            let Ok(terms) = serde_json::from_slice::<Terms>(if body.is_empty() { b"{}" } else { &body }) else {
                return Ok(failed("permissions must be readonly, readwrite or admin"));
            };
            let expiration = match terms.expiration.map(|text| text.parse::<Expiration>()).transpose() {
                Ok(expiration) => expiration,
                Err(error) => return Ok(failed(&error.to_string())),
            };
            Decision::Approved { permissions: terms.permissions, expiration, config: terms.config }
        }
        _ => return Ok(failed("the status is approved or denied")),
    };
    let desk = state.access.clone();
    let done = blocking(move || desk.decide(&id, decision)).await?;
    Ok(match done {
        Ok(()) => said(StatusCode::OK, "Request updated"),
        Err(error @ (SecurityError::UnknownRequest | SecurityError::NoPermissions)) => failed(&error.to_string()),
        Err(error) => refusal(&error),
    })
}
