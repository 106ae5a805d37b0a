//! The store as the administration pages show it (server-admin-api §6).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use windlass_actors::plugins::InstalledPackage;

use super::{Action, Job, JobState, Offered};

/// What is not called a category: the keywords by which packages are found.
const CATEGORY: &str = "signalk-category-";

/// The document: `{available, installed, updates, installing, categories, storeAvailable, storeProblem?, isInDocker, canUpdateServer}`.
pub(super) fn document(
    found: Option<&[Offered]>,
    problem: Option<String>,
    installed: &[InstalledPackage],
    removable: &[String],
    jobs: &[Job],
) -> Value {
    let installed_entries: Vec<_> =
        installed.iter().map(|one| of_installed(one, found, removable.contains(&one.name))).collect();
    let updates: Vec<_> = installed_entries.iter().filter(|entry| entry.get("newVersion").is_some()).cloned().collect();
    let available: Vec<_> = found.unwrap_or_default().iter().map(|one| of_offered(one, installed)).collect();
    let categories: BTreeSet<_> = found.unwrap_or_default().iter().flat_map(|one| categories(&one.keywords)).collect();
    // One that is over is shown until there is news, as it may have failed.
    let installing: Vec<_> =
        jobs.iter().filter(|job| !job.state.is_over() || job.state == JobState::Failed).map(of_job).collect();
    let mut document = json!({
        "available": available,
        "installed": installed_entries,
        "updates": updates,
        "installing": installing,
        "categories": categories,
        "storeAvailable": found.is_some(),
        "isInDocker": false,
        "canUpdateServer": false,
    });
    if let Some(problem) = problem {
        document["storeProblem"] = problem.into();
    }
    document
}

fn of_offered(one: &Offered, installed: &[InstalledPackage]) -> Value {
    let mut entry = json!({
        "name": one.name,
        "version": one.version,
        "description": one.description,
        "author": one.author,
        "categories": categories(&one.keywords).collect::<Vec<_>>(),
        "updated": one.updated,
        "keywords": one.keywords,
        "isPlugin": one.is_plugin(),
        "isWebapp": one.is_web_app(),
    });
    if let Some(there) = installed.iter().find(|there| there.name == one.name) {
        entry["installedVersion"] = there.package_json["version"].clone();
        if let Some(id) = &there.plugin {
            entry["id"] = id.as_str().into();
        }
    }
    entry
}

fn of_installed(one: &InstalledPackage, found: Option<&[Offered]>, removable: bool) -> Value {
    let json = &one.package_json;
    let text = |key: &str| json[key].as_str().unwrap_or_default();
    let author = json["author"].as_str().or_else(|| json["author"]["name"].as_str()).unwrap_or_default();
    let keywords: Vec<_> =
        json["keywords"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let offered = found.unwrap_or_default().iter().find(|offered| offered.name == one.name);
    let mut entry = Map::new();
    let mut put = |key: &str, value: Value| drop(entry.insert(key.to_owned(), value));
    put("name", one.name.as_str().into());
    put("version", offered.map_or(text("version"), |offered| &offered.version).into());
    put("installedVersion", text("version").into());
    put("description", text("description").into());
    put("author", author.into());
    put("categories", categories(&keywords).collect::<Vec<_>>().into());
    put("updated", offered.map_or("", |offered| &offered.updated).into());
    put("isPlugin", one.plugin.is_some().into());
    put("isWebapp", one.web_app.into());
    put("isRemovable", removable.into());
    put("keywords", keywords.into());
    if let Some(id) = &one.plugin {
        put("id", id.as_str().into());
    }
    if let Some(offered) = offered.filter(|offered| is_newer(&offered.version, text("version"))) {
        put("newVersion", offered.version.as_str().into());
    }
    entry.into()
}

fn of_job(job: &Job) -> Value {
    json!({
        "name": job.name,
        "version": job.version,
        "isInstalling": job.action == Action::Install && !job.state.is_over() && job.state != JobState::Waiting,
        "isRemoving": job.action == Action::Remove && !job.state.is_over() && job.state != JobState::Waiting,
        "isWaiting": job.state == JobState::Waiting,
        "installFailed": job.state == JobState::Failed,
        "message": job.message,
    })
}

fn categories(keywords: &[String]) -> impl Iterator<Item = String> {
    keywords.iter().filter_map(|keyword| keyword.strip_prefix(CATEGORY)).map(|word| word.replace('-', " "))
}

/// What is no version is not newer than anything.
fn is_newer(offered: &str, installed: &str) -> bool {
    let parse = |text| semver::Version::parse(text).ok();
    matches!((parse(offered), parse(installed)), (Some(offered), Some(installed)) if offered > installed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_what_is_newer_by_number() {
        let offered = |name: &str, version: &str| Offered {
            name: name.to_owned(),
            version: version.to_owned(),
            description: String::new(),
            author: String::new(),
            updated: "2026-01-01".to_owned(),
            keywords: vec!["signalk-wasm-plugin".to_owned(), "signalk-category-chart-plotters".to_owned()],
        };
        let installed = |name: &str, version: &str| InstalledPackage {
            name: name.to_owned(),
            package_json: json!({"name": name, "version": version}),
            plugin: Some(format!("_{name}")),
            web_app: false,
        };
        let found = [offered("a", "1.10.0"), offered("b", "1.0.0"), offered("c", "2.0.0-beta")];
        let here = [installed("a", "1.9.0"), installed("b", "1.0.0"), installed("c", "2.0.0"), installed("d", "x")];
        let document = document(Some(&found), None, &here, &["a".to_owned()], &[]);
        let names =
            |list: &Value| list.as_array().map(|list| list.iter().map(|one| one["name"].clone()).collect::<Vec<_>>());
        assert_eq!(names(&document["updates"]), Some(vec![json!("a")]));
        assert_eq!(names(&document["installed"]).map(|names| names.len()), Some(4));
        assert_eq!(document["updates"][0]["newVersion"], "1.10.0");
        assert_eq!(
            (&document["installed"][0]["isRemovable"], &document["installed"][1]["isRemovable"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(document["available"][0]["installedVersion"], "1.9.0");
        assert_eq!(document["categories"], json!(["chart plotters"]));
        assert_eq!(document["storeAvailable"], true);
    }

    #[test]
    fn a_store_that_is_not_there_says_why() {
        let document = document(None, Some("no network".to_owned()), &[], &[], &[]);
        assert_eq!((&document["storeAvailable"], &document["storeProblem"]), (&json!(false), &json!("no network")));
        assert_eq!(document["available"], json!([]));
    }
}
