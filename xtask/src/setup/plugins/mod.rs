//! The example plugins: built in their source folders, then copied to where the demo finds them.

mod assembly_script;
mod c;
mod go;
mod rust;

use crate::project::Project;
use crate::stamp::remove;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

pub use rust::{crates as rust_crates, native_cargo, sdk as rust_sdk};

/// What every build leaves in the plugin's folder.
const MODULE: &str = "plugin.wasm";

/// A folder of `examples/plugins`.
#[derive(Debug, Clone, Copy)]
struct Example {
    name: &'static str,
    language: Language,
}

/// What an example is written in: how it is built and tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    AssemblyScript,
    Go,
    C,
}

const EXAMPLES: [Example; 8] = [
    Example { name: "anchor-watch", language: Language::Rust },
    Example { name: "data-logger", language: Language::Rust },
    Example { name: "true-wind", language: Language::AssemblyScript },
    Example { name: "hello-assemblyscript", language: Language::AssemblyScript },
    Example { name: "weather-provider", language: Language::AssemblyScript },
    Example { name: "routes-waypoints", language: Language::AssemblyScript },
    Example { name: "trip-log-go", language: Language::Go },
    Example { name: "barometer-c", language: Language::C },
];

impl Example {
    /// Its sources.
    fn dir(self, project: &Project) -> PathBuf {
        project.plugins().join(self.name)
    }

    /// Builds the module, if a source changed.
    fn build(self, project: &Project) -> Result<()> {
        match self.language {
            Language::Rust => rust::build(project, self),
            Language::AssemblyScript => assembly_script::build(project, self),
            Language::Go => go::build(project, self),
            Language::C => c::build(project, self),
        }
    }

    /// Runs the tests that need no server.
    fn test(self, project: &Project) -> Result<()> {
        match self.language {
            Language::Rust => rust::test(project, &self.dir(project)),
            Language::AssemblyScript => assembly_script::test(project, self),
            Language::Go => go::test(project, self),
            Language::C => c::test(project, self),
        }
    }
}

/// Builds the plugins whose sources changed, and returns a `node_modules` that has them all.
pub fn build(project: &Project) -> Result<PathBuf> {
    for example in EXAMPLES {
        example.build(project)?;
    }
    let node_modules = project.checkout.join("demo/node_modules");
    let scope = node_modules.join("@windlass");
    // A plugin that is no longer among the examples must not stay in the demo.
    remove(&scope)?;
    for example in EXAMPLES {
        publish(&example.dir(project), &scope.join(example.name))
            .with_context(|| format!("copying the plugin {}", example.name))?;
    }
    Ok(node_modules)
}

/// Runs the plugins' own tests, and those of the SDK that the Rust ones use.
pub fn test(project: &Project) -> Result<()> {
    rust::test(project, &rust::sdk(project))?;
    for example in EXAMPLES {
        example.test(project).with_context(|| format!("testing the plugin {}", example.name))?;
    }
    Ok(())
}

/// Copies what npm would publish: the description, the module, and static files if there are any.
fn publish(source: &Path, target: &Path) -> Result<()> {
    std::fs::create_dir_all(target)?;
    for file in ["package.json", MODULE] {
        std::fs::copy(source.join(file), target.join(file)).context(file)?;
    }
    let public = source.join("public");
    if public.is_dir() {
        copy_dir(&public, &target.join("public"))?;
    }
    Ok(())
}

fn copy_dir(source: &Path, target: &Path) -> Result<()> {
    std::fs::create_dir_all(target)?;
    for entry in std::fs::read_dir(source)? {
        let path = entry?.path();
        let copy = target.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_dir(&path, &copy)?;
        } else {
            std::fs::copy(&path, &copy).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}
