//! The server's settings (server-admin-api §3). They are saved in settings.json, and hold at once: see [`crate::live`].

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, HeaderMap};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use windlass_store::ChangeError;

use super::answers::{failure, text};
use super::{AppState, read};
use crate::live::shown;
use crate::settings::{BadSetting, SaveSettingsError};

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/skServer/settings").route(read().to(show)).route(web::put().to(change)));
}

async fn show(state: web::Data<AppState>) -> HttpResponse {
    // Nothing is changed, so nothing is written.
    let (directory, defaults) = (state.admin.directory.clone(), state.admin.defaults);
    match state.settings.change(move |settings| Ok(shown(settings, &directory, defaults))).await {
        Ok(shown) => HttpResponse::Ok().json(shown),
        Err(error) => failure(&error),
    }
}

/// `PUT /skServer/settings`: saves what the body names, and has the running server do it. Whoever accepts JSON is told what has become of
/// each change, see [`Report`](crate::live::Report); others get a text.
async fn change(request: HttpRequest, state: web::Data<AppState>, body: web::Json<Value>) -> HttpResponse {
    match state.live.change(body.into_inner()).await {
        Ok(report) if accepts_json(request.headers()) => HttpResponse::Ok().json(report),
        Ok(_) => text(StatusCode::OK, "Settings changed"),
        Err(SaveSettingsError::Unsaved(ChangeError::Refused(BadSetting(why)))) => text(StatusCode::BAD_REQUEST, why),
        Err(error) => failure(&error),
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}
