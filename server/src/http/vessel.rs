//! The own ship's static data (server-admin-api §3).

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use serde_json::{Map, Value};
use windlass_broker::{DEFAULTS_SOURCE, Origin, Publish, SourceRef, publish_and_settle};
use windlass_store::ChangeError;

use super::answers::{blocking, failure, text};
use super::{AppState, read};
use crate::identity::defaults_as_deltas;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/skServer/vessel").route(read().to(show)).route(web::put().to(change)));
}

async fn show(state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    let admin = state.admin.clone();
    Ok(match blocking(move || admin.vessel.read()).await? {
        Ok(vessel) => HttpResponse::Ok().json(vessel),
        Err(error) => failure(&error),
    })
}

async fn change(state: web::Data<AppState>, body: web::Json<Map<String, Value>>) -> Result<HttpResponse, Error> {
    let admin = state.admin.clone();
    let (vessel, news) = match blocking(move || admin.vessel.change(&body)).await? {
        Ok(changed) => changed,
        Err(ChangeError::Refused(error)) => return Ok(text(StatusCode::BAD_REQUEST, error.to_string())),
        Err(error) => return Ok(failure(&error)),
    };
    let own = state.view.identity().context();
    let deltas = defaults_as_deltas(own, &[news]).map_err(actix_web::error::ErrorInternalServerError)?;
    let provider = SourceRef::new(DEFAULTS_SOURCE).map_err(actix_web::error::ErrorInternalServerError)?;
    let news = Publish { provider, origin: Origin::NONE, deltas };
    if !news.deltas.is_empty() && publish_and_settle(&state.broker, news).await.is_err() {
        return Ok(failure(&"saved, but the server is shutting down"));
    }
    state.events.emit("VESSEL_INFO", &vessel.info());
    Ok(text(StatusCode::OK, "Vessel changed"))
}
