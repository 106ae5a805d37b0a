//! The pages over TLS: what phones need to trust the boat.

use std::net::TcpListener;

use serde_json::json;
use windlass_tests::ServerOptions;

use super::{assert_picture, run_with};

/// A port that nobody listens on: the page tells phones what the settings say.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

#[tokio::test]
async fn a_phone_gets_the_certificate_of_the_boat() {
    let (plain, secure) = (free_port(), free_port());
    let server = ServerOptions::new()
        .port(plain)
        .setting("port", json!(plain))
        .setting("ssl", json!(true))
        .setting("sslport", json!(secure))
        .start()
        .await;
    let address = format!("https://{}/", server.tls_address().await);
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let said = run_with("security-tls.mjs", &address, folder.path(), &[&plain.to_string()]).await;
    assert_eq!(said, json!({"trusted": 200, "stream": [format!("wss://boat.local:{secure}")]}));
    for view in ["desktop", "phone"] {
        assert_picture(folder.path(), &format!("security-tls-{view}.png"));
    }
}
