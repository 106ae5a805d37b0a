//! Linking: every function a guest imports is made from the type *it* declares, and dispatched by name through tables
//! (ABI specification §4.1).
//!
//! A family of guests is a [`ImportFamily`]: which functions it may import from where. Families do not know each other.

mod assembly_script;
mod signal_k;
mod stubs;

use std::sync::Arc;

use crate::{
    Capabilities, Host, Limits, LoadError,
    engine::{HostImport, ImportDeclaration, ItemType, Memory, OutOfBounds, Signature, Trap, Value, ValueType},
    text::{self, TextError},
    wasi::{OutputGate, WASI_MODULES},
};

/// What host functions need to know of the guest they serve.
pub(crate) struct GuestContext {
    pub host: Arc<dyn Host>,
    pub capabilities: Capabilities,
    pub limits: Limits,
    pub gate: Arc<OutputGate>,
}

/// One host function.
pub(crate) struct Entry {
    pub name: &'static str,
    /// Other spellings found in old plugins and documents.
    pub aliases: &'static [&'static str],
    /// The capability it needs, in package.json spelling.
    pub capability: Option<&'static str>,
    /// What it returns on denial and failure.
    pub failure: i32,
    pub run: fn(&mut HostCall<'_>) -> Result<Option<Value>, Escape>,
}

/// The functions one family of guests may import.
pub(crate) struct ImportFamily {
    /// Tables by module name.
    pub tables: &'static [(&'static str, &'static [&'static [Entry]])],
    /// The module whose unknown functions are replaced by stubs instead of being refused.
    pub lenient: Option<&'static str>,
    /// What unknown functions of the lenient module return, by name.
    pub stub_result: fn(&str) -> Option<i32>,
}

/// The Signal K family: Rust and other buffer-ABI plugins, and AssemblyScript.
pub(crate) static SIGNAL_K: ImportFamily = ImportFamily {
    tables: &[
        ("env", &[signal_k::TABLE, assembly_script::ENV]),
        ("Math", &[assembly_script::MATH]),
        ("Date", &[assembly_script::DATE]),
    ],
    lenient: Some("env"),
    stub_result: stubs::result,
};

/// How a host function ends without a result.
pub(crate) enum Escape {
    /// The guest gets the documented failure value.
    Failure,
    /// The guest ends.
    Trap(Trap),
}

impl From<OutOfBounds> for Escape {
    fn from(_: OutOfBounds) -> Self {
        Escape::Failure
    }
}

impl From<TextError> for Escape {
    fn from(_: TextError) -> Self {
        Escape::Failure
    }
}

/// A call of a host function in progress.
pub(crate) struct HostCall<'a> {
    pub context: &'a GuestContext,
    pub memory: &'a mut dyn Memory,
    args: &'a [Value],
}

impl HostCall<'_> {
    /// Argument `index` as an integer; a missing one is 0.
    pub(crate) fn int(&self, index: usize) -> i32 {
        self.args.get(index).map_or(0, |value| value.int())
    }

    /// Argument `index` as an address or length.
    pub(crate) fn address(&self, index: usize) -> u32 {
        self.int(index) as u32
    }

    /// Argument `index` as a float; a missing one is 0.
    pub(crate) fn float(&self, index: usize) -> f64 {
        self.args.get(index).map_or(0.0, |value| value.float())
    }

    /// How many arguments the guest passes.
    pub(crate) fn count(&self) -> usize {
        self.args.len()
    }

    /// The UTF-8 text whose pointer and length are arguments `index` and `index + 1`.
    pub(crate) fn text(&self, index: usize) -> Result<String, Escape> {
        let read =
            text::read_utf8(self.memory, self.address(index), self.address(index + 1), self.context.limits.text_bytes);
        if let Err(TextError::TooLong(size)) = read {
            self.context.host.notice(&format!(
                "a text of {size} bytes was refused: at most {} are taken in one call",
                self.context.limits.text_bytes
            ));
        }
        Ok(read?)
    }

    /// The managed string whose pointer is argument `index`; null reads as empty.
    pub(crate) fn managed_text(&self, index: usize) -> Result<String, Escape> {
        let max = self.context.limits.text_bytes.saturating_mul(2);
        Ok(text::read_managed(self.memory, self.address(index), max)?.unwrap_or_default())
    }

    /// Writes `text` to the buffer whose pointer and size are arguments `index` and `index + 1`: all of it or nothing.
    /// The result is the number of bytes. The whole buffer must lie in memory, also when the text needs less.
    pub(crate) fn answer_text(&mut self, index: usize, text: &str) -> Result<Option<Value>, Escape> {
        let length = u32::try_from(text.len()).map_err(|_| Escape::Failure)?;
        let (at, room) = (self.address(index), self.address(index + 1));
        if length > room || u64::from(at) + u64::from(room) > self.memory.memory_bytes() {
            return Err(Escape::Failure);
        }
        self.memory.write(at, text.as_bytes())?;
        Ok(Some(Value::I32(length as i32)))
    }

    /// Passes a line of debug text on, cut to the longest line allowed and held to the rate allowed.
    pub(crate) fn debug(&self, text: &str) {
        let host = &*self.context.host;
        if self.context.gate.admit(host) {
            host.debug(text::clip(text, self.context.limits.log_line_bytes));
        }
    }
}

