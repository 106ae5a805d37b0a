//! Logs of received data, and what the server's own log shows (server-admin-api §9).

use std::path::{Path, PathBuf};

use actix_files::NamedFile;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answers::{blocking, failure, text};
use super::backup::archive;
use super::pages::not_found;
use super::{AppState, read};
use crate::archives::contents::Entry;
use crate::logging::{LogLevel, logging};

/// What the names of the logs begin and end with (signalk-v1 §14). Only these files are shown: the folder may be the configuration
/// directory, which has secrets in it.
const PREFIX: &str = "skserver-raw_";
const SUFFIX: &str = ".log";

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource(["/skServer/logfiles", "/skServer/logfiles/"]).route(read().to(list)))
        .service(web::resource("/skServer/logfiles/{name:.+}").route(read().to(file)))
        .service(web::resource("/skServer/ziplogs").route(read().to(zip_logs)))
        .service(web::resource("/skServer/debug").route(web::post().to(set_debug)))
        .service(web::resource("/skServer/rememberDebug").route(web::post().to(remember_debug)))
        .service(web::resource("/skServer/debugKeys").route(read().to(debug_keys)))
        .service(web::resource("/windlass/logging").route(read().to(level)).route(web::put().to(set_level)));
}

async fn list(state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    let directory = state.raw_log.directory();
    let read = directory.clone();
    Ok(match blocking(move || log_files(&read)).await? {
        Ok(names) => HttpResponse::Ok().json(names),
        Err(error) => failure(&format!("{} can't be read: {error}", directory.display())),
    })
}

fn log_files(directory: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        // It is made when the first line is logged.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(names),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_log(&name) && entry.file_type()?.is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn is_log(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

async fn file(
    request: HttpRequest,
    state: web::Data<AppState>,
    name: web::Path<String>,
) -> Result<HttpResponse, Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.chars().all(good) {
        return Ok(text(StatusCode::BAD_REQUEST, "Invalid filename"));
    }
    if !is_log(&name) {
        return Ok(not_found(request).await);
    }
    let path = state.raw_log.directory().join(name.as_str());
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name.into_inner())],
    };
    match blocking(move || open(path)).await? {
        Ok(file) => Ok(file.set_content_disposition(disposition).into_response(&request)),
        Err(_) => Ok(not_found(request).await),
    }
}

/// All logs in one archive, which is packed while it is sent.
async fn zip_logs(state: web::Data<AppState>) -> Result<HttpResponse, Error> {
    let directory = state.raw_log.directory();
    let read = directory.clone();
    let names = match blocking(move || log_files(&read)).await? {
        Ok(names) => names,
        Err(error) => return Ok(failure(&format!("{} can't be read: {error}", directory.display()))),
    };
    let entry = |name: String| Entry { path: directory.join(&name), name };
    let entries = names.into_iter().map(entry).collect();
    let root = state.view.own().root().attributes;
    let boat = root.get("name").and_then(Value::as_str).unwrap_or_default();
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
    Ok(archive(&state, entries, &format!("sk-logs-{}-{date}.zip", plain_name(boat))))
}

/// A name without anything that a file name can't have everywhere.
fn plain_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let plain: String = name.trim().chars().take(64).map(plain).collect();
    if plain.is_empty() { "boat".to_owned() } else { plain }
}

/// Opens a file that is one: a link may lead to something else.
fn open(path: PathBuf) -> std::io::Result<NamedFile> {
    if !path.symlink_metadata()?.is_file() {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    NamedFile::open(path)
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    value: Value,
}

async fn set_debug(state: web::Data<AppState>, body: web::Json<Change>) -> HttpResponse {
    let changed = body.value.as_str().map(|patterns| logging().set_debug(patterns));
    if !matches!(changed, Some(Ok(()))) {
        return text(StatusCode::BAD_REQUEST, "invalid debug value");
    }
    let patterns = logging().debug();
    let saved = state.settings.change(move |settings| {
        if settings.get("rememberDebug") == Some(&Value::Bool(true)) {
            settings.insert("debugEnabled".into(), patterns.into());
        }
        Ok(settings.get("rememberDebug") == Some(&Value::Bool(true)))
    });
    tell(&state, saved.await)
}

async fn remember_debug(state: web::Data<AppState>, body: web::Json<Change>) -> HttpResponse {
    let Some(remember) = body.value.as_bool() else {
        return text(StatusCode::BAD_REQUEST, "invalid rememberDebug value");
    };
    let patterns = logging().debug();
    let saved = state.settings.change(move |settings| {
        settings.insert("rememberDebug".into(), remember.into());
        if remember {
            settings.insert("debugEnabled".into(), patterns.into());
        } else {
            settings.shift_remove("debugEnabled");
        }
        Ok(remember)
    });
    tell(&state, saved.await)
}

/// `{"level"}` of `/windlass/logging`.
#[derive(Deserialize, Serialize)]
struct Verbosity {
    level: LogLevel,
}

/// `GET /windlass/logging`: `{"level": "error" | "warn" | "info" | "debug"}`, the least that the server's own messages have to be to be
/// logged. Debug keys go beyond it.
async fn level() -> HttpResponse {
    HttpResponse::Ok().json(Verbosity { level: logging().level() })
}

/// `PUT /windlass/logging` with the same: holds at once, and until the server ends.
async fn set_level(body: web::Json<Value>) -> HttpResponse {
    let Ok(Verbosity { level }) = serde_json::from_value(body.into_inner()) else {
        return text(StatusCode::BAD_REQUEST, "send {\"level\": …} with error, warn, info or debug");
    };
    logging().set_level(level);
    HttpResponse::Ok().json(Verbosity { level })
}

fn tell(state: &AppState, saved: Result<bool, crate::settings::SaveSettingsError>) -> HttpResponse {
    match saved {
        Ok(remember) => {
            let settings = json!({"debugEnabled": logging().debug(), "rememberDebug": remember});
            state.events.emit("DEBUG_SETTINGS", &settings);
            HttpResponse::Ok().finish()
        }
        Err(error) => failure(&error),
    }
}

async fn debug_keys() -> HttpResponse {
    HttpResponse::Ok().json(logging().keys())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boats_have_names_that_files_can_have() {
        for (boat, name) in [("Aurora", "Aurora"), ("Åsa II/x\"", "_sa_II_x_"), ("", "boat"), ("  ", "boat")] {
            assert_eq!(plain_name(boat), name);
        }
    }

    #[test]
    fn only_logs_are_listed_and_opened() {
        // SK-215
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        for name in ["security.json", "skserver-raw_2026-01-02T03.log", "skserver-raw_2026-01-01T03.log", "other.log"] {
            std::fs::write(path(name), "x").expect("a file");
        }
        std::os::unix::fs::symlink(path("security.json"), path("skserver-raw_link.log")).expect("a link");
        std::fs::create_dir(path("skserver-raw_folder.log")).expect("a directory");
        let listed = log_files(directory.path()).expect("readable");
        assert_eq!(listed, ["skserver-raw_2026-01-01T03.log", "skserver-raw_2026-01-02T03.log"]);
        assert!(open(path(&listed[0])).is_ok());
        for other in ["skserver-raw_link.log", "skserver-raw_folder.log", "skserver-raw_gone.log"] {
            assert!(open(path(other)).is_err(), "{other}");
        }
    }
}
