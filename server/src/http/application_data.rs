//! What web apps keep on the server (server-admin-api §12): `/signalk/v1/applicationData/{global|user}/<application>/<version>[/<path>]`.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use windlass_security::Principal;

use super::answers::{blocking, failure, text};
use super::auth::Visitor;
use super::pages::not_found;
use super::{AppState, MAX_BODY, read};
use crate::application_data::{ApplicationDataError, Owner, Place};

/// Where it all is.
const PREFIX: &str = "/signalk/v1/applicationData/";

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    for scope in ["global", "user"] {
        config.service(
            web::resource(format!("{PREFIX}{scope}/{{path:.*}}"))
                .app_data(web::PayloadConfig::new(MAX_BODY))
                .route(read().to(show))
                .route(web::post().to(keep)),
        );
    }
}

/// What a request is about.
struct Target {
    owner: Owner,
    application: String,
    version: Option<String>,
    path: Vec<String>,
}

#[derive(Deserialize)]
struct Query {
    #[serde(default)]
    keys: Option<String>,
}

/// Reads the path. `None` when it is not whole; an error when nobody is logged in whose data it could be about.
fn target(request: &HttpRequest) -> Result<Option<Target>, Box<HttpResponse>> {
    let below = request.path().strip_prefix(PREFIX).unwrap_or_default();
    let below = below.strip_suffix('/').unwrap_or(below);
    // Divided first and decoded then: an encoded slash stays inside its segment.
    let segments =
        below.split('/').map(|segment| percent_decode_str(segment).decode_utf8().map(|text| text.into_owned()));
    let Ok(segments) = segments.collect::<Result<Vec<_>, _>>() else { return Ok(None) };
    let mut segments = segments.into_iter();
    let owner = match segments.next().as_deref() {
        Some("global") => Owner::Global,
        _ => owner(&Visitor::of(request))?,
    };
    let Some(application) = segments.next() else { return Ok(None) };
    let version = segments.next();
    Ok(Some(Target { owner, application, version, path: segments.collect() }))
}

fn owner(visitor: &Visitor) -> Result<Owner, Box<HttpResponse>> {
    owner_of(visitor.principal()).ok_or_else(|| Box::new(text(StatusCode::UNAUTHORIZED, "Unauthorized")))
}

/// Whose data somebody's are; `None` for somebody without a name.
pub fn owner_of(principal: &Principal) -> Option<Owner> {
    match principal {
        Principal::Anybody => Some(Owner::Anybody),
        Principal::User(name) => Some(Owner::User(name.to_string())),
        Principal::Device(id) => Some(Owner::Device(id.to_string())),
        Principal::Anonymous | Principal::Nobody => None,
    }
}

async fn show(
    request: HttpRequest,
    state: web::Data<AppState>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Error> {
    let Target { owner, application, version, path } = match target(&request) {
        Ok(Some(target)) => target,
        Ok(None) => return Ok(not_found(request).await),
        Err(answer) => return Ok(*answer),
    };
    let admin = state.admin.clone();
    let Some(version) = version else {
        return Ok(match blocking(move || admin.application_data.versions(&owner, &application)).await? {
            Ok(versions) if versions.is_empty() => HttpResponse::NotFound().finish(),
            Ok(versions) => HttpResponse::Ok().json(versions),
            Err(error) => refusal(&error),
        });
    };
    let keys = query.keys.as_deref() == Some("true");
    let read =
        blocking(move || admin.application_data.read(&Place::new(owner, &application, &version)?, &path)).await?;
    Ok(match read {
        Ok(Some(node)) if keys => HttpResponse::Ok().json(keys_of(&node)),
        Ok(Some(node)) => HttpResponse::Ok().json(node),
        // Apps tell by the empty body that there is nothing yet (clients.md).
        Ok(None) => HttpResponse::NotFound().finish(),
        Err(error) => refusal(&error),
    })
}

async fn keep(request: HttpRequest, state: web::Data<AppState>, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    let Target { owner, application, version, path } = match target(&request) {
        Ok(Some(target)) => target,
        Ok(None) => return Ok(not_found(request).await),
        Err(answer) => return Ok(*answer),
    };
    let (admin, data, version) = (state.admin.clone(), body.into_inner(), version.unwrap_or_default());
    let kept = blocking(move || admin.application_data.write(&Place::new(owner, &application, &version)?, &path, data))
        .await?;
    Ok(match kept {
        Ok(()) => HttpResponse::Ok().json("ApplicationData saved"),
        Err(error) => refusal(&error),
    })
}

fn keys_of(node: &Value) -> Vec<String> {
    match node {
        Value::Object(object) => object.keys().cloned().collect(),
        Value::Array(array) => (0..array.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}

fn refusal(error: &ApplicationDataError) -> HttpResponse {
    match error {
        ApplicationDataError::Storage { .. } => failure(error),
        ApplicationDataError::TooMuch(_) => text(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
        _ => text(StatusCode::BAD_REQUEST, error.to_string()),
    }
}
