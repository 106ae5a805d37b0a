//! What happens to writes while a provider is out of order.

use serde_json::{Value as Json, json};
use windlass_tests::{Answer, ServerOptions};

use super::{Guest, ID, OTHER, completed, install, keeper, put, until_running, waypoint};

/// Provides waypoints and charts, but its answers to questions about single ones are none.
fn babbler() -> Guest {
    Guest::new("(drop (call $resources @waypoints)) (drop (call $resources @charts))")
        .text("waypoints", "waypoints")
        .text("charts", "charts")
        .text("nonsense", "nonsense")
        .handler("resources_list_resources", "")
        .handler("resources_get_resource", "(call $put @nonsense)")
        .handler("resources_set_resource", "")
        .handler("resources_delete_resource", "")
}

fn unavailable(answer: &Answer, id: &str) {
    let body = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &body["state"], &body["statusCode"]),
        (503, &json!("FAILED"), &json!(503)),
        "{body}"
    );
    let message = body["message"].as_str().expect("a text");
    assert!(message.contains(id) && message.contains("because babbler gave no usable answer"), "{message}");
}

#[tokio::test]
async fn a_write_is_503_while_it_can_not_be_told_who_has_the_resource() {
    // ABI-69
    let options = install(ServerOptions::new(), "@test/keeper", "_test_keeper", &keeper());
    let server = install(options, "babbler", "babbler", &babbler()).start().await;
    until_running(&server, "_test_keeper").await;
    until_running(&server, "babbler").await;
    let base = "/signalk/v2/api/resources";
    let (mine, unknown) = (format!("{base}/waypoints/{ID}"), format!("{base}/waypoints/{OTHER}"));
    let named = format!("{mine}?provider=_test_keeper");
    assert_eq!(put(&server, &named, &waypoint("Home")).await, completed(200, ID));

    let request = |method, path: &str, body: Option<Json>| {
        let (server, path, body) = (&server, path.to_owned(), body.map(|body| body.to_string()));
        async move { server.request(method, &path, &[], body).await }
    };
    let body = Some(waypoint("Buoy"));
    unavailable(&request(reqwest::Method::PUT, &unknown, body.clone()).await, OTHER);
    unavailable(&request(reqwest::Method::DELETE, &unknown, None).await, OTHER);
    let chart = json!({"identifier": "chart_123", "type": "WMS"});
    unavailable(&request(reqwest::Method::POST, &format!("{base}/charts"), Some(chart)).await, "chart_123");
    assert_eq!(server.json(&format!("{base}/waypoints")).await, json!({ID: waypoint("Home")}), "nothing was changed");

    // Where the owner answers, the other one does not matter.
    assert_eq!(put(&server, &mine, &waypoint("Moved")).await, completed(200, ID));
    // Without the provider that gives no answer it is known again that nobody has it.
    server.post("/skServer/plugins/babbler/disable", &json!({})).await;
    assert_eq!(request(reqwest::Method::DELETE, &unknown, None).await.status, 404);
    assert_eq!(put(&server, &unknown, &waypoint("Buoy")).await, completed(200, OTHER));
}
