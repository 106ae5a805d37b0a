//! Log, water temperature and current.

use super::super::value::object;
use super::super::{Fields, Report, SentenceError, units};

/// VHW: 1 true and 3 magnetic heading, 5 speed through water in knots, 7 in km/h.
pub fn vhw(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_some("navigation.headingTrue", fields.direction(1)?);
    report.set_some("navigation.headingMagnetic", fields.direction(3)?);
    let speed = match fields.scaled(5, units::KNOT)? {
        Some(speed) => Some(speed),
        None => fields.scaled(7, units::KILOMETRE_PER_HOUR)?,
    };
    report.set_some("navigation.speedThroughWater", speed);
    Ok(())
}

/// VLW: 1 total and 3 trip distance through water, each with its unit.
pub fn vlw(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_some("navigation.log", fields.distance(1, 2)?);
    report.set_some("navigation.trip.log", fields.distance(3, 4)?);
    Ok(())
}

/// VDR: 1 true and 3 magnetic set of the current, 5 drift in knots. The value has the members that are known.
pub fn vdr(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let current = object(&[
        ("setTrue", fields.direction(1)?),
        ("setMagnetic", fields.direction(3)?),
        ("drift", fields.scaled(5, units::KNOT)?),
    ]);
    report.set_some("environment.current", current);
    Ok(())
}

/// MTW: 1 temperature of the water, 2 its unit.
pub fn mtw(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_or_null("environment.water.temperature", fields.temperature(1)?);
    Ok(())
}
