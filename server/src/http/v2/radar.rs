//! Radars: `/signalk/v2/api/vessels/self/radars` (signalk-v2 §7).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::{self, Json, Path, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use windlass_actors::providers::{RadarControl, RadarError};

use super::answers::{completed_with, failed, ok, unauthorised};
use super::{at, handshake, named, streams};
use crate::http::sight::Sight;
use crate::http::{AppState, read};

type State = web::Data<AppState>;

/// Where single radars are.
const PREFIX: &str = "/signalk/v2/api/vessels/self/radars/";

/// The routes below `/vessels/self/radars`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(at("").route(read().to(list)))
        .service(at("/_providers").route(read().to(providers)))
        .service(at("/_providers/_default").route(read().to(default_provider)))
        .service(at("/_providers/_default/{id:.+?}").route(web::post().to(choose_default)))
        .service(at("/{id}").route(read().to(info)).route(web::put().to(set_controls)))
        .service(at("/{id}/power").route(web::put().to(set_power)))
        .service(at("/{id}/range").route(web::put().to(set_range)))
        .service(at("/{id}/gain").route(web::put().to(set_gain)))
        .service(at("/{id}/sea").route(web::put().to(set_sea)))
        .service(at("/{id}/rain").route(web::put().to(set_rain)))
        .service(at("/{id}/capabilities").route(read().to(capabilities)))
        .service(at("/{id}/state").route(read().to(radar_state)))
        .service(at("/{id}/controls").route(read().to(controls)))
        .service(at("/{id}/controls/{control}").route(read().to(control)).route(web::put().to(set_control)))
        .service(at("/{id}/targets").route(read().to(targets)).route(web::post().to(acquire_target)))
        .service(at("/{id}/targets/{target}").route(web::delete().to(cancel_target)))
        .service(at("/{id}/arpa/settings").route(read().to(arpa_settings)).route(web::put().to(set_arpa_settings)))
        .service(handshake("/{id}/spokes").route(web::get().to(streams::spokes)));
}

async fn list(request: HttpRequest, state: State) -> HttpResponse {
    let sight = Sight::of(&request, &state);
    let sees = |radar: &str, provider: &str| sight.sees_own(&radar_path(radar), provider);
    HttpResponse::Ok().json(state.providers.radars.list(&sees).await)
}

/// The path of a radar in ACLs.
fn radar_path(radar: &str) -> String {
    format!("radars.{radar}")
}

/// Whether the visitor may see a radar.
pub async fn is_seen(request: &HttpRequest, state: &AppState, radar: &str) -> bool {
    let sight = Sight::of(request, state);
    if sight.is_unlimited() {
        return true;
    }
    let owner = state.providers.radars.owner(radar).await;
    owner.is_ok_and(|provider| sight.sees_own(&radar_path(radar), &provider))
}

/// Stands before the routes of single radars: the ACLs say who sees and changes which (signalk-v1 §8.5).
pub async fn by_acl(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<State>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError().finish()));
    };
    let sight = Sight::of(request.request(), &state);
    let radar = request.path().strip_prefix(PREFIX).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let radar = percent_decode_str(radar).decode_utf8_lossy().into_owned();
    if sight.is_unlimited() || radar.is_empty() || radar == "_providers" {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let provider = match state.providers.radars.owner(&radar).await {
        Ok(provider) => provider,
        Err(error) => return Ok(request.into_response(refused(&error))),
    };
    let path = radar_path(&radar);
    if !sight.sees_own(&path, &provider) {
        return Ok(request.into_response(refused(&RadarError::NotFound)));
    }
    if !request.method().is_safe() && !sight.may_put_own(&path, &provider) {
        return Ok(request.into_response(unauthorised()));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn providers(state: State) -> HttpResponse {
    named::list(state.providers.radars.providers())
}

async fn default_provider(state: State) -> HttpResponse {
    named::default(state.providers.radars.providers())
}

async fn choose_default(request: HttpRequest, state: State, id: Path<String>) -> HttpResponse {
    let sight = Sight::of(&request, &state);
    named::choose(&sight, "radars", state.providers.radars.providers(), &id)
}

async fn info(state: State, id: Path<String>) -> HttpResponse {
    show(state.providers.radars.info(&id).await)
}

async fn capabilities(state: State, id: Path<String>) -> HttpResponse {
    show(state.providers.radars.capabilities(&id).await)
}

async fn radar_state(state: State, id: Path<String>) -> HttpResponse {
    show(state.providers.radars.state(&id).await)
}

async fn controls(state: State, id: Path<String>) -> HttpResponse {
    show(state.providers.radars.controls(&id).await)
}

async fn control(state: State, path: Path<(String, String)>) -> HttpResponse {
    show(state.providers.radars.control(&path.0, &path.1).await)
}

async fn targets(state: State, id: Path<String>) -> HttpResponse {
    show(state.providers.radars.targets(&id).await)
}

async fn arpa_settings(state: State, id: Path<String>) -> HttpResponse {
    show(state.providers.radars.arpa_settings(&id).await)
}

async fn set_controls(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    done(state.providers.radars.set_controls(&id, body.into_inner()).await)
}

async fn set_power(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    set_usual(state, id, RadarControl::Power, body).await
}

async fn set_range(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    set_usual(state, id, RadarControl::Range, body).await
}

async fn set_gain(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    set_usual(state, id, RadarControl::Gain, body).await
}

async fn set_sea(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    set_usual(state, id, RadarControl::Sea, body).await
}

async fn set_rain(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    set_usual(state, id, RadarControl::Rain, body).await
}

async fn set_usual(state: State, id: Path<String>, control: RadarControl, body: Json<Value>) -> HttpResponse {
    done(state.providers.radars.set_usual(&id, control, body.into_inner()).await)
}

async fn set_control(state: State, path: Path<(String, String)>, body: Json<Value>) -> HttpResponse {
    done(state.providers.radars.set_control(&path.0, &path.1, body.into_inner()).await)
}

async fn acquire_target(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    match state.providers.radars.acquire_target(&id, &body).await {
        Ok(answer) => completed_with(StatusCode::CREATED, "targetId", answer["targetId"].clone()),
        Err(error) => refused(&error),
    }
}

async fn cancel_target(state: State, path: Path<(String, String)>) -> HttpResponse {
    done(state.providers.radars.cancel_target(&path.0, &path.1).await)
}

async fn set_arpa_settings(state: State, id: Path<String>, body: Json<Value>) -> HttpResponse {
    done(state.providers.radars.set_arpa_settings(&id, body.into_inner()).await)
}

fn show(result: Result<Value, RadarError>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => refused(&error),
    }
}

fn done(result: Result<(), RadarError>) -> HttpResponse {
    match result {
        Ok(()) => ok(),
        Err(error) => refused(&error),
    }
}

fn refused(error: &RadarError) -> HttpResponse {
    let status = match error {
        RadarError::NotFound => StatusCode::NOT_FOUND,
        RadarError::InvalidBody | RadarError::Invalid(_) => StatusCode::BAD_REQUEST,
        RadarError::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
        RadarError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    failed(status, error)
}
