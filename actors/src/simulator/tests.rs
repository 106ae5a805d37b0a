//! What the simulated boat promises.

use std::collections::{BTreeMap, BTreeSet};

use super::geo::Position;
use super::*;
use crate::nmea0183::{Decoder, Options, Value};

fn start() -> Timestamp {
    "2026-05-02T09:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

/// The numbers and positions of her passage, decoded as the server does.
fn sail(settings: BoatSettings, seed: u64, minutes: i64) -> (BTreeMap<String, Vec<f64>>, Vec<Position>) {
    let mut boat = Simulator::new(settings, seed, start());
    let mut decoder = Decoder::new(Options::default());
    let (mut numbers, mut positions) = (BTreeMap::<String, Vec<f64>>::new(), Vec::new());
    for second in 1..=minutes * 60 {
        for sentence in boat.advance(after(second)) {
            let decoded = decoder.decode(sentence.as_bytes(), boat.now());
            let decoded = decoded.unwrap_or_else(|error| panic!("{sentence}: {error}"));
            let own = decoded.into_iter().filter(|decoded| decoded.context.is_none());
            for (path, value) in own.flat_map(|decoded| decoded.values) {
                match value {
                    Value::Number(number) => numbers.entry(path.to_string()).or_default().push(number),
                    Value::Position { latitude, longitude, .. } if path == "navigation.position" => {
                        positions.push(Position { latitude, longitude });
                    }
                    _ => {}
                }
            }
        }
    }
    (numbers, positions)
}

#[test]
fn the_built_in_settings_are_valid() {
    assert_eq!(BoatSettings::from_toml(settings_text()), Ok(BoatSettings::default()));
}

fn settings_text() -> &'static str {
    include_str!("../../../config/demo-boat.toml")
}

