//! The published client library connects as it does to any Signal K server.

use std::ffi::OsStr;

use windlass_tests::{Continuity, Json, Publisher, ServerOptions, run_script};

#[tokio::test]
async fn the_published_client_receives_deltas() {
    let server = ServerOptions::new().vessel("Testboat", "230099999").start().await;
    let mut publisher = Publisher::connect(&server).await;
    publisher.value("gps", "navigation.position", serde_json::json!({"latitude": 60.1, "longitude": 24.9})).await;
    let mut flowing = Continuity::start(&server).await;
    let port = server.port().to_string();
    let said = run_script("signalk-client.mjs", &[OsStr::new("127.0.0.1"), OsStr::new(&port)], &[]).await;
    flowing.flows_on(10).await;
    flowing.finish().await;
    let said: Json = serde_json::from_str(&said).expect("the script prints JSON");
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
