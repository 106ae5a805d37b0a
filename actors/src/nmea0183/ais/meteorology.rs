//! The weather and the water at a station (IMO SN.1/Circ.289, "Meteorological and Hydrographic data").
//!
//! Many stations may share an MMSI, that of the authority that sends for them. Their contexts differ by their places: behind the MMSI
//! stand three decimals of the latitude and of the longitude.

use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use smol_str::{SmolStr, format_smolstr};

use super::super::value::Value;
use super::super::{Report, units};
use super::payload::Payload;
use super::report::TOO_SHORT;

/// Units of a degree in which the place is sent: thousandths of minutes.
const PER_DEGREE: f64 = 60_000.0;

/// A number in the message, and the path its value has.
struct Measurement {
    path: &'static str,
    /// The first bit, and how many there are.
    bits: (usize, usize),
    /// The numbers that are measurements; the others say that there is none. Below zero it is in two's complement.
    range: RangeInclusive<i32>,
    /// Added to the number before it is scaled.
    offset: i32,
    quantity: Quantity,
}

#[derive(Clone, Copy)]
enum Quantity {
    /// So many of it are one of the unit, which is so many of the SI unit.
    Scaled(f64, f64),
    /// In degrees.
    Direction,
    /// In tenths of degrees Celsius.
    Temperature,
}

/// A number in the message that stands for a word.
struct Word {
    path: &'static str,
    /// Where the number itself goes.
    number_path: &'static str,
    bits: (usize, usize),
    words: &'static [&'static str],
}

use Quantity::{Direction, Scaled, Temperature};

const fn measurement(
    path: &'static str,
    bits: (usize, usize),
    range: RangeInclusive<i32>,
    quantity: Quantity,
) -> Measurement {
    Measurement { path, bits, range, offset: 0, quantity }
}

const fn above(offset: i32, measurement: Measurement) -> Measurement {
    Measurement { offset, ..measurement }
}

const KNOTS: Quantity = Scaled(1.0, units::KNOT);
const TENTHS_OF_KNOTS: Quantity = Scaled(10.0, units::KNOT);
const SECONDS: Quantity = Scaled(1.0, 1.0);
const DECIMETRES: Quantity = Scaled(10.0, 1.0);
const CENTIMETRES: Quantity = Scaled(100.0, 1.0);
const PERCENT: Quantity = Scaled(100.0, 1.0);
const HECTOPASCALS: Quantity = Scaled(1.0, 100.0);
const TENTHS_OF_THOUSANDTHS: Quantity = Scaled(10_000.0, 1.0);

const MEASUREMENTS: &[Measurement] = &[
    measurement("environment.wind.averageSpeed", (122, 7), 0..=126, KNOTS),
    measurement("environment.wind.gust", (129, 7), 0..=126, KNOTS),
    measurement("environment.wind.directionTrue", (136, 9), 0..=359, Direction),
    measurement("environment.wind.gustDirectionTrue", (145, 9), 0..=359, Direction),
    measurement("environment.outside.temperature", (154, 11), -600..=600, Temperature),
    measurement("environment.outside.relativeHumidity", (165, 7), 0..=100, PERCENT),
    measurement("environment.outside.dewPointTemperature", (172, 10), -200..=500, Temperature),
    above(799, measurement("environment.outside.pressure", (182, 9), 0..=400, HECTOPASCALS)),
    above(-1000, measurement("environment.water.level", (201, 12), 0..=4000, CENTIMETRES)),
    measurement("environment.water.current.drift", (215, 8), 0..=251, TENTHS_OF_KNOTS),
    measurement("environment.water.current.set", (223, 9), 0..=359, Direction),
    measurement("environment.water.waves.significantHeight", (276, 8), 0..=251, DECIMETRES),
    measurement("environment.water.waves.period", (284, 6), 0..=60, SECONDS),
    measurement("environment.water.waves.directionTrue", (290, 9), 0..=359, Direction),
    measurement("environment.water.swell.height", (299, 8), 0..=251, DECIMETRES),
    measurement("environment.water.swell.period", (307, 6), 0..=60, SECONDS),
    measurement("environment.water.swell.directionTrue", (313, 9), 0..=359, Direction),
    measurement("environment.water.temperature", (326, 10), -100..=500, Temperature),
    measurement("environment.water.salinity", (339, 9), 0..=501, TENTHS_OF_THOUSANDTHS),
];

const TENDENCIES: &[&str] = &["steady", "decreasing", "increasing"];

