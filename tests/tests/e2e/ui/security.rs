//! The page about who may do what.

use std::ffi::OsStr;

use serde_json::{Value as Json, json};
use windlass_tests::{ServerOptions, chromium, recordings, run_script};

use super::assert_picture;

#[tokio::test]
async fn the_owner_of_a_new_server_secures_it_by_clicks() {
    let server = ServerOptions::new()
        .secured()
        .vessel("Aurora", "230099999")
        .argument("--playback")
        .argument(recordings().join("plaka.log"))
        .start()
        .await;
    server.eventually("/signalk/v1/api/vessels/self", |boat| boat.pointer("/navigation/position").is_some()).await;
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (address, code) = (server.url("/"), server.claim_code().await);
    let arguments = [OsStr::new(&address), folder.path().as_os_str(), OsStr::new(&code)];
    let said = run_script("ui/security.mjs", &arguments, &[("WINDLASS_CHROMIUM", chromium().as_os_str())]).await;
    let said: Json = serde_json::from_str(&said).expect("the script prints JSON");
    assert_eq!(said["device"], "May read", "one tap gives the least");
    assert_eq!(said["denied"], "DENIED");
    assert_eq!(said["hidden"], json!([200, 404, 200]), "a rule holds at once, and so does its end");
    assert_eq!(said["readable"], json!([false, true]));
    assert_eq!(said["otherSession"], 401, "a new password ends the other sessions");
    for name in ["claim", "users", "request", "devices", "rules", "settings", "phones"] {
        assert_picture(folder.path(), &format!("security-{name}-desktop.png"));
    }
    for name in ["request", "users", "devices", "rules", "settings", "account", "phones"] {
        assert_picture(folder.path(), &format!("security-{name}-phone.png"));
    }
}
