//! The `sk_*` functions (ABI specification §4.2–4.4).

use super::{Entry, Escape, HostCall, Param};
use crate::{DeltaVersion, engine::Value};

type Answer = Result<Option<Value>, Escape>;

/// Success of a function that reports 0 for it.
const DONE: Answer = Ok(Some(Value::I32(0)));

pub(super) const LOG: &[Entry] = &[
    Entry {
        name: "sk_debug",
        aliases: &["sk_log_debug", "sk_log_info", "sk_log_warn", "sk_log_error"],
        params: &[Param::Text("text")],
        result: None,
        capability: None,
        failure: 0,
        doc: "Writes a line of debug text to the server's log, under the plugin's name.",
        run: debug,
    },
    Entry {
        name: "sk_set_status",
        aliases: &["sk_set_plugin_status", "sk_set_status_ffi"],
        params: &[Param::Text("text")],
        result: None,
        capability: None,
        failure: 0,
        doc: "Shows a status text beside the plugin; an empty one clears it.",
        run: set_status,
    },
    Entry {
        name: "sk_set_error",
        aliases: &["sk_set_plugin_error"],
        params: &[Param::Text("text")],
        result: None,
        capability: None,
        failure: 0,
        doc: "Shows an error text beside the plugin. The plugin's state does not change.",
        run: set_error,
    },
];

pub(super) const DATA: &[Entry] = &[
    Entry {
        name: "sk_handle_message",
        aliases: &["sk_emit_delta"],
        params: &[Param::Text("delta"), Param::Int("version")],
        result: None,
        capability: Some("dataWrite"),
        failure: 0,
        doc: "Emits a delta as JSON. `version` 2 sends it to the streams only; anything else, also when the parameter is not declared, is version 1.",
        run: handle_message,
    },
    Entry {
        name: "sk_publish_notification",
        aliases: &[],
        params: &[Param::Text("path"), Param::Text("value")],
        result: Some("0"),
        capability: Some("dataWrite"),
        failure: -1,
        doc: "Publishes a notification of the own vessel. `path` begins with `notifications.`; `value` is JSON: an object with a `state`, or null to clear it.",
        run: publish_notification,
    },
    Entry {
        name: "sk_get_self_path",
        aliases: &[],
        params: &[Param::Text("path"), Param::Out("answer")],
        result: Some("the number of bytes written"),
        capability: Some("dataRead"),
        failure: 0,
        doc: "Writes the JSON value at a path of the own vessel. An empty path means everything; the suffixes `.value`, `.timestamp`, `.$source` and `.meta` lead to the fields of a value.",
        run: get_self_path,
    },
    Entry {
        name: "sk_get_path",
        aliases: &[],
        params: &[Param::Text("path"), Param::Out("answer")],
        result: Some("the number of bytes written"),
        capability: Some("dataRead"),
        failure: 0,
        doc: "The same for the whole model: `path` begins with a context, as in `vessels.self.navigation.position`; `/sources` gives the sources.",
        run: get_path,
    },
];

pub(super) const CONFIGURATION: &[Entry] = &[
    Entry {
        name: "sk_read_config",
        aliases: &[],
        params: &[Param::Out("answer")],
        result: Some("the number of bytes written"),
        capability: None,
        failure: 0,
        doc: "Writes the saved configuration as JSON, `{}` when there is none.",
        run: read_config,
    },
    Entry {
        name: "sk_save_config",
        aliases: &[],
        params: &[Param::Text("configuration")],
        result: Some("0"),
        capability: None,
        failure: -1,
        doc: "Saves another configuration, given as JSON. The plugin is not restarted.",
        run: save_config,
    },
    Entry {
        name: "sk_has_capability",
        aliases: &[],
        params: &[Param::Text("name")],
        result: Some("1"),
        capability: None,
        failure: 0,
        doc: "Tells whether a capability is granted.",
        run: has_capability,
    },
];

fn debug(call: &mut HostCall<'_>) -> Answer {
    call.debug(&call.text(0)?);
    DONE
}

fn set_status(call: &mut HostCall<'_>) -> Answer {
    let text = call.text(0)?;
    call.context.voice.set_status(&text);
    DONE
}

fn set_error(call: &mut HostCall<'_>) -> Answer {
    call.set_error(&call.text(0)?);
    DONE
}

/// The optional third argument is the version: 2 means 2, everything else 1.
fn handle_message(call: &mut HostCall<'_>) -> Answer {
    let version = if call.int(2) == 2 { DeltaVersion::V2 } else { DeltaVersion::V1 };
    call.context.host.emit_delta(&call.text(0)?, version);
    DONE
}

fn publish_notification(call: &mut HostCall<'_>) -> Answer {
    let (path, value) = (call.text(0)?, call.text(2)?);
    if !path.starts_with("notifications.") || !is_notification(&value) {
        return Err(Escape::Failure);
    }
    call.context.host.publish_notification(&path, &value).map_err(|error| {
        call.context.host.notice(&format!("the notification {path} was not published: {error}"));
        Escape::Failure
    })?;
    DONE
}

/// `null`, which clears, or an object with one of the states there are.
fn is_notification(json: &str) -> bool {
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(serde_json::Value::Null) => true,
        Ok(value) => value
            .get("state")
            .and_then(serde_json::Value::as_str)
            .is_some_and(|state| matches!(state, "nominal" | "normal" | "alert" | "warn" | "alarm" | "emergency")),
        Err(_) => false,
    }
}

fn get_self_path(call: &mut HostCall<'_>) -> Answer {
    let found = call.context.host.self_path(&call.text(0)?).ok_or(Escape::Failure)?;
    call.answer_text(2, &found)
}

fn get_path(call: &mut HostCall<'_>) -> Answer {
    let found = call.context.host.path(&call.text(0)?).ok_or(Escape::Failure)?;
    call.answer_text(2, &found)
}

fn read_config(call: &mut HostCall<'_>) -> Answer {
    let config = call.context.host.read_config().map_err(|error| {
        call.context.host.notice(&format!("the configuration could not be read: {error}"));
        Escape::Failure
    })?;
    call.answer_text(0, &config)
}

fn save_config(call: &mut HostCall<'_>) -> Answer {
    let config = call.text(0)?;
    if serde_json::from_str::<serde::de::IgnoredAny>(&config).is_err() {
        return Err(Escape::Failure);
    }
    call.context.host.save_config(&config).map_err(|error| {
        call.context.host.notice(&format!("the configuration could not be saved: {error}"));
        Escape::Failure
    })?;
    DONE
}

fn has_capability(call: &mut HostCall<'_>) -> Answer {
    let granted = call.context.capabilities.grants(&call.text(0)?);
    Ok(Some(Value::I32(i32::from(granted))))
}
