//! Sources and which of them are preferred (server-admin-api §8).

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpResponse};
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_actors::data_model::ForgetSource;
use windlass_broker::{CollectPreferredSources, Path, SetPriorities, SourceRef, Timestamp};
use windlass_store::ChangeError;

use super::answers::{blocking, failure, text};
use super::v2::answers::{completed, failed};
use super::{AppState, read};
use crate::source_events;
use crate::source_groups::{multi_source_paths, reconcile};

/// Parts of priorities.json that have a route of their own.
const PARTS: [&str; 5] =
    ["priorityGroups", "priorityOverrides", "priorityDefaults", "sourceAliases", "ignoredInstanceConflicts"];
/// The name of the overrides in older servers' pages.
const OLDER: &str = "sourcePriorities";
/// How long a source of positions counts as present, in milliseconds.
const PRESENT: i64 = 60_000;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    for part in PARTS {
        config.service(part_route(part, part));
    }
    config
        .service(part_route(OLDER, "priorityOverrides"))
        .service(
            web::resource("/skServer/priorities")
                .route(read().to(priorities))
                .route(web::put().to(set_priorities))
                .route(web::delete().to(reset_priorities)),
        )
        .service(web::resource("/skServer/multiSourcePaths").route(read().to(multi_source)))
        .service(web::resource("/skServer/reconciledGroups").route(read().to(reconciled)))
        .service(web::resource("/skServer/livePreferredSources").route(read().to(live_preferred)))
        .service(web::resource("/skServer/deviceIdentities").route(read().to(device_identities)))
        .service(web::resource("/skServer/positionSources").route(read().to(position_sources)))
        .service(web::resource("/skServer/cacheInspect").route(read().to(inspect)))
        .service(web::resource("/skServer/removeSource").route(web::delete().to(remove)));
}

fn part_route(route: &'static str, part: &'static str) -> actix_web::Resource {
    let show = move |state: web::Data<AppState>| async move { HttpResponse::Ok().json(state.priorities.part(part)) };
    let set = move |state: web::Data<AppState>, body: web::Json<Value>| async move {
        save(&state, vec![(part, body.into_inner())]).await
    };
    web::resource(format!("/skServer/{route}")).route(read().to(show)).route(web::put().to(set))
}

async fn priorities(state: web::Data<AppState>) -> HttpResponse {
    let part = |name| state.priorities.part(name);
    HttpResponse::Ok().json(json!({
        "groups": part("priorityGroups"),
        "overrides": part("priorityOverrides"),
        "defaults": part("priorityDefaults"),
    }))
}

async fn set_priorities(state: web::Data<AppState>, body: web::Json<Value>) -> HttpResponse {
    let Value::Object(mut body) = body.into_inner() else {
        return text(StatusCode::BAD_REQUEST, "Invalid priorities payload at /: an object is expected");
    };
    let mut parts = Vec::new();
    for (name, part) in
        [("groups", "priorityGroups"), ("overrides", "priorityOverrides"), ("defaults", "priorityDefaults")]
    {
        match body.shift_remove(name) {
            Some(value) => parts.push((part, value)),
            None => {
                return text(StatusCode::BAD_REQUEST, format!("Invalid priorities payload at /{name}: it is missing"));
            }
        }
    }
    save(&state, parts).await
}

async fn reset_priorities(state: web::Data<AppState>) -> HttpResponse {
    let empty = vec![("priorityGroups", json!([])), ("priorityOverrides", json!({})), ("priorityDefaults", json!({}))];
    save(&state, empty).await
}

