//! What a new subscription gets, and what several sources of a path cost.

use windlass_broker::{CachedValue, PathValue, RawJson, SourcePolicy, ValueIndex};

use super::*;

fn topic(context: &str, path: &str) -> Topic {
    let context = ContextPattern::new(context, &own()).expect("a context");
    Topic::new(context, Scope::Values(Glob::new(path)))
}

fn everything(sources: SourcePolicy) -> Topic {
    Topic { sources, ..Topic::new(ContextPattern::all(), Scope::Whole) }
}

/// The values of a snapshot as `<$source> <value>`.
fn texts(view: &ModelView, sources: SourcePolicy) -> Vec<String> {
    let text = |cached: &CachedValue| {
        let (update, value) = cached.delta.value(cached.index);
        format!("{} {}", update.source_ref, value.value)
    };
    view.snapshot(&[everything(sources)]).values.iter().map(text).collect()
}

/// Writes a value that is held back.
fn hold(view: &ModelView, source: &str, time: &str, value: Value) {
    let delta = taken(source, time, value);
    view.apply(&Judged::holding(delta, [ValueIndex { update: 0, value: 0 }].into_iter().collect()));
}

fn taken(source: &str, time: &str, value: Value) -> windlass_broker::Delta {
    let provider = Provider::new("test").expect("a name");
    let intake = Intake { self_context: own(), provider, override_timestamps: false };
    let text =
        json!({"updates": [{"$source": source, "timestamp": time, "values": [{"path": "x.y", "value": value}]}]});
    intake.take(&text.to_string(), DeltaVersion::V1).delta.expect("a delta")
}

/// What says that a source has fallen silent.
fn silence(source: &str, time: &str) -> windlass_broker::Delta {
    let mut delta = taken(source, time, Value::Null);
    let value = &mut delta.updates[0].values[0];
    *value = PathValue { state: Some(Box::new(RawJson::of(&json!({"timedOut": true})))), ..value.clone() };
    delta
}

/// A ship, and others with names, each with so many paths.
fn fleet(others: usize, paths: usize) -> ModelView {
    let view = view();
    for n in 0..=others {
        let context = if n == 0 { "vessels.self".to_owned() } else { format!("vessels.urn:mrn:imo:mmsi:{n}") };
        let mut values: Vec<_> = (0..paths).map(|p| json!({"path": format!("fleet.p{p}"), "value": p})).collect();
        values.push(json!({"path": "", "value": {"flag": "FI"}}));
        apply(&view, json!({"context": context, "updates": [{"values": values}]}));
    }
    view
}

#[test]
fn a_named_path_is_looked_up_and_not_searched_for() {
    let view = fleet(9, 500);
    let rows: Vec<_> = (0..200).map(|p| topic("vessels.*", &format!("fleet.p{p}"))).collect();
    let snapshot = view.snapshot(&rows);
    assert_eq!((snapshot.values.len(), snapshot.looked_at), (200 * 10, 200 * 10));
    let row = |cached: &CachedValue| cached.delta.value(cached.index).1.value.to_string() == cached.row.to_string();
    assert!(snapshot.values.iter().all(row));
    // Of those that say so in other words too: a root value by its name, and each context that is called by its name.
    let named = view.snapshot(&[topic("vessels.*", "flag"), topic("vessels.urn:mrn:imo:mmsi:3", "fleet.p7")]);
    assert_eq!((named.values.len(), named.looked_at), (10 + 1, 10 + 1));
}

#[test]
fn rows_that_want_the_same_share_one_search() {
    let view = fleet(9, 100);
    let rows: Vec<_> = (0..200).map(|_| topic("*", "*")).collect();
    let snapshot = view.snapshot(&rows);
    assert_eq!(snapshot.looked_at, 10 * 100);
    assert_eq!((snapshot.values.len(), snapshot.left_out), (200 * 10 * 101, 0));
}

#[test]
fn a_snapshot_has_a_limit_and_the_own_ship_comes_first() {
    let view = fleet(20, 10);
    let snapshot = view.snapshot_up_to(&[topic("*", "fleet.*")], 25);
    assert_eq!((snapshot.values.len(), snapshot.left_out), (25, 21 * 10 - 25));
    let is_own = |cached: &&CachedValue| cached.delta.delta().context == own();
    assert_eq!(snapshot.values.iter().filter(is_own).count(), 10);
}

