//! Plotter to autopilot: the leg, the next waypoint and the deviation from the track.

use super::super::value::{Value, write_text};
use super::super::{Fields, Report, SentenceError, units};
use super::gnss::stamp;

const CROSS_TRACK_ERROR: &str = "navigation.courseRhumbline.crossTrackError";
const TRACK_TRUE: &str = "navigation.courseRhumbline.bearingTrackTrue";
const TRACK_MAGNETIC: &str = "navigation.courseRhumbline.bearingTrackMagnetic";
const NEXT_POSITION: &str = "navigation.courseRhumbline.nextPoint.position";
const NEXT_ID: &str = "navigation.courseRhumbline.nextPoint.ID";
const NEXT_DISTANCE: &str = "navigation.courseRhumbline.nextPoint.distance";
const NEXT_BEARING_TRUE: &str = "navigation.courseRhumbline.nextPoint.bearingTrue";
const NEXT_BEARING_MAGNETIC: &str = "navigation.courseRhumbline.nextPoint.bearingMagnetic";
const PREVIOUS_ID: &str = "navigation.courseRhumbline.previousPoint.ID";

/// XTE: 1 and 2 status, 3 distance from the track, 4 side to steer to, 5 unit, 6 mode.
pub fn xte(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if !fields.is(1, b'V') && !fields.is(2, b'V') && !fields.is(6, b'N') {
        report.set_some(CROSS_TRACK_ERROR, cross_track_error(fields, 3, 5)?);
    }
    Ok(())
}

/// APB: 1 and 2 status, 3-5 cross track error, 6 arrival circle entered, 7 perpendicular passed, 8-9 bearing from the
/// last to the next waypoint, 10 its id, 11-12 bearing from here, 13-14 heading to steer, 15 mode.
pub fn apb(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let void = fields.is(1, b'V') || fields.is(2, b'V') || fields.is(15, b'N');
    let nothing = [3, 8, 11, 13].into_iter().all(|field| fields.raw(field).is_empty());
    if void || nothing {
        return Ok(());
    }
    let destination = fields.text(10);
    report.set_some(CROSS_TRACK_ERROR, cross_track_error(fields, 3, 5)?);
    if let Some((track, reference)) = bearing(fields, 8)? {
        let (track_path, path) = reference.choose(
            (TRACK_TRUE, "navigation.courseRhumbline.bearingOriginToDestinationTrue"),
            (TRACK_MAGNETIC, "navigation.courseRhumbline.bearingOriginToDestinationMagnetic"),
        );
        report.set(track_path, track);
        report.set(path, track);
    }
    if let Some((bearing, reference)) = bearing(fields, 11)? {
        let (path, next_path) = reference.choose(
            ("navigation.courseRhumbline.bearingToDestinationTrue", NEXT_BEARING_TRUE),
            ("navigation.courseRhumbline.bearingToDestinationMagnetic", NEXT_BEARING_MAGNETIC),
        );
        report.set(path, bearing);
        report.set(next_path, bearing);
    }
    report.set_some(NEXT_ID, destination.clone());
    if let Some((heading, reference)) = bearing(fields, 13)? {
        let path =
            reference.choose("steering.autopilot.target.headingTrue", "steering.autopilot.target.headingMagnetic");
        report.set(path, heading);
    }
    let waypoint = destination.as_deref().unwrap_or("the waypoint");
    for (field, path, what) in [
        (6, "notifications.arrivalCircleEntered", "Inside the arrival circle of"),
        (7, "notifications.perpendicularPassed", "Abeam of"),
    ] {
        match fields.letter(field)? {
            Some(b'A') => report.set(path, alarm(&format!("{what} {waypoint}"))),
            Some(_) => report.set(path, Value::Null),
            None => {}
        }
    }
    Ok(())
}

/// RMB: 1 status, 2-3 cross track error in nautical miles, 4 origin, 5 destination, 6-9 its position, 10 distance in
/// nautical miles, 11 true bearing, 12 speed towards it in knots, 14 mode.
pub fn rmb(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(1, b'V') || fields.is(14, b'N') || fields.all_empty(2..=12) {
        return Ok(());
    }
    report.set_or_null(NEXT_POSITION, fields.position(6)?);
    report.set_some(NEXT_BEARING_TRUE, fields.direction(11)?);
    report.set_some("navigation.courseRhumbline.nextPoint.velocityMadeGood", fields.scaled(12, units::KNOT)?);
    report.set_some(NEXT_DISTANCE, fields.scaled(10, units::NAUTICAL_MILE)?);
    report.set_some(CROSS_TRACK_ERROR, steered(fields, fields.scaled(2, units::NAUTICAL_MILE)?, 3)?);
    report.set_some(NEXT_ID, fields.text(5));
    report.set_some(PREVIOUS_ID, fields.text(4));
    Ok(())
}

