//! Smaller things that admins do and see.

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Server, ServerOptions};

const META: &str = "/signalk/v1/api/vessels/self/navigation/speedOverGround/meta";

#[tokio::test]
async fn requests_can_be_tried() {
    // SK-214
    let server = Server::start().await;
    let put = json!({"put": {"path": "navigation.speedOverGround.meta.displayName", "value": "SOG"}}).to_string();
    let shown = server.post("/skServer/inputTest", &json!({"value": put})).await.json();
    assert_eq!((&shown["deltas"], &shown["putResults"]), (&json!([]), &json!([])), "nothing is sent");
    assert_eq!(server.json(META).await["displayName"], json!(null));
    let sent = server.post("/skServer/inputTest", &json!({"value": put, "sendToServer": true})).await.json();
    assert_eq!(
        (&sent["putResults"][0]["state"], &sent["putResults"][0]["statusCode"]),
        (&json!("PENDING"), &json!(202))
    );
    server.eventually(META, |meta| meta["displayName"] == "SOG").await;
    let both = json!([
        {"requestId": "1", "delete": {"path": "navigation.speedOverGround.meta"}},
        {"context": "vessels.self", "put": [{"path": "no.handler", "value": 1}]},
        {"updates": [{"$source": "tried", "values": [{"path": "test.tried", "value": 1}]}]},
    ]);
    let sent =
        server.post("/skServer/inputTest", &json!({"value": both.to_string(), "sendToServer": true})).await.json();
    let codes: Vec<_> =
        sent["putResults"].as_array().expect("results").iter().map(|result| &result["statusCode"]).collect();
    assert_eq!(codes, [202, 405], "{sent}");
    server.eventually(META, |meta| meta.get("displayName").is_none()).await;
    server.eventually("/signalk/v1/api/vessels/self/test/tried/value", |value| *value == 1).await;
}

#[tokio::test]
async fn web_apps_with_a_plugin_for_node_are_no_broken_plugins() {
    let package = |name: &str, keywords: &[&str]| json!({"name": name, "version": "1.0.0", "keywords": keywords});
    let pages = package("dash", &["signalk-webapp", "signalk-node-server-plugin"]);
    let server = ServerOptions::new()
        .json_file("node_modules/dash/package.json", &pages)
        .file("node_modules/dash/public/index.html", "<!DOCTYPE html><title>Dash</title>")
        .json_file("node_modules/only-node/package.json", &package("only-node", &["signalk-node-server-plugin"]))
        .start()
        .await;
    let plugins = server.json("/skServer/plugins").await;
    let states: Vec<_> =
        plugins.as_array().expect("plugins").iter().map(|plugin| (&plugin["id"], &plugin["state"])).collect();
    assert_eq!(states, [(&json!("only-node"), &json!("error"))]);
    assert_eq!(server.json("/skServer/webapps").await[0]["name"], "dash");
    assert_eq!(server.get("/dash/").await.status, 200);
    for app in ["dash", "only-node"] {
        assert!(server.logs().find(&[app, "Node.js"]).is_some(), "{}", server.logs().tail());
    }
    assert_eq!(server.logs().find(&[" ERROR "]), None);
}

#[tokio::test]
async fn a_value_is_only_so_deep() {
    let server = Server::start().await;
    let body = format!("{{\"value\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    let answer = server.request(Method::PUT, "/signalk/v1/api/vessels/self/test/deep", &[], Some(body)).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", answer.text);
}

#[tokio::test]
async fn the_log_says_as_much_as_an_admin_wants() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let path = "/windlass/logging";
    assert_eq!(server.as_who(&admin, Method::GET, path, None).await.json(), json!({"level": "info"}));
    let set = async |level: &str| server.as_who(&admin, Method::PUT, path, Some(json!({"level": level}))).await;
    for (level, status) in [("warn", 200), ("trace", 400), ("all", 400)] {
        assert_eq!(set(level).await.status, status, "{level}");
    }
    assert_eq!(server.as_who(&admin, Method::GET, path, None).await.json(), json!({"level": "warn"}));
    assert_eq!(server.get(path).await.status, 401);
    // News are not told any more.
    let restart = async || server.as_who(&admin, Method::PUT, "/skServer/restart", None).await.status;
    let news = "an admin asks for a restart";
    assert_eq!(restart().await, 200);
    assert_eq!(server.logs().find(&[news]), None);
    // Until they are wanted again; the server has two seconds to live by now.
    assert_eq!(set("debug").await.status, 200);
    assert_eq!(restart().await, 200);
    server.logs().wait_for(&[news]).await;
}

#[tokio::test]
async fn an_admin_can_end_the_server() {
    let path = "/windlass/shutdown";
    let open = Server::start().await;
    assert_eq!(open.request(Method::PUT, path, &[], None).await.status, 401, "anybody could");
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    assert_eq!(server.as_who(&crew, Method::PUT, path, None).await.status, 401);
    let answer = server.as_who(&admin, Method::PUT, path, None).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "\"Shutting down...\""));
    let ended = server.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.logs.tail());
    assert!(ended.logs.find(&["shutting down, until somebody starts it"]).is_some(), "{}", ended.logs.tail());
}
