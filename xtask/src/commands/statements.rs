//! The table of statements of the Signal K protocol, `tests/conformance/statements.toml`.

use crate::project::Project;
use anyhow::{Context, Result};
use serde::Deserialize;

/// The whole table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statements {
    /// Its groups, A to N.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
}

/// Statements about one part of the protocol.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// A letter.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// In the order of their numbers.
    pub statements: Vec<Statement>,
}

/// One statement that a test can show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// 34 stands for `SK-34`.
    pub id: u16,
    /// 1: real clients break without it. 2: noticeable. 3: a detail.
    pub priority: u8,
    /// In a few words.
    pub title: String,
}

impl Statements {
    /// Reads the table of this checkout.
    pub fn read(project: &Project) -> Result<Self> {
        let path = project.root.join("tests/conformance/statements.toml");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_table_is_complete_and_in_order() {
        let table = Statements::read(&Project::locate().unwrap()).unwrap();
        let ids: Vec<_> =
            table.groups.iter().flat_map(|group| &group.statements).map(|statement| statement.id).collect();
        assert_eq!(ids, (1..=228).collect::<Vec<_>>());
        for group in &table.groups {
            for statement in &group.statements {
                assert!((1..=3).contains(&statement.priority), "SK-{}", statement.id);
                assert!(!statement.title.is_empty(), "SK-{}", statement.id);
            }
        }
        let letters: String = table.groups.iter().map(|group| group.id.as_str()).collect();
        assert_eq!(letters, "ABCDEFGHIJKLMN");
    }
}
