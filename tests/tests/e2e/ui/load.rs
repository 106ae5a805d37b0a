//! All pages while much happens on the bus.

use windlass_tests::{ServerOptions, demo_plugins};

use super::run;

#[tokio::test]
async fn every_page_stays_responsive_at_two_thousand_deltas_a_second() {
    let server =
        ServerOptions::new().argument("--demo").environment("WINDLASS_DEMO_PLUGINS", demo_plugins()).start().await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run("pages-load.mjs", &server.url("/"), folder.path()).await;
    println!("under load: {said}");
    assert!(said["rate"].as_u64().is_some_and(|rate| rate > 1_500), "the feed was too slow: {said}");
}
