//! Our AIS decoder against the published one of the Signal K project, message by message and value by value.
//!
//! Three collections are decoded by both: what the published encoder and decoder of AIS are tested with themselves (a recording
//! off the air and a list of examples), twenty minutes of the traffic around the simulated boat, and messages made by hand for the
//! corners of each type. Numbers must agree to 1e-9, and every difference must be one that [`ALLOWED`] explains. Each test names the
//! explanations it needs, so a difference that is no longer there fails it as well as one that is new.

mod allowed;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use windlass_actors::nmea0183::{Decoder, Options};
use windlass_actors::simulator::radio::Message;
use windlass_actors::simulator::{BoatSettings, Simulator};

use super::nmea_differential::allowed::agree;
use super::nmea_differential::{NOW, answers, folder};
use allowed::{ALLOWED, Difference};

/// The differences in what is published.
const PUBLISHED: &[&str] = &[
    "knot",
    "type",
    "no position",
    "altitude",
    "sar",
    "time of arrival",
    "long name",
    "rounded wind",
    "time of observation",
];

/// SK-216, SK-53: what was received off the air, and the examples of all types.
#[test]
fn published_messages_are_decoded_value_for_value() {
    let tests = folder("WINDLASS_NPM_DIR").join("node_modules/ggencoder/test");
    let mut lines = Vec::new();
    for file in ["FeedSample/AisHubSample.nmea", "AisEncodeDecodeTest.js"] {
        let text = std::fs::read_to_string(tests.join(file)).expect("the published package has its tests");
        for quoted in text.lines().filter_map(|line| line.find('!').map(|start| &line[start..])) {
            // In the list of examples a sentence may be followed by more of the program.
            let Some(star) = quoted.find('*').filter(|_| quoted.get(3..5) == Some("VD")) else { continue };
            lines.push(quoted[..quoted.len().min(star + 3)].to_owned());
        }
    }
    assert!(lines.len() > 70, "{} sentences", lines.len());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let agreed = compare(&lines, PUBLISHED);
    assert!(agreed > 300, "most values agree without explanation: {agreed}");
}

/// SK-53, SK-54: the traffic of the demo, which our own encoder has written.
#[test]
fn the_traffic_of_the_demo_is_decoded_value_for_value() {
    let start: Timestamp = "2026-05-02T09:00:00Z".parse().expect("a time");
    let mut boat = Simulator::new(BoatSettings::default(), 7, start);
    let log: Vec<String> = (1..=20 * 60).flat_map(|s| boat.advance(start + SignedDuration::from_secs(s))).collect();
    let lines: Vec<&str> = log.iter().map(String::as_str).filter(|line| line.starts_with('!')).collect();
    let agreed = compare(&lines, &["knot"]);
    assert!(agreed > 5_000, "most values agree without explanation: {agreed}");
}

#[test]
fn corner_cases_differ_only_where_explained() {
    let messages = corner_cases();
    let mut lines: Vec<String> = messages.into_iter().flat_map(|message| message.sentences('A', 1)).collect();
    // Two messages whose sentences come in turn, and one about the own ship.
    let [first, second] = ["ONE", "TWO"].map(|name| voyage(name, [5, 3, 12, 0]).sentences('B', 7));
    let second: Vec<String> = second.iter().map(|line| checked(&line.replace(",7,B,", ",8,A,"))).collect();
    lines.extend([first[0].clone(), second[0].clone(), first[1].clone(), second[1].clone()]);
    lines.push(checked(
        &position_a(230_099_999, [50, 900, 90], [12_900_000, 36_000_000]).sentences('A', 1)[0]
            .replace("AIVDM", "AIVDO"),
    ));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let names: Vec<&str> = ALLOWED.iter().map(|allowed| allowed.name).collect();
    compare(&lines, &names);
}

