//! `windlass plugin check`: what a plugin asks for and offers, and whether it runs.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};
use windlass_wasm_host::interface::{ImportStatus, ModuleReport, inspect_module, known_exports};
use windlass_wasm_host::{Abi, PluginPackage};

use super::ToolError;
use super::findings::Findings;
use super::output::{Size, plain};
use super::subject::Subject;
use super::trial::{self, cannot_load};

/// What to check.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The folder of a package, or a .wasm file
    path: PathBuf,
    /// Let the trial use the network, as far as package.json asks for it
    #[arg(long)]
    network: bool,
    /// The configuration to start it with
    #[arg(long, value_name = "JSON", default_value = "{}")]
    config: String,
}

/// Checks a plugin.
pub fn check(out: &mut dyn Write, arguments: &CheckArguments) -> Result<(), ToolError> {
    let config = configuration(&arguments.config)?;
    let subject = Subject::read(&arguments.path)?;
    if let Some(package) = &subject.package {
        writeln!(out, "{} {}, id {}", plain(&package.name), plain(&package.version), plain(package.id.as_str()))?;
    }
    let mut findings = Findings::default();
    let report = match inspect_module(&subject.wasm) {
        Ok(report) => report,
        Err(error) => {
            writeln!(out, "{}: {}", subject.shown(), Size(subject.wasm.len() as u64))?;
            return Err(cannot_load(error));
        }
    };
    describe(out, &subject, &report)?;
    imports(out, &report, &mut findings)?;
    exports(&report, &mut findings);
    match &subject.package {
        Some(package) => declared(&report, package, &mut findings),
        None => {
            let needed = report.capabilities_needed();
            let needed = if needed.is_empty() { "none".to_owned() } else { needed.join(", ") };
            writeln!(out, "capabilities that it needs: {needed}")?;
        }
    }
    let granted = subject.capabilities(&report, true);
    let kept_off = !arguments.network && (granted.network.is_granted() || granted.raw_sockets.is_granted());
    writeln!(out, "{}", if kept_off { "trial, without the network (--network lets it):" } else { "trial:" })?;
    let outcome = trial::run(out, &subject, &report, arguments.network, &config, &mut findings);
    findings.print(out)?;
    outcome?;
    writeln!(out, "It runs.")?;
    Ok(())
}

/// The configuration as the server passes it (wasm-plugin-abi §3.2).
pub fn configuration(text: &str) -> Result<String, ToolError> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut config)) => {
            config.entry("enableDebug").or_insert(false.into());
            Ok(Value::Object(config).to_string())
        }
        Ok(_) => Err(ToolError::Program(format!("the configuration {text} is no JSON object"))),
        Err(error) => Err(ToolError::Program(format!("the configuration {text} is no JSON: {error}"))),
    }
}

fn describe(out: &mut dyn Write, subject: &Subject, report: &ModuleReport) -> Result<(), ToolError> {
    let abi = match report.abi {
        Some(Abi::Buffer) => "buffer ABI (Rust, Go, C, Zig)",
        Some(Abi::AssemblyScript) => "AssemblyScript",
        None => "no plugin's ABI",
    };
    let most = match report.memory_pages_max {
        Some(most) => format!("{} KiB at most", most * 64),
        None => "no bound of its own".to_owned(),
    };
    writeln!(out, "{}: {}, {abi}", subject.shown(), Size(report.size))?;
    writeln!(out, "memory: {} KiB to begin with, {most}", report.memory_pages * 64)?;
    Ok(())
}

