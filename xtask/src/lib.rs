//! The project's commands. `cargo xtask help` lists them.
//!
//! `setup` makes everything that the server and its tests need and isn't in the repository, one
//! file a thing; `commands` use it. `project` knows the places, `tool` runs other programs,
//! `step` tells what is going on, and `stamp` avoids doing it twice.
//!
//! A library as well as a program, because the tests build plugins with the compilers of the set-up.

mod commands;
mod project;
mod setup;
mod stamp;
mod step;
mod tool;

pub use commands::run;
pub use project::Project;
pub use setup::WasmRust;
pub use tool::Tool;
