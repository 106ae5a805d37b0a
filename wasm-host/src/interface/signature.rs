//! The type of a host function in the notations authors use.

use crate::{
    engine::ValueType,
    imports::{Entry, Param},
};

/// One wasm parameter: its name, and its type in Rust and in AssemblyScript. The wasm type follows from the former.
struct Core {
    name: String,
    rust: &'static str,
    assembly_script: &'static str,
}

fn core(params: &[Param]) -> Vec<Core> {
    let mut list = Vec::new();
    for param in params {
        let mut push = |name: &str, suffix: &str, rust, assembly_script| {
            list.push(Core { name: format!("{}{suffix}", identifier(name)), rust, assembly_script });
        };
        match param {
            Param::Text(name) | Param::Bytes(name) => {
                push(name, "_ptr", "*const u8", "usize");
                push(name, "_len", "usize", "usize");
            }
            Param::Out(name) => {
                push(name, "_ptr", "*mut u8", "usize");
                push(name, "_max", "usize", "usize");
            }
            Param::Place(name) => push(name, "_ptr", "*mut u8", "usize"),
            Param::Int(name) => push(name, if *name == "type" { "_" } else { "" }, "i32", "i32"),
            Param::Float(name) => push(name, "", "f64", "f64"),
            Param::Managed(name) => push(name, "", "i32", "usize"),
        }
    }
    list
}

/// A name as an identifier.
pub(super) fn identifier(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// The type in WebAssembly's text format, e.g. `(param i32 i32) (result i32)`; empty for `() -> ()`.
pub(super) fn wasm(entry: &Entry, gives: ValueType) -> String {
    let params: String =
        core(entry.params).iter().map(|param| if param.rust == "f64" { " f64" } else { " i32" }).collect();
    let result = entry.result.map(|_| format!("(result {})", type_name(gives)));
    let params = (!params.is_empty()).then(|| format!("(param{params})"));
    [params, result].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The declaration in Rust.
pub(super) fn rust(entry: &Entry, gives: ValueType) -> String {
    let params: Vec<_> = core(entry.params).iter().map(|param| format!("{}: {}", param.name, param.rust)).collect();
    let result = entry.result.map(|_| format!(" -> {}", type_name(gives))).unwrap_or_default();
    format!("fn {}({}){result};", entry.name, params.join(", "))
}

/// The declaration in AssemblyScript.
pub(super) fn assembly_script(entry: &Entry, gives: ValueType) -> String {
    let params: Vec<_> =
        core(entry.params).iter().map(|param| format!("{}: {}", param.name, param.assembly_script)).collect();
    let result = entry.result.map_or("void", |_| type_name(gives));
    format!("declare function {}({}): {result};", entry.name, params.join(", "))
}

/// The name of a type in WebAssembly's text format, which is also that in Rust and AssemblyScript.
pub(super) fn type_name(ty: ValueType) -> &'static str {
    match ty {
        ValueType::I32 => "i32",
        ValueType::I64 => "i64",
        ValueType::F32 => "f32",
        ValueType::F64 => "f64",
        ValueType::Other => "other",
    }
}
