//! The exports' way through pointers, and calls that come at a bad moment.

use super::*;
use crate::{DeltaBuilder, RawDelta, StartError, host, testing::MockHost};
use std::rc::Rc;

/// Notes what it gets, and emits a delta for each poll.
struct Echo {
    deltas: Vec<String>,
}

impl Plugin for Echo {
    const ID: &'static str = "echo";
    const NAME: &'static str = "Echo";
    type Config = serde_json::Value;

    fn start(config: Self::Config) -> Result<Self, StartError> {
        match config["fail"].as_str() {
            Some(reason) => Err(reason.into()),
            None => Ok(Self { deltas: Vec::new() }),
        }
    }

    fn stop(&mut self) {
        host::set_status("stopped");
    }

    fn poll(&mut self) -> i32 {
        DeltaBuilder::new().value("a.b", self.deltas.len()).emit();
        7
    }

    fn delta(&mut self, delta: RawDelta<'_>) {
        self.deltas.push(String::from_utf8_lossy(delta.json()).into_owned());
    }
}

fn running() -> Rc<Slot<Echo>> {
    let slot = Rc::new(Slot::new());
    assert_eq!(slot.start(b"{}", || {}), 0);
    slot
}

/// Calls an export that answers, with a buffer of `max` bytes.
fn call(request: &str, max: usize, answer: impl FnOnce(&[u8]) -> Answer) -> String {
    let mut out = vec![0; max];
    // SAFETY: both buffers live during the call.
    let written = unsafe { handler(request.as_ptr(), request.len(), out.as_mut_ptr(), max, answer) };
    String::from_utf8(out[..usize::try_from(written).unwrap()].to_vec()).unwrap()
}

#[test]
fn a_delta_that_comes_during_a_call_is_delivered_after_it() {
    // ABI-49: some servers call `delta_handler` from within the emitting call.
    let server = MockHost::new();
    let slot = running();
    let inner = Rc::clone(&slot);
    server.on_emit(move |delta| inner.deliver(delta.as_bytes()));
    assert_eq!(slot.poll(), 7);
    assert_eq!(slot.poll(), 7);
    assert_eq!(server.last_value("a.b"), Some(json!(1)), "the first delta had come when the second was made");
    assert_eq!(slot.with(|echo| echo.deltas.len()), Ok(2));
}

#[test]
fn other_calls_during_a_call_are_refused() {
    let server = MockHost::new();
    let slot = running();
    let inner = Rc::clone(&slot);
    server.on_emit(move |_| {
        let answer = http(&inner, br#"{"method":"GET","path":"/"}"#, |_, _| Response::text("never"));
        host::debug(answer.fit(1000));
    });
    slot.poll();
    assert!(server.lines()[0].contains(r#""statusCode":503"#), "{:?}", server.lines());
}

#[test]
fn a_failed_start_shows_its_error_and_leaves_no_plugin() {
    let server = MockHost::new();
    let slot = Slot::<Echo>::new();
    let registered = std::cell::Cell::new(false);
    assert_eq!(slot.start(br#"{"fail":"no anchor on board"}"#, || registered.set(true)), 1);
    assert_eq!((server.errors(), registered.get()), (vec!["no anchor on board".to_owned()], false));
    assert_eq!(slot.start(b"{", || {}), 1);
    assert!(server.errors()[1].contains("configuration"), "{:?}", server.errors());
    assert_eq!(slot.with(|_| ()), Err(Unavailable::Stopped));
    assert_eq!((slot.poll(), slot.stop()), (0, 0));
    assert!(server.statuses().is_empty(), "a plugin that never ran isn't stopped");
}

#[test]
fn a_plugin_runs_from_start_to_stop() {
    let server = MockHost::new();
    let slot = running();
    slot.deliver(b"one");
    assert_eq!(slot.with(|echo| echo.deltas.clone()), Ok(vec!["one".to_owned()]));
    slot.stop();
    slot.deliver(b"two");
    assert_eq!(server.statuses(), ["stopped"]);
    // ABI-19: a new configuration starts the same module again, with a new plugin.
    slot.start(b"{}", || {});
    assert_eq!(slot.with(|echo| echo.deltas.len()), Ok(0));
}

#[test]
fn a_put_value_reaches_its_handler_in_its_own_type() {
    // ABI-62
    let slot = running();
    let ask =
        |value: &str| {
            call(value, 1000, |value| {
                put(&slot, value, |_, radius: f64| {
                    if radius < 10.0 { PutResult::failed(400, "too small") } else { PutResult::completed() }
                })
            })
        };
    assert_eq!(ask("30"), r#"{"state":"COMPLETED","statusCode":200}"#);
    assert_eq!(ask("5"), r#"{"state":"COMPLETED","statusCode":400,"message":"too small"}"#);
    assert!(ask(r#""wide""#).contains(r#""statusCode":400"#));
    slot.stop();
    assert!(ask("30").contains(r#""statusCode":503"#));
}

#[test]
fn an_answer_too_large_for_the_server_is_an_error_and_not_half_an_answer() {
    let slot = running();
    let ask = |max: usize| {
        call(r#"{"method":"GET","path":"/"}"#, max, |request| {
            http(&slot, request, |_, _| Response::text("x".repeat(5000)))
        })
    };
    assert_eq!(ask(6000).len(), 5000 + r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":""}"#.len());
    let error: serde_json::Value = serde_json::from_str(&ask(1000)).unwrap();
    assert_eq!(error["statusCode"], 500);
    assert!(error["body"]["error"].as_str().unwrap().contains("1000"), "{error}");
    assert_eq!(ask(10), "");
    let broken = call("{", 1000, |request| http(&slot, request, |_, _| Response::empty(204)));
    assert!(broken.contains(r#""statusCode":400"#), "{broken}");
}

#[test]
fn a_getter_fills_a_buffer_that_is_too_small_so_that_the_server_asks_again() {
    let mut out = [b'-'; 8];
    // SAFETY: the buffer lives during the call.
    let written = unsafe { getter(out.as_mut_ptr(), 4, "schema") };
    assert_eq!((written, &out), (4, b"sche----"));
    // SAFETY: nothing is written.
    assert_eq!(unsafe { getter(std::ptr::null_mut(), 0, "schema") }, 0);
}

#[test]
fn buffers_are_given_and_taken_back() {
    for size in [0, 1, 4096] {
        let buffer = allocate(size);
        assert!(!buffer.is_null());
        // SAFETY: the buffer is from `allocate`.
        unsafe { deallocate(buffer, size) };
    }
    assert!(allocate(usize::MAX).is_null());
    // SAFETY: null is no buffer.
    unsafe { deallocate(std::ptr::null_mut(), 8) };
}

#[test]
fn registrations_that_fail_are_shown() {
    // ABI-66
    let server = MockHost::new();
    registered(register_put("navigation.anchor.maxRadius"));
    assert!(server.errors()[0].contains("putHandlers"), "{:?}", server.errors());
    for capability in ["putHandlers", "resourceProvider", "weatherProvider", "radarProvider"] {
        server.grant(capability);
    }
    registered(register_put("navigation.anchor.maxRadius"));
    registered(register_resources("routes"));
    registered(register_weather("Sun"));
    registered(register_radar("Scanner"));
    assert_eq!(server.errors().len(), 1);
    assert_eq!(
        server.registrations(),
        [
            ("putHandlers", "vessels.self.navigation.anchor.maxRadius".to_owned()),
            ("resourceProvider", "routes".to_owned()),
            ("weatherProvider", "Sun".to_owned()),
            ("radarProvider", "Scanner".to_owned()),
        ]
    );
}
