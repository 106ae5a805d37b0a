//! In which units people want to see values: `/signalk/v1/unitpreferences/…` (server-admin-api §13).

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::answers::blocking;
use super::application_data::owner_of;
use super::auth::Visitor;
use super::plugins::bad_json;
use super::uploads::file_of;
use super::{AppState, read};
use crate::application_data::Place;
use crate::unit_preferences::{USER_DATA, UnitPreferences, UnitPreferencesError, UserChoice, categories};

/// Largest body that is changed by.
const MAX_BODY: usize = 256 * 1024;
/// Largest file of a preset.
const MAX_PRESET: usize = 100 * 1024;
/// Where it all is.
const PREFIX: &str = "/signalk/v1/unitpreferences";

type State = web::Data<AppState>;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope(PREFIX)
            .app_data(web::JsonConfig::default().limit(MAX_BODY).error_handler(bad_json))
            .service(web::resource("/config").route(read().to(config_of_all)).route(web::put().to(set_config)))
            .service(web::resource("/categories").route(read().to(all_categories)))
            .service(web::resource("/definitions").route(read().to(definitions)))
            .service(
                web::resource("/custom-definitions")
                    .route(read().to(custom_definitions))
                    .route(web::put().to(set_custom_definitions)),
            )
            .service(
                web::resource("/custom-categories")
                    .route(read().to(custom_categories))
                    .route(web::put().to(set_custom_categories)),
            )
            .service(web::resource("/presets").route(read().to(presets)))
            .service(web::resource("/presets/custom/upload").route(web::post().to(upload_preset)))
            .service(
                web::resource("/presets/custom/{name}")
                    .route(web::put().to(save_preset))
                    .route(web::delete().to(delete_preset)),
            )
            .service(web::resource("/presets/{name}").route(read().to(preset)))
            .service(web::resource("/active").route(read().to(active)))
            .service(web::resource("/default-categories").route(read().to(default_categories)))
            .service(web::resource("/default-category/{path:.+}").route(read().to(default_category)))
            .service(
                web::resource("/primary-categories")
                    .route(read().to(primary_categories))
                    .route(web::put().to(set_primary_categories)),
            ),
    );
}

async fn config_of_all(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.units.config())
}

async fn set_config(state: State, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    change(state, move |units| units.set_config(body.into_inner())).await
}

async fn all_categories(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.units.categories())
}

async fn definitions(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.units.definitions())
}

async fn custom_definitions(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.units.custom_definitions())
}

async fn set_custom_definitions(state: State, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    change(state, move |units| units.set_custom_definitions(body.into_inner())).await
}

async fn custom_categories(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.units.custom_categories())
}

async fn set_custom_categories(state: State, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    change(state, move |units| units.set_custom_categories(body.into_inner())).await
}

async fn presets(state: State) -> HttpResponse {
    HttpResponse::Ok().json(state.units.presets())
}

async fn preset(state: State, name: web::Path<String>) -> HttpResponse {
    match state.units.preset(&name) {
        Ok(preset) => HttpResponse::Ok().json(preset),
        Err(error) => refusal(&error),
    }
}

async fn save_preset(state: State, name: web::Path<String>, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    change(state, move |units| units.save_preset(&name, body.into_inner())).await
}

async fn delete_preset(state: State, name: web::Path<String>) -> Result<HttpResponse, Error> {
    change(state, move |units| units.delete_preset(&name)).await
}

/// A preset as a file of a form.
async fn upload_preset(state: State, form: Multipart) -> Result<HttpResponse, Error> {
    let bad = |error: String| Ok(HttpResponse::BadRequest().json(json!({"error": error})));
    let file = match file_of(form, MAX_PRESET).await {
        Ok(file) => file,
        Err(error) => return bad(error.to_string()),
    };
    if !file.name.ends_with(".json") {
        return bad("File must have .json extension".to_owned());
    }
    let body = match serde_json::from_slice(&file.content) {
        Ok(body) => body,
        Err(error) => return bad(format!("Invalid JSON: {error}")),
    };
    let units = state.units.clone();
    Ok(match blocking(move || units.upload_preset(&file.name, body)).await? {
        Ok((name, called)) => {
            HttpResponse::Ok().json(json!({"success": true, "name": name, "displayName": called, "isCustom": true}))
        }
        Err(error) => refusal(&error),
    })
}

/// What holds for whoever asks.
async fn active(request: HttpRequest, state: State) -> Result<HttpResponse, Error> {
    let visitor = Visitor::of(&request);
    let choice = choice_of(&state, &visitor).await?;
    Ok(HttpResponse::Ok().json(state.units.active(visitor.name(), &choice)))
}

async fn default_categories() -> HttpResponse {
    HttpResponse::Ok().json(categories::of_known_paths())
}

async fn default_category(request: HttpRequest, state: State, path: web::Path<String>) -> Result<HttpResponse, Error> {
    let choice = choice_of(&state, &Visitor::of(&request)).await?;
    let path = path.replace('/', ".");
    let meta = state.view.metadata(&path).unwrap_or_default();
    let units = meta.get("units").and_then(Value::as_str);
    let category = state.units.default_category(&path, units, &choice);
    Ok(HttpResponse::Ok().json(json!({"path": path, "category": category})))
}

async fn primary_categories(request: HttpRequest, state: State) -> Result<HttpResponse, Error> {
    let choice = choice_of(&state, &Visitor::of(&request)).await?;
    Ok(HttpResponse::Ok().json(state.units.primary_categories(&choice)))
}

async fn set_primary_categories(state: State, body: web::Json<Value>) -> Result<HttpResponse, Error> {
    change(state, move |units| units.set_primary_categories(body.into_inner())).await
}

/// What a visitor has chosen, which is among their application data.
///
/// # Errors
/// The server goes down.
pub async fn choice_of(state: &AppState, visitor: &Visitor) -> Result<UserChoice, Error> {
    let Some(owner) = owner_of(visitor.principal()) else { return Ok(UserChoice::default()) };
    let admin = state.admin.clone();
    let (application, version) = USER_DATA;
    let read = blocking(move || admin.application_data.read(&Place::new(owner, application, version)?, &[])).await?;
    Ok(match read {
        Ok(data) => data.as_ref().map(UserChoice::of).unwrap_or_default(),
        Err(error) => {
            log::error!("a user's unit preferences can't be read: {error}; those for all are used");
            UserChoice::default()
        }
    })
}

/// Changes something where the disk may be waited for.
async fn change(
    state: State,
    work: impl FnOnce(&UnitPreferences) -> Result<(), UnitPreferencesError> + Send + 'static,
) -> Result<HttpResponse, Error> {
    let units = state.units.clone();
    Ok(match blocking(move || work(&units)).await? {
        Ok(()) => HttpResponse::Ok().json(json!({"success": true})),
        Err(error) => refusal(&error),
    })
}

fn refusal(error: &UnitPreferencesError) -> HttpResponse {
    let status = match error {
        UnitPreferencesError::Invalid(_) => StatusCode::BAD_REQUEST,
        UnitPreferencesError::NotFound => StatusCode::NOT_FOUND,
        UnitPreferencesError::Taken(_) => StatusCode::CONFLICT,
        UnitPreferencesError::Storage { .. } => {
            log::error!("unit preferences: {error}");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    HttpResponse::build(status).json(json!({"error": error.to_string()}))
}
