//! Packages that are installed, updated and removed while the server runs (server-admin-api §6, wasm-plugin-abi §1.1).

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Answer, Json, Server, ServerOptions, Stream, WatPlugin, server_binary};

/// The name of the package, and the id of its plugin.
pub(crate) const NAME: &str = "@me/probe";
pub(crate) const ID: &str = "_me_probe";
/// Where the scripts of the package say that they were run.
const TRACE: &str = "WINDLASS_TEST_TRACE";

/// An archive of a package with a plugin and a page, as `npm pack` makes it. Its scripts would leave a trace; `more` goes into its
/// package.json.
pub(crate) fn archive(place: &Path, version: &str, more: Json) -> PathBuf {
    let folder = place.join(format!("source-{version}"));
    let script = format!("node -e \"require('fs').writeFileSync(process.env.{TRACE}, 'it ran')\"");
    let mut description = json!({
        "name": NAME, "version": version, "description": "Sets its status", "keywords": ["signalk-wasm-plugin", "signalk-webapp"],
        "wasmManifest": "plugin.wasm", "wasmCapabilities": {"putHandlers": true}, "signalk": {"displayName": "Probe"},
        "scripts": {"preinstall": script, "install": script, "postinstall": script},
    });
    description.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let said = format!("call $sk_set_status @\"this is {version}\"");
    std::fs::create_dir_all(folder.join("public")).expect("a folder can be made");
    for (name, content) in [
        ("package.json", description.to_string().into_bytes()),
        ("plugin.wasm", WatPlugin::new().start(format!("({said})")).wasm()),
        ("public/index.html", format!("<title>{version}</title>").into_bytes()),
    ] {
        std::fs::write(folder.join(name), content).expect("a file can be written");
    }
    let mut pack = Command::new("npm");
    pack.current_dir(place)
        .env("npm_config_offline", "true")
        .args(["pack", "--ignore-scripts", "--silent"])
        .arg(&folder);
    let output = pack.output().expect("npm can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    place.join(String::from_utf8(output.stdout).expect("a file name").trim())
}

/// A server whose npm asks nobody, with a place for the trace of scripts.
pub(crate) fn options(place: &Path) -> ServerOptions {
    ServerOptions::new().environment("npm_config_offline", "true").environment(TRACE, place.join("trace"))
}

pub(crate) async fn upload_as(server: &Server, token: Option<&str>, name: &str, content: &[u8]) -> (u16, String) {
    let mut body =
        format!("--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--line--\r\n");
    let mut request = server.http().post(server.url("/windlass/plugins/upload"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let request = request.header("Content-Type", "multipart/form-data; boundary=line").body(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

async fn upload(server: &Server, name: &str, content: &[u8]) -> (u16, String) {
    upload_as(server, None, name, content).await
}

/// Sends a file, and waits until it is installed. What came of it.
async fn install(server: &Server, file: &Path) -> String {
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
    let (status, said) = upload(server, name, &std::fs::read(file).expect("readable")).await;
    assert_eq!(status, 202, "{said}");
    let job: Json = serde_json::from_str(&said).expect("JSON");
    ended(server, &job["id"], "done").await
}

/// Waits for the end of a job, which must be this one.
async fn ended(server: &Server, id: &Json, state: &str) -> String {
    let over = |all: &Json| {
        let job = all["installs"].as_array().and_then(|all| all.iter().find(|job| job["id"] == *id));
        job.is_some_and(|job| !job["until"].is_null())
    };
    let all = server.eventually("/windlass/plugins/installs", over).await;
    let jobs = all["installs"].as_array().expect("a list");
    let job = jobs.iter().find(|job| job["id"] == *id).expect("the job");
    assert_eq!(job["state"], state, "{job}");
    job["message"].as_str().expect("words").to_owned()
}

async fn post(server: &Server, path: &str) -> Answer {
    server.request(Method::POST, path, &[], None).await
}

/// The latest job of all.
async fn latest(server: &Server) -> Json {
    server.json("/windlass/plugins/installs").await["installs"][0].clone()
}

#[tokio::test]
async fn a_package_comes_changes_and_goes_while_the_server_runs() {
    let place = tempfile::tempdir().expect("a directory");
    let server = options(place.path()).start().await;
    let mut events = Stream::connect(&server, "subscribe=none&serverevents=all").await;
    let said = install(&server, &archive(place.path(), "1.0.0", json!({}))).await;
    assert!(said.contains("1.0.0"), "{said}");
    assert!(!place.path().join("trace").exists(), "a script of the package was run");
    events.wait_for_frame("the store changes", |frame| frame["type"] == "APP_STORE_CHANGED").await;

    // The plugin and its page are there, without a restart.
    assert_eq!(server.json(&format!("/skServer/plugins/{ID}/status")).await["state"], "stopped");
    let page = server.get(&format!("/{NAME}/")).await;
    assert_eq!((page.status.as_u16(), page.text.contains("1.0.0")), (200, true), "{}", page.text);
    let enabled = post(&server, &format!("/skServer/plugins/{ID}/enable")).await;
    assert_eq!(enabled.json()["state"], "running", "{}", enabled.text);
    let store = server.json("/skServer/appstore/available/").await;
    let entry = store["installed"].as_array().expect("a list").iter().find(|one| one["name"] == NAME).expect("listed");
    assert_eq!((&entry["id"], &entry["isRemovable"], &entry["isWebapp"]), (&json!(ID), &json!(true), &json!(true)));

    // A newer one takes its place; one that asks for more waits for consent.
    let said = install(&server, &archive(place.path(), "2.0.0", json!({}))).await;
    assert!(said.contains("2.0.0 is loaded"), "{said}");
    let status = server.json(&format!("/skServer/plugins/{ID}/status")).await;
    assert_eq!((&status["state"], &status["version"]), (&json!("running"), &json!("2.0.0")), "{status}");
    assert!(server.get(&format!("/{NAME}/")).await.text.contains("2.0.0"), "its page is the new one");
    let wider = json!({"wasmCapabilities": {"putHandlers": true, "resourceProvider": true}});
    let said = install(&server, &archive(place.path(), "3.0.0", wider)).await;
    assert!(said.contains("not loaded") && said.contains("resourceProvider"), "{said}");
    let status = server.json(&format!("/skServer/plugins/{ID}/status")).await;
    assert_eq!((&status["version"], &status["pendingVersion"]), (&json!("2.0.0"), &json!("3.0.0")), "{status}");

    // Only the archive that npm would want again is kept.
    let kept = || {
        let files = std::fs::read_dir(server.directory().join("plugin-packages")).expect("the archives");
        files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8")).collect::<Vec<_>>()
    };
    assert_eq!(kept(), ["me__probe-3.0.0.tgz"]);

    let removing = post(&server, &format!("/skServer/appstore/remove/{NAME}")).await;
    assert_eq!((removing.status.as_u16(), removing.json()), (200, json!(format!("Removing {NAME}..."))));
    let job = latest(&server).await;
    ended(&server, &job["id"], "done").await;
    assert_eq!(server.get(&format!("/skServer/plugins/{ID}/status")).await.status, 404);
    assert_eq!(server.get(&format!("/{NAME}/")).await.status, 404);
    assert!(server.directory().join(format!("plugin-config-data/{ID}.json")).is_file(), "its settings are kept");
    assert!(kept().is_empty());
    let again = post(&server, &format!("/skServer/appstore/remove/{NAME}")).await;
    assert_eq!(
        (again.status.as_u16(), again.json()),
        (404, json!(format!("No such webapp or plugin available:{NAME}")))
    );
    let log = server.json(&format!("/skServer/appstore/installLog/{NAME}")).await;
    assert!(log["lines"].as_array().is_some_and(|lines| !lines.is_empty()), "{log}");
}

#[tokio::test]
async fn a_module_alone_becomes_a_plugin() {
    let place = tempfile::tempdir().expect("a directory");
    let server = options(place.path()).start().await;
    let module = place.path().join("Deck Light.wasm");
    std::fs::write(&module, WatPlugin::new().start("(call $sk_set_status @\"alone\")").wasm()).expect("written");
    install(&server, &module).await;
    let enabled = post(&server, "/skServer/plugins/deck-light/enable").await;
    assert_eq!(enabled.json()["state"], "running", "{}", enabled.text);
    assert_eq!(server.json("/skServer/plugins/deck-light/status").await["statusMessage"], "alone");
}

#[tokio::test]
async fn what_is_no_package_is_refused_and_only_admins_are_asked() {
    let place = tempfile::tempdir().expect("a directory");
    let (server, admin) = options(place.path()).start_claimed().await;
    let foreign = archive(place.path(), "1.0.0", json!({"keywords": ["a-library"]}));
    let foreign = std::fs::read(foreign).expect("readable");
    for (name, content, reason) in [
        ("x.zip", &foreign[..], "npm pack"),
        ("x.tgz", b"no archive", "can't be read"),
        ("x.tgz", &foreign[..foreign.len() / 2], "can't be read"),
        ("x.tgz", b"", "No file"),
        ("x.wasm", b"no module", "WebAssembly"),
        ("x.wasm", b"\0asm\x01\0\0\0", "export"),
        ("x.tgz", &foreign, "neither a plugin nor a web app"),
    ] {
        let (status, said) = upload_as(&server, Some(&admin), name, content).await;
        assert!(status == 400 && said.contains(reason), "{name}: {status} {said}");
    }
    assert_eq!(upload(&server, "x.tgz", &foreign).await.0, 401, "nobody");
    let user = server.add_user(&admin, "crew", "readwrite").await;
    assert!([401, 403].contains(&upload_as(&server, Some(&user), "x.tgz", &foreign).await.0), "no admin");
    let installs = server.as_who(&admin, Method::GET, "/windlass/plugins/installs", None).await;
    assert_eq!(installs.json(), json!({"installs": [], "missing": []}));
    assert!(!server.directory().join("node_modules").exists());
}

/// A program called npm for the `PATH` of a server: it finds one package in a registry that is not there, and leaves the rest to the real
/// one, for which that package is this archive.
pub(crate) fn npm_with_registry(place: &Path, version: &str, archive: &Path) -> String {
    let path = std::env::var("PATH").expect("a PATH");
    let real = std::env::split_paths(&path).map(|folder| folder.join("npm")).find(|npm| npm.is_file()).expect("npm");
    let found = json!([{
        "name": NAME, "version": version, "description": "Sets its status", "keywords": ["signalk-wasm-plugin"],
        "date": "2026-01-01T00:00:00.000Z", "publisher": {"username": "me"},
    }]);
    let folder = place.join("bin");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    std::fs::write(folder.join("found.json"), found.to_string()).expect("written");
    let (folder_text, archive, real) = (folder.display(), archive.display(), real.display());
    let script = format!(
        r#"#!/bin/sh
case "$1" in
search)
    if [ -e '{folder_text}/offline' ]; then echo 'npm error request failed, reason: no network' >&2; exit 1; fi
    echo asked >> '{folder_text}/asked'
    case "$*" in *signalk-wasm-plugin*) cat '{folder_text}/found.json' ;; *) echo '[]' ;; esac
    ;;
view)
    case "$*" in
    *'{NAME}@{version}'*) echo '{{"name": "{NAME}", "version": "{version}", "keywords": ["signalk-wasm-plugin"]}}' ;;
    *a-library@*) echo '{{"name": "a-library", "version": "1.0.0", "keywords": ["library"]}}' ;;
    *) echo 'npm error code E404' >&2; exit 1 ;;
    esac
    ;;