/// Messages for the corners of each type.
fn corner_cases() -> Vec<Message> {
    let here = [12_900_000, 35_840_000];
    let mut messages = Vec::new();
    for rate in [-128, -127, -126, -1, 0, 1, 126, 127] {
        messages.push(class_a(230_000_001, 1, 0, rate, [50, 900, 90], here));
    }
    for status in 0..16 {
        messages.push(class_a(230_000_002, 3, status, 0, [0, 0, 0], here));
    }
    for motion in [[1023, 3600, 511], [1022, 3599, 359], [1, 3601, 360], [102, 4095, 400]] {
        messages.push(class_a(230_000_003, 2, 0, 0, motion, here));
    }
    for place in [
        [108_600_000, 54_600_000],
        [108_000_000, 54_000_000],
        [-108_000_000, -54_000_000],
        [0, 36_000_000],
        [12_000_000, 0],
        [1, -1],
    ] {
        messages.push(position_a(230_000_004, [0, 0, 0], place));
        messages.push(class_b(230_000_005, place));
        messages.push(extended_class_b("NO PLACE", 37, place));
        messages.push(base_station(2_300_006, place));
        messages.push(aircraft(300, 120, place));
        messages.push(aid("MARK", 5, [0, 0], place));
    }
    for mmsi in [970_010_001, 972_010_001, 974_010_001, 1, 0, 999_999_999] {
        messages.push(position_a(mmsi, [0, 0, 0], here));
    }
    for (altitude, speed) in [(0, 0), (4094, 1022), (4095, 1023)] {
        messages.push(aircraft(altitude, speed, here));
    }
    for kind in 0..32 {
        messages.push(aid("A MARK WITH A NAME AS LONG", kind, [kind % 2, kind / 2 % 2], here));
    }
    for kind in 0..=255 {
        messages.push(extended_class_b("KIND", kind, here));
    }
    for eta in
        [[5, 3, 0, 0], [5, 1, 0, 0], [12, 31, 23, 59], [0, 0, 24, 60], [2, 28, 24, 0], [2, 28, 12, 60], [13, 1, 1, 1]]
    {
        messages.push(voyage("@", eta));
    }
    for ([longitude, latitude], speed, course) in [
        ([12_900, 35_840], 12, 90),
        ([-12_900, 35_840], 0, 359),
        ([12_900, -35_840], 62, 360),
        ([108_600, 54_600], 63, 511),
    ] {
        let far = opened(27, 230_000_011).number(0, 2).number(5, 4).signed(longitude, 18).signed(latitude, 17);
        messages.push(far.number(speed, 6).number(course, 9).number(0, 2));
    }
    for (place, day) in [
        ([1_234_567, 3_606_060], 2),
        ([-1_234_530, -3_603_750], 30),
        ([10_860_000, 5_460_000], 1),
        ([59_999, 3_599_970], 0),
        ([0, 3_600_000], 1),
    ] {
        for observed in 0..4 {
            messages.push(weather(place, day, observed));
        }
    }
    let hull = telegram(200, 10).number(0, 48).number(1105, 13).number(114, 10).number(8010, 14).number(0, 3);
    messages.push(hull.number(235, 11).number(0, 5));
    // Telegrams that are not read: one of an older agreement, one of no agreement, and a text.
    messages.push(telegram(1, 11).number(0, 300));
    messages.push(telegram(300, 1).number(0, 300));
    messages.push(opened(14, 230_000_012).number(0, 2).text("SECURITE", 8));
    messages.push(voyage("  SPACES  @X", [0, 0, 24, 60]));
    for mmsi in [230_000_007, 982_300_008] {
        let part = |number| opened(24, mmsi).number(number, 2);
        messages.push(part(0).text("TENDER", 20).number(0, 8));
        let craft = part(1).number(37, 8).text("ABC", 3).number(77, 24).text("OJ1", 7);
        messages.push(craft.number(7, 9).number(3, 9).number(1, 6).number(4, 6).number(0, 6));
    }
    messages
}

fn opened(kind: u32, mmsi: u32) -> Message {
    Message::default().number(kind, 6).number(0, 2).number(mmsi, 30)
}

fn placed(message: Message, [longitude, latitude]: [i32; 2]) -> Message {
    message.signed(longitude, 28).signed(latitude, 27)
}

