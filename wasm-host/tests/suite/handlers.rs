//! Handlers of requests: HTTP endpoints, PUT and providers, in both ABIs.

use windlass_wasm_host::{CallError, Guest, HandlerKind, Limits, Sandbox};

use super::support::*;

const DEBUG: &str = r#"(import "env" "sk_debug" (func $debug (param i32 i32)))"#;
const LOG: &str = r#"(import "env" "console.log" (func $log (param i32)))"#;
const REQUEST: &str = r#"{"method":"GET","path":"/api/havn/Tromsø ⚓"}"#;
const KINDS: [HandlerKind; 3] = [HandlerKind::Http, HandlerKind::Put, HandlerKind::Provider];

/// A plugin of the buffer ABI with a handler `answer`, whose request is `$q` and `$l` and whose room is `$p` and `$n`.
fn buffer(imports: &str, answer: &str, more: &str) -> String {
    let handler = format!(
        r#"(func (export "answer") (param $q i32) (param $l i32) (param $p i32) (param $n i32) (result i32) {answer})"#
    );
    Wat { imports, more: &(handler + more), ..Wat::default() }.buffer()
}

/// A plugin in AssemblyScript with a handler of the given parameters and result.
fn assembly_script(imports: &str, signature: &str, answer: &str, more: &str) -> String {
    let handler = format!(r#"(func (export "answer") {signature} {answer})"#);
    Wat { imports, more: &(handler + more), ..Wat::default() }.assembly_script()
}

#[test]
fn buffer_handlers_get_the_request_and_room_for_the_answer() {
    // ABI-53, as far as the host is concerned: the text arrives as it is.
    let answer = r#"{"statusCode":200,"body":"på vei ⛵"}"#;
    let code = format!("(call $debug (local.get $q) (local.get $l)) {}", give(1024, answer.len()));
    let mut plugin = Plugin::load(&buffer(DEBUG, &code, &data(1024, answer.as_bytes())));
    for kind in KINDS {
        assert!(plugin.guest.has_handler(kind, "answer"));
        assert_eq!(plugin.guest.handle(kind, "answer", REQUEST).unwrap().as_deref(), Some(answer), "ABI-53 {kind:?}");
    }
    assert_eq!(plugin.host.debug_lines(), [REQUEST; 3]);
    assert_eq!(plugin.guest.calls().failed, 0);
}

#[test]
fn a_provider_list_is_a_getter_in_the_buffer_abi() {
    let more = format!(
        r#"(func (export "radar_get_radars") (param $p i32) (param $n i32) (result i32)
             (call $debug (i32.const 2048) (i32.const 4)) {})"#,
        give(1024, 5)
    ) + &data(1024, br#"["r"]"#)
        + &data(2048, b"seen");
    let mut plugin = Plugin::load(&Wat { imports: DEBUG, more: &more, ..Wat::default() }.buffer());
    let radars = plugin.guest.handle(HandlerKind::ProviderList, "radar_get_radars", "ignored").unwrap();
    assert_eq!(radars.as_deref(), Some(r#"["r"]"#));
    assert_eq!(plugin.host.debug_lines(), ["seen"], "asked once: such functions may have side effects");
}

#[test]
fn an_assembly_script_handler_with_one_parameter_gets_a_string() {
    // ABI-54, ABI-64
    let more = managed_string(1024, "svar: på vei ⛵");
    let wat = assembly_script(LOG, "(param i32) (result i32)", "(call $log (local.get 0)) (i32.const 1024)", &more);
    let mut plugin = Plugin::load(&wat);
    for kind in KINDS {
        let answer = plugin.guest.handle(kind, "answer", REQUEST).unwrap();
        assert_eq!(answer.as_deref(), Some("svar: på vei ⛵"), "ABI-64 {kind:?}");
    }
    let answer = plugin.guest.handle(HandlerKind::ProviderList, "answer", "ignored").unwrap();
    assert_eq!(answer.as_deref(), Some("svar: på vei ⛵"));
    assert_eq!(plugin.host.debug_lines(), [REQUEST, REQUEST, REQUEST, "{}"], "ABI-54");
}

#[test]
fn an_assembly_script_http_handler_with_two_parameters_gets_utf8_unless_it_wants_utf16() {
    // ABI-54
    let more = managed_string(1024, "ok");
    let utf8 = assembly_script(
        DEBUG,
        "(param i32 i32) (result i32)",
        "(call $debug (local.get 0) (local.get 1)) (i32.const 1024)",
        &more,
    );
    let mut plugin = Plugin::load(&utf8);
    assert_eq!(plugin.guest.handle(HandlerKind::Http, "answer", REQUEST).unwrap().as_deref(), Some("ok"));
    assert_eq!(plugin.host.debug_lines(), [REQUEST], "ABI-54");

    let utf16 = assembly_script(
        LOG,
        "(param i32 i32) (result i32)",
        // The length is in UTF-16 units: half of the size in the string's header.
        "(call $log (local.get 0))
         (if (result i32)
           (i32.eq (i32.mul (local.get 1) (i32.const 2)) (i32.load (i32.sub (local.get 0) (i32.const 4))))
           (then (i32.const 1024)) (else (i32.const 0)))",
        &more,
    );
    let mut plugin = Plugin::within(&utf16, Sandbox { utf16_requests: true, ..sandbox() }, &patient());
    assert_eq!(plugin.guest.handle(HandlerKind::Http, "answer", REQUEST).unwrap().as_deref(), Some("ok"));
    // Other requests are strings in any case.
    let mut plain = Plugin::load(&utf16);
    assert_eq!(plain.guest.handle(HandlerKind::Put, "answer", "12.5").unwrap().as_deref(), Some("ok"));
    assert_eq!((plugin.host.debug_lines(), plain.host.debug_lines()), (vec![REQUEST.into()], vec!["12.5".into()]));
}

#[test]
fn no_parameters_no_result_null_and_nothing_are_no_answer() {
    for (what, wat) in [
        ("void", assembly_script("", "(param i32)", "", "")),
        ("neither", assembly_script("", "", "", "")),
        ("null", assembly_script("", "(param i32) (result i32)", "(i32.const 0)", "")),
        ("empty string", assembly_script("", "(result i32)", "(i32.const 1024)", &managed_string(1024, ""))),
        ("nothing written", buffer("", "(i32.const 0)", "")),
    ] {
        let mut plugin = Plugin::load(&wat);
        assert_eq!(plugin.guest.handle(HandlerKind::Provider, "answer", "{}").unwrap(), None, "{what}");
        plugin.guest.poll().unwrap();
    }
    let mut plugin =
        Plugin::load(&assembly_script("", "(result i32)", "(i32.const 1024)", &managed_string(1024, "[]")));
    assert_eq!(plugin.guest.handle(HandlerKind::ProviderList, "answer", "{}").unwrap().as_deref(), Some("[]"));
}

#[test]
fn what_a_handler_gets_is_released_after_the_call() {
    let wat = assembly_script("", "(param i32 i32) (result i32)", "(i32.const 0)", "").replace(
        "(func (export \"poll\") (result i32) (i32.const 0))",
        "(func (export \"poll\") (result i32) (global.get $pinned))",
    );
    let mut plugin = Plugin::load(&wat);
    for kind in KINDS {
        plugin.guest.handle(kind, "answer", REQUEST).unwrap();
    }
    assert_eq!(plugin.guest.poll().unwrap(), 0);
}

/// Functions that exist and are no handlers.
const RESERVED: [&str; 10] = [
    "allocate",
    "plugin_stop",
    "plugin_start",
    "poll",
    "delta_handler",
    "__new",
    "__pin",
    "memory",
    "http_endpoints",
    "_initialize",
];

#[test]
fn lifecycle_functions_and_other_types_are_no_handlers_and_the_instance_stays_usable() {
    // ABI-96, ABI-56
    let odd = r#"
        (func (export "five") (param i32 i32 i32 i32 i32) (result i32) (unreachable))
        (func (export "long") (param i64 i32 i32 i32) (result i32) (unreachable))
        (func (export "float") (param i32) (result f64) (unreachable))
        (func (export "two") (result i32 i32) (unreachable))
        (global (export "counter") i32 (i32.const 0))"#;
    for wat in [buffer("", "(i32.const 0)", odd), assembly_script("", "(param i32)", "", odd)] {
        let mut plugin = Plugin::load(&wat);
        for export in RESERVED.into_iter().chain(["five", "long", "float", "two", "counter", "absent", ""]) {
            for kind in KINDS {
                let error = plugin.guest.handle(kind, export, "{}").unwrap_err();
                assert_eq!(error, CallError::NoHandler { export: export.into() }, "ABI-96 {export}");
                assert_eq!(error.to_string(), format!("Handler function {export} not found"), "ABI-56");
                assert!(!error.is_crash() && !plugin.guest.has_handler(kind, export), "ABI-96 {export}");
            }
        }
        assert_eq!(plugin.guest.handle(HandlerKind::Http, "answer", "{}").unwrap(), None, "it stays usable");
        assert_eq!(plugin.guest.calls().failed, 0);
    }
}

#[test]
fn many_invented_handler_names_are_not_remembered_for_ever() {
    let mut plugin = Plugin::load(&buffer("", "(i32.const 0)", ""));
    for i in 0..2000 {
        assert!(!plugin.guest.has_handler(HandlerKind::Http, &format!("h{i}")));
    }
    assert!(plugin.guest.has_handler(HandlerKind::Http, "answer"));
}

/// Writes `size` bytes of "x" as far as there is room.
fn fill(size: u32) -> String {
    format!(
        "(local $k i32)
         (local.set $k (select (local.get $n) (i32.const {size}) (i32.lt_u (local.get $n) (i32.const {size}))))
         (memory.fill (local.get $p) (i32.const 0x78) (local.get $k)) (local.get $k)"
    )
}

#[test]
fn large_answers_arrive_whole_in_both_abis_within_the_ordinary_limits() {
    // ABI-58: 500 KB; the issue asks for 16 MB.
    for size in [500_000u32, 16 << 20] {
        let mut plugin = Plugin::load(&buffer("", &fill(size), ""));
        for _ in 0..2 {
            let answer = plugin.guest.handle(HandlerKind::Http, "answer", REQUEST).unwrap().unwrap();
            assert!(answer.len() == size as usize && answer.bytes().all(|byte| byte == b'x'), "ABI-58 {size}");
        }
        // One string of `size` characters right behind the first pages.
        let bytes = 2 * size;
        let more = format!(
            r#"(func $long (result i32)
                 (drop (memory.grow (i32.const {})))
                 (i32.store (i32.const 262132) (i32.const 2))
                 (i32.store (i32.const 262136) (i32.const {bytes}))
                 (memory.fill (i32.const 262140) (i32.const 0x78) (i32.const {bytes}))
                 (i32.const 262140))"#,
            bytes / 65536 + 1
        );
        let mut plugin = Plugin::load(&assembly_script("", "(param i32) (result i32)", "(call $long)", &more));
        let answer = plugin.guest.handle(HandlerKind::Http, "answer", REQUEST).unwrap().unwrap();
        assert!(answer.chars().count() == size as usize && answer.chars().all(|c| c == '硸'), "ABI-58 {size}");
    }
}

#[test]
fn an_answer_longer_than_its_room_breaks_only_the_plugin() {
    // ABI-93
    for written in ["(i32.const -1)", "(i32.add (local.get $n) (i32.const 1))", "(i32.const 0x7fffffff)"] {
        let mut plugin = Plugin::load(&buffer("", written, ""));
        let error = plugin.guest.handle(HandlerKind::Http, "answer", "{}").unwrap_err();
        assert!(matches!(&error, CallError::Protocol { export, .. } if export == "answer"), "ABI-93 {error}");
        assert!(error.is_crash());
        assert!(matches!(plugin.guest.poll(), Err(CallError::Discarded { .. })));
    }
    let limits = Limits { answer_bytes: 64 << 10, ..patient() };
    let more = managed_string(1024, &"x".repeat(70_000));
    let wat = assembly_script("", "(result i32)", "(i32.const 1024)", &more);
    let error = Plugin::within(&wat, sandbox(), &limits).guest.handle(HandlerKind::Http, "answer", "{}").unwrap_err();
    assert!(matches!(error, CallError::Protocol { .. }), "ABI-93 {error}");
}

/// The room a handler is offered.
fn room(guest: &mut dyn Guest, kind: HandlerKind) -> u32 {
    guest.handle(kind, "answer", "{}").unwrap().unwrap().trim().parse().unwrap()
}

/// Answers with the size of its room, in ten digits.
const TELL_ROOM: &str = r#"(local $k i32) (local.set $k (i32.const 10))
    (loop $l
      (local.set $k (i32.sub (local.get $k) (i32.const 1)))
      (i32.store8 (i32.add (local.get $p) (local.get $k)) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $l (local.get $k)))
    (i32.const 10)"#;

#[test]
fn the_room_for_answers_never_endangers_the_guest() {
    let large = 1024 * 1024;
    let mut plugin = Plugin::load(&buffer("", TELL_ROOM, ""));
    assert_eq!(room(&mut *plugin.guest, HandlerKind::Put), large, "answers to PUT requests are short");
    let offered = room(&mut *plugin.guest, HandlerKind::Http);
    assert!((24 * large..=32 * large).contains(&offered), "{offered}");
    assert_eq!(room(&mut *plugin.guest, HandlerKind::Put), offered, "the buffer is kept");
    let before = plugin.guest.memory_bytes();
    for _ in 0..100 {
        assert_eq!(room(&mut *plugin.guest, HandlerKind::Http), offered);
    }
    assert_eq!(plugin.guest.memory_bytes(), before, "ABI-92: and used again");

    // What this allocator does instead of returning null would be a crash.
    let proud = buffer("", TELL_ROOM, "").replace("(then (return (i32.const 0)))", "(then (unreachable))");
    for (pages, what) in [(4 + 8, "small"), (4 + 64, "moderate"), (4 + 1000, "large")] {
        let limits = Limits { memory_bytes: pages << 16, ..patient() };
        let mut plugin = Plugin::within(&proud, sandbox(), &limits);
        let offered = room(&mut *plugin.guest, HandlerKind::Http);
        assert!(u64::from(offered) <= (limits.memory_bytes / 4).max(65_536), "{what}: {offered}");
    }
    // A module's own maximum counts like the limit.
    let declared = proud.replace("(memory (export \"memory\") 4)", "(memory (export \"memory\") 4 40)");
    let mut plugin = Plugin::load(&declared);
    assert_eq!(plugin.guest.memory_limit(), 40 << 16);
    assert!(room(&mut *plugin.guest, HandlerKind::Http) <= 10 << 16);
}

#[test]
fn without_memory_for_much_64_kib_are_offered() {
    // `allocate` gives nothing above 100,000 bytes.
    let wat = buffer("", TELL_ROOM, "").replace(
        "(local.set $at (global.get $used))",
        "(if (i32.gt_u (local.get $size) (i32.const 100000)) (then (return (i32.const 0)))) (local.set $at (global.get $used))",
    );
    let mut plugin = Plugin::load(&wat);
    assert_eq!(room(&mut *plugin.guest, HandlerKind::Http), 65_536);
    let before = plugin.guest.calls().count;
    assert_eq!(room(&mut *plugin.guest, HandlerKind::Http), 65_536);
    assert_eq!(plugin.guest.calls().count, before + 1, "and it is not asked for more each time");
}

#[test]
fn put_handlers_are_found_by_three_spellings() {
    // §3.7
    let names = [
        "handle_put_vessels_self_navigation_anchor_maxRadius",
        "handle_put_vessels_self_electrical_switches_bank_1",
        "handle_put_vessels_self_steering_autopilot",
        "handle_put_vessels_self_Mixed",
        "handle_put_vessels_self_mixed",
    ];
    let more: String = names
        .iter()
        .map(|name| format!(r#"(func (export "{name}") (param i32 i32 i32 i32) (result i32) (i32.const 0))"#))
        .collect();
    let wat =
        Wat { more: &(more + r#"(func (export "handle_put_vessels_self_wrong") (param f32))"#), ..Wat::default() };
    for wat in [
        wat.buffer(),
        wat.assembly_script().replace("(param i32 i32 i32 i32) (result i32)", "(param i32) (result i32)"),
    ] {
        let guest = &mut Plugin::load(&wat).guest;
        for (path, expected) in [
            ("navigation.anchor.maxRadius", Some(names[0])),
            ("electrical.switches.bank-1", Some(names[1])),
            ("steering.Autopilot", Some(names[2])),
            ("Mixed", Some(names[3])),
            ("MIXED", Some(names[4])),
            ("wrong", None),
            ("nothing.here", None),
        ] {
            assert_eq!(guest.put_handler("vessels.self", path).as_deref(), expected, "{path}");
        }
        assert_eq!(guest.put_handler("vessels.urn:mrn:x", "Mixed"), None);
        assert_eq!(guest.poll().unwrap(), 0);
    }
}

#[test]
fn what_http_endpoints_says_is_passed_on() {
    let text = r#"[{"method":"GET","path":"/havn/ø","handler":"answer"}]"#;
    let getter = format!(
        r#"(func (export "http_endpoints") (param $p i32) (param $n i32) (result i32) {})"#,
        give(1024, text.len())
    );
    let wat = Wat { more: &(getter + &data(1024, text.as_bytes())), ..Wat::default() };
    assert_eq!(Plugin::load(&wat.buffer()).guest.http_endpoints().unwrap().as_deref(), Some(text));
    let string = r#"(func (export "http_endpoints") (result i32) (i32.const 1024))"#.to_owned();
    let wat = Wat { more: &(string + &managed_string(1024, text)), ..Wat::default() };
    assert_eq!(Plugin::load(&wat.assembly_script()).guest.http_endpoints().unwrap().as_deref(), Some(text));
    assert_eq!(Plugin::load(&Wat::default().buffer()).guest.http_endpoints().unwrap(), None);
    assert_eq!(Plugin::load(&Wat::default().assembly_script()).guest.http_endpoints().unwrap(), None);
}

#[test]
fn a_handler_that_traps_or_loops_ends_the_instance() {
    // ABI-56, ABI-57
    for (answer, limits) in [("(unreachable)", patient()), ("(loop $l (br $l)) (unreachable)", impatient())] {
        for wat in [buffer("", answer, ""), assembly_script("", "(param i32) (result i32)", answer, "")] {
            let mut plugin = Plugin::within(&wat, sandbox(), &limits);
            let error = plugin.guest.handle(HandlerKind::Http, "answer", "{}").unwrap_err();
            assert!(matches!(error, CallError::Trap { .. } | CallError::Deadline { .. }), "ABI-56, ABI-57 {error}");
            assert!(error.is_crash());
            assert!(matches!(plugin.guest.handle(HandlerKind::Http, "answer", "{}"), Err(CallError::Discarded { .. })));
        }
    }
}