*)
    for argument; do
        shift
        if [ "$argument" = '{NAME}@{version}' ]; then argument='{archive}'; fi
        set -- "$@" "$argument"
    done
    exec '{real}' "$@"
    ;;
esac
"#
    );
    let program = folder.join("npm");
    std::fs::write(&program, script).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("can be run");
    format!("{}:{path}", folder.display())
}

#[tokio::test]
async fn the_registry_is_searched_and_installed_from_by_the_npm_of_the_user() {
    let place = tempfile::tempdir().expect("a directory");
    let old = archive(place.path(), "1.9.0", json!({}));
    let new = archive(place.path(), "1.10.0", json!({}));
    let path = npm_with_registry(place.path(), "1.10.0", &new);
    let server = options(place.path()).environment("PATH", path).start().await;
    install(&server, &old).await;
    let store = server.json("/skServer/appstore/available/").await;
    assert_eq!((&store["storeAvailable"], &store["available"][0]["author"]), (&json!(true), &json!("me")), "{store}");
    let update = &store["updates"][0];
    assert_eq!(
        (&update["name"], &update["newVersion"], &update["installedVersion"]),
        (&json!(NAME), &json!("1.10.0"), &json!("1.9.0"))
    );
    server.json("/skServer/appstore/available").await;
    let asked = std::fs::read_to_string(place.path().join("bin/asked")).expect("it was asked");
    assert_eq!(asked.lines().count(), 2, "once for each keyword, and the answer is kept");

    let unknown = |name: &str| json!(format!("No such webapp or plugin available:{name}"));
    for (path, status, said) in
        [(format!("{NAME}/9.9.9"), 404, unknown(NAME)), ("a-library/1.0.0".to_owned(), 404, unknown("a-library"))]
    {
        let answer = post(&server, &format!("/skServer/appstore/install/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (status, said), "{path}");
    }
    for path in [format!("{NAME}/latest"), "..%2F..%2Fx/1.0.0".to_owned(), "--global/1.0.0".to_owned(), "x".to_owned()]
    {
        let answer = post(&server, &format!("/skServer/appstore/install/{path}")).await;
        assert!(answer.status == 400 && answer.json()["error"].is_string(), "{path}: {}", answer.text);
    }

    let installing = post(&server, &format!("/skServer/appstore/install/{NAME}/1.10.0")).await;
    assert_eq!((installing.status.as_u16(), installing.json()), (200, json!(format!("Installing {NAME}..."))));
    let job = latest(&server).await;
    assert_eq!((&job["name"], &job["version"], &job["file"]), (&json!(NAME), &json!("1.10.0"), &json!(false)));
    ended(&server, &job["id"], "done").await;
    let store = server.json("/skServer/appstore/available/").await;
    assert_eq!((&store["updates"], &store["installed"][0]["installedVersion"]), (&json!([]), &json!("1.10.0")));

    std::fs::write(place.path().join("bin/offline"), "").expect("written");
    let store = post(&server, "/skServer/appstore/refresh").await.json();
    let problem = store["storeProblem"].as_str().expect("words");
    assert!(store["storeAvailable"] == false && problem.contains("no network"), "{problem}");
    assert_eq!(store["installed"][0]["name"], NAME);
}

#[tokio::test]
async fn what_package_json_names_is_installed_when_it_is_asked_for() {
    let place = tempfile::tempdir().expect("a directory");
    let path = npm_with_registry(place.path(), "1.10.0", &archive(place.path(), "1.10.0", json!({})));
    let named = json!({"dependencies": {NAME: "1.10.0"}});
    let server = options(place.path()).environment("PATH", path).json_file("package.json", &named).start().await;
    let missing = server.json("/windlass/plugins/installs").await["missing"].clone();
    let words = format!("{NAME}@1.10.0 of the npm registry");
    assert_eq!(missing, json!([{"name": NAME, "from": "1.10.0", "message": words}]));
    assert_eq!(server.get(&format!("/skServer/plugins/{ID}/status")).await.status, 404, "nothing happens by itself");
    let begun = post(&server, "/windlass/plugins/install-missing").await;
    let job = begun.json()["installs"][0].clone();
    assert_eq!(
        (begun.status.as_u16(), &job["name"], &job["file"]),
        (202, &json!(NAME), &json!(false)),
        "{}",
        begun.text
    );
    ended(&server, &job["id"], "done").await;
    assert_eq!(server.json("/windlass/plugins/installs").await["missing"], json!([]));
    assert_eq!(server.json(&format!("/skServer/plugins/{ID}/status")).await["version"], "1.10.0");
    let again = post(&server, "/windlass/plugins/install-missing").await;
    assert_eq!((again.status.as_u16(), again.json()), (202, json!({"installs": []})));
}

#[tokio::test]
async fn package_json_brings_nothing_from_elsewhere() {
    let place = tempfile::tempdir().expect("a directory");
    let path = npm_with_registry(place.path(), "1.10.0", &archive(place.path(), "1.10.0", json!({})));
    let elsewhere = place.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    std::fs::write(elsewhere.join("package.json"), r#"{"name": "x", "version": "1.0.0"}"#).expect("written");
    let named = json!({"dependencies": {NAME: "1.10.0", "x": format!("file:{}", elsewhere.display())}});
    let server = options(place.path()).environment("PATH", path).json_file("package.json", &named).start().await;
    let missing = server.json("/windlass/plugins/installs").await["missing"].clone();
    assert_eq!((&missing[0]["name"], &missing[1]["name"]), (&json!(NAME), &json!("x")), "{missing}");
    let words = missing[1]["message"].as_str().expect("words");
    assert!(words.contains("installs nothing from there"), "{words}");
    // npm would bring it along with the other one.
    let install_missing = async || post(&server, "/windlass/plugins/install-missing").await.json()["installs"].clone();
    let jobs = install_missing().await;
    assert_eq!((jobs.as_array().map(Vec::len), &jobs[0]["name"]), (Some(1), &json!(NAME)), "{jobs}");
    let said = ended(&server, &jobs[0]["id"], "failed").await;
    assert!(said.starts_with("x, which package.json names as well"), "{said}");
    assert!(!server.directory().join("node_modules").exists());
    let named = json!({"dependencies": {NAME: "1.10.0"}});
    std::fs::write(server.directory().join("package.json"), named.to_string()).expect("written");
    ended(&server, &install_missing().await[0]["id"], "done").await;
}

#[tokio::test]
async fn a_damaged_package_json_costs_no_archive_that_was_sent() {
    let place = tempfile::tempdir().expect("a directory");
    let server = options(place.path()).start().await;
    install(&server, &archive(place.path(), "1.0.0", json!({}))).await;
    std::fs::write(server.directory().join("package.json"), "{\"dependencies\": {").expect("written");
    let next = std::fs::read(archive(place.path(), "2.0.0", json!({}))).expect("readable");
    let (status, said) = upload(&server, "x.tgz", &next).await;
    assert_eq!(status, 202, "{said}");
    let job: Json = serde_json::from_str(&said).expect("JSON");
    ended(&server, &job["id"], "failed").await;
    assert!(server.directory().join("plugin-packages/me__probe-1.0.0.tgz").is_file());
}

#[tokio::test]
async fn without_npm_the_store_says_so() {
    let place = tempfile::tempdir().expect("a directory");
    let packed = archive(place.path(), "1.0.0", json!({}));
    let server = options(place.path()).environment("PATH", place.path()).start().await;
    let store = server.json("/skServer/appstore/available/").await;
    assert_eq!(store["storeAvailable"], false);
    assert!(store["storeProblem"].as_str().is_some_and(|words| words.contains("install Node.js")), "{store}");
    let (status, said) = upload(&server, "x.tgz", &std::fs::read(packed).expect("readable")).await;
    assert_eq!(status, 202, "{said}");
    let job: Json = serde_json::from_str(&said).expect("JSON");
    let said = ended(&server, &job["id"], "failed").await;
    assert!(said.contains("install Node.js"), "{said}");
}

#[tokio::test]
async fn the_command_has_a_running_server_take_a_package_in() {
    let place = tempfile::tempdir().expect("a directory");
    let server = options(place.path()).start().await;
    let mut command = Command::new(server_binary());
    command.args(["plugin", "install"]).arg(archive(place.path(), "1.0.0", json!({})));
    command.arg("--config-dir").arg(server.directory()).args(["--url", &server.url("")]);
    command.env("npm_config_offline", "true").env_remove("WINDLASS_TOKEN");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends").expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("taken it in"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(server.json(&format!("/skServer/plugins/{ID}/status")).await["state"], "stopped");
}
