//! `conformance`: which statements of the specification have a test that shows them.
//!
//! Tests append a line such as `SK-34 ok name_of_the_test` or `SK-34 FAILED name_of_the_test` to the
//! file named by `WINDLASS_CONFORMANCE_FILE`. The last line of a test about a statement counts.

use super::abi_statements::{self, AbiStatements};
use super::statements::{Group, Statements};
use super::test;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};

pub fn run(project: &Project, args: &[String]) -> Result<()> {
    let tested = match args {
        [] => test::run(project, &[]),
        [last] if last == "--last" => Ok(()),
        _ => bail!("the only argument is --last, not {args:?}"),
    };
    let path = project.conformance_record();
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{}: run `cargo xtask test` first", path.display()))?;
    let record = Record::parse(&text)?;
    let statements = Statements::read(project)?;
    print!("{}", report(&statements, &record));
    print!("{}", AbiStatements::read(project)?.report(&abi_statements::shown(project)?));
    tested?;
    let failed = record.failed();
    if !failed.is_empty() {
        bail!("these statements failed: {}", failed.join(", "));
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok,
    Failed,
}

/// What the tests said, by statement and test.
#[derive(Debug, Default)]
struct Record(BTreeMap<String, BTreeMap<String, Outcome>>);

impl Record {
    fn parse(text: &str) -> Result<Self> {
        let mut record = Self::default();
        for (number, line) in text.lines().enumerate() {
            let mut words = line.split_whitespace();
            let (Some(id), Some(outcome)) = (words.next(), words.next()) else {
                bail!("line {} of the record is {line:?}", number + 1);
            };
            let outcome = match outcome {
                "ok" => Outcome::Ok,
                "FAILED" => Outcome::Failed,
                _ => bail!("line {} of the record is {line:?}", number + 1),
            };
            let test = words.next().unwrap_or_default().to_owned();
            record.0.entry(id.to_owned()).or_default().insert(test, outcome);
        }
        Ok(record)
    }

    /// One failed test is enough to fail a statement.
    fn outcome(&self, id: &str) -> Option<Outcome> {
        let tests = self.0.get(id)?;
        let failed = tests.values().any(|outcome| *outcome == Outcome::Failed);
        Some(if failed { Outcome::Failed } else { Outcome::Ok })
    }

    fn failed(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|id| self.outcome(id) == Some(Outcome::Failed)).collect()
    }
}

fn report(statements: &Statements, record: &Record) -> String {
    let mut text = format!("{:<46} {:>9} {:>9} {:>9}\n", "group", "P1", "P2", "P3");
    for group in &statements.groups {
        let title = format!("{} {}", group.id, group.title);
        text += &format!("{title:<46}");
        for priority in 1..=3 {
            text += &format!(" {:>9}", share(group, priority, record));
        }
        text.push('\n');
    }
    for group in &statements.groups {
        let open: Vec<_> = group
            .statements
            .iter()
            .filter(|statement| statement.priority == 1)
            .filter_map(|statement| {
                let id = format!("SK-{}", statement.id);
                let what = match record.outcome(&id) {
                    Some(Outcome::Ok) => return None,
                    Some(Outcome::Failed) => "FAILED",
                    None => "no test",
                };
                Some(format!("  {id:<7} {what:<7} {}\n", statement.title))
            })
            .collect();
        if !open.is_empty() {
            text += &format!("\n{} {}: P1 without a passing test\n", group.id, group.title);
            text += &open.concat();
        }
    }
    let known: BTreeSet<String> = statements
        .groups
        .iter()
        .flat_map(|group| &group.statements)
        .map(|statement| format!("SK-{}", statement.id))
        .collect();
    for id in record.0.keys().filter(|id| id.starts_with("SK-") && !known.contains(*id)) {
        text += &format!("\n{id} is in no group: is the number right?\n");
    }
    text + &others(record, "ORB-", "Orbis plugins")
}

/// `12/14`, with an exclamation mark when a statement failed; a dash when there are none.
fn share(group: &Group, priority: u8, record: &Record) -> String {
    let outcomes: Vec<_> = group
        .statements
        .iter()
        .filter(|statement| statement.priority == priority)
        .map(|statement| record.outcome(&format!("SK-{}", statement.id)))
        .collect();
    if outcomes.is_empty() {
        return "-".to_owned();
    }
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == Some(wanted)).count();
    let mark = if count(Outcome::Failed) > 0 { "!" } else { "" };
    format!("{}/{}{mark}", count(Outcome::Ok), outcomes.len())
}

/// The statements of a family that has no table here: only what was recorded.
fn others(record: &Record, prefix: &str, title: &str) -> String {
    let ids: Vec<_> = record.0.keys().filter(|id| id.starts_with(prefix)).collect();
    if ids.is_empty() {
        return String::new();
    }
    let passed = ids.iter().filter(|id| record.outcome(id) == Some(Outcome::Ok));
    format!("\n{title}: {} of {} recorded statements pass\n", passed.count(), ids.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Statements {
        toml::from_str(
            r#"
            [[group]]
            id = "A"
            title = "Hello"
            statements = [
                { id = 1, priority = 1, title = "one" },
                { id = 2, priority = 1, title = "two" },
                { id = 3, priority = 2, title = "three" },
            ]"#,
        )
        .unwrap()
    }

    #[test]
    fn passed_failed_and_missing_statements_are_told_apart() {
        let record = Record::parse("SK-1 ok a\nSK-3 FAILED b\nORB-7 ok c\n").unwrap();
        let text = report(&table(), &record);
        let row = text.lines().nth(1).unwrap();
        let columns: Vec<_> = row.split_whitespace().collect();
        assert_eq!(columns, ["A", "Hello", "1/2", "0/1!", "-"]);
        assert!(text.contains("SK-2    no test two"), "{text}");
        assert!(!text.contains("SK-1 "), "{text}");
        assert!(text.contains("Orbis plugins: 1 of 1"), "{text}");
        assert_eq!(record.failed(), ["SK-3"]);
    }

    #[test]
    fn the_last_line_of_a_test_counts_and_one_failed_test_fails_the_statement() {
        let record = Record::parse("SK-1 FAILED a\nSK-1 ok a\nSK-2 ok a\nSK-2 FAILED b\n").unwrap();
        assert_eq!(record.outcome("SK-1"), Some(Outcome::Ok));
        assert_eq!(record.outcome("SK-2"), Some(Outcome::Failed));
        assert_eq!(record.outcome("SK-3"), None);
    }

    #[test]
    fn a_line_that_is_none_is_not_overlooked() {
        assert!(Record::parse("SK-1 perhaps a\n").is_err());
        assert!(Record::parse("SK-1\n").is_err());
    }

    #[test]
    fn an_unknown_number_is_reported() {
        let record = Record::parse("SK-999 ok a\n").unwrap();
        assert!(report(&table(), &record).contains("SK-999 is in no group"));
    }
}