/// Motion: speed and course in tenths, heading.
fn class_a(mmsi: u32, kind: u32, status: u32, rate: i32, [speed, course, heading]: [u32; 3], at: [i32; 2]) -> Message {
    let moving = opened(kind, mmsi).number(status, 4).signed(rate, 8).number(speed, 10).number(0, 1);
    // The special manoeuvre goes through its four states.
    placed(moving, at).number(course, 12).number(heading, 9).number(30, 6).number(status % 4, 2).number(0, 23)
}

fn position_a(mmsi: u32, motion: [u32; 3], at: [i32; 2]) -> Message {
    class_a(mmsi, 1, 0, 0, motion, at)
}

fn class_b(mmsi: u32, at: [i32; 2]) -> Message {
    let moving = opened(18, mmsi).number(0, 8).number(31, 10).number(0, 1);
    placed(moving, at).number(1234, 12).number(123, 9).number(30, 6).number(0, 29)
}

fn extended_class_b(name: &str, kind: u32, at: [i32; 2]) -> Message {
    let moving = opened(19, 230_000_009).number(0, 8).number(31, 10).number(0, 1);
    let heading = placed(moving, at).number(1234, 12).number(123, 9).number(30, 6).number(0, 4);
    let sized = heading.text(name, 20).number(kind, 8).number(7, 9).number(3, 9).number(1, 6).number(2, 6);
    sized.number(0, 11)
}

fn base_station(mmsi: u32, at: [i32; 2]) -> Message {
    let dated = opened(4, mmsi).number(2026, 14).number(5, 4).number(2, 5).number(12, 5).number(0, 6).number(0, 6);
    placed(dated.number(1, 1), at).number(1, 4).number(0, 30)
}

fn aircraft(altitude: u32, speed: u32, at: [i32; 2]) -> Message {
    let flying = opened(9, 111_230_001).number(altitude, 12).number(speed, 10).number(0, 1);
    placed(flying, at).number(900, 12).number(0, 40)
}

fn telegram(area: u32, function: u32) -> Message {
    opened(8, 2_300_059).number(0, 2).number(area, 10).number(function, 6)
}

/// A weather station. Its measurements are the smallest there are, some in between, the largest, or none at all.
fn weather([longitude, latitude]: [i32; 2], day: u32, observed: usize) -> Message {
    let placed = telegram(1, 31).signed(longitude, 25).signed(latitude, 24).number(0, 1);
    let dated = placed.number(day, 5).number(11, 5).number(50, 6);
    // For each number of the message in turn: its bits, and the four values.
    let numbers: [(u32, [i32; 4]); 30] = [
        (7, [0, 12, 126, 127]),
        (7, [0, 20, 126, 127]),
        (9, [0, 90, 359, 360]),
        (9, [0, 100, 359, 360]),
        (11, [-600, -53, 600, -1024]),
        (7, [0, 85, 100, 101]),
        (10, [-200, -72, 500, 501]),
        (9, [0, 214, 400, 511]),
        (2, [0, 1, 2, 3]),
        (1, [0, 1, 0, 0]),
        (7, [0, 55, 126, 127]),
        (12, [0, 1150, 4000, 4001]),
        (2, [0, 1, 2, 3]),
        (8, [0, 15, 251, 255]),
        (9, [0, 180, 359, 360]),
        // The currents at two depths, which neither decoder publishes.
        (22, [0; 4]),
        (22, [0; 4]),
        (8, [0, 13, 251, 255]),
        (6, [0, 6, 60, 63]),
        (9, [0, 45, 359, 360]),
        (8, [0, 7, 251, 255]),
        (6, [0, 9, 60, 63]),
        (9, [0, 60, 359, 360]),
        (4, [0, 3, 12, 13]),
        (10, [-100, -5, 500, 501]),
        (3, [0, 5, 6, 7]),
        (9, [0, 62, 501, 510]),
        (2, [0, 1, 1, 3]),
        (6, [0; 4]),
        (4, [0; 4]),
    ];
    numbers.iter().fold(dated, |message, (bits, values)| message.signed(values[observed], *bits))
}

