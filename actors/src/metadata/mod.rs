//! The built-in metadata: what the well-known paths mean and in which units their values are.
//!
//! Signal K values travel without units; a client learns them from the metadata of the path, which does not
//! depend on the context (Signal K v1 §3). This registry is the lowest layer of it. What deltas, configuration and PUT
//! requests say about a path is laid over it elsewhere.
//!
//! The entries are in `table.toml`. A pattern's segment `*` stands for exactly one segment of a path.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

/// What is known about a path. Serialised, it is the `meta` object of Signal K v1 §3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The unit of a number (SI, such as `m/s`, or `ratio`), or the form of a time, `RFC 3339 (UTC)`. Absent for
    /// names, counts, states and objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// The meaning in a sentence.
    pub description: String,
    /// The values that a text may have, when they are fixed.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
    /// The members of an object value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Metadata>,
}

/// The built-in metadata by path.
#[derive(Debug, Default)]
pub struct MetadataRegistry {
    /// Patterns in the order of the table.
    entries: Vec<(String, Metadata)>,
    /// Entries without a wildcard.
    exact: HashMap<String, usize>,
    wildcards: Node,
}

/// A node of the tree of patterns that have wildcards, one level a segment.
#[derive(Debug, Default)]
struct Node {
    named: HashMap<String, Node>,
    any: Option<Box<Node>>,
    entry: Option<usize>,
}

/// The form of `table.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    group: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// The branches below which the paths occur.
    branches: Vec<String>,
    paths: BTreeMap<String, Metadata>,
}

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
enum TableError {
    #[error("the metadata table is not readable: {0}")]
    Form(#[from] toml::de::Error),
    #[error("the metadata table has two entries for {0}")]
    Twice(String),
}

static BUILTIN: LazyLock<MetadataRegistry> = LazyLock::new(|| {
    MetadataRegistry::from_table(include_str!("table.toml"))
        .expect("the table is part of the program, and a test reads it")
});

impl MetadataRegistry {
    /// The registry that comes with the server. The first call reads the table; later ones cost nothing.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The metadata of `path`, which is relative to its context, such as `propulsion.port.revolutions`. An entry for
    /// just this path is preferred to a pattern, and among patterns the one that names more of the first segments.
    pub fn lookup(&self, path: &str) -> Option<&Metadata> {
        let index = self.exact.get(path).copied().or_else(|| self.wildcards.find(Some(path)));
        index.map(|index| &self.entries[index].1)
    }

    /// Every pattern with its metadata, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Metadata)> {
        self.entries.iter().map(|(pattern, metadata)| (pattern.as_str(), metadata))
    }

    fn from_table(text: &str) -> Result<Self, TableError> {
        let table: Table = toml::from_str(text)?;
        let mut registry = MetadataRegistry::default();
        for group in table.group {
            for branch in &group.branches {
                for (path, metadata) in &group.paths {
                    registry.insert(format!("{branch}.{path}"), metadata.clone())?;
                }
            }
        }
        Ok(registry)
    }

    fn insert(&mut self, pattern: String, metadata: Metadata) -> Result<(), TableError> {
        let index = self.entries.len();
        let taken = if pattern.split('.').any(|segment| segment == "*") {
            let mut node = &mut self.wildcards;
            for segment in pattern.split('.') {
                node = match segment {
                    "*" => node.any.get_or_insert_default(),
                    name => node.named.entry(name.to_owned()).or_default(),
                };
            }
            node.entry.replace(index).is_some()
        } else {
            self.exact.insert(pattern.clone(), index).is_some()
        };
        if taken {
            return Err(TableError::Twice(pattern));
        }
        self.entries.push((pattern, metadata));
        Ok(())
    }
}

impl Node {
    /// The entry for the segments that `rest` still has; `None` when the path ended above this node.
    fn find(&self, rest: Option<&str>) -> Option<usize> {
        let Some(rest) = rest else { return self.entry };
        let (segment, rest) = match rest.split_once('.') {
            Some((segment, rest)) => (segment, Some(rest)),
            None => (rest, None),
        };
        if segment.is_empty() {
            return None;
        }
        let named = self.named.get(segment).and_then(|node| node.find(rest));
        named.or_else(|| self.any.as_ref()?.find(rest))
    }
}

#[cfg(test)]
mod tests;
