//! The embedded web pages, and what is answered when nothing else is.

use actix_web::http::header::{self, ETag, EntityTag, IfNoneMatch};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{AppState, read};

/// The dashboard as it was built, or the page that says how to build it.
#[derive(RustEmbed)]
#[folder = "$WINDLASS_UI_EMBED"]
struct Pages;

/// `/` leads to `/admin/` (signalk-v1 §4.3).
pub fn routes(config: &mut ServiceConfig) {
    let to_dashboard = || async { HttpResponse::Found().insert_header((header::LOCATION, "/admin/")).finish() };
    let with_slash =
        || async { HttpResponse::MovedPermanently().insert_header((header::LOCATION, "/admin/")).finish() };
    config
        .service(web::resource("/").route(read().to(to_dashboard)))
        .service(web::resource("/admin").route(read().to(with_slash)))
        .service(web::resource("/access").route(read().to(access_page)))
        .service(web::resource("/access.js").route(read().to(access_script)))
        .service(web::resource("/admin/{path:.*}").route(read().to(page)));
}

/// `GET /windlass/ca.pem`: the root that phones have to trust, when TLS is served with the boat's own certificates.
pub async fn root(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    match state.tls.root() {
        Some(root) => HttpResponse::Ok()
            .content_type("application/x-x509-ca-cert")
            .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"windlass-ca.pem\""))
            .body(root.to_string()),
        None => not_found(request).await,
    }
}

/// The page on which the server is claimed, and people log in and out.
async fn access_page() -> HttpResponse {
    let policy = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(include_str!("access.html"))
}

async fn access_script() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/javascript; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(include_str!("access.js"))
}

async fn page(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let name = if path.is_empty() { "index.html" } else { path.as_str() };
    match Pages::get(name) {
        Some(file) => serve(&request, name, file),
        None => not_found(request).await,
    }
}

fn serve(request: &HttpRequest, name: &str, file: EmbeddedFile) -> HttpResponse {
    let hash = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
    let tag = EntityTag::new_strong(hash);
    let known = match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|other| other.weak_eq(&tag)),
        None => false,
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    // Bundles carry a hash of their content in their name; the page that names them does not.
    let caching = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header(ETag(tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if name.ends_with(".html") {
        let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'self'; base-uri 'self'";
        answer.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    }
    if known { answer.finish() } else { answer.content_type(kind.as_ref()).body(file.data.into_owned()) }
}

/// 404 in the form of the reference: an HTML body of which clients test only the status.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (method, path) = (request.method().as_str(), escape(request.path()));
    let body = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error</title><pre>Cannot {method} {path}</pre></html>\n"
    );
    HttpResponse::NotFound().content_type("text/html; charset=utf-8").body(body)
}
