//! Types of resources that apps have the server add (clients.md).

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Server, ServerOptions};

const LIST: &str = "/signalk/v2/api/resources/tracks";

#[tokio::test]
async fn apps_have_types_of_resources_added() {
    let server = Server::start().await;
    assert_eq!(server.get(LIST).await.status, 404);
    let added = server.post("/plugins/resources-provider/_config/tracks", &json!({"description": "Tracks"})).await;
    let ok = json!({"state": "COMPLETED", "statusCode": 200, "message": "OK"});
    assert_eq!((added.status.as_u16(), added.json()), (200, ok.clone()));
    assert_eq!(server.json(LIST).await, json!({}));
    assert_eq!(server.get("/signalk/v2/api/resources/others").await.status, 404);
    // Asked for again, under the other prefix.
    let again = server.post("/skServer/plugins/resources-provider/_config/tracks", &json!({})).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, ok));
    let refused = server.post("/plugins/resources-provider/_config/no.name", &json!({})).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["state"]), (400, &json!("FAILED")));
    let ended = server.terminate().await;
    let file = std::fs::read_to_string(ended.directory.path().join("plugin-config-data/resources-provider.json"));
    let file: windlass_tests::Json = serde_json::from_str(&file.expect("a file")).expect("JSON");
    assert_eq!(file["configuration"]["custom"], json!([{"name": "tracks", "description": "Tracks"}]));
    assert_eq!(file["configuration"]["standard"]["routes"], true);
    let server = ServerOptions::new().directory(&ended.directory).start().await;
    assert_eq!(server.json(LIST).await, json!({}), "after a restart");
}

#[tokio::test]
async fn only_admins_have_types_added() {
    let (server, admin) = ServerOptions::new().start_claimed().await;
    let crew = server.add_user(&admin, "crew", "readwrite").await;
    let path = "/plugins/resources-provider/_config/tracks";
    assert_eq!(server.as_who(&crew, Method::POST, path, Some(json!({}))).await.status, 401);
    assert_eq!(server.as_who(&admin, Method::GET, LIST, None).await.status, 404);
    assert_eq!(server.as_who(&admin, Method::POST, path, Some(json!({}))).await.status, 200);
    assert_eq!(server.as_who(&crew, Method::GET, LIST, None).await.json(), json!({}));
}
