//! GSV: the satellites in view, a list that spans several sentences.

use std::fmt::Write as _;

use smol_str::SmolStr;

use super::super::value::{Value, write_number};
use super::super::{Fields, Report, SentenceError, units};

/// Satellites beyond this many sentences are not a list but a fault.
const LONGEST_GROUP: u32 = 16;
/// Lists that may be under way at the same time: a few constellations with a few signals each.
const MOST_GROUPS: usize = 32;

/// The lists under way. Constellations and signals send theirs interleaved, so each is gathered on its own.
#[derive(Debug, Default)]
pub(in super::super) struct SatelliteGroups(Vec<Group>);

#[derive(Debug)]
struct Group {
    talker: SmolStr,
    signal: Option<SmolStr>,
    /// The number of the sentence that continues the list.
    next: u32,
    /// The satellites so far: the members of a JSON array.
    satellites: String,
}

/// GSV: 1 number of sentences, 2 number of this one, 3 satellites in view, then for up to four satellites id,
/// elevation, azimuth and signal to noise ratio, and since NMEA 4.1 a signal id.
///
/// The value is `{"count", "satellites": [{"id", "elevation", "azimuth", "SNR"}], "gnss"}` with angles in radians and
/// SNR in dB, 0 for a satellite that is not tracked. It is given with the last sentence of a list.
pub fn gsv(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let (Some(total), Some(number), Some(count)) = (fields.integer(1)?, fields.integer(2)?, fields.integer(3)?) else {
        return Ok(());
    };
    if !(1..=LONGEST_GROUP).contains(&total) {
        return Err(fields.malformed(1, "the number of sentences in this list"));
    }
    if !(1..=total).contains(&number) {
        return Err(fields.malformed(2, "the number of this sentence in its list"));
    }
    let satellites = (fields.len() - 3) / 4;
    let signal = if (fields.len() - 3) % 4 == 1 { fields.text(fields.len()) } else { None };
    let mut group = report.satellites.take(report.talker, signal, number);
    let glonass = report.talker == "GL";
    for satellite in 0..satellites {
        append(&mut group.satellites, fields, 4 + satellite * 4, glonass)?;
    }
    // A sentence that does not continue its list makes it incomplete; the next list starts afresh.
    if group.next != number {
        return Ok(());
    }
    if number < total {
        group.next = number + 1;
        report.satellites.keep(group);
        return Ok(());
    }
    let constellation = constellation(report.talker);
    let mut json = format!(r#"{{"count":{count},"satellites":[{}]"#, group.satellites);
    if let Some(constellation) = constellation {
        write!(json, r#","gnss":"{constellation}""#).expect("writing to a String cannot fail");
    }
    json.push('}');
    report.set("navigation.gnss.satellitesInView", Value::Json(json));
    Ok(())
}

impl SatelliteGroups {
    /// The list a sentence continues, or a new one.
    fn take(&mut self, talker: &str, signal: Option<SmolStr>, number: u32) -> Group {
        let known = self.0.iter().position(|group| group.talker == talker && group.signal == signal);
        let known = known.map(|index| self.0.remove(index)).filter(|_| number != 1);
        known.unwrap_or_else(|| Group { talker: SmolStr::new(talker), signal, next: 1, satellites: String::new() })
    }

    fn keep(&mut self, group: Group) {
        if self.0.len() == MOST_GROUPS {
            self.0.remove(0);
        }
        self.0.push(group);
    }
}

/// Appends the satellite whose four fields begin at `field`, unless they are empty.
fn append(json: &mut String, fields: &Fields, field: usize, glonass: bool) -> Result<(), SentenceError> {
    let Some(id) = fields.integer(field)? else {
        return Ok(());
    };
    // GLONASS satellites are numbered 65 to 96 for the slots 1 to 32.
    let id = if glonass && id > 64 { id - 64 } else { id };
    if !json.is_empty() {
        json.push(',');
    }
    write!(json, r#"{{"id":{id}"#).expect("writing to a String cannot fail");
    if let Some(elevation) = fields.degrees(field + 1)? {
        json.push_str(r#","elevation":"#);
        write_number(json, units::relative_angle(elevation));
    }
    if let Some(azimuth) = fields.direction(field + 2)? {
        json.push_str(r#","azimuth":"#);
        write_number(json, azimuth);
    }
    json.push_str(r#","SNR":"#);
    write_number(json, fields.number(field + 3)?.unwrap_or(0.0));
    json.push('}');
    Ok(())
}

fn constellation(talker: &str) -> Option<&'static str> {
    match talker {
        "GP" => Some("GPS"),
        "GL" => Some("GLONASS"),
        "GA" => Some("GALILEO"),
        "GB" | "BD" => Some("BEIDOU"),
        "GQ" | "QZ" => Some("QZSS"),
        "GI" => Some("NAVIC"),
        _ => None,
    }
}
