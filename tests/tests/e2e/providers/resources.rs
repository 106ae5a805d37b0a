//! Resources.

use serde_json::{Value as Json, json};
use windlass_tests::{ServerOptions, Stream};

use super::{ID, OTHER, completed, delete, failed, install, keeper, put, refuser, until_running, waypoint};

#[tokio::test]
async fn resources_of_plugins_are_read_and_written() {
    // ABI-68, ABI-69, ABI-70, ABI-73
    let options = install(ServerOptions::new(), "@test/keeper", "_test_keeper", &keeper());
    let server = install(options, "refuser", "refuser", &refuser()).setting("mine", json!([1])).start().await;
    until_running(&server, "_test_keeper").await;
    until_running(&server, "refuser").await;
    let base = "/signalk/v2/api/resources";
    let types = server.json(base).await;
    assert_eq!(types["waypoints"], json!({"description": "Path containing waypoint resources"}), "{types}");
    assert_eq!((server.json(&format!("{base}/waypoints/")).await, types["routes"].clone()), (json!({}), Json::Null));

    // What the plugin is asked, key by key.
    let echo = server.get(&format!("{base}/echo?limit=5&name=Home&box=[1,2]")).await.text;
    assert_eq!(echo, r#"{"asked":{"limit":5,"name":"Home","box":[1,2],"resourceType":"echo"}}"#);

    let mut stream = Stream::connect(&server, "subscribe=none").await;
    stream.subscribe("vessels.self", json!([{"path": "resources.*"}])).await;
    let path = format!("{base}/waypoints/{ID}");
    let home = waypoint("Home");
    assert_eq!(put(&server, &format!("{path}?provider=@test/keeper"), &home).await, completed(200, ID));
    let delta = stream.wait_for_path(&format!("resources.waypoints.{ID}")).await;
    assert_eq!((&delta.value, delta.source.as_str()), (&home, "_test_keeper"));
    assert_eq!(server.json(&path).await, home);
    assert_eq!(server.json(&format!("{base}/waypoints")).await, json!({ID: home}));
    let name = server.json(&format!("{path}/feature/geometry/type")).await;
    assert_eq!((&name["value"], &name["$source"]), (&json!("Point"), &json!("_test_keeper")));
    assert!(name["timestamp"].is_string(), "{name}");
    for unknown in [format!("{base}/waypoints/{OTHER}"), format!("{path}?provider=refuser"), format!("{path}/colour")] {
        let answer = server.get(&unknown).await;
        let id = if unknown.contains(OTHER) { OTHER } else { ID };
        let expected = failed(404, &format!("Resource not found! ({id})"));
        assert_eq!((answer.status.as_u16(), answer.json()), expected, "{unknown}");
    }

    // The default does not take what somebody else has.
    let default = format!("{base}/waypoints/_providers/_default");
    let answer = server.post(&format!("{default}/refuser"), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), completed(201, "refuser"));
    assert_eq!(server.json(&default).await, json!("refuser"));
    let saved = std::fs::read_to_string(server.directory().join("settings.json")).expect("settings are saved");
    let saved: Json = serde_json::from_str(&saved).expect("JSON");
    let expected = json!({"mine": [1], "resourcesApi": {"defaultProviders": {"waypoints": "refuser"}}});
    assert_eq!(saved, expected);
    let moved = waypoint("Moved");
    assert_eq!(put(&server, &path, &moved).await, completed(200, ID));
    assert_eq!(server.json(&path).await, moved);

    // What a plugin refuses is an error, and no delta.
    let refused = format!("Error saving waypoints resource ({OTHER})!");
    assert_eq!(put(&server, &format!("{base}/waypoints/{OTHER}"), &home).await, failed(404, &refused));
    assert_eq!(put(&server, &path, &waypoint("refuse me")).await.0, 404);
    let answer = server.post(&format!("{base}/waypoints"), &home).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.contains("Error saving waypoints")),
        (400, true),
        "{}",
        answer.text
    );
    assert_eq!(put(&server, &format!("{base}/waypoints/harbour"), &home).await.0, 400);
    assert_eq!(put(&server, &path, &json!({"name": "nowhere"})).await.0, 400);
    let failures = server.statistics().await["providers"]["failures"].clone();
    assert_eq!(failures["refuser"]["resources_set_resource"], 2, "{failures}");

    assert_eq!(delete(&server, &format!("{base}/waypoints/{OTHER}")).await, 404);
    assert_eq!(delete(&server, &path).await, 200);
    let gone = stream.wait_for("the deletion", |value| value.path.ends_with(ID) && value.value.is_null()).await;
    assert_eq!(gone.source, "_test_keeper");
    assert_eq!(server.get(&path).await.status, 404);
    let answer = server.post(&format!("{base}/waypoints?provider=_test_keeper"), &home).await;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!((answer.status.as_u16(), answer.json()["state"].clone()), (201, json!("COMPLETED")));
    assert_eq!(server.json(&format!("{base}/waypoints/{id}")).await, home);

    for (path, message) in [
        (format!("{base}/waypoints/_providers/_default/nobody"), "Resource provider not found for waypoints!"),
        (format!("{base}/ghosts/_providers/_default/refuser"), "Invalid resource type (ghosts) supplied!"),
    ] {
        let answer = server.post(&path, &json!({})).await;
        assert_eq!((answer.status.as_u16(), answer.json()), failed(400, message));
    }
    for path in ["ghosts", "ghosts/x", "waypoints?provider=nobody", "ghosts/_providers"] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (404, "text/html; charset=utf-8"),
            "{path}"
        );
    }
    let answer = server.get(&format!("{base}/waypoints?limit=0")).await;
    assert_eq!((answer.status.as_u16(), answer.text.contains("limit")), (400, true), "{}", answer.text);

    // With the plugin goes what it provides.
    let features = server.json("/signalk/v2/features?enabled=true").await;
    let listed = |features: &Json| features["plugins"].as_array().expect("a list").iter().any(|p| p["id"] == "refuser");
    assert!(listed(&features) && features["apis"] == json!(["resources", "weather", "radar"]), "{features}");
    server.post("/skServer/plugins/refuser/disable", &json!({})).await;
    assert_eq!(server.json(&format!("{base}/waypoints/_providers")).await, json!(["_test_keeper"]));
    assert!(!listed(&server.json("/signalk/v2/features?enabled=1").await));
    assert!(listed(&server.json("/signalk/v2/features?enabled=false").await));
    server.post("/skServer/plugins/_test_keeper/disable", &json!({})).await;
    assert_eq!(server.json(base).await, json!({}));
    assert_eq!(server.json("/signalk/v2/api/weather/_providers").await, json!({}));
}