fn imports(out: &mut dyn Write, report: &ModuleReport, findings: &mut Findings) -> Result<(), ToolError> {
    writeln!(out, "imports:")?;
    let mut wasi = Vec::new();
    let mut shown = Vec::new();
    for import in &report.imports {
        let name = plain(&format!("{}.{}", import.module, import.name));
        let remark = match &import.status {
            ImportStatus::Wasi => {
                wasi.push(plain(&import.name));
                continue;
            }
            ImportStatus::Provided { alias_of, capability } => {
                if let Some(present) = alias_of {
                    findings.note(format!("{name} is an old name of {present}"));
                }
                let alias = alias_of.map(|present| format!("old name of {present}"));
                let needs = capability.map(|capability| format!("needs {capability}"));
                alias.into_iter().chain(needs).collect::<Vec<_>>().join(", ")
            }
            ImportStatus::Stub { result } => {
                findings.warn(format!("{name} is unknown to this server: calls give {result}"));
                format!("unknown: calls give {result}")
            }
            ImportStatus::Refused => "does not exist: the module can't be loaded".to_owned(),
        };
        let line = format!("  {name:<36} {:<36} {remark}", import.signature);
        // Go's compiler imports the same function several times.
        if !shown.contains(&line) {
            writeln!(out, "{}", line.trim_end())?;
            shown.push(line);
        }
    }
    wasi.sort();
    wasi.dedup();
    if !wasi.is_empty() {
        writeln!(out, "  WASI: {}", wasi.join(", "))?;
    }
    Ok(())
}

/// Compares the exports with what servers call.
fn exports(report: &ModuleReport, findings: &mut Findings) {
    for missing in &report.missing_exports {
        findings.warn(format!("it does not export {missing}"));
    }
    let Some(abi) = report.abi else { return };
    for known in known_exports() {
        let wanted = match abi {
            Abi::Buffer => known.buffer,
            Abi::AssemblyScript => known.assembly_script,
        };
        for export in
            report.exports.iter().filter(|export| export.name == known.name || known.aliases.contains(&&*export.name))
        {
            match wanted {
                Some(wanted) if !fits(&export.signature, wanted, abi) => findings.warn(format!(
                    "{} is {}, but servers call it as {wanted}",
                    export.name,
                    if export.signature.is_empty() { "()" } else { &export.signature }
                )),
                _ => {}
            }
        }
    }
    let exported = |name: &str| report.exports.iter().any(|export| export.name == name);
    if abi == Abi::AssemblyScript && !exported("__new") {
        findings.warn("__new is not exported, so it can't be started: build it with --exportRuntime".to_owned());
    }
    if abi == Abi::Buffer && !exported("deallocate") {
        findings.warn("deallocate is not exported: what the server allocates is never freed".to_owned());
    }
}

/// Whether a type in WebAssembly's text format is one of those that the documentation names, such as `(out: i32, max: i32) -> i32`.
/// Numbers, pointers and strings are all i32; a handler in AssemblyScript may have fewer parameters, and no result.
fn fits(signature: &str, wanted: &str, abi: Abi) -> bool {
    if matches!(wanted, "memory" | "table" | "global") || signature == wanted {
        return signature == wanted;
    }
    let list = |keyword: &str| -> Vec<&str> {
        let list = signature.split_once(&format!("({keyword} ")).and_then(|(_, rest)| rest.split_once(')'));
        list.map(|(types, _)| types.split(' ').collect()).unwrap_or_default()
    };
    if matches!(signature, "memory" | "table" | "global" | "tag") {
        return false;
    }
    let (params, results) = (list("param"), list("result"));
    if params.iter().chain(&results).any(|one| *one != "i32") {
        return false;
    }
    shapes(wanted).into_iter().any(|(wanted_params, wanted_results)| match abi {
        Abi::Buffer => (params.len(), results.len()) == (wanted_params, wanted_results),
        Abi::AssemblyScript => params.len() <= wanted_params && results.len() <= wanted_results,
    })
}

/// How many parameters and results each of the alternatives has.
fn shapes(wanted: &str) -> Vec<(usize, usize)> {
    let mut shapes = Vec::new();
    let mut rest = wanted;
    while let Some((_, after)) = rest.split_once('(') {
        let (params, after) = after.split_once(')').unwrap_or((after, ""));
        let count = if params.trim().is_empty() { 0 } else { params.split(',').count() };
        shapes.push((count, usize::from(after.trim_start().starts_with("->"))));
        rest = after;
    }
    shapes
}

