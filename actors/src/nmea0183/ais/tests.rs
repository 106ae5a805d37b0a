//! What the decoder makes of AIS, message by message, in pieces, and of bits that are no message.

use jiff::{SignedDuration, Timestamp};

use super::super::{Decoded, Decoder, Options, SentenceError};
use crate::simulator::radio::Message;

fn now() -> Timestamp {
    "2026-05-02T12:00:00Z".parse().unwrap()
}

fn decoder() -> Decoder {
    Decoder::new(Options::default())
}

fn opened(kind: u32, mmsi: u32) -> Message {
    Message::default().number(kind, 6).number(0, 2).number(mmsi, 30)
}

/// 60 degrees north, 20.5 degrees west, and nothing known about the motion.
fn class_a(mmsi: u32) -> Message {
    let placed = opened(1, mmsi).number(15, 4).number(128, 8).number(1023, 10).number(0, 1).signed(-12_300_000, 28);
    placed.signed(36_000_000, 27).number(3600, 12).number(511, 9).number(60, 6).number(0, 25)
}

fn voyage(mmsi: u32, name: &str) -> Message {
    let named = opened(5, mmsi).number(1, 2).number(9_074_729, 30).text("OJ1234", 7).text(name, 20).number(70, 8);
    let sized = named.number(100, 9).number(32, 9).number(12, 6).number(8, 6).number(1, 4);
    let arriving = sized.number(4, 4).number(30, 5).number(18, 5).number(45, 6).number(78, 8);
    arriving.text("TURKU", 20).number(0, 2)
}

fn decode_all(decoder: &mut Decoder, sentences: &[String]) -> Option<Decoded> {
    sentences.iter().filter_map(|line| decoder.decode(line.as_bytes(), now()).unwrap()).last()
}

fn decode(message: Message) -> Option<Decoded> {
    decode_all(&mut decoder(), &message.sentences('A', 1))
}

/// The context and the values as `path=json`.
fn told(message: Message) -> Vec<String> {
    let decoded = decode(message).expect("data");
    let values = decoded.values.iter().map(|(path, value)| format!("{path}={}", value.to_json()));
    decoded.context.iter().map(ToString::to_string).chain(values).collect()
}

/// SK-53.
#[test]
fn a_position_without_motion_gives_the_position_only() {
    assert_eq!(
        told(class_a(230_035_780)),
        [
            "vessels.urn:mrn:imo:mmsi:230035780",
            r#"={"mmsi":"230035780"}"#,
            "navigation.state=\"default\"",
            "navigation.specialManeuver=\"not available\"",
            "sensors.ais.class=\"A\"",
            r#"navigation.position={"latitude":60,"longitude":-20.5}"#,
        ]
    );
}

#[test]
fn static_data_spans_two_sentences() {
    assert_eq!(
        told(voyage(30_035_780, "PLAKA@@@GARBAGE")),
        [
            "vessels.urn:mrn:imo:mmsi:030035780",
            r#"={"mmsi":"030035780","name":"PLAKA","communication":{"callsignVhf":"OJ1234"},"registrations":{"imo":"IMO 9074729"}}"#,
            r#"design.length={"overall":132}"#,
            "design.beam=20",
            "sensors.ais.fromBow=100",
            "sensors.ais.fromCenter=2",
            r#"design.draft={"current":7.8}"#,
            "navigation.destination.commonName=\"TURKU\"",
            // Two days ago, not in a year.
            "navigation.destination.eta=\"2026-04-30T18:45:00.000Z\"",
            r#"design.aisShipType={"id":70,"name":"Cargo ship"}"#,
            "sensors.ais.class=\"A\"",
        ]
    );
}

