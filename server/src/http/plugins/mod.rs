//! Plugins over HTTP: `/skServer/plugins…` and `/plugins…` (wasm-plugin-abi §8).
//!
//! The management API comes first. What it does not answer goes to the plugin's own [`endpoints`], and what these do not answer is looked
//! for among its [`static_files`]. Packages with pages are at `/<package name>/`: [`webapps`].

mod endpoints;
mod query;
mod request;
mod response;
mod static_files;
pub mod webapps;

use actix_web::dev::HttpServiceFactory;
use actix_web::error::{InternalError, JsonPayloadError};
use actix_web::http::header::Accept;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use windlass_actors::plugins::PluginError;

use super::plugin_admin::{self, answer_state};
use super::{AppState, MAX_BODY, read};

/// Everything below one of the two prefixes. Who may do what there is in the access table.
pub fn scope(prefix: &str) -> impl HttpServiceFactory + use<> {
    let mut scope = plugin_admin::routes(web::scope(prefix))
        .app_data(web::PayloadConfig::new(MAX_BODY))
        .route("", read().to(list))
        .route("/", read().to(list))
        .route("/{id}", read().to(info))
        .route("/{id}/", read().to(page_or_info));
    // A route that does not fit the method lets the request go on to the plugin's endpoints; a resource would not.
    for slash in ["", "/"] {
        let path = |name: &str| format!("/{{id}}/{name}{slash}");
        scope = scope
            .route(&path("config"), read().to(read_config))
            .route(&path("config"), web::post().to(save_config))
            .route(&path("status"), read().to(status))
            .route(&path("enable"), web::post().to(enable))
            .route(&path("disable"), web::post().to(disable))
            .route(&path("restart"), web::post().to(restart));
    }
    scope.default_service(web::to(endpoints::serve))
}

/// Malformed JSON in a body (signalk-v1 §4.3).
pub fn bad_json(error: JsonPayloadError, _: &HttpRequest) -> Error {
    let answer = match &error {
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
            HttpResponse::PayloadTooLarge()
        }
        _ => HttpResponse::BadRequest(),
    }
    .json(json!({"error": error.to_string()}));
    InternalError::from_response(error, answer).into()
}

async fn list(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(state.plugins.list().await)
}

async fn info(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer(state.plugins.info(&id).await)
}

/// The plugin's first page for a browser, if it has one.
async fn page_or_info(request: HttpRequest, state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let wants_html = request.get_header::<Accept>().is_some_and(|accept| {
        accept.ranked().first().is_some_and(|first| first.essence_str().eq_ignore_ascii_case("text/html"))
    });
    if wants_html
        && let Some(public) = state.plugins.public_folder(&id).await
        && let Some(page) = static_files::serve(&request, &public, "/").await
    {
        return page;
    }
    info(state, id).await
}

async fn read_config(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer(state.plugins.config(&id).await)
}

async fn save_config(state: web::Data<AppState>, id: web::Path<String>, body: web::Json<Value>) -> HttpResponse {
    let saved = state.plugins.save_config(&id, body.into_inner()).await;
    answer(saved.map(|()| json!(format!("Saved configuration for plugin {id}"))))
}

async fn status(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    answer(state.plugins.status(&id).await)
}

/// `{"consent": true}` in the body agrees to what the package asks for; any other body, or none, does not.
async fn enable(state: web::Data<AppState>, id: web::Path<String>, body: web::Bytes) -> HttpResponse {
    let consents = serde_json::from_slice::<Value>(&body).is_ok_and(|body| body["consent"] == true);
    let done = match consents {
        true => state.plugins.enable_with_consent(&id).await,
        false => state.plugins.set_enabled(&id, true).await,
    };
    answer_state(&state, &id, done).await
}

async fn disable(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let done = state.plugins.set_enabled(&id, false).await;
    answer_state(&state, &id, done).await
}

async fn restart(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let done = state.plugins.restart(&id).await;
    answer_state(&state, &id, done).await
}

fn answer(result: Result<Value, PluginError>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => plugin_admin::refusal(&error),
    }
}
