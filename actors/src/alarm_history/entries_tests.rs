use super::*;

const OWN: &str = "vessels.self";
const TEN: &str = "2026-01-02T10:00:00.000Z";

fn time(text: &str) -> Timestamp {
    Timestamp::from_text(text).expect("a time")
}

/// One that was written, by the own ship or another, under a name that neither has now.
fn written(id: u64, own: bool) -> AlarmEntry {
    let mut entries = Entries::new(OWN);
    let path = format!("path{id}");
    entries.see(&Seen { context: "vessels.former", ..seen(&path, Alarm, TEN) });
    AlarmEntry { id, own, ..AlarmEntry::clone(&entries.newest_first()[0]) }
}

fn seen<'a>(path: &'a str, state: AlarmState, now: &'a str) -> Seen<'a> {
    Seen { context: OWN, path, source: "s", state, message: "m", silenced: false, acknowledged: false, now }
}

fn states(entries: &Entries) -> Vec<(AlarmState, AlarmState)> {
    entries.newest_first().iter().map(|entry| (entry.from, entry.state)).collect()
}

use AlarmState::{Alarm, Emergency, Nominal, Normal, Warn};

#[test]
fn each_change_is_an_entry_and_a_repetition_is_none() {
    let mut entries = Entries::new(OWN);
    assert!(!entries.see(&seen("a", Normal, "0")), "no news");
    for (state, now) in [(Warn, "1"), (Warn, "2"), (Alarm, "3"), (Normal, "4"), (Nominal, "5"), (Emergency, "6")] {
        assert_eq!(entries.see(&seen("a", state, now)), !["2", "5"].contains(&now), "{now}");
    }
    assert_eq!(states(&entries), [(Normal, Emergency), (Alarm, Normal), (Warn, Alarm), (Normal, Warn)]);
    let told = entries.newest_first();
    let times = |at: usize| (told[at].time.as_str(), told[at].raised.as_str(), told[at].ended.as_deref());
    assert_eq!([times(3), times(2)], [("1", "1", Some("3")), ("3", "1", Some("4"))]);
    assert_eq!([times(1), times(0)], [("4", "1", None), ("6", "6", None)]);
    let mut other = seen("a", Warn, "7");
    other.source = "t";
    assert!(entries.see(&other), "the same of somebody else is another one");
}

#[test]
fn what_was_done_is_noted_once_and_taken_back() {
    let mut entries = Entries::new(OWN);
    entries.see(&seen("a", Alarm, "1"));
    let silenced = Seen { silenced: true, now: "2", ..seen("a", Alarm, "") };
    assert!(entries.see(&silenced));
    assert!(!entries.see(&Seen { now: "3", ..silenced.clone() }));
    assert!(entries.see(&Seen { acknowledged: true, now: "4", ..silenced }));
    let entry = entries.newest_first()[0].clone();
    assert_eq!((entry.silenced.as_deref(), entry.acknowledged.as_deref()), (Some("2"), Some("4")));
    assert!(entries.see(&seen("a", Alarm, "5")));
    let entry = entries.newest_first()[0].clone();
    assert_eq!((entry.silenced.as_deref(), entry.acknowledged.as_deref()), (None, None));
    assert_eq!(entries.newest_first().len(), 1);
}

#[test]
fn what_was_active_before_the_start_goes_on_or_is_lost() {
    let mut before = Entries::new(OWN);
    for path in ["back", "gone", "over"] {
        before.see(&Seen { silenced: path == "back", ..seen(path, Alarm, TEN) });
    }
    before.see(&seen("over", Normal, "2"));
    let mut entries = Entries::new(OWN);
    for entry in before.newest_first().into_iter().rev() {
        entries.recall(AlarmEntry::clone(&entry)).expect("an id");
    }
    entries.recalled();
    assert!(entries.take_unsaved().1.is_empty(), "it is written");
    let attended = entries.attended(&time(TEN));
    assert_eq!((attended.len(), attended[0].names[1].as_str(), attended[0].attention.silenced), (1, "back", true));
    assert!(!entries.see(&Seen { silenced: true, ..seen("back", Alarm, "3") }), "no news");
    assert!(entries.end_lost("9"));
    assert!(!entries.end_lost("10"), "once");
    let of = |path: &str| entries.newest_first().iter().find(|entry| entry.path == path).cloned().expect("kept");
    assert_eq!((of("gone").ended.as_deref(), of("gone").lost, of("back").ended.clone()), (Some("9"), true, None));
    assert!(entries.see(&seen("gone", Alarm, "11")), "then it is raised anew");
}

#[test]
fn the_last_word_on_an_entry_counts() {
    let mut entries = Entries::new(OWN);
    entries.see(&seen("a", Alarm, "1"));
    let raised = AlarmEntry::clone(&entries.take_unsaved().1[0]);
    entries.see(&seen("a", Normal, "2"));
    let changed = entries.take_unsaved().1;
    assert_eq!(changed.iter().map(|entry| entry.id).collect::<Vec<_>>(), [1, 2], "what has changed, and no more");
    let mut again = Entries::new(OWN);
    again.recall(raised).expect("an id");
    for entry in changed {
        again.recall(AlarmEntry::clone(&entry)).expect("an id");
    }
    again.recalled();
    assert_eq!(again.newest_first(), entries.newest_first());
}

