//! Our NMEA 0183 decoder against the published one of the Signal K project, line by line and value by value.
//!
//! Three collections are decoded by both: the whole of `plaka.log` (a sailing yacht, 116,000 lines), twenty minutes of
//! the simulated boat (the sentences the yacht lacks), and a table of corner cases. Numbers must agree to 1e-9, and
//! every difference must be one that is explained in [`ALLOWED`]. Each test names the explanations it needs, so a
//! difference that is no longer there fails it as well as one that is new.

pub(super) mod allowed;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use windlass_actors::nmea0183::{Decoder, Options, SentenceError};
use windlass_actors::simulator::{BoatSettings, Simulator};

use allowed::{ALLOWED, Difference, agree};

/// The time both decoders believe it is: so late that all of the day is past for sentences without a date.
pub(super) const NOW: &str = "2026-05-02T23:59:00.000Z";

/// SK-216: the whole log of the yacht.
#[test]
fn plaka_is_decoded_value_for_value() {
    let samples = folder("WINDLASS_SAMPLES_DIR");
    let log = std::fs::read_to_string(samples.join("plaka.log")).expect("plaka.log is in WINDLASS_SAMPLES_DIR");
    let lines: Vec<&str> = log.lines().collect();
    // 115,999 line ends; the last line has none.
    assert_eq!(lines.len(), 116_000, "the recording is complete");
    let agreed = compare(&lines, &["knot", "empty is not zero"]);
    assert!(agreed > 65_000, "most values agree without explanation: {agreed}");
}

/// SK-216: the sentences the yacht lacks.
#[test]
fn the_simulated_boat_is_decoded_value_for_value() {
    let start: Timestamp = "2026-05-02T09:00:00Z".parse().expect("a time");
    let mut settings = BoatSettings::default();
    settings.output.position_rate = 2;
    settings.output.true_wind = true;
    let mut boat = Simulator::new(settings, 7, start);
    let log: Vec<String> = (1..=20 * 60).flat_map(|s| boat.advance(start + SignedDuration::from_secs(s))).collect();
    // What the others around her say is compared in `ais_differential`.
    let lines: Vec<&str> = log.iter().map(String::as_str).filter(|line| line.starts_with('$')).collect();
    let agreed = compare(&lines, &["knot", "empty is not zero", "unknown to them", "wording", "fraction of a second"]);
    assert!(agreed > 20_000, "most values agree without explanation: {agreed}");
}

#[test]
fn corner_cases_differ_only_where_explained() {
    let bodies = include_str!("nmea_differential/corner_cases.txt").lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<String> = bodies.map(with_checksum).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let names: Vec<&str> = ALLOWED.iter().map(|allowed| allowed.name).collect();
    compare(&lines, &names);
}

