//! The data connections: list, add, change, remove (server-admin-api §5). Each change is saved and takes effect at once; the other
//! connections run on.
//!
//! Refusals have the texts of the reference; its status 401 would make pages ask for a login, so it is 400, 404 or 409 here.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass_actors::connections::ConnectionSettings;
use windlass_broker::{DEFAULTS_SOURCE, Provider};
use windlass_store::ChangeError;

use super::answers::{blocking, failure, text};
use super::{AppState, read};
use crate::serial_ports;
use crate::settings::{BadSetting, SaveSettingsError};

/// The pipe element that describes a whole connection.
const SIMPLE: &str = "providers/simple";
/// The other entries of the status board, and the ids of the outputs: a connection of this name would be taken for one of them.
const RESERVED: [&str; 5] = ["tcp", "nmea-tcp", "mdns", "data-log", "tls"];
/// What a connection can be.
const TYPES: [&str; 6] = ["NMEA0183", "NMEA2000", "SignalK", "Seatalk", "FileStream", "Execute"];
/// Options that are never shown; an empty text in a change keeps them.
const SECRETS: [&str; 2] = ["token", "password"];
/// The id of a connection that is tried and has none.
const TRIED: &str = "test";
/// Most connections.
const MAX_CONNECTIONS: usize = 200;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/skServer/providers").route(read().to(list)).route(web::post().to(add)))
        .service(
            web::resource("/skServer/providers/{id:.+}").route(web::put().to(update)).route(web::delete().to(remove)),
        )
        .service(web::resource("/skServer/serialports").route(read().to(serial)))
        .service(web::resource("/skServer/hasAnalyzer").route(read().to(has_analyzer)));
}

/// A connection as pages send it.
#[derive(Debug, Deserialize)]
pub(super) struct Connection {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    enabled: Option<bool>,
    #[serde(default, rename = "type")]
    kind: Value,
    #[serde(default)]
    logging: Option<bool>,
    #[serde(default)]
    options: Value,
}

/// Why a connection is not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Incomplete,
    NoId,
    BadId(String),
    Taken(String),
    Unknown(String),
    UnknownType,
    TooMany,
}

impl Refusal {
    pub(super) fn answer(&self) -> HttpResponse {
        let (status, words) = match self {
            Self::Incomplete => {
                (StatusCode::BAD_REQUEST, "Invalid provider: id and options object required".to_owned())
            }
            Self::NoId => (StatusCode::BAD_REQUEST, "Please enter a provider ID".to_owned()),
            Self::BadId(why) => (StatusCode::BAD_REQUEST, format!("Invalid provider: {why}")),
            Self::Taken(id) => (StatusCode::CONFLICT, format!("Connection with ID '{id}' already exists")),
            Self::Unknown(id) => (StatusCode::NOT_FOUND, format!("Connection with name {id} not found")),
            Self::UnknownType => (StatusCode::BAD_REQUEST, "Can not update an Unknown type".to_owned()),
            Self::TooMany => (StatusCode::BAD_REQUEST, format!("There are {MAX_CONNECTIONS} connections already")),
        };
        text(status, words)
    }
}

async fn list(state: web::Data<AppState>) -> HttpResponse {
    let shown = state.connections.settings();
    HttpResponse::Ok().json(shown.iter().map(show).collect::<Vec<_>>())
}

async fn add(state: web::Data<AppState>, body: web::Json<Connection>) -> HttpResponse {
    let body = body.into_inner();
    let id = match checked_id(&body, None) {
        Ok(id) => id,
        Err(refusal) => return refusal.answer(),
    };
    let _changing = state.admin.changing_connections.lock().await;
    // Connections that are not in the file, such as a recording of the command line, have ids too.
    if state.connections.connection(&id).is_some() {
        return Refusal::Taken(id).answer();
    }
    let change = move |entries: &mut Vec<Value>| {
        if entries.len() >= MAX_CONNECTIONS {
            return Err(Refusal::TooMany);
        }
        if position(entries, &id).is_some() {
            return Err(Refusal::Taken(id));
        }
        let mut entry = Map::new();
        apply(&mut entry, &body, &id)?;
        entries.push(entry.clone().into());
        Ok(entry)
    };
    match save(&state, change).await {
        Ok(entry) => {
            state.connections.add(ConnectionSettings::new(entry));
            text(StatusCode::OK, "Connection added")
        }
        Err(answer) => answer,
    }
}