fn aid(name: &str, kind: u32, [off_position, is_virtual]: [u32; 2], at: [i32; 2]) -> Message {
    let named = opened(21, 992_309_901).number(kind, 5).text(name, 20).number(0, 1);
    let sized = placed(named, at).number(3, 9).number(3, 9).number(2, 6).number(2, 6).number(7, 4).number(30, 6);
    let fixed = sized.number(off_position, 1).number(0, 9).number(is_virtual, 1).number(0, 2);
    let rest: String = name.chars().skip(20).collect();
    // Written in whole letters, as is everything behind the fixed part.
    fixed.text(&rest, rest.len())
}

fn voyage(name: &str, [month, day, hour, minute]: [u32; 4]) -> Message {
    let named = opened(5, 230_000_010).number(0, 2).number(9_074_729, 30).text("OJ1234", 7).text(name, 20);
    let sized = named.number(89, 8).number(0, 9).number(0, 9).number(12, 6).number(0, 6).number(1, 4);
    let arriving = sized.number(month, 4).number(day, 5).number(hour, 5).number(minute, 6).number(0, 8);
    arriving.text("SOMEWHERE", 20).number(0, 2)
}

/// The sentence with the checksum that it should have.
fn checked(line: &str) -> String {
    let body = &line[1..line.find('*').expect("a sentence has a checksum")];
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("!{body}*{sum:02X}")
}

/// Decodes the sentences with both decoders, fails on differences that are not expected and on expected ones that do not occur, and
/// returns how many values agreed.
fn compare(lines: &[&str], expected: &[&str]) -> usize {
    let now: Timestamp = NOW.parse().expect("NOW is a time");
    let mut decoder = Decoder::new(Options::default());
    let (mut agreed, mut unexplained, mut used) = (0, Vec::new(), BTreeSet::new());
    let mut kinds = BTreeMap::new();
    for (line, answer) in lines.iter().copied().zip(answers(lines)) {
        let theirs = said(&answer["delta"]);
        let mut ours = BTreeMap::new();
        if let Ok(Some(decoded)) = decoder.decode(line.as_bytes(), now) {
            let own = "vessels.self".to_owned();
            ours.insert("context".to_owned(), Json::from(decoded.context.map_or(own, |context| context.to_string())));
            for (path, value) in decoded.values {
                let value = serde_json::from_str(&value.to_json()).expect("a value is JSON");
                add(&mut ours, &path, value);
            }
        }
        let fields: Vec<&str> = line.split(',').collect();
        if fields[2] == "1" {
            kinds.insert(fields[3], fields[5].as_bytes()[0]);
        }
        let kind = kinds.get(fields[3]).copied().unwrap_or_default();
        let kind = if kind < 96 { kind.wrapping_sub(48) } else { kind - 56 };
        let paths: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for path in paths {
            if let (Some(ours), Some(theirs)) = (ours.get(path), theirs.get(path))
                && agree(ours, theirs)
            {
                agreed += 1;
                continue;
            }
            let difference = Difference { line, kind, path, ours: &ours, theirs: &theirs };
            match ALLOWED.iter().find(|allowed| expected.contains(&allowed.name) && (allowed.applies)(&difference)) {
                Some(allowed) => {
                    used.insert(allowed.name);
                }
                None => unexplained.push(format!(
                    "{line}: type {kind}, {path}: ours {:?}, theirs {:?}",
                    ours.get(path),
                    theirs.get(path)
                )),
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

/// The context and the values of a delta, the root values under names of their own.
fn said(delta: &Json) -> BTreeMap<String, Json> {
    let mut said = BTreeMap::new();
    for update in delta["updates"].as_array().into_iter().flatten() {
        for value in update["values"].as_array().into_iter().flatten() {
            let path = value["path"].as_str().expect("a path is a string");
            if let Some(value) = value.get("value") {
                add(&mut said, path, value.clone());
            }
        }
        said.insert("context".to_owned(), delta["context"].clone());
    }
    said
}

fn add(said: &mut BTreeMap<String, Json>, path: &str, value: Json) {
    match value {
        Json::Object(root) if path.is_empty() => {
            said.extend(root.into_iter().map(|(key, value)| (format!("/{key}"), value)));
        }
        value => drop(said.insert(path.to_owned(), value)),
    }
}
