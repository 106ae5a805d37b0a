//! XDR: transducers that are told apart by name.

use smol_str::{SmolStr, format_smolstr};

use super::super::value::object;
use super::super::{Fields, Report, SentenceError, units};

/// Digits of the number behind a name: nobody has a thousand batteries.
const MOST_DIGITS: usize = 3;

/// XDR: groups of four fields: kind of transducer, measurement, unit, name.
///
/// The standard leaves the names open. Those that common instruments and gateways use are understood, in any case and
/// with an optional number of at most three digits after them (`BATT#1`, `ENGINE#0`); the others are passed over. A longer number is
/// refused: each would make a path of its own, for ever.
pub fn xdr(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let mut attitude = [("roll", None), ("pitch", None), ("yaw", None)];
    for first in (1..=fields.len()).step_by(4) {
        let Some(name) = fields.text(first + 3) else { continue };
        let (name, number) = split_number(&name);
        // Groups with other kinds and units are others' business, and no reason to do without those of this sentence.
        let Ok(kind) = fields.letter(first) else { continue };
        let kind = kind.unwrap_or(b' ');
        let Some(measure) = Measure::find(kind, &name) else { continue };
        let Some(value) = measure.quantity.read(fields, first + 1)? else { continue };
        match measure.place {
            Place::Attitude(axis) => attitude[axis].1 = Some(value),
            Place::Path(path) => report.set(path, value),
            Place::Numbered(..) if number.as_ref().is_some_and(|number| number.len() > MOST_DIGITS) => {
                return Err(fields.malformed(first + 3, "a name with a number of at most three digits"));
            }
            Place::Numbered(before, after) => {
                report.set_at(format_smolstr!("{before}{}{after}", number.as_deref().unwrap_or("0")), value);
            }
        }
    }
    report.set_some("navigation.attitude", object(&attitude));
    Ok(())
}

/// A kind of measurement: which names it has, its quantity, and where its value belongs.
struct Measure {
    kind: u8,
    names: &'static [&'static str],
    quantity: Quantity,
    place: Place,
}

#[derive(Clone, Copy)]
enum Place {
    /// A member of `navigation.attitude`.
    Attitude(usize),
    Path(&'static str),
    /// A path with the transducer's number in it.
    Numbered(&'static str, &'static str),
}

#[derive(Clone, Copy)]
enum Quantity {
    Angle,
    Temperature,
    Pressure,
    Ratio,
    Voltage,
    Current,
    Revolutions,
}

const fn measure(kind: u8, names: &'static [&'static str], quantity: Quantity, place: Place) -> Measure {
    Measure { kind, names, quantity, place }
}

const MEASURES: &[Measure] = &[
    measure(b'A', &["ROLL", "HEEL"], Quantity::Angle, Place::Attitude(0)),
    measure(b'A', &["PTCH", "PITCH", "TRIM"], Quantity::Angle, Place::Attitude(1)),
    measure(b'A', &["YAW"], Quantity::Angle, Place::Attitude(2)),
    measure(b'A', &["RUDDER"], Quantity::Angle, Place::Path("steering.rudderAngle")),
    measure(
        b'C',
        &["AIR", "TEMPAIR", "AIRTEMP", "ENV_OUTAIR_T", "ENV_OUTSIDE_T", "TEMP_AIR"],
        Quantity::Temperature,
        Place::Path("environment.outside.temperature"),
    ),
    measure(
        b'C',
        &["INSIDE", "ENV_INAIR_T", "ENV_INSIDE_T", "TEMPINSIDE"],
        Quantity::Temperature,
        Place::Path("environment.inside.temperature"),
    ),
    measure(
        b'C',
        &["WATER", "WATERTEMP", "ENV_WATER_T", "TEMPWATER"],
        Quantity::Temperature,
        Place::Path("environment.water.temperature"),
    ),
    measure(b'C', &["ENGINE", "ENGT"], Quantity::Temperature, Place::Numbered("propulsion.engine_", ".temperature")),
    measure(
        b'P',
        &["BARO", "BAROMETER", "ENV_ATMOS_P", "PRESS"],
        Quantity::Pressure,
        Place::Path("environment.outside.pressure"),
    ),
    measure(
        b'P',
        &["ENGOIL", "OILPRESSURE"],
        Quantity::Pressure,
        Place::Numbered("propulsion.engine_", ".oilPressure"),
    ),
    measure(
        b'H',
        &["HUMIDITY", "AIR", "ENV_OUTSIDE_H", "ENV_OUTAIR_H"],
        Quantity::Ratio,
        Place::Path("environment.outside.humidity"),
    ),
    measure(b'U', &["BATT", "BATTERY", "BAT"], Quantity::Voltage, Place::Numbered("electrical.batteries.", ".voltage")),
    measure(b'I', &["BATT", "BATTERY", "BAT"], Quantity::Current, Place::Numbered("electrical.batteries.", ".current")),
    measure(b'U', &["ALTERNATOR"], Quantity::Voltage, Place::Numbered("propulsion.engine_", ".alternatorVoltage")),
    measure(b'T', &["ENGINE"], Quantity::Revolutions, Place::Numbered("propulsion.engine_", ".revolutions")),
    measure(b'V', &["FUEL"], Quantity::Ratio, Place::Numbered("tanks.fuel.", ".currentLevel")),
    measure(b'V', &["FRESHWATER"], Quantity::Ratio, Place::Numbered("tanks.freshWater.", ".currentLevel")),
    measure(b'V', &["WASTEWATER", "GREYWATER"], Quantity::Ratio, Place::Numbered("tanks.wasteWater.", ".currentLevel")),
    measure(b'V', &["BLACKWATER"], Quantity::Ratio, Place::Numbered("tanks.blackWater.", ".currentLevel")),
];

impl Measure {
    fn find(kind: u8, name: &str) -> Option<&'static Self> {
        MEASURES
            .iter()
            .find(|measure| measure.kind == kind && measure.names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }
}

impl Quantity {
    /// The measurement at `field` with its unit in the next one, in SI units. A unit that does not fit the quantity,
    /// such as litres for a level, gives `None`.
    fn read(self, fields: &Fields, field: usize) -> Result<Option<f64>, SentenceError> {
        let Ok(unit) = fields.letter(field + 1) else { return Ok(None) };
        let value = match (self, unit) {
            (Self::Angle, Some(b'D')) => fields.degrees(field)?.map(units::relative_angle),
            (Self::Temperature, Some(b'C' | b'F')) => fields.temperature(field)?,
            (Self::Temperature, Some(b'K')) => fields.number(field)?,
            (Self::Pressure, Some(b'B')) => fields.scaled(field, units::BAR)?,
            (Self::Pressure, Some(b'P')) => fields.number(field)?,
            (Self::Ratio, Some(b'P')) => fields.scaled(field, 0.01)?,
            (Self::Voltage, Some(b'V')) => fields.number(field)?,
            (Self::Current, Some(b'A')) => fields.number(field)?,
            (Self::Revolutions, Some(b'R')) => fields.number(field)?.map(|per_minute| per_minute / 60.0),
            _ => None,
        };
        Ok(value)
    }
}

/// Separates the number at the end of a name, with or without `#`.
fn split_number(name: &str) -> (SmolStr, Option<SmolStr>) {
    let base = name.trim_end_matches(|character: char| character.is_ascii_digit());
    let number = &name[base.len()..];
    let number = (!number.is_empty()).then(|| SmolStr::new(number));
    (SmolStr::new(base.trim_end_matches('#')), number)
}
