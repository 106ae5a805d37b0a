//! Backups of the configuration directory, and putting them back (server-admin-api §9).

use std::io::{Seek as _, SeekFrom};
use std::time::{Duration, Instant};

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answers::{blocking, failure, text};
use super::auth::cookies::{self, is_secure};
use super::uploads::{UploadError, store_file};
use super::{AppState, read};
use crate::administration::UploadedBackup;
use crate::archives::contents::{Entry, files_of};
use crate::archives::restore::Backup;
use crate::archives::stream::pack;
use crate::packages::{Missing, missing};

/// The cookie of an admin who has uploaded a backup.
const COOKIE: &str = "restoreSession";
/// How long an uploaded backup is kept.
const KEPT: Duration = Duration::from_secs(30 * 60);
/// Largest backup that is taken, in bytes.
const MAX_BACKUP: usize = 512 * 1024 * 1024;
/// The event that tells how far a restoration is.
const STATUS: &str = "RESTORESTATUS";

type State = web::Data<AppState>;

/// Registers the routes.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/skServer/backup").route(read().to(backup)))
        .service(web::resource("/skServer/validateBackup").route(web::post().to(validate)))
        .service(web::resource("/skServer/restore").route(web::post().to(restore)));
}

/// An archive of files for download; 503 when too many are being packed.
pub fn archive(state: &AppState, entries: Vec<Entry>, name: &str) -> HttpResponse {
    let Ok(permit) = state.admin.packing.clone().try_acquire_owned() else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "other archives are being packed; try again when they are done");
    };
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name.to_owned())],
    };
    HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header(disposition)
        // It is compressed already.
        .insert_header(header::ContentEncoding::Identity)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(pack(entries, permit))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(default)]
    include_plugins: Option<String>,
}

/// The configuration directory, passwords' hashes and keys included, for those who may change them anyway.
async fn backup(state: State, query: web::Query<Query>) -> Result<HttpResponse, Error> {
    let with_plugins = query.include_plugins.as_deref() == Some("true");
    let admin = state.admin.clone();
    Ok(match blocking(move || files_of(&admin.directory, with_plugins)).await? {
        Ok(entries) => {
            let now = jiff::Timestamp::now().strftime("%b-%d-%Y-%HT%M");
            archive(&state, entries, &format!("signalk-{now}.backup"))
        }
        Err(error) => failure(&format!("the configuration directory can't be packed: {error}")),
    })
}

/// Takes a backup, and tells what can be restored from it.
async fn validate(request: HttpRequest, state: State, form: Multipart) -> Result<HttpResponse, Error> {
    let bad = |reason: String| Ok(text(StatusCode::BAD_REQUEST, reason));
    let directory = state.admin.directory.clone();
    let file = match blocking(move || tempfile::tempfile_in(directory)).await? {
        Ok(file) => file,
        Err(error) => return Ok(failure(&format!("there is no place for the backup: {error}"))),
    };
    let mut file = tokio::fs::File::from_std(file);
    match store_file(form, MAX_BACKUP, check_name, &mut file).await {
        Ok(_) => {}
        Err(error @ UploadError::Disk(_)) => return Ok(failure(&error)),
        Err(error) => return bad(error.to_string()),
    }
    let mut file = file.into_std().await;
    let looked = blocking(move || {
        file.seek(SeekFrom::Start(0)).map_err(|error| error.to_string())?;
        let copy = file.try_clone().map_err(|error| error.to_string())?;
        let backup = Backup::open(copy).map_err(|error| error.to_string())?;
        let names: Vec<_> = backup.names().into_iter().map(str::to_owned).collect();
        Ok::<_, String>((file, names))
    });
    let (file, names) = match looked.await? {
        Ok(looked) => looked,
        Err(reason) => return bad(reason),
    };
    let session = uuid::Uuid::new_v4().to_string();
    let uploaded = UploadedBackup { session: session.clone(), until: Instant::now() + KEPT, file };
    // One at a time: whoever uploads another one does not want the one before.
    state.admin.uploaded.lock().await.replace(uploaded);
    let secure = if is_secure(&request) { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={session}; Path=/skServer; HttpOnly; SameSite=Strict{secure}");
    let names = Value::from(names).to_string();
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::SET_COOKIE, cookie))
        .body(names))
}

