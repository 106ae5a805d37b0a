//! The recorded yacht, sent over TCP at twenty times the speed: what the stream and the tree say is what the
//! independent decoder says.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io::Write as _;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use windlass_tests::{Json, NmeaPeer, Server, ServerOptions, Stream, Value, chromium, recordings, run_script};

use crate::nmea_differential::allowed::{ALLOWED, Difference, agree};

const SPEED: f64 = 20.0;
/// Of the recording: 20 s of the test.
const LENGTH: f64 = 400.0;
/// What is explained in the table of differences.
const EXPLAINED: [&str; 2] = ["knot", "empty is not zero"];
/// Ends the feed; no talker of the yacht is called so.
const LAST_SENTENCE: &str = "ZZHDT,123.4,T";

/// Values of one path from one source, in order.
type Series = BTreeMap<(String, String), VecDeque<Json>>;

#[tokio::test]
async fn the_yacht_at_twenty_times_the_speed() {
    let log = std::fs::read_to_string(recordings().join("plaka.log")).expect("the recording can be read");
    let lines = excerpt(&log);
    assert!(lines.len() > 1500, "the excerpt has {} lines", lines.len());
    let theirs = judge(&lines).await;

    let server = ServerOptions::new().nmea_listener("yacht").start().await;
    let mut stream = Stream::connect(&server, "").await;
    let mut peer = NmeaPeer::connect(&server.input("yacht").await).await;
    let start = Instant::now();
    let feeding = tokio::spawn(async move {
        for (seconds, line) in lines {
            sleep_until(start + Duration::from_secs_f64(seconds / SPEED)).await;
            peer.send(format!("{line}\r\n").as_bytes()).await;
        }
        peer.say(LAST_SENTENCE).await;
        // Kept open until everything has been read.
        peer
    });
    let mut ours = Series::new();
    loop {
        let Value { path, source, value, .. } = stream.next_value().await;
        if source == "yacht.ZZ" {
            break;
        }
        if source.starts_with("yacht.") {
            ours.entry((path, source)).or_default().push_back(value);
        }
    }
    let _peer = feeding.await.expect("the feed runs to its end");
    assert!(start.elapsed() >= Duration::from_secs_f64(0.9 * LENGTH / SPEED), "the feed was paced");

    assert_eq!(server.connection_statistics("yacht").await["badLines"], 0);
    compare_tree(&server, &ours).await;
    compare_page(&server, &ours).await;
    let agreed = compare(ours, theirs);
    assert!(agreed > 1000, "most values agree: {agreed}");
}

/// The first lines of the recording, each with its time in seconds since the first. The ZDA sentences tell it.
fn excerpt(log: &str) -> Vec<(f64, String)> {
    let (mut lines, mut first, mut now) = (Vec::new(), None, 0.0);
    for line in log.lines() {
        if let Some(time) = line.strip_prefix("$GPZDA,").and_then(|rest| rest.get(..6)) {
            let digits =
                |range| time.get(range).and_then(|text: &str| text.parse::<f64>().ok()).expect("ZDA tells a time");
            let seconds = digits(0..2) * 3600.0 + digits(2..4) * 60.0 + digits(4..6);
            now = seconds - *first.get_or_insert(seconds);
        }
        if now > LENGTH {
            break;
        }
        lines.push((now, line.to_owned()));
    }
    lines
}

/// What the published decoder says.
async fn judge(lines: &[(f64, String)]) -> Series {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    for (_, line) in lines {
        writeln!(file, "{line}").expect("a temporary file can be written");
    }
    let answers = run_script("decode-nmea0183.mjs", &[file.path().as_os_str()], &[]).await;
    let mut series = Series::new();
    for answer in answers.lines() {
        let answer: Json = serde_json::from_str(answer).expect("an answer is JSON");
        for update in answer["delta"]["updates"].as_array().into_iter().flatten() {
            let source = format!("yacht.{}", update["source"]["talker"].as_str().expect("an update has a talker"));
            for entry in update["values"].as_array().into_iter().flatten() {
                let path = entry["path"].as_str().expect("a value has a path").to_owned();
                if let Some(value) = entry.get("value") {
                    series.entry((path, source.clone())).or_default().push_back(value.clone());
                }
            }
        }
    }
    series
}

