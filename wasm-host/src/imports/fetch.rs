//! HTTP requests of AssemblyScript plugins: the module `as-fetch` (ABI specification §4.9).
//!
//! The library was made for hosts that cannot wait, and unwinds the guest's stack meanwhile. This host waits on the
//! plugin's own thread, so the guest never unwinds and `_initAsyncify` has nothing to do.

use super::{Entry, Escape, HostCall, Param, answers::Answer};
use crate::{
    engine::{Trap, Value},
    net::{Method, Request},
    text::{self, ARRAY_BUFFER},
};

/// What all functions but `_initAsyncify` need.
pub(super) const CAPABILITY: &str = "network";
/// Longest names and values of all headers of a request together, in bytes.
const HEADER_BYTES: u32 = 64 << 10;
/// Most headers of a request.
const HEADERS: u32 = 64;
/// What the guest reads of a managed array: buffer, start of the data, their size in bytes, number of elements.
const ARRAY: usize = 16;

const fn entry(
    name: &'static str,
    params: &'static [Param],
    result: Option<&'static str>,
    doc: &'static str,
    run: fn(&mut HostCall<'_>) -> Answer,
) -> Entry {
    Entry { name, aliases: &[], params, result, capability: Some(CAPABILITY), failure: 0, doc, run }
}

pub(super) const TABLE: &[Entry] = &[
    Entry {
        capability: None,
        ..entry(
            "_initAsyncify",
            &[Param::Int("frame"), Param::Int("stackEnd")],
            None,
            "Does nothing: plugins are not unwound here.",
            |_| Ok(None),
        )
    },
    entry(
        "_fetchGETSync",
        &[Param::Managed("url"), Param::Int("mode"), Param::Managed("headers")],
        Some("an ArrayBuffer with the body, empty on failure"),
        "Sends a GET request and waits for the answer. `headers` is an `Array<Array<string>>` of names and values.",
        |call| fetch(call, Method::Get),
    ),
    entry(
        "_fetchPOSTSync",
        &[Param::Managed("url"), Param::Int("mode"), Param::Managed("headers"), Param::Managed("body")],
        Some("an ArrayBuffer with the body, empty on failure"),
        "The same with a POST request, whose `body` is an ArrayBuffer.",
        |call| fetch(call, Method::Post),
    ),
    entry(
        "_fetchGET",
        &[Param::Managed("url"), Param::Int("mode"), Param::Managed("headers"), Param::Int("callback")],
        None,
        "Sends a GET request and goes on. The answer arrives through the export `responseHandler(body, status, redirected, callback)` after one \
         of the next calls; `status` is 0 when there is none.",
        |call| fetch_later(call, Method::Get, 3),
    ),
    entry(
        "_fetchPOST",
        &[
            Param::Managed("url"),
            Param::Int("mode"),
            Param::Managed("headers"),
            Param::Managed("body"),
            Param::Int("callback"),
        ],
        None,
        "The same with a POST request, whose `body` is an ArrayBuffer.",
        |call| fetch_later(call, Method::Post, 4),
    ),
];

/// What a guest gets that may not or cannot fetch: an empty body, at once or through its callback.
pub(super) fn fail(entry: &Entry, call: &mut HostCall<'_>) -> Result<Option<Value>, Trap> {
    if entry.result.is_none() {
        // The callback is the last parameter.
        call.context.network.fetcher().fail_later(call.int(entry.params.len() - 1));
        return Ok(None);
    }
    match give(call, &[]) {
        Ok(result) => Ok(result),
        Err(Escape::Failure) => Ok(Some(Value::I32(entry.failure))),
        Err(Escape::Trap(trap)) => Err(trap),
    }
}

/// Waits for the answer and hands it over. The interface cannot express failure: the guest gets an empty body.
fn fetch(call: &mut HostCall<'_>, method: Method) -> Answer {
    let mut request = Some(request(call, method)?);
    let fetcher = call.context.network.fetcher();
    let mut result = None;
    call.memory.wait_outside(&mut || {
        if let Some(request) = request.take() {
            result = Some(fetcher.fetch(request));
        }
    });
    match result {
        Some(Ok(answer)) => give(call, &answer.bytes),
        Some(Err(error)) => {
            report(call, &error.to_string());
            Err(Escape::Failure)
        }
        None => Err(Escape::Failure),
    }
}

/// Sends a request whose answer comes later. One that cannot be sent gets its failure the same way.
fn fetch_later(call: &mut HostCall<'_>, method: Method, callback: usize) -> Answer {
    let request = request(call, method)?;
    call.context.network.fetcher().fetch_later(request, call.int(callback)).map_err(|error| {
        report(call, &error.to_string());
        Escape::Failure
    })?;
    Ok(None)
}

/// Makes an ArrayBuffer in the guest.
fn give(call: &mut HostCall<'_>, bytes: &[u8]) -> Answer {
    if call.memory.memory_bytes() == 0 {
        // The start section runs, and there is nothing yet that could allocate.
        return Err(Escape::Failure);
    }
    let size = i32::try_from(bytes.len()).map_err(|_| Escape::Failure)?;
    let made = call.memory.call_export("__new", &[Value::I32(size), Value::I32(ARRAY_BUFFER)]);
    let at = made.map_err(Escape::Trap)?.map_or(0, Value::int);
    if at == 0 {
        return Err(Escape::Failure);
    }
    call.memory.write(at as u32, bytes)?;
    Ok(Some(Value::I32(at)))
}

/// Reads the request out of the guest.
fn request(call: &HostCall<'_>, method: Method) -> Result<Request, Escape> {
    let read = || -> Result<Request, Escape> {
        let body = match method {
            Method::Get => Vec::new(),
            Method::Post => buffer(call, call.address(3))?,
        };
        Ok(Request { method, url: call.managed_text(0)?, headers: headers(call, call.address(2))?, body })
    };
    read().inspect_err(|_| {
        report(call, "a request could not be read: its address, headers or body are not what as-fetch passes");
    })
}

fn report(call: &HostCall<'_>, text: &str) {
    call.context.voice.complain(text);
}

/// The content of an ArrayBuffer; null reads as empty.
fn buffer(call: &HostCall<'_>, at: u32) -> Result<Vec<u8>, Escape> {
    if at == 0 {
        return Ok(Vec::new());
    }
    let (class, size) = text::read_header(call.memory, at)?;
    if class != ARRAY_BUFFER {
        return Err(Escape::Failure);
    }
    let max = u32::try_from(call.context.limits.fetch_bytes).unwrap_or(u32::MAX);
    Ok(text::read_bytes(call.memory, at, size, max)?)
}

/// An `Array<Array<string>>` of pairs; null reads as empty.
fn headers(call: &HostCall<'_>, at: u32) -> Result<Vec<(String, String)>, Escape> {
    let mut left = HEADER_BYTES;
    // All rows may point to the same large string.
    let mut string = |at| {
        let text = text::read_managed(call.memory, at, 2 * HEADER_BYTES)?.unwrap_or_default();
        left = u32::try_from(text.len()).ok().and_then(|length| left.checked_sub(length)).ok_or(Escape::Failure)?;
        Ok::<_, Escape>(text)
    };
    let rows = elements(call, at, HEADERS)?;
    let mut headers = Vec::new();
    for row in rows {
        match elements(call, row, 2)?[..] {
            [name, value] => headers.push((string(name)?, string(value)?)),
            _ => return Err(Escape::Failure),
        }
    }
    Ok(headers)
}

/// The pointers in a managed array of at most `most` objects.
fn elements(call: &HostCall<'_>, at: u32, most: u32) -> Result<Vec<u32>, Escape> {
    if at == 0 {
        return Ok(Vec::new());
    }
    let words = |bytes: &[u8]| -> Vec<u32> {
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes(std::array::from_fn(|index| word[index]))).collect()
    };
    let mut array = [0; ARRAY];
    call.memory.read(at, &mut array)?;
    let array = words(&array);
    let (start, count) = (array[1], array[3]);
    if count > most {
        return Err(Escape::Failure);
    }
    Ok(words(&text::read_bytes(call.memory, start, count * 4, most * 4)?))
}
