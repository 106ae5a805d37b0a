//! Linking: every function a guest imports is made from the type *it* declares, and dispatched by name through tables
//! (ABI specification §4.1).
//!
//! A family of guests is a [`ImportFamily`]: which functions it may import from where. Families do not know each other.

mod answers;
mod assembly_script;
mod events;
mod fetch;
mod providers;
mod signal_k;
mod sockets;
mod stubs;

use std::sync::Arc;

use crate::{
    Capabilities, Host, Limits, LoadError,
    engine::{Caller, HostImport, ImportDeclaration, ItemType, OutOfBounds, Signature, Trap, Value, ValueType},
    net::GuestNetwork,
    text::{self, TextError},
    voice::Voice,
    wasi::WASI_MODULES,
};

/// What host functions need to know of the guest they serve.
pub(crate) struct GuestContext {
    pub host: Arc<dyn Host>,
    pub capabilities: Capabilities,
    pub limits: Limits,
    /// What it and the server say to the operator about it.
    pub voice: Arc<Voice>,
    pub network: Arc<GuestNetwork>,
}

/// One host function: what it is called, what it takes and gives, what it needs, and how it is done. The import functions, their
/// capability gate, their error codes and the reference documentation are all made from it.
pub(crate) struct Entry {
    pub name: &'static str,
    /// Other spellings found in old plugins and documents.
    pub aliases: &'static [&'static str],
    /// What the guest passes, in order.
    pub params: &'static [Param],
    /// What it returns on success, in words; `None`: it returns nothing.
    pub result: Option<&'static str>,
    /// The capability it needs, in package.json spelling.
    pub capability: Option<&'static str>,
    /// What it returns on denial and failure.
    pub failure: i32,
    /// What it does, in a sentence or a few, for plugin authors.
    pub doc: &'static str,
    pub run: fn(&mut HostCall<'_>) -> Result<Option<Value>, Escape>,
}

