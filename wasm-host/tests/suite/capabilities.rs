//! What a package asks for, what the operator leaves of it, and what an upgrade adds.

use serde_json::{Value, json};
use windlass_wasm_host::{Capabilities, CapabilityWarning, NetworkAccess, Storage, interface};

use super::support::*;

fn asked(capabilities: Value) -> Capabilities {
    let (asked, warnings) = Capabilities::from_package_json(&json!({ "wasmCapabilities": capabilities }));
    assert_eq!(warnings, vec![]);
    asked
}

#[test]
fn every_capability_is_parsed_granted_and_described() {
    for known in interface::capabilities() {
        let (on, off) =
            if known.name == "storage" { (json!("vfs-only"), json!("none")) } else { (json!(true), json!(false)) };
        assert!(asked(json!({ known.name: on })).grants(known.name), "{}", known.name);
        assert!(!asked(json!({ known.name: off })).grants(known.name), "{}", known.name);
        assert!(everything().grants(known.name) && !nothing().grants(known.name), "{}", known.name);
    }
    let fields = serde_json::to_value(Capabilities::default()).unwrap();
    let mut fields: Vec<_> = fields.as_object().unwrap().keys().cloned().collect();
    let mut described: Vec<_> = interface::capabilities().iter().map(|known| known.name.to_owned()).collect();
    fields.sort();
    described.sort();
    assert_eq!(fields, described);
}

#[test]
fn allow_lists_are_read_and_written() {
    let capabilities = asked(json!({
        "network": {"allow": ["api.example.org:443"]}, "rawSockets": {"allow": ["10.0.0.0/8:2000-2010", "localhost"]},
    }));
    assert!(capabilities.grants("network") && capabilities.grants("rawSockets"));
    assert!(capabilities.network.permits_host("api.example.org", 443));
    let written = serde_json::to_value(&capabilities).unwrap();
    assert_eq!(written["network"], json!({"allow": ["api.example.org:443"]}));
    assert_eq!(written["rawSockets"], json!({"allow": ["10.0.0.0/8:2000-2010", "localhost"]}));
    assert_eq!(serde_json::from_value::<Capabilities>(written).unwrap(), capabilities);

    let (bad, warnings) = Capabilities::from_package_json(&json!({"wasmCapabilities": {
        "network": {"allow": ["http://example.org", "b.example"]}, "rawSockets": "everywhere",
    }}));
    assert!(!bad.raw_sockets.is_granted() && !bad.network.permits_host("example.org", 80));
    assert!(bad.network.permits_host("b.example", 80));
    assert_eq!(warnings.len(), 2);
    assert!(
        matches!(&warnings[0], CapabilityWarning::AllowEntry { key, entry, .. } if key == "network" && entry == "http://example.org")
    );
    assert!(matches!(&warnings[1], CapabilityWarning::WrongType { key, .. } if key == "rawSockets"));
}

#[test]
fn what_an_upgrade_adds_is_named() {
    let nothing_new: [&str; 0] = [];
    for (older, newer, expected) in [
        (json!({}), json!({}), &nothing_new[..]),
        (json!({"network": true}), json!({}), &nothing_new),
        (json!({}), json!({"network": true, "rawSockets": true}), &["network: any host", "rawSockets: any host"]),
        (json!({"network": {"allow": ["a.example"]}}), json!({"network": true}), &["network: any host"]),
        (json!({"network": true}), json!({"network": {"allow": ["a.example"]}}), &nothing_new),
        (json!({"network": true}), json!({"network": {"allow": ["localhost:80"]}}), &["network: localhost:80"]),
        (
            json!({"rawSockets": {"allow": ["10.0.0.0/8"]}}),
            json!({"rawSockets": {"allow": ["10.1.2.3:80", "11.0.0.1"]}}),
            &["rawSockets: 11.0.0.1"],
        ),
        (json!({"storage": "none"}), json!({}), &["storage"]),
        (json!({}), json!({"storage": "none", "dataRead": false}), &nothing_new),
        (json!({"dataRead": false, "dataWrite": false}), json!({}), &["dataRead", "dataWrite"]),
        (json!({}), json!({"putHandlers": true, "radarProvider": true}), &["putHandlers", "radarProvider"]),
        // Endpoints are allowed when a package does not say.
        (json!({}), json!({"httpEndpoints": true}), &nothing_new),
        (json!({"httpEndpoints": false}), json!({}), &["httpEndpoints"]),
    ] {
        assert_eq!(asked(older.clone()).widened_by(&asked(newer.clone())), expected, "{older} -> {newer}");
    }
    let all: Vec<_> = interface::capabilities().iter().map(|known| known.name).collect();
    let wider = nothing().widened_by(&everything());
    assert_eq!(wider.iter().map(|name| name.split(':').next().unwrap()).collect::<Vec<_>>(), all);
    assert_eq!(everything().widened_by(&nothing()), nothing_new);
}

#[test]
fn the_operator_takes_away_and_says_where_to() {
    let package = asked(json!({"network": {"allow": ["api.example.org"]}, "putHandlers": true}));
    let restrict = |settings: Value| package.restricted_by(settings.as_object().unwrap());
    for (settings, expected) in [
        (json!({}), package.clone()),
        (json!({"putHandlers": true, "dataRead": true, "network": true, "storage": "vfs-only"}), package.clone()),
        // Nothing is given that the package does not ask for.
        (json!({"rawSockets": true, "radarProvider": true}), package.clone()),
        (json!({"rawSockets": {"allow": ["localhost"]}}), package.clone()),
        (json!({"putHandlers": false}), Capabilities { put_handlers: false, ..package.clone() }),
        (json!({"dataWrite": false}), Capabilities { data_write: false, ..package.clone() }),
        (json!({"httpEndpoints": false}), Capabilities { http_endpoints: Some(false), ..package.clone() }),
        (json!({"storage": "none"}), Capabilities { storage: Storage::None, ..package.clone() }),
        (json!({"network": false}), Capabilities { network: NetworkAccess::Denied, ..package.clone() }),
        (json!({"network": {"allow": []}}), Capabilities { network: NetworkAccess::Denied, ..package.clone() }),
        (
            json!({"network": {"allow": ["localhost:8080"]}}),
            Capabilities {
                network: asked(json!({"network": {"allow": ["localhost:8080"]}})).network,
                ..package.clone()
            },
        ),
    ] {
        assert_eq!(restrict(settings.clone()), (expected, vec![]), "{settings}");
    }
    // What cannot be read takes away.
    let (left, warnings) = restrict(json!({
        "network": "no", "putHandlers": "no", "dataRead": 0, "storage": "some", "httpEndpoints": null, "flying": true,
    }));
    for name in ["network", "putHandlers", "dataRead", "storage", "httpEndpoints"] {
        assert!(!left.grants(name), "{name}");
    }
    assert!(left.grants("dataWrite"));
    assert_eq!(warnings.len(), 6);
    assert!(warnings[0].to_string().contains("capabilities.network"), "{}", warnings[0]);
    let (left, warnings) = restrict(json!({"network": {"allow": ["a:b", "c.example"]}}));
    assert!(left.network.permits_host("c.example", 1) && !left.network.permits_host("api.example.org", 1));
    assert_eq!(warnings.len(), 1);
}
