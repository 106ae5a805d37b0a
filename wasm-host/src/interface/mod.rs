//! The plugin interface, written down once: the tables the host functions are made from, as data for tools, as a
//! reference page for plugin authors and as a WIT description.

mod exports;
mod module;
mod reference;
mod signature;
mod wit;

use crate::{
    capabilities,
    imports::{Entry, ImportFamily, Param, SIGNAL_K, Topic},
};

pub use module::{ExportReport, ImportReport, ImportStatus, ModuleReport, inspect_module};
pub use reference::reference;
pub use wit::wit;

/// A function a plugin may import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFunction {
    /// The module it is imported from.
    pub module: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Other names for it, from old plugins and documents.
    pub aliases: &'static [&'static str],
    /// The heading it is documented under.
    pub topic: &'static str,
    /// What the plugin passes, in order.
    pub params: Vec<Parameter>,
    /// Its type in WebAssembly's text format: `(param i32 i32) (result i32)`.
    pub signature: String,
    /// What it returns on success, in words; `None`: it returns nothing.
    pub result: Option<&'static str>,
    /// The capability it needs, in package.json spelling.
    pub capability: Option<&'static str>,
    /// What it returns on denial and failure.
    pub failure: i32,
    /// What it does.
    pub doc: &'static str,
}

/// One thing a plugin passes to a host function; it takes one wasm parameter or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: ParameterKind,
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// UTF-8 text: pointer and length in bytes.
    Text,
    /// Bytes: pointer and length.
    Bytes,
    /// A buffer the server writes to: pointer and size in bytes.
    Out,
    /// A place of known size the server writes to: a pointer.
    Place,
    /// A number of type i32.
    Int,
    /// A number of type f64.
    Float,
    /// An AssemblyScript object: a pointer, 0 for null.
    Managed,
}

impl From<Param> for Parameter {
    fn from(param: Param) -> Self {
        let (name, kind) = match param {
            Param::Text(name) => (name, ParameterKind::Text),
            Param::Bytes(name) => (name, ParameterKind::Bytes),
            Param::Out(name) => (name, ParameterKind::Out),
            Param::Place(name) => (name, ParameterKind::Place),
            Param::Int(name) => (name, ParameterKind::Int),
            Param::Float(name) => (name, ParameterKind::Float),
            Param::Managed(name) => (name, ParameterKind::Managed),
        };
        Self { name, kind }
    }
}

/// An export that means something to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownExport {
    /// Its name; of handlers, whose names depend on what they handle, a pattern such as `handle_put_<context>_<path>`.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Whether a plugin must have it.
    pub required: bool,
    /// The type in the buffer ABI; `None`: it has no meaning there.
    pub buffer: Option<&'static str>,
    /// The type in AssemblyScript; `None`: it has no meaning there.
    pub assembly_script: Option<&'static str>,
    /// What it is for.
    pub doc: &'static str,
}

/// A capability a package may declare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityInfo {
    /// Its name in package.json.
    pub name: &'static str,
    /// The values it takes, in Markdown.
    pub values: &'static str,
    /// What an absent key means, in Markdown.
    pub default: &'static str,
    /// What it opens.
    pub opens: &'static str,
}

/// All functions a Signal K plugin may import, except WASI's, in the order of the documentation.
pub fn host_functions() -> Vec<HostFunction> {
    all_entries(&SIGNAL_K)
        .map(|(module, topic, entry)| HostFunction {
            module,
            name: entry.name,
            aliases: entry.aliases,
            topic: topic.title,
            params: entry.params.iter().copied().map(Parameter::from).collect(),
            signature: signature::wasm(entry, topic.gives),
            result: entry.result,
            capability: capability(topic, entry),
            failure: entry.failure,
            doc: entry.doc,
        })
        .collect()
}

/// All exports that mean something to the server, in the order of the documentation.
pub fn known_exports() -> Vec<KnownExport> {
    exports::GROUPS
        .iter()
        .flat_map(|group| group.exports)
        .map(|export| KnownExport {
            name: export.name,
            aliases: export.aliases,
            required: export.required,
            buffer: export.shape.buffer(),
            assembly_script: export.shape.assembly_script(),
            doc: export.doc,
        })
        .collect()
}

/// All capabilities, in the order of the documentation.
pub fn capabilities() -> Vec<CapabilityInfo> {
    capabilities::ALL
        .iter()
        .map(|known| CapabilityInfo {
            name: known.name,
            values: known.values,
            default: known.default,
            opens: known.opens,
        })
        .collect()
}

fn all_entries(family: &'static ImportFamily) -> impl Iterator<Item = (&'static str, &'static Topic, &'static Entry)> {
    family.tables.iter().flat_map(|(module, topics)| {
        topics.iter().flat_map(move |topic| topic.entries.iter().map(move |entry| (*module, topic, entry)))
    })
}

/// The capability a function needs, be it checked for it or by it.
fn capability(topic: &Topic, entry: &Entry) -> Option<&'static str> {
    entry.capability.or(topic.checks).filter(|_| entry.name != "_initAsyncify")
}