#[test]
fn wrong_settings_are_named() {
    for (from, to, complaint) in [
        ("drift = 0.4", "drift = -3", "current.drift"),
        ("hull_speed = 7.4", "hull_speed = nan", "boat.hull_speed"),
        ("latitude = 59.7400", "latitude = 99", "route.waypoints[0].latitude"),
        ("\"UTOSW\"", "\"UTÖ,SW\"", "route.waypoints[0].name"),
        ("[air]", "[aire]", "aire"),
        ("wind_rate = 2", "wind_rate = 0", "output.wind_rate"),
        ("mmsi = 230990101", "mmsi = 2309901010", "traffic.vessels[0].mmsi"),
        ("callsign = \"OJWB\"", "callsign = \"TOOLONGBY1\"", "traffic.vessels[1].callsign"),
        ("kind = 23", "kind = 32", "traffic.aids[0].kind"),
    ] {
        let text = settings_text().replace(from, to);
        assert_ne!(text, settings_text(), "{from} is in the file");
        let error = BoatSettings::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn all_sentences_are_spoken_and_decode() {
    let mut boat = Simulator::new(BoatSettings::default(), 1, start());
    let mut decoder = Decoder::new(Options::default());
    let mut spoken = BTreeMap::<String, usize>::new();
    let mut silent = BTreeSet::new();
    for sentence in boat.advance(after(60)) {
        assert!(sentence.len() <= 80, "{sentence} fits the 82 bytes of the standard with its line end");
        let id = sentence[3..6].to_owned();
        if decoder.decode(sentence.as_bytes(), boat.now()).unwrap().is_none() && id != "GSV" && id != "VDM" {
            silent.insert(id.clone());
        }
        *spoken.entry(id).or_default() += 1;
    }
    assert_eq!(silent, BTreeSet::new(), "all sentences carry data");
    let expected: BTreeSet<&str> =
        "RMC GGA GLL VTG HDG HDT VHW DBT DPT MWV MTW XDR ROT RPM VLW ZDA APB XTE RMB GSV VDM"
            .split_whitespace()
            .collect();
    assert_eq!(spoken.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!((spoken["HDG"], spoken["MWV"], spoken["RMC"], spoken["MTW"]), (300, 120, 60, 12));
}

#[test]
fn true_wind_is_told_only_when_asked() {
    let spoken = |true_wind: bool| {
        let mut settings = BoatSettings::default();
        settings.output.true_wind = true_wind;
        let sentences = Simulator::new(settings, 1, start()).advance(after(5));
        sentences
            .iter()
            .filter(|sentence| sentence.contains("MWD,") || sentence.contains(",T,") && sentence.contains("MWV"))
            .count()
    };
    assert_eq!((spoken(false), spoken(true)), (0, 20));
}

#[test]
fn the_same_seed_gives_the_same_passage() {
    let passage = |seed| Simulator::new(BoatSettings::default(), seed, start()).advance(after(300));
    assert_eq!(passage(7), passage(7));
    assert_ne!(passage(7), passage(8));
    let mut stepwise = Simulator::new(BoatSettings::default(), 7, start());
    let pieces: Vec<String> =
        (1..=3000).flat_map(|tenth| stepwise.advance(start() + SignedDuration::from_millis(tenth * 100))).collect();
    assert_eq!(pieces, passage(7), "however often it is asked");
    assert_eq!(stepwise.advance(start()), Vec::<String>::new(), "time does not run backwards");
}

#[test]
fn she_follows_her_route_round_and_round() {
    for seed in 0..2 {
        let settings = BoatSettings::default();
        let (numbers, positions) = sail(settings.clone(), seed, 9 * 60);
        for waypoint in &settings.route.waypoints {
            let place = Position { latitude: waypoint.latitude, longitude: waypoint.longitude };
            let nearest = positions.iter().map(|position| position.to(place).length()).fold(f64::MAX, f64::min);
            assert!(nearest < 250.0, "seed {seed}: {} is passed at {nearest} m", waypoint.name);
        }
        let farthest = numbers["navigation.courseRhumbline.crossTrackError"]
            .iter()
            .fold(0.0, |most: f64, error| most.max(error.abs()));
        assert!(farthest < 900.0, "seed {seed}: {farthest} m off the track");
        let home = Position {
            latitude: settings.route.waypoints[0].latitude,
            longitude: settings.route.waypoints[0].longitude,
        };
        let back = positions.iter().skip(3600).any(|position| position.to(home).length() < 250.0);
        assert!(back, "seed {seed}: she comes round to the first waypoint");
        for steps in positions.windows(2) {
            assert!(steps[0].to(steps[1]).length() < 10.0, "she does not jump");
        }
    }
}

#[test]
fn her_instruments_stay_within_reason() {
    let (numbers, _) = sail(BoatSettings::default(), 3, 5 * 60);
    let range = |path: &str| {
        let values = &numbers[path];
        let low = values.iter().copied().fold(f64::MAX, f64::min);
        let high = values.iter().copied().fold(f64::MIN, f64::max);
        (low, high)
    };
    for (path, lowest, highest, spread) in [
        ("navigation.speedOverGround", 0.0, 4.6, 2.0),
        ("navigation.speedThroughWater", 0.0, 4.3, 2.0),
        ("navigation.headingTrue", 0.0, 6.29, 3.0),
        ("navigation.rateOfTurn", -0.2, 0.2, 0.02),
        ("navigation.magneticDeviation", -0.045, 0.045, 0.04),
        ("environment.depth.belowTransducer", 2.0, 60.0, 15.0),
        ("environment.water.temperature", 288.0, 291.0, 0.3),
        ("environment.wind.speedApparent", 0.0, 20.0, 4.0),
        ("environment.wind.angleApparent", -3.15, 3.15, 1.5),
        ("propulsion.engine_1.revolutions", 0.0, 40.0, 30.0),
        ("environment.outside.pressure", 101_000.0, 101_600.0, 50.0),
        ("navigation.gnss.satellites", 9.0, 12.0, 3.0),
    ] {
        let (low, high) = range(path);
        assert!(low >= lowest && high <= highest, "{path} is within {low}..{high}");
        assert!(high - low >= spread, "{path} varies: {low}..{high}");
    }
    let (low, high) = range("navigation.log");
    assert!(high - low > 20_000.0, "the log counts: {low}..{high}");
}

#[test]
fn apparent_wind_is_that_of_her_motion() {
    let settings = BoatSettings::default();
    let mut boat = Simulator::new(settings, 5, start());
    boat.advance(after(1200));
    let (angle, speed) = boat.boat.apparent_wind(&boat.weather);
    // Back from the deck to the air: the wind over ground must come out.
    let felt = super::geo::Vector::polar(speed, boat.boat.heading + angle).times(-1.0);
    let air = felt.plus(boat.boat.velocity);
    assert!((air.length() - boat.weather.wind_speed).abs() < 1e-9);
    assert!(super::geo::half_turn(air.times(-1.0).direction() - boat.weather.wind_direction).abs() < 1e-9);
}

#[test]
fn at_anchor_she_stays_where_she_is() {
    let mut settings = BoatSettings::default();
    settings.route.waypoints[1].stop_minutes = 60.0;
    let mut boat = Simulator::new(settings, 4, start());
    let mut second = 0;
    while boat.boat.anchored.is_none() {
        second += 1;
        assert!(second < 3600, "she reaches the anchorage");
        boat.advance(after(second));
    }
    boat.advance(after(second + 60));
    let anchorage = boat.boat.position;
    for later in 1..=1800 {
        let sentences = boat.advance(after(second + 60 + later));
        assert!(sentences.iter().all(|sentence| !sentence.contains("APB")), "no route is followed");
        assert!(boat.boat.position.to(anchorage).length() < 40.0);
        assert!(boat.boat.velocity.length() < 0.5);
    }
    boat.advance(after(second + 3600 + 120));
    assert!(boat.boat.anchored.is_none() && boat.boat.velocity.length() > 1.0, "she sails on");
}

/// Where the others are, by context, at every time they say so.
fn meet(minutes: i64) -> BTreeMap<String, Vec<(i64, Position)>> {
    let mut boat = Simulator::new(BoatSettings::default(), 1, start());
    let mut decoder = Decoder::new(Options::default());
    let mut met = BTreeMap::<String, Vec<(i64, Position)>>::new();
    for second in 1..=minutes * 60 {
        for sentence in boat.advance(after(second)) {
            let decoded = decoder.decode(sentence.as_bytes(), boat.now()).unwrap();
            let Some(context) = decoded.as_ref().and_then(|decoded| decoded.context.clone()) else { continue };
            if let Some(Value::Position { latitude, longitude, .. }) = decoded.unwrap().value("navigation.position") {
                let place = Position { latitude: *latitude, longitude: *longitude };
                met.entry(context.to_string()).or_default().push((second, place));
            }
        }
    }
    assert_eq!(decoder.lost_fragments(), 0);
    met
}

#[test]
fn she_meets_others_who_move_as_their_kind_does() {
    let settings = BoatSettings::default();
    let met = meet(30);
    assert_eq!(met.len(), settings.traffic.vessels.len() + settings.traffic.aids.len());
    let mut classes = BTreeSet::new();
    for vessel in &settings.traffic.vessels {
        classes.insert(format!("{:?}", vessel.class));
        let seen = &met[&format!("vessels.urn:mrn:imo:mmsi:{}", vessel.mmsi)];
        let speed = vessel.speed * 1852.0 / 3600.0;
        for pair in seen.windows(2) {
            let ((before, from), (now, to)) = (pair[0], pair[1]);
            let gone = from.to(to).length();
            assert!(gone <= speed * (now - before + 1) as f64 + 1.0, "{} does not jump: {gone} m", vessel.name);
        }
        let way = seen[0].1.to(seen[seen.len() - 1].1).length();
        assert!((way > 500.0) == (vessel.speed > 0.0), "{} is under way as she should be: {way} m", vessel.name);
    }
    assert_eq!(classes.len(), 2, "ships and small craft");
    for aid in &settings.traffic.aids {
        let seen = &met[&format!("atons.urn:mrn:imo:mmsi:{}", aid.mmsi)];
        assert!(seen.len() > 5 && seen.iter().all(|(_, place)| *place == seen[0].1), "{} stays", aid.name);
    }
    // The ferry crosses the line from the bank to Jurmo.
    let ferry = &met["vessels.urn:mrn:imo:mmsi:230990101"];
    let line = [&settings.route.waypoints[1], &settings.route.waypoints[2]]
        .map(|waypoint| Position { latitude: waypoint.latitude, longitude: waypoint.longitude });
    let sides: BTreeSet<bool> =
        ferry.iter().map(|(_, at)| line[0].to(*at).right_of(line[0].to(line[1]).direction()) > 0.0).collect();
    assert_eq!(sides.len(), 2, "she is seen on both sides of it");
}
