//! The history of alarms: `/windlass/alarms/history`.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;
use windlass_actors::alarm_history::AlarmEntry;
use windlass_broker::Timestamp;

use super::answers::text;
use super::sight::Sight;
use super::{AppState, read};

/// The event that tells pages that the history was cleared.
const CLEARED: &str = "ALARM_HISTORY_CLEARED";
/// The context that stands for the own ship.
const SELF: &str = "vessels.self";
/// Entries of an answer when nobody asks for another number, and at most.
const USUAL: usize = 100;
const MOST: usize = 1_000;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/windlass/alarms/history").route(read().to(history)).route(web::delete().to(clear)));
}

#[derive(Deserialize)]
struct Asked {
    /// How many entries, 1 to 1,000.
    limit: Option<usize>,
    /// Only entries older than the one with this id.
    before: Option<u64>,
    /// Only entries of this context; `vessels.self` is the own ship.
    context: Option<String>,
}

/// `GET /windlass/alarms/history?limit=&before=&context=`: `{"entries": […], "more": …}`, the newest first, of what the visitor may see.
/// Who wants `more` asks with the id of the last entry as `before`.
async fn history(request: HttpRequest, state: web::Data<AppState>) -> HttpResponse {
    let asked = match web::Query::<Asked>::from_query(request.query_string()) {
        Ok(web::Query(asked)) if asked.limit.is_none_or(|limit| (1..=MOST).contains(&limit)) => asked,
        Ok(_) => return text(StatusCode::BAD_REQUEST, format!("limit is a number from 1 to {MOST}")),
        Err(error) => {
            return text(
                StatusCode::BAD_REQUEST,
                format!("{error}; limit and before are numbers, before that of an entry"),
            );
        }
    };
    let sight = Sight::of(&request, &state);
    let own = state.view.identity().context().as_str();
    // What the own ship was called when an alarm was noted may be another name.
    let is_meant = |entry: &AlarmEntry| match asked.context.as_deref() {
        None => true,
        Some(context) => entry.context == context || (entry.own && (context == SELF || context == own)),
    };
    let shown = |entry: &AlarmEntry| {
        asked.before.is_none_or(|before| entry.id < before)
            && is_meant(entry)
            && (sight.is_unlimited() || sight.sees_noted(entry.own, &entry.context, &entry.path, &entry.source))
    };
    let limit = asked.limit.unwrap_or(USUAL);
    let mut entries = state.alarm_history.newest_first();
    entries.retain(|entry| shown(entry));
    let more = entries.len() > limit;
    entries.truncate(limit);
    let entries: Vec<&AlarmEntry> = entries.iter().map(|entry| &**entry).collect();
    HttpResponse::Ok().json(json!({"entries": entries, "more": more}))
}

/// `DELETE /windlass/alarms/history`: all but the alarms that are active is forgotten for good.
async fn clear(state: web::Data<AppState>) -> HttpResponse {
    let written = state.alarm_history.clear().await;
    state.events.emit(CLEARED, &json!({"at": Timestamp::now()}));
    if written {
        return HttpResponse::NoContent().finish();
    }
    text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The history is cleared, but that could not be saved yet; it is tried again. See that the disk has room and can be written.",
    )
}
