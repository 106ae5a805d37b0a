//! What ACLs hide beside the tree: resources, radars and the list of paths (signalk-v1 §8.5).

use reqwest::Method;
use serde_json::json;
use windlass_tests::{Json, Server, ServerOptions};

use super::radars::radar;
use super::{ID, OTHER, install, keeper, waypoint};

const WAYPOINTS: &str = "/signalk/v2/api/resources/waypoints";
const RADARS: &str = "/signalk/v2/api/vessels/self/radars";

async fn status(server: &Server, token: &str, method: Method, path: &str, body: Option<Json>) -> u16 {
    server.as_who(token, method, path, body).await.status.as_u16()
}

#[tokio::test]
async fn acls_hold_for_resources_radars_and_paths() {
    // SK-147, SK-148
    let two_radars = radar(r#"["open","secret"]"#, "radar_set_power", "@typed", "@bad");
    let options = install(ServerOptions::new().secured(), "keeper", "keeper", &keeper());
    let base = json!([{"context": "vessels.self", "updates": [{"values": [
        {"path": "", "value": {"name": "Aurora", "mmsi": "230099999"}},
        {"path": "design.beam", "value": 4}, {"path": "hidden.value", "value": 1},
    ]}]}]);
    let options = install(options, "two-radars", "two-radars", &two_radars).json_file("baseDeltas.json", &base);
    let server = options.start().await;
    // Until the server is claimed, everybody may read.
    server.eventually("/signalk/v2/api/resources", |types| types.get("waypoints").is_some()).await;
    server.eventually(RADARS, |radars| radars["radars"].get("secret").is_some()).await;
    let admin = server.claim().await;
    let (crew, guest) =
        (server.add_user(&admin, "crew", "readwrite").await, server.add_user(&admin, "guest", "readwrite").await);
    let path = format!("{WAYPOINTS}/{ID}");
    assert_eq!(status(&server, &admin, Method::PUT, &path, Some(waypoint("Buoy"))).await, 200);
    let all = json!([{"subject": "admin", "permission": "write"}, {"subject": "admin", "permission": "put"},
        {"subject": "crew", "permission": "write"}, {"subject": "crew", "permission": "put"}]);
    let mut shown = all.clone();
    shown.as_array_mut().expect("an array").push(json!({"subject": "guest", "permission": "read"}));
    let acls = json!([{"context": "vessels.self", "resources": [
        {"paths": ["design.*", "radars.open", "resources.charts.*"], "permissions": shown},
        {"paths": ["*"], "permissions": all},
    ]}]);
    let config = server.as_who(&admin, Method::PUT, "/skServer/security/config", Some(json!({"acls": acls}))).await;
    assert_eq!(config.status, 200, "{}", config.text);

    for (who, sees) in [(&admin, true), (&crew, true), (&guest, false)] {
        let get = async |path: &str| server.as_who(who, Method::GET, path, None).await;
        let paths = get("/skServer/availablePaths").await.json();
        let paths = paths.as_array().expect("paths");
        assert!(paths.contains(&json!("design.beam")), "{paths:?}");
        assert_eq!((paths.contains(&json!("hidden.value")), paths.contains(&json!(""))), (sees, sees), "{paths:?}");
        let found = if sees { 200 } else { 404 };
        assert_eq!(get(WAYPOINTS).await.json().get(ID).is_some(), sees);
        for path in [path.clone(), format!("{path}/name"), format!("{RADARS}/secret"), format!("{RADARS}/secret/state")]
        {
            assert_eq!(get(&path).await.status, found, "{path}");
        }
        assert_eq!(get(&format!("{RADARS}/open/state")).await.status, 200);
        let radars = get(RADARS).await.json();
        assert!(radars["radars"].get("open").is_some(), "{radars}");
        assert_eq!(radars["radars"].get("secret").is_some(), sees, "{radars}");
    }
    // What can't be seen can't be changed, and what can be seen only where that is granted.
    let power = |radar: &str| format!("{RADARS}/{radar}/power");
    let transmit = || Some(json!({"value": "transmit"}));
    assert_eq!(status(&server, &guest, Method::PUT, &power("secret"), transmit()).await, 404);
    assert_eq!(status(&server, &guest, Method::PUT, &power("open"), transmit()).await, 403);
    assert_eq!(status(&server, &crew, Method::PUT, &power("open"), transmit()).await, 200);
    assert_eq!(status(&server, &crew, Method::PUT, &power("secret"), transmit()).await, 200);
    assert_eq!(status(&server, &guest, Method::PUT, &path, Some(waypoint("Theirs"))).await, 403);
    assert_eq!(status(&server, &guest, Method::DELETE, &path, None).await, 403);
    assert_eq!(status(&server, &guest, Method::POST, WAYPOINTS, Some(waypoint("New"))).await, 403);
    assert_eq!(status(&server, &crew, Method::PUT, &format!("{WAYPOINTS}/{OTHER}"), Some(waypoint("Ours"))).await, 200);
    // Nor does somebody choose who provides what they may not change.
    for (of, chosen) in [("resources/waypoints", 201), ("weather", 200), ("vessels/self/radars", 200)] {
        let path = |name: &str| format!("/signalk/v2/api/{of}/_providers/_default/{name}");
        let name = if of.ends_with("radars") { "two-radars" } else { "keeper" };
        assert_eq!(status(&server, &guest, Method::POST, &path(name), None).await, 403, "{of}");
        assert_eq!(status(&server, &crew, Method::POST, &path(name), None).await, chosen, "{of}");
    }
}
