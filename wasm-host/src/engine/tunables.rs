//! Caps on memories, tables and stacks, enforced where the engine creates them.

use std::ptr::NonNull;

use wasmer::{
    MemoryError, MemoryStyle, MemoryType, Pages, TableStyle, TableType,
    sys::{
        BaseTunables, Tunables,
        vm::{VMConfig, VMMemory, VMMemoryDefinition, VMTable, VMTableDefinition},
    },
};

use crate::Limits;

/// The memory style, which travels with a compiled module and so belongs to the key of the module cache. The static
/// style would reserve 8 GiB of address space per plugin, which small ARM boards with 39-bit addresses do not have.
pub(super) const MEMORY_STYLE: MemoryStyle = MemoryStyle::Dynamic { offset_guard_size: 0x1_0000 };

/// Applies [`Limits`] to everything an instance creates.
pub(super) struct CappedTunables {
    pages: Pages,
    table_elements: u32,
    base: BaseTunables,
    vm: VMConfig,
}

impl CappedTunables {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            pages: Pages(limits.memory_pages()),
            table_elements: limits.table_elements,
            base: BaseTunables::new(),
            vm: VMConfig { wasm_stack_size: Some(limits.stack_bytes) },
        }
    }

    fn memory(&self, ty: &MemoryType) -> Result<MemoryType, MemoryError> {
        if ty.minimum > self.pages {
            return Err(MemoryError::MinimumMemoryTooLarge { min_requested: ty.minimum, max_allowed: self.pages });
        }
        let maximum = ty.maximum.map_or(self.pages, |maximum| maximum.min(self.pages));
        Ok(MemoryType { maximum: Some(maximum), ..*ty })
    }

    fn table(&self, ty: &TableType) -> Result<TableType, String> {
        if ty.minimum > self.table_elements {
            return Err(format!("a table of {} elements, at most {} are allowed", ty.minimum, self.table_elements));
        }
        let maximum = ty.maximum.map_or(self.table_elements, |maximum| maximum.min(self.table_elements));
        Ok(TableType { maximum: Some(maximum), ..*ty })
    }
}

impl Tunables for CappedTunables {
    fn memory_style(&self, _: &MemoryType) -> MemoryStyle {
        MEMORY_STYLE
    }

    fn table_style(&self, table: &TableType) -> TableStyle {
        self.base.table_style(table)
    }

    fn create_host_memory(&self, ty: &MemoryType, style: &MemoryStyle) -> Result<VMMemory, MemoryError> {
        self.base.create_host_memory(&self.memory(ty)?, style)
    }

    unsafe fn create_vm_memory(
        &self,
        ty: &MemoryType,
        style: &MemoryStyle,
        location: NonNull<VMMemoryDefinition>,
    ) -> Result<VMMemory, MemoryError> {
        let ty = self.memory(ty)?;
        if *style == MEMORY_STYLE {
            // SAFETY: the caller's promise about `location` is passed on unchanged.
            match unsafe { super::memory::reserve(&ty, self.pages, style, location) } {
                Ok(memory) => return Ok(memory),
                Err(error) => {
                    log::debug!("no address space to reserve for a plugin: {error}; its memory moves as it grows")
                }
            }
        }
        // SAFETY: as above; an attempt that failed has left nothing there.
        unsafe { self.base.create_vm_memory(&ty, style, location) }
    }

    fn create_host_table(&self, ty: &TableType, style: &TableStyle) -> Result<VMTable, String> {
        self.base.create_host_table(&self.table(ty)?, style)
    }

    unsafe fn create_vm_table(
        &self,
        ty: &TableType,
        style: &TableStyle,
        location: NonNull<VMTableDefinition>,
    ) -> Result<VMTable, String> {
        let ty = self.table(ty)?;
        // SAFETY: the caller's promise about `location` is passed on unchanged.
        let table = unsafe { self.base.create_vm_table(&ty, style, location) }?;
        super::tables::created(location);
        Ok(table)
    }

    fn vmconfig(&self) -> &VMConfig {
        &self.vm
    }
}
