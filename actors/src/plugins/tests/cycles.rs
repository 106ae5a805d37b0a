//! Starting and stopping again and again costs nothing that stays.

use std::fs;

use serde_json::{Value, json};

use super::super::PluginManager;
use super::guest::GuestSource;
use super::server::Server;

/// What a thousand leaked instances would exceed many times over: each has touched a megabyte.
const MOST_GROWTH: u64 = 200 << 20;

/// A module as AssemblyScript compiles it, whose allocator takes from a heap that only grows when it must.
const ASSEMBLY_SCRIPT: &str = r#"(module
    (memory (export "memory") 32)
    (global $used (mut i32) (i32.const 65536))
    (func $new (export "__new") (param $size i32) (param $class i32) (result i32)
      (local $at i32)
      (local.set $at (i32.add (global.get $used) (i32.const 20)))
      (global.set $used (i32.add (local.get $at) (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -16))))
      (i32.store (i32.sub (local.get $at) (i32.const 8)) (local.get $class))
      (i32.store (i32.sub (local.get $at) (i32.const 4)) (local.get $size))
      (local.get $at))
    (func (export "__pin") (param i32) (result i32) (local.get 0))
    (func (export "__unpin") (param i32))
    (func (export "__collect") (global.set $used (i32.const 65536)))
    (func (export "plugin_name") (result i32) (i32.const 0))
    (func (export "plugin_schema") (result i32) (i32.const 0))
    (func (export "plugin_start") (param i32 i32) (result i32)
      (memory.fill (i32.const 1048576) (i32.const 7) (i32.const 1048576)) (i32.const 0))
    (func (export "plugin_stop") (result i32) (global.set $used (i32.const 65536)) (i32.const 0)))"#;

/// Bytes of memory that the process has, from the kernel.
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").expect("the kernel tells");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}

async fn memory_of(manager: &PluginManager, id: &str) -> Value {
    manager.status(id).await.expect("a plugin")["memoryBytes"].clone()
}

#[actix::test]
#[cfg(target_os = "linux")]
async fn a_thousand_starts_and_stops_leave_nothing_behind() {
    // ABI-92
    let server = Server::new().await;
    let buffer =
        GuestSource::new().start("(memory.fill (i32.const 1048576) (i32.const 7) (i32.const 1048576)) (i32.const 0)");
    server.install("buffer", &buffer, json!({}));
    server.install_bytes("managed", &wat::parse_str(ASSEMBLY_SCRIPT).expect("a module"), json!({}));
    let manager = server.manager();
    for (id, abi) in [("buffer", "buffer"), ("managed", "assemblyscript")] {
        assert_eq!(manager.save_config(id, json!({"enabled": true})).await, Ok(()));
        assert_eq!(manager.status(id).await.expect("a plugin")["abi"], abi);
        for _ in 0..20 {
            assert_eq!(manager.restart(id).await, Ok(()));
        }
        let (before, guest) = (resident(), memory_of(&manager, id).await);
        // Fresh instances.
        for _ in 0..1000 {
            assert_eq!(manager.restart(id).await, Ok(()));
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < MOST_GROWTH, "{id}: {grown} bytes more than before");
        // The same instance, with another configuration each time.
        for n in 0..200 {
            assert_eq!(manager.save_config(id, json!({"configuration": {"n": n}})).await, Ok(()));
        }
        assert_eq!(memory_of(&manager, id).await, guest, "{id}");
        assert_eq!(manager.status(id).await.expect("a plugin")["crashCount"], 0);
    }
    manager.stop_all().await;
}
