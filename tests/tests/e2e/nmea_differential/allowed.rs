//! The differences that are meant, each with its reason.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use super::NOW;

const TOLERANCE: f64 = 1e-9;
const KNOT: f64 = 1852.0 / 3600.0;

/// Something the two decoders do not say alike about one path of one line.
#[derive(Debug)]
pub struct Difference<'a> {
    pub line: &'a str,
    pub sentence: &'a str,
    pub path: String,
    pub ours: Option<Json>,
    pub theirs: Option<Json>,
    /// Why we refused the line, if we did.
    pub refused: Option<&'static str>,
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
            let scaled = d.theirs.as_ref().map(|theirs| match theirs {
                Json::Number(_) => Json::from(number(theirs) / (1.0 / 1.943_844) * KNOT),
                other => {
                    let mut other = other.clone();
                    if let Some(drift) = other.get_mut("drift") {
                        *drift = Json::from(number(drift) / (1.0 / 1.943_844) * KNOT);
                    }
                    other
                }
            });
            (d.path.contains("peed") || d.path.contains("velocityMadeGood") || d.path == "environment.current")
                && scaled.is_some_and(|scaled| d.ours.as_ref().is_some_and(|ours| agree(ours, &scaled)))
        },
    },
    Allowed {
        name: "empty is not zero",
        reason: "an empty field means the talker has no data; zero would be a measurement, and steers boats",
        applies: |d| d.refused.is_none() && is_absent(&d.ours) && d.theirs.as_ref().is_some_and(zero),
    },
    Allowed {
        name: "only some members are known",
        reason: "the members of an object whose fields are empty are left out instead of being zero",
        applies: |d| match (&d.ours, &d.theirs) {
            (Some(ours), Some(theirs)) if d.path == "environment.current" => {
                without_zeros(ours) == without_zeros(theirs)
            }
            _ => false,
        },
    },
    Allowed {
        name: "nothing said",
        reason: "fields that are empty or cut off say nothing, so there is nothing to withdraw or to date either",
        applies: |d| {
            let empty = is_null(&d.theirs) || (d.path == "timestamp" && d.sentence == "BWC");
            d.ours.is_none() && d.refused.is_none() && empty && "RMB BWC BWR GGA".contains(d.sentence)
        },
    },
    Allowed {
        name: "void",
        reason: "the talker itself marks the data as invalid, so values are withdrawn and its clock is not believed",
        applies: |d| d.refused.is_none() && void(d) && is_absent(&d.ours),
    },
    Allowed {
        name: "no fix",
        reason: "a receiver that says it has no fix withdraws the position and tells so",
        applies: |d| {
            let quality = d.path == "navigation.gnss.methodQuality" && d.ours == Some(Json::from("no GPS"));
            "GGA GNS".contains(d.sentence) && void(d) && (quality || is_null(&d.ours)) && d.theirs.is_none()
        },
    },
    Allowed {
        name: "fraction of a second",
        reason: "the fraction of the time is kept",
        applies: |d| {
            d.path == "timestamp"
                && "GLL GGA GNS".contains(d.sentence)
                && times(d).is_some_and(|(ours, theirs)| {
                    let fraction = ours.duration_since(theirs);
                    fraction > SignedDuration::ZERO && fraction < SignedDuration::from_secs(1)
                })
        },
    },
    Allowed {
        name: "date of the receiver",
        reason: "a time of day belongs to the date the receiver told last, not to our own",
        applies: |d| {
            "GLL GGA GNS BWC BWR RMC".contains(d.sentence)
                && times(d).is_some_and(|(ours, theirs)| {
                    let days = (ours.as_second() - theirs.as_second()) / 86_400;
                    let same_day = theirs.checked_add(SignedDuration::from_hours(24 * days));
                    days != 0 && same_day.is_ok_and(|same_day| same_day.as_second() == ours.as_second())
                })
        },
    },
    Allowed {
        name: "no invented time",
        reason: "a sentence without a time is stamped with the time of reception by the data model",
        applies: |d| {
            let now: Timestamp = NOW.parse().expect("NOW is a time");
            d.ours.is_none()
                && d.refused.is_none()
                && d.theirs
                    .as_ref()
                    .is_some_and(|theirs| [Json::from(NOW), Json::from(now.as_second())].contains(theirs))
        },
    },
    Allowed {
        name: "one turn",
        reason: "directions are given within 0..2π",
        applies: |d| match (&d.ours, &d.theirs) {
            (Some(ours), Some(theirs)) if ours.is_number() && theirs.is_number() => {
                let turned = number(theirs).rem_euclid(std::f64::consts::TAU);
                !(0.0..std::f64::consts::TAU - 1e-6).contains(&number(theirs))
                    && ((turned - number(ours)).abs() < 1e-8
                        || (turned - number(ours) - std::f64::consts::TAU).abs() < 1e-8)
            }
            _ => false,
        },
    },
    Allowed {
        name: "malformed",
        reason: "a field that cannot be right makes the whole sentence suspect, although its checksum fits",
        applies: |d| d.refused == Some("malformed"),
    },
    Allowed {
        name: "unit",
        reason: "the unit told in the sentence is used",
        applies: |d| {
            let factor = match (d.sentence, &d.ours, &d.theirs) {
                ("MTW", Some(ours), Some(theirs)) => {
                    return agree(ours, &Json::from((number(theirs) - 273.15 - 32.0) / 1.8 + 273.15));
                }
                ("VLW", ..) => 1000.0 / 1852.0,
                ("MWV", ..) => 1609.344 / 3600.0,
                _ => return false,
            };
            matches!((&d.ours, &d.theirs), (Some(ours), Some(theirs))
                if agree_within(ours, &Json::from(number(theirs) * factor), 1e-8))
        },
    },
    Allowed {
        name: "other unit",
        reason: "when the usual unit's field is empty, the next unit told is converted",
        applies: |d| {
            "DBT DBS DBK VHW".contains(d.sentence)
                && is_absent(&d.theirs)
                && d.ours.as_ref().is_some_and(Json::is_number)
        },
    },
    Allowed {
        name: "partial sentence",
        reason: "what is told is used although another field is empty or cut off",
        applies: |d| {
            "BOD HSC MWD GLL GGA RMC VTG DPT".contains(d.sentence) && d.theirs.is_none() && d.ours.is_some() && !void(d)
        },
    },
    Allowed {
        name: "unknown to them",
        reason: "their decoder does not decode XDR and GSA",
        applies: |d| "XDR GSA".contains(d.sentence) && d.theirs.is_none(),
    },
    Allowed {
        name: "fix quality of GNS",
        reason: "the schema has one of ten texts for the fix quality, and `integrity` for the status",
        applies: |d| {
            d.sentence == "GNS" && matches!(d.path.rsplit('.').next(), Some("methodQuality" | "integrity" | "status"))
        },
    },
    Allowed {
        name: "bearing to the waypoint",
        reason: "BWC and BWR tell the bearing from the boat; bearingTrack is that of the leg by the schema",
        applies: |d| "BWC BWR".contains(d.sentence) && d.path.contains("earing"),
    },
    Allowed {
        name: "wording",
        reason: "the message of a notification is a text for people",
        applies: |d| match (&d.ours, &d.theirs) {
            (Some(ours), Some(theirs)) => {
                d.path.starts_with("notifications.")
                    && ours["state"] == theirs["state"]
                    && ours["message"].is_string()
                    && ours["method"].as_array().map(Vec::len) == theirs["method"].as_array().map(Vec::len)
            }
            _ => false,
        },
    },
    Allowed {
        name: "opening from the waypoint",
        reason: "a negative speed towards the waypoint says that it comes no nearer",
        applies: |d| {
            d.path.ends_with("velocityMadeGood")
                && d.theirs.as_ref().is_some_and(zero)
                && d.ours.as_ref().is_some_and(|ours| number(ours) < 0.0)
        },
    },
    Allowed {
        name: "inch of mercury",
        reason: "an inch of mercury is 3386.389 Pa; theirs differs in the seventh digit",
        applies: |d| {
            d.sentence == "MDA"
                && matches!((&d.ours, &d.theirs), (Some(ours), Some(theirs)) if agree_within(ours, theirs, 2e-7))
        },
    },
    Allowed {
        name: "engine without number",
        reason: "an engine without a number is the only one, which the standard numbers 0",
        applies: |d| match d.path.as_str() {
            "propulsion.engine_.revolutions" => d.ours.is_none(),
            "propulsion.engine_0.revolutions" => d.theirs.is_none() && d.line.starts_with("$IIRPM,E,,"),
            _ => false,
        },
    },
    Allowed {
        name: "satellite lists",
        reason: "lists of constellations are gathered apart, all constellations have names, only GLONASS numbers from 65",
        applies: |d| d.sentence == "GSV" && d.ours.is_some(),
    },
];

