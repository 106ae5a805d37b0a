//! Tests of what host functions can do with the guest that called them.

use std::{
    rc::Rc,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Caller, Engine, HostFunction, HostImport, Instance, Origin, TableUse, Trap, Value, wasmer::WasmerEngine};
use crate::{
    Limits, LoadError, NetworkAccess, NoHost, Waits,
    engine::watchdog::Watchdog,
    guest::{Delivers, GuestCore, Outside},
    net::{CertificateAuthorities, GuestNetwork, NetworkLease, NetworkLoop},
    voice::Voice,
    wasi::{WasiSetup, wasix::WasixRuntime},
};

const LONG: Duration = Duration::from_secs(60);

/// An instance whose export `run` calls the import `env.f(i32) -> i32`, which does `work`.
fn instance(more: &str, deadline: Duration, work: HostFunction) -> Result<Box<dyn Instance>, LoadError> {
    let wat = format!(
        r#"(module
        (import "env" "f" (func $f (param i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "run") (param i32) (result i32) (call $f (local.get 0)))
        {more})"#
    );
    let limits = Limits::default();
    let engine = WasmerEngine::new(None, Watchdog::start().unwrap(), WasixRuntime::new().unwrap());
    let (module, origin) = engine.compile(&wat::parse_str(wat).unwrap(), &limits)?;
    assert_eq!(origin, Origin::Compiled);
    let Some(super::ItemType::Function(signature)) = module.imports().first().map(|import| import.ty.clone()) else {
        panic!("the module imports a function");
    };
    let import = HostImport { module: "env".into(), name: "f".into(), signature, run: work };
    let setup =
        WasiSetup { vfs_root: None, environment: Vec::new(), voice: Voice::new(Arc::new(NoHost), &limits), limits };
    module.instantiate(vec![import], setup, deadline)
}

/// A guest that is such an instance and may reach nothing.
pub(crate) fn guest_core(more: &str) -> GuestCore {
    let instance = instance(more, LONG, Box::new(|_, args| Ok(Some(args[0])))).unwrap();
    let limits = Limits::default();
    let denied = || NetworkAccess::Denied;
    let network = GuestNetwork::new(
        &NetworkLoop::start().unwrap(),
        &CertificateAuthorities::default(),
        denied(),
        denied(),
        Waits::default(),
        &limits,
    );
    let outside = Outside { network: NetworkLease::new(network), voice: Voice::new(Arc::new(NoHost), &limits) };
    GuestCore::new(instance, limits, Delivers { deltas: false, events: false }, outside)
}

fn run(instance: &mut dyn Instance, argument: i32, deadline: Duration) -> Result<Option<Value>, Trap> {
    let function = instance.function("run").unwrap();
    instance.call(&function, &[Value::I32(argument)], deadline)
}

/// Calls back into `__new` with its argument.
fn allocate(guest: &mut dyn Caller, args: &[Value]) -> Result<Option<Value>, Trap> {
    let size = args[0];
    let at = guest.call_export("__new", &[size, Value::I32(1)])?;
    guest.write(at.map_or(0, |at| at.int() as u32), b"body").map_err(|_| Trap::Fault("outside".into()))?;
    Ok(at)
}

#[test]
fn a_host_function_can_have_the_guest_allocate() {
    let new = r#"(func (export "__new") (param i32 i32) (result i32)
        (memory.grow (i32.const 1)) (drop) (i32.add (i32.const 65536) (local.get 0)))"#;
    let mut instance = instance(new, LONG, Box::new(allocate)).unwrap();
    assert_eq!(run(&mut *instance, 100, LONG), Ok(Some(Value::I32(65_636))));
    let mut text = [0; 4];
    instance.read(65_636, &mut text).unwrap();
    assert_eq!(&text, b"body", "written to the memory that has just grown");
    assert_eq!(run(&mut *instance, 200, LONG), Ok(Some(Value::I32(65_736))), "again");
}

#[test]
fn a_trap_inside_the_nested_call_ends_the_outer_one() {
    let new = r#"(func (export "__new") (param i32 i32) (result i32) (unreachable))"#;
    let mut trapping = instance(new, LONG, Box::new(allocate)).unwrap();
    let trap = run(&mut *trapping, 1, LONG).unwrap_err();
    assert!(matches!(&trap, Trap::Fault(reason) if reason.contains("unreachable")), "{trap:?}");
    for more in ["", r#"(func (export "__new") (param f64) (result i32) (i32.const 1))"#] {
        let mut lacking = instance(more, LONG, Box::new(allocate)).unwrap();
        assert!(matches!(run(&mut *lacking, 1, LONG), Err(Trap::Fault(_))), "no such function: {more}");
    }
    // In the start section there is nothing to call yet.
    let early = "(func $begin (drop (call $f (i32.const 1)))) (start $begin)";
    let refused = instance(early, LONG, Box::new(allocate)).err().expect("it fails");
    assert!(matches!(&refused, LoadError::Initialize(error) if error.is_crash()), "{refused}");
}

