//! What AssemblyScript's runtime library imports (ABI specification §4.8).

use std::{
    sync::LazyLock,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use super::{Entry, Escape, HostCall, Param};
use crate::{
    engine::{Trap, Value},
    text::{self, ARRAY_BUFFER},
};

type Answer = Result<Option<Value>, Escape>;

const fn entry(
    name: &'static str,
    params: &'static [Param],
    result: Option<&'static str>,
    doc: &'static str,
    run: fn(&mut HostCall<'_>) -> Answer,
) -> Entry {
    Entry { name, aliases: &[], params, result, capability: None, failure: 0, doc, run }
}

pub(super) const ENV: &[Entry] = &[
    entry(
        "abort",
        &[Param::Managed("message"), Param::Managed("file"), Param::Int("line"), Param::Int("column")],
        None,
        "Ends the plugin with an error, which is a crash.",
        abort,
    ),
    entry(
        "trace",
        &[
            Param::Managed("message"),
            Param::Int("count"),
            Param::Float("a"),
            Param::Float("b"),
            Param::Float("c"),
            Param::Float("d"),
            Param::Float("e"),
        ],
        None,
        "Logs a message and the first `count` numbers.",
        trace,
    ),
    Entry {
        name: "console.log",
        aliases: &["console.debug", "console.info", "console.warn", "console.error"],
        params: &[Param::Managed("text")],
        result: None,
        capability: None,
        failure: 0,
        doc: "Logs a line. Declared with two parameters it takes UTF-8 text, pointer and length.",
        run: console_log,
    },
    entry(
        "console.assert",
        &[Param::Int("condition"), Param::Managed("text")],
        None,
        "Logs a line when the condition is 0.",
        console_assert,
    ),
    Entry {
        name: "console.time",
        aliases: &["console.timeEnd", "console.timeLog"],
        params: &[Param::Managed("label")],
        result: None,
        capability: None,
        failure: 0,
        doc: "Logs a label and the milliseconds since the server started to count.",
        run: console_time,
    },
    entry(
        "crypto.getRandomValuesN",
        &[Param::Managed("buffer")],
        Some("the same pointer"),
        "Fills an ArrayBuffer of at most 65,536 bytes with random bytes.",
        random_values,
    ),
    entry("process.exit", &[Param::Int("code")], None, "Ends the plugin, which is a crash.", |call| {
        Err(Escape::Trap(Trap::Exit(call.int(0))))
    }),
];

pub(super) const NUMBERS: &[Entry] = &[
    entry("seed", &[], Some("a number"), "Gives a seed for random numbers.", |_| random().map(Some)),
    entry("Date.now", &[], Some("milliseconds since 1970"), "Gives the time.", date_now),
    entry("performance.now", &[], Some("milliseconds"), "Gives a time that never goes back.", performance_now),
];

pub(super) const DATE: &[Entry] = &[entry("now", &[], Some("milliseconds since 1970"), "Gives the time.", date_now)];

/// What is said of the mathematical functions.
const MATH_DOC: &str = "As the function of this name in ECMAScript.";

/// A function of one number.
macro_rules! unary {
    ($name:literal, $function:expr) => {
        entry($name, &[Param::Float("x")], Some("a number"), MATH_DOC, |call| {
            let function: fn(f64) -> f64 = $function;
            Ok(Some(Value::F64(function(call.float(0)))))
        })
    };
}

/// A function of two numbers.
macro_rules! binary {
    ($name:literal, $function:expr) => {
        entry($name, &[Param::Float("x"), Param::Float("y")], Some("a number"), MATH_DOC, |call| {
            let function: fn(f64, f64) -> f64 = $function;
            Ok(Some(Value::F64(function(call.float(0), call.float(1)))))
        })
    };
}

pub(super) const MATH: &[Entry] = &[
    entry("random", &[], Some("a number in [0, 1)"), "Gives a random number.", |_| random().map(Some)),
    unary!("abs", f64::abs),
    unary!("acos", f64::acos),
    unary!("acosh", f64::acosh),
    unary!("asin", f64::asin),
    unary!("asinh", f64::asinh),
    unary!("atan", f64::atan),
    unary!("atanh", f64::atanh),
    unary!("cbrt", f64::cbrt),
    unary!("ceil", f64::ceil),
    unary!("cos", f64::cos),
    unary!("cosh", f64::cosh),
    unary!("exp", f64::exp),
    unary!("expm1", f64::exp_m1),
    unary!("floor", f64::floor),
    unary!("fround", |x| f64::from(x as f32)),
    unary!("log", f64::ln),
    unary!("log10", f64::log10),
    unary!("log1p", f64::ln_1p),
    unary!("log2", f64::log2),
    // ECMAScript rounds halves up, also negative ones.
    unary!("round", |x| if x.fract() == -0.5 { x.ceil() } else { x.round() }),
    unary!("sign", |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
    unary!("sin", f64::sin),
    unary!("sinh", f64::sinh),
    unary!("sqrt", f64::sqrt),
    unary!("tan", f64::tan),
    unary!("tanh", f64::tanh),
    unary!("trunc", f64::trunc),
    unary!("clz32", |x| f64::from(to_int32(x).leading_zeros())),
    binary!("imul", |x, y| f64::from(to_int32(x).wrapping_mul(to_int32(y)) as i32)),
    binary!("atan2", f64::atan2),
    binary!("hypot", f64::hypot),
    binary!("pow", f64::powf),
    binary!("max", |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) }),
    binary!("min", |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) }),
];

