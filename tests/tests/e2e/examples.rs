//! The example plugins, built from source, on the real server: what they answer and provide.

use reqwest::Method;
use serde_json::{Value as Json, json};
use windlass_tests::{Answer, Server, ServerOptions, demo_plugins};

/// The demo with all example plugins.
async fn server() -> Server {
    let server =
        ServerOptions::new().argument("--demo").environment("WINDLASS_DEMO_PLUGINS", demo_plugins()).start().await;
    server.eventually("/skServer/plugins", |list| list.as_array().is_some_and(|list| list.len() >= 8)).await;
    server
}

async fn enabled(server: &Server, name: &str) -> String {
    let id = format!("_windlass_{name}");
    let answer = server.post(&format!("/skServer/plugins/{id}/enable"), &json!({})).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    server.eventually(&format!("/skServer/plugins/{id}/status"), |status| status["state"] == "running").await;
    id
}

async fn put(server: &Server, path: &str, value: Json) -> Answer {
    let body = json!({"value": value}).to_string();
    server.request(Method::PUT, &format!("/signalk/v1/api/vessels/self/{path}"), &[], Some(body)).await
}

#[tokio::test]
async fn hello_answers_without_declaring_endpoints() {
    // ABI-51
    let server = server().await;
    let id = enabled(&server, "hello-assemblyscript").await;
    for prefix in ["/plugins", "/skServer/plugins"] {
        let answer = server.get(&format!("{prefix}/{id}/api/info?name=Åsa")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let info = answer.json();
        assert_eq!(info["language"], "AssemblyScript", "{info}");
        assert!(info["greeting"].as_str().is_some_and(|greeting| greeting.contains("Åsa")), "{info}");
    }
}

#[tokio::test]
async fn the_anchor_is_dropped_over_http_and_set_by_put() {
    // ABI-52, ABI-62
    let server = server().await;
    let id = enabled(&server, "anchor-watch").await;
    let drop = format!("/plugins/{id}/api/drop");
    let answer = server.post(&drop, &json!({"latitude": 60.1, "longitude": 24.9})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let anchored = |leaf: &Json| leaf["value"]["latitude"] == 60.1;
    server.eventually("/signalk/v1/api/vessels/self/navigation/anchor/position", anchored).await;
    assert_eq!(server.post(&drop, &json!({"latitude": 91, "longitude": 24.9})).await.status, 400);
    let answer = put(&server, "navigation/anchor/maxRadius", json!(30)).await;
    assert_eq!((answer.status.as_u16(), answer.json()["state"].clone()), (200, json!("COMPLETED")), "{}", answer.text);
    server.eventually("/signalk/v1/api/vessels/self/navigation/anchor/maxRadius", |leaf| leaf["value"] == 30.0).await;
    let answer = put(&server, "navigation/anchor/maxRadius", json!(5)).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", answer.text);
    let meta = server.tree("vessels/self/navigation/anchor/maxRadius/meta").await;
    assert_eq!(meta["supportsPut"], true, "{meta}");
}

#[tokio::test]
async fn routes_and_waypoints_are_listed_read_and_written() {
    // ABI-68
    let server = server().await;
    enabled(&server, "routes-waypoints").await;
    for kind in ["routes", "waypoints"] {
        let path = format!("/signalk/v2/api/resources/{kind}");
        let list = server.json(&path).await;
        let (id, resource) = list.as_object().and_then(|list| list.iter().next()).expect("one is there from the start");
        let one = server.json(&format!("{path}/{id}")).await;
        assert_eq!(one["feature"], resource["feature"], "{kind}");
        let unknown = server.get(&format!("{path}/6b0e8d5c-0e1c-4ad1-9f5e-111111111111")).await;
        assert_eq!(unknown.status, 404, "{kind}: {}", unknown.text);
    }
    let buoy = json!({"name": "Buoy", "feature": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.9, 60.1]}}});
    let answer = server.post("/signalk/v2/api/resources/waypoints", &buoy).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let read = server.json(&format!("/signalk/v2/api/resources/waypoints/{id}")).await;
    assert_eq!(read["name"], "Buoy");
}

#[tokio::test]
async fn plugins_in_go_and_c_take_deltas_and_answer() {
    let server = server().await;
    let id = enabled(&server, "trip-log-go").await;
    let trip = server.get(&format!("/plugins/{id}/api/trip")).await;
    assert_eq!(trip.status, 200, "{}", trip.text);
    assert!(trip.json().is_object(), "{}", trip.text);
    let id = enabled(&server, "barometer-c").await;
    let status = server.json(&format!("/skServer/plugins/{id}/status")).await;
    assert_eq!((&status["abi"], &status["crashCount"]), (&json!("buffer"), &json!(0)), "{status}");
}