/// Whether two values are alike; numbers to 1e-9.
pub fn agree(ours: &Json, theirs: &Json) -> bool {
    agree_within(ours, theirs, TOLERANCE)
}

fn agree_within(ours: &Json, theirs: &Json, tolerance: f64) -> bool {
    match (ours, theirs) {
        (Json::Number(_), Json::Number(_)) => {
            let (ours, theirs) = (number(ours), number(theirs));
            (ours - theirs).abs() <= tolerance * ours.abs().max(theirs.abs())
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| agree_within(a, b, tolerance))
        }
        (Json::Object(ours), Json::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, a)| theirs.get(key).is_some_and(|b| agree_within(a, b, tolerance)))
        }
        (ours, theirs) => ours == theirs,
    }
}

fn number(json: &Json) -> f64 {
    json.as_f64().unwrap_or(f64::NAN)
}

fn is_null(json: &Option<Json>) -> bool {
    matches!(json, Some(Json::Null))
}

fn is_absent(json: &Option<Json>) -> bool {
    matches!(json, None | Some(Json::Null))
}

/// Zero, the text for fix quality zero, an empty text, or an object of nothing but zeros.
fn zero(json: &Json) -> bool {
    match json {
        Json::Number(_) => number(json) == 0.0,
        Json::String(text) => text.is_empty() || text == "no GPS",
        Json::Object(members) => !members.is_empty() && members.values().all(zero),
        _ => false,
    }
}

