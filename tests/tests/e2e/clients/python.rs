//! The published client library for Python, `signalk-client`.

use serde_json::json;
use windlass_tests::{Json, run_python};

use super::boat::{Boat, NAME, NEIGHBOUR};

/// It finds the stream by the discovery, reads the tree, and puts each delta into what it has read.
#[tokio::test]
async fn the_python_library_follows_the_boat() {
    let server = Boat::options().start().await;
    let _boat = Boat::board(&server).await;
    let address = server.address();
    let watched = ["navigation.speedOverGround", "m/s", "kn", "6.20 kn", "7.40 kn"];
    let said = run_python("watch_boat.py", &[&[address.as_str()], &watched[..]].concat()).await;
    let said: Json = serde_json::from_str(&said).expect("the script prints JSON");
    assert_eq!(said["errors"], json!([]), "{said}");
    assert_eq!(said["self"], NAME);
    assert_eq!(said["vessels"], json!([NEIGHBOUR, NAME]));
    let position = said["position"].as_str().expect("a text");
    assert!(position.starts_with("N 60 6.") && position.contains(", E 24 5"), "{position}");
    let targets = said["targets"].as_array().expect("an array");
    for path in ["environment.depth.belowTransducer", "environment.wind.speedApparent", "navigation.headingTrue"] {
        assert!(targets.iter().any(|target| target == path), "{path} in {targets:?}");
    }
}
