//! The set-up: everything that server and tests need and isn't in the repository. Each part is made
//! once and found again; a second set-up takes about a second.

mod chromium;
mod debian;
mod go;
mod node;
pub mod packages;
pub mod plugins;
mod python;
mod ui;
mod wasm_c;
mod wasm_rust;

use crate::project::Project;
use crate::tool::Tool;
use anyhow::Result;
use std::path::PathBuf;

/// What the running server needs.
#[derive(Debug)]
pub struct Demo {
    /// A `node_modules` with the example plugins in it.
    pub plugins: PathBuf,
}

impl Demo {
    /// Makes what is missing.
    pub fn prepare(project: &Project) -> Result<Self> {
        node::check()?;
        let plugins = plugins::build(project)?;
        ui::build(project)?;
        Ok(Self { plugins })
    }

    /// Tells a program where it is.
    pub fn environment(&self, tool: Tool) -> Tool {
        tool.env("WINDLASS_DEMO_PLUGINS", &self.plugins)
    }
}

/// What the tests need on top of that.
#[derive(Debug)]
pub struct Tests {
    demo: Demo,
    /// The directory whose `node_modules` has the published packages.
    npm: PathBuf,
    /// The Python that has the packages of `tests/python`.
    python: PathBuf,
    /// Recordings of real boats.
    samples: PathBuf,
    chromium: PathBuf,
}

impl Tests {
    /// Makes what is missing.
    pub fn prepare(project: &Project) -> Result<Self> {
        let demo = Demo::prepare(project)?;
        Ok(Self {
            demo,
            npm: packages::install(project)?,
            python: packages::python(project)?,
            samples: packages::samples(project)?,
            chromium: chromium::find_or_install()?,
        })
    }

    /// Tells the tests where it is: `WINDLASS_BIN` is the server's binary, `WINDLASS_NPM_DIR` has a
    /// `node_modules` with the packages of `tests/npm`, `WINDLASS_PYTHON` is a Python with those of
    /// `tests/python`, `WINDLASS_SAMPLES_DIR` has `plaka.log` and `aava-n2k.data`, `WINDLASS_CHROMIUM` is
    /// a browser, `WINDLASS_DEMO_PLUGINS` the `node_modules` of the example plugins, and to
    /// `WINDLASS_CONFORMANCE_FILE` tests append what they have shown.
    pub fn environment(&self, project: &Project, tool: Tool) -> Tool {
        self.demo
            .environment(tool)
            .env("WINDLASS_BIN", project.server())
            .env("WINDLASS_NPM_DIR", &self.npm)
            .env("WINDLASS_PYTHON", &self.python)
            .env("WINDLASS_SAMPLES_DIR", &self.samples)
            .env("WINDLASS_CHROMIUM", &self.chromium)
            .env("WINDLASS_CONFORMANCE_FILE", project.conformance_record())
    }
}

pub use ui::{build as build_ui, check as check_ui, test as test_ui};
pub use wasm_rust::WasmRust;
