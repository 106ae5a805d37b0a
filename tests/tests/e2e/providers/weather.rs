//! Weather data.

use serde_json::json;
use windlass_tests::ServerOptions;

use super::{completed, failed, install, keeper, until_running};

#[tokio::test]
async fn weather_of_plugins_is_served() {
    // ABI-71, ABI-73
    let server = install(ServerOptions::new(), "@test/keeper", "_test_keeper", &keeper()).start().await;
    until_running(&server, "_test_keeper").await;
    let base = "/signalk/v2/api/weather";
    let listed = json!({"_test_keeper": {"name": "Test weather", "isDefault": true}});
    assert_eq!(server.json(&format!("{base}/_providers")).await, listed);
    assert_eq!(server.json(&format!("{base}/_providers/_default")).await, json!({"id": "_test_keeper"}));
    let query = "lat=0&lon=-24.5&count=2&date=2026-05-01&model=gfs";
    let options = json!({"maxCount": 2, "startDate": "2026-05-01", "custom": {"model": "gfs"}});
    let position = json!({"latitude": 0.0, "longitude": -24.5});
    let observed = json!([{"type": "observation", "asked": {"position": position, "options": options}}]);
    let by_name = format!("{base}/observations?{query}&provider=@test/keeper");
    assert_eq!(server.json(&by_name).await, observed);
    let asked = json!({"position": position, "type": "daily", "options": options});
    assert_eq!(
        server.json(&format!("{base}/forecasts/daily?{query}")).await,
        json!([{"type": "daily", "asked": asked}])
    );
    assert_eq!(server.json(&format!("{base}/forecasts/point?{query}")).await, json!([{"type": "point"}]));
    assert_eq!(server.json(&format!("{base}/warnings?{query}")).await, json!([]), "it has no such function");
    for (path, message) in [
        ("observations?lat=1", "Location not supplied!"),
        ("warnings?lat=1&lon=east", "Invalid position data!"),
        ("forecasts/daily?lat=1&lon=1&provider=nobody", "Requested provider not found! (nobody)"),
    ] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!((answer.status.as_u16(), answer.json()), failed(400, message), "{path}");
    }
    let answer = server.post(&format!("{base}/_providers/_default/@test/keeper"), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), completed(200, "Default provider set to _test_keeper."));
    let answer = server.post(&format!("{base}/_providers/_default/nobody"), &json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.json()), failed(400, "Provider nobody not found!"));
    server.post("/skServer/plugins/_test_keeper/disable", &json!({})).await;
    let answer = server.get(&format!("{base}/observations?{query}")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), failed(400, "No providers registered!"));
    // The next start brings it back.
    server.post("/skServer/plugins/_test_keeper/enable", &json!({})).await;
    assert_eq!(server.json(&format!("{base}/_providers")).await, listed);
}
