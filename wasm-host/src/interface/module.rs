//! What a module asks for and offers, without running it: for `windlass plugin check`.

use serde::Serialize;

use super::{all_entries, exports, signature};
use crate::{
    Abi, Capabilities, Limits, LoadError,
    engine::{
        ItemType, Signature,
        declarations::{Declarations, declarations},
        inspect::inspect,
    },
    guest,
    imports::SIGNAL_K,
    wasi::WASI_MODULES,
};

/// What a module asks for and offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleReport {
    /// Size of the file in bytes.
    pub size: u64,
    /// The flavour; `None` when it is none, see [`missing_exports`](Self::missing_exports).
    pub abi: Option<Abi>,
    /// Exports that a plugin must have and this module does not.
    pub missing_exports: Vec<String>,
    /// Pages of memory (64 KiB each) it begins with.
    pub memory_pages: u64,
    /// Pages of memory it asks not to exceed; `None`: it sets no bound of its own.
    pub memory_pages_max: Option<u64>,
    /// What it imports.
    pub imports: Vec<ImportReport>,
    /// What it exports.
    pub exports: Vec<ExportReport>,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// The module it is imported from.
    pub module: String,
    /// Its name.
    pub name: String,
    /// The type it is declared with, in WebAssembly's text format.
    pub signature: String,
    /// What the server makes of it.
    pub status: ImportStatus,
}

/// What the server makes of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ImportStatus {
    /// A host function.
    #[serde(rename_all = "camelCase")]
    Provided {
        /// The present name, when it was imported by an old one.
        alias_of: Option<&'static str>,
        /// The capability it needs.
        capability: Option<&'static str>,
    },
    /// WASI.
    Wasi,
    /// Unknown: calls give `result`, and the plugin gets a note in its status.
    Stub {
        /// What calls give.
        result: i32,
    },
    /// The module cannot be loaded because of it.
    Refused,
}

/// One export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportReport {
    /// Its name.
    pub name: String,
    /// Its type: that of a function in WebAssembly's text format, otherwise `memory`, `table`, `global` or `tag`.
    pub signature: String,
    /// What the server does with it; `None`: nothing, unless the plugin names it as a handler.
    pub doc: Option<&'static str>,
}

impl ModuleReport {
    /// The capabilities its imports and exports need, each once, in the order of the specification.
    pub fn capabilities_needed(&self) -> Vec<&'static str> {
        let needs = |name: &str| {
            let imports = self.imports.iter().any(
                |import| matches!(import.status, ImportStatus::Provided { capability: Some(needed), .. } if needed == name),
            );
            imports || self.exports.iter().any(|export| exports::capability(&export.name) == Some(name))
        };
        crate::capabilities::ALL.iter().map(|known| known.name).filter(|name| needs(name)).collect()
    }

    /// Of these, the ones that `granted` lacks.
    pub fn capabilities_missing(&self, granted: &Capabilities) -> Vec<&'static str> {
        self.capabilities_needed().into_iter().filter(|name| !granted.grants(name)).collect()
    }
}

/// Looks at a module's declarations. Nothing is compiled or run.
///
/// # Errors
/// The bytes are not a core module, or one with things no plugin can have, such as an imported or 64-bit memory. Limits on
/// size do not count here.
pub fn inspect_module(wasm: &[u8]) -> Result<ModuleReport, LoadError> {
    let any_size =
        Limits { module_bytes: u64::MAX, memory_bytes: u64::MAX, table_elements: u32::MAX, ..Limits::default() };
    inspect(wasm, &any_size)?;
    let Declarations { imports, exports, memory_pages, memory_pages_max } = declarations(wasm)?;
    let (abi, missing_exports) = match guest::detect(&exports) {
        Ok(detected) => (Some(detected.abi), Vec::new()),
        Err(LoadError::MissingExports(missing)) => (None, missing),
        Err(other) => return Err(other),
    };
    let imports = imports.into_iter().map(|import| ImportReport {
        status: status(&import.module, &import.name, &import.ty),
        signature: type_text(&import.ty),
        module: import.module,
        name: import.name,
    });
    let exports = exports.into_iter().map(|export| ExportReport {
        signature: type_text(&export.ty),
        doc: exports::find(&export.name).map(|known| known.doc),
        name: export.name,
    });
    Ok(ModuleReport {
        size: wasm.len() as u64,
        abi,
        missing_exports,
        memory_pages,
        memory_pages_max,
        imports: imports.collect(),
        exports: exports.collect(),
    })
}

fn status(module: &str, name: &str, ty: &ItemType) -> ImportStatus {
    let ItemType::Function(declared) = ty else { return ImportStatus::Refused };
    if WASI_MODULES.contains(&module) {
        return ImportStatus::Wasi;
    }
    if !declared.is_numeric() {
        return ImportStatus::Refused;
    }
    match SIGNAL_K.find(module, name) {
        Some(entry) => {
            let topic =
                all_entries(&SIGNAL_K).find(|(_, _, known)| std::ptr::eq(*known, entry)).map(|(_, topic, _)| topic);
            let is_own_name = entry.name == name || name.strip_prefix("Math.") == Some(entry.name);
            ImportStatus::Provided {
                alias_of: (!is_own_name).then_some(entry.name),
                capability: topic.map_or(entry.capability, |topic| super::capability(topic, entry)),
            }
        }
        None if SIGNAL_K.lenient == Some(module) => {
            ImportStatus::Stub { result: (SIGNAL_K.stub_result)(name).unwrap_or(0) }
        }
        None => ImportStatus::Refused,
    }
}

fn type_text(ty: &ItemType) -> String {
    let function = |Signature { params, results }: &Signature| {
        let list = |keyword: &str, types: &[crate::engine::ValueType]| {
            let names: Vec<_> = types.iter().map(|ty| signature::type_name(*ty)).collect();
            (!names.is_empty()).then(|| format!("({keyword} {})", names.join(" ")))
        };
        let parts = [list("param", params), list("result", results)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    match ty {
        ItemType::Function(signature) => function(signature),
        ItemType::Memory => "memory".to_owned(),
        ItemType::Table => "table".to_owned(),
        ItemType::Global => "global".to_owned(),
        ItemType::Tag => "tag".to_owned(),
    }
}