const WORDS: &[Word] = &[
    Word {
        path: "environment.water.ice",
        number_path: "environment.water.iceValue",
        bits: (348, 2),
        words: &["no", "yes"],
    },
    Word {
        path: "environment.outside.precipitation",
        number_path: "environment.outside.precipitationValue",
        bits: (336, 3),
        words: &["reserved", "rain", "thunderstorm", "freezing rain", "mixed/ice", "snow", "reserved"],
    },
    // The Beaufort scale with the wind that makes such a sea.
    Word {
        path: "environment.water.seaState",
        number_path: "environment.water.seaStateValue",
        bits: (322, 4),
        words: &[
            "calm, 0-0.2 m/s",
            "light air, 0.3-1.5 m/s",
            "light breeze, 1.6-3.3 m/s",
            "gentle breeze, 3.4-5.4 m/s",
            "moderate breeze, 5.5-7.9 m/s",
            "fresh breeze, 8-10.7 m/s",
            "strong breeze, 10.8-13.8 m/s",
            "high wind, 13.9-17.1 m/s",
            "gale, 17.2-20.7 m/s",
            "strong gale, 20.8-24.4 m/s",
            "storm, 24.5-28.4 m/s",
            "violent storm, 28.5-32.6 m/s",
            "hurricane-force, ≥ 32.7 m/s",
        ],
    },
    Word {
        path: "environment.water.levelTendency",
        number_path: "environment.water.levelTendencyValue",
        bits: (213, 2),
        words: TENDENCIES,
    },
    Word {
        path: "environment.outside.pressureTendency",
        number_path: "environment.outside.pressureTendencyValue",
        bits: (191, 2),
        words: TENDENCIES,
    },
];

/// The context of the station: the MMSI alone when it does not say where it is.
pub(super) fn station(payload: &Payload, mmsi: u32) -> Result<SmolStr, &'static str> {
    // The time of the observation ends what every station sends.
    payload.unsigned(116, 6).ok_or(TOO_SHORT)?;
    Ok(match place(payload) {
        Some((latitude, longitude)) => format_smolstr!(
            "meteo.urn:mrn:imo:mmsi:{mmsi:09}:{}{}",
            three_decimals(latitude),
            three_decimals(longitude)
        ),
        None => format_smolstr!("meteo.urn:mrn:imo:mmsi:{mmsi:09}"),
    })
}

/// Tells what the station has observed; what it does not observe, or what the message is too short for, is left out.
pub(super) fn tell(payload: &Payload, report: &mut Report) {
    if let Some((latitude, longitude)) = place(payload) {
        report.set("navigation.position", Value::Position { latitude, longitude, altitude: None });
    }
    for Measurement { path, bits: (start, length), range, offset, quantity } in MEASUREMENTS {
        let number = if *range.start() < 0 {
            payload.signed(*start, *length)
        } else {
            payload.unsigned(*start, *length).and_then(|number| i32::try_from(number).ok())
        };
        let Some(number) = number.filter(|number| range.contains(number)).map(|it| f64::from(it + offset)) else {
            continue;
        };
        let value = match quantity {
            Scaled(per_unit, unit) => number / per_unit * unit,
            Direction => units::direction(number),
            Temperature => number / 10.0 + units::ZERO_CELSIUS,
        };
        report.set(path, value);
    }
    for Word { path, number_path, bits: (start, length), words } in WORDS {
        let number = payload.unsigned(*start, *length);
        if let Some((number, word)) = number.and_then(|number| Some((number, *words.get(number as usize)?))) {
            report.set(path, word);
            report.set(number_path, f64::from(number));
        }
    }
    if let (Some(beyond), Some(tenths)) = (payload.unsigned(193, 1), payload.unsigned(194, 7))
        && tenths < 127
    {
        report.set("environment.outside.horizontalVisibility", f64::from(tenths) / 10.0 * units::NAUTICAL_MILE);
        report.set("environment.outside.horizontalVisibility.overRange", Value::Json((beyond == 1).to_string()));
    }
    let time = [(106, 5), (111, 5), (116, 6)].map(|(start, length)| payload.unsigned(start, length));
    if let [Some(day), Some(hour), Some(minute)] = time
        && let Some(observed) = nearest([day, hour, minute], report.now)
    {
        report.set("environment.date", format_smolstr!("{observed:.3}"));
    }
}

/// Latitude and longitude in degrees.
fn place(payload: &Payload) -> Option<(f64, f64)> {
    let degrees = |number: i32| f64::from(number) / PER_DEGREE;
    let longitude = payload.signed(56, 25).map(degrees).filter(|it| it.abs() <= 180.0)?;
    let latitude = payload.signed(81, 24).map(degrees).filter(|it| it.abs() <= 90.0)?;
    Some((latitude, longitude))
}

/// The first three decimals of a number, rounded; halves go up, as in ECMAScript, so that stations have the ids they have elsewhere.
fn three_decimals(number: f64) -> SmolStr {
    let fraction = number.abs().fract();
    // Only sixteenths can be halves of a thousandth exactly.
    let fraction = if (fraction * 16.0).fract() == 0.0 { fraction + 1e-6 } else { fraction };
    let text = format!("{fraction:.3}");
    SmolStr::new(&text[text.len() - 3..])
}

/// The instant with this day of a month, hour and minute that is nearest to `now`: neither month nor year is sent.
fn nearest([day, hour, minute]: [u32; 3], now: Timestamp) -> Option<Timestamp> {
    let number = |number: u32| i8::try_from(number).ok();
    let (day, hour, minute) = (number(day)?, number(hour)?, number(minute)?);
    let present = TimeZone::UTC.to_datetime(now).date().first_of_month();
    let instant = |month: Date| {
        let civil = DateTime::new(month.year(), month.month(), day, hour, minute, 0, 0).ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    };
    let months = [-1, 0, 1].into_iter().filter_map(|months| present.checked_add(Span::new().months(months)).ok());
    months.filter_map(instant).min_by_key(|instant| instant.duration_since(now).abs())
}