/// What the name of a backup begins and ends with.
fn check_name(name: &str) -> Result<(), &'static str> {
    if !name.starts_with("signalk-") {
        return Err("the name of a backup starts with signalk-");
    }
    if !name.ends_with(".backup") && !name.ends_with(".backup.zip") {
        return Err("the name of a backup ends with .backup or .backup.zip");
    }
    Ok(())
}

/// Puts back what is chosen of the uploaded backup: `{"<name>": true, …}`. It goes on after the answer.
async fn restore(request: HttpRequest, state: State, body: web::Json<Map<String, Value>>) -> HttpResponse {
    let chosen = body.into_inner();
    if !chosen.values().any(|wanted| *wanted == true) {
        return text(StatusCode::BAD_REQUEST, "nothing is chosen: send {\"<name>\": true} for what is to be restored");
    }
    let mut uploaded = state.admin.uploaded.lock().await;
    let session = cookies::named(request.headers(), COOKIE);
    let is_theirs =
        |uploaded: &mut UploadedBackup| uploaded.until > Instant::now() && session == Some(uploaded.session.as_str());
    let Some(uploaded) = uploaded.take_if(is_theirs) else {
        return text(StatusCode::BAD_REQUEST, "there is no backup of yours to be restored; upload it again");
    };
    let work = state.clone();
    // A task of its own, so that it goes on also when whoever asked for it has gone.
    drop(tokio::task::spawn_blocking(move || put_back(&work, uploaded, &chosen)));
    text(StatusCode::ACCEPTED, "restoring")
}

fn put_back(state: &AppState, uploaded: UploadedBackup, chosen: &Map<String, Value>) {
    let tell = |phase: &str, message: &str, percent: usize| {
        state.events.emit(STATUS, &json!({"state": phase, "message": message, "percentComplete": percent}));
    };
    tell("Copying Files", "", 0);
    let mut backup = match Backup::open(uploaded.file) {
        Ok(backup) => backup,
        Err(error) => {
            log::error!("nothing is restored: {error}");
            return tell("Error", &error.to_string(), 100);
        }
    };
    let mut told = 0;
    let failed = backup.restore(
        &state.admin.directory,
        |name| chosen.get(name) == Some(&Value::Bool(true)),
        |place, percent| {
            // A hundred events at most, however many files there are.
            if percent > told {
                told = percent;
                tell("Copying Files", &place.display().to_string(), percent);
            }
        },
    );
    for error in &failed {
        log::error!("restoring a backup: {error}");
    }
    match failed.first() {
        None => {
            log::info!("a backup is restored; it takes effect with a restart");
            tell("Complete", &what_is_left(&missing(&state.admin.directory)), 100);
        }
        Some(first) => {
            tell("Error", &format!("{} files were not restored, the first one because {first}", failed.len()), 100)
        }
    }
}

/// What is to be done after a restoration.
fn what_is_left(missing: &[Missing]) -> String {
    const NAMED: usize = 5;
    let mut words = "restart the server to use what was restored".to_owned();
    if missing.is_empty() {
        return words;
    }
    let names: Vec<_> = missing.iter().take(NAMED).map(|one| one.name.as_str()).collect();
    words.push_str(&format!("; not installed here are {}", names.join(", ")));
    if missing.len() > NAMED {
        words.push_str(&format!(" and {} more", missing.len() - NAMED));
    }
    words.push_str(
        ": let them be installed on the page of the plugins, which for some of them takes access to the npm registry",
    );
    words
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn backups_have_names() {
        for good in ["signalk-Nov-21-2026-19T30.backup", "signalk-x.backup.zip"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["backup.zip", "signalk-x.zip", "x-signalk-.backup", ""] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
