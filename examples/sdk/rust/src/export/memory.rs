//! Texts between server and plugin: UTF-8 in buffers that the server gets from [`allocate`] and gives back to [`deallocate`]
//! (ABI specification §3.1).

use super::Answer;
use std::alloc::Layout;

/// Every buffer is aligned like this; text needs no more.
const ALIGN: usize = 8;

/// Runs the constructors of the C library, once; every first call of a module passes here.
///
/// A library of WASI has no start function of its own. The linker then wraps every export into constructors and destructors, as if
/// each call were a program: that costs time and memory with every call, and it ends the module when a file is open between calls,
/// since the search for preopened directories comes across it. A module that runs its constructors itself is not wrapped.
fn construct() {
    #[cfg(target_os = "wasi")]
    {
        use std::sync::atomic::{AtomicBool, Ordering};

        unsafe extern "C" {
            fn __wasm_call_ctors();
        }
        static CONSTRUCTED: AtomicBool = AtomicBool::new(false);
        if !CONSTRUCTED.swap(true, Ordering::Relaxed) {
            // SAFETY: the linker makes this function for this purpose; nothing of the C library was used yet.
            unsafe { __wasm_call_ctors() }
        }
    }
}

/// Gives the server a buffer; null when there is no memory.
pub fn allocate(size: usize) -> *mut u8 {
    construct();
    match Layout::from_size_align(size.max(1), ALIGN) {
        // SAFETY: the layout's size is not zero.
        Ok(layout) => unsafe { std::alloc::alloc(layout) },
        Err(_) => std::ptr::null_mut(),
    }
}

/// Takes a buffer back.
///
/// # Safety
/// `buffer` is from [`allocate`] with the same `size` and was not given back before.
pub unsafe fn deallocate(buffer: *mut u8, size: usize) {
    if buffer.is_null() {
        return;
    }
    if let Ok(layout) = Layout::from_size_align(size.max(1), ALIGN) {
        // SAFETY: by this function's contract the buffer was allocated with this layout.
        unsafe { std::alloc::dealloc(buffer, layout) }
    }
}

/// Passes on what the server wrote.
///
/// # Safety
/// `len` bytes at `text` are readable.
pub unsafe fn input<R>(text: *const u8, len: usize, read: impl FnOnce(&[u8]) -> R) -> R {
    construct();
    if text.is_null() {
        return read(&[]);
    }
    // SAFETY: by this function's contract.
    read(unsafe { std::slice::from_raw_parts(text, len) })
}

/// Writes as much of a text as fits. A server that finds its buffer full asks again with a larger one.
///
/// # Safety
/// `max` bytes at `out` are writable, and none of them belongs to `text`.
pub unsafe fn getter(out: *mut u8, max: usize, text: &str) -> i32 {
    construct();
    let len = text.len().min(max).min(i32::MAX as usize);
    if len > 0 {
        // SAFETY: `out` has room by this function's contract, and `text` is elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), out, len) }
    }
    i32::try_from(len).unwrap_or(i32::MAX)
}

/// Answers a request; an answer that does not fit is replaced by an error.
///
/// # Safety
/// `len` bytes at `request` are readable, `max` bytes at `out` are writable.
pub unsafe fn handler(
    request: *const u8,
    len: usize,
    out: *mut u8,
    max: usize,
    answer: impl FnOnce(&[u8]) -> Answer,
) -> i32 {
    // SAFETY: by this function's contract. The answer is a buffer of its own.
    unsafe {
        let answer = input(request, len, answer);
        getter(out, max, &answer.fit(max))
    }
}