/// Decodes the lines with both decoders, fails on differences that are not expected and on expected ones that do not
/// occur, and returns how many values agreed.
fn compare(lines: &[&str], expected: &[&str]) -> usize {
    let now: Timestamp = NOW.parse().expect("NOW is a time");
    let mut decoder = Decoder::new(Options::default());
    let (mut agreed, mut unexplained, mut used) = (0, Vec::new(), BTreeSet::new());
    for (line, theirs) in lines.iter().copied().zip(judge(lines)) {
        let decoded = decoder.decode(line.as_bytes(), now);
        let refused = decoded.as_ref().err().map(SentenceError::kind);
        let mut ours = BTreeMap::new();
        if let Ok(Some(decoded)) = decoded {
            ours.insert("talker".to_owned(), Json::from(decoded.talker.as_str()));
            ours.insert("sentence".to_owned(), Json::from(decoded.sentence.as_str()));
            if let Some(timestamp) = decoded.timestamp {
                ours.insert("timestamp".to_owned(), Json::from(format!("{timestamp:.3}")));
            }
            for (path, value) in decoded.values {
                let json = serde_json::from_str(&value.to_json()).expect("a value is JSON");
                assert_eq!(ours.insert(path.to_string(), json), None, "{line}: {path} is given once");
            }
        }
        let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for path in paths {
            let (ours, theirs) = (ours.get(path), theirs.get(path));
            if let (Some(ours), Some(theirs)) = (ours, theirs)
                && agree(ours, theirs)
            {
                agreed += 1;
                continue;
            }
            // Who speaks is compared where both say something.
            if matches!(path.as_str(), "talker" | "sentence") && (ours.is_none() || theirs.is_none()) {
                continue;
            }
            let sentence = line.split_once('$').and_then(|(_, body)| body.get(2..5)).unwrap_or_default();
            let (ours, theirs) = (ours.cloned(), theirs.cloned());
            let difference = Difference { line, sentence, path: path.clone(), ours, theirs, refused };
            match ALLOWED.iter().find(|allowed| expected.contains(&allowed.name) && (allowed.applies)(&difference)) {
                Some(allowed) => {
                    used.insert(allowed.name);
                }
                None => unexplained.push(format!("{difference:?}")),
            }
        }
    }
    let count = unexplained.len();
    unexplained.truncate(20);
    assert!(count == 0, "{count} differences are not explained:\n{}", unexplained.join("\n"));
    for allowed in ALLOWED.iter().filter(|allowed| expected.contains(&allowed.name)) {
        assert!(
            used.contains(allowed.name),
            "the difference `{}` ({}) occurs no more: drop it from the table or the test",
            allowed.name,
            allowed.reason
        );
    }
    agreed
}

/// What the published decoder says about each line, by path; nothing where it has no delta.
fn judge(lines: &[&str]) -> Vec<BTreeMap<String, Json>> {
    answers(lines).iter().map(said).collect()
}

/// The answers of the published decoder as they are: `{"line", "delta", "error"}`.
pub(super) fn answers(lines: &[&str]) -> Vec<Json> {
    let packages = folder("WINDLASS_NPM_DIR");
    let mut log = tempfile::NamedTempFile::new().expect("a temporary file");
    for line in lines {
        writeln!(log, "{line}").expect("the temporary file takes the lines");
    }
    let output = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("js/decode-nmea0183.mjs"))
        .arg(log.path())
        .arg(NOW)
        .env("WINDLASS_NPM_DIR", packages)
        .output()
        .expect("node runs: install Node.js and run `cargo xtask test`");
    assert!(
        output.status.success(),
        "the published decoder failed: {}\nRun `cargo xtask test`, which installs it.",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("the answers are UTF-8");
    let answers: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect();
    assert_eq!(answers.len(), lines.len(), "one answer per line");
    answers
}

/// The values of an answer by path, the last of each, with who said them and when.
fn said(answer: &Json) -> BTreeMap<String, Json> {
    let mut said = BTreeMap::new();
    for update in answer["delta"]["updates"].as_array().into_iter().flatten() {
        for value in update["values"].as_array().into_iter().flatten() {
            let path = value["path"].as_str().expect("a path is a string");
            if let Some(value) = value.get("value") {
                said.insert(path.to_owned(), value.clone());
            }
        }
        if !said.is_empty() {
            said.insert("talker".to_owned(), update["source"]["talker"].clone());
            said.insert("sentence".to_owned(), update["source"]["sentence"].clone());
            if let Some(timestamp) = update.get("timestamp") {
                said.insert("timestamp".to_owned(), timestamp.clone());
            }
        }
    }
    said
}

pub(super) fn folder(variable: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(folder) => folder.into(),
        None => panic!("{variable} is not set: run `cargo xtask test`, which fetches what this test compares with"),
    }
}

/// A sentence of the table as a line; one that is complete with `$` and checksum is taken as it is.
fn with_checksum(body: &str) -> String {
    if body.starts_with(['\\', '$']) {
        return body.to_owned();
    }
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}")
}
