//! Reading the data model: `/signalk/v1/api/…` (signalk-v1 §4.2).

use actix_web::{HttpRequest, HttpResponse, web};
use percent_encoding::percent_decode_str;

use super::AppState;
use super::auth::Visitor;
use super::pages::not_found;

/// `GET /signalk/v1/api/<path>`: a node of the full model.
pub async fn node(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let below = request.path().strip_prefix("/signalk/v1/api/").unwrap_or_default();
    let below = below.strip_suffix('/').filter(|rest| *rest != "self").unwrap_or(below);
    // Divided first and decoded then: an encoded slash stays inside its segment.
    let decode = |segment| percent_decode_str(segment).decode_utf8();
    let segments: Result<Vec<_>, _> =
        if below.is_empty() { Ok(Vec::new()) } else { below.split('/').map(decode).collect() };
    let node = segments.ok().and_then(|segments| {
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let acl = state.security.acl();
        if acl.is_empty() {
            return state.view.node(&segments);
        }
        let (visitor, own) = (Visitor::of(&request), state.view.identity().context());
        state.view.node_seen_by(&segments, &|context, path, source| {
            acl.decide(visitor.principal(), context == own, context.as_str(), path, source.as_str()).read
        })
    });
    match node {
        Some(node) => HttpResponse::Ok().json(node),
        None => not_found(request).await,
    }
}
