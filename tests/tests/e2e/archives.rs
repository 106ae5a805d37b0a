//! Logs as one archive, and backups of the configuration directory (server-admin-api §9).

use std::io::{Cursor, Read as _, Write as _};

use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;
use windlass_tests::{BETWEEN_LOOKS, Json, PASSWORD, PATIENCE, Server, ServerOptions, Stream};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::packages;

/// A file as an admin gets it: its name, and what is in the archive.
async fn download(server: &Server, token: &str, path: &str) -> (String, Vec<(String, Vec<u8>)>) {
    let answer = server.http().get(server.url(path)).bearer_auth(token).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    let disposition = answer.headers()["content-disposition"].to_str().expect("a text").to_owned();
    let name = disposition.split('"').nth(1).expect("a name").to_owned();
    let mut archive = ZipArchive::new(Cursor::new(answer.bytes().await.expect("a body"))).expect("an archive");
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        let name = file.name().expect("a text").into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("readable");
        files.push((name, content));
    }
    (name, files)
}

/// Sends a backup as a browser's form does; the answer and the cookie.
async fn upload(server: &Server, token: &str, name: &str, content: &[u8]) -> (u16, String, String) {
    let mut body =
        format!("--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--line--\r\n");
    let request = server.http().post(server.url("/skServer/validateBackup")).bearer_auth(token);
    let request = request.header("Content-Type", "multipart/form-data; boundary=line").body(body);
    let answer = request.send().await.expect("an answer");
    let cookie = answer.headers().get("set-cookie").map(|cookie| cookie.to_str().expect("a text").to_owned());
    let cookie = cookie.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
    (answer.status().as_u16(), answer.text().await.expect("a body"), cookie)
}

