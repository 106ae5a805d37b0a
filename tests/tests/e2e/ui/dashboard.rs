//! The dashboard.

use std::time::Instant;

use serde_json::json;
use windlass_tests::{BETWEEN_LOOKS, PASSWORD, PATIENCE, ServerOptions};

use super::{assert_picture, run, run_with};

fn demo() -> ServerOptions {
    ServerOptions::new().argument("--demo")
}

#[tokio::test]
async fn the_dashboard_appears_by_itself() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("dashboard.mjs", &server.url("/"), folder.path()).await;
    println!("the first value was on the screen after {} ms", said["firstValue"]);
    for name in ["desktop", "desktop-night", "desktop-red", "phone", "kiosk"] {
        assert_picture(folder.path(), &format!("dashboard-{name}.png"));
    }
    // Looking at it keeps nothing.
    let kept = server.json("/signalk/v1/applicationData/user/windlass-ui/1.0.0").await;
    assert_eq!(kept.get("dashboard"), None, "{kept}");
}

#[tokio::test]
async fn the_dashboard_is_edited_by_keys_and_pointer_and_kept() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    run_with("dashboard-edit.mjs", &server.url("/"), folder.path(), &["desk"]).await;
    assert_picture(folder.path(), "dashboard-edit-desktop.png");
    // Kept at the server, with a version that guards it.
    let kept = server.json("/signalk/v1/applicationData/user/windlass-ui/1.0.0").await;
    assert!(kept["dashboard"]["revision"].as_u64().is_some_and(|revision| revision > 1), "{kept}");
    assert_eq!(kept["dashboard"]["data"]["pages"][1]["name"], "Anchoring", "{kept}");
}

#[tokio::test]
async fn the_dashboard_is_edited_by_touch_and_kept() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    run_with("dashboard-edit.mjs", &server.url("/"), folder.path(), &["touch"]).await;
    for name in ["tablet", "phone"] {
        assert_picture(folder.path(), &format!("dashboard-edit-{name}.png"));
    }
}

#[tokio::test]
async fn each_user_has_a_dashboard_and_there_is_one_for_everybody() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    server.add_user(&admin, "mate", "readwrite").await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    run_with("dashboard-users.mjs", &server.url("/"), folder.path(), &[PASSWORD]).await;
    assert_picture(folder.path(), "dashboard-empty.png");
}

#[tokio::test]
async fn what_one_device_changes_is_seen_at_the_others() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("dashboard-two.mjs", &server.url("/"), folder.path()).await;
    println!("a change was seen after {} ms", said["noticed"]);
    assert_picture(folder.path(), "dashboard-conflict-phone.png");
    // The two that were made in a conflict have become one.
    let kept = server.json("/signalk/v1/applicationData/user/windlass-ui/1.0.0/dashboard/data/pages/0/widgets").await;
    let kinds: Vec<_> = kept.as_array().expect("widgets").iter().map(|widget| &widget["id"]).collect();
    assert!(kinds.contains(&&json!("text")) && !kinds.contains(&&json!("alarms")), "{kinds:?}");
}

#[tokio::test]
async fn a_switch_waits_for_its_device() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("dashboard-switch.mjs", &server.url("/"), folder.path()).await;
    let put = |value: u64| json!([{"path": "electrical.switches.anchorLight.state", "value": value}]);
    assert_eq!((&said["wanted"], &said["refused"]), (&put(1), &put(0)));
}

#[tokio::test]
async fn the_dashboard_stays_responsive_at_two_thousand_deltas_a_second() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("dashboard-load.mjs", &server.url("/"), folder.path()).await;
    println!("under load: {said}");
    assert!(said["sent"].as_u64().is_some_and(|sent| sent > 8_000), "the feed was too slow: {said}");
}

#[tokio::test]
async fn the_dashboard_outlives_the_server() {
    let server = demo().start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (address, port) = (server.url("/"), server.port());
    let open = folder.path().join("open");
    let restart = async {
        let deadline = Instant::now() + PATIENCE;
        while !open.exists() {
            assert!(Instant::now() < deadline, "the page does not open");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        let ended = server.terminate().await;
        demo().directory(&ended.directory).port(port).start().await
    };
    let (said, _server) = tokio::join!(run("dashboard-restart.mjs", &address, folder.path()), restart);
    assert_ne!(said["before"], said["after"]);
}
