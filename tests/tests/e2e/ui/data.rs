//! The data browser.

use serde_json::json;
use windlass_tests::ServerOptions;

use super::{assert_picture, run, run_with};

#[tokio::test]
async fn a_path_is_found_read_and_given_zones() {
    // SK-114, SK-117
    let server = ServerOptions::new().argument("--demo").start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    for view in ["desktop", "phone"] {
        let said = run_with("data.mjs", &server.url("/"), folder.path(), &[view]).await;
        let zones =
            json!([{"state": "alarm", "lower": 5, "upper": 500, "message": format!("Deep enough at the {view}")}]);
        let left = &said["zones"];
        assert_eq!(left["zones"], zones, "{said}");
        assert_eq!(left["alarmMethod"], json!(["visual", "sound"]), "{said}");
        assert_eq!(left["displayName"], format!("Depth at the {view}"), "{said}");
        assert!(said["rows"].as_u64().is_some_and(|rows| rows > 30), "{said}");
        for picture in ["data", "data-detail", "data-zones"] {
            assert_picture(folder.path(), &format!("{picture}-{view}.png"));
        }
    }
}

#[tokio::test]
async fn ten_thousand_paths_scroll_smoothly() {
    let server = ServerOptions::new().argument("--demo").start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("data-many.mjs", &server.url("/"), folder.path()).await;
    println!("with many paths: {said}");
    assert_picture(folder.path(), "data-many.png");
}
