//! The interface as a page for plugin authors, in Markdown.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use super::{Parameter, ParameterKind, all_entries, capability, exports, signature};
use crate::{
    Limits, capabilities,
    imports::{Entry, SIGNAL_K, Topic},
};

/// The reference of the plugin interface: calling conventions, host functions, exports, capabilities, failure values, limits.
pub fn reference() -> String {
    let mut out = String::from(INTRODUCTION);
    host_functions(&mut out);
    exports(&mut out);
    capability_table(&mut out);
    failure_values(&mut out);
    limits(&mut out);
    out
}

const INTRODUCTION: &str = "\
# The plugin interface

<!-- Generated from the tables of windlass-wasm-host; do not edit.
     Rewrite it with: WINDLASS_BLESS=1 cargo test -p windlass-wasm-host interface -->

A plugin is a WebAssembly core module in an npm package. Its functions are called by the server ([exports](#exports)), and it calls
functions of the server ([host functions](#host-functions)). The same interface in the types of the component model is in
[plugin-interface.wit](plugin-interface.wit).

## Calling conventions

All pointers and lengths are `i32` and read as unsigned. All text that is JSON is compact.

**Buffer ABI** (Rust, Go, TinyGo, C, Zig; any module that exports `allocate`). Texts are UTF-8, given as pointer and length in bytes.
What the server passes lies in memory that it got from `allocate`, belongs to the server and is used again: do not keep pointers to it.
An answer is written to the buffer the server passes; the result is its length in bytes. Answers must not be larger than the buffer, whose
size is passed.

**AssemblyScript** (modules that export `__new`). Exports take and return strings, which are pointers to managed UTF-16 objects. Build with
`exportRuntime: true`. Host functions take UTF-8 pointer and length here too, except those of the language's runtime and of `as-fetch`.
`plugin_start` and HTTP handlers with two parameters get UTF-8 bytes and their number.

**Host functions** are linked with the type *your module* declares: parameters left out at the end are 0, superfluous ones are ignored,
`i64`, `f32` and `f64` are converted, a declared result is 0 when there is none. A text in memory that does not exist, or that is too long,
makes the call fail; it does not trap. Invalid UTF-8 is replaced. An answer is written completely or not at all, without a zero byte
behind it. Every function may be called from every export; none calls back into the plugin. A function of `env` that the server does not
know returns 0, and the plugin's status says so; one of another unknown module keeps the plugin from loading.

WASI preview 1 (`wasi_snapshot_preview1`) is available: clocks, random numbers, standard output and error (which go to the log), and the
private directory as `/`, with `/data`, `/config` and `/tmp`. There are no sockets in it. Modules for WASIX
(`wasix_32v1`) find the same; threads, processes and sockets are answered as not supported.
";

/// A heading, with an empty line before and behind it.
fn heading(out: &mut String, level: usize, title: &str) {
    out.truncate(out.trim_end().len());
    let _ = write!(out, "\n\n{} {title}\n\n", "#".repeat(level));
}

fn host_functions(out: &mut String) {
    heading(out, 2, "Host functions");
    for (module, topics) in SIGNAL_K.tables {
        for topic in topics.iter() {
            heading(out, 3, topic.title);
            let _ = write!(out, "Module `{module}`.");
            if !topic.intro.is_empty() {
                let _ = write!(out, " {}", topic.intro);
            }
            out.push_str("\n\n");
            if topic.wit.is_some() {
                topic.entries.iter().for_each(|entry| function(out, topic, entry));
            } else {
                brief_functions(out, topic);
            }
        }
    }
}

/// A function of the plugin interface, with all there is to know.
fn function(out: &mut String, topic: &Topic, entry: &Entry) {
    let wasm = signature::wasm(entry, topic.gives);
    heading(out, 4, &format!("`{}`", entry.name));
    let _ = write!(
        out,
        "{}\n\n```text\nwasm            (func{}{wasm})\nRust            {}\nAssemblyScript  {}\n```\n\n",
        entry.doc,
        if wasm.is_empty() { "" } else { " " },
        signature::rust(entry, topic.gives),
        signature::assembly_script(entry, topic.gives),
    );
    for param in entry.params {
        let Parameter { name, kind } = (*param).into();
        let _ = writeln!(out, "- `{name}`: {}", describe(kind));
    }
    if let Some(result) = entry.result {
        let failure = if topic.checks.is_some() { String::new() } else { format!("; on failure {}", entry.failure) };
        let _ = writeln!(out, "- Result: {result}{failure}");
    }
    if let Some(capability) = capability(topic, entry) {
        let _ = writeln!(out, "- Capability: `{capability}`");
    }
    if !entry.aliases.is_empty() {
        let _ = writeln!(out, "- Also found as: {}", code_list(entry.aliases));
    }
    out.push('\n');
}

fn describe(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Text => "UTF-8 text, pointer and length in bytes",
        ParameterKind::Bytes => "bytes, pointer and length",
        ParameterKind::Out => "buffer for the answer, pointer and size in bytes",
        ParameterKind::Place => "place the server writes to, pointer",
        ParameterKind::Int | ParameterKind::Float => "number",
        ParameterKind::Managed => "managed object, pointer, 0 for null",
    }
}

/// Functions of a language's runtime, which authors do not declare: one line for each, or for several alike.
fn brief_functions(out: &mut String, topic: &Topic) {
    out.push_str("| Function | Type | |\n| --- | --- | --- |\n");
    let ty = |entry: &Entry| signature::wasm(entry, topic.gives);
    for alike in topic.entries.chunk_by(|one, next| one.doc == next.doc && ty(one) == ty(next)) {
        let names: Vec<_> =
            alike.iter().flat_map(|entry| [entry.name].into_iter().chain(entry.aliases.iter().copied())).collect();
        for entry in alike.iter().take(1) {
            let _ =
                writeln!(out, "| {} | `(func {})` | {} |", code_list(&names), ty(entry), entry.doc.replace('|', "\\|"));
        }
    }
    out.push('\n');
}

fn exports(out: &mut String) {
    heading(out, 2, "Exports");
    out.push_str(
        "Types are given for the buffer ABI and for AssemblyScript. A function that is not exported is not called. \
         AssemblyScript exports may declare fewer parameters and no result.\n",
    );
    for group in exports::GROUPS {
        heading(out, 3, group.title);
        if !group.intro.is_empty() {
            let _ = write!(out, "{}\n\n", group.intro);
        }
        for export in group.exports {
            export_section(out, export);
        }
    }
    out.push('\n');
}

fn export_section(out: &mut String, export: &exports::Export) {
    let required = if export.required { " (required)" } else { "" };
    let _ = write!(out, "- **`{}`**{required}", export.name);
    if !export.aliases.is_empty() {
        let _ = write!(out, ", or {}", code_list(export.aliases));
    }
    let _ = writeln!(out, ": {}", export.doc);
    let (buffer, assembly_script) = (export.shape.buffer(), export.shape.assembly_script());
    if buffer == assembly_script {
        let _ = writeln!(out, "  - Type: `{}`", buffer.unwrap_or_default());
    } else {
        for (abi, ty) in [("Buffer ABI", buffer), ("AssemblyScript", assembly_script)] {
            if let Some(ty) = ty {
                let _ = writeln!(out, "  - {abi}: `{ty}`");
            }
        }
    }
    for (label, text) in [("Passed", export.request), ("Gives", export.answer)] {
        if !text.is_empty() {
            let _ = writeln!(out, "  - {label}: {text}");
        }
    }
}

fn capability_table(out: &mut String) {
    heading(out, 2, "Capabilities");
    out.push_str(
        "Declared in `package.json` as `\"wasmCapabilities\": { … }`. Without its capability a function fails, and the \
         refusal is counted and shown. The operator can take capabilities away. When a new version asks for more, the admin has to agree \
         before it starts.\n\n| Name | Values | Default | Opens |\n| --- | --- | --- | --- |\n",
    );
    for known in capabilities::ALL {
        let _ = writeln!(out, "| `{}` | {} | {} | {} |", known.name, known.values, known.default, known.opens);
    }
    out.push_str(ALLOW_LISTS);
}

const ALLOW_LISTS: &str = "
### Allow-lists

`network` and `rawSockets` may say where to: `{\"allow\": [\"api.example.org:443\", \"*.example.net\", \"192.168.0.0/16\"]}`. An entry is a
host, and, behind a colon, a port, a range of ports or `*`; without it all ports are meant.

| Host | Means |
| --- | --- |
| `api.example.org` | this name |
| `*.example.org` | every name below it, not the name itself |
| `*` | every name and every ordinary address |
| `localhost` | all loopback addresses |
| `10.1.2.3`, `[2001:db8::1]:80` | this address; IPv6 with ports in brackets |
| `192.168.0.0/16`, `[fd00::/8]:80` | this range of addresses |

Loopback, link-local, unspecified (`0.0.0.0`, `::`) and cloud-metadata addresses are not ordinary. They need an entry that names them and
nothing else, such as `localhost:8080` or `169.254.0.0/16`; `true`, `*` and `0.0.0.0/0` do not open them. A connection is permitted when the
address it goes to is listed, or when the name it was asked for is listed and leads to an ordinary address. So a listed name that leads to
`127.0.0.1` is refused, unless that address is listed as well. IPv4 addresses written as IPv6 (`::ffff:127.0.0.1`) count as IPv4. An entry
that cannot be read permits nothing and is reported.

The operator's allow-list for a plugin, in the server's settings, replaces the one in its package.
";

/// Which functions fail with which value.
fn failure_values(out: &mut String) {
    let mut by_value: BTreeMap<i32, Vec<&str>> = BTreeMap::new();
    for (_, topic, entry) in all_entries(&SIGNAL_K) {
        if topic.wit.is_some() && topic.checks.is_none() && entry.result.is_some() {
            by_value.entry(entry.failure).or_default().push(entry.name);
        }
    }
    heading(out, 2, "Failure values");
    out.push_str(
        "What a function returns when it is denied, gets a range outside memory, or cannot do what it is asked. The \
         log says why.\n\n| Value | Functions |\n| --- | --- |\n",
    );
    for (value, names) in by_value {
        let _ = writeln!(out, "| {value} | {} |", code_list(&names));
    }
}

/// What the limits are called in the settings, and what they bound.
const LIMITS: &[(&str, &str)] = &[
    ("memoryBytes", "linear memory, in bytes"),
    ("tableElements", "elements of a table"),
    ("stackBytes", "stack of the engine, in bytes"),
    ("moduleBytes", "module file, in bytes"),
    ("fileBytes", "files in the private directory, in bytes"),
    ("files", "files and directories in the private directory"),
    ("openFiles", "files and directories open at once"),
    ("logLineBytes", "line of output, debug text, status or error, in bytes; the rest is cut off"),
    ("logLinesPerSecond", "lines of output and debug text per second; more are dropped and counted"),
    ("textBytes", "text passed to a host function, in bytes"),
    ("metadataBytes", "answer of `plugin_name`, `plugin_schema`, `http_endpoints`, in bytes"),
    ("answerBytes", "answer of a handler, in bytes"),
    ("openSockets", "UDP and TCP sockets open at once"),
    ("fetchBytes", "body of an HTTP request or answer, in bytes"),
    ("fetchDeadline", "an HTTP request, in milliseconds"),
    ("fetchesPerMinute", "HTTP requests in a minute"),
    ("deadlines.initialize", "the start section, `_initialize` and `_start`, in milliseconds"),
    ("deadlines.metadata", "`plugin_name`, `plugin_schema`, `http_endpoints`, in milliseconds"),
    ("deadlines.start", "`plugin_start`, in milliseconds"),
    ("deadlines.stop", "`plugin_stop`, in milliseconds"),
    ("deadlines.poll", "`poll`, in milliseconds"),
    ("deadlines.delta", "`delta_handler` and `event_handler`, in milliseconds"),
    ("deadlines.request", "handlers of HTTP and PUT requests, in milliseconds"),
    ("deadlines.provider", "handlers of providers, in milliseconds"),
];

fn limits(out: &mut String) {
    heading(out, 2, "Limits");
    out.push_str(
        "The defaults; the operator can change them for each plugin. A call that takes longer than its deadline is interrupted, \
         which is a crash.\n\n| Limit | Default | Bounds |\n| --- | --- | --- |\n",
    );
    for (name, value) in limit_values() {
        let bounds = LIMITS.iter().find(|(known, _)| *known == name).map_or("", |(_, bounds)| *bounds);
        let _ = writeln!(out, "| `{name}` | {value} | {bounds} |");
    }
}

/// Names and default values of all limits, in the order they are declared in.
fn limit_values() -> Vec<(String, Value)> {
    let defaults = serde_json::to_value(Limits::default()).unwrap_or_default();
    let mut list = Vec::new();
    for (name, value) in defaults.as_object().into_iter().flatten() {
        match value {
            Value::Object(inner) => {
                list.extend(inner.iter().map(|(inner, value)| (format!("{name}.{inner}"), value.clone())));
            }
            value => list.push((name.clone(), value.clone())),
        }
    }
    list
}

fn code_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_described_and_every_description_is_of_a_limit() {
        let mut actual: Vec<String> = limit_values().into_iter().map(|(name, _)| name).collect();
        let mut described: Vec<&str> = LIMITS.iter().map(|(name, _)| *name).collect();
        actual.sort();
        described.sort();
        assert_eq!(actual, described);
    }
}