/// Compares what package.json declares with what the module needs.
fn declared(report: &ModuleReport, package: &PluginPackage, findings: &mut Findings) {
    for warning in &package.capability_warnings {
        findings.warn(warning.to_string());
    }
    for missing in report.capabilities_missing(&package.capabilities) {
        let users = users(report, missing).join(", ");
        findings.warn(format!(
            "the capability {missing} is needed for {users}, but package.json does not declare it: the server refuses"
        ));
    }
    let needed = report.capabilities_needed();
    if needed.contains(&"httpEndpoints") && package.capabilities.http_endpoints.is_none() {
        findings
            .note("package.json should declare the capability httpEndpoints: without it the server warns".to_owned());
    }
    for key in capability_keys(&package.package_json) {
        let used = match key.as_str() {
            "storage" => report.imports.iter().any(|import| import.name.starts_with("path_")),
            "staticFiles" => package.directory.join("public").is_dir(),
            name => needed.contains(&name),
        };
        if !used && package.capabilities.grants(&key) {
            let hint = if key == "storage" { "\"none\"" } else { "false" };
            findings.note(format!(
                "package.json declares the capability {key}, which the module does not use: it could be {hint}"
            ));
        }
    }
}

/// The capabilities that package.json speaks of, in both places where they may stand.
fn capability_keys(package: &Value) -> BTreeSet<String> {
    let places = [&package["signalk"]["wasmCapabilities"], &package["wasmCapabilities"]];
    places.into_iter().filter_map(Value::as_object).flat_map(Map::keys).cloned().collect()
}

/// The imports and exports that need a capability.
fn users(report: &ModuleReport, capability: &str) -> Vec<String> {
    let mut users: Vec<_> = report
        .imports
        .iter()
        .filter(|import| matches!(import.status, ImportStatus::Provided { capability: Some(needed), .. } if needed == capability))
        .map(|import| plain(&import.name))
        .collect();
    let export = match capability {
        "dataRead" => "delta_handler",
        "serverEvents" => "event_handler",
        "httpEndpoints" => "http_endpoints",
        _ => "",
    };
    if report.exports.iter().any(|one| one.name == export) {
        users.push(export.to_owned());
    }
    users.dedup();
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_compared_with_the_documentation() {
        let handler = "(string) -> string, (utf8: usize, len: usize) -> string or () -> string";
        for (signature, wanted, abi, expected) in [
            ("(param i32 i32) (result i32)", "(out: i32, max: i32) -> i32", Abi::Buffer, true),
            ("(result i32)", "(out: i32, max: i32) -> i32", Abi::Buffer, false),
            ("(param i32 i32)", "(text: i32, len: i32)", Abi::Buffer, true),
            ("(param i32 i32) (result i32)", "(text: i32, len: i32)", Abi::Buffer, false),
            ("(param i32 i64) (result i32)", "(out: i32, max: i32) -> i32", Abi::Buffer, false),
            ("", "()", Abi::Buffer, true),
            ("(result i32)", "() -> i32", Abi::AssemblyScript, true),
            ("(param i32) (result i32)", "() -> i32", Abi::AssemblyScript, false),
            ("(param i32 i32) (result i32)", handler, Abi::AssemblyScript, true),
            ("(param i32)", handler, Abi::AssemblyScript, true),
            ("(param i32 i32 i32) (result i32)", handler, Abi::AssemblyScript, false),
            ("memory", "memory", Abi::Buffer, true),
            ("global", "memory", Abi::Buffer, false),
            ("memory", "() -> i32", Abi::Buffer, false),
        ] {
            assert_eq!(fits(signature, wanted, abi), expected, "{signature} {wanted}");
        }
    }

    #[test]
    fn the_documented_types_are_understood() {
        for known in known_exports() {
            for wanted in [known.buffer, known.assembly_script].into_iter().flatten() {
                assert!(wanted == "memory" || !shapes(wanted).is_empty(), "{}: {wanted}", known.name);
            }
        }
    }

    #[test]
    fn a_configuration_is_an_object() {
        assert_eq!(configuration(r#"{"a": 1}"#).unwrap(), r#"{"a":1,"enableDebug":false}"#);
        assert!(configuration("[]").is_err());
        assert!(configuration("{").is_err());
    }
}
