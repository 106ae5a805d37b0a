//! The statements of the specification, group by group; each row names those it shows.
//!
//! Rows of a group share a server and use paths of their own. That something does *not* come is shown by what comes
//! next instead of it, since everything on one connection is in order.

mod admin;
mod data_model;
mod discovery;
mod inputs;
mod mdns;
mod notifications;
mod outputs;
mod priorities;
mod rate_control;
mod robustness;
mod security;
mod slow_clients;
mod stream;
mod stream_put;
mod stream_security;
mod subscriptions;
mod timeouts;
mod tree;

/// The own ship of these tests.
const MMSI: &str = "230099999";
const NAME: &str = "Testboat";

fn own_context() -> String {
    format!("vessels.urn:mrn:imo:mmsi:{MMSI}")
}

/// Whether a text is a time in UTC, in the form of ISO 8601 that Signal K uses.
fn is_utc(text: &str) -> bool {
    text.ends_with('Z') && text.contains('T') && text.parse::<jiff::Timestamp>().is_ok()
}