#[test]
fn what_is_held_back_is_not_in_the_snapshot_of_the_preferred() {
    let view = view();
    view.apply(&Judged::accepted(taken("b", T1, json!(1))));
    view.apply(&Judged::accepted(taken("a", T2, json!(2))));
    hold(&view, "b", T2, json!(3));
    assert_eq!(texts(&view, SourcePolicy::Preferred), ["a 2"]);
    assert_eq!(texts(&view, SourcePolicy::All), ["a 2", "b 3"]);
    // What was held back before is no news when the source takes over.
    view.apply(&Judged::accepted(taken("b", T2, json!(4))));
    hold(&view, "a", T2, json!(5));
    assert_eq!(texts(&view, SourcePolicy::Preferred), ["b 4"]);
    assert_eq!(texts(&view, SourcePolicy::All), ["b 4", "a 5"]);
    assert!(!view.forget_source(&windlass_broker::SourceRef::new("c").expect("a name")));
    // SK-38: the tree shows what was accepted of each.
    let values = get(&view, "vessels/self/x/y/values").expect("two sources");
    assert_eq!((&values["a"]["value"], &values["b"]["value"]), (&json!(2), &json!(4)));
}

#[test]
fn a_source_that_is_not_preferred_falls_silent_in_its_own_place() {
    let view = view();
    view.apply(&Judged::accepted(taken("a", T1, json!(1))));
    view.apply(&Judged::accepted(taken("b", T2, json!(2))));
    hold(&view, "a", T1, json!(7));
    let used = view.memory().0;
    view.apply(&Judged::holding(silence("a", T2), [ValueIndex { update: 0, value: 0 }].into_iter().collect()));
    let leaf = get(&view, "vessels/self/x/y").expect("a leaf");
    assert_eq!((&leaf["value"], &leaf["$source"], leaf.get("state")), (&json!(2), &json!("b"), None));
    assert_eq!(leaf["values"]["a"]["value"], Value::Null);
    assert_eq!(leaf["values"]["a"]["state"], json!({"timedOut": true}));
    assert!(view.memory().0 < used, "what was held of it is gone");
    let mut all = texts(&view, SourcePolicy::All);
    all.sort();
    assert_eq!(all, ["a null", "b 2"]);
}

#[test]
fn ten_thousand_sources_of_a_path_cost_as_much_as_those_that_are_kept() {
    let view = view();
    write(&view, "s", T1, "x.y", json!(1));
    let one = view.memory().0;
    for n in 0..10_000 {
        view.apply(&Judged::accepted(taken(&format!("s{n}"), T2, json!(1))));
    }
    assert!(view.memory().0 <= 33 * one, "{} bytes, and one takes {one}", view.memory().0);
    for n in 0..10_000 {
        hold(&view, &format!("h{n}"), T2, json!(1));
    }
    assert!(view.memory().0 <= 65 * one, "{} bytes, and one takes {one}", view.memory().0);
    for n in 0..10_000 {
        let source = windlass_broker::SourceRef::new(&format!("s{n}")).expect("a name");
        view.forget_source(&source);
    }
    assert_eq!((view.memory().0, view.own().path_count()), (0, 0), "all of it is given back");
}

#[test]
fn metadata_that_is_said_again_takes_no_further_room() {
    let view = view();
    let say = |from: usize, to: usize, value: i64| {
        let keys: serde_json::Map<_, _> = (from..to).map(|n| (format!("key{n}"), json!(value))).collect();
        apply(&view, json!({"updates": [{"meta": [{"path": "said.again", "value": keys}]}]}));
        let known = view.metadata("said.again").expect("metadata");
        (known.len(), known["key0"].clone())
    };
    assert_eq!(say(0, 60, 1), (60, json!(1)));
    assert_eq!(say(0, 60, 2), (60, json!(2)));
    assert_eq!(say(0, 100, 3), (100, json!(3)));
    assert_eq!(say(0, 101, 4), (100, json!(3)), "more than there may be");
}
