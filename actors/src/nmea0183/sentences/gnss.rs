//! Satellite navigation receivers: position, course and speed over ground, time.

use jiff::Timestamp;
use smol_str::{SmolStr, format_smolstr};

use super::super::clock::instant;
use super::super::{Fields, Report, SentenceError, Value, units};

const POSITION: &str = "navigation.position";
const COURSE_TRUE: &str = "navigation.courseOverGroundTrue";
const COURSE_MAGNETIC: &str = "navigation.courseOverGroundMagnetic";
const SPEED: &str = "navigation.speedOverGround";
const VARIATION: &str = "navigation.magneticVariation";
const VARIATION_AGE: &str = "navigation.magneticVariationAgeOfService";
const DATETIME: &str = "navigation.datetime";
const METHOD_QUALITY: &str = "navigation.gnss.methodQuality";
const SATELLITES: &str = "navigation.gnss.satellites";
const HORIZONTAL_DILUTION: &str = "navigation.gnss.horizontalDilution";
const NO_FIX: &str = "no GPS";

/// RMC: 1 time, 2 status, 3-6 position, 7 speed in knots, 8 course, 9 date, 10-11 variation, 12 mode.
///
/// A void sentence tells that course, speed and position are not known now: they become `null`, and its time is not
/// believed either.
pub fn rmc(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(2, b'V') || fields.is(12, b'N') {
        for path in [POSITION, COURSE_TRUE, SPEED, VARIATION] {
            report.set(path, Value::Null);
        }
        return Ok(());
    }
    report.set_or_null(POSITION, fields.position(3)?);
    report.set_or_null(COURSE_TRUE, fields.direction(8)?);
    report.set_or_null(SPEED, fields.scaled(7, units::KNOT)?);
    report.set_or_null(VARIATION, fields.east_west(10)?);
    let Some(time) = fields.time(1)? else {
        return Ok(());
    };
    let moment = match fields.date(9)? {
        Some(date) => {
            let moment = instant(date, time);
            if let Some(moment) = moment {
                report.clock.observe(moment, report.now);
            }
            moment
        }
        None => report.clock.resolve(time, report.now),
    };
    if let Some(moment) = moment {
        // Seconds since 1970 are exact in a double for far longer than years have four digits.
        report.set(VARIATION_AGE, moment.as_second() as f64);
        report.set(DATETIME, iso(moment));
        report.timestamp = Some(moment);
    }
    Ok(())
}

/// GGA: 1 time, 2-5 position, 6 quality, 7 satellites used, 8 HDOP, 9 altitude, 11 geoidal separation, 13 age and
/// 14 station of the differential correction.
pub fn gga(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let quality = match fields.integer(6)? {
        None => None,
        Some(0) => {
            report.set(POSITION, Value::Null);
            report.set(METHOD_QUALITY, NO_FIX);
            return Ok(());
        }
        Some(1) => Some("GNSS Fix"),
        Some(2) => Some("DGNSS fix"),
        Some(3) => Some("Precise GNSS"),
        Some(4) => Some("RTK fixed integer"),
        Some(5) => Some("RTK float"),
        Some(6) => Some("Estimated (DR) mode"),
        Some(7) => Some("Manual input"),
        Some(8) => Some("Simulator mode"),
        Some(_) => Some("Error"),
    };
    let Some(position) = fields.position(2)? else {
        return Ok(());
    };
    report.set(POSITION, position);
    report.set_some(METHOD_QUALITY, quality);
    report.set_some(SATELLITES, fields.number(7)?);
    report.set_some("navigation.gnss.antennaAltitude", fields.number(9)?);
    report.set_some(HORIZONTAL_DILUTION, fields.number(8)?);
    report.set_some("navigation.gnss.geoidalSeparation", fields.number(11)?);
    report.set_some("navigation.gnss.differentialAge", fields.number(13)?);
    report.set_some("navigation.gnss.differentialReference", fields.number(14)?);
    stamp(fields, 1, report)
}

/// GLL: 1-4 position, 5 time, 6 status, 7 mode.
pub fn gll(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(6, b'V') || fields.is(7, b'N') || fields.all_empty(1..=5) {
        return Ok(());
    }
    report.set_or_null(POSITION, fields.position(1)?);
    stamp(fields, 5, report)
}

