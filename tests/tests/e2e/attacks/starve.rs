//! Attempts to take the processor, the memory, or the time of others.

use serde_json::json;

use super::{Attack, End};
use windlass_tests::WatPlugin;

const FOREVER: &str = "(loop $forever (br $forever))";
const LATE: End = End::Crash("still running");

pub fn attacks() -> Vec<Attack> {
    let deep: String = "(block ".repeat(2_000) + &")".repeat(2_000);
    let locals = "i64 ".repeat(45_000);
    vec![
        Attack::new("loop-in-start-section", WatPlugin::new().body("init", FOREVER), LATE),
        Attack::new("loop-in-start", WatPlugin::new().start(FOREVER), LATE),
        Attack::new("loop-in-poll", WatPlugin::new().poll(FOREVER), LATE),
        Attack::new("loop-on-delta", WatPlugin::new().body("delta_handler", FOREVER), LATE),
        Attack::new(
            "loop-in-allocate",
            WatPlugin::new().body("allocate", format!("{FOREVER} unreachable")),
            LATE,
        ),
        Attack::new(
            "sleep-on-delta",
            // Half an hour by the monotonic clock.
            WatPlugin::new().wasi("poll_oneoff", "(param i32 i32 i32 i32) (result i32)").body(
                "delta_handler",
                "(memory.fill (i32.const 64) (i32.const 0) (i32.const 64))
                 (i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 1800000000000))
                 (drop (call $poll_oneoff (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 512)))",
            ),
            LATE,
        ),
        Attack::new(
            "endless-recursion",
            WatPlugin::new().field("(func $down (result i32) (i32.add (call $down) (i32.const 1)))").poll("(drop (call $down))"),
            End::Crash("poll"),
        ),
        Attack::new(
            "all-the-memory",
            WatPlugin::new().poll("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable"),
            End::Crash("memory"),
        ),
        Attack::new(
            "all-the-memory-at-once",
            WatPlugin::new().poll(
                "(if (i32.ne (memory.grow (i32.const 60000)) (i32.const -1)) (then (call $sk_set_status @\"ESCAPED\")) \
                 (else (call $sk_set_status @\"held\")))",
            ),
            End::Held,
        ),
        Attack::new(
            "all-the-table",
            WatPlugin::new().field("(table $t 1 funcref)").poll(
                "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 65536)) (i32.const -1)))) \
                 (call $sk_set_status @\"held\")",
            ),
            End::Held,
        ),
        Attack::new(
            "reading-without-end",
            WatPlugin::new().env("sk_get_self_path", "(param i32 i32 i32 i32) (result i32)").poll(
                "(loop $again
                    (drop (call $sk_get_self_path @\"navigation.speedOverGround\" (i32.const 65536) (i32.const 1024)))
                    (br $again))",
            ),
            LATE,
        ),
        Attack::new("born-too-large", WatPlugin::new().memory("60000"), End::Refused("memory")),
        Attack::new(
            "a-table-too-large",
            WatPlugin::new().field("(table 4000000000 funcref)"),
            End::Refused("table"),
        ),
        Attack::new(
            "two-memories",
            WatPlugin::new().field("(memory $other 1)"),
            End::Refused("memor"),
        ),
        Attack::new("shared-memory", WatPlugin::new().memory("64 64 shared"), End::Refused("")),
        Attack::new("deep-nesting", WatPlugin::new().field(format!("(func $deep {deep})")), End::Runs),
        Attack::new("too-many-locals", WatPlugin::new().field(format!("(func $wide (local {locals}))")), End::Runs),
        Attack::new(
            "loop-on-request",
            WatPlugin::new()
                .field(format!(
                    "(func (export \"http_endpoints\") (param $to i32) (param $room i32) (result i32)
                        (call $answer (local.get $to) @'[{{\"method\":\"GET\",\"path\":\"/api/slow\",\"handler\":\"slow\"}}]'@))
                     (func (export \"slow\") (param i32 i32 i32 i32) (result i32) {FOREVER} unreachable)"
                )),
            LATE,
        )
        .with(json!({"httpEndpoints": true}))
        .request("api/slow", 504),
    ]
}
