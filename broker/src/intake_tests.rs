use super::*;

const SELF: &str = "vessels.urn:mrn:imo:mmsi:230099999";

fn intake() -> Intake {
    Intake {
        self_context: Context::new(SELF).expect("a context"),
        provider: Provider::new("conn").expect("a name"),
        override_timestamps: false,
    }
}

fn take(text: &str) -> Taken {
    intake().take(text, DeltaVersion::V1)
}

/// What is rendered for a text, with the time of reception masked.
fn rendered(text: &str) -> String {
    let taken = take(text);
    assert_eq!(taken.problems, [], "{text}");
    taken.delta.expect("a delta").render().to_string()
}

#[test]
fn a_full_delta_goes_through_in_canonical_form() {
    let text = r#"{"updates":[{"values":[{"value":43.360,"path":"environment.depth.belowTransducer"}],
        "timestamp":"2014-08-15T19:00:28.673Z","source":{"label":"n2k","type":"NMEA2000","pgn":128267,"src":"115"}}],
        "context":"vessels.self"}"#;
    assert_eq!(
        rendered(text),
        format!(
            r#"{{"context":"{SELF}","updates":[{{"source":{{"label":"n2k","type":"NMEA2000","pgn":128267,"src":"115"}},"$source":"n2k.115","timestamp":"2014-08-15T19:00:28.673Z","values":[{{"path":"environment.depth.belowTransducer","value":43.36}}]}}]}}"#
        )
    );
}

