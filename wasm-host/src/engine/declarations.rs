//! What a module declares, read from its bytes: for tools that look at modules without compiling them.

use wasmer::sys::wasmparser::{CompositeInnerType, ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};

use super::{ExportDeclaration, ImportDeclaration, ItemType, Signature, ValueType};
use crate::LoadError;

/// Imports, exports and memory of a module.
pub(crate) struct Declarations {
    pub imports: Vec<ImportDeclaration>,
    pub exports: Vec<ExportDeclaration>,
    pub memory_pages: u64,
    pub memory_pages_max: Option<u64>,
}

/// Reads the declarations of a module. Function bodies are not looked at.
///
/// # Errors
/// [`LoadError::Invalid`] when a section is malformed or refers to a type or function that is not there.
pub(crate) fn declarations(wasm: &[u8]) -> Result<Declarations, LoadError> {
    let mut types = Vec::new();
    // The type of each function, imported ones first.
    let mut functions = Vec::new();
    let mut found = Declarations { imports: Vec::new(), exports: Vec::new(), memory_pages: 0, memory_pages_max: None };
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(invalid)? {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group.map_err(invalid)?.into_types() {
                        types.push(match ty.composite_type.inner {
                            CompositeInnerType::Func(function) => Some(signature(&function)),
                            _ => None,
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(invalid)?;
                    if let TypeRef::Func(index) | TypeRef::FuncExact(index) = import.ty {
                        functions.push(index);
                    }
                    found.imports.push(ImportDeclaration {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        ty: imported(import.ty, &types)?,
                    });
                }
            }
            Payload::FunctionSection(section) => {
                for index in section {
                    functions.push(index.map_err(invalid)?);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.map_err(invalid)?;
                    found.memory_pages = memory.initial;
                    found.memory_pages_max = memory.maximum;
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(invalid)?;
                    let ty = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => {
                            let index = functions.get(export.index as usize).copied();
                            function(index.ok_or_else(|| missing("function", export.index))?, &types)?
                        }
                        ExternalKind::Memory => ItemType::Memory,
                        ExternalKind::Table => ItemType::Table,
                        ExternalKind::Global => ItemType::Global,
                        ExternalKind::Tag => ItemType::Tag,
                    };
                    found.exports.push(ExportDeclaration { name: export.name.to_owned(), ty });
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn imported(ty: TypeRef, types: &[Option<Signature>]) -> Result<ItemType, LoadError> {
    Ok(match ty {
        TypeRef::Func(index) | TypeRef::FuncExact(index) => function(index, types)?,
        TypeRef::Memory(_) => ItemType::Memory,
        TypeRef::Table(_) => ItemType::Table,
        TypeRef::Global(_) => ItemType::Global,
        TypeRef::Tag(_) => ItemType::Tag,
    })
}

fn function(index: u32, types: &[Option<Signature>]) -> Result<ItemType, LoadError> {
    types.get(index as usize).cloned().flatten().map(ItemType::Function).ok_or_else(|| missing("function type", index))
}

fn signature(function: &FuncType) -> Signature {
    let value = |ty: &ValType| match ty {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        ValType::V128 | ValType::Ref(_) => ValueType::Other,
    };
    Signature {
        params: function.params().iter().map(value).collect(),
        results: function.results().iter().map(value).collect(),
    }
}

fn invalid(error: impl std::fmt::Display) -> LoadError {
    LoadError::Invalid { reason: error.to_string() }
}

fn missing(what: &str, index: u32) -> LoadError {
    LoadError::Invalid { reason: format!("there is no {what} {index}") }
}