/// Saves parts, lets the bus judge by them, and tells whoever watches.
async fn save(state: &web::Data<AppState>, parts: Vec<(&'static str, Value)>) -> HttpResponse {
    // In the file and on the bus in the same order.
    let _changing = state.admin.changing_priorities.lock().await;
    let judged = parts.iter().any(|(name, _)| name.starts_with("priority"));
    let priorities = state.priorities.clone();
    let settings = match blocking(move || priorities.save(parts)).await {
        Ok(Ok(settings)) => settings,
        Ok(Err(ChangeError::Refused(error))) => return text(StatusCode::BAD_REQUEST, error.to_string()),
        Ok(Err(error)) => return failure(&error),
        Err(error) => return failure(&error),
    };
    if judged && state.broker.send(SetPriorities(settings)).await.is_err() {
        return failure(&"saved, but the server is shutting down");
    }
    source_events::emit_priorities(&state.events, &state.priorities);
    source_events::emit_groups(&state.events, &state.view, &state.priorities);
    HttpResponse::Ok().json(json!({"result": "ok"}))
}

async fn multi_source(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(multi_source_paths(&state.view))
}

async fn reconciled(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(reconcile(&multi_source_paths(&state.view), &state.priorities.settings().groups))
}

async fn live_preferred(state: web::Data<AppState>) -> HttpResponse {
    let Ok(preferred) = state.broker.send(CollectPreferredSources).await else {
        return failure(&"the server is shutting down");
    };
    let by_path: BTreeMap<_, _> = preferred.iter().map(|(path, source)| (path.as_str(), source.as_str())).collect();
    HttpResponse::Ok().json(by_path)
}

/// What NMEA 2000 devices say of themselves: there is no input for their messages.
async fn device_identities() -> HttpResponse {
    HttpResponse::Ok().json(json!({}))
}

async fn position_sources(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(source_events::position_sources(&state.view, PRESENT, Timestamp::now()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Which {
    #[serde(default)]
    source_ref: String,
}

impl Which {
    /// The source, or the answer that says that none was named. One that nobody has ever used is `None`.
    fn named(&self) -> Result<Option<SourceRef>, Box<HttpResponse>> {
        if self.source_ref.is_empty() {
            return Err(Box::new(failed(StatusCode::BAD_REQUEST, "sourceRef query parameter required")));
        }
        // Asked for and not taken up: whoever asks makes no names.
        Ok(SourceRef::find(&self.source_ref))
    }
}

/// What there is of a source: in the cache of all sources, in the tree, and in `sources`.
async fn inspect(state: web::Data<AppState>, which: web::Query<Which>) -> HttpResponse {
    let source = match which.named() {
        Ok(source) => source,
        Err(answer) => return *answer,
    };
    let (mut cached, mut in_tree) = (Vec::new(), Vec::new());
    if let Some(source) = &source {
        state.view.own().each_leaf(|path, leaf| {
            let mut found = false;
            leaf.each_entry(true, |entry| found |= entry.parts().0.source_ref == *source);
            if found {
                cached.push(path.clone());
            }
            if leaf.entries().iter().any(|entry| entry.parts().0.source_ref == *source) {
                in_tree.push(path.clone());
            }
        });
    }
    let texts = |mut paths: Vec<Path>| {
        paths.sort();
        paths.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let in_sources = source.as_ref().is_some_and(|source| state.view.has_source(source));
    let clean = cached.is_empty() && in_tree.is_empty() && !in_sources;
    HttpResponse::Ok().json(json!({
        "sourceRef": which.source_ref,
        "deltaCachePaths": texts(cached),
        "fullSignalKPaths": texts(in_tree),
        "inSourceMeta": in_sources,
        "inSourceDeltas": in_sources,
        "clean": clean,
    }))
}

async fn remove(state: web::Data<AppState>, which: web::Query<Which>) -> Result<HttpResponse, Error> {
    let source = match which.named() {
        Ok(source) => source,
        Err(answer) => return Ok(*answer),
    };
    let name = &which.source_ref;
    let found = match source {
        Some(source) => {
            let forgotten = state.admin.model.send(ForgetSource(source)).await;
            forgotten.map_err(actix_web::error::ErrorServiceUnavailable)?
        }
        None => false,
    };
    if !found {
        return Ok(failed(StatusCode::NOT_FOUND, format!("Source {name} not found")));
    }
    state.events.emit("SOURCEEVICTED", &json!({"sourceRef": name}));
    source_events::emit_groups(&state.events, &state.view, &state.priorities);
    Ok(completed(StatusCode::OK, format!("Removed source {name}")))
}
