//! The interface as a WIT package: the same functions in the types of the component model.
//!
//! Windlass runs core modules only, so nothing links against this text; it is for generators of bindings and for readers.

use std::fmt::Write as _;

use super::{
    exports::{self, Export, Shape},
    signature,
};
use crate::imports::{Entry, Param, SIGNAL_K, Topic};

/// Words that WIT reserves; as identifiers they are written with a percent sign.
const KEYWORDS: [&str; 40] = [
    "as",
    "async",
    "bool",
    "borrow",
    "char",
    "constructor",
    "enum",
    "error-context",
    "export",
    "f32",
    "f64",
    "flags",
    "from",
    "func",
    "future",
    "import",
    "include",
    "interface",
    "list",
    "option",
    "own",
    "package",
    "record",
    "resource",
    "result",
    "s16",
    "s32",
    "s64",
    "s8",
    "static",
    "stream",
    "string",
    "tuple",
    "type",
    "u16",
    "u32",
    "u64",
    "u8",
    "use",
    "variant",
];

/// The WIT package `windlass:signalk-plugin`.
pub fn wit() -> String {
    let mut out = String::from(
        "// Generated from the tables of windlass-wasm-host; do not edit.\n\
         // Rewrite it with: WINDLASS_BLESS=1 cargo test -p windlass-wasm-host interface\n\n\
         /// The functions between a Signal K server and its WASM plugins.\n\
         ///\n\
         /// The server runs core modules, which see these functions as plugin-interface.md describes them; this is the same\n\
         /// interface in the types of the component model. Texts that are JSON there are JSON here.\n\
         package windlass:signalk-plugin@1.0.0;\n",
    );
    let mut imported = Vec::new();
    for (module, topics) in SIGNAL_K.tables {
        for topic in topics.iter() {
            if let Some(name) = topic.wit {
                imports(&mut out, module, name, topic);
                imported.push(name);
            }
        }
    }
    let mut exported = Vec::new();
    for group in exports::GROUPS {
        if let Some(name) = group.wit {
            export_interface(&mut out, name, group);
            exported.push((name, group.exports.iter().any(|export| export.required)));
        }
    }
    let list = |out: &mut String, keyword: &str, names: &mut dyn Iterator<Item = &str>| {
        for name in names {
            let _ = writeln!(out, "  {keyword} {name};");
        }
    };
    out.push_str("\n/// What every plugin has, and what it may call.\nworld plugin {\n");
    list(&mut out, "import", &mut imported.into_iter());
    list(&mut out, "export", &mut exported.iter().filter(|(_, required)| *required).map(|(name, _)| *name));
    out.push_str("}\n\n/// A plugin with everything the server can call.\nworld full-plugin {\n  include plugin;\n");
    list(&mut out, "export", &mut exported.iter().filter(|(_, required)| !required).map(|(name, _)| *name));
    out.push_str("}\n");
    out
}

fn imports(out: &mut String, module: &str, name: &str, topic: &Topic) {
    let _ = writeln!(out, "\n/// {}: functions of the module `{module}`.\ninterface {name} {{", topic.title);
    for (index, entry) in topic.entries.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        doc(out, &format!("`{}`: {}", entry.name, entry.doc));
        if let Some(capability) = super::capability(topic, entry) {
            doc(out, &format!("Needs the capability `{capability}`."));
        }
        let params: Vec<_> = entry.params.iter().filter_map(param).collect();
        let result = result(entry).map(|ty| format!(" -> {ty}")).unwrap_or_default();
        let _ = writeln!(out, "  {}: func({}){result};", identifier(entry.name), params.join(", "));
    }
    out.push_str("}\n");
}

/// A parameter; buffers to be written to are results instead.
fn param(param: &Param) -> Option<String> {
    let (name, ty) = match param {
        Param::Text(name) => (name, "string"),
        Param::Bytes(name) => (name, "list<u8>"),
        Param::Out(_) | Param::Place(_) => return None,
        Param::Int(name) => (name, "s32"),
        Param::Float(name) => (name, "f64"),
        Param::Managed(name) => match *name {
            "headers" => (name, "list<tuple<string, string>>"),
            "body" => (name, "list<u8>"),
            _ => (name, "string"),
        },
    };
    Some(format!("{}: {ty}", identifier(name)))
}

fn result(entry: &Entry) -> Option<String> {
    let meaning = entry.result?;
    let places: Vec<_> = entry
        .params
        .iter()
        .filter_map(|param| match param {
            Param::Place("port") => Some("u16"),
            Param::Place(_) => Some("string"),
            _ => None,
        })
        .collect();
    let has_buffer = entry.params.iter().any(|param| matches!(param, Param::Out(_)));
    let is_managed = entry.params.iter().any(|param| matches!(param, Param::Managed(_)));
    Some(match (has_buffer, entry.failure) {
        (true, 0) => "option<string>".to_owned(),
        (true, _) if places.is_empty() => "result<list<u8>>".to_owned(),
        (true, _) => format!("result<tuple<list<u8>, {}>>", places.join(", ")),
        (false, _) if is_managed => "list<u8>".to_owned(),
        // A number that says nothing but that it worked.
        (false, _) if meaning.bytes().all(|byte| byte.is_ascii_digit()) => "result".to_owned(),
        (false, _) => "result<s32>".to_owned(),
    })
}

fn export_interface(out: &mut String, name: &str, group: &exports::Group) {
    let _ = writeln!(out, "\n/// {}.\ninterface {name} {{", group.title);
    for (index, export) in group.exports.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        doc(out, &format!("`{}`: {}", export.name, export.doc));
        for (label, text) in [("Passed", export.request), ("Gives", export.answer)] {
            if !text.is_empty() {
                doc(out, &format!("{label}: {text}."));
            }
        }
        let _ = writeln!(out, "  {}: {};", export_name(export), export_type(export.shape));
    }
    out.push_str("}\n");
}

fn export_name(export: &Export) -> String {
    match export.name {
        "<handler>" => "handle".to_owned(),
        "handle_put_<context>_<path>" => "handle-put".to_owned(),
        name => identifier(name),
    }
}

fn export_type(shape: Shape) -> &'static str {
    match shape {
        Shape::Getter | Shape::List => "func() -> string",
        Shape::Start => "func(config: string) -> s32",
        Shape::Call => "func() -> s32",
        Shape::Delivery => "func(text: string)",
        Shape::Handler | Shape::HttpHandler => "func(request: string) -> option<string>",
        Shape::BufferOnly(_) | Shape::AssemblyScriptOnly(_) | Shape::AnyAbi(_) => "func()",
    }
}

fn doc(out: &mut String, text: &str) {
    let _ = writeln!(out, "  /// {text}");
}

/// A name as WIT writes names: words in lower case, joined by hyphens, without the prefix all names share.
fn identifier(name: &str) -> String {
    let name = name.strip_prefix("sk_").or_else(|| name.strip_prefix("plugin_")).unwrap_or(name);
    let name = signature::identifier(name);
    let characters: Vec<char> = name.trim_matches('_').chars().collect();
    let mut words = String::new();
    for (index, &c) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| characters.get(index));
        let after = characters.get(index + 1);
        let begins_word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if begins_word {
            words.push('-');
        }
        words.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    if KEYWORDS.contains(&words.as_str()) { format!("%{words}") } else { words }
}