/// ECMAScript's conversion to 32 bits: modulo 2^32.
fn to_int32(x: f64) -> u32 {
    if x.is_finite() { x.trunc().rem_euclid(4_294_967_296.0) as u32 } else { 0 }
}

fn abort(call: &mut HostCall<'_>) -> Answer {
    let bound = |text: String| text::clip(&text, call.context.limits.log_line_bytes).to_owned();
    Err(Escape::Trap(Trap::Abort {
        message: bound(call.managed_text(0).unwrap_or_default()),
        file: bound(call.managed_text(1).unwrap_or_default()),
        line: call.address(2),
        column: call.address(3),
    }))
}

/// `trace(message, count, numbers…)`.
fn trace(call: &mut HostCall<'_>) -> Answer {
    let mut line = call.managed_text(0)?;
    for index in 0..call.int(1).clamp(0, 5) {
        line.push(if index == 0 { ' ' } else { ',' });
        line.push_str(&call.float(2 + index as usize).to_string());
    }
    call.debug(&line);
    Ok(None)
}

/// One parameter: a managed string. Two: UTF-8 text, as some hand-written plugins declare it.
fn console_log(call: &mut HostCall<'_>) -> Answer {
    let line = if call.count() == 1 { call.managed_text(0)? } else { call.text(0)? };
    call.debug(&line);
    Ok(None)
}

fn console_assert(call: &mut HostCall<'_>) -> Answer {
    if call.int(0) == 0 {
        call.debug(&format!("Assertion failed: {}", call.managed_text(1)?));
    }
    Ok(None)
}

fn console_time(call: &mut HostCall<'_>) -> Answer {
    let Value::F64(now) = since_start() else { return Ok(None) };
    call.debug(&format!("{}: {now:.3} ms", call.managed_text(0)?));
    Ok(None)
}

fn date_now(_: &mut HostCall<'_>) -> Answer {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Some(Value::F64(since.as_millis() as f64)))
}

fn performance_now(_: &mut HostCall<'_>) -> Answer {
    Ok(Some(since_start()))
}

/// Milliseconds since the server first served this.
fn since_start() -> Value {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Value::F64(START.elapsed().as_secs_f64() * 1000.0)
}

fn fill_random(bytes: &mut [u8]) -> Result<(), Escape> {
    getrandom::fill(bytes).map_err(|error| Escape::Trap(Trap::Fault(format!("no random numbers: {error}"))))
}

/// A number in [0, 1).
fn random() -> Result<Value, Escape> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    Ok(Value::F64((u64::from_le_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64))
}

/// Fills an ArrayBuffer and returns it.
fn random_values(call: &mut HostCall<'_>) -> Answer {
    let at = call.address(0);
    let (class, size) = text::read_header(call.memory, at)?;
    // The bound is that of the Web's function of this name.
    if class != ARRAY_BUFFER || size > 65_536 {
        return Err(Escape::Failure);
    }
    let mut bytes = vec![0; size as usize];
    fill_random(&mut bytes)?;
    call.memory.write(at, &bytes)?;
    Ok(Some(Value::I32(at as i32)))
}
