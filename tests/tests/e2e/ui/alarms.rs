//! The alarms.

use serde_json::json;
use windlass_tests::ServerOptions;

use super::{assert_picture, run_with};

#[tokio::test]
async fn an_alarm_is_seen_on_all_pages_silenced_and_acknowledged() {
    // SK-117, SK-118
    let server = ServerOptions::new().argument("--demo").start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let depth = "notifications.environment.depth.belowSurface";
    for view in ["desktop", "phone"] {
        let said = run_with("alarms.mjs", &server.url("/"), folder.path(), &[view]).await;
        assert_eq!(said["methods"], json!([["visual", "sound"], ["visual"], []]), "{said}");
        let history = [
            format!("{depth} normal"),
            "notifications.mob normal".to_owned(),
            "notifications.mob emergency".to_owned(),
            format!("{depth} alarm"),
        ];
        assert_eq!(said["history"], json!(history), "newest first: {said}");
        assert_picture(folder.path(), &format!("alarms-{view}.png"));
    }
}