#[test]
fn what_is_missing_is_filled_in() {
    let before = Timestamp::now();
    let delta = take(r#"{"updates":[{"values":[{"path":"a.b","value":null}]}]}"#).delta.expect("a delta");
    assert_eq!(delta.context.as_str(), SELF);
    let update = &delta.updates[0];
    assert_eq!(update.source_ref.as_str(), "conn");
    assert!(update.timestamp >= before && update.timestamp <= Timestamp::now());
    assert!(update.values[0].value.is_null());
}

#[test]
fn a_bad_update_costs_only_itself() {
    // SK-50: the good update of each delta stays.
    for bad in [
        r#"{"values":{"path":"a","value":1}}"#,
        r#"{"values":[null]}"#,
        r#"{"values":[{"value":1}]}"#,
        r#"{"values":[{"path":7,"value":1}]}"#,
        r#"{"values":[{"path":"a","value":1}],"$source":5}"#,
        r#"{"values":[{"path":"a","value":1}],"timestamp":5}"#,
        r#"{"values":[{"path":"a.__proto__.b","value":1}]}"#,
        r#"{"values":[{"path":"a\u0000b","value":1}]}"#,
        r#"{"values":[{"path":"a","value":1}],"$source":"a\nb"}"#,
        r#"{"values":[{"path":"a","value":1}],"source":{"label":"a","talker":"G\tP"}}"#,
        &format!(r#"{{"values":[{{"path":"a","value":{}1{}}}]}}"#, "[".repeat(65), "]".repeat(65)),
        "null",
        "17",
        "[]",
    ] {
        let text = format!(r#"{{"updates":[{bad},{{"values":[{{"path":"good","value":1}}]}}]}}"#);
        let taken = take(&text);
        let delta = taken.delta.unwrap_or_else(|| panic!("{bad} took the good update with it: {:?}", taken.problems));
        assert_eq!(delta.updates.len(), 1, "{bad}");
        assert_eq!(delta.updates[0].values[0].path.as_str(), "good", "{bad}");
        assert!(matches!(taken.problems[..], [IntakeError::Update { index: 0, .. }]), "{bad} {:?}", taken.problems);
    }
}

#[test]
fn bad_metadata_leaves_the_values() {
    for bad in [r#""x""#, r#"[{"path":"a.__proto__","value":{}}]"#, r#"[{"path":"a","value":7}]"#] {
        let taken = take(&format!(r#"{{"updates":[{{"meta":{bad},"values":[{{"path":"a","value":1}}]}}]}}"#));
        assert_eq!(taken.delta.expect("a delta").updates[0].values.len(), 1, "{bad}");
        assert!(matches!(taken.problems[..], [IntakeError::Meta { index: 0, .. }]), "{bad} {:?}", taken.problems);
    }
    let taken = take(r#"{"updates":[{"meta":[{"path":"a","value":"m"},{"path":"b","value":{"units":"m"}}]}]}"#);
    assert_eq!(taken.delta.expect("a delta").updates[0].meta.len(), 1);
}

#[test]
fn problems_are_short_and_few() {
    let many = format!("{{\"updates\":[{}7]}}", "7,".repeat(5_000));
    let problems = take(&many).problems;
    assert_eq!(problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(problems.last(), Some(&IntakeError::More(5_001 - MAX_PROBLEMS)));
    for updates in ["{}", "7"] {
        let too_many = format!("{{\"updates\":[{}{updates}]}}", format!("{updates},").repeat(MAX_ENTRIES));
        assert_eq!(take(&too_many).problems, [IntakeError::TooManyEntries(MAX_ENTRIES + 1)]);
    }
    let long = "\\u0001".repeat(20_000);
    for text in [
        format!(r#"{{"context":"{long}*","updates":[]}}"#),
        format!(r#"{{"context":"self.{long}","updates":[]}}"#),
        format!(r#"{{"updates":[{{"values":[{{"path":"{long}","value":1}}]}}]}}"#),
        format!(r#"{{"updates":[{{"$source":"{long}","values":[{{"path":"a","value":1}}]}}]}}"#),
    ] {
        let problems = take(&text).problems;
        assert_eq!(problems.len(), 1);
        assert!(problems[0].to_string().len() < 1000, "{}", problems[0]);
    }
}

#[test]
fn what_is_no_delta_says_why() {
    let long = format!(r#"{{"updates":[{{"values":[{{"path":"a","value":"{}"}}]}}]}}"#, "x".repeat(MAX_DELTA_BYTES));
    for (text, expected) in [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("hello", "not valid JSON"),
        (r#"{"updates":[{"values":[{"path":"a","value":1e}]}]}"#, "not valid JSON"),
        ("[]", "not a delta: it is not an object"),
        ("17", "not a delta: it is not an object"),
        ("{}", "not a delta: it has no `updates`"),
        (r#"{"updates":7}"#, "not a delta: `updates` is not an array"),
        (r#"{"context":7,"updates":[]}"#, "delta dropped: `context` is not a string"),
        (r#"{"context":"vessels.*","updates":[]}"#, "delta dropped: context \"vessels.*\""),
        (r#"{"context":"self.x","updates":[]}"#, "delta dropped: context \"self.x\""),
        (r#"{"context":"version.x","updates":[]}"#, "delta dropped: context \"version.x\""),
        (r#"{"context":"sources.x","updates":[]}"#, "delta dropped: context \"sources.x\""),
        (&long, "refused; at most"),
    ] {
        let taken = take(text);
        assert!(taken.delta.is_none(), "{text:.80}");
        let problem = taken.problems.first().unwrap_or_else(|| panic!("{text:.80} gives no problem")).to_string();
        assert!(problem.contains(expected), "{text:.80}: {problem}");
    }
}

#[test]
fn a_context_without_id_takes_metadata_but_no_values() {
    // SK-57
    let taken = take(
        r#"{"context":"vessels","updates":[{"values":[{"path":"a","value":1}]},{"meta":[{"path":"a","value":{"units":"m"}}]}]}"#,
    );
    let delta = taken.delta.expect("the metadata");
    assert!(delta.updates.len() == 1 && delta.updates[0].values.is_empty());
    assert_eq!(taken.problems.len(), 1);
    // Also that of the very update that has values.
    let taken = take(
        r#"{"context":"vessels","updates":[{"values":[{"path":"a","value":1}],"meta":[{"path":"a","value":{"units":"m"}}]}]}"#,
    );
    let delta = taken.delta.expect("the metadata");
    assert_eq!((delta.updates[0].values.len(), delta.updates[0].meta.len()), (0, 1));
    assert!(matches!(taken.problems[..], [IntakeError::Values { index: 0, .. }]), "{:?}", taken.problems);
}

#[test]
fn an_id_may_be_a_url() {
    let text =
        |context: &str| format!(r#"{{"context":"{context}","updates":[{{"values":[{{"path":"a","value":1}}]}}]}}"#);
    let taken = take(&text("vessels.https://boats.example/plaka"));
    assert_eq!(taken.problems, []);
    let context = taken.delta.expect("a delta").context;
    assert_eq!(context.split(), Some(("vessels", "https://boats.example/plaka")));
    for refused in ["vessels/x.y", "/vessels.x", "vessels/x", "vessels.https://boats.example/*"] {
        let taken = take(&text(refused));
        assert!(taken.delta.is_none() && matches!(taken.problems[..], [IntakeError::Context(_)]), "{refused}");
    }
}

#[test]
fn static_data_of_the_own_ship_is_configured_not_received() {
    // SK-51
    let text = r#"{"updates":[{"values":[{"path":"","value":{"name":"X","mmsi":"1","flag":"FI","communication":{"callsignVhf":"A"}}},
        {"path":"design.beam","value":3},{"path":"design.draft","value":{"maximum":1}},{"path":"a","value":1}]}]}"#;
    let received = take(text).delta.expect("a delta");
    let values: Vec<_> = received.updates[0].values.iter().map(|v| (v.path.as_str(), v.value.as_str())).collect();
    assert_eq!(values, [("", r#"{"flag":"FI"}"#), ("a", "1")]);
    let configured = text.replacen("{\"values\"", "{\"$source\":\"defaults\",\"values\"", 1);
    assert_eq!(take(&configured).delta.expect("a delta").updates[0].values.len(), 4);
    // What only some readers understand is no way around it.
    for odd in [r#"{"name":"X","a":1e400}"#, r#"{"name":"X","a":"\ud800"}"#] {
        let text = format!(r#"{{"updates":[{{"values":[{{"path":"","value":{odd}}}]}}]}}"#);
        let delta = take(&text).delta.expect("a delta");
        assert!(!delta.render().contains("name"), "{}", delta.render());
    }
    let other = text.replacen("{\"updates\"", "{\"context\":\"vessels.urn:mrn:imo:mmsi:1\",\"updates\"", 1);
    assert_eq!(take(&other).delta.expect("a delta").updates[0].values.len(), 4);
}

#[test]
fn an_entry_without_a_value_is_not_a_null() {
    assert!(take(r#"{"updates":[{"values":[{"path":"a"}]}]}"#).delta.is_none());
    let delta = take(r#"{"updates":[{"values":[{"path":"a"},{"path":"b","value":null}]}]}"#).delta.expect("a delta");
    assert_eq!(delta.updates[0].values.len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_intake_panic(text in "\\PC{0,200}") {
        take(&text);
    }

    #[test]
    fn no_json_makes_intake_panic(text in r#"\{"(updates|context)":(\[|\{|null|7)?[\[\]\{\}":,a-z0-9.]{0,60}\}?"#) {
        take(&text);
    }
}
