//! Linear memories that reserve the address space up to their cap, so that growing never moves them.
//!
//! The engine's own dynamic memories are copied each time they grow: a guest that grows page by page would spend seconds in the host, where it
//! can't be interrupted. Reserved address space costs nothing until it is used.

use std::{cell::Cell, ptr::NonNull};

use wasmer::{
    MemoryError, MemoryStyle, MemoryType, MemoryView, Pages,
    sys::vm::{LinearMemory, Mmap, MmapType, VMMemory, VMMemoryDefinition},
};

use crate::limits::PAGE;

thread_local! {
    /// How often guests on this thread were refused memory because of the cap. A guest never leaves its thread, and grows its memory
    /// only while it is called.
    static REFUSALS: Cell<u64> = const { Cell::new(0) };
}

/// How often guests on this thread were refused memory so far, because they had reached the cap of [`crate::Limits::memory_bytes`].
pub(super) fn refusals() -> u64 {
    REFUSALS.get()
}

/// A memory of at most as many bytes as are reserved.
#[derive(Debug)]
struct ReservedMemory {
    mapping: Mmap,
    size: Pages,
    /// The declared type, with the smaller of the declared and the allowed maximum.
    ty: MemoryType,
    /// The cap of the plugin.
    cap: Pages,
    style: MemoryStyle,
    /// What generated code reads base and length from. It lies in the instance that owns this memory.
    definition: NonNull<VMMemoryDefinition>,
}

// SAFETY: the definition is written only by `grow`, which takes `&mut self`; it belongs to the same store as this memory, which
// goes from thread to thread only as a whole.
unsafe impl Send for ReservedMemory {}
// SAFETY: see above; `&self` only hands the pointer on.
unsafe impl Sync for ReservedMemory {}

/// Creates a memory whose address space is reserved up to its maximum.
///
/// # Errors
/// The address space is not available.
///
/// # Safety
/// `definition` must be valid as long as the memory is.
pub(super) unsafe fn reserve(
    ty: &MemoryType,
    cap: Pages,
    style: &MemoryStyle,
    mut definition: NonNull<VMMemoryDefinition>,
) -> Result<VMMemory, MemoryError> {
    let maximum = ty.maximum.unwrap_or(cap);
    let size = bytes(ty.minimum)?;
    let guard = usize::try_from(style.offset_guard_size()).map_err(|error| MemoryError::Generic(error.to_string()))?;
    let reserved = bytes(maximum)?.checked_add(guard).ok_or_else(|| MemoryError::Region("too large".to_owned()))?;
    let mut mapping =
        Mmap::accessible_reserved(size, reserved, None, MmapType::Private).map_err(MemoryError::Region)?;
    // SAFETY: the caller says that the definition is valid, and nothing else knows it yet.
    unsafe {
        let definition = definition.as_mut();
        definition.base = mapping.as_mut_ptr();
        definition.current_length = size;
    }
    let ty = MemoryType { maximum: Some(maximum), ..*ty };
    let memory = ReservedMemory { mapping, size: ty.minimum, ty, cap, style: *style, definition };
    Ok(VMMemory(Box::new(memory)))
}

/// Gives the memory behind `len` bytes at `at` back to the system, as far as whole pages are concerned; they read as zeros afterwards. What
/// lies outside the memory is left alone.
#[cfg(unix)]
pub(super) fn discard(memory: &MemoryView<'_>, at: u32, len: u32) {
    // SAFETY: a question without preconditions.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Some(page) = u64::try_from(page).ok().filter(|page| page.is_power_of_two()) else { return };
    let from = u64::from(at).next_multiple_of(page);
    let to = (u64::from(at) + u64::from(len)).min(memory.data_size()) & !(page - 1);
    if from < to {
        // SAFETY: the range lies within the memory, which is a private anonymous mapping that begins at a page, and no guest runs.
        let result = unsafe {
            libc::madvise(memory.data_ptr().add(from as usize).cast(), (to - from) as usize, libc::MADV_DONTNEED)
        };
        if result != 0 {
            log::debug!("memory of a plugin was not given back: {}", std::io::Error::last_os_error());
        }
    }
}

/// Elsewhere the memory stays in use.
#[cfg(not(unix))]
pub(super) fn discard(_: &MemoryView<'_>, _: u32, _: u32) {}

fn bytes(pages: Pages) -> Result<usize, MemoryError> {
    usize::try_from(u64::from(pages.0) * PAGE).map_err(|error| MemoryError::Generic(error.to_string()))
}

impl ReservedMemory {
    fn set_size(&mut self, size: Pages, length: usize) {
        self.size = size;
        // SAFETY: the definition lives as long as this memory, and the guest that reads it is not running now.
        unsafe { self.definition.as_mut().current_length = length };
    }
}

impl LinearMemory for ReservedMemory {
    fn ty(&self) -> MemoryType {
        MemoryType { minimum: self.size, ..self.ty }
    }

    fn size(&self) -> Pages {
        self.size
    }

    fn style(&self) -> MemoryStyle {
        self.style
    }

    fn grow(&mut self, delta: Pages) -> Result<Pages, MemoryError> {
        let before = self.size;
        let refused = MemoryError::CouldNotGrow { current: before, attempted_delta: delta };
        let Some(after) = before.0.checked_add(delta.0).map(Pages) else { return Err(refused) };
        if after > self.ty.maximum.unwrap_or(self.cap) {
            // A module that has reached a maximum of its own has nobody else to blame.
            if after > self.cap {
                REFUSALS.set(REFUSALS.get() + 1);
            }
            return Err(refused);
        }
        if delta.0 > 0 {
            let (from, to) = (bytes(before)?, bytes(after)?);
            self.mapping.make_accessible(from, to - from).map_err(MemoryError::Region)?;
            self.set_size(after, to);
        }
        Ok(before)
    }

    fn grow_at_least(&mut self, min_size: u64) -> Result<(), MemoryError> {
        let wanted = u32::try_from(min_size.div_ceil(PAGE)).unwrap_or(u32::MAX);
        match wanted.checked_sub(self.size.0) {
            Some(more) => self.grow(Pages(more)).map(drop),
            None => Ok(()),
        }
    }

    fn vmmemory(&self) -> NonNull<VMMemoryDefinition> {
        self.definition
    }

    fn try_clone(&self) -> Result<Box<dyn LinearMemory + Send + Sync + 'static>, MemoryError> {
        Err(MemoryError::MemoryNotShared)
    }

    fn copy(&self) -> Result<Box<dyn LinearMemory + Send + Sync + 'static>, MemoryError> {
        Err(MemoryError::UnsupportedOperation { message: "a plugin's memory is not copied".to_owned() })
    }
}
