//! Wind.

use super::super::{Fields, Report, SentenceError, units};

const SPEED_APPARENT: &str = "environment.wind.speedApparent";
const ANGLE_APPARENT: &str = "environment.wind.angleApparent";
const SPEED_TRUE: &str = "environment.wind.speedTrue";
const ANGLE_TRUE: &str = "environment.wind.angleTrueWater";

/// MWV: 1 angle, 2 reference (R apparent, T true), 3 speed, 4 its unit, 5 status.
pub fn mwv(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if !fields.is(5, b'A') {
        return Ok(());
    }
    let (speed_path, angle_path) = match fields.letter(2)? {
        Some(b'R') => (SPEED_APPARENT, ANGLE_APPARENT),
        Some(b'T') => (SPEED_TRUE, ANGLE_TRUE),
        _ => return Err(fields.malformed(2, "R or T")),
    };
    let speed = match fields.number(3)? {
        None => None,
        Some(speed) => Some(
            speed
                * match fields.letter(4)? {
                    Some(b'N') => units::KNOT,
                    Some(b'K') => units::KILOMETRE_PER_HOUR,
                    Some(b'M') => 1.0,
                    Some(b'S') => units::MILE_PER_HOUR,
                    _ => return Err(fields.malformed(4, "N, K, M or S")),
                },
        ),
    };
    report.set_some(speed_path, speed);
    report.set_some(angle_path, fields.degrees(1)?.map(units::relative_angle));
    Ok(())
}

/// MWD: 1 true and 3 magnetic direction the wind comes from, 5 speed in knots, 7 in m/s.
pub fn mwd(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let (true_direction, magnetic_direction) = (fields.direction(1)?, fields.direction(3)?);
    if true_direction.is_none() && magnetic_direction.is_none() {
        // A speed alone repeats what MWV or VWT of the same instrument say.
        return Ok(());
    }
    report.set_some("environment.wind.directionTrue", true_direction);
    report.set_some("environment.wind.directionMagnetic", magnetic_direction);
    report.set_some(SPEED_TRUE, first_speed(fields, &[(7, 1.0), (5, units::KNOT)])?);
    Ok(())
}

/// VWR: 1-2 apparent angle, 3 speed in knots, 5 in m/s, 7 in km/h.
pub fn vwr(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let speeds = [(3, units::KNOT), (5, 1.0), (7, units::KILOMETRE_PER_HOUR)];
    report.set_some(ANGLE_APPARENT, side_angle(fields)?);
    report.set_some(SPEED_APPARENT, first_speed(fields, &speeds)?);
    Ok(())
}

/// VWT: 1-2 true angle, 3 speed in knots, 5 in m/s, 7 in km/h.
pub fn vwt(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let Some(angle) = side_angle(fields)? else {
        return Ok(());
    };
    let speeds = [(5, 1.0), (3, units::KNOT), (7, units::KILOMETRE_PER_HOUR)];
    report.set_some(SPEED_TRUE, first_speed(fields, &speeds)?);
    report.set(ANGLE_TRUE, angle);
    Ok(())
}

/// VPW: speed parallel to the wind, 1 in knots, 3 in m/s.
pub fn vpw(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_some("performance.velocityMadeGood", first_speed(fields, &[(3, 1.0), (1, units::KNOT)])?);
    Ok(())
}

/// An angle from the bow with L or R after it.
fn side_angle(fields: &Fields) -> Result<Option<f64>, SentenceError> {
    Ok(fields.signed_degrees(1, b'R', b'L', "L or R")?.map(units::relative_angle))
}

/// The first speed that is told, by field and unit.
fn first_speed(fields: &Fields, speeds: &[(usize, f64)]) -> Result<Option<f64>, SentenceError> {
    for (field, unit) in speeds {
        if let Some(speed) = fields.scaled(*field, *unit)? {
            return Ok(Some(speed));
        }
    }
    Ok(None)
}
