//! Looking for other servers to connect to (server-admin-api §5): `PUT /skServer/runDiscovery`, with the results as events.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use serde_json::{Value, json};
use windlass_actors::discovery::{FoundServer, find_servers};

use super::AppState;

/// How long others have to answer.
const WAIT: Duration = Duration::from_secs(3);

/// One search at a time: pages ask at each visit.
static SEARCHING: AtomicBool = AtomicBool::new(false);

/// Registers the route.
pub fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/skServer/runDiscovery").route(web::put().to(run)));
}

async fn run(state: web::Data<AppState>) -> HttpResponse {
    if !SEARCHING.swap(true, Ordering::AcqRel) {
        actix_web::rt::spawn(async move {
            let found = find_servers(WAIT, state.mdns_reach).await.unwrap_or_else(|error| {
                log::warn!("no servers are looked for: {error}");
                Vec::new()
            });
            state.events.emit("DISCOVERY_CHANGED", &offers(&state, found));
            SEARCHING.store(false, Ordering::Release);
        });
    }
    HttpResponse::Ok().json("Discovery started")
}

/// Connections that could be added, as `/skServer/providers` shows them: not to this server, and none twice.
fn offers(state: &AppState, found: Vec<FoundServer>) -> Vec<Value> {
    let taken = state.connections.connections().into_iter().map(|connection| connection.id);
    offer(found, taken.collect())
}

fn offer(found: Vec<FoundServer>, mut taken: HashSet<String>) -> Vec<Value> {
    let others = found.into_iter().filter(|server| !server.here);
    let offers = others.map(|server| {
        let mut id = server.name.clone();
        let mut number = 2;
        while !taken.insert(id.clone()) {
            id = format!("{} {number}", server.name);
            number += 1;
        }
        let host = server.addresses.first().map_or_else(|| server.host.clone(), ToString::to_string);
        let kind = if server.secure { "wss" } else { "ws" };
        json!({
            "id": id, "enabled": false, "type": "SignalK", "logging": false, "editable": true,
            "options": {"type": kind, "host": host, "port": server.port},
            "isNew": true, "wasDiscovered": true,
        })
    });
    offers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_servers_are_offered_as_connections() {
        let server = |name: &str, own: &str| FoundServer {
            name: name.into(),
            host: "boat.local".into(),
            addresses: vec!["192.168.0.7".parse().expect("an address")],
            port: 3000,
            secure: name == "Beta",
            own: Some(own.into()),
            software: None,
            here: name == "Me",
        };
        // Gamma is another server of the same boat.
        let found =
            vec![server("Alpha", "urn:a"), server("Me", "urn:me"), server("Beta", "urn:b"), server("Gamma", "urn:me")];
        let offers = offer(found, HashSet::from(["Alpha".to_owned()]));
        let shown: Vec<_> = offers.iter().map(|offer| (&offer["id"], &offer["options"]["type"])).collect();
        let (ws, wss) = (json!("ws"), json!("wss"));
        assert_eq!(shown, [(&json!("Alpha 2"), &ws), (&json!("Beta"), &wss), (&json!("Gamma"), &ws)]);
        assert_eq!(offers[0]["options"]["host"], "192.168.0.7");
    }
}
