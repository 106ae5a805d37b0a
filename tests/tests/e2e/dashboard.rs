//! The pages in a browser, at a glance. How each of them is used is in `ui`.

use std::ffi::OsStr;

use windlass_tests::{Json, Server, ServerOptions, chromium, demo_plugins, recordings, run_script};

/// Looks at the pages until they are live, the speed over ground has changed, these paths have values, and these plugins run.
async fn look(server: &Server, paths: &[&str], plugins: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (address, screenshot, paths) = (server.url("/"), folder.path().join("dashboard.png"), paths.join(","));
    let mut arguments = vec![OsStr::new(&address), screenshot.as_os_str(), OsStr::new(&paths)];
    arguments.extend(plugins.iter().map(OsStr::new));
    let said = run_script("dashboard.mjs", &arguments, &[("WINDLASS_CHROMIUM", chromium().as_os_str())]).await;
    let said: Json = serde_json::from_str(&said).expect("the script prints JSON");
    assert_eq!(said["address"], server.url("/admin/"), "`/` leads to the dashboard");
    let picture = std::fs::read(&screenshot).expect("there is a screenshot");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{} bytes", picture.len());
    let values = said["values"].as_array().expect("an array");
    assert!(values.windows(2).all(|two| two[0] != two[1]), "{values:?}");
}

#[tokio::test]
async fn the_dashboard_shows_the_demo_live() {
    let server =
        ServerOptions::new().argument("--demo").environment("WINDLASS_DEMO_PLUGINS", demo_plugins()).start().await;
    let paths = ["navigation.position", "environment.wind.speedApparent", "environment.wind.speedTrue"];
    look(&server, &paths, &["_windlass_anchor-watch", "_windlass_true-wind"]).await;
}

#[tokio::test]
async fn the_dashboard_shows_the_recorded_yacht() {
    let server = ServerOptions::new()
        .argument("--playback")
        .argument(recordings().join("plaka.log"))
        .arguments(["--playback-speed", "20"])
        .start()
        .await;
    let paths = ["navigation.position", "environment.depth.belowTransducer", "navigation.speedThroughWater"];
    look(&server, &paths, &[]).await;
    for path in paths {
        server
            .eventually(&format!("/signalk/v1/api/vessels/self/{}", path.replace('.', "/")), |leaf| {
                leaf["$source"] == "playback.II" || leaf["$source"] == "playback.GP"
            })
            .await;
    }
}