async fn update(state: web::Data<AppState>, old: web::Path<String>, body: web::Json<Connection>) -> HttpResponse {
    let (old, body) = (old.into_inner(), body.into_inner());
    let id = match checked_id(&body, Some(&old)) {
        Ok(id) => id,
        Err(refusal) => return refusal.answer(),
    };
    let _changing = state.admin.changing_connections.lock().await;
    if id != old && state.connections.connection(&id).is_some() {
        return Refusal::Taken(id).answer();
    }
    let changed = old.clone();
    let change = move |entries: &mut Vec<Value>| {
        if id != changed && position(entries, &id).is_some() {
            return Err(Refusal::Taken(id));
        }
        let at = position(entries, &changed).ok_or(Refusal::Unknown(changed))?;
        let entry = entries[at].as_object_mut().ok_or(Refusal::UnknownType)?;
        apply(entry, &body, &id)?;
        Ok(entry.clone())
    };
    match save(&state, change).await {
        Ok(entry) => {
            let settings = ConnectionSettings::new(entry);
            if !state.connections.replace(&old, settings.clone()).await {
                // The file was edited by hand since the start.
                state.connections.add(settings);
            }
            text(StatusCode::OK, "Connection updated")
        }
        Err(answer) => answer,
    }
}

async fn remove(state: web::Data<AppState>, id: web::Path<String>) -> HttpResponse {
    let id = id.into_inner();
    let _changing = state.admin.changing_connections.lock().await;
    let removed = id.clone();
    let change = move |entries: &mut Vec<Value>| {
        let before = entries.len();
        entries.retain(|entry| entry.get("id").and_then(Value::as_str) != Some(removed.as_str()));
        if entries.len() < before { Ok(Map::new()) } else { Err(Refusal::Unknown(removed)) }
    };
    match save(&state, change).await {
        Ok(_) => {
            state.connections.remove(&id).await;
            text(StatusCode::OK, "Connection deleted")
        }
        Err(answer) => answer,
    }
}

/// The settings of a connection that is to be tried. One without an id gets one; one that has the id of another is tried with what that
/// one has besides, such as its token.
///
/// # Errors
/// What is wrong.
pub(super) fn to_try(state: &AppState, mut body: Connection) -> Result<ConnectionSettings, Refusal> {
    if matches!(&body.id, Value::Null) || body.id.as_str().is_some_and(|id| id.trim().is_empty()) {
        body.id = TRIED.into();
    }
    // Under whatever name: nothing of it is seen elsewhere.
    let id = checked_id(&body, body.id.as_str())?;
    let known = state.connections.settings();
    let known = known.iter().find(|settings| settings.id() == Some(&id));
    let mut entry = known.map(|settings| settings.entry().clone()).unwrap_or_default();
    body.enabled = Some(true);
    apply(&mut entry, &body, &id)?;
    Ok(ConnectionSettings::new(entry))
}

async fn serial() -> actix_web::Result<impl Responder> {
    Ok(web::Json(blocking(|| serial_ports::list("/".as_ref())).await?))
}

/// There is no `analyzer` program of canboat to be called.
async fn has_analyzer() -> impl Responder {
    web::Json(false)
}

/// Changes `pipedProviders`. An error is the answer.
async fn save(
    state: &AppState,
    change: impl FnOnce(&mut Vec<Value>) -> Result<Map<String, Value>, Refusal> + Send + 'static,
) -> Result<Map<String, Value>, HttpResponse> {
    let changed = state.settings.change(move |settings| {
        let entries = settings.entry("pipedProviders").or_insert_with(|| json!([]));
        let entries =
            entries.as_array_mut().ok_or(BadSetting("settings.json: pipedProviders is no list".to_owned()))?;
        // Nothing has been changed when it refuses, so that nothing is written.
        Ok(change(entries))
    });
    match changed.await {
        Ok(Ok(entry)) => Ok(entry),
        Ok(Err(refusal)) => Err(refusal.answer()),
        Err(SaveSettingsError::Unsaved(ChangeError::Refused(bad))) => Err(failure(&bad)),
        Err(error) => Err(failure(&error)),
    }
}

/// The id, when there is one and there are options. One that the connection has had may stay, whatever it is.
fn checked_id(body: &Connection, former: Option<&str>) -> Result<String, Refusal> {
    if !body.options.is_object() {
        return Err(Refusal::Incomplete);
    }
    let id = match &body.id {
        Value::String(id) => id.trim().to_owned(),
        Value::Null => return Err(Refusal::Incomplete),
        _ => return Err(Refusal::NoId),
    };
    if id.is_empty() {
        return Err(Refusal::NoId);
    }
    // It is the label of sources: what is configured of the vessel has one that nobody else may use.
    let reserved = RESERVED.contains(&id.as_str()) && former != Some(id.as_str());
    if id == DEFAULTS_SOURCE || reserved || id.chars().any(char::is_control) {
        return Err(Refusal::BadId(format!("the id {id:?} can't be used")));
    }
    Provider::new(&id).map_err(|error| Refusal::BadId(error.to_string()))?;
    Ok(id)
}

