//! Weather data: `/signalk/v2/api/weather` (signalk-v2 §5).

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde_json::json;
use windlass_actors::providers::{WeatherError, WeatherKind, WeatherRequest};

use super::answers::failed;
use super::{at, named};
use crate::http::sight::Sight;
use crate::http::{AppState, read};

type State = web::Data<AppState>;
type Query = web::Query<Vec<(String, String)>>;

/// The routes below `/weather`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(at("").route(read().to(overview)))
        .service(at("/_providers").route(read().to(providers)))
        .service(at("/_providers/_default").route(read().to(default_provider)))
        .service(at("/_providers/_default/{id:.+?}").route(web::post().to(choose_default)))
        .service(at("/observations").route(read().to(observations)))
        .service(at("/forecasts").route(read().to(forecasts)))
        .service(at("/forecasts/daily").route(read().to(daily)))
        .service(at("/forecasts/point").route(read().to(point)))
        .service(at("/warnings").route(read().to(warnings)));
}

async fn overview() -> impl Responder {
    web::Json(json!({
        "forecasts": {"description": "Forecasts for a place, by day or by point in time"},
        "observations": {"description": "What has been observed near a place"},
        "warnings": {"description": "Warnings for a place"},
    }))
}

async fn forecasts() -> impl Responder {
    web::Json(json!({
        "daily": {"description": "Forecasts for whole days"},
        "point": {"description": "Forecasts for points in time"},
    }))
}

async fn providers(state: State) -> HttpResponse {
    named::list(state.providers.weather.providers())
}

async fn default_provider(state: State) -> HttpResponse {
    named::default(state.providers.weather.providers())
}

async fn choose_default(request: HttpRequest, state: State, id: web::Path<String>) -> HttpResponse {
    let sight = Sight::of(&request, &state);
    named::choose(&sight, "weather", state.providers.weather.providers(), &id)
}

async fn observations(state: State, query: Query) -> HttpResponse {
    answer(&state, WeatherKind::Observations, query).await
}

async fn daily(state: State, query: Query) -> HttpResponse {
    answer(&state, WeatherKind::DailyForecasts, query).await
}

async fn point(state: State, query: Query) -> HttpResponse {
    answer(&state, WeatherKind::PointForecasts, query).await
}

async fn warnings(state: State, query: Query) -> HttpResponse {
    answer(&state, WeatherKind::Warnings, query).await
}

async fn answer(state: &State, kind: WeatherKind, query: Query) -> HttpResponse {
    let entries: Result<_, WeatherError> = async {
        let request = WeatherRequest::from_query(query.into_inner())?;
        state.providers.weather.get(kind, &request).await
    }
    .await;
    match entries {
        Ok(entries) => HttpResponse::Ok().json(entries),
        Err(error) => failed(StatusCode::BAD_REQUEST, error),
    }
}
