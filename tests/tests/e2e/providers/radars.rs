//! Radars.

use serde_json::json;
use windlass_tests::ServerOptions;

use super::{Guest, completed, failed, install, put, until_running};

/// A radar whose power can be set in one way or the other.
pub(super) fn radar(ids: &str, power: &str, right: &str, wrong: &str) -> Guest {
    Guest::new("(drop (call $radar @display))")
        .text("display", "Test radar")
        .text("ids", ids)
        .text("info", r#"{"name":"Test","brand":"None","radarIpAddress":"192.0.2.1"}"#)
        .text("state", r#"{"status":"standby","controls":{"gain":{"auto":true}}}"#)
        .text("good", "true")
        .text("success", r#"{"success":true,"targetId":7}"#)
        .text("general", r#""controlId":"power","value":"transmit""#)
        .text("typed", r#""state":"transmit""#)
        .text("bad", r#"{"success":false,"error":"the wrong function"}"#)
        .getter("radar_get_radars", "(call $put @ids)")
        .handler("radar_get_radar_info", "(call $put @info)")
        .handler("radar_get_state", "(call $put @state)")
        .handler("radar_acquire_target", "(call $put @success)")
        .handler(power, &format!("(if (call $has {right}) (then (call $put @good)) (else (call $put {wrong})))"))
}

#[tokio::test]
async fn radars_of_plugins_are_controlled() {
    // ABI-72
    let typed = radar(r#"["one"]"#, "radar_set_power", "@typed", "@bad");
    let general =
        radar(r#"["two"]"#, "radar_set_control", "@general", "@bad").handler("radar_set_power", "(call $put @bad)");
    let options = install(ServerOptions::new(), "typed", "typed", &typed);
    let server = install(options, "general", "general", &general).start().await;
    until_running(&server, "typed").await;
    until_running(&server, "general").await;
    let base = "/signalk/v2/api/vessels/self/radars";
    let answer = server.get(base).await;
    let info = json!({"name": "Test", "brand": "None", "radarIpAddress": "192.0.2.1"});
    assert_eq!(answer.json(), json!({"version": "3.4.0", "radars": {"one": info, "two": info}}));
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(server.json(&format!("{base}/one")).await, info);
    assert_eq!(server.json(&format!("{base}/_providers")).await["typed"]["name"], "Test radar");
    for radar in ["one", "two"] {
        let power = format!("{base}/{radar}/power");
        assert_eq!(put(&server, &power, &json!({"value": "transmit"})).await, completed(200, "OK"), "{radar}");
        assert_eq!(put(&server, &power, &json!({"value": "standby"})).await, failed(400, "the wrong function"));
        assert_eq!(put(&server, &power, &json!({"value": "on"})).await.0, 400);
    }
    let unsupported = failed(501, "Provider does not support gain");
    assert_eq!(put(&server, &format!("{base}/one/gain"), &json!({"auto": true})).await, unsupported);
    assert_eq!(put(&server, &format!("{base}/one/controls/power"), &json!("transmit")).await.0, 200);
    assert_eq!(put(&server, &format!("{base}/two"), &json!({"power": "transmit"})).await.0, 200);
    assert_eq!(
        put(&server, &format!("{base}/three/power"), &json!({"value": "off"})).await,
        failed(404, "Resource not found.")
    );
    assert_eq!(server.json(&format!("{base}/one/controls/gain")).await, json!({"auto": true}));
    assert_eq!(server.json(&format!("{base}/one/state")).await["status"], "standby");
    for (path, status) in [("one/capabilities", 501), ("one/controls/sea", 404), ("three", 404), ("one/targets", 501)] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["state"]), (status, &json!("FAILED")), "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache");
    }
    let answer = server.post(&format!("{base}/one/targets"), &json!({"bearing": 1.5, "distance": 900})).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["targetId"]), (201, &json!(7)), "{}", answer.text);
    assert_eq!(server.post(&format!("{base}/one/targets"), &json!({"bearing": 7, "distance": 900})).await.status, 400);
    // ABI-73
    server.post("/skServer/plugins/typed/disable", &json!({})).await;
    assert_eq!(server.get(&format!("{base}/one")).await.status, 404);
    assert_eq!(server.get(&format!("{base}/two")).await.status, 200);
}
