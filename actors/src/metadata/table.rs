//! The form of `table/*.toml`, and how they become the registry.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Below, Metadata, MetadataRegistry, Property};

/// The files by name.
const FILES: [(&str, &str); 9] = [
    ("vessel", include_str!("table/vessel.toml")),
    ("navigation", include_str!("table/navigation.toml")),
    ("environment", include_str!("table/environment.toml")),
    ("propulsion", include_str!("table/propulsion.toml")),
    ("electrical", include_str!("table/electrical.toml")),
    ("tanks", include_str!("table/tanks.toml")),
    ("sailing", include_str!("table/sailing.toml")),
    ("notifications", include_str!("table/notifications.toml")),
    ("top", include_str!("table/top.toml")),
];

const SHAPES: &str = include_str!("table/shapes.toml");

/// Object values that several entries have alike: their properties by the name of the shape.
type Shapes = BTreeMap<String, BTreeMap<String, Property>>;

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub(super) enum TableError {
    #[error("the metadata table {file}.toml is not readable: {error}")]
    Form { file: String, error: toml::de::Error },
    #[error("the metadata table has two entries for {0}")]
    Twice(String),
    #[error("the entry for {path} has the shape {shape}, which is not in shapes.toml")]
    Shape { path: String, shape: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    group: Vec<Group>,
}

/// Entries that apply to one or more branches alike.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    #[serde(default)]
    below: Below,
    /// The branches below which the paths occur; `*` stands for exactly one segment. Without any, the paths are whole.
    #[serde(default)]
    branches: Vec<String>,
    paths: BTreeMap<String, Row>,
}

/// An entry: the fields of [`Metadata`], of which `properties` may come from a shape.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    units: Option<String>,
    description: String,
    #[serde(default, rename = "enum")]
    allowed_values: Vec<String>,
    #[serde(default)]
    properties: BTreeMap<String, Property>,
    shape: Option<String>,
}

/// The registry of the built-in table.
pub(super) fn read() -> Result<MetadataRegistry, TableError> {
    registry(SHAPES, &FILES)
}

pub(super) fn registry(shapes: &str, files: &[(&str, &str)]) -> Result<MetadataRegistry, TableError> {
    let form = |file: &str| {
        let file = file.to_owned();
        move |error| TableError::Form { file, error }
    };
    let shapes: Shapes = toml::from_str(shapes).map_err(form("shapes"))?;
    let mut registry = MetadataRegistry::default();
    for (file, text) in files {
        let table: Table = toml::from_str(text).map_err(form(file))?;
        for Group { below, branches, paths } in table.group {
            for (path, row) in paths {
                let metadata = row.metadata(&path, &shapes)?;
                for branch in &branches {
                    registry.insert(below, format!("{branch}.{path}"), metadata.clone())?;
                }
                if branches.is_empty() {
                    registry.insert(below, path, metadata)?;
                }
            }
        }
    }
    Ok(registry)
}

impl Row {
    fn metadata(self, path: &str, shapes: &Shapes) -> Result<Metadata, TableError> {
        let Row { units, description, allowed_values, mut properties, shape } = self;
        if let Some(shape) = shape {
            let Some(shared) = shapes.get(&shape) else {
                return Err(TableError::Shape { path: path.to_owned(), shape });
            };
            properties.extend(shared.clone());
        }
        Ok(Metadata { units, description, allowed_values, properties })
    }
}
