//! Our built-in metadata against what the Signal K project publishes, path by path.
//!
//! There are two publications: the registry that its server uses now, and the older table beside the JSON schemas. Paths,
//! units, fixed values and the structure of object values are facts and must agree; every difference must be one that is
//! explained in [`ALLOWED`]. Descriptions are our own, and must not be theirs.

mod allowed;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};
use tokio::sync::OnceCell;
use windlass_actors::metadata::MetadataRegistry;
use windlass_tests::run_script;

use allowed::{ALLOWED, Difference};

/// Descriptions may be alike up to this many words: then they are names, such as "Coolant temperature".
const A_NAME: usize = 3;
/// So many words in the same order are no coincidence.
const A_COPY: usize = 5;

/// What `js/path-metadata.mjs` says.
struct Judge {
    registry: Map<String, Json>,
    table: Map<String, Json>,
    schema: Map<String, Json>,
    lookups: Map<String, Json>,
}

/// What is said about a path, without the wording: the value by where it is, such as `properties/roll/units`. That the
/// path is known at all is `listed`.
type Facts = BTreeMap<String, Json>;

/// Part of SK-27 and SK-28: which paths there are, and in which units.
#[tokio::test]
async fn paths_units_values_and_structure_are_those_that_are_published() {
    let judge = judge().await;
    let ours = by_path(&MetadataRegistry::builtin().to_json());
    let (registry, table) = (by_path(&judge.registry), by_path(&judge.table));
    let nothing = vec![Facts::new()];
    let (mut agreed, mut unexplained, mut used) = (0, Vec::new(), BTreeSet::new());
    let paths: BTreeSet<&String> = ours.keys().chain(registry.keys()).chain(table.keys()).collect();
    for path in paths {
        let our_facts = &ours.get(path).unwrap_or(&nothing)[0];
        let newest = &registry.get(path).unwrap_or(&nothing)[0];
        let schema = judge.schema.get(path).map(facts).unwrap_or_default();
        for (published, older) in [(&registry, false), (&table, true)] {
            // More than one where the path is listed for several kinds of context.
            for their_facts in published.get(path).unwrap_or(&nothing) {
                let names: BTreeSet<&String> = our_facts.keys().chain(their_facts.keys()).collect();
                for fact in names {
                    let (ours, theirs) = (our_facts.get(fact), their_facts.get(fact));
                    if ours == theirs {
                        agreed += 1;
                        continue;
                    }
                    let (newest, schema) = (newest.get(fact), schema.get(fact));
                    let difference = Difference { path, fact, ours, theirs, older, newest, schema };
                    match ALLOWED.iter().find(|allowed| (allowed.applies)(&difference)) {
                        Some(allowed) => {
                            used.insert(allowed.name);
                        }
                        None => unexplained.push(format!("{difference:?}")),
                    }
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "{} differences:\n{}", unexplained.len(), unexplained.join("\n"));
    for allowed in ALLOWED {
        let (name, reason) = (allowed.name, allowed.reason);
        assert!(used.contains(name), "the difference `{name}` ({reason}) occurs no more: drop it from the table");
    }
    assert!(agreed > 5_000, "most facts agree without explanation: {agreed}");
}

/// Part of SK-27: a path gets the metadata of the same pattern, or none, as in the published registry.
#[tokio::test]
async fn paths_find_the_patterns_that_they_find_in_the_published_registry() {
    // There every name below these has the description of the branch, measured values that nobody defined included.
    const NAMED_BRANCHES: [&str; 2] = ["environment.inside.saloon", "electrical.ac.some1.phase.B"];
    let judge = judge().await;
    let all = MetadataRegistry::builtin().to_json();
    let by_path: BTreeMap<String, &Json> = all.iter().map(|(pattern, metadata)| (path(pattern), metadata)).collect();
    assert!(judge.lookups.len() > 500, "{} paths are looked up", judge.lookups.len());
    for (name, pattern) in &judge.lookups {
        let found = MetadataRegistry::builtin().lookup(name).map(|metadata| serde_json::to_value(metadata).unwrap());
        let expected = pattern.as_str().map(|pattern| by_path[&path(pattern)]);
        if NAMED_BRANCHES.contains(&name.as_str()) {
            assert!(found.is_none() && expected.is_some(), "{name} is a difference no more");
        } else {
            assert_eq!(found.as_ref(), expected, "{name}");
        }
    }
}

#[tokio::test]
async fn descriptions_are_our_own() {
    let judge = judge().await;
    let published = || judge.registry.iter().chain(&judge.table);
    let mut theirs: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for (pattern, metadata) in published() {
        for (of, text) in descriptions(metadata) {
            theirs.entry((path(pattern), of)).or_default().insert(text);
        }
    }
    let sentences: BTreeSet<Vec<String>> = theirs.values().flatten().map(|text| words(text)).collect();
    let (mut compared, mut copies) = (0, Vec::new());
    for (pattern, metadata) in &MetadataRegistry::builtin().to_json() {
        for (of, text) in descriptions(metadata) {
            let our_words = words(text);
            if our_words.len() > A_NAME && sentences.contains(&our_words) {
                copies.push(format!("{pattern}: \"{text}\" is published for it or another path"));
            }
            for theirs in theirs.get(&(path(pattern), of)).into_iter().flatten() {
                compared += 1;
                if in_common(&our_words, &words(theirs)) >= A_COPY {
                    copies.push(format!("{pattern}: \"{text}\" is too close to \"{theirs}\""));
                }
            }
        }
    }
    assert!(copies.is_empty(), "{}", copies.join("\n"));
    assert!(compared > 700, "only {compared} descriptions have a counterpart");
}

async fn judge() -> &'static Judge {
    static JUDGE: OnceCell<Judge> = OnceCell::const_new();
    let ask = async || {
        let said = run_script("path-metadata.mjs", &[], &[]).await;
        let mut said: Map<String, Json> = serde_json::from_str(&said).expect("the script prints an object");
        let mut part = |name: &str| match said.remove(name) {
            Some(Json::Object(part)) if !part.is_empty() => part,
            other => panic!("the script says nothing as `{name}`: {other:?}"),
        };
        Judge { registry: part("registry"), table: part("table"), schema: part("schema"), lookups: part("lookups") }
    };
    JUDGE.get_or_init(ask).await
}

/// The facts of each path; several sets for one that is listed for several kinds of context.
fn by_path(all: &Map<String, Json>) -> BTreeMap<String, Vec<Facts>> {
    let mut by_path: BTreeMap<String, Vec<Facts>> = BTreeMap::new();
    for (pattern, metadata) in all {
        by_path.entry(path(pattern)).or_default().push(facts(metadata));
    }
    by_path
}

/// The path that a published pattern stands for: relative to its context, with dots and `*` for every wildcard. What is
/// in no context keeps its slashes.
fn path(pattern: &str) -> String {
    let in_context =
        ["/vessels/*/", "/aircraft/*/", "/aton/*/", "/sar/*/"].iter().find_map(|c| pattern.strip_prefix(c));
    match in_context {
        // Two patterns restrict the names that their wildcard stands for. Ours don't: a fourth phase is a phase too.
        Some(path) => {
            path.replace("(single)|([A-C])", "*").replace("[A-Za-z0-9]+", "*").replace("RegExp", "*").replace('/', ".")
        }
        None => pattern.to_owned(),
    }
}

fn facts(metadata: &Json) -> Facts {
    let mut facts = Facts::from([("listed".to_owned(), Json::Bool(true))]);
    collect(metadata, "", &mut facts);
    facts
}

fn collect(node: &Json, at: &str, facts: &mut Facts) {
    for (name, value) in node.as_object().into_iter().flatten() {
        let here = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
        match value {
            // A member of an object value may be called `description`; only a text is a description of it.
            Json::String(_) if name == "description" => {}
            Json::Object(_) => collect(value, &here, facts),
            _ => drop(facts.insert(here, value.clone())),
        }
    }
}

/// The descriptions in an entry, each with the member that it is about: none for the entry itself.
fn descriptions(metadata: &Json) -> Vec<(String, &str)> {
    let members = metadata["properties"].as_object().into_iter().flatten();
    let members = members.map(|(name, member)| (name.clone(), &member["description"]));
    let all = std::iter::once((String::new(), &metadata["description"])).chain(members);
    all.filter_map(|(of, text)| Some((of, text.as_str()?))).collect()
}

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// The length of the longest run of words that both have.
fn in_common(a: &[String], b: &[String]) -> usize {
    let runs = (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j)));
    runs.map(|(i, j)| a[i..].iter().zip(&b[j..]).take_while(|(a, b)| a == b).count()).max().unwrap_or(0)
}
