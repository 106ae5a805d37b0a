use serde_json::json;

use super::*;

struct Kept {
    directory: tempfile::TempDir,
    data: ApplicationData,
}

impl Kept {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let data = ApplicationData::below(directory.path().join("applicationData"));
        Self { directory, data }
    }

    fn write(&self, path: &str, data: Value) -> Result<()> {
        self.data.write(&place(), &segments(path), data)
    }

    fn read(&self, path: &str) -> Option<Value> {
        self.data.read(&place(), &segments(path)).expect("readable")
    }
}

fn place() -> Place {
    Place::new(Owner::User("skipper".into()), "kip", "11.0").expect("a place")
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

#[test]
fn documents_are_replaced_patched_and_set_by_path() {
    // SK-213
    let kept = Kept::new();
    assert_eq!(kept.read(""), Some(json!({})), "nothing kept yet");
    assert_eq!(kept.read("a"), None);
    kept.write("", json!({"a": {"list": [1, 2]}})).expect("kept");
    kept.write("a/b/c", json!("deep")).expect("kept");
    kept.write("a/list/2", json!(3)).expect("kept");
    assert_eq!(kept.read("a"), Some(json!({"list": [1, 2, 3], "b": {"c": "deep"}})));
    assert_eq!(kept.read("a/list/1"), Some(json!(2)));
    let operations = json!([
        {"op": "replace", "path": "/new", "value": 1},
        {"op": "add", "path": "/a/list/-", "value": 4},
        {"op": "remove", "path": "/a/b"},
        {"op": "test", "path": "/a/list/3", "value": 4},
    ]);
    kept.write("", operations).expect("patched");
    assert_eq!(kept.read(""), Some(json!({"a": {"list": [1, 2, 3, 4]}, "new": 1})));
    let half = json!([{"op": "add", "path": "/x", "value": 1}, {"op": "remove", "path": "/nowhere"}]);
    assert!(matches!(kept.write("", half), Err(ApplicationDataError::Data(_))));
    assert_eq!(kept.read("x"), None, "all of a patch or nothing");
    assert!(matches!(kept.write("new/below", json!(1)), Err(ApplicationDataError::Path(_))));
    for bad in [json!(7), json!(null), json!([{"op": "replace", "path": "", "value": 7}]), json!([7])] {
        assert!(matches!(kept.write("", bad.clone()), Err(ApplicationDataError::Data(_))), "{bad}");
    }
}

#[test]
fn keys_of_prototypes_are_refused_everywhere() {
    let kept = Kept::new();
    for key in FORBIDDEN {
        for (path, data) in [
            ("", json!({"a": [{(key): 1}]})),
            (key, json!(1)),
            ("", json!([{"op": "add", "path": format!("/{key}"), "value": 1}])),
            ("", json!([{"op": "copy", "from": format!("/{key}/x"), "path": "/y"}])),
            ("", json!([{"op": "add", "path": "/a", "value": {(key): 1}}])),
        ] {
            let refused = kept.write(path, data.clone());
            assert!(matches!(refused, Err(ApplicationDataError::Key(_))), "{path} {data}: {refused:?}");
        }
    }
    assert_eq!(kept.read(""), Some(json!({})));
}

#[test]
fn names_are_checked_and_users_stay_in_their_folders() {
    for (application, version, good) in [
        ("kip", "1", true),
        ("@mxtommy-kip", "1.0.0", true),
        ("a b", "0.1", true),
        (&"x".repeat(29), "1", true),
        (&"x".repeat(30), "1", false),
        ("..", "1", false),
        (".hidden", "1", false),
        ("a/b", "1", false),
        ("a\\b", "1", false),
        ("", "1", false),
        ("kip", "", false),
        ("kip", "1.", false),
        ("kip", "..", false),
        ("kip", "v1", false),
        ("kip", "1.0/..", false),
    ] {
        assert_eq!(Place::new(Owner::Global, application, version).is_ok(), good, "{application} {version}");
    }
    let kept = Kept::new();
    let mut folders = std::collections::BTreeSet::new();
    let users = ["a", "A", "..", ".", "../../x", "a/b", "a%2Fb", "", "%", "é", ".ssh", "jörg@boat", "a b"];
    for user in users {
        let folder = kept.data.folder(&Owner::User(user.into()));
        assert_eq!(folder.parent(), Some(kept.data.root.join("users").as_path()), "{user}");
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(!name.starts_with('.') && !name.contains('/'), "{name}");
        folders.insert(name);
        let place = Place::new(Owner::User(user.into()), "app", "1").expect("a place");
        kept.data.write(&place, &[], json!({"of": user})).expect("kept");
        assert_eq!(kept.data.read(&place, &[]).expect("readable"), Some(json!({"of": user})));
    }
    assert_eq!(folders.len(), users.len(), "{folders:?}");
    let outside = std::fs::read_dir(kept.directory.path()).expect("a directory").count();
    assert_eq!(outside, 1, "nothing is written beside applicationData");
}

#[test]
fn versions_are_listed_in_order_and_damage_is_healed() {
    let kept = Kept::new();
    let owner = Owner::Global;
    assert!(kept.data.versions(&owner, "kip").expect("readable").is_empty());
    for version in ["10", "9", "1.0.0"] {
        let place = Place::new(owner.clone(), "kip", version).expect("a place");
        kept.data.write(&place, &[], json!({"v": version})).expect("kept");
    }
    assert_eq!(kept.data.versions(&owner, "kip").expect("readable"), ["1.0.0", "9", "10"]);
    let place = Place::new(owner, "kip", "9").expect("a place");
    let file = kept.data.document(&place).path().to_owned();
    assert_eq!(file, kept.directory.path().join("applicationData/global/kip/9.json"));
    std::fs::write(&file, "{\"v\":").expect("a file");
    assert_eq!(kept.data.read(&place, &[]).expect("readable"), Some(json!({"v": "9"})));
}

#[test]
fn a_patch_can_not_fill_the_memory() {
    let kept = Kept::new();
    kept.write("", json!({"a": "x".repeat(1000)})).expect("kept");
    let doubling: Vec<_> = (0..60).map(|n| json!({"op": "copy", "from": "", "path": format!("/c{n}")})).collect();
    assert!(matches!(kept.write("", doubling.into()), Err(ApplicationDataError::TooMuch(_))));
    let deepening: Vec<_> = (0..5000).map(|_| json!({"op": "copy", "from": "", "path": "/x"})).collect();
    assert!(matches!(kept.write("", deepening.into()), Err(ApplicationDataError::TooMuch(_))));
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!([deep]);
    }
    kept.write(&"x/".repeat(30), deep.clone()).expect("90 levels");
    assert!(matches!(kept.write(&"y/".repeat(60), deep), Err(ApplicationDataError::TooMuch(_))));
    assert!(kept.read("").is_some(), "what is kept can be read back");
    assert!(matches!(kept.write("", json!({"b": "x".repeat(MAX_DOCUMENT)})), Err(ApplicationDataError::TooMuch(_))));
}

#[test]
fn an_owner_has_a_share_of_the_disk() {
    let kept = Kept::new();
    let owner = Owner::User("crew".into());
    let of = |owner: &Owner, version: usize| Place::new(owner.clone(), "kip", &version.to_string()).expect("a place");
    let write = |place: &Place, text: String| kept.data.write(place, &[], json!({ "text": text }));
    let nine = || "x".repeat(9 * 1024 * 1024);
    for version in 0..5 {
        write(&of(&owner, version), nine()).expect("kept");
    }
    assert!(matches!(write(&of(&owner, 5), nine()), Err(ApplicationDataError::TooMuch(_))));
    write(&of(&owner, 4), nine()).expect("it replaces what was there");
    write(&of(&owner, 5), "x".repeat(4 * 1024 * 1024)).expect("there is room for less");
    write(&of(&Owner::Global, 0), nine()).expect("others have a share of their own");
    let operations = vec![json!({"op": "add", "path": "/a", "value": 1}); MAX_OPERATIONS + 1];
    assert!(matches!(kept.write("", operations.into()), Err(ApplicationDataError::TooMuch(_))));
}