/// BOD: 1 true and 3 magnetic bearing from origin to destination, 5 destination, 6 origin.
pub fn bod(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let (true_bearing, magnetic_bearing) = (fields.direction(1)?, fields.direction(3)?);
    if true_bearing.is_none() && magnetic_bearing.is_none() {
        return Ok(());
    }
    report.set_some(TRACK_TRUE, true_bearing);
    report.set_some(TRACK_MAGNETIC, magnetic_bearing);
    report.set_some(NEXT_ID, fields.text(5));
    report.set_some(PREVIOUS_ID, fields.text(6));
    Ok(())
}

/// BWC: bearing and distance to a waypoint along the great circle.
pub fn bwc(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    waypoint(
        fields,
        report,
        [
            "navigation.courseGreatCircle.nextPoint.position",
            "navigation.courseGreatCircle.nextPoint.distance",
            "navigation.courseGreatCircle.nextPoint.bearingTrue",
            "navigation.courseGreatCircle.nextPoint.bearingMagnetic",
        ],
    )
}

/// BWR: bearing and distance to a waypoint along the rhumb line.
pub fn bwr(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    waypoint(fields, report, [NEXT_POSITION, NEXT_DISTANCE, NEXT_BEARING_TRUE, NEXT_BEARING_MAGNETIC])
}

/// BWC and BWR: 1 time, 2-5 position of the waypoint, 6 true and 8 magnetic bearing, 10-11 distance, 13 mode.
fn waypoint(fields: &Fields, report: &mut Report, paths: [&'static str; 4]) -> Result<(), SentenceError> {
    let nothing = fields.all_empty(2..=6) && fields.all_empty(8..=8) && fields.all_empty(10..=10);
    if nothing || fields.is(13, b'N') {
        return Ok(());
    }
    let [position, distance, bearing_true, bearing_magnetic] = paths;
    report.set_or_null(position, fields.position(2)?);
    report.set_some(distance, fields.distance(10, 11)?);
    report.set_some(bearing_true, fields.direction(6)?);
    report.set_some(bearing_magnetic, fields.direction(8)?);
    stamp(fields, 1, report)
}

/// A cross track error in metres: the distance at `field`, the side to steer to after it, its unit at `unit_field`.
fn cross_track_error(fields: &Fields, field: usize, unit_field: usize) -> Result<Option<f64>, SentenceError> {
    steered(fields, fields.distance(field, unit_field)?, field + 1)
}

/// Gives a distance from the track its sign: positive to the right of the track, where one steers to the left.
fn steered(fields: &Fields, distance: Option<f64>, side_field: usize) -> Result<Option<f64>, SentenceError> {
    let Some(distance) = distance else {
        return Ok(None);
    };
    match fields.letter(side_field)? {
        Some(b'L') => Ok(Some(distance)),
        Some(b'R') => Ok(Some(-distance)),
        None if distance == 0.0 => Ok(Some(0.0)),
        _ => Err(fields.malformed(side_field, "L or R")),
    }
}

/// What north a bearing is measured from.
#[derive(Clone, Copy)]
enum North {
    True,
    Magnetic,
}

impl North {
    fn choose<T>(self, if_true: T, if_magnetic: T) -> T {
        match self {
            Self::True => if_true,
            Self::Magnetic => if_magnetic,
        }
    }
}

/// A bearing in radians with T or M after it.
fn bearing(fields: &Fields, field: usize) -> Result<Option<(f64, North)>, SentenceError> {
    let Some(bearing) = fields.direction(field)? else {
        return Ok(None);
    };
    match fields.letter(field + 1)? {
        Some(b'T') => Ok(Some((bearing, North::True))),
        Some(b'M') => Ok(Some((bearing, North::Magnetic))),
        _ => Err(fields.malformed(field + 1, "T or M")),
    }
}

/// A notification in the alarm state.
fn alarm(message: &str) -> Value {
    let mut json = String::from(r#"{"state":"alarm","method":["visual","sound"],"message":"#);
    write_text(&mut json, message);
    json.push('}');
    Value::Json(json)
}
