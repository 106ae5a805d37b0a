//! Published web apps in a browser: the boat is on their pages, and what they ask for is there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, PASSWORD, ServerOptions, chromium, npm_packages, run_script};

use super::boat::Boat;

const FREEBOARD: &str = "@signalk/freeboard-sk";
const INSTRUMENT_PANEL: &str = "@signalk/instrumentpanel";
const KIP: &str = "@mxtommy/kip";

/// Requests that fail, and why; KIP shows Freeboard-SK in a frame, so there is one list. These fail in the same way on signalk-server
/// 2.23.0, the last three until Freeboard-SK has had that server add them.
const FAIL_ANYWHERE: [(&str, &str); 8] = [
    ("GET 404 /signalk/v1/api/vessels/self/navigation/anchor", "the anchor is not down"),
    ("GET 404 /signalk/v1/api/tracks", "needs the tracks plugin"),
    ("GET 404 /signalk/v2/api/resources/flags/mmsi/230099999", "a type of resources that a plugin may offer"),
    ("GET 404 /signalk/v2/api/resources/plotterExtensions", "the same"),
    ("GET 404 /signalk/v2/api/resources/symbols", "the same"),
    ("GET 404 /signalk/v2/api/resources/groups", "the same"),
    ("GET 404 /signalk/v2/api/resources/infolayers", "the same"),
    ("GET 404 /signalk/v2/api/resources/tracks", "the same"),
];

/// Requests to the plugins of the apps, which run in Node.js only; the apps do without them.
const OF_PLUGINS: [(&str, &str); 3] = [
    ("GET 404 /plugins/freeboard-sk", "it would raise Freeboard-SK's own alarms"),
    ("GET 404 /plugins/kip", "it would record for KIP's charts"),
    (
        "POST 404 /plugins/kip/series/reconcile",
        "what it would record; 503 on signalk-server, where KIP can't record either",
    ),
];

/// The types of resources that Freeboard-SK has the server add when it does not know them.
const FREEBOARD_TYPES: [&str; 3] = ["groups", "infolayers", "tracks"];

/// Installs these web apps in the configuration directory.
fn with_apps(options: ServerOptions, names: &[&str]) -> ServerOptions {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    for name in names {
        // As a package manager does that keeps packages in one place for all.
        let place = directory.path().join("node_modules").join(name);
        let scope = place.parent().expect("it lies in node_modules");
        std::fs::create_dir_all(scope).expect("a temporary folder can be made");
        std::os::unix::fs::symlink(package(name), &place).expect("a link can be made");
    }
    options.directory(&Arc::new(directory))
}

/// Where a published package is.
fn package(name: &str) -> PathBuf {
    npm_packages().join("node_modules").join(name)
}

/// What KIP shows of the boat: apparent wind in knots, heading.
fn on_kip() -> Json {
    json!([["11.0", "14.0"], ["82°", "97°"]])
}

#[tokio::test]
async fn web_apps_show_the_boat() {
    let expected = json!({
        // Degrees, m/s.
        INSTRUMENT_PANEL: [["N 60.10000°", "N 60.11000°"], ["5.7", "7.2"]],
        // Position, speed over ground and apparent wind in knots.
        FREEBOARD: [["60.10000", "60.11000"], ["6.2", "7.4"], ["11.0kn", "14.0kn"]],
        KIP: on_kip(),
    });
    let server = with_apps(Boat::options(), &[INSTRUMENT_PANEL, FREEBOARD, KIP]).start().await;
    let _boat = Boat::board(&server).await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (address, pairs) = (server.url(""), expected.to_string());
    let said = in_browser("web-apps.mjs", &[&address, path_text(folder.path()), &pairs]).await;
    let apps = said.as_object().expect("an object");
    assert_eq!(apps.len(), 3, "{said}");
    for (app, seen) in apps {
        check(app, seen);
    }
    // Freeboard-SK has had the server add its types of resources.
    for kind in FREEBOARD_TYPES {
        assert_eq!(server.json(&format!("/signalk/v2/api/resources/{kind}")).await, json!({}), "{kind}");
    }
    for app in ["instrumentpanel", "freeboard-sk", "kip"] {
        check_picture(&folder.path().join(format!("{app}.png")));
    }
}

/// KIP logs in over HTTP, opens its stream with the token, and keeps its dashboards as application data, by JSON Patch.
#[tokio::test]
async fn kip_keeps_its_dashboards_for_a_user() {
    let server = with_apps(Boat::options().secured(), &[FREEBOARD, KIP]).start().await;
    // Until it is claimed, everybody may read.
    let _boat = Boat::board(&server).await;
    let admin = server.claim().await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    // As Freeboard-SK does when an admin opens it first; whoever is no admin may not change what the server keeps.
    for kind in FREEBOARD_TYPES {
        let path = format!("/plugins/resources-provider/_config/{kind}");
        let added = server.as_who(&admin, Method::POST, &path, Some(json!({"description": "of Freeboard-SK"}))).await;
        assert_eq!(added.status, 200, "{}", added.text);
    }
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let picture = folder.path().join("kip.png");
    let (address, pairs) = (server.url(""), on_kip().to_string());
    let arguments = [address.as_str(), path_text(&picture), "crew", PASSWORD, &pairs];
    check(KIP, &in_browser("web-apps-login.mjs", &arguments).await);
    check_picture(&picture);
    let dashboards = "/signalk/v1/applicationData/user/kip/11/default/dashboards";
    let kept = server.as_who(&crew, Method::GET, dashboards, None).await.json();
    assert!(kept.as_array().is_some_and(|dashboards| dashboards.len() > 1), "{kept}");
    // They are the user's own.
    assert_eq!(server.as_who(&admin, Method::GET, dashboards, None).await.status, 404);
}

