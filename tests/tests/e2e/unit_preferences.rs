//! In which units people want to see values (server-admin-api §13).

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Answer, Json, Server, ServerOptions};

const BASE: &str = "/signalk/v1/unitpreferences";

async fn get(server: &Server, path: &str) -> Json {
    server.json(&format!("{BASE}/{path}")).await
}

async fn send(server: &Server, method: Method, path: &str, body: &Json) -> Answer {
    server.request(method, &format!("{BASE}/{path}"), &[], Some(body.to_string())).await
}

async fn put(server: &Server, path: &str, body: &Json) -> (u16, Json) {
    let answer = send(server, Method::PUT, path, body).await;
    (answer.status.as_u16(), answer.json())
}

fn done() -> (u16, Json) {
    (200, json!({"success": true}))
}

fn preset(speed: &str) -> Json {
    json!({"version": "1.0.0", "name": "My boat", "description": "as we like it", "categories": {
        "speed": {"baseUnit": "m/s", "targetUnit": speed, "displayFormat": "0.00"}}})
}

/// Sends a file as a browser's form does.
async fn upload(server: &Server, name: &str, content: &str) -> (u16, Json) {
    let body = format!(
        "--line\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nbeside\r\n--line\r\nContent-Disposition: form-data; \
         name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/json\r\n\r\n{content}\r\n--line--\r\n"
    );
    let request = server.http().post(server.url(&format!("{BASE}/presets/custom/upload")));
    let request = request.header("Content-Type", "multipart/form-data; boundary=line").body(body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn units_are_chosen_added_and_kept() {
    let server = Server::start().await;
    let presets = get(&server, "presets").await;
    let names: Vec<_> = presets["builtIn"].as_array().expect("presets").iter().map(|preset| &preset["name"]).collect();
    for name in ["metric", "imperial-us", "imperial-uk", "nautical-metric"] {
        assert!(names.contains(&&json!(name)), "{names:?}");
        let preset = get(&server, &format!("presets/{name}")).await;
        assert!(preset["version"].is_string() && preset["name"].is_string(), "{preset}");
        assert_eq!(preset["categories"]["speed"]["baseUnit"], "m/s");
    }
    assert_eq!(
        (&presets["custom"], get(&server, "config").await),
        (&json!([]), json!({"activePreset": "nautical-metric"}))
    );
    assert_eq!(get(&server, "active").await["categories"]["speed"]["targetUnit"], "kn");
    assert_eq!(get(&server, "categories").await["categoryToBaseUnit"]["depth"], "m");
    let knots = &get(&server, "definitions").await["m/s"]["conversions"]["kn"];
    assert_eq!((&knots["symbol"], &knots["formula"]), (&json!("kn"), &json!("value * 3600 / 1852")));
    let by_default = get(&server, "default-category/navigation.speedOverGround").await;
    assert_eq!(by_default, json!({"path": "navigation.speedOverGround", "category": "speed"}));
    assert_eq!(get(&server, "default-category/no.such.path").await["category"], Json::Null);
    let listed = get(&server, "default-categories").await;
    assert!(
        listed["categories"]["angle"]["paths"]
            .as_array()
            .is_some_and(|paths| paths.contains(&json!("navigation.headingTrue")))
    );
    assert_eq!(get(&server, "primary-categories").await["effectivePrimary"], json!({"m": "distance"}));

    let units = json!({"MB": {"conversions": {"GB": {"formula": "value / 1000", "inverseFormula": "value * 1000", "symbol": "GB"}}}});
    assert_eq!(put(&server, "custom-definitions", &units).await, done());
    assert_eq!(put(&server, "custom-categories", &json!({"memory": "MB"})).await, done());
    assert_eq!(put(&server, "primary-categories", &json!({"m": "length"})).await, done());
    assert_eq!(put(&server, "presets/custom/my-boat", &preset("mph")).await, done());
    assert_eq!(put(&server, "config", &json!({"activePreset": "my-boat"})).await, done());
    let ended = server.terminate().await;
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(
        (get(&server, "custom-definitions").await, get(&server, "custom-categories").await),
        (units, json!({"memory": "MB"}))
    );
    assert_eq!(get(&server, "definitions").await["MB"]["conversions"]["GB"]["symbol"], "GB");
    assert_eq!(get(&server, "primary-categories").await["effectivePrimary"], json!({"m": "length"}));
    assert_eq!(get(&server, "active").await["categories"]["speed"]["symbol"], "mph");
    assert_eq!(get(&server, "presets").await["custom"][0]["displayName"], "My boat");
    assert_eq!(send(&server, Method::DELETE, "presets/custom/my-boat", &Json::Null).await.status, 200);
    assert_eq!(get(&server, "active").await["categories"]["speed"]["targetUnit"], "kn", "the default one holds then");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = Server::start().await;
    let formula = |formula: &str| json!({"m": {"conversions": {"x": {"formula": formula, "inverseFormula": "value", "symbol": "x"}}}});
    for (path, body, words) in [
        ("config", json!({"activePreset": "none"}), "no preset"),
        ("config", json!([]), "activePreset"),
        ("custom-definitions", formula("fetch('x')"), "fetch"),
        ("custom-definitions", json!(7), "object"),
        ("custom-categories", json!({"speed": "m"}), "server's own"),
        ("custom-categories", json!({"x": "parsec"}), "parsec"),
        ("primary-categories", json!({"m": "speed"}), "speed"),
        ("presets/custom/metric", preset("kn"), "built-in"),
        ("presets/custom/a.b", preset("kn"), "Invalid preset name"),
        ("presets/custom/..%2Fconfig", preset("kn"), "Invalid preset name"),
        ("presets/custom/mine", preset("parsec"), "can't be shown"),
        ("presets/custom/mine", json!({"version": "1"}), "name"),
    ] {
        let (status, answer) = put(&server, path, &body).await;
        let error = answer["error"].as_str().unwrap_or_default().to_owned();
        assert!(status == 400 && error.contains(words), "{path} {body}: {status} {answer}");
    }
    for (method, path, status) in [
        (Method::GET, "presets/none", 404),
        (Method::GET, "presets/a.b", 400),
        (Method::DELETE, "presets/custom/none", 404),
        (Method::DELETE, "presets/custom/metric", 404),
    ] {
        let answer = send(&server, method, path, &Json::Null).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].is_string()), (status, true), "{path}");
    }
    let large = send(&server, Method::PUT, "custom-categories", &json!({"x": "y".repeat(300_000)})).await;
    assert_eq!(large.status, 413);
    let answer = server.request(Method::PUT, &format!("{BASE}/config"), &[], Some("{".to_owned())).await;
    assert!(answer.status == 400 && answer.json()["error"].is_string(), "{}", answer.text);
}

