//! The units of NMEA 0183 in SI units.

/// Metres per nautical mile.
pub(super) const NAUTICAL_MILE: f64 = 1852.0;
/// Metres per second per knot.
pub(super) const KNOT: f64 = NAUTICAL_MILE / 3600.0;
/// Metres per second per kilometre per hour.
pub(super) const KILOMETRE_PER_HOUR: f64 = 1000.0 / 3600.0;
/// Metres per second per statute mile per hour.
pub(super) const MILE_PER_HOUR: f64 = 1609.344 / 3600.0;
/// Metres per foot.
pub(super) const FOOT: f64 = 0.3048;
/// Metres per fathom.
pub(super) const FATHOM: f64 = 6.0 * FOOT;
/// Kelvin at zero degrees Celsius.
pub(super) const ZERO_CELSIUS: f64 = 273.15;
/// Pascals per bar.
pub(super) const BAR: f64 = 100_000.0;
/// Pascals per inch of mercury.
pub(super) const INCH_OF_MERCURY: f64 = 3386.389;

/// Radians in 0..2π of any number of degrees.
pub(super) fn direction(degrees: f64) -> f64 {
    degrees.rem_euclid(360.0).to_radians()
}

/// Radians in -π..=π of any number of degrees; positive is clockwise, to starboard. Dead astern keeps its side.
pub(super) fn relative_angle(degrees: f64) -> f64 {
    if degrees.abs() <= 180.0 {
        return degrees.to_radians();
    }
    let degrees = degrees.rem_euclid(360.0);
    if degrees > 180.0 { (degrees - 360.0).to_radians() } else { degrees.to_radians() }
}
