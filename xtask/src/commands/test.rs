//! `test`: every test there is.

use crate::project::Project;
use crate::setup::{self, Tests};
use crate::step::chapter;
use anyhow::{Context, Result};
use std::path::Path;

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    run_with(project, args, &[])
}

/// The tests with further variables in their environment.
pub(super) fn run_with(project: &Project, args: &[String], variables: &[(&str, &Path)]) -> Result<()> {
    let _lock = project.lock()?;
    let tests = Tests::prepare(project)?;
    if args.is_empty() {
        // A run with a filter adds to the record of the last full one.
        let record = project.conformance_record();
        std::fs::write(&record, "").with_context(|| record.display().to_string())?;
        chapter("testing the UI", || setup::test_ui(project))?;
        chapter("testing the example plugins", || setup::plugins::test(project))?;
    }
    // The server's binary is built together with the tests: with the same dependencies' features, so
    // that nothing is compiled twice.
    chapter("building the server and the tests", || {
        project.cargo(&["build", "--release", "--workspace", "--bins", "--tests", "--examples"]).loud()
    })?;
    chapter("testing the workspace", || {
        let cargo = project.cargo(&["test", "--release", "--workspace", "--no-fail-fast"]).args(args);
        let cargo = tests.environment(project, cargo);
        variables.iter().fold(cargo, |cargo, (name, value)| cargo.env(name, value)).loud()
    })
}
