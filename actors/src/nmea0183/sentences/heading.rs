//! Compass, rate of turn and rudder.

use super::super::{Fields, Report, SentenceError, units};

const TRUE: &str = "navigation.headingTrue";
const MAGNETIC: &str = "navigation.headingMagnetic";

/// HDG: 1 compass heading, 2-3 deviation, 4-5 variation.
pub fn hdg(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let compass = fields.degrees(1)?;
    let deviation = fields.signed_degrees(2, b'E', b'W', "E or W")?;
    let variation = fields.signed_degrees(4, b'E', b'W', "E or W")?;
    if let Some(compass) = compass {
        let magnetic = compass + deviation.unwrap_or(0.0);
        report.set(MAGNETIC, units::direction(magnetic));
        if deviation.is_some() {
            report.set("navigation.headingCompass", units::direction(compass));
        }
        report.set_some(TRUE, variation.map(|variation| units::direction(magnetic + variation)));
    }
    report.set_some("navigation.magneticVariation", variation.map(f64::to_radians));
    report.set_some("navigation.magneticDeviation", deviation.map(f64::to_radians));
    Ok(())
}

/// HDM: 1 magnetic heading.
pub fn hdm(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_some(MAGNETIC, fields.direction(1)?);
    Ok(())
}

/// HDT: 1 true heading.
pub fn hdt(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_some(TRUE, fields.direction(1)?);
    Ok(())
}

/// HSC: 1 true and 3 magnetic heading to steer.
pub fn hsc(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_some("steering.autopilot.target.headingTrue", fields.direction(1)?);
    report.set_some("steering.autopilot.target.headingMagnetic", fields.direction(3)?);
    Ok(())
}

/// ROT: 1 degrees per minute, positive to starboard, 2 status.
pub fn rot(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(2, b'A') {
        report.set_some("navigation.rateOfTurn", fields.number(1)?.map(|rate| rate.to_radians() / 60.0));
    }
    Ok(())
}

/// RSA: 1 angle of the starboard or only rudder, 2 its status.
pub fn rsa(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(2, b'A') {
        report.set_some("steering.rudderAngle", fields.degrees(1)?.map(units::relative_angle));
    }
    Ok(())
}