fn position(entries: &[Value], id: &str) -> Option<usize> {
    entries.iter().position(|entry| entry.get("id").and_then(Value::as_str) == Some(id))
}

/// Puts what a page sends into an entry of `pipedProviders`, whatever else the entry has. Options of the same input are merged with those
/// there are, except for `talkerGroups`.
fn apply(entry: &mut Map<String, Value>, body: &Connection, id: &str) -> Result<(), Refusal> {
    let kind = body.kind.as_str().filter(|kind| TYPES.contains(kind)).ok_or(Refusal::UnknownType)?;
    let mut options = match entry.get("pipeElements") {
        None => Map::new(),
        Some(_) => simple_options(entry).ok_or(Refusal::UnknownType)?.clone(),
    };
    let former = options.get("subOptions").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut given = body.options.as_object().cloned().unwrap_or_default();
    let same_kind = options.get("type").and_then(Value::as_str) == Some(kind);
    let mut sub_options = if same_kind && former.get("type") == given.get("type") {
        given.retain(|key, value| !(SECRETS.contains(&key.as_str()) && value == ""));
        let mut merged = former;
        if !given.contains_key("talkerGroups") {
            merged.shift_remove("talkerGroups");
        }
        merged.extend(given);
        merged
    } else {
        // A page that was not shown the secret can't send it along when the way to the same server changes, as from ws to wss.
        let keeps = same_kind && [&former, &given].iter().all(|options| leads_to_a_server(options));
        for (key, secret) in former.into_iter().filter(|(key, _)| keeps && SECRETS.contains(&key.as_str())) {
            if given.get(&key).is_none_or(|value| value == "") {
                given.insert(key, secret);
            }
        }
        given
    };
    // An empty secret is one that was not shown, `null` one that is to go.
    sub_options.retain(|key, value| !(SECRETS.contains(&key.as_str()) && value.is_null()));
    options.insert("type".into(), kind.into());
    if let Some(logging) = body.logging {
        options.insert("logging".into(), logging.into());
    }
    options.insert("subOptions".into(), sub_options.into());
    entry.insert("id".into(), id.into());
    let enabled = body.enabled.unwrap_or_else(|| entry.get("enabled") != Some(&Value::Bool(false)));
    entry.insert("enabled".into(), enabled.into());
    match entry.get_mut("pipeElements").and_then(|elements| elements.get_mut(0)) {
        Some(element) => element["options"] = options.into(),
        None => drop(entry.insert("pipeElements".into(), json!([{"type": SIMPLE, "options": options}]))),
    }
    Ok(())
}

/// Whether these are options of a connection to another Signal K server.
fn leads_to_a_server(options: &Map<String, Value>) -> bool {
    options.get("type").and_then(Value::as_str).is_some_and(|kind| ["ws", "wss", "tcp"].contains(&kind))
}

/// The options of a connection that consists of one simple pipe element.
fn simple_options(entry: &Map<String, Value>) -> Option<&Map<String, Value>> {
    match entry.get("pipeElements")?.as_array()?.as_slice() {
        [element] if element.get("type").and_then(Value::as_str) == Some(SIMPLE) => element.get("options")?.as_object(),
        _ => None,
    }
}

/// A connection as pages show it: without its secrets, but with the names of those it has.
fn show(settings: &ConnectionSettings) -> Value {
    let mut shown = json!({"id": settings.id(), "enabled": settings.enabled(), "type": settings.kind()});
    let options = simple_options(settings.entry());
    match options.and_then(|options| Some((options, options.get("subOptions")?.as_object()?))) {
        Some((options, sub_options)) => {
            shown["logging"] = (options.get("logging") == Some(&Value::Bool(true))).into();
            let kept: Vec<&str> = SECRETS.into_iter().filter(|key| is_kept(sub_options.get(*key))).collect();
            if !kept.is_empty() {
                shown["secrets"] = json!(kept);
            }
            shown["options"] = without_secrets(sub_options.clone().into());
            shown["editable"] = true.into();
        }
        None => {
            shown["json"] = without_secrets(settings.entry().clone().into()).to_string().into();
            shown["editable"] = false.into();
        }
    }
    shown
}

