//! The differences that are meant, each with its reason.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::nmea_differential::allowed::agree;

const KNOT: f64 = 1852.0 / 3600.0;

/// Something the two decoders do not say alike about one path of one sentence.
pub struct Difference<'a> {
    pub line: &'a str,
    /// The message type.
    pub kind: u8,
    pub path: &'a str,
    /// All that we say about the sentence.
    pub ours: &'a BTreeMap<String, Json>,
    /// All that they say.
    pub theirs: &'a BTreeMap<String, Json>,
}

impl Difference<'_> {
    fn our(&self) -> Option<&Json> {
        self.ours.get(self.path)
    }

    fn their(&self) -> Option<&Json> {
        self.theirs.get(self.path)
    }
}

/// A difference that is meant.
pub struct Allowed {
    pub name: &'static str,
    /// Why ours is right. Shown when the difference is gone.
    pub reason: &'static str,
    pub applies: fn(&Difference) -> bool,
}

/// What is allowed. The first that applies to a difference explains it.
pub const ALLOWED: &[Allowed] = &[
    Allowed {
        name: "knot",
        reason: "a knot is 1852/3600 m/s by definition; theirs is 1/1.943844, too large by 2.5e-7",
        applies: |d| {
            let scaled = d.their().and_then(Json::as_f64).map(|theirs| Json::from(theirs * 1.943_844 * KNOT));
            d.path == "navigation.speedOverGround"
                && scaled.is_some_and(|it| d.our().is_some_and(|our| agree(our, &it)))
        },
    },
    Allowed {
        name: "type",
        reason: "messages with texts, answers about the time, and telegrams of withdrawn or local agreements are not read",
        applies: |d| d.ours.is_empty() && [8, 11, 14].contains(&d.kind),
    },
    Allowed {
        name: "south and west",
        reason: "the place in a long-range report is in two's complement; they take what is south or west for impossible",
        applies: |d| {
            let place = d.ours.get("navigation.position");
            let below = |key| place.and_then(|it| it.get(key)).and_then(Json::as_f64).is_some_and(|it| it < 0.0);
            d.kind == 27 && d.theirs.is_empty() && (below("longitude") || below("latitude"))
        },
    },
    Allowed {
        name: "rounded wind",
        reason: "they round the speeds of telegrams to centimetres a second",
        applies: |d| {
            let speeds = ["environment.wind.averageSpeed", "environment.wind.gust", "environment.water.current.drift"];
            let (ours, theirs) = (d.our().and_then(Json::as_f64), d.their().and_then(Json::as_f64));
            d.kind == 8
                && speeds.contains(&d.path)
                && ours.zip(theirs).is_some_and(|(ours, theirs)| (ours - theirs).abs() <= 0.006)
        },
    },
    Allowed {
        name: "salinity",
        reason: "it is sent in tenths of a thousandth; they take it for tenths of a percent",
        applies: |d| {
            let (ours, theirs) = (d.our().and_then(Json::as_f64), d.their().and_then(Json::as_f64));
            d.path == "environment.water.salinity"
                && ours.zip(theirs).is_some_and(|(ours, theirs)| (ours * 10.0 - theirs).abs() < 1e-9)
        },
    },
    Allowed {
        name: "time of observation",
        reason: "neither month nor year is sent: the nearest such day is meant, and what is no day is none; they always take this month",
        applies: |d| {
            let (ours, theirs) = (d.our().and_then(Json::as_str), d.their().and_then(Json::as_str));
            let from_the_day = |text: &str| text.get(7..).map(str::to_owned);
            let same = ours.and_then(from_the_day) == theirs.and_then(from_the_day);
            d.path == "environment.date" && theirs.is_some() && (same || ours.is_none())
        },
    },
    Allowed {
        name: "no position",
        reason: "a vessel that does not know her position still says who she is and how she moves; they drop all of it",
        applies: |d| d.theirs.is_empty() && !d.ours.contains_key("navigation.position") && d.kind != 5 && d.kind != 24,
    },
    Allowed {
        name: "zero",
        reason: "the equator and the meridian of Greenwich are places; they take 0 for absent",
        applies: |d| {
            let zero = |key| d.our().and_then(|our| our.get(key)).and_then(Json::as_f64) == Some(0.0);
            d.path == "navigation.position" && d.their().is_none() && (zero("latitude") || zero("longitude"))
        },
    },
    Allowed {
        name: "altitude",
        reason: "the altitude of an aircraft is part of her position; they leave it out",
        applies: |d| {
            let mut flat = d.our().cloned().unwrap_or_default();
            let high = flat.as_object_mut().and_then(|it| it.remove("altitude")).is_some();
            d.kind == 9 && high && (d.their().is_none_or(|their| agree(&flat, their)))
        },
    },
    Allowed {
        name: "not available",
        reason: "the number says that the value is not known, or is no direction; they take it for a measurement",
        applies: |d| {
            let degrees = d.their().and_then(Json::as_f64).unwrap_or_default().to_degrees();
            let direction = d.path == "navigation.headingTrue" || d.path == "navigation.courseOverGroundTrue";
            // 1023 knots, and 63 in a long-range report.
            let unknown = if d.kind == 9 { 526.0 } else { 32.4 };
            let speed = [9, 27].contains(&d.kind) && d.path == "navigation.speedOverGround";
            d.our().is_none() && (direction && degrees >= 359.999 || speed && degrees.to_radians() > unknown)
        },
    },
    Allowed {
        name: "sar",
        reason: "transmitters of search and rescue, of persons over board and of emergency beacons are no vessels (signalk-v1 §1.2)",
        applies: |d| {
            let (ours, theirs) = (d.our().and_then(Json::as_str), d.their().and_then(Json::as_str));
            let id =
                |context: Option<&str>, root: &str| context.and_then(|it| it.strip_prefix(root).map(str::to_owned));
            d.path == "context"
                && id(ours, "sar.urn:mrn:imo:mmsi:97").is_some()
                && id(ours, "sar.") == id(theirs, "vessels.")
        },
    },
    Allowed {
        name: "own ship",
        reason: "VDO is what the own transponder says of us, whatever MMSI it has; another vessel at our place would only raise alarms",
        applies: |d| {
            d.path == "context" && d.line.starts_with("!AIVDO") && d.our() == Some(&Json::from("vessels.self"))
        },
    },
    Allowed {
        name: "time of arrival",
        reason: "the year is not sent: the nearest such day is meant, so that whoever is an hour late does not come in a year",
        applies: |d| {
            let year = |it: Option<&Json>| it.and_then(Json::as_str).and_then(|it| it.get(..4)?.parse::<i32>().ok());
            let rest = |it: Option<&Json>| it.and_then(Json::as_str).and_then(|it| Some(it.get(4..)?.to_owned()));
            d.path == "navigation.destination.eta"
                && rest(d.our()) == rest(d.their())
                && year(d.our()).zip(year(d.their())).is_some_and(|(ours, theirs)| (ours - theirs).abs() == 1)
        },
    },
    Allowed {
        name: "aid of no kind",
        reason: "whether a mark is on its position and whether it is virtual is said without its kind, too",
        applies: |d| {
            d.kind == 21
                && d.their().is_none()
                && ["offPosition", "virtual"].contains(&d.path)
                && !d.ours.contains_key("atonType")
        },
    },
    Allowed {
        name: "long name",
        reason: "the name of a mark goes on behind the twentieth letter",
        applies: |d| {
            let (ours, theirs) = (d.our().and_then(Json::as_str), d.their().and_then(Json::as_str));
            d.kind == 21
                && d.path == "/name"
                && ours.zip(theirs).is_some_and(|(ours, theirs)| theirs.len() >= 19 && ours.starts_with(theirs))
        },
    },
    Allowed {
        name: "interleaved",
        reason: "two messages whose sentences come in turn are both complete; they keep one at a time",
        applies: |d| d.theirs.is_empty() && d.kind == 5 && d.line.contains("AIVDM,2,2,"),
    },
];