/// An object with its zeros left out and its numbers in the seven digits that differing knots leave alike.
fn without_zeros(json: &Json) -> Option<BTreeMap<&String, String>> {
    let members = json.as_object()?.iter().filter(|(_, value)| value.is_number() && !zero(value));
    Some(members.map(|(key, value)| (key, format!("{:.5}", number(value)))).collect())
}

fn times(difference: &Difference) -> Option<(Timestamp, Timestamp)> {
    let time = |json: &Option<Json>| match json.as_ref()? {
        Json::Number(seconds) if difference.path.ends_with("AgeOfService") => {
            Timestamp::from_second(seconds.as_i64()?).ok()
        }
        text => text.as_str()?.parse().ok(),
    };
    Some((time(&difference.ours)?, time(&difference.theirs)?))
}

/// Whether the line's own status says that its data are not valid.
fn void(difference: &Difference) -> bool {
    let fields: Vec<&str> = difference.line.split(['*', ',']).collect();
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    match difference.sentence {
        "RMC" => field(2) == "V" || field(12) == "N",
        "VTG" => field(9) == "N",
        "GLL" => field(7) == "N",
        "GGA" => field(6) == "0",
        "GNS" => !field(6).is_empty() && field(6).chars().all(|mode| mode == 'N'),
        "RMB" => field(1) == "V",
        "RPM" => field(5) == "V",
        "XTE" => field(6) == "N",
        "APB" => field(15) == "N",
        _ => false,
    }
}
