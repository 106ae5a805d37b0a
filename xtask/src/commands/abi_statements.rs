//! Which statements of the plugin interface have a test: the numbers that the sources of the tests carry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::project::Project;
use anyhow::{Context, Result};
use serde::Deserialize;

/// Where tests are; the tables of statements themselves don't count.
const PLACES: [&str; 6] = ["wasm-host", "actors", "broker", "server/src", "tests/tests", "examples/plugins"];
const KINDS: [&str; 4] = ["rs", "mjs", "ts", "js"];

/// `tests/conformance/abi.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbiStatements {
    #[serde(rename = "group")]
    pub groups: Vec<AbiGroup>,
}

/// Statements about one part of the interface.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbiGroup {
    pub title: String,
    pub statements: Vec<AbiStatement>,
}

/// One statement that a test can show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AbiStatement {
    /// 34 stands for `ABI-34`.
    pub id: u16,
    pub title: String,
}

impl AbiStatements {
    /// Reads the table of this checkout.
    pub fn read(project: &Project) -> Result<Self> {
        let path = project.root.join("tests/conformance/abi.toml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// A table, with the statements that no test names.
    pub fn report(&self, shown: &BTreeMap<u16, BTreeSet<String>>) -> String {
        let mut text = format!("\n{:<46} {:>9}\n", "plugin interface", "shown by");
        let mut open = String::new();
        for group in &self.groups {
            let tested = group.statements.iter().filter(|statement| shown.contains_key(&statement.id)).count();
            text += &format!("{:<46} {:>9}\n", group.title, format!("{tested}/{}", group.statements.len()));
            for AbiStatement { id, title } in &group.statements {
                if !shown.contains_key(id) {
                    open += &format!("  ABI-{id:<3} no test {title}\n");
                }
            }
        }
        text + &open
    }
}

/// The files that name each statement.
pub fn shown(project: &Project) -> Result<BTreeMap<u16, BTreeSet<String>>> {
    let mut shown = BTreeMap::new();
    for place in PLACES {
        scan(&project.root.join(place), &mut shown)?;
    }
    Ok(shown)
}

fn scan(directory: &Path, shown: &mut BTreeMap<u16, BTreeSet<String>>) -> Result<()> {
    for entry in std::fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !["node_modules", "target", "build", "dist"].contains(&&*name) {
                scan(&path, shown)?;
            }
        } else if path.extension().is_some_and(|kind| KINDS.iter().any(|known| kind == *known)) {
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            for id in ids(&text) {
                shown.entry(id).or_default().insert(path.display().to_string());
            }
        }
    }
    Ok(())
}

/// The numbers that follow `ABI-`.
fn ids(text: &str) -> impl Iterator<Item = u16> {
    text.split("ABI-").skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_table_is_complete_and_in_order() {
        let table = AbiStatements::read(&Project::locate().unwrap()).unwrap();
        let ids: Vec<_> =
            table.groups.iter().flat_map(|group| &group.statements).map(|statement| statement.id).collect();
        assert_eq!(ids, (1..=96).collect::<Vec<_>>());
    }

    #[test]
    fn every_statement_has_a_test_that_carries_its_number() {
        let project = Project::locate().unwrap();
        let (table, shown) = (AbiStatements::read(&project).unwrap(), shown(&project).unwrap());
        let all = table.groups.iter().flat_map(|group| &group.statements);
        let open: Vec<_> =
            all.filter(|statement| !shown.contains_key(&statement.id)).map(|statement| statement.id).collect();
        assert!(open.is_empty(), "no test carries the numbers {open:?}");
        assert!(shown.keys().all(|id| (1..=96).contains(id)), "a number beyond the table: {:?}", shown.keys().last());
    }

    #[test]
    fn numbers_are_found_in_running_text() {
        assert_eq!(ids("// ABI-7, ABI-19.\nABI-x ABI-").collect::<Vec<_>>(), [7, 19]);
    }
}