/// Makes the host functions for all functions a module imports, except those of WASI.
///
/// # Errors
/// An import that is not a function, or is of an unknown module.
pub(crate) fn link(
    family: &'static ImportFamily,
    declared: &[ImportDeclaration],
    context: &Arc<GuestContext>,
) -> Result<Vec<HostImport>, LoadError> {
    let mut imports = Vec::new();
    for declaration in declared {
        let refuse = |advice| LoadError::UnknownImport {
            module: declaration.module.clone(),
            name: declaration.name.clone(),
            advice,
        };
        let ItemType::Function(signature) = &declaration.ty else {
            return Err(refuse("only functions can be imported: let the module define and export its own memory"));
        };
        if WASI_MODULES.contains(&declaration.module.as_str()) {
            continue;
        }
        if !signature.is_numeric() {
            return Err(refuse("it is declared with vectors or references, which no plugin interface has"));
        }
        let entry = family.find(&declaration.module, &declaration.name);
        let run = match entry {
            Some(entry) => dispatch(entry, Arc::clone(context)),
            None if family.lenient == Some(declaration.module.as_str()) => stub(family, &declaration.name, context),
            None => return Err(refuse(advice_on(&declaration.module))),
        };
        imports.push(host_import(declaration, signature, run));
    }
    Ok(imports)
}

fn host_import(declaration: &ImportDeclaration, signature: &Signature, run: crate::engine::HostFunction) -> HostImport {
    HostImport { module: declaration.module.clone(), name: declaration.name.clone(), signature: signature.clone(), run }
}

fn advice_on(module: &str) -> &'static str {
    if module == "as-fetch" {
        "HTTP requests from plugins are not supported by this version"
    } else if module.starts_with("wasix") || module == "wasi" {
        "build the plugin for WASI preview 1"
    } else {
        "build the plugin against the Signal K plugin interface (module \"env\")"
    }
}

impl ImportFamily {
    fn find(&self, module: &str, name: &str) -> Option<&'static Entry> {
        // AssemblyScript's `Math.sin` is imported as `env."Math.sin"` by current compilers, from a module `Math` by older ones.
        let (module, name) = match name.strip_prefix("Math.") {
            Some(bare) if module == "env" => ("Math", bare),
            _ => (module, name),
        };
        self.tables
            .iter()
            .filter(|(of, _)| *of == module)
            .flat_map(|(_, tables)| tables.iter())
            .flat_map(|table| table.iter())
            .find(|entry| entry.name == name || entry.aliases.contains(&name))
    }
}

fn dispatch(entry: &'static Entry, context: Arc<GuestContext>) -> crate::engine::HostFunction {
    Box::new(move |memory, args| {
        if let Some(capability) = entry.capability
            && !context.capabilities.grants(capability)
        {
            context.host.denied(entry.name, capability);
            return Ok(Some(Value::I32(entry.failure)));
        }
        match (entry.run)(&mut HostCall { context: &context, memory, args }) {
            Ok(result) => Ok(result),
            Err(Escape::Failure) => Ok(Some(Value::I32(entry.failure))),
            Err(Escape::Trap(trap)) => Err(trap),
        }
    })
}

fn stub(family: &ImportFamily, name: &str, context: &GuestContext) -> crate::engine::HostFunction {
    let result = match (family.stub_result)(name) {
        Some(result) => {
            context.host.notice(&format!("{name} is not supported by this version: calls to it report failure"));
            result
        }
        None => {
            context.host.notice(&format!("the plugin imports {name}, which is unknown: calls to it return 0"));
            0
        }
    };
    Box::new(move |_, _| Ok(Some(Value::I32(result))))
}

/// Fits integer arguments to a declared parameter list: superfluous ones are dropped, missing ones are 0.
pub(crate) fn fit(args: &[i32], params: &[ValueType]) -> Vec<Value> {
    params
        .iter()
        .enumerate()
        .map(|(index, ty)| Value::I32(args.get(index).copied().unwrap_or(0)).to_type(*ty))
        .collect()
}
