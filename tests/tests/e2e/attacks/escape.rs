//! Attempts to get at what is not the plugin's: files, the network, other plugins, the server.

use serde_json::json;

use super::{Attack, End};
use windlass_tests::WatPlugin;

/// `path_open(fd, dirflags, path, length, oflags, rights, rights, fdflags, out) -> errno`.
const OPEN: &str = "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)";
/// Everything that may be asked of a descriptor.
const RIGHTS: &str = "(i64.const 0x1fffffff)";

/// Opens a path below the descriptor of `/`, with these flags: 0 to read, 1 to create.
fn opens(path: &str, flags: u8) -> WatPlugin {
    WatPlugin::new().wasi("path_open", OPEN).start(format!(
        "(call $must_fail (call $path_open (i32.const 3) (i32.const 1) @\"{path}\" (i32.const {flags}) {RIGHTS} {RIGHTS} \
         (i32.const 0) (i32.const 64)))"
    ))
}

/// Calls a WASI function on one path.
fn on_path(function: &'static str, path: &str) -> WatPlugin {
    WatPlugin::new()
        .wasi(function, "(param i32 i32 i32) (result i32)")
        .start(format!("(call $must_fail (call ${function} (i32.const 3) @\"{path}\"))"))
}

/// Calls a socket function that must answer -1.
fn socket(name: &'static str, kind: &'static str, arguments: &str) -> WatPlugin {
    WatPlugin::new().env(name, kind).start(format!("(call $must_be (i32.const -1) (call ${name} {arguments}))"))
}

