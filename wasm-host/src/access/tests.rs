use serde_json::json;

use super::*;

fn listed(entries: &[&str]) -> NetworkAccess {
    let (access, errors) = NetworkAccess::from_json(&json!({ "allow": entries }));
    assert_eq!(errors, vec![]);
    access
}

/// Judges `host port address`, where the host may be `-`.
fn permits(access: &NetworkAccess, question: &str) -> bool {
    let mut words = question.split(' ');
    let mut word = || words.next().unwrap();
    let host = Some(word()).filter(|host| *host != "-");
    let port = word().parse().unwrap();
    access.permits_address(host, word().parse().unwrap(), port).is_ok()
}

const SPECIAL_ADDRESSES: [&str; 14] = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "169.254.169.254",
    "169.254.7.7",
    "fe80::1",
    "febf::1",
    "0.0.0.0",
    "::",
    "::ffff:0.0.0.0",
    "fd00:ec2::254",
    "100.100.100.200",
];

#[test]
fn a_plain_grant_opens_ordinary_addresses_only() {
    let access = NetworkAccess::Granted;
    for address in
        ["93.184.216.34", "192.168.1.7", "10.0.0.1", "239.1.2.3", "255.255.255.255", "2001:db8::1", "ff02::1"]
    {
        assert!(permits(&access, &format!("- 80 {address}")), "{address}");
    }
    for address in SPECIAL_ADDRESSES {
        assert!(!permits(&access, &format!("- 80 {address}")), "{address}");
        assert!(!permits(&access, &format!("nice.example.org 80 {address}")), "{address}");
        assert!(!access.permits_host(address, 80), "{address}");
        assert_eq!(NetworkAccess::Denied.permits_address(None, address.parse().unwrap(), 80), Err(Refusal::NotGranted));
    }
}

#[test]
fn lists_permit_what_they_say() {
    let access = listed(&[
        "api.example.org:443",
        "*.tiles.example",
        "192.168.0.0/16",
        "10.1.2.3:2000-2010",
        "[2001:db8::5]:80",
        "fd00::/8",
        "münchen.example",
    ]);
    for (question, expected) in [
        ("api.example.org 443 93.184.216.34", true),
        ("API.Example.ORG. 443 93.184.216.34", true),
        ("api.example.org 80 93.184.216.34", false),
        ("evil.example.org 443 93.184.216.34", false),
        ("a.b.tiles.example 1 93.184.216.34", true),
        ("tiles.example 1 93.184.216.34", false),
        ("xtiles.example 1 93.184.216.34", false),
        ("- 1 93.184.216.34", false),
        ("- 5 192.168.3.4", true),
        ("- 5 ::ffff:192.168.3.4", true),
        ("any.name 5 192.168.3.4", true),
        ("- 2000 10.1.2.3", true),
        ("- 2010 10.1.2.3", true),
        ("- 2011 10.1.2.3", false),
        ("- 80 2001:db8::5", true),
        ("- 81 2001:db8::5", false),
        ("- 9 fd12::1", true),
        ("xn--mnchen-3ya.example 9 93.184.216.34", true),
        // Listed names and ranges do not open what is special.
        ("api.example.org 443 127.0.0.1", false),
        ("api.example.org 443 169.254.169.254", false),
        ("- 80 fd00:ec2::254", false),
    ] {
        assert_eq!(permits(&access, question), expected, "{question}");
    }
}

#[test]
fn special_addresses_need_entries_of_their_own() {
    for entry in ["*", "0.0.0.0/0", "::/0", "126.0.0.0/7", "nice.example.org", "*.org"] {
        let access = listed(&[entry]);
        for address in SPECIAL_ADDRESSES {
            assert!(!permits(&access, &format!("nice.example.org 80 {address}")), "{entry} {address}");
        }
    }
    for (entry, question, expected) in [
        ("localhost:80", "- 80 127.0.0.1", true),
        ("localhost:80", "localhost 80 ::1", true),
        ("localhost:80", "- 80 ::ffff:127.0.0.1", true),
        ("localhost:80", "- 81 127.0.0.1", false),
        ("localhost:*", "- 81 127.0.0.1", true),
        ("localhost", "localhost 80 169.254.0.1", false),
        ("localhost", "localhost 80 93.184.216.34", true),
        ("127.0.0.1", "- 80 127.0.0.1", true),
        ("127.0.0.1", "- 80 127.0.0.2", false),
        ("127.0.0.1", "- 80 ::1", false),
        ("::ffff:127.0.0.1", "- 80 127.0.0.1", true),
        ("127.0.0.0/8", "- 80 127.0.0.2", true),
        ("[::1]:80", "- 80 ::1", true),
        ("169.254.0.0/16", "- 80 169.254.1.1", true),
        ("fe80::/10", "- 80 fe80::1", true),
        ("0.0.0.0", "- 80 0.0.0.0", true),
    ] {
        assert_eq!(permits(&listed(&[entry]), question), expected, "{entry}: {question}");
    }
}

