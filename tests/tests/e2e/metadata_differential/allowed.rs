//! The differences that are meant, each with its reason.

use serde_json::Value as Json;

/// Something that we do not say about a path as one of the publications does.
#[derive(Debug)]
pub struct Difference<'a> {
    pub path: &'a str,
    pub fact: &'a str,
    pub ours: Option<&'a Json>,
    pub theirs: Option<&'a Json>,
    /// Whether it is the older one of the two publications.
    pub older: bool,
    /// What the newer one says.
    pub newest: Option<&'a Json>,
    /// What the JSON schemas say that the publications were made from.
    pub schema: Option<&'a Json>,
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
        name: "corrected",
        reason: "the newer publication corrects units (VA, VAR, Pa.s) and a misspelt value, and we follow it",
        applies: |d| d.older && d.ours.is_some() && d.ours == d.newest,
    },
    Allowed {
        name: "lost on the way",
        reason: "the schemas say so, but what they define by reference is missing in what was made from them",
        applies: |d| d.theirs.is_none() && d.ours.is_some() && d.ours == d.schema,
    },
    Allowed {
        name: "form of a time",
        reason: "times have the form of their unit everywhere, and a client can tell by it that they are times",
        applies: |d| {
            let name = d.path.rsplit('.').next().unwrap_or_default();
            let is_time = ["eta", "estimatedTimeOfArrival", "lastReset", "startTime"].contains(&name);
            is_time && d.fact == "units" && d.theirs.is_none() && said(d.ours, "RFC 3339 (UTC)")
        },
    },
    Allowed {
        name: "unit left out",
        reason: "published as bare numbers, but what they are leaves only one unit",
        applies: |d| {
            let unit = match d.path.rsplit('.').next().unwrap_or_default() {
                "geoidalSeparation" => "m",
                "powerFactor" | "furledRatio" => "ratio",
                _ => return false,
            };
            d.fact == "units" && d.theirs.is_none() && said(d.ours, unit)
        },
    },
    Allowed {
        name: "sample values and titles",
        reason: "they are about the schemas and not about the paths",
        applies: |d| {
            let name = d.fact.rsplit('/').next().unwrap_or_default();
            d.fact.starts_with("properties/") && matches!(name, "example" | "title") && d.ours.is_none()
        },
    },
    Allowed {
        name: "not of a vessel",
        reason: "the newer publication is made from the vessel's paths, and leaves out what only others have",
        applies: |d| !d.older && d.theirs.is_none() && matches!(d.path, "base" | "atonType"),
    },
    Allowed {
        name: "sent, but not listed",
        reason: "published decoders of NMEA 0183 and NMEA 2000 send these paths, or the texts name them",
        applies: |d| d.newest.is_none() && d.theirs.is_none() && SENT.iter().any(|sent| matches(sent, d.path)),
    },
];

/// Paths that are used and yet not listed. `+` stands for either kind of course.
const SENT: [&str; 10] = [
    "navigation.gnss.satellitesInView",
    "navigation.+.bearingOriginToDestinationMagnetic",
    "navigation.+.bearingOriginToDestinationTrue",
    "navigation.+.bearingToDestinationMagnetic",
    "navigation.+.bearingToDestinationTrue",
    "propulsion.*.drive.propeller.pitch",
    "propulsion.*.drive.propeller.slip",
    "electrical.switches.*.dimmingLevel",
    "electrical.switches.*.name",
    "electrical.switches.*.state",
];

fn matches(sent: &str, path: &str) -> bool {
    ["courseGreatCircle", "courseRhumbline"].iter().any(|course| sent.replace('+', course) == path)
}

fn said(fact: Option<&Json>, text: &str) -> bool {
    fact.and_then(Json::as_str) == Some(text)
}