pub fn attacks() -> Vec<Attack> {
    let held = |name, plugin| Attack::new(name, plugin, End::Held);
    let rename = "(param i32 i32 i32 i32 i32 i32) (result i32)";
    vec![
        // Files.
        held("open-parent", opens("../../../../../../../../etc/passwd", 0)),
        held("open-through-data", opens("data/../../../../../../../etc/passwd", 0)),
        held("open-absolute", opens("/etc/passwd", 0)),
        held("open-proc", opens("/proc/self/environ", 0)),
        held("create-outside", opens("../escaped.txt", 1)),
        held("open-planted-link", opens("planted/passwd", 0)),
        held("open-planted-file-link", opens("planted-file", 0)),
        held("create-through-dangling-link", opens("dangling", 1)),
        held("directory-outside", on_path("path_create_directory", "../escaped")),
        held("unlink-outside", on_path("path_unlink_file", "../../../baseDeltas.json")),
        held(
            "make-symlink",
            WatPlugin::new().wasi("path_symlink", "(param i32 i32 i32 i32 i32) (result i32)").start(
                "(call $must_fail (call $path_symlink @\"/etc\" (i32.const 3) @\"etc\"))",
            ),
        ),
        held(
            "make-hard-link",
            WatPlugin::new().wasi("path_link", "(param i32 i32 i32 i32 i32 i32 i32) (result i32)").start(
                "(call $must_fail (call $path_link (i32.const 3) (i32.const 0) @\"../../../settings.json\" (i32.const 3) @\"mine\"))",
            ),
        ),
        held(
            "rename-out",
            WatPlugin::new()
                .wasi("path_rename", rename)
                .start("(call $must_fail (call $path_rename (i32.const 3) @\"data\" (i32.const 3) @\"../../stolen\"))"),
        ),
        held(
            "files-without-storage",
            WatPlugin::new().wasi("path_create_directory", "(param i32 i32 i32) (result i32)").start(
                "(call $must_fail (call $path_create_directory (i32.const 3) @\"here\"))",
            ),
        )
        .with(json!({"storage": "none"})),
        held(
            "descriptors-of-the-server",
            WatPlugin::new().wasi("fd_write", "(param i32 i32 i32 i32) (result i32)").start(
                // Everything above what a plugin is given; none must take a byte.
                "(local $fd i32) (local $through i32) (local.set $fd (i32.const 5))
                 (i32.store (i32.const 64) (i32.const 4096)) (i32.store (i32.const 68) (i32.const 1))
                 (loop $next
                    (local.set $through (i32.or (local.get $through)
                        (i32.eqz (call $fd_write (local.get $fd) (i32.const 64) (i32.const 1) (i32.const 72)))))
                    (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $fd) (i32.const 200))))
                 (call $verdict (local.get $through))",
            ),
        ),
        // The network.
        held(
            "socket-without-capability",
            socket("sk_tcp_create", "(result i32)", ""),
        ),
        held("datagrams-without-capability", socket("sk_udp_create", "(param i32) (result i32)", "(i32.const 0)")),
        held(
            "connect-to-loopback",
            WatPlugin::new()
                .env("sk_tcp_create", "(result i32)")
                .env("sk_tcp_connect", "(param i32 i32 i32 i32) (result i32)")
                .start(
                    "(call $must_be (i32.const -1) (call $sk_tcp_connect (call $sk_tcp_create) @\"127.0.0.1\" (i32.const 22)))",
                ),
        )
        .with(json!({"rawSockets": true})),
        held(
            "send-to-loopback",
            WatPlugin::new()
                .env("sk_udp_create", "(param i32) (result i32)")
                .env("sk_udp_send", "(param i32 i32 i32 i32 i32 i32) (result i32)")
                .start(
                    "(call $must_be (i32.const -1) (call $sk_udp_send (call $sk_udp_create (i32.const 0)) @\"127.0.0.1\" \
                     (i32.const 53) @\"hello\"))",
                ),
        )
        .with(json!({"rawSockets": true})),
        held(
            "send-to-link-local",
            WatPlugin::new()
                .env("sk_udp_create", "(param i32) (result i32)")
                .env("sk_udp_send", "(param i32 i32 i32 i32 i32 i32) (result i32)")
                .start(
                    "(call $must_be (i32.const -1) (call $sk_udp_send (call $sk_udp_create (i32.const 0)) @\"169.254.169.254\" \
                     (i32.const 80) @\"hello\"))",
                ),
        )
        .with(json!({"rawSockets": true})),
        held(
            "socket-of-another",
            socket("sk_udp_bind", "(param i32 i32) (result i32)", "(i32.const 1) (i32.const 0)"),
        )
        .with(json!({"rawSockets": true})),
        // The server and its data.
        held(
            "notify-elsewhere",
            WatPlugin::new()
                .env("sk_publish_notification", "(param i32 i32 i32 i32) (result i32)")
                .start(
                    "(call $must_be (i32.const -1) (call $sk_publish_notification @\"navigation.position\" \
                     @'{\"state\":\"alarm\"}'@))",
                ),
        ),
        held(
            "notify-without-data-write",
            WatPlugin::new()
                .env("sk_publish_notification", "(param i32 i32 i32 i32) (result i32)")
                .start(
                    "(call $must_be (i32.const -1) (call $sk_publish_notification @\"notifications.mob\" \
                     @'{\"state\":\"emergency\"}'@))",
                ),
        )
        .with(json!({"dataWrite": false})),
        held(
            "read-without-data-read",
            WatPlugin::new().env("sk_get_self_path", "(param i32 i32 i32 i32) (result i32)").start(
                "(call $verdict (call $sk_get_self_path @\"navigation.speedOverGround\" (i32.const 65536) (i32.const 1024)))",
            ),
        )
        .with(json!({"dataRead": false})),
        held(
            "put-handler-without-capability",
            WatPlugin::new().env("sk_register_put_handler", "(param i32 i32 i32 i32) (result i32)").start(
                "(call $verdict (call $sk_register_put_handler @\"vessels.self\" @\"steering.rudderAngle\"))",
            ),
        ),
        held(
            "radar-of-nobody",
            WatPlugin::new().env("sk_emit_binary_stream", "(param i32 i32 i32 i32) (result i32)").start(
                "(call $verdict (call $sk_emit_binary_stream @\"radars/main\" @\"spokes\"))",
            ),
        ),
        held(
            "stream-of-another",
            WatPlugin::new().env("sk_emit_binary_stream", "(param i32 i32 i32 i32) (result i32)").start(
                "(call $verdict (call $sk_emit_binary_stream @\"plugins/victim/frames\" @\"frame\"))",
            ),
        ),
        held(
            "run-a-command",
            WatPlugin::new().env("sk_exec_command", "(param i32 i32 i32 i32) (result i32)").start(
                "(call $verdict (call $sk_exec_command @\"id\" (i32.const 65536) (i32.const 1024)))",
            ),
        ),
        Attack::new(
            "another-plugins-source",
            WatPlugin::new().env("sk_handle_message", "(param i32 i32)").start(
                "(call $sk_handle_message @'{\"updates\":[{\"$source\":\"victim\",\"values\":[{\"path\":\"victim.forged\",\"value\":1}]}]}'@)",
            ),
            End::Source("victim/forged", "another-plugins-source.victim"),
        ),
        held(
            "endless-pointers",
            WatPlugin::new()
                .env("sk_get_self_path", "(param i32 i32 i32 i32) (result i32)")
                .start(
                    "(call $verdict (i32.or
                        (call $sk_get_self_path (i32.const -1) (i32.const -1) (i32.const -1) (i32.const -1))
                        (call $sk_get_self_path @\"navigation.speedOverGround\" (i32.const -8) (i32.const 1024))))",
                ),
        ),
    ]
}
