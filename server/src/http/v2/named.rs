//! `…/_providers`: who provides weather data or radars (signalk-v2 §5, 7).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::json;
use windlass_actors::providers::NamedProviders;

use super::answers::{completed, failed, unauthorised};
use crate::http::sight::Sight;

/// `GET …/_providers`.
pub fn list(providers: &NamedProviders) -> HttpResponse {
    HttpResponse::Ok().json(providers.list())
}

/// `GET …/_providers/_default`.
pub fn default(providers: &NamedProviders) -> HttpResponse {
    HttpResponse::Ok().json(providers.default().map_or_else(|| json!({}), |id| json!({"id": id})))
}

/// `POST …/_providers/_default/<id>`, by somebody who may change what is at `path`.
pub fn choose(sight: &Sight, path: &str, providers: &NamedProviders, id: &str) -> HttpResponse {
    if !sight.may_put_own(path, "") {
        return unauthorised();
    }
    match providers.choose(id.trim_end_matches('/')) {
        Ok(id) => completed(StatusCode::OK, format_args!("Default provider set to {id}.")),
        Err(error) => failed(StatusCode::BAD_REQUEST, error),
    }
}