fn archive(files: &[(&str, impl AsRef<[u8]>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a file");
        writer.write_all(content.as_ref()).expect("written");
    }
    writer.finish().expect("an archive").into_inner()
}

#[tokio::test]
async fn logs_come_in_one_archive() {
    // SK-215
    let (server, admin) = ServerOptions::new()
        .vessel("Åsa II", "230099999")
        .file("skserver-raw_2026-01-02T03.log", "1767323000000;N;$GPGLL\n".repeat(10_000))
        .file("skserver-raw_2026-01-02T04.log", "later\n")
        .start_claimed()
        .await;
    let (name, files) = download(&server, &admin, "/skServer/ziplogs").await;
    assert!(name.starts_with("sk-logs-_sa_II-20") && name.ends_with(".zip"), "{name}");
    let found: Vec<_> = files.iter().map(|(name, content)| (name.as_str(), content.len())).collect();
    assert_eq!(found, [("skserver-raw_2026-01-02T03.log", 230_000), ("skserver-raw_2026-01-02T04.log", 6)]);
}

#[tokio::test]
async fn a_boat_is_backed_up_and_put_back() {
    let (server, admin) = ServerOptions::new()
        .vessel("Aurora", "230099999")
        .setting("unknown", json!({"keep": [0.1 + 0.2]}))
        .json_file("node_modules/app/package.json", &json!({"name": "app", "version": "1.0.0"}))
        .file("photo.jpg", "not ours")
        .start_claimed()
        .await;
    let (name, files) = download(&server, &admin, "/skServer/backup?includePlugins=true").await;
    assert!(name.starts_with("signalk-") && name.ends_with(".backup"), "{name}");
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    for known in ["baseDeltas.json", "security.json", "settings.json", "node_modules/app/package.json"] {
        assert!(names.contains(&known), "{names:?}");
    }
    assert!(!names.contains(&"photo.jpg"), "{names:?}");
    let (_, without) = download(&server, &admin, "/skServer/backup?includePlugins=false").await;
    assert!(without.iter().all(|(name, _)| !name.starts_with("node_modules")));

    // On another boat's server, which keeps what is not chosen.
    let other = ServerOptions::new().vessel("Other", "230000001").file("priorities.json", "{}").secured().start().await;
    let owner = other.claim().await;
    let texts: Vec<_> = files
        .iter()
        .map(|(name, content)| (name.as_str(), String::from_utf8(content.clone()).expect("a text")))
        .collect();
    let texts: Vec<_> = texts.iter().map(|(name, content)| (*name, content.as_str())).collect();
    let content = archive(&texts);
    let (status, chooseable, cookie) = upload(&other, &owner, &name, &content).await;
    assert_eq!(status, 200, "{chooseable}");
    let chooseable: Json = serde_json::from_str(&chooseable).expect("JSON");
    for known in ["baseDeltas.json", "settings.json", "security.json", "node_modules/"] {
        assert!(chooseable.as_array().is_some_and(|names| names.contains(&json!(known))), "{chooseable}");
    }
    let mut events = Stream::connect(&other, &format!("serverevents=all&subscribe=none&token={owner}")).await;
    let chosen = json!({"baseDeltas.json": true, "settings.json": true, "security.json": false}).to_string();
    let bearer = format!("Bearer {owner}");
    let restore = async |cookie: &str| {
        let headers = [("Authorization", bearer.as_str()), ("Cookie", cookie)];
        other.request(Method::POST, "/skServer/restore", &headers, Some(chosen.clone())).await
    };
    assert_eq!(restore("restoreSession=another").await.status, 400);
    assert_eq!(restore(&cookie).await.status, 202);
    let last = events
        .wait_for_frame("the end", |frame| frame["type"] == "RESTORESTATUS" && frame["data"]["percentComplete"] == 100)
        .await;
    assert_eq!(last["data"]["state"], "Complete", "{last}");
    assert_eq!(restore(&cookie).await.status, 400, "it is used up");
    let restored = std::fs::read_to_string(other.directory().join("settings.json")).expect("a file");
    assert!(restored.contains("0.30000000000000004"), "{restored}");
    let ended = other.terminate().await;
    let other = ServerOptions::new().directory(&ended.directory).secured().start().await;
    let answer = other.post("/signalk/v1/auth/login", &json!({"username": "admin", "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "the users are still those of this server");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    let own = other.as_who(&token, Method::GET, "/signalk/v1/api/self", None).await.json();
    assert_eq!(own, "vessels.urn:mrn:imo:mmsi:230099999");
}

#[tokio::test]
async fn backups_of_others_are_looked_at_first() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let good = archive(&[("settings.json", "{}"), ("../evil.json", "{}"), ("/etc/evil.json", "{}"), ("evil.sh", "x")]);
    let (status, names, cookie) = upload(&server, &admin, "signalk-x.backup.zip", &good).await;
    assert_eq!((status, names.as_str()), (200, r#"["settings.json"]"#));
    assert!(cookie.starts_with("restoreSession="), "{cookie}");
    for (name, content, words) in [
        ("other.backup", good.as_slice(), "starts with signalk-"),
        ("signalk-x.zip", &good, "ends with .backup"),
        ("signalk-x.backup", b"no archive", "no backup"),
        ("signalk-x.backup", &archive(&[("evil.sh", "x")]), "nothing in this file"),
        ("signalk-x.backup", b"", "No file"),
    ] {
        let (status, reason, _) = upload(&server, &admin, name, content).await;
        assert!(status == 400 && reason.contains(words), "{name}: {status} {reason}");
    }
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    for path in ["/skServer/backup", "/skServer/ziplogs"] {
        assert_eq!(server.as_who(&crew, Method::GET, path, None).await.status, 401, "{path}");
    }
    let nothing = server.as_who(&admin, Method::POST, "/skServer/restore", Some(json!({"settings.json": false}))).await;
    assert_eq!(nothing.status, 400, "{}", nothing.text);
}

/// Restores all that is in a backup; the last thing that is told of it.
async fn restore_all(server: &Server, token: &str, content: &[u8]) -> Json {
    let (status, names, cookie) = upload(server, token, "signalk-x.backup", content).await;
    assert_eq!(status, 200, "{names}");
    let names: Vec<String> = serde_json::from_str(&names).expect("JSON");
    let chosen: serde_json::Map<_, _> = names.into_iter().map(|name| (name, json!(true))).collect();
    let mut events = Stream::connect(server, &format!("serverevents=all&subscribe=none&token={token}")).await;
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Cookie", cookie.as_str())];
    let begun = server.request(Method::POST, "/skServer/restore", &headers, Some(Json::from(chosen).to_string())).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    // That of a restoration before may be told again, at the beginning.
    let is_over = |frame: &Json| frame["type"] == "RESTORESTATUS" && frame["data"]["percentComplete"] == 100;
    events.wait_for_frame("the end", is_over).await["data"].clone()
}

#[tokio::test]
async fn plugins_come_back_on_another_computer() {
    const ARCHIVE: &str = "plugin-packages/me__probe-1.0.0.tgz";
    let place = tempfile::tempdir().expect("a directory");
    let packed = std::fs::read(packages::archive(place.path(), "1.0.0", json!({}))).expect("readable");
    let (server, admin) = packages::options(place.path()).start_claimed().await;
    let installs = async |server: &Server, token: &str| {
        server.as_who(token, Method::GET, "/windlass/plugins/installs", None).await.json()
    };
    // The job that is there, when it is over.
    let over = async |server: &Server, token: &str| {
        let start = Instant::now();
        loop {
            let job = installs(server, token).await["installs"][0].clone();
            if !job["until"].is_null() {
                return job;
            }
            assert!(start.elapsed() < PATIENCE, "{job}");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    let (status, said) = packages::upload_as(&server, Some(&admin), "probe.tgz", &packed).await;
    assert_eq!(status, 202, "{said}");
    assert_eq!(over(&server, &admin).await["state"], "done");
    let (name, files) = download(&server, &admin, "/skServer/backup").await;
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    for known in ["package.json", "package-lock.json", ARCHIVE] {
        assert!(names.contains(&known), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.starts_with("node_modules")), "npm brings what is in it: {names:?}");
    assert!(files.iter().any(|(name, content)| name == ARCHIVE && *content == packed), "{name} has the very file");

    // On a new computer only the list and the file are there, and it says so.
    let users = ["security.json", "settings.json"];
    let brought: Vec<_> = files.iter().filter(|(name, _)| !users.contains(&name.as_str())).collect();
    let brought: Vec<_> = brought.into_iter().map(|(name, content)| (name.as_str(), content)).collect();
    let (other, owner) = packages::options(place.path()).start_claimed().await;
    let (_, chooseable, _) = upload(&other, &owner, &name, &archive(&brought)).await;
    assert!(chooseable.contains("\"plugin-packages/\"") && chooseable.contains("\"package.json\""), "{chooseable}");
    let end = restore_all(&other, &owner, &archive(&brought)).await;
    assert_eq!(end["state"], "Complete", "{end}");
    let words = format!("not installed here are {}", packages::NAME);
    assert!(end["message"].as_str().is_some_and(|text| text.contains(&words)), "{end}");
    assert_eq!(std::fs::read(other.directory().join(ARCHIVE)).expect("it is put back"), packed);
    let ended = other.terminate().await;
    let other = packages::options(place.path()).directory(&ended.directory).secured().start().await;
    let owner = other.log_in("admin").await;
    let missing = installs(&other, &owner).await["missing"].clone();
    assert_eq!((&missing[0]["name"], missing.as_array().map(Vec::len)), (&json!(packages::NAME), Some(1)), "{missing}");
    let crew = other.add_user(&owner, "crew", "readwrite").await;
    let refused = other.as_who(&crew, Method::POST, "/windlass/plugins/install-missing", None).await;
    assert!([401, 403].contains(&refused.status.as_u16()), "{}", refused.text);
    let begun = other.as_who(&owner, Method::POST, "/windlass/plugins/install-missing", None).await;
    assert_eq!((begun.status.as_u16(), &begun.json()["installs"][0]["file"]), (202, &json!(true)), "{}", begun.text);
    let job = over(&other, &owner).await;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(installs(&other, &owner).await["missing"], json!([]));
    let path = format!("/skServer/plugins/{}/status", packages::ID);
    assert_eq!(other.as_who(&owner, Method::GET, &path, None).await.json()["version"], "1.0.0");
    assert!(other.directory().join(ARCHIVE).is_file(), "npm may want it again");
    assert!(!place.path().join("trace").exists(), "a script of the package was run");
}

#[tokio::test]
async fn no_package_of_a_backup_is_more_than_a_package() {
    let place = tempfile::tempdir().expect("a directory");
    let good = std::fs::read(packages::archive(place.path(), "1.0.0", json!({}))).expect("readable");
    let foreign = packages::archive(place.path(), "2.0.0", json!({"keywords": ["a-library"]}));
    let foreign = std::fs::read(foreign).expect("readable");
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let content = archive(&[
        ("plugin-packages/good.tgz", good.as_slice()),
        ("plugin-packages/foreign.tgz", &foreign),
        ("plugin-packages/cut.tgz", &good[..good.len() / 2]),
        ("plugin-packages/../up.tgz", &good),
        ("plugin-packages/deep/down.tgz", &good),
        ("plugin-packages/run.sh", b"x"),
    ]);
    let end = restore_all(&server, &admin, &content).await;
    assert_eq!(end["state"], "Error", "{end}");
    assert!(end["message"].as_str().is_some_and(|text| text.starts_with("2 files were not restored")), "{end}");
    let there = std::fs::read_dir(server.directory().join("plugin-packages")).expect("the folder");
    let there: Vec<_> = there.map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(there, ["good.tgz"]);
    assert!(!server.directory().join("up.tgz").exists());
}
