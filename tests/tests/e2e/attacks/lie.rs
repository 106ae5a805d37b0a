//! Attempts to deceive the host: impossible pointers, lengths and texts. And plain faults.

use serde_json::json;

use super::{Attack, End};
use windlass_tests::WatPlugin;

/// An HTTP endpoint `/api/x` with this answer.
fn answers(text: &str) -> WatPlugin {
    endpoint("/api/x", &format!("(call $answer (local.get $out) @'{text}'@)"))
}

fn endpoint(path: &str, handler: &str) -> WatPlugin {
    let endpoints = format!("[{{\"method\":\"GET\",\"path\":\"{path}\",\"handler\":\"answer_x\"}}]");
    WatPlugin::new().field(format!(
        "(func (export \"http_endpoints\") (param $to i32) (param $room i32) (result i32)
            (call $answer (local.get $to) @'{endpoints}'@))
         (func (export \"answer_x\") (param $at i32) (param $length i32) (param $out i32) (param $room i32) (result i32) {handler})"
    ))
}

pub fn attacks() -> Vec<Attack> {
    let crash = |name, export, body: &str| Attack::new(name, WatPlugin::new().body(export, body), End::Crash(""));
    let http = |name, plugin: WatPlugin, status| {
        Attack::new(name, plugin, End::Runs).with(json!({"httpEndpoints": true})).request("api/x", status)
    };
    vec![
        crash("allocate-nothing", "allocate", "(i32.const 0)"),
        crash("allocate-outside", "allocate", "(i32.const -16)"),
        crash("name-longer-than-room", "plugin_name", "(i32.const 2147483647)"),
        crash("negative-schema", "plugin_schema", "(i32.const -5)"),
        // Text that fills all the room it is given is odd, but no lie.
        Attack::new("name-without-end", WatPlugin::new().body("plugin_name", "(local.get $room)"), End::Runs),
        Attack::new(
            "schema-of-brackets",
            WatPlugin::new().body(
                "plugin_schema",
                "(memory.fill (local.get $to) (i32.const 91) (i32.const 60000)) (i32.const 60000)",
            ),
            End::Runs,
        ),
        Attack::new(
            "name-of-control-characters",
            WatPlugin::new().body(
                "plugin_name",
                "(memory.fill (local.get $to) (i32.const 10) (i32.const 60000)) (i32.const 60000)",
            ),
            End::Runs,
        ),
        crash("divide-by-zero", "poll", "(i32.div_u (i32.const 1) (i32.const 0))"),
        crash("read-outside", "poll", "(i32.load (i32.const -4))"),
        crash("unreachable-on-delta", "delta_handler", "unreachable"),
        Attack::new(
            "wrong-type-called",
            WatPlugin::new()
                .field("(table $t 1 funcref) (elem (i32.const 0) $init) (type $other (func (param f64) (result f64)))")
                .poll("(drop (call_indirect (type $other) (f64.const 1) (i32.const 0)))"),
            End::Crash(""),
        ),
        Attack::new(
            "exit",
            WatPlugin::new().wasi("proc_exit", "(param i32)").poll("(call $proc_exit (i32.const 0))"),
            End::Crash("exit"),
        ),
        Attack::new(
            "exit-at-once",
            WatPlugin::new().wasi("proc_exit", "(param i32)").body("init", "(call $proc_exit (i32.const 3))"),
            End::Crash("exit"),
        ),
        Attack::new(
            "abort",
            WatPlugin::new()
                .env("abort", "(param i32 i32 i32 i32)")
                .poll("(call $abort (i32.const -1) (i32.const 7) (i32.const 1) (i32.const 1))"),
            End::Crash("abort"),
        ),
        Attack::new("data-outside", WatPlugin::new().field("(data (i32.const -64) \"0123456789\")"), End::Ends),
        Attack::new("no-memory-to-speak-of", WatPlugin::new().memory("0"), End::Ends),
        http("no-answer", endpoint("/api/x", "(i32.const 0)"), 500),
        http("answer-is-no-json", answers("I am <not> JSON"), 500),
        http(
            "answer-splits-headers",
            answers("{\"headers\":{\"X-A\":\"b\\r\\nSet-Cookie: x=1\"},\"body\":\"y\"}"),
            200,
        ),
        http("answer-with-odd-status", answers("{\"statusCode\":99999,\"body\":\"y\"}"), 500),
        http("answer-longer-than-room", endpoint("/api/x", "(i32.add (local.get $room) (i32.const 1))"), 500)
            .ends(End::Crash("")),
        http("answer-negative", endpoint("/api/x", "(i32.const -1)"), 500).ends(End::Crash("")),
        http("endless-route", endpoint("/api/x((a+)+)+$", "(i32.const 0)"), 404),
    ]
}
