//! The dashboard in a browser.

use std::ffi::OsStr;

use windlass_tests::{Json, Server, ServerOptions, chromium, demo_plugins, recordings, run_script};

/// Looks at the page until it is live, its speed over ground has changed, and these plugins run. Returns the paths in
/// the table.
async fn look(server: &Server, plugins: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (address, screenshot) = (server.url("/"), folder.path().join("dashboard.png"));
    let mut arguments = vec![OsStr::new(&address), screenshot.as_os_str()];
    arguments.extend(plugins.iter().map(OsStr::new));
    let said = run_script("dashboard.mjs", &arguments, &[("WINDLASS_CHROMIUM", chromium().as_os_str())]).await;
    let said: Json = serde_json::from_str(&said).expect("the script prints JSON");
    assert_eq!(said["address"], server.url("/admin/"), "`/` leads to the dashboard");
    let picture = std::fs::read(&screenshot).expect("there is a screenshot");
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{} bytes", picture.len());
    let paths = said["paths"].as_array().expect("an array").iter();
    paths.map(|path| path.as_str().expect("a path is a text").to_owned()).collect()
}

#[tokio::test]
async fn the_dashboard_shows_the_demo_live() {
    let server =
        ServerOptions::new().argument("--demo").environment("WINDLASS_DEMO_PLUGINS", demo_plugins()).start().await;
    let paths = look(&server, &["_windlass_anchor-watch", "_windlass_true-wind"]).await;
    for path in ["navigation.position", "environment.wind.speedApparent", "environment.wind.speedTrue"] {
        assert!(paths.iter().any(|shown| shown == path), "{path} in {paths:?}");
    }
}

#[tokio::test]
async fn the_dashboard_shows_the_recorded_yacht() {
    let server = ServerOptions::new()
        .argument("--playback")
        .argument(recordings().join("plaka.log"))
        .arguments(["--playback-speed", "20"])
        .start()
        .await;
    let paths = look(&server, &[]).await;
    for path in ["navigation.position", "environment.depth.belowTransducer", "navigation.speedThroughWater"] {
        assert!(paths.iter().any(|shown| shown == path), "{path} in {paths:?}");
        server
            .eventually(&format!("/signalk/v1/api/vessels/self/{}", path.replace('.', "/")), |leaf| {
                leaf["$source"] == "playback.II" || leaf["$source"] == "playback.GP"
            })
            .await;
    }
}