/// One thing a guest passes to a host function, with its name; it takes one wasm parameter or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Param {
    /// UTF-8 text: pointer and length in bytes.
    Text(&'static str),
    /// Bytes: pointer and length.
    Bytes(&'static str),
    /// A buffer the host writes to: pointer and size in bytes.
    Out(&'static str),
    /// A place the host writes to, as large as the description says: a pointer.
    Place(&'static str),
    /// A number: i32.
    Int(&'static str),
    /// A number: f64.
    Float(&'static str),
    /// An AssemblyScript object (a string unless the description says otherwise): a pointer, 0 for null.
    Managed(&'static str),
}

/// Functions that belong together, as the reference documentation shows them.
pub(crate) struct Topic {
    /// The heading.
    pub title: &'static str,
    /// What holds for all of them, in Markdown; may be empty.
    pub intro: &'static str,
    /// Their interface in the WIT description; `None`: they are a language's runtime, not the plugin interface.
    pub wit: Option<&'static str>,
    /// The type of what they return, if anything.
    pub gives: ValueType,
    /// The capability that the functions themselves check, because their failure is not a number.
    pub checks: Option<&'static str>,
    pub entries: &'static [Entry],
}

/// Functions of the plugin interface.
const fn topic(title: &'static str, wit: &'static str, intro: &'static str, entries: &'static [Entry]) -> Topic {
    Topic { title, intro, wit: Some(wit), gives: ValueType::I32, checks: None, entries }
}

/// Functions a language's runtime wants.
const fn runtime(title: &'static str, gives: ValueType, entries: &'static [Entry]) -> Topic {
    Topic { title, intro: "", wit: None, gives, checks: None, entries }
}

/// The functions one family of guests may import.
pub(crate) struct ImportFamily {
    /// Topics by module name.
    pub tables: &'static [(&'static str, &'static [Topic])],
    /// The module whose unknown functions are replaced by stubs instead of being refused.
    pub lenient: Option<&'static str>,
    /// What unknown functions of the lenient module return, by name.
    pub stub_result: fn(&str) -> Option<i32>,
}

/// What is said of HTTP requests.
const FETCH: &str = "The package `as-fetch` calls these. The library cannot tell a plugin of failure: without an answer, and without the \
    capability, the body is empty. The plugin waits; the deadline of the call it is in stands still meanwhile.";

/// The Signal K family: Rust and other buffer-ABI plugins, and AssemblyScript.
pub(crate) static SIGNAL_K: ImportFamily = ImportFamily {
    tables: &[
        (
            "env",
            &[
                topic("Log and status", "status", "", signal_k::LOG),
                topic("Data", "data", "", signal_k::DATA),
                topic("Configuration and capabilities", "configuration", "", signal_k::CONFIGURATION),
                topic("PUT handlers and providers", "providers", "", providers::PROVIDERS),
                topic("Binary streams", "streams", "", providers::STREAMS),
                topic("UDP sockets", "udp", "", sockets::UDP),
                topic("TCP sockets", "tcp", "", sockets::TCP),
                topic("Server events", "events", "", events::TABLE),
                runtime("AssemblyScript's runtime", ValueType::I32, assembly_script::ENV),
                runtime("AssemblyScript's clocks and random numbers", ValueType::F64, assembly_script::NUMBERS),
            ],
        ),
        ("Math", &[runtime("AssemblyScript's mathematics", ValueType::F64, assembly_script::MATH)]),
        (
            "as-fetch",
            &[Topic {
                checks: Some("network"),
                ..topic("HTTP requests of AssemblyScript plugins", "fetch", FETCH, fetch::TABLE)
            }],
        ),
        ("Date", &[runtime("AssemblyScript's clock", ValueType::F64, assembly_script::DATE)]),
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
    pub memory: &'a mut dyn Caller,
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

    /// The bytes whose pointer and length are arguments `index` and `index + 1`, at most `max`.
    pub(crate) fn bytes(&self, index: usize, max: u32) -> Result<Vec<u8>, Escape> {
        let read = text::read_bytes(self.memory, self.address(index), self.address(index + 1), max);
        if let Err(TextError::TooLong(size)) = read {
            self.context.host.notice(&format!("{size} bytes were refused: at most {max} are taken in one call"));
        }
        Ok(read?)
    }

    /// At most `most` of the bytes whose pointer and length are arguments `index` and `index + 1`; all of them must lie in memory.
    pub(crate) fn beginning(&self, index: usize, most: u32) -> Result<Vec<u8>, Escape> {
        let (at, length) = (self.address(index), self.address(index + 1));
        if u64::from(at) + u64::from(length) > self.memory.memory_bytes() {
            return Err(Escape::Failure);
        }
        Ok(text::read_bytes(self.memory, at, length.min(most), most)?)
    }

    /// Shows an error text, held to the rate of log lines allowed: each is a line of the log.
    pub(crate) fn set_error(&self, text: &str) {
        self.context.voice.set_error(text);
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
        self.context.voice.debug(text);
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
    if module.starts_with("wasix") || module == "wasi" {
        "build the plugin for WASI preview 1, or for WASIX (module wasix_32v1)"
    } else {
        "build the plugin against the Signal K plugin interface (module \"env\")"
    }
}

impl ImportFamily {
    pub(crate) fn find(&self, module: &str, name: &str) -> Option<&'static Entry> {
        // AssemblyScript's `Math.sin` is imported as `env."Math.sin"` by current compilers, from a module `Math` by older ones.
        let (module, name) = match name.strip_prefix("Math.") {
            Some(bare) if module == "env" => ("Math", bare),
            _ => (module, name),
        };
        self.tables
            .iter()
            .filter(|(of, _)| *of == module)
            .flat_map(|(_, topics)| topics.iter())
            .flat_map(|topic| topic.entries)
            .find(|entry| entry.name == name || entry.aliases.contains(&name))
    }
}

fn dispatch(entry: &'static Entry, context: Arc<GuestContext>) -> crate::engine::HostFunction {
    Box::new(move |memory, args| {
        let call = &mut HostCall { context: &context, memory, args };
        let ended = match entry.capability {
            Some(capability) if !context.capabilities.grants(capability) => {
                context.host.denied(entry.name, capability);
                Err(Escape::Failure)
            }
            _ => (entry.run)(call),
        };
        match ended {
            Ok(result) => Ok(result),
            Err(Escape::Failure) if entry.capability == Some(fetch::CAPABILITY) => fetch::fail(entry, call),
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
