//! Server events: an interface that so far exists in a development branch of the reference server only (ABI specification §4.10).

use super::{Entry, Escape, HostCall, Param, answers::Answer, answers::done};

/// What the names of events that plugins emit begin with.
const PLUGIN_PREFIX: &str = "PLUGIN_";

/// The server's own events that plugins may receive.
const SERVER_EVENTS: [&str; 6] =
    ["SERVERSTATISTICS", "VESSEL_INFO", "DEBUG_SETTINGS", "SERVERMESSAGE", "PROVIDERSTATUS", "SOURCEPRIORITIES"];

/// Longest name of an event, in bytes.
const LONGEST_NAME: usize = 128;

pub(super) const TABLE: &[Entry] = &[
    Entry {
        name: "sk_subscribe_events",
        aliases: &[],
        params: &[Param::Text("types")],
        result: Some("1"),
        capability: Some("serverEvents"),
        failure: 0,
        doc: "From now on events of these types are given to the export `event_handler`. `types` is a JSON array of names; an \
              empty one means all that are allowed. It replaces an earlier subscription. Types that are not allowed are left \
              out; when none remains, the call fails.",
        run: subscribe,
    },
    Entry {
        name: "sk_emit_event",
        aliases: &[],
        params: &[Param::Text("type"), Param::Text("data")],
        result: Some("1"),
        capability: Some("serverEvents"),
        failure: 0,
        doc: "Emits an event to clients and plugins. `data` is JSON. A type that does not begin with `PLUGIN_` gets this prefix.",
        run: emit,
    },
    Entry {
        name: "sk_get_allowed_event_types",
        aliases: &[],
        params: &[Param::Out("answer")],
        result: Some("the number of bytes written"),
        capability: Some("serverEvents"),
        failure: 0,
        doc: "Writes the types of events that may be subscribed to as a JSON array. `PLUGIN_*` stands for all events of plugins.",
        run: |call| {
            let allowed = SERVER_EVENTS.into_iter().chain(["PLUGIN_*"]).collect::<Vec<_>>();
            call.answer_text(0, &serde_json::json!(allowed).to_string())
        },
    },
];

fn subscribe(call: &mut HostCall<'_>) -> Answer {
    let Ok(wanted) = serde_json::from_str::<Vec<String>>(&call.text(0)?) else {
        call.context.host.notice("sk_subscribe_events wants a JSON array of event types");
        return Err(Escape::Failure);
    };
    let all = wanted.is_empty();
    let (allowed, refused): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|kind| may_receive(kind));
    if !refused.is_empty() {
        call.context.host.notice(&format!("events a plugin may not receive were left out: {}", refused.join(", ")));
    }
    if allowed.is_empty() && !all {
        return Err(Escape::Failure);
    }
    done(call, call.context.host.subscribe_events(&allowed))
}

fn may_receive(kind: &str) -> bool {
    SERVER_EVENTS.contains(&kind) || kind.starts_with(PLUGIN_PREFIX)
}

fn emit(call: &mut HostCall<'_>) -> Answer {
    let (kind, data) = (call.text(0)?, call.text(2)?);
    let name = kind.strip_prefix(PLUGIN_PREFIX).unwrap_or(&kind);
    let valid = (1..=LONGEST_NAME).contains(&name.len()) && !name.contains(|c: char| c.is_control() || c == '*');
    if !valid || serde_json::from_str::<serde::de::IgnoredAny>(&data).is_err() {
        call.context.host.notice("sk_emit_event wants the name of an event and its data as JSON");
        return Err(Escape::Failure);
    }
    done(call, call.context.host.emit_event(&format!("{PLUGIN_PREFIX}{name}"), &data))
}