/// Whether there is a secret.
fn is_kept(secret: Option<&Value>) -> bool {
    secret.is_some_and(|secret| !secret.is_null() && secret != "")
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let shown = object.into_iter().filter(|(key, _)| !SECRETS.contains(&key.as_str()));
            Value::Object(shown.map(|(key, value)| (key, without_secrets(value))).collect())
        }
        Value::Array(array) => array.into_iter().map(without_secrets).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: Value) -> Connection {
        serde_json::from_value(json).expect("a connection")
    }

    fn entry(json: Value) -> Map<String, Value> {
        json.as_object().cloned().expect("an object")
    }

    #[test]
    fn what_a_page_sends_is_merged_with_what_there_is() {
        let mut kept = entry(
            json!({"id": "a", "x": 1, "pipeElements": [{"type": SIMPLE, "y": 2, "options": {"type": "SignalK",
            "z": 3, "logging": true, "subOptions": {"type": "ws", "host": "h", "token": "secret", "talkerGroups": {}}}}]}),
        );
        let change = body(json!({"id": "b", "enabled": false, "type": "SignalK",
            "options": {"type": "ws", "port": 3000, "token": ""}}));
        apply(&mut kept, &change, "b").expect("applied");
        assert_eq!(
            Value::from(kept.clone()),
            json!({"id": "b", "x": 1, "pipeElements": [{"type": SIMPLE, "y": 2, "options": {"type": "SignalK", "z": 3,
                "logging": true, "subOptions": {"type": "ws", "host": "h", "token": "secret", "port": 3000}}}], "enabled": false})
        );
        let shown = show(&ConnectionSettings::new(kept.clone()));
        assert_eq!(
            shown,
            json!({"id": "b", "enabled": false, "type": "SignalK", "logging": true, "editable": true,
                "secrets": ["token"], "options": {"type": "ws", "host": "h", "port": 3000}})
        );
        for kind in ["wss", "tcp", "ws"] {
            let moved =
                body(json!({"id": "b", "type": "SignalK", "options": {"type": kind, "host": "h", "token": ""}}));
            apply(&mut kept, &moved, "b").expect("applied");
            let expected = json!({"type": kind, "host": "h", "token": "secret"});
            assert_eq!(simple_options(&kept).expect("simple")["subOptions"], expected);
        }
        let forgotten =
            body(json!({"id": "b", "type": "SignalK", "options": {"type": "ws", "host": "h", "token": null}}));
        let mut open = kept.clone();
        apply(&mut open, &forgotten, "b").expect("applied");
        assert_eq!(simple_options(&open).expect("simple")["subOptions"], json!({"type": "ws", "host": "h"}));
        assert_eq!(show(&ConnectionSettings::new(open)).get("secrets"), None);
        let other = body(json!({"id": "b", "type": "NMEA0183", "options": {"type": "udp", "port": 1}}));
        apply(&mut kept, &other, "b").expect("applied");
        assert_eq!(simple_options(&kept).expect("simple")["subOptions"], json!({"type": "udp", "port": 1}));
        assert_eq!(kept["enabled"], false, "what is not named stays");
    }

    #[test]
    fn chains_are_shown_and_not_changed() {
        let mut chain = entry(
            json!({"id": "c", "pipeElements": [{"type": "providers/tcp", "options": {"token": "secret"}}, {"type": "x"}]}),
        );
        let shown = show(&ConnectionSettings::new(chain.clone()));
        assert_eq!((&shown["editable"], &shown["enabled"]), (&json!(false), &json!(true)));
        assert!(shown["json"].as_str().is_some_and(|text| text.contains("providers/tcp") && !text.contains("secret")));
        let change = body(json!({"id": "c", "type": "NMEA0183", "options": {}}));
        assert_eq!(apply(&mut chain, &change, "c"), Err(Refusal::UnknownType));
    }

    #[test]
    fn ids_and_types_are_checked() {
        for (given, refusal) in [
            (json!({"options": {}}), Refusal::Incomplete),
            (json!({"id": "a"}), Refusal::Incomplete),
            (json!({"id": " ", "options": {}}), Refusal::NoId),
            (json!({"id": 7, "options": {}}), Refusal::NoId),
        ] {
            assert_eq!(checked_id(&body(given), None), Err(refusal));
        }
        let checked = |id: &str, former| checked_id(&body(json!({"id": id, "options": {}})), former);
        for id in
            ["defaults", "constructor", "a\u{0}b", &"x".repeat(2000), "tcp", "nmea-tcp", "mdns", "data-log", "tls"]
        {
            let refused = checked(id, Some("a"));
            assert!(matches!(refused, Err(Refusal::BadId(_))), "{refused:?}");
        }
        assert_eq!(checked("tcp", Some("tcp")), Ok("tcp".to_owned()), "from a file of the reference");
        assert_eq!(
            apply(&mut Map::new(), &body(json!({"id": "a", "type": "x", "options": {}})), "a"),
            Err(Refusal::UnknownType)
        );
    }
}
