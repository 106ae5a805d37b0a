//! Looks at a module's bytes before any compiler does, and refuses what will not run with a clear reason.

use wasmer::sys::wasmparser::{Parser, Payload, TypeRef};

use crate::{Limits, LoadError};

const CORE_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";
const MAGIC: [u8; 4] = *b"\0asm";

/// Checks size, header, memories and tables of a module (§2.1, §4.1).
pub(crate) fn inspect(wasm: &[u8], limits: &Limits) -> Result<(), LoadError> {
    let size = wasm.len() as u64;
    if size > limits.module_bytes {
        return Err(LoadError::ModuleTooLarge { size, limit: limits.module_bytes });
    }
    check_header(wasm)?;
    let invalid = |error: &dyn std::fmt::Display| LoadError::Invalid { reason: error.to_string() };
    let mut memories = 0usize;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(|error| invalid(&error))?;
                    if !matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        return Err(LoadError::UnknownImport {
                            module: import.module.to_owned(),
                            name: import.name.to_owned(),
                            advice: "only functions can be imported: let the module define and export its own memory",
                        });
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(|error| invalid(&error))?;
                    memories += 1;
                    check_memory(&memory, limits)?;
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let initial = table.map_err(|error| invalid(&error))?.ty.initial;
                    if initial > u64::from(limits.table_elements) {
                        return Err(LoadError::Refused {
                            what: format!(
                                "wants a table of {initial} elements, at most {} are allowed",
                                limits.table_elements
                            ),
                            advice: "raise the plugin's limits if it really needs this",
                        });
                    }
                }
            }
            _ => {}
        }
    }
    if memories > 1 {
        return Err(LoadError::Refused {
            what: format!("has {memories} memories, a plugin has one"),
            advice: "build it without the multi-memory feature",
        });
    }
    Ok(())
}

fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    let head = &wasm[..wasm.len().min(8)];
    if head == CORE_MODULE {
        return Ok(());
    }
    if head.len() == 8 && head[..4] == MAGIC {
        // The layer field of the header tells a component (1) from a module (0).
        if head[6..] == [1, 0] {
            return Err(LoadError::Component);
        }
        return Err(LoadError::Invalid { reason: format!("its format version is {}, expected 1", hex(&head[4..])) });
    }
    if !head.is_empty() && CORE_MODULE.starts_with(head) {
        return Err(LoadError::Invalid { reason: format!("it ends after {} bytes", head.len()) });
    }
    let found = if head.is_empty() { "nothing: it is empty".to_owned() } else { hex(head) };
    Err(LoadError::NotWasm { found })
}

fn check_memory(memory: &wasmer::sys::wasmparser::MemoryType, limits: &Limits) -> Result<(), LoadError> {
    if memory.shared {
        return Err(LoadError::Refused { what: "has a shared memory".to_owned(), advice: "build it without threads" });
    }
    if memory.memory64 {
        return Err(LoadError::Refused {
            what: "has a 64-bit memory".to_owned(),
            advice: "build it for a wasm32 target",
        });
    }
    if memory.initial > u64::from(limits.memory_pages()) {
        return Err(LoadError::Refused {
            what: format!(
                "wants {} pages of memory to begin with, at most {} are allowed",
                memory.initial,
                limits.memory_pages()
            ),
            advice: "raise the plugin's memory limit, or build it with a smaller stack and initial memory",
        });
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
