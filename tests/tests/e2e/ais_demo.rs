//! The traffic around the demo boat.

use serde_json::Value as Json;
use windlass_tests::ServerOptions;

/// SK-53, SK-54.
#[tokio::test]
async fn the_demo_boat_meets_others() {
    let server = ServerOptions::new().argument("--demo").start().await;
    let vessel = |all: &Json, mmsi: &str| all.get(format!("urn:mrn:imo:mmsi:{mmsi}")).cloned().unwrap_or_default();
    let known = |all: &Json| {
        (230_990_101..=230_990_108).all(|mmsi| {
            let vessel = vessel(all, &mmsi.to_string());
            vessel["name"].is_string() && vessel["navigation"]["position"]["value"].is_object()
        })
    };
    let vessels = server.eventually("/signalk/v1/api/vessels", known).await;
    let classes = |class: &str| {
        let of = |vessel: &Json| vessel.pointer("/sensors/ais/class/value") == Some(&Json::from(class));
        vessels.as_object().expect("an object").values().filter(|vessel| of(vessel)).count()
    };
    assert_eq!((classes("A"), classes("B")), (5, 3));
    let ferry = vessel(&vessels, "230990101");
    assert_eq!(ferry["name"], "SKARGARDSFERRY");
    assert_eq!(ferry["design"]["aisShipType"]["value"]["name"], "Passenger ship");
    let aids = server.eventually("/signalk/v1/api/atons", |all| all.as_object().is_some_and(|it| it.len() == 2)).await;
    assert!(aids.as_object().expect("an object").values().any(|aid| aid["virtual"]["value"] == true), "{aids}");
    assert!(server.tree("").await.get("sar").is_none(), "nobody is in distress");
}
