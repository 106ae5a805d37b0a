//! `windlass plugin new`: a small, complete plugin to begin with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rust_embed::RustEmbed;

use super::ToolError;
use super::names::Names;

/// What every template file ends in, so that no tool takes it for a source.
const TEMPLATE: &str = ".in";

/// A folder of templates a language.
#[derive(RustEmbed)]
#[folder = "templates"]
struct Templates;

/// The SDK for Rust, which is in no package registry and so belongs to the sources of each plugin.
#[derive(RustEmbed)]
#[folder = "../examples/sdk/rust/src"]
#[prefix = "sdk/src/"]
struct RustSdk;

/// What the SDK has besides its sources.
const RUST_SDK: [(&str, &str); 3] = [
    ("sdk/Cargo.toml", include_str!("../../../examples/sdk/rust/Cargo.toml")),
    ("sdk/README.md", include_str!("../../../examples/sdk/rust/README.md")),
    ("sdk/examples/all_parts.rs", include_str!("../../../examples/sdk/rust/examples/all_parts.rs")),
];

/// What to make.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// The package name, like `depth-alarm` or `@me/depth-alarm`; the plugin's id is made from it
    name: String,
    /// What the plugin is written in
    #[arg(short, long)]
    lang: Language,
    /// Where to make it [default: a new folder with the package's name]
    #[arg(short, long)]
    dir: Option<PathBuf>,
}

/// A language that plugins are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// With the SDK of this server
    Rust,
    /// With the SDK of the Signal K project
    #[value(name = "assemblyscript", alias = "as")]
    AssemblyScript,
    /// The standard compiler, 1.24 or newer
    Go,
    /// clang or Zig
    C,
}

impl Language {
    fn folder(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::AssemblyScript => "assemblyscript",
            Language::Go => "go",
            Language::C => "c",
        }
    }

    /// The commands from the sources to a module.
    fn build(self) -> &'static [&'static str] {
        match self {
            Language::Rust => &["rustup target add wasm32-wasip1", "cargo test", "npm run build"],
            Language::AssemblyScript => &["npm install", "npm run build", "npm test"],
            Language::Go | Language::C => &["npm test", "npm run build"],
        }
    }
}

/// Writes the plugin, and says how to go on.
pub fn new(out: &mut dyn Write, arguments: &NewArguments) -> Result<(), ToolError> {
    let names = Names::of_package(&arguments.name)?;
    let folder = arguments.dir.as_ref().unwrap_or(&names.folder);
    let files = files(arguments.lang, &names);
    // All are looked at before the first is written: half a plugin helps nobody.
    let there: Vec<_> = files.keys().filter(|name| folder.join(name).symlink_metadata().is_ok()).cloned().collect();
    if !there.is_empty() {
        return Err(ToolError::Exists { folder: folder.clone(), files: there });
    }
    for (name, content) in &files {
        write_new(&folder.join(name), content)?;
    }
    writeln!(out, "Made {} in {}; the plugin's id is {}", names.package, folder.display(), names.id)?;
    for name in files.keys().filter(|name| !name.starts_with("sdk/")) {
        writeln!(out, "  {name}")?;
    }
    let sdk = files.keys().filter(|name| name.starts_with("sdk/")).count();
    if sdk > 0 {
        writeln!(out, "  sdk/ ({sdk} files of the SDK)")?;
    }
    writeln!(out, "Go on with:\n  cd {}", folder.display())?;
    for command in arguments.lang.build().iter().chain(&["windlass plugin check .", "windlass plugin install ."]) {
        writeln!(out, "  {command}")?;
    }
    Ok(())
}

/// All files by their paths.
fn files(language: Language, names: &Names) -> BTreeMap<String, Cow<'static, [u8]>> {
    let mut files = BTreeMap::new();
    let folder = format!("{}/", language.folder());
    for path in Templates::iter() {
        if let Some(name) = path.strip_prefix(&folder).and_then(|name| name.strip_suffix(TEMPLATE))
            && let Some(template) = Templates::get(&path)
        {
            let text = fill_in(&String::from_utf8_lossy(&template.data), names);
            files.insert(name.to_owned(), text.into_bytes().into());
        }
    }
    if language == Language::Rust {
        for path in RustSdk::iter() {
            if let Some(source) = RustSdk::get(&path) {
                files.insert(path.into_owned(), source.data);
            }
        }
        files.extend(RUST_SDK.map(|(name, text)| (name.to_owned(), text.as_bytes().into())));
    }
    files
}

fn fill_in(template: &str, names: &Names) -> String {
    [
        ("{{name}}", names.package.as_str()),
        ("{{id}}", names.id.as_str()),
        ("{{crate}}", &names.crate_name),
        ("{{module}}", &names.module),
        ("{{key}}", &names.key),
        ("{{title}}", &names.title),
    ]
    .iter()
    .fold(template.to_owned(), |text, (place, name)| text.replace(place, name))
}

/// Writes a file that must not be there yet.
fn write_new(path: &Path, content: &[u8]) -> Result<(), ToolError> {
    let failed = |source| ToolError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    File::create_new(path).and_then(|mut file| file.write_all(content)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_all_that_a_plugin_needs_and_no_place_left_open() {
        let names = Names::of_package("@me/depth-alarm").unwrap();
        for (language, source) in [
            (Language::Rust, "src/lib.rs"),
            (Language::AssemblyScript, "assembly/index.ts"),
            (Language::Go, "main.go"),
            (Language::C, "src/plugin.c"),
        ] {
            let files = files(language, &names);
            for name in ["package.json", "README.md", ".gitignore", source] {
                assert!(files.contains_key(name), "{language:?} has no {name}");
            }
            for (name, content) in files.iter().filter(|(name, _)| !name.starts_with("sdk/")) {
                let text = std::str::from_utf8(content).unwrap();
                for place in ["{{name", "{{id", "{{crate", "{{module", "{{key", "{{title"] {
                    assert!(!text.contains(place), "{language:?}: {name} has {place}");
                }
            }
            let package: serde_json::Value = serde_json::from_slice(&files["package.json"]).unwrap();
            assert_eq!(package["name"], "@me/depth-alarm");
            let readme = String::from_utf8_lossy(&files["README.md"]).into_owned();
            assert!(readme.contains("/plugins/_me_depth-alarm/api/depth"), "{readme}");
        }
    }

    #[test]
    fn the_sdk_is_complete() {
        let files = files(Language::Rust, &Names::of_package("x").unwrap());
        let library = String::from_utf8_lossy(&files["sdk/src/lib.rs"]).into_owned();
        let modules: Vec<_> =
            library.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")).collect();
        assert!(modules.len() > 10, "{modules:?}");
        for module in modules {
            let module = module.trim_end_matches(';');
            let places = [format!("sdk/src/{module}.rs"), format!("sdk/src/{module}/mod.rs")];
            assert!(places.iter().any(|place| files.contains_key(place)), "{module}");
        }
    }
}
