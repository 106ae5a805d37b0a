//! Which sources measure the same things: what pages need to rank them (server-admin-api §8).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use windlass_actors::data_model::ModelView;
use windlass_broker::PriorityGroup;

/// Paths of the own ship with two or more sources, and which.
pub type MultiSourcePaths = BTreeMap<String, BTreeSet<String>>;

/// Sources that share paths, directly or by way of others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReconciledGroup {
    /// The id of the saved group, or one made of the sources.
    pub id: String,
    /// In the order of the saved group, and newcomers after them.
    pub sources: Vec<String>,
    /// What they share.
    pub paths: Vec<String>,
    /// The saved group that has most of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_saved_id: Option<String>,
    /// Those that the saved group does not know.
    pub newcomer_sources: Vec<String>,
}

/// What has several sources now. Notifications are left out: priorities don't judge them (signalk-v1 §9).
pub fn multi_source_paths(view: &ModelView) -> MultiSourcePaths {
    let mut paths = MultiSourcePaths::new();
    view.own().each_leaf(|path, leaf| {
        let path = path.as_str();
        if path == "notifications" || path.starts_with("notifications.") {
            return;
        }
        let mut sources = BTreeSet::new();
        leaf.each_entry(true, |entry| {
            sources.insert(entry.parts().0.source_ref.to_string());
        });
        if sources.len() > 1 {
            paths.insert(path.to_owned(), sources);
        }
    });
    paths
}

/// Groups of sources that share paths, compared with the groups that are saved.
pub fn reconcile(paths: &MultiSourcePaths, saved: &[PriorityGroup]) -> Vec<ReconciledGroup> {
    let mut groups: Vec<(BTreeSet<&str>, Vec<&str>)> = Vec::new();
    for (path, sources) in paths {
        let mut joined = (sources.iter().map(String::as_str).collect::<BTreeSet<_>>(), vec![path.as_str()]);
        // Whatever shares a source with this path is one group with it.
        groups.retain_mut(|(others, shared)| {
            let apart = others.is_disjoint(&joined.0);
            if !apart {
                joined.0.append(others);
                joined.1.append(shared);
            }
            apart
        });
        groups.push(joined);
    }
    let mut reconciled: Vec<_> = groups.into_iter().map(|(sources, paths)| matched(&sources, paths, saved)).collect();
    reconciled.sort_by(|a, b| a.id.cmp(&b.id));
    reconciled
}

fn matched(sources: &BTreeSet<&str>, mut paths: Vec<&str>, saved: &[PriorityGroup]) -> ReconciledGroup {
    paths.sort_unstable();
    let shared =
        |group: &PriorityGroup| group.sources.iter().filter(|source| sources.contains(source.as_str())).count();
    // Of several that fit equally well, the first.
    let best = saved.iter().rev().max_by_key(|group| shared(group)).filter(|group| shared(group) > 0);
    let known: Vec<&str> = best.iter().flat_map(|group| &group.sources).map(String::as_str).collect();
    let known: Vec<&str> = known.into_iter().filter(|source| sources.contains(source)).collect();
    let newcomers: Vec<&str> = sources.iter().filter(|source| !known.contains(source)).copied().collect();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    ReconciledGroup {
        id: best.map_or_else(|| sources.iter().copied().collect::<Vec<_>>().join("+"), |group| group.id.clone()),
        sources: owned(&[known.as_slice(), newcomers.as_slice()].concat()),
        paths: owned(&paths),
        matched_saved_id: best.map(|group| group.id.clone()),
        newcomer_sources: owned(&newcomers),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_that_share_paths_are_groups() {
        let paths: MultiSourcePaths = serde_json::from_value(json!({
            "depth": ["s1", "s2"], "position": ["g1", "g2"], "speed": ["g2", "g3"], "course": ["g3", "g1"],
        }))
        .expect("paths");
        let saved: Vec<PriorityGroup> = serde_json::from_value(json!([
            {"id": "old", "sources": ["gone"]}, {"id": "gps", "sources": ["g2", "gone", "g1"]},
        ]))
        .expect("groups");
        assert_eq!(
            json!(reconcile(&paths, &saved)),
            json!([
                {"id": "gps", "sources": ["g2", "g1", "g3"], "paths": ["course", "position", "speed"],
                    "matchedSavedId": "gps", "newcomerSources": ["g3"]},
                {"id": "s1+s2", "sources": ["s1", "s2"], "paths": ["depth"], "newcomerSources": ["s1", "s2"]},
            ])
        );
        assert!(reconcile(&MultiSourcePaths::new(), &saved).is_empty());
    }
}
