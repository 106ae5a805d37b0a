//! The published client library for JavaScript, `@signalk/client`.

use std::ffi::OsStr;

use serde_json::json;
use windlass_tests::{Continuity, Json, PASSWORD, Publisher, Server, ServerOptions, run_script};

use super::boat::{Boat, NAME};

/// Runs a script of the library with host, port, and what else it wants.
async fn run(name: &str, server: &Server, more: &[&str]) -> Json {
    let port = server.port().to_string();
    let arguments: Vec<_> = [&["127.0.0.1", port.as_str()], more].concat().into_iter().map(OsStr::new).collect();
    let said = run_script(name, &arguments, &[]).await;
    serde_json::from_str(&said).expect("the script prints JSON")
}

/// It connects as it does to any Signal K server.
#[tokio::test]
async fn the_javascript_library_receives_deltas() {
    let server = ServerOptions::new().vessel("Testboat", "230099999").start().await;
    let mut publisher = Publisher::connect(&server).await;
    publisher.value("gps", "navigation.position", json!({"latitude": 60.1, "longitude": 24.9})).await;
    let mut flowing = Continuity::start(&server).await;
    let said = run("signalk-client.mjs", &server, &[]).await;
    flowing.flows_on(10).await;
    flowing.finish().await;
    let own = "vessels.urn:mrn:imo:mmsi:230099999";
    assert_eq!(said["self"], own);
    assert_eq!(said["apiSelf"], own);
    assert_eq!(said["position"]["latitude"], 60.1, "{said}");
    let deltas = said["deltas"].as_array().expect("an array");
    assert!(deltas.len() >= 5, "{said}");
    for delta in deltas {
        assert_eq!(delta["context"], own);
    }
    let speeds: Vec<_> = deltas.iter().filter_map(|delta| delta["updates"][0]["values"][0]["value"].as_u64()).collect();
    assert!(speeds.windows(2).all(|pair| pair[1] == pair[0] + 1), "each value, in order: {speeds:?}");
}

/// SK-110, SK-139, SK-140: users log in over HTTP and over the stream, a device gets access, and a switch is thrown.
#[tokio::test]
async fn the_javascript_library_works_on_a_secured_server() {
    let (server, admin) = Boat::options()
        // The library opens its stream without a token, and logs in there afterwards if at all.
        .environment("ALLOW_READONLY", "true")
        .start_claimed()
        .await;
    server.add_user(&admin, "crew", "readwrite").await;
    let _boat = Boat::board(&server).await;
    let said = run("signalk-client-secured.mjs", &server, &[PASSWORD]).await;
    let is = |step: &str, expected: Json| assert_eq!(said[step], expected, "{step}: {said}");

    let login = server.url("/signalk/v1/auth/login");
    is("wrongPassword", json!(format!("Error fetching {login}: 401 Unauthorized")));
    is("wrongOnStream", json!("Error authenticating: status 401"));
    is("name", json!(NAME));
    is("vessels", json!(["urn:mrn:imo:mmsi:230012340", "urn:mrn:imo:mmsi:230099999"]));
    is("sources", json!(["defaults", "instruments"]));
    assert_eq!(said["named"]["statusCode"], 200, "{said}");
    assert_eq!((&said["meta"]["displayName"], &said["meta"]["units"]), (&json!("Speed"), &json!("m/s")), "{said}");

    let address = server.url("/signalk/v1/api/vessels/self/electrical/switches/cabin/state");
    is("tokenIsJwt", json!(true));
    is("visitorPut", json!(format!("Error fetching {address}: 401 Unauthorized")));
    assert_eq!((&said["asked"]["state"], &said["asked"]["statusCode"]), (&json!("PENDING"), &json!(202)), "{said}");
    is("permission", json!("APPROVED"));
    is("put", json!({"state": "PENDING", "statusCode": 202}));
    is("putLater", json!({"state": "COMPLETED", "statusCode": 200, "message": "switched true"}));
    is("switched", json!(true));
    is("streamRefused", json!(403));
    is("streamPut", json!({"statusCode": 200, "message": "switched false"}));
}