#[test]
fn an_endless_nested_call_is_interrupted() {
    let new = r#"(func (export "__new") (param i32 i32) (result i32) (loop $l (br $l)) (unreachable))"#;
    let mut instance = instance(new, LONG, Box::new(allocate)).unwrap();
    assert_eq!(run(&mut *instance, 1, Duration::from_millis(50)), Err(Trap::Interrupted));
}

#[test]
fn waiting_outside_does_not_count_against_the_deadline_nor_as_time_of_the_guest() {
    const DEADLINE: Duration = Duration::from_millis(300);
    const WAIT: Duration = Duration::from_millis(450);
    let wait: HostFunction = Box::new(|guest, args| {
        guest.wait_outside(&mut || thread::sleep(WAIT));
        Ok(Some(args[0]))
    });
    let mut waiting = instance("", LONG, wait).unwrap();
    let begun = Instant::now();
    assert_eq!(run(&mut *waiting, 5, DEADLINE), Ok(Some(Value::I32(5))));
    assert!(begun.elapsed() >= WAIT);
    assert!(waiting.spent() < DEADLINE, "{:?}", waiting.spent());

    // What a host function does otherwise counts.
    let work: HostFunction = Box::new(|_, args| {
        thread::sleep(WAIT);
        Ok(Some(args[0]))
    });
    let mut working = instance("", LONG, work).unwrap();
    assert_eq!(run(&mut *working, 5, DEADLINE), Err(Trap::Interrupted));
    assert!(working.spent() >= DEADLINE);
}

/// The engine holds locks while a host function returns. An interrupt just then would poison or block every other plugin.
#[test]
fn a_guest_that_calls_host_functions_all_the_time_is_stopped_where_it_is_safe() {
    let spin = r#"(func (export "spin") (loop $l (drop (call $f (i32.const 1))) (br $l)))"#;
    for _ in 0..50 {
        let mut instance = instance(spin, LONG, Box::new(|_, args| Ok(Some(args[0])))).unwrap();
        let function = instance.function("spin").unwrap();
        assert_eq!(instance.call(&function, &[], Duration::from_millis(2)), Err(Trap::Interrupted));
    }
}

#[test]
fn an_instance_keeps_no_list_of_the_functions_it_was_asked_for() {
    let mut instance = instance("", LONG, Box::new(|_, args| Ok(Some(args[0])))).unwrap();
    let function = instance.function("run").unwrap();
    let kept = Rc::downgrade(&function.function);
    assert_eq!(instance.call(&function, &[Value::I32(1)], LONG), Ok(Some(Value::I32(1))));
    drop(function);
    assert_eq!(kept.strong_count(), 0, "who asked has let go of it");
}

#[test]
fn tables_tell_how_large_they_are_and_how_often_they_were_refused() {
    // The second table has a maximum of its own, which is nobody's limit.
    let tables = r#"(table $large 3 funcref) (table $small 1 2 funcref)
        (func (export "grow") (param $n i32) (result i32) (table.grow $large (ref.null func) (local.get $n)))
        (func (export "grow_small") (param $n i32) (result i32) (table.grow $small (ref.null func) (local.get $n)))"#;
    let mut instance = instance(tables, LONG, Box::new(|_, args| Ok(Some(args[0])))).unwrap();
    let cap = Limits::default().table_elements;
    assert_eq!(instance.table_use(), TableUse { largest: 3, refused: 0 });
    // Row: what is called with which number, its result, the largest table then, what was refused so far.
    for (export, more, result, largest, refused) in [
        ("grow", 2, 3, 5, 0),
        ("grow_small", 1, 1, 5, 0),
        ("grow_small", 1, -1, 5, 0),
        ("grow", cap as i32, -1, 5, 1),
        ("grow", -1, -1, 5, 2),
        ("grow", cap as i32 - 5, 5, cap, 2),
        ("grow", 1, -1, cap, 3),
        ("grow", 0, cap as i32, cap, 3),
    ] {
        let function = instance.function(export).unwrap();
        assert_eq!(
            instance.call(&function, &[Value::I32(more)], LONG),
            Ok(Some(Value::I32(result))),
            "{export} {more}"
        );
        assert_eq!(instance.table_use(), TableUse { largest, refused }, "{export} {more}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn discarded_memory_is_given_back_in_whole_pages_only() {
    let mut instance = instance("", LONG, Box::new(|_, args| Ok(Some(args[0])))).unwrap();
    instance.write(0, &[7; 65_536]).unwrap();
    // Beyond the end of the memory, and within one page.
    instance.discard(10, u32::MAX);
    instance.write(20_000, &[7; 100]).unwrap();
    instance.discard(20_000, 100);
    let mut content = vec![1; 65_536];
    instance.read(0, &mut content).unwrap();
    assert!(content[..10].iter().all(|byte| *byte == 7), "what lies before is kept");
    assert!(content[20_000..20_100].iter().all(|byte| *byte == 7), "and what shares its page with something else");
    assert_eq!(content[65_535], 0, "the rest is gone");
}