#[test]
fn it_is_bounded_and_one_does_not_push_out_the_others() {
    let mut entries = Entries::new(OWN);
    entries.see(&seen("mob", Emergency, "0"));
    for flap in 0..2_000 {
        entries.see(&seen("flapping", if flap % 2 == 0 { Alarm } else { Normal }, "1"));
        let path = format!("far.{flap}");
        entries.see(&Seen { context: "vessels.other", ..seen(&path, Alarm, "1") });
    }
    let count = |is: &dyn Fn(&AlarmEntry) -> bool| entries.newest_first().iter().filter(|entry| is(entry)).count();
    assert_eq!(count(&|entry| entry.path == "mob"), 1);
    assert_eq!(count(&|entry| entry.path == "flapping"), MAX_OF_ONE);
    assert_eq!(count(&|entry| entry.context != OWN), MAX_OF_OTHERS);
    for number in 0..2_000 {
        entries.see(&seen(&format!("own.{number}"), Alarm, "2"));
    }
    assert_eq!(entries.newest_first().len(), MAX_ENTRIES);
    let long = "x".repeat(4_000);
    for number in 0..600 {
        entries.see(&seen(&format!("{long}{number}"), Alarm, "2"));
    }
    let kept = entries.newest_first();
    assert!(kept.iter().map(|entry| entry.bytes()).sum::<usize>() <= MAX_BYTES && kept.len() > 200, "{}", kept.len());
    assert_eq!(kept.iter().map(|entry| entry.bytes()).sum::<usize>(), entries.bytes);
    assert!(entries.take_unsaved().1.len() <= MAX_ENTRIES);
}

#[test]
fn what_is_active_is_not_cleared() {
    let mut entries = Entries::new(OWN);
    for (path, state) in [("a", Alarm), ("b", Alarm), ("a", Normal)] {
        entries.see(&seen(path, state, "1"));
    }
    entries.clear();
    assert_eq!(entries.newest_first().iter().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), ["b"]);
    let (whole, written) = entries.take_unsaved();
    assert!(whole && written.len() == 1);
    entries.see(&seen("b", Normal, "2"));
    assert_eq!(states(&entries), [(Alarm, Normal), (Normal, Alarm)]);
}

#[test]
fn what_was_done_counts_for_half_a_day() {
    let now = time(TEN);
    for (silenced, acknowledged, expected) in [
        (Some("2026-01-02T09:00:00.000Z"), None, Some((true, false))),
        (Some("2026-01-01T22:00:00.000Z"), None, Some((true, false))),
        (Some("2026-01-01T21:59:59.999Z"), None, None),
        (Some("2026-01-01T09:00:00.000Z"), Some("2026-01-02T09:00:00.000Z"), Some((false, true))),
        (Some("2025-12-01T09:00:00.000Z"), Some("2025-12-01T09:00:00.000Z"), None),
        (None, Some("2026-01-02T10:00:00.001Z"), None),
        (Some("yesterday"), None, None),
    ] {
        let [silenced, acknowledged] = [silenced, acknowledged].map(|when| when.map(str::to_owned));
        let mut entries = Entries::new(OWN);
        entries.recall(AlarmEntry { silenced, acknowledged, ..written(1, true) }).expect("an id");
        entries.recalled();
        let attended = entries.attended(&now);
        let attention = attended.first().map(|one| (one.attention.silenced, one.attention.acknowledged.is_some()));
        assert_eq!(attention, expected, "{:?}", entries.newest_first());
    }
}

#[test]
fn a_damaged_id_costs_no_other_entry() {
    let mut entries = Entries::new(OWN);
    for id in [1, 902, 3, 4, MAX_ID] {
        entries.recall(written(id, true)).expect("an id");
    }
    for id in [MAX_ID + 1, u64::MAX] {
        assert!(entries.recall(written(id, true)).is_err_and(|reason| reason.contains("too large")), "{id}");
    }
    entries.recalled();
    assert!(entries.see(&seen("a", Alarm, TEN)), "it goes on");
    let ids: Vec<_> = entries.newest_first().iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [MAX_ID + 1, MAX_ID, 902, 4, 3, 1]);
}

#[test]
fn the_own_ship_under_another_name_is_no_other_ship() {
    for (own, expected) in [(true, MAX_OF_OTHERS + 50), (false, MAX_OF_OTHERS)] {
        let mut entries = Entries::new(OWN);
        for id in 1..=MAX_OF_OTHERS as u64 + 50 {
            entries.recall(written(id, own)).expect("an id");
        }
        entries.recalled();
        entries.see(&Seen { context: "vessels.other", ..seen("a", Alarm, TEN) });
        let kept = entries.newest_first();
        assert_eq!(kept.iter().filter(|entry| entry.context == "vessels.former").count(), expected - usize::from(!own));
        assert!(!kept[0].own && kept[1].own == own);
        assert_eq!(entries.open_of_others, if own { 1 } else { MAX_OF_OTHERS + 1 }, "each is followed as what it was");
        assert!(entries.end_lost("9") && entries.open_of_others == 1);
    }
}
