//! The built-in metadata: what the well-known paths mean and in which units their values are.
//!
//! Signal K values travel without units; a client learns them from the metadata of the path, which does not
//! depend on the context (Signal K v1 §3). This registry is the lowest layer of it. What deltas, configuration and PUT
//! requests say about a path is laid over it elsewhere.
//!
//! The entries are in `table/*.toml`, which `table.rs` reads. A pattern's segment `*` stands for exactly one segment of
//! a path.

mod table;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use table::TableError;

/// What is known about a path. Serialised, it is the `meta` object of Signal K v1 §3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// The unit of a number (SI, such as `m/s`, or `ratio`), or the form of a time, `RFC 3339 (UTC)`. Absent for
    /// names, counts, states and objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// The meaning in a sentence.
    pub description: String,
    /// The values that a text may have, when they are fixed.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
    /// The members of an object value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, Property>,
}

/// What is known about a member of an object value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// What kind of JSON value it is.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// As for [`Metadata::units`]; latitude and longitude are in `deg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<String>,
    /// The meaning in a sentence.
    pub description: String,
    /// The values that a text may have, when they are fixed.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub allowed_values: Vec<String>,
    /// What holds when the member is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What the items of an array may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
}

/// What kind of JSON value a member of an object has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// A number.
    Number,
    /// A text.
    String,
    /// An array of texts.
    Array,
}

/// What the items of an array may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// The texts that may occur.
    #[serde(rename = "enum")]
    pub allowed_values: Vec<String>,
}

/// The built-in metadata by path.
#[derive(Debug, Default)]
pub struct MetadataRegistry {
    /// In the order of the table.
    entries: Vec<Entry>,
    /// Entries of context paths without a wildcard.
    exact: HashMap<String, usize>,
    wildcards: Node,
}

#[derive(Debug)]
struct Entry {
    below: Below,
    pattern: String,
    metadata: Metadata,
}

/// Where in the full model a path begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Below {
    /// In a context of any kind, though it is listed for vessels.
    #[default]
    Vessels,
    /// In the context of an aircraft.
    Aircraft,
    /// In the context of an aid to navigation.
    Aton,
    /// At the top, beside the collections of contexts. No delta has such a path.
    Top,
}

/// A node of the tree of patterns that have wildcards, one level a segment.
#[derive(Debug, Default)]
struct Node {
    named: HashMap<String, Node>,
    any: Option<Box<Node>>,
    entry: Option<usize>,
}

static BUILTIN: LazyLock<MetadataRegistry> =
    LazyLock::new(|| table::read().expect("the table is part of the program, and a test reads it"));

impl MetadataRegistry {
    /// The registry that comes with the server. The first call reads the table; later ones cost nothing.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The metadata of `path`, which is relative to its context, such as `propulsion.port.revolutions`. An entry for
    /// just this path is preferred to a pattern, and among patterns the one that names more of the first segments.
    ///
    /// A pattern that ends in `*`, such as `propulsion.*`, is listed by [`to_json`](Self::to_json) but describes no
    /// path: it says what a branch is made of, and would be wrong for a value that somebody else puts there.
    pub fn lookup(&self, path: &str) -> Option<&Metadata> {
        let index = self.exact.get(path).copied().or_else(|| self.wildcards.find(Some(path)));
        index.map(|index| &self.entries[index].metadata)
    }

    /// All of the metadata by pattern, as `GET /skServer/paths` answers it (server-admin-api §7).
    ///
    /// The patterns are in the form that clients of that route know. The context is a wildcard and metadata does not
    /// depend on it, so that each path occurs once: `/vessels/*/navigation/position`. A wildcard within a context is
    /// `RegExp`: `/vessels/*/propulsion/RegExp/revolutions`. Below `/resources` it is `*`: `/resources/routes/*/name`.
    pub fn to_json(&self) -> Map<String, Value> {
        let json = |metadata| serde_json::to_value(metadata).expect("an object of texts, lists and objects is JSON");
        self.entries.iter().map(|entry| (entry.key(), json(&entry.metadata))).collect()
    }

    fn insert(&mut self, below: Below, pattern: String, metadata: Metadata) -> Result<(), TableError> {
        let index = self.entries.len();
        let taken = if below == Below::Top {
            // A handful: not worth an index, and nothing looks them up.
            self.entries.iter().any(|entry| entry.below == below && entry.pattern == pattern)
        } else if pattern.split('.').any(|segment| segment == "*") {
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
        self.entries.push(Entry { below, pattern, metadata });
        Ok(())
    }
}

impl Entry {
    /// The pattern from the top of the full model.
    fn key(&self) -> String {
        let path = self.pattern.replace('.', "/");
        let collection = match self.below {
            Below::Vessels => "vessels",
            Below::Aircraft => "aircraft",
            Below::Aton => "aton",
            Below::Top => return format!("/{path}"),
        };
        format!("/{collection}/*/{}", path.replace('*', "RegExp"))
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
        // A last segment that is only a wildcard describes a branch and not a path.
        named.or_else(|| self.any.as_ref().filter(|_| rest.is_some())?.find(rest))
    }
}

#[cfg(test)]
mod tests;
