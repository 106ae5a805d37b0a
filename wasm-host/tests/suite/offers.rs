//! What a plugin offers: PUT handlers, providers, binary streams.

use windlass_wasm_host::Capabilities;

use super::support::*;

/// Calls `f(text at 1024, text at 2048)`, or with the first text only.
fn offer(import: &str, texts: &[&[u8]], capabilities: Capabilities) -> (i32, Plugin) {
    let places = [1024, 2048];
    let arguments: String =
        texts.iter().zip(places).map(|(text, at)| format!("(i32.const {at}) (i32.const {}) ", text.len())).collect();
    let more: String = texts.iter().zip(places).map(|(text, at)| data(at, text)).collect();
    let params = "i32 i32 ".repeat(texts.len());
    result_of(
        &format!(r#"(import "env" "{import}" (func $f (param {params}) (result i32)))"#),
        &format!("(call $f {arguments})"),
        &more,
        capabilities,
    )
}

#[test]
fn registrations_reach_the_server_with_the_capability_only() {
    // ABI-66, ABI-74
    for (import, capability, texts, event) in [
        (
            "sk_register_put_handler",
            "putHandlers",
            &[&b"vessels.self"[..], b"navigation.anchor.maxRadius"][..],
            Event::PutHandler("vessels.self".into(), "navigation.anchor.maxRadius".into()),
        ),
        ("sk_register_resource_provider", "resourceProvider", &[b"routes"], Event::Resources("routes".into())),
        ("sk_register_weather_provider", "weatherProvider", &[b"Weather"], Event::Weather("Weather".into())),
        ("sk_register_radar_provider", "radarProvider", &[b"Radar"], Event::Radar("Radar".into())),
        (
            "sk_radar_emit_spokes",
            "radarProvider",
            &[b"radar-0", b"\x00\xff\x80"],
            Event::Spokes("radar-0".into(), vec![0, 0xff, 0x80]),
        ),
    ] {
        let (result, plugin) = offer(import, texts, everything());
        assert_eq!((result, plugin.host.events()), (1, vec![event]), "{import}");
        for capabilities in [Capabilities::default(), nothing()] {
            let (result, plugin) = offer(import, texts, capabilities);
            assert_eq!((result, plugin.host.events()), (0, vec![Event::Denied(import, capability)]), "{import}");
        }
    }
}

#[test]
fn radar_streams_need_the_radar_capability() {
    for (stream, capabilities, expected) in [
        ("plugins/me/x", nothing(), 1),
        ("radars/radar-0", everything(), 1),
        ("radars/radar-0", nothing(), 0),
        ("radars/", nothing(), 0),
    ] {
        let (result, plugin) = offer("sk_emit_binary_stream", &[stream.as_bytes(), b"\x01\x02"], capabilities);
        let event = if expected == 1 {
            Event::Stream(stream.into(), vec![1, 2])
        } else {
            Event::Denied("sk_emit_binary_stream", "radarProvider")
        };
        assert_eq!((result, plugin.host.events()), (expected, vec![event]), "{stream}");
    }
}

#[test]
fn what_the_server_refuses_fails_with_a_notice() {
    for (import, texts) in [
        ("sk_register_put_handler", &[&b"vessels.self"[..], b"a.b"][..]),
        ("sk_register_resource_provider", &[b"routes"]),
        ("sk_emit_binary_stream", &[b"plugins/other/x", b"\x01"]),
        ("sk_radar_emit_spokes", &[b"foreign", b"\x01"]),
        ("sk_emit_event", &[b"X", b"1"]),
    ] {
        let arguments: String = texts
            .iter()
            .zip([1024, 2048])
            .map(|(text, at)| format!("(i32.const {at}) (i32.const {}) ", text.len()))
            .collect();
        let wat = Wat {
            imports: &format!(
                r#"(import "env" "{import}" (func $f (param {}) (result i32)))"#,
                "i32 i32 ".repeat(texts.len())
            ),
            start: &format!("(call $f {arguments})"),
            more: &texts.iter().zip([1024, 2048]).map(|(text, at)| data(at, text)).collect::<String>(),
            ..Wat::default()
        };
        let sandbox = windlass_wasm_host::Sandbox { capabilities: everything(), ..sandbox() };
        let host = Recorder { refuses: true, ..Recorder::default() };
        let mut plugin = Plugin::try_within(&wat.buffer(), sandbox, &patient(), host).unwrap();
        assert_eq!(plugin.guest.start("{}").unwrap(), 0, "{import}");
        assert_eq!(plugin.host.events(), [Event::Notice("refused on purpose".into())], "{import}");
    }
}
