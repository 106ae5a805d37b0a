//! Telling the flavours apart by their exports (ABI specification §2.2).

use super::Abi;
use crate::{
    LoadError,
    engine::{ExportDeclaration, ItemType, Signature},
};

/// What a module turned out to be, with the names of its lifecycle exports.
#[derive(Clone, Debug)]
pub(crate) struct Detected {
    pub abi: Abi,
    pub name: &'static str,
    pub schema: &'static str,
    pub start: &'static str,
    pub stop: &'static str,
}

/// Finds the flavour of a module.
///
/// # Errors
/// [`LoadError::MissingExports`] when it is none, or lacks exports its flavour requires.
pub(crate) fn detect(exports: &[ExportDeclaration]) -> Result<Detected, LoadError> {
    let exports = Exports(exports);
    let is_buffer = exports.function("allocate").is_some_and(|allocate| allocate.is_ints(1, 1));
    let names_itself = ["plugin_name", "name"]
        .iter()
        .any(|name| exports.function(name).is_some_and(|function| function.is_ints(0, 1)));
    let has_runtime = ["__new", "__rtti_base"].iter().any(|name| exports.has(name));
    let abi = match (is_buffer, names_itself || has_runtime) {
        (true, _) => Abi::Buffer,
        (false, true) => Abi::AssemblyScript,
        (false, false) => return Err(LoadError::MissingExports(exports.missing_for_any())),
    };
    let mut missing = Vec::new();
    if !exports.0.iter().any(|export| export.name == "memory" && export.ty == ItemType::Memory) {
        missing.push("memory".to_owned());
    }
    let mut lifecycle = |prefixed, bare| exports.either(prefixed, bare, &mut missing);
    let detected = Detected {
        abi,
        name: lifecycle("plugin_name", "name"),
        schema: lifecycle("plugin_schema", "schema"),
        start: lifecycle("plugin_start", "start"),
        stop: lifecycle("plugin_stop", "stop"),
    };
    if missing.is_empty() { Ok(detected) } else { Err(LoadError::MissingExports(missing)) }
}

struct Exports<'a>(&'a [ExportDeclaration]);

impl Exports<'_> {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|export| export.name == name)
    }

    fn function(&self, name: &str) -> Option<&Signature> {
        self.0.iter().find(|export| export.name == name).and_then(|export| match &export.ty {
            ItemType::Function(signature) if signature.is_numeric() => Some(signature),
            _ => None,
        })
    }

    /// The prefixed name, which wins, or the bare one.
    fn either(&self, prefixed: &'static str, bare: &'static str, missing: &mut Vec<String>) -> &'static str {
        if self.function(prefixed).is_some() {
            prefixed
        } else if self.function(bare).is_some() {
            bare
        } else {
            missing.push(prefixed.to_owned());
            prefixed
        }
    }

    fn missing_for_any(&self) -> Vec<String> {
        ["memory", "plugin_name", "plugin_schema", "plugin_start", "plugin_stop"]
            .into_iter()
            .filter(|name| !self.has(name))
            .map(str::to_owned)
            .chain(["allocate (buffer plugins) or __new (AssemblyScript)".to_owned()])
            .collect()
    }
}