async fn in_browser(script: &str, arguments: &[&str]) -> Json {
    let arguments: Vec<_> = arguments.iter().map(OsStr::new).collect();
    let said = run_script(script, &arguments, &[("WINDLASS_CHROMIUM", chromium().as_os_str())]).await;
    serde_json::from_str(&said).expect("the script prints JSON")
}

/// Compares what went wrong in an app with what is known to.
fn check(app: &str, seen: &Json) {
    assert_eq!(seen["errors"], json!([]), "errors that {app} does not catch");
    let failed = seen["failed"].as_array().expect("an array").iter().map(|request| {
        // What plugins there are is for admins to know; others are told to log in as one, whether there is a plugin or not.
        request.as_str().expect("a text").replace(" 401 /plugins/", " 404 /plugins/")
    });
    let known: Vec<_> = FAIL_ANYWHERE.iter().chain(&OF_PLUGINS).map(|(request, _)| *request).collect();
    let unknown: Vec<_> = failed.filter(|request| !known.contains(&request.as_str())).collect();
    assert!(unknown.is_empty(), "{app} asked in vain: {unknown:#?}");
}

fn check_picture(path: &Path) {
    let picture = std::fs::read(path).expect("there is a screenshot");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{}: {} bytes", path.display(), picture.len());
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("the path of a temporary directory is UTF-8")
}

/// SK-153
#[tokio::test]
async fn files_of_web_apps_come_as_browsers_want_them() {
    let (server, _) = with_apps(ServerOptions::new(), &[FREEBOARD, KIP]).start_claimed().await;
    let apps = server.json("/signalk/v1/apps/list").await;
    for name in [FREEBOARD, KIP] {
        let bare = server.get(&format!("/{name}")).await;
        assert_eq!((bare.status.as_u16(), bare.header("location")), (301, format!("/{name}/").as_str()));
        let location = format!("/{name}/");
        assert!(apps.as_array().expect("an array").iter().any(|app| app["location"] == *location), "{apps}");
        let index = server.get(&location).await;
        assert_eq!((index.status.as_u16(), index.header("content-type")), (200, "text/html; charset=utf-8"));
        // KIP shows Freeboard-SK in a frame.
        assert!(!index.headers.contains_key("x-frame-options"), "{:?}", index.headers);
        assert!(!index.header("content-security-policy").contains("frame-ancestors"), "{:?}", index.headers);
    }
    for (app, extension, kind) in [
        (FREEBOARD, "js", "text/javascript"),
        (FREEBOARD, "css", "text/css"),
        (FREEBOARD, "svg", "image/svg+xml"),
        (FREEBOARD, "json", "application/json"),
        (KIP, "woff2", "font/woff2"),
        (KIP, "mp3", "audio/mpeg"),
    ] {
        let file = find(&package(app).join("public"), extension).unwrap_or_else(|| panic!("{app} has {extension}"));
        let url = server.url(&format!("/{app}/{file}"));
        let get = async |header: &str, value: &str| {
            let request = server.http().get(&url).header(header, value);
            request.send().await.unwrap_or_else(|error| panic!("{url}: {error}"))
        };
        let whole = get("Accept", "*/*").await;
        let header = |name: &str| whole.headers()[name].to_str().expect("ASCII").to_owned();
        assert_eq!(whole.status(), 200, "{url}");
        assert_eq!(header("content-type").split(';').next(), Some(kind), "{url}");
        assert_eq!(get("If-None-Match", &header("etag")).await.status(), 304, "{url}");
        // KIP's alarm is fetched so.
        let part = get("Range", "bytes=0-1").await;
        assert_eq!((part.status().as_u16(), part.content_length()), (206, Some(2)), "{url}");
    }
}

/// A file with this extension in a folder or below it, as a path from there.
fn find(folder: &Path, extension: &str) -> Option<String> {
    let entries = std::fs::read_dir(folder).expect("a folder can be read");
    entries.map(|entry| entry.expect("an entry can be read")).find_map(|entry| {
        let name = entry.file_name().into_string().expect("published names are UTF-8");
        match entry.path().is_dir() {
            true => Some(format!("{name}/{}", find(&entry.path(), extension)?)),
            false => name.ends_with(&format!(".{extension}")).then_some(name),
        }
    })
}