/// SK-54, and signalk-v1 §1.2.
#[test]
fn the_context_tells_what_it_is() {
    let aid = opened(21, 992_309_901).number(23, 5).text("WEST OF THE LONG BANK", 20).number(1, 1);
    let placed = aid.signed(12_000_000, 28).signed(36_000_000, 27).number(0, 30).number(7, 4).number(60, 6);
    let marked = placed.number(1, 1).number(0, 9).number(1, 1).number(0, 2).text("K LIGHT", 7);
    assert_eq!(
        told(marked),
        [
            "atons.urn:mrn:imo:mmsi:992309901",
            r#"={"mmsi":"992309901","name":"WEST OF THE LONG BANK LIGHT"}"#,
            r#"atonType={"id":23,"name":"Cardinal Mark W"}"#,
            "offPosition=true",
            "virtual=true",
            "sensors.ais.class=\"ATON\"",
            r#"navigation.position={"latitude":60,"longitude":20}"#,
        ]
    );
    // The twentieth letter is a space, and the name goes on; or it ends with spaces, and does not.
    for (name, more, expected) in [
        ("NORTH CARDINAL BUOY ", "NO 7", "NORTH CARDINAL BUOY NO 7"),
        ("NORTH CARDINAL", "", "NORTH CARDINAL"),
        ("NORTH CARDINAL      ", "", "NORTH CARDINAL"),
    ] {
        let aid = opened(21, 992_309_901).number(23, 5).text(name, 20).number(1, 1);
        let placed = aid.signed(12_000_000, 28).signed(36_000_000, 27).number(0, 30).number(7, 4).number(60, 6);
        let marked = placed.number(1, 1).number(0, 9).number(1, 1).number(0, 2).text(more, more.len());
        assert_eq!(told(marked)[1], format!(r#"={{"mmsi":"992309901","name":"{expected}"}}"#), "{name:?}");
    }
    for (message, root) in [
        (class_a(970_123_456), "sar"),
        (class_a(972_123_456), "sar"),
        (class_a(974_123_456), "sar"),
        (class_a(973_123_456), "vessels"),
        (opened(4, 2_300_001).number(0, 40).number(0, 1).signed(0, 28).signed(0, 27).number(0, 34), "atons"),
        (
            opened(9, 111_230_001)
                .number(300, 12)
                .number(120, 10)
                .number(0, 1)
                .signed(0, 28)
                .signed(0, 27)
                .number(0, 52),
            "aircraft",
        ),
    ] {
        let decoded = decode(message).expect("data");
        let context = decoded.context.expect("not about the own ship");
        assert!(context.starts_with(&format!("{root}.urn:mrn:imo:mmsi:")), "{context} should be in {root}");
    }
}

#[test]
fn an_aircraft_has_an_altitude_and_whole_knots() {
    let flying = opened(9, 111_230_001).number(300, 12).number(120, 10).number(0, 1);
    let placed = flying.signed(600_000, 28).signed(1_200_000, 27).number(900, 12).number(0, 40);
    let told = told(placed);
    assert!(
        told.contains(&r#"navigation.position={"latitude":2,"longitude":1,"altitude":300}"#.to_owned()),
        "{told:?}"
    );
    let knot = 1852.0 / 3600.0;
    assert!(told.contains(&format!("navigation.speedOverGround={}", 120.0 * knot)), "{told:?}");
}

/// SK-53: what satellites hear, in tenths of minutes, whole knots and whole degrees.
#[test]
fn a_long_range_report_gives_a_coarse_position_on_both_sides_of_greenwich() {
    let far = |longitude: i32, latitude: i32, speed: u32, course: u32| {
        let opened = opened(27, 230_000_001).number(0, 2).number(8, 4);
        opened.signed(longitude, 18).signed(latitude, 17).number(speed, 6).number(course, 9).number(0, 2)
    };
    let knot = 1852.0 / 3600.0;
    assert_eq!(
        told(far(-12_300, -36_006, 20, 90)),
        [
            "vessels.urn:mrn:imo:mmsi:230000001".to_owned(),
            r#"={"mmsi":"230000001"}"#.to_owned(),
            format!("navigation.speedOverGround={}", 20.0 * knot),
            format!("navigation.courseOverGroundTrue={}", 90f64.to_radians()),
            "navigation.state=\"sailing\"".to_owned(),
            r#"navigation.position={"latitude":-60.01,"longitude":-20.5}"#.to_owned(),
        ]
    );
    // 181 and 91 degrees, 63 knots and 511 degrees say that nothing is known.
    assert_eq!(
        told(far(108_600, 54_600, 63, 511)),
        ["vessels.urn:mrn:imo:mmsi:230000001", r#"={"mmsi":"230000001"}"#, "navigation.state=\"sailing\"",]
    );
}

fn telegram(area: u32, function: u32) -> Message {
    opened(8, 2_300_059).number(0, 2).number(area, 10).number(function, 6)
}

/// A station at this place, in thousandths of minutes, which observes everything or nothing.
fn weather([longitude, latitude]: [i32; 2], [day, hour, minute]: [u32; 3], observes: bool) -> Message {
    let or = |value: i32, nothing: i32| if observes { value } else { nothing };
    let [wind, gust, from, gust_from] = [(12, 127), (20, 127), (90, 360), (100, 360)].map(|(a, b)| or(a, b));
    let placed = telegram(1, 31).signed(longitude, 25).signed(latitude, 24).number(0, 1);
    let dated = placed.number(day, 5).number(hour, 5).number(minute, 6);
    let windy = dated.signed(wind, 7).signed(gust, 7).signed(from, 9).signed(gust_from, 9);
    let air = windy.signed(or(-53, -1024), 11).signed(or(85, 101), 7).signed(or(-72, 501), 10);
    let pressed = air.signed(or(214, 511), 9).signed(or(2, 3), 2).number(0, 1).signed(or(55, 127), 7);
    let level = pressed.signed(or(1150, 4001), 12).signed(or(1, 3), 2);
    let current = level.signed(or(15, 255), 8).signed(or(180, 360), 9).number(0, 44);
    let waves = current.signed(or(13, 255), 8).signed(or(6, 63), 6).signed(or(45, 360), 9);
    let swell = waves.signed(or(7, 255), 8).signed(or(9, 63), 6).signed(or(60, 360), 9).signed(or(3, 13), 4);
    let water = swell.signed(or(-5, 501), 10).signed(or(5, 7), 3).signed(or(62, 510), 9).signed(or(1, 3), 2);
    water.number(0, 10)
}

/// SK-216.
#[test]
fn a_weather_station_tells_what_it_observes() {
    let knot = 1852.0 / 3600.0;
    let here = weather([1_234_560, 3_606_000], [30, 23, 50], true);
    assert_eq!(
        told(here),
        [
            // 60.1 degrees north, 20.576 degrees east.
            "meteo.urn:mrn:imo:mmsi:002300059:100576".to_owned(),
            r#"={"mmsi":"002300059"}"#.to_owned(),
            "sensors.ais.designatedAreaCode=1".to_owned(),
            "sensors.ais.functionalId=31".to_owned(),
            r#"navigation.position={"latitude":60.1,"longitude":20.576}"#.to_owned(),
            format!("environment.wind.averageSpeed={}", 12.0 * knot),
            format!("environment.wind.gust={}", 20.0 * knot),
            format!("environment.wind.directionTrue={}", 90f64.to_radians()),
            format!("environment.wind.gustDirectionTrue={}", 100f64.to_radians()),
            format!("environment.outside.temperature={}", 273.15 - 5.3),
            "environment.outside.relativeHumidity=0.85".to_owned(),
            format!("environment.outside.dewPointTemperature={}", 273.15 - 7.2),
            "environment.outside.pressure=101300".to_owned(),
            "environment.water.level=1.5".to_owned(),
            format!("environment.water.current.drift={}", 1.5 * knot),
            format!("environment.water.current.set={}", 180f64.to_radians()),
            "environment.water.waves.significantHeight=1.3".to_owned(),
            "environment.water.waves.period=6".to_owned(),
            format!("environment.water.waves.directionTrue={}", 45f64.to_radians()),
            "environment.water.swell.height=0.7".to_owned(),
            "environment.water.swell.period=9".to_owned(),
            format!("environment.water.swell.directionTrue={}", 60f64.to_radians()),
            "environment.water.temperature=272.65".to_owned(),
            "environment.water.salinity=0.0062".to_owned(),
            "environment.water.ice=\"yes\"".to_owned(),
            "environment.water.iceValue=1".to_owned(),
            "environment.outside.precipitation=\"snow\"".to_owned(),
            "environment.outside.precipitationValue=5".to_owned(),
            "environment.water.seaState=\"gentle breeze, 3.4-5.4 m/s\"".to_owned(),
            "environment.water.seaStateValue=3".to_owned(),
            "environment.water.levelTendency=\"decreasing\"".to_owned(),
            "environment.water.levelTendencyValue=1".to_owned(),
            "environment.outside.pressureTendency=\"increasing\"".to_owned(),
            "environment.outside.pressureTendencyValue=2".to_owned(),
            "environment.outside.horizontalVisibility=10186".to_owned(),
            "environment.outside.horizontalVisibility.overRange=false".to_owned(),
            // The last thirtieth was two days ago.
            "environment.date=\"2026-04-30T23:50:00.000Z\"".to_owned(),
        ]
    );
}

#[test]
fn a_weather_station_leaves_out_what_it_does_not_know() {
    // 181 and 91 degrees.
    assert_eq!(
        told(weather([10_860_000, 5_460_000], [0, 24, 60], false)),
        [
            "meteo.urn:mrn:imo:mmsi:002300059",
            r#"={"mmsi":"002300059"}"#,
            "sensors.ais.designatedAreaCode=1",
            "sensors.ais.functionalId=31",
        ]
    );
    // South and west; a half of a thousandth goes up.
    let context = |place| decode(weather(place, [1, 0, 0], false)).and_then(|it| it.context).expect("a station");
    assert_eq!(context([-3_750, -30_000]), "meteo.urn:mrn:imo:mmsi:002300059:500063");
    assert_eq!(context([59_999, 3_599_990]), "meteo.urn:mrn:imo:mmsi:002300059:000000");
    // The own transponder may repeat a station, which does not make it ours.
    let lines = weather([0, 0], [1, 0, 0], false).sentences('A', 3);
    let unchecked = Options { validate_checksum: false, ..Options::default() };
    let mut decoder = Decoder::new(unchecked);
    let own = lines.iter().map(|line| line.replace("AIVDM", "AIVDO"));
    let told = own.filter_map(|line| decoder.decode(line.as_bytes(), now()).unwrap()).last().expect("data");
    assert_eq!(told.context.as_deref(), Some("meteo.urn:mrn:imo:mmsi:002300059:000000"));
}

#[test]
fn other_telegrams_are_passed_over_and_short_ones_refused() {
    assert_eq!(
        told(
            telegram(200, 10)
                .number(0, 48)
                .number(1105, 13)
                .number(114, 10)
                .number(8010, 14)
                .number(0, 3)
                .number(235, 11)
        ),
        [
            "vessels.urn:mrn:imo:mmsi:002300059",
            r#"={"mmsi":"002300059"}"#,
            "sensors.ais.designatedAreaCode=200",
            "sensors.ais.functionalId=10",
            r#"design.length={"overall":110.5}"#,
            "design.beam=11.4",
            r#"design.draft={"current":2.35}"#,
        ]
    );
    for (area, function) in [(1, 11), (1, 0), (367, 33), (1023, 63)] {
        assert_eq!(decode(telegram(area, function).number(0, 300)), None, "{area} {function}");
    }
    for short in [opened(8, 2_300_059).number(0, 2), telegram(1, 31).number(0, 49)] {
        let error = decoder().decode(short.sentences('A', 0)[0].as_bytes(), now()).expect_err("too short");
        assert!(error.to_string().contains("is too short for its type"), "{error}");
    }
}

#[test]
fn the_own_transponder_speaks_about_us() {
    let line = class_a(230_035_780).sentences('A', 0).remove(0).replace("AIVDM", "AIVDO");
    let unchecked = Options { validate_checksum: false, ..Options::default() };
    let decoded = Decoder::new(unchecked).decode(line.as_bytes(), now()).unwrap().unwrap();
    assert_eq!((decoded.context.as_deref(), decoded.sentence.as_str()), (None, "VDO"));
}

#[test]
fn sentences_of_a_message_may_come_in_any_order_and_between_others() {
    let [first, second] = [voyage(230_000_001, "ONE"), voyage(230_000_002, "TWO")];
    let (first, second) = (first.sentences('A', 4), second.sentences('B', 4));
    for order in [
        [&first[0], &second[0], &first[1], &second[1]],
        [&first[1], &second[0], &second[1], &first[0]],
        [&second[1], &first[1], &second[0], &first[0]],
    ] {
        let mut decoder = decoder();
        let names =
            order.map(|line| decoder.decode(line.as_bytes(), now()).unwrap().map(|it| it.values[0].1.to_json()));
        let both = names.iter().flatten().map(|json| json.contains("\"ONE\"") || json.contains("\"TWO\""));
        assert_eq!(both.collect::<Vec<_>>(), [true, true]);
        assert_eq!(decoder.lost_fragments(), 0);
    }
}

#[test]
fn what_remains_incomplete_is_thrown_away_and_counted() {
    let [first, second] = [voyage(230_000_001, "ONE"), voyage(230_000_002, "TWO")].map(|it| it.sentences('A', 4));
    let mut decoder = decoder();
    // The same part again: the first message will never be complete, and nothing of it gets into the second.
    for line in [&first[0], &second[0]] {
        assert_eq!(decoder.decode(line.as_bytes(), now()), Ok(None));
    }
    assert_eq!(decoder.lost_fragments(), 1);
    let two = decoder.decode(second[1].as_bytes(), now()).unwrap().expect("complete");
    assert!(two.values[0].1.to_json().contains("TWO"));
    // Too late.
    assert_eq!(decoder.decode(first[0].as_bytes(), now()), Ok(None));
    assert_eq!(decoder.decode(first[1].as_bytes(), now() + SignedDuration::from_secs(11)), Ok(None));
    assert_eq!(decoder.lost_fragments(), 2);
    // Too many at a time.
    let mut flooded = Decoder::new(Options { validate_checksum: false, ..Options::default() });
    for sequence in 0..1000 {
        assert_eq!(flooded.decode(unchecked_part(sequence).as_bytes(), now()), Ok(None));
    }
    assert_eq!(flooded.lost_fragments(), 1000 - 16);
}

fn unchecked_part(sequence: u32) -> String {
    format!("!AIVDM,2,1,{sequence},A,55Mf,0*00")
}

#[test]
fn what_is_no_message_says_why() {
    let unchecked = Options { validate_checksum: false, ..Options::default() };
    let mut decoder = Decoder::new(unchecked);
    let mut kind = |body: &str| {
        let line = format!("!AIVDM,{body}*00");
        match decoder.decode(line.as_bytes(), now()) {
            Ok(decoded) => format!("{:?}", decoded.map(|it| it.values.len())),
            Err(SentenceError::Malformed { field, .. }) => format!("field {field}"),
            Err(SentenceError::Ais { problem, .. }) => problem.to_owned(),
            Err(other) => other.to_string(),
        }
    };
    for (body, expected) in [
        ("0,1,,A,15M67F,0", "field 1"),
        ("10,1,,A,15M67F,0", "field 1"),
        ("2,3,1,A,15M67F,0", "field 2"),
        ("2,0,1,A,15M67F,0", "field 2"),
        ("1,1,,A,,0", "field 5"),
        ("1,1,,A,15M67F,6", "field 6"),
        ("1,1,,A,15M67F,0", "has no MMSI of nine digits"),
        ("1,1,,A,15M67F0,0", "is too short for its type"),
        ("1,1,,A,0,5", "is too short"),
        ("1,1,,A,15M67z0,0", "has characters that no AIS message has"),
        ("1,1,,A,1wwwwww,0", "has no MMSI of nine digits"),
        // Types that are about the radio link, and such as do not exist.
        ("1,1,,A,D03OwphiIN>4,0", "None"),
        ("1,1,,A,wwwwwww,0", "None"),
        ("1,1,,A,0000000,0", "None"),
    ] {
        assert_eq!(kind(body), expected, "{body}");
    }
    let long = format!("1,1,,A,{},0", "1".repeat(257));
    assert_eq!(kind(&long), "field 5");
}

/// SK-228 in spirit: whatever comes over the air, the decoder goes on.
#[test]
fn no_bits_upset_the_decoder() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u32
    };
    let mut decoder = Decoder::new(Options { validate_checksum: false, ..Options::default() });
    let (mut decoded, mut refused) = (0, 0);
    for round in 0..60_000_u32 {
        let length = random() % 80;
        let mut payload: String = (0..length)
            .map(|_| {
                let code = (random() % 64) as u8;
                char::from(if code < 40 { code + 48 } else { code + 56 })
            })
            .collect();
        // Mostly types that are read.
        if round % 4 != 0 && !payload.is_empty() {
            let kinds = b"1234589BCEHK";
            payload.replace_range(0..1, &char::from(kinds[random() as usize % kinds.len()]).to_string());
            payload.insert(1, '0');
        }
        let (total, fill) = (1 + random() % 3, random() % 7);
        let number = 1 + random() % (total + 1);
        let line = format!(
            "!AIVDM,{total},{number},{},{},{payload},{fill}*00",
            random() % 3,
            if random() % 2 == 0 { "A" } else { "" }
        );
        match decoder.decode(line.as_bytes(), now()) {
            Ok(Some(it)) => {
                decoded += 1;
                for (path, value) in &it.values {
                    let json: serde_json::Value = serde_json::from_str(&value.to_json()).expect("JSON");
                    assert!(!json.is_null(), "{line}: {path}");
                }
            }
            Ok(None) => {}
            Err(_) => refused += 1,
        }
    }
    assert!(decoded > 1000 && refused > 1000, "{decoded} decoded, {refused} refused: both ways are tried");
}
