//! Reading the data model: `/signalk/v1/api/…` (signalk-v1 §4.2).

use actix_web::{HttpRequest, HttpResponse, web};

use super::AppState;
use super::pages::not_found;

/// `GET /signalk/v1/api/<path>`: a node of the full model.
pub async fn node(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    // The raw path keeps an encoded slash inside its segment.
    let below = request.path().strip_prefix("/signalk/v1/api/").unwrap_or_default();
    let below = below.strip_suffix('/').filter(|rest| *rest != "self").unwrap_or(below);
    let segments: Vec<_> = if below.is_empty() { Vec::new() } else { below.split('/').collect() };
    match state.view.node(&segments) {
        Some(node) => HttpResponse::Ok().json(node),
        None => not_found(request).await,
    }
}