#[test]
fn names_are_judged_before_and_after_they_are_looked_up() {
    let names = listed(&["api.example.org:443"]);
    assert!(names.permits_host("api.example.org", 443) && names.may_resolve("api.example.org", 443));
    assert!(!names.permits_host("other.example", 443) && !names.may_resolve("other.example", 443));
    let ranges = listed(&["192.168.0.0/16:80"]);
    assert!(!ranges.permits_host("nas.local", 80) && ranges.may_resolve("nas.local", 80));
    assert!(!ranges.may_resolve("nas.local", 81));
    assert!(ranges.permits_host("192.168.1.1", 80) && !ranges.may_resolve("10.0.0.1", 80));
    assert!(listed(&["[::1]:80"]).permits_host("[::1]", 80));
    assert!(!NetworkAccess::Denied.may_resolve("api.example.org", 443));
    assert!(NetworkAccess::Granted.may_resolve("api.example.org", 443));
}

#[test]
fn refusals_say_what_to_do() {
    let refusal = listed(&["api.example.org"]).permits_address(None, "127.0.0.1".parse().unwrap(), 80).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "127.0.0.1 is a loopback address, which needs an entry of its own in the plugin's allow-list (such as \"127.0.0.1\", or \
         \"localhost\" for loopback)"
    );
    let refusal = listed(&["api.example.org"])
        .permits_address(Some("other.example"), "10.0.0.1".parse().unwrap(), 80)
        .unwrap_err();
    assert_eq!(refusal.to_string(), "other.example:80 (10.0.0.1) is not in the plugin's allow-list");
}

#[test]
fn what_cannot_be_read_grants_nothing() {
    for value in [json!("yes"), json!(1), json!(["a"]), json!({}), json!({ "allow": "a" }), json!({ "deny": [] })] {
        let (access, errors) = NetworkAccess::from_json(&value);
        assert_eq!((access, errors.len()), (NetworkAccess::Denied, 1), "{value}");
    }
    let bad = [
        "",
        ":80",
        "a:0",
        "a:99999",
        "a:9-8",
        "a:+5",
        "a:",
        "a:b:c",
        "[::1",
        "[::1]80",
        "[10.0.0.1]:80",
        "*.10.0.0.1",
        "a.*.b",
        "10.0.0.0/99",
        "http://a",
        "127.1",
        "*.",
        "a b",
    ];
    for entry in bad {
        let (access, errors) = NetworkAccess::from_json(&json!({ "allow": [entry, 7, "good.example"] }));
        assert_eq!(access, listed(&["good.example"]), "{entry}");
        assert_eq!(errors.len(), 2, "{entry}");
        assert!(errors[0].to_string().contains(entry), "{}", errors[0]);
    }
    assert_eq!(NetworkAccess::from_json(&json!({ "allow": [] })), (NetworkAccess::Denied, vec![]));
    assert_eq!(NetworkAccess::from_json(&json!(true)), (NetworkAccess::Granted, vec![]));
}

#[test]
fn serialised_as_in_package_json() {
    for (written, read) in [
        (json!(true), json!(true)),
        (json!(false), json!(false)),
        (
            json!({ "allow": ["A.example:*", "10.9.9.9/8:1-5", "[::1]:80", "fe80::1/10", "*.x.org:443", "*"] }),
            json!({ "allow": ["a.example", "10.0.0.0/8:1-5", "[::1]:80", "fe80::/10", "*.x.org:443", "*"] }),
        ),
    ] {
        let access: NetworkAccess = serde_json::from_value(written).unwrap();
        let again = serde_json::to_value(&access).unwrap();
        assert_eq!(again, read);
        assert_eq!(serde_json::from_value::<NetworkAccess>(again).unwrap(), access);
    }
    assert!(serde_json::from_value::<NetworkAccess>(json!({ "allow": ["a:b"] })).is_err());
}

#[test]
fn widening_is_noticed_entry_by_entry() {
    let nothing: &[&str] = &[];
    for (older, newer, expected) in [
        (&["a.example:80"][..], &["a.example:80"][..], nothing),
        (&["a.example"], &["a.example:80"], nothing),
        (&["a.example:80"], &["a.example"], &["a.example"]),
        (&["a.example:80-90"], &["a.example:85-91"], &["a.example:85-91"]),
        (&["*.example"], &["a.example", "*.b.example"], nothing),
        (&["*.example"], &["example"], &["example"]),
        (&["10.0.0.0/8"], &["10.1.0.0/16"], nothing),
        (&["10.1.0.0/16"], &["10.0.0.0/8"], &["10.0.0.0/8"]),
        (&["*"], &["a.example", "10.0.0.0/8", "0.0.0.0/0"], nothing),
        (&["*", "0.0.0.0/0"], &["127.0.0.1", "localhost"], &["127.0.0.1", "localhost"]),
        (&["localhost"], &["127.0.0.1:80", "[::1]:80"], nothing),
        (&["localhost"], &["169.254.1.1"], &["169.254.1.1"]),
    ] {
        assert_eq!(listed(older).widened_by(&listed(newer)), expected, "{older:?} -> {newer:?}");
    }
    assert_eq!(NetworkAccess::Denied.widened_by(&NetworkAccess::Granted), ["any host"]);
    assert_eq!(NetworkAccess::Denied.widened_by(&listed(&["a"])), ["a"]);
    assert_eq!(NetworkAccess::Granted.widened_by(&listed(&["a", "localhost:80"])), ["localhost:80"]);
    assert_eq!(listed(&["a"]).widened_by(&NetworkAccess::Granted), ["any host"]);
    assert_eq!(listed(&["*"]).widened_by(&NetworkAccess::Granted), nothing);
    assert_eq!(NetworkAccess::Granted.widened_by(&NetworkAccess::Denied), nothing);
}
