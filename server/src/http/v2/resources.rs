//! Resources: `/signalk/v2/api/resources` (signalk-v2 §2).

use actix_web::http::StatusCode;
use actix_web::web::{self, Json, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};
use windlass_actors::providers::ResourceError;
use windlass_actors::providers::resources::resource_path;

use super::answers::{completed, created, failed, unauthorised};
use super::at;
use crate::http::sight::Sight;
use crate::http::{AppState, pages, read};

type State = web::Data<AppState>;
type Query = web::Query<Vec<(String, String)>>;

/// The routes below `/resources`.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(at("").route(read().to(types)))
        .service(at("/{type}/_providers").route(read().to(providers)))
        .service(at("/{type}/_providers/_default").route(read().to(default_provider)))
        .service(at("/{type}/_providers/_default/{provider:.+?}").route(web::post().to(choose_default)))
        .service(at("/{type}").route(read().to(list)).route(web::post().to(create)))
        .service(at("/{type}/{id}").route(read().to(get)).route(web::put().to(replace)).route(web::delete().to(delete)))
        .service(at("/{type}/{id}/{property:.+?}").route(read().to(property)));
}

async fn types(state: State) -> HttpResponse {
    let describe = |kind: String| {
        let singular = kind.strip_suffix('s').unwrap_or(&kind);
        let description = format!("Path containing {singular} resources");
        (kind, json!({"description": description}))
    };
    HttpResponse::Ok().json(state.providers.resources.types().into_iter().map(describe).collect::<Map<_, _>>())
}

async fn providers(request: HttpRequest, state: State, kind: Path<String>) -> HttpResponse {
    show(&request, state.providers.resources.provider_ids(&kind)).await
}

async fn default_provider(request: HttpRequest, state: State, kind: Path<String>) -> HttpResponse {
    show(&request, state.providers.resources.default_provider(&kind)).await
}

async fn choose_default(request: HttpRequest, state: State, path: Path<(String, String)>) -> HttpResponse {
    let (kind, name) = path.into_inner();
    if !Sight::of(&request, &state).may_put_own(&format!("resources.{kind}"), "") {
        return unauthorised();
    }
    let resources = &state.providers.resources;
    let provider = match resources.possible_default(&kind, name.trim_end_matches('/')) {
        Ok(provider) => provider,
        Err(error) => return refused(&request, &error).await,
    };
    if let Err(error) = state.settings.save_default_provider(&kind, &provider).await {
        log::error!("{error}");
        return failed(StatusCode::INTERNAL_SERVER_ERROR, error);
    }
    resources.set_default(&kind, &provider);
    completed(StatusCode::CREATED, provider)
}

async fn list(request: HttpRequest, state: State, kind: Path<String>, query: Query) -> HttpResponse {
    let sight = Sight::of(&request, &state);
    let sees = |path: &str, provider: &str| sight.sees_own(path, provider);
    show(&request, state.providers.resources.list(&kind, query.into_inner(), &sees).await).await
}

async fn get(request: HttpRequest, state: State, path: Path<(String, String)>, query: Query) -> HttpResponse {
    let (kind, id) = path.into_inner();
    let sight = Sight::of(&request, &state);
    let sees = |path: &str, provider: &str| sight.sees_own(path, provider);
    show(&request, state.providers.resources.get(&kind, &id, wanted(&query), &sees).await).await
}

async fn property(
    request: HttpRequest,
    state: State,
    path: Path<(String, String, String)>,
    query: Query,
) -> HttpResponse {
    let (kind, id, property) = path.into_inner();
    let keys: Vec<_> = property.trim_end_matches('/').split('/').map(str::to_owned).collect();
    let sight = Sight::of(&request, &state);
    let sees = |path: &str, provider: &str| sight.sees_own(path, provider);
    show(&request, state.providers.resources.property(&kind, &id, &keys, wanted(&query), &sees).await).await
}

async fn create(
    request: HttpRequest,
    state: State,
    kind: Path<String>,
    query: Query,
    body: Json<Value>,
) -> HttpResponse {
    if let Some(refusal) = refusal(&request, &state, &format!("resources.{}", *kind), &query) {
        return refusal;
    }
    match state.providers.resources.create(&kind, &body, wanted(&query)).await {
        Ok(id) => created(&id),
        Err(error) => refused(&request, &error).await,
    }
}

async fn replace(
    request: HttpRequest,
    state: State,
    path: Path<(String, String)>,
    query: Query,
    body: Json<Value>,
) -> HttpResponse {
    let (kind, id) = path.into_inner();
    if let Some(refusal) = refusal(&request, &state, &resource_path(&kind, &id), &query) {
        return refusal;
    }
    match state.providers.resources.replace(&kind, &id, &body, wanted(&query)).await {
        Ok(()) => completed(StatusCode::OK, id),
        Err(error) => refused(&request, &error).await,
    }
}

async fn delete(request: HttpRequest, state: State, path: Path<(String, String)>, query: Query) -> HttpResponse {
    let (kind, id) = path.into_inner();
    if let Some(refusal) = refusal(&request, &state, &resource_path(&kind, &id), &query) {
        return refusal;
    }
    match state.providers.resources.delete(&kind, &id, wanted(&query)).await {
        Ok(()) => completed(StatusCode::OK, id),
        Err(error) => refused(&request, &error).await,
    }
}

/// The answer to a change that the ACLs do not allow.
fn refusal(request: &HttpRequest, state: &State, path: &str, query: &Query) -> Option<HttpResponse> {
    let allowed = Sight::of(request, state).may_put_own(path, wanted(query).unwrap_or_default());
    (!allowed).then(unauthorised)
}

/// The provider that the client wants.
fn wanted(query: &Query) -> Option<&str> {
    query.iter().find(|(key, _)| key == "provider").map(|(_, name)| name.as_str())
}

async fn show<T: serde::Serialize>(request: &HttpRequest, result: Result<T, ResourceError>) -> HttpResponse {
    match result {
        Ok(value) => HttpResponse::Ok().json(value),
        Err(error) => refused(request, &error).await,
    }
}

async fn refused(request: &HttpRequest, error: &ResourceError) -> HttpResponse {
    let status = match error {
        // As if there were no such route.
        ResourceError::UnknownType(_) | ResourceError::UnknownProvider(_) | ResourceError::NoOwner(_) => {
            return pages::not_found(request.clone()).await;
        }
        ResourceError::TypeNotFound(_) | ResourceError::NotFound(_) | ResourceError::Saving { .. } => {
            StatusCode::NOT_FOUND
        }
        ResourceError::InvalidType(_)
        | ResourceError::NoSuchProvider(_)
        | ResourceError::InvalidId(_)
        | ResourceError::Invalid(_)
        | ResourceError::Creating { .. }
        | ResourceError::Deleting(_) => StatusCode::BAD_REQUEST,
        // Another attempt may succeed, unlike after the errors above.
        ResourceError::OwnerUnknown { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    failed(status, error)
}
