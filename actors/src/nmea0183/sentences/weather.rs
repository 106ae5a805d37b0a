//! Weather stations.

use super::super::{Fields, Report, SentenceError, units};

const AIR_TEMPERATURE: &str = "environment.outside.temperature";

/// MTA: 1 temperature of the air, 2 its unit.
pub fn mta(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_or_null(AIR_TEMPERATURE, fields.temperature(1)?);
    Ok(())
}

/// MDA: air pressure (1 inches of mercury, 3 bar), 5 air and 7 water temperature, 9 relative humidity in percent,
/// 11 dew point, 13 true and 15 magnetic wind direction, wind speed over ground (17 knots, 19 m/s).
pub fn mda(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let pressure = match fields.scaled(3, units::BAR)? {
        Some(pressure) => Some(pressure),
        None => fields.scaled(1, units::INCH_OF_MERCURY)?,
    };
    report.set_some("environment.outside.pressure", pressure);
    report.set_some(AIR_TEMPERATURE, fields.temperature(5)?);
    report.set_some("environment.water.temperature", fields.temperature(7)?);
    report.set_some("environment.outside.humidity", fields.scaled(9, 0.01)?);
    report.set_some("environment.outside.dewPointTemperature", fields.temperature(11)?);
    report.set_some("environment.wind.directionTrue", fields.direction(13)?);
    report.set_some("environment.wind.directionMagnetic", fields.direction(15)?);
    let speed = match fields.number(19)? {
        Some(speed) => Some(speed),
        None => fields.scaled(17, units::KNOT)?,
    };
    report.set_some("environment.wind.speedOverGround", speed);
    Ok(())
}
