//! Attempts to drown the server: deltas, texts, names, files.

use serde_json::json;

use super::{Attack, End};
use windlass_tests::WatPlugin;

/// Runs `code` this many times.
fn times(count: u32, code: &str) -> String {
    format!(
        "(local $n i32) (loop $again {code} (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $n) (i32.const {count}))))"
    )
}

/// Writes the number in `$n` as eight digits to the place where a text has `NUMBER00`.
const DIGITS: &str = r#"
    (func $digits (param $at i32) (param $number i32) (local $i i32)
        (local.set $i (i32.const 7))
        (loop $next
            (i32.store8 (i32.add (local.get $at) (local.get $i))
                (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
            (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
            (local.set $i (i32.sub (local.get $i) (i32.const 1)))
            (br_if $next (i32.ge_s (local.get $i) (i32.const 0)))))
    (func $first (param $at i32) (param $length i32) (result i32) (local.get $at))
    (global $total (mut i32) (i32.const 0))"#;

/// Emits deltas whose text has a running number in it: `before` is what stands before the number.
fn numbered(before: &str, after: &str, each_poll: u32) -> WatPlugin {
    let text = format!("{before}NUMBER00{after}");
    let at = before.len();
    WatPlugin::new()
        .env("sk_handle_message", "(param i32 i32)")
        .field(DIGITS)
        .field(format!(
            "(func $one (param $at i32) (param $length i32)
            (global.set $total (i32.add (global.get $total) (i32.const 1)))
            (call $digits (i32.add (local.get $at) (i32.const {at})) (global.get $total))
            (call $sk_handle_message (local.get $at) (local.get $length)))"
        ))
        .poll(times(each_poll, &format!("(call $one @'{text}'@)")))
}

pub fn attacks() -> Vec<Attack> {
    let refused = || End::Counted("/refusedDeltas", 1);
    let one = "@'{\"updates\":[{\"values\":[{\"path\":\"flood.one\",\"value\":1}]}]}'@";
    vec![
        Attack::new(
            "deltas",
            WatPlugin::new().env("sk_handle_message", "(param i32 i32)").poll(times(30_000, &format!("(call $sk_handle_message {one})"))),
            refused(),
        ),
        Attack::new(
            "paths",
            numbered("{\"updates\":[{\"values\":[{\"path\":\"flood.p", "\",\"value\":1}]}]}", 30_000),
            refused(),
        ),
        Attack::new(
            "contexts",
            numbered(
                "{\"context\":\"vessels.urn:mrn:imo:mmsi:9",
                "\",\"updates\":[{\"values\":[{\"path\":\"flood.context\",\"value\":1}]}]}",
                30_000,
            ),
            refused(),
        ),
        Attack::new(
            "sources",
            numbered("{\"updates\":[{\"$source\":\"s", "\",\"values\":[{\"path\":\"flood.source\",\"value\":1}]}]}", 30_000),
            refused(),
        ),
        Attack::new(
            "no-deltas-at-all",
            WatPlugin::new().env("sk_handle_message", "(param i32 i32)").poll(times(30_000, "(call $sk_handle_message @'[1,{}'@)")),
            refused(),
        ),
        Attack::new(
            "a-delta-of-megabytes",
            WatPlugin::new().env("sk_handle_message", "(param i32 i32)").start(
                "(memory.fill (i32.const 200000) (i32.const 91) (i32.const 3000000))
                 (call $sk_handle_message (i32.const 200000) (i32.const 3000000))
                 (call $sk_set_status @\"held\")",
            ),
            End::Held,
        ),
        Attack::new(
            "nested-deltas",
            WatPlugin::new().env("sk_handle_message", "(param i32 i32)").start(
                "(memory.fill (i32.const 200000) (i32.const 91) (i32.const 500000))
                 (call $sk_handle_message (i32.const 200000) (i32.const 500000))
                 (call $sk_set_status @\"held\")",
            ),
            End::Held,
        ),
        Attack::new(
            "debug-lines",
            WatPlugin::new().env("sk_debug", "(param i32 i32)").poll(times(100_000, "(call $sk_debug @\"a line of no interest\")")),
            End::Runs,
        ),
        Attack::new(
            "output",
            WatPlugin::new().wasi("fd_write", "(param i32 i32 i32 i32) (result i32)").poll(format!(
                "{} (call $sk_set_status @\"held\")",
                times(
                    20_000,
                    "(i32.store (i32.const 64) (i32.const 4096)) (i32.store (i32.const 68) (i32.const 1024))
                     (drop (call $fd_write (i32.const 1) (i32.const 64) (i32.const 1) (i32.const 72)))"
                )
            )),
            End::Held,
        ),
        Attack::new(
            "states",
            WatPlugin::new().poll(times(50_000, "(call $sk_set_status @\"here\") (call $sk_set_status @\"there\")")),
            End::Runs,
        ),
        Attack::new(
            "notifications",
            WatPlugin::new().env("sk_publish_notification", "(param i32 i32 i32 i32) (result i32)").poll(times(
                30_000,
                "(drop (call $sk_publish_notification @\"notifications.flood\" @'{\"state\":\"alarm\",\"message\":\"x\"}'@))",
            )),
            refused(),
        ),
        Attack::new(
            "files",
            WatPlugin::new()
                .wasi("path_create_directory", "(param i32 i32 i32) (result i32)")
                .field(DIGITS)
                .field(
                    "(func $one (param $at i32) (param $length i32) (result i32)
                        (global.set $total (i32.add (global.get $total) (i32.const 1)))
                        (call $digits (local.get $at) (global.get $total))
                        (call $path_create_directory (i32.const 3) (local.get $at) (local.get $length)))",
                )
                .poll(
                    "(local $n i32)
                     (loop $more
                        (local.set $n (i32.add (local.get $n) (i32.const 1)))
                        (if (i32.ne (call $one @\"NUMBER00\") (i32.const 0)) (then (call $sk_set_status @\"held\") (return (i32.const 0))))
                        (br_if $more (i32.lt_u (local.get $n) (i32.const 300))))",
                ),
            End::Held,
        ),
        Attack::new(
            "offers",
            WatPlugin::new()
                .env("sk_register_resource_provider", "(param i32 i32) (result i32)")
                .field(DIGITS)
                .field(
                    "(func $one (param $at i32) (param $length i32) (result i32)
                        (global.set $total (i32.add (global.get $total) (i32.const 1)))
                        (call $digits (i32.add (local.get $at) (i32.const 1)) (global.get $total))
                        (call $sk_register_resource_provider (local.get $at) (local.get $length)))",
                )
                .start("(loop $more (br_if $more (call $one @\"tNUMBER00\"))) (call $sk_set_status @\"held\")"),
            End::Held,
        )
        .with(json!({"resourceProvider": true})),
        Attack::new(
            "sockets",
            WatPlugin::new()
                .env("sk_udp_create", "(param i32) (result i32)")
                .start("(loop $more (br_if $more (i32.gt_s (call $sk_udp_create (i32.const 0)) (i32.const 0)))) (call $sk_set_status @\"held\")"),
            End::Held,
        )
        .with(json!({"rawSockets": true})),
        Attack::new(
            "frames",
            WatPlugin::new().env("sk_emit_binary_stream", "(param i32 i32 i32 i32) (result i32)").poll(times(
                20_000,
                "(drop (call $sk_emit_binary_stream @\"plugins/frames/x\" (i32.const 4096) (i32.const 60000)))",
            )),
            End::Runs,
        ),
    ]
}