/// GNS: 1 time, 2-5 position, 6 a mode letter per constellation, 7 satellites used, 8 HDOP, 9 altitude, 10 geoidal
/// separation, 11 age and 12 station of the differential correction, 13 integrity.
pub fn gns(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    /// The mode letters, best first, and the fix quality they mean.
    const QUALITIES: [(u8, &str); 9] = [
        (b'R', "RTK fixed integer"),
        (b'F', "RTK float"),
        (b'P', "Precise GNSS"),
        (b'D', "DGNSS fix"),
        (b'A', "GNSS Fix"),
        (b'E', "Estimated (DR) mode"),
        (b'M', "Manual input"),
        (b'S', "Simulator mode"),
        (b'N', NO_FIX),
    ];
    let modes = fields.raw(6);
    let best = QUALITIES.iter().find(|(letter, _)| modes.contains(letter)).map(|(_, quality)| *quality);
    if best == Some(NO_FIX) {
        report.set(POSITION, Value::Null);
        report.set(METHOD_QUALITY, NO_FIX);
        return Ok(());
    }
    let Some(position) = fields.position(2)? else {
        return Ok(());
    };
    report.set(POSITION, position);
    report.set_some(METHOD_QUALITY, best);
    report.set_some(SATELLITES, fields.number(7)?);
    report.set_some("navigation.gnss.antennaAltitude", fields.number(9)?);
    report.set_some(HORIZONTAL_DILUTION, fields.number(8)?);
    report.set_some("navigation.gnss.geoidalSeparation", fields.number(10)?);
    report.set_some("navigation.gnss.differentialAge", fields.number(11)?);
    report.set_some("navigation.gnss.differentialReference", fields.number(12)?);
    let integrity = match fields.letter(13)? {
        Some(b'S') => Some("Safe"),
        Some(b'C') => Some("Caution"),
        Some(b'U') => Some("Unsafe"),
        Some(b'V') => Some("no Integrity checking"),
        _ => None,
    };
    report.set_some("navigation.gnss.integrity", integrity);
    stamp(fields, 1, report)
}

/// GSA: 2 kind of fix, 15 PDOP, 16 HDOP.
pub fn gsa(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(2, b'1') {
        return Ok(());
    }
    report.set_some("navigation.gnss.positionDilution", fields.number(15)?);
    report.set_some(HORIZONTAL_DILUTION, fields.number(16)?);
    Ok(())
}

/// VTG: 1 true course, 3 magnetic course, 5 speed in knots, 7 in km/h, 9 mode.
pub fn vtg(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.all_empty(1..=1) && fields.all_empty(3..=3) && fields.all_empty(5..=5) && fields.all_empty(7..=7) {
        return Ok(());
    }
    if !fields.raw(2).is_empty() && !fields.is(2, b'T') {
        return Err(fields.malformed(2, "T"));
    }
    let void = fields.is(9, b'N');
    let unless_void = |value: Option<f64>| value.filter(|_| !void);
    let speed = match fields.scaled(7, units::KILOMETRE_PER_HOUR)? {
        Some(speed) if fields.is(8, b'K') => Some(speed),
        _ => fields.scaled(5, units::KNOT)?,
    };
    report.set_or_null(COURSE_MAGNETIC, unless_void(fields.direction(3)?));
    report.set_or_null(COURSE_TRUE, unless_void(fields.direction(1)?));
    report.set_or_null(SPEED, unless_void(speed));
    Ok(())
}

/// ZDA: 1 time, 2-4 day, month and year.
pub fn zda(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let (Some(time), Some(date)) = (fields.time(1)?, fields.split_date(2)?) else {
        return Ok(());
    };
    if let Some(moment) = instant(date, time) {
        report.clock.observe(moment, report.now);
        report.set(DATETIME, iso(moment));
    }
    Ok(())
}

/// Takes the sentence's time of day for the time of the report.
pub(super) fn stamp(fields: &Fields, field: usize, report: &mut Report) -> Result<(), SentenceError> {
    if let Some(time) = fields.time(field)? {
        report.timestamp = report.clock.resolve(time, report.now);
    }
    Ok(())
}

/// An instant as the Signal K time format with milliseconds.
fn iso(moment: Timestamp) -> SmolStr {
    format_smolstr!("{moment:.3}")
}