#[tokio::test]
async fn presets_are_uploaded_as_files() {
    let server = Server::start().await;
    let text = preset("km/h").to_string();
    let kept = json!({"success": true, "name": "Boat_1", "displayName": "My boat", "isCustom": true});
    assert_eq!(upload(&server, "Boat_1.json", &text).await, (200, kept));
    assert_eq!(get(&server, "presets/Boat_1").await, preset("km/h"));
    for (name, content, status, words) in [
        ("Boat_1.json", text.as_str(), 409, "already"),
        ("metric.json", &text, 400, "built-in"),
        ("boat.txt", &text, 400, ".json"),
        ("boat.json", "{", 400, "Invalid JSON"),
        ("boat.json", "{}", 400, "missing field"),
        ("boat.json", &" ".repeat(101 * 1024), 400, "too large"),
        ("boat.json", "", 400, "No file"),
    ] {
        let (found, answer) = upload(&server, name, content).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(found == status && error.contains(words), "{name}: {found} {answer}");
    }
    let plain = send(&server, Method::POST, "presets/custom/upload", &json!({})).await;
    assert!(plain.status.is_client_error(), "{}", plain.text);
    assert_eq!(get(&server, "presets").await["custom"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn users_have_units_of_their_own_and_admins_those_of_all() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    let speed = async |token: &str| {
        let active = server.as_who(token, Method::GET, &format!("{BASE}/active"), None).await;
        active.json()["categories"]["speed"]["targetUnit"].clone()
    };
    assert_eq!((speed(&admin).await, speed(&crew).await), (json!("kn"), json!("kn")));
    let own = json!({"activePreset": "imperial-us", "primaryCategories": {"m": "depth"}});
    let data = "/signalk/v1/applicationData/user/unitpreferences/1.0.0";
    assert_eq!(server.as_who(&crew, Method::POST, data, Some(own)).await.status, 200);
    assert_eq!((speed(&admin).await, speed(&crew).await), (json!("kn"), json!("mph")));
    let primary = server.as_who(&crew, Method::GET, &format!("{BASE}/primary-categories"), None).await.json();
    assert_eq!(primary["effectivePrimary"], json!({"m": "depth"}));
    let config = format!("{BASE}/config");
    let metric = || Some(json!({"activePreset": "metric"}));
    assert_eq!(server.as_who(&crew, Method::PUT, &config, metric()).await.status, 401);
    assert_eq!(server.as_who(&admin, Method::PUT, &config, metric()).await.status, 200);
    assert_eq!((speed(&admin).await, speed(&crew).await), (json!("km/h"), json!("mph")));
}

#[tokio::test]
async fn categories_of_metadata_are_checked_and_shown() {
    // SK-114
    let server = Server::start().await;
    let meta = "/signalk/v1/api/vessels/self/navigation/speedOverGround/meta";
    let set = async |path: &str, value: Json| {
        let answer = server.request(Method::PUT, path, &[], Some(json!({"value": value}).to_string())).await;
        (answer.status.as_u16(), answer.json()["message"].as_str().unwrap_or_default().to_owned())
    };
    for (value, words) in [
        (json!({"displayUnits": {"category": "no-such"}}), "no-such"),
        (json!({"displayUnits": {"category": "temperature"}}), "values in K"),
        (json!({"displayUnits": {"category": 7}}), "name of a category"),
        (json!({"displayUnits": "speed"}), "object"),
    ] {
        let (status, message) = set(meta, value.clone()).await;
        assert!(status == 400 && message.contains(words), "{value}: {status} {message}");
    }
    let field = format!("{meta}/displayUnits");
    assert_eq!(set(&field, json!({"category": "pressure"})).await.0, 400);
    assert_eq!(set(&field, json!({"category": "speed", "targetUnit": "km/h"})).await.0, 202);
    server.eventually(meta, |meta| meta["displayUnits"]["targetUnit"] == "km/h").await;
    let shown = server.json(meta).await["displayUnits"].clone();
    assert_eq!((&shown["formula"], &shown["symbol"]), (&json!("value * 3.6"), &json!("km/h")));
    // Whoever has not said anything gets the unit of the preset.
    let depth = server.json("/signalk/v1/api/vessels/self/environment/depth/belowKeel/meta/displayUnits").await;
    assert_eq!(
        (&depth["category"], &depth["targetUnit"], &depth["formula"]),
        (&json!("depth"), &json!("m"), &json!("value"))
    );
}