/// The tree has the latest of each series.
async fn compare_tree(server: &Server, ours: &Series) {
    let own = server.tree("vessels/self").await;
    for ((path, source), values) in ours {
        let leaf =
            own.pointer(&format!("/{}", path.replace('.', "/"))).unwrap_or_else(|| panic!("{path} is in the tree"));
        let value = match leaf.get("values") {
            Some(values) => &values[source]["value"],
            None => &leaf["value"],
        };
        assert_eq!(Some(value), values.back(), "{path} of {source}: {leaf}");
    }
}

/// The page shows the latest value of each path, exactly as received.
async fn compare_page(server: &Server, ours: &Series) {
    let arguments = [server.url("/"), "navigation.headingTrue".to_owned()];
    let environment = [("WINDLASS_CHROMIUM", chromium())];
    let environment = environment.each_ref().map(|(name, value)| (*name, value.as_os_str()));
    let said = run_script("dashboard-values.mjs", &arguments.each_ref().map(OsStr::new), &environment).await;
    let shown: Json = serde_json::from_str(&said).expect("the script prints JSON");
    let own = server.tree("vessels/self").await;
    let mut compared = 0;
    for (path, _) in ours.keys().filter(|(path, _)| !path.is_empty()) {
        let text = shown[path]["value"].as_str().unwrap_or_else(|| panic!("{path} is on the page: {shown}"));
        let leaf = own.pointer(&format!("/{}/value", path.replace('.', "/"))).expect("it is in the tree");
        match leaf {
            Json::Number(number) => assert_eq!(text.parse::<f64>().ok(), number.as_f64(), "{path}"),
            Json::Object(members) => {
                for number in members.values().filter(|member| member.is_number()) {
                    assert!(text.contains(&number.to_string()), "{path}: {text} shows {number}");
                }
            }
            Json::Null => assert_eq!(text, "—", "{path}"),
            _ => continue,
        }
        compared += 1;
    }
    assert!(compared >= 10, "{compared} values were compared");
}

/// Compares each series value for value and returns how many agree; fails on what isn't explained.
fn compare(mut ours: Series, theirs: Series) -> usize {
    let (mut agreed, mut unexplained) = (0, Vec::new());
    for ((path, source), values) in theirs {
        let series = ours.entry((path.clone(), source.clone())).or_default();
        for (number, value) in values.into_iter().enumerate() {
            match series.front() {
                Some(front) if agree(front, &value) => {
                    agreed += 1;
                    series.pop_front();
                }
                Some(front) if is_explained(&path, Some(front.clone()), value.clone()) => drop(series.pop_front()),
                _ if is_explained(&path, None, value.clone()) => {}
                front => unexplained.push(format!("{path} of {source}, no. {number}: {front:?}, theirs {value}")),
            }
        }
    }
    unexplained.extend(
        ours.iter().filter(|(_, rest)| !rest.is_empty()).map(|(key, rest)| format!("{key:?}: only ours {rest:?}")),
    );
    let count = unexplained.len();
    unexplained.truncate(20);
    assert!(count == 0, "{count} differences are not explained:\n{}", unexplained.join("\n"));
    agreed
}

fn is_explained(path: &str, ours: Option<Json>, theirs: Json) -> bool {
    let difference =
        Difference { line: "", sentence: "", path: path.to_owned(), ours, theirs: Some(theirs), refused: None };
    ALLOWED.iter().any(|allowed| EXPLAINED.contains(&allowed.name) && (allowed.applies)(&difference))
}
