//! The instruments: what they measure of the boat, put into sentences at their own pace.

use std::f64::consts::TAU;
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::boat::Boat;
use super::environment::{KNOT, Sea, Weather};
use super::geo::{Position, half_turn, turn};
use super::random::Random;
use super::settings::BoatSettings;

const NAUTICAL_MILE: f64 = 1852.0;
/// Steps of the simulation in a second.
const STEPS_PER_SECOND: u64 = 10;

/// All that can be measured at one moment.
pub(super) struct Reading<'a> {
    pub time: Timestamp,
    pub elapsed: f64,
    pub boat: &'a Boat,
    pub weather: &'a Weather,
    pub sea: &'a Sea,
    pub settings: &'a BoatSettings,
}

type Speaker = fn(&Reading, &mut Random, &mut Vec<String>);

/// The instruments aboard and their timing.
#[derive(Debug)]
pub(super) struct Instruments {
    /// Steps between two utterances, the step within them, and what speaks.
    timetable: Vec<(u64, u64, Speaker)>,
}

impl Instruments {
    pub fn new(settings: &BoatSettings) -> Self {
        let output = &settings.output;
        let every = |rate: u32| STEPS_PER_SECOND.div_ceil(u64::from(rate.max(1)));
        let mut timetable: Vec<(u64, u64, Speaker)> = vec![
            (every(output.heading_rate), 0, compass),
            (every(output.wind_rate), 1, apparent_wind),
            (every(output.position_rate), 0, position),
            (10, 2, water),
            (10, 3, plotter),
            (10, 5, engine),
            (10, 6, attitude),
            (50, 7, slow),
            (50, 8, satellites),
        ];
        if output.true_wind {
            timetable.push((every(output.wind_rate), 1, true_wind));
        }
        Self { timetable }
    }

    /// Lets all instruments speak that are due at this step.
    pub fn speak(&self, step: u64, reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
        for (every, offset, speaker) in &self.timetable {
            if step % every == offset % every {
                speaker(reading, random, out);
            }
        }
    }
}

/// HDG, HDT and ROT.
fn compass(reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
    let boat = reading.boat;
    let (compass, deviation, variation) = compass_heading(reading);
    let compass = turn(compass + 0.002 * random.normal());
    let heading = turn(boat.heading + 0.001 * random.normal());
    say(out, format_args!("HCHDG,{},{},{}", degrees(compass), east_west(deviation), east_west(variation)));
    say(out, format_args!("HCHDT,{},T", degrees(heading)));
    say(out, format_args!("TIROT,{:.1},A", boat.rate_of_turn.to_degrees() * 60.0));
}

/// What the compass shows, its deviation on this heading, and the variation.
fn compass_heading(reading: &Reading) -> (f64, f64, f64) {
    let settings = &reading.settings.compass;
    let variation = settings.variation.to_radians();
    let magnetic = turn(reading.boat.heading - variation);
    let deviation = settings.deviation.to_radians() * (magnetic + 0.6).sin();
    (turn(magnetic - deviation), deviation, variation)
}

/// MWV with the apparent wind.
fn apparent_wind(reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
    let (angle, speed) = reading.boat.apparent_wind(reading.weather);
    let angle = turn(angle + 0.015 * random.normal());
    say(out, format_args!("WIMWV,{},R,{:.1},N,A", degrees(angle), speed / KNOT));
}

/// MWV and MWD with the true wind.
fn true_wind(reading: &Reading, _random: &mut Random, out: &mut Vec<String>) {
    let weather = reading.weather;
    let through_water = super::geo::Vector::polar(reading.boat.speed_through_water, reading.boat.heading);
    let current = reading.boat.velocity.minus(through_water);
    let over_water = weather.air_velocity().minus(current).times(-1.0);
    let angle = turn(over_water.direction() - reading.boat.heading);
    say(out, format_args!("WIMWV,{},T,{:.1},N,A", degrees(angle), over_water.length() / KNOT));
    let magnetic = turn(weather.wind_direction - reading.settings.compass.variation.to_radians());
    let (knots, metres) = (weather.wind_speed / KNOT, weather.wind_speed);
    let direction = degrees(weather.wind_direction);
    say(out, format_args!("WIMWD,{direction},T,{},M,{knots:.1},N,{metres:.1},M", degrees(magnetic)));
}

/// RMC, GGA, GLL and VTG.
fn position(reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
    let boat = reading.boat;
    let date_time = utc(reading.time);
    let (time, date) = (time_of(date_time), date_time.strftime("%d%m%y"));
    // Receivers wander by a metre or so.
    let noise = super::geo::Vector { north: 0.4 * random.normal(), east: 0.4 * random.normal() };
    let place = coordinates(boat.position.moved(noise));
    let variation = reading.settings.compass.variation.to_radians();
    let course = turn(boat.velocity.direction() + 0.004 * random.normal());
    let speed = boat.velocity.length() / KNOT;
    let (true_course, magnetic_course) = (degrees(course), degrees(turn(course - variation)));
    let used = 9 + (reading.elapsed / 300.0) as u64 % 4;
    let dilution = 0.9 + 0.15 * (reading.elapsed / 170.0).sin();
    let altitude = 2.5 + 0.6 * (reading.elapsed / 40.0).sin();
    say(out, format_args!("GPRMC,{time},A,{place},{speed:.2},{true_course},{date},{},A", east_west(variation)));
    say(out, format_args!("GPGGA,{time},{place},1,{used:02},{dilution:.1},{altitude:.1},M,18.6,M,,"));
    say(out, format_args!("GPGLL,{place},{time},A,A"));
    say(out, format_args!("GPVTG,{true_course},T,{magnetic_course},M,{speed:.2},N,{:.2},K,A", speed * 1.852));
}

/// VHW, DBT and DPT.
fn water(reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
    let boat = reading.boat;
    let speed = (boat.speed_through_water + 0.02 * random.normal()).max(0.0);
    let magnetic = turn(boat.heading - reading.settings.compass.variation.to_radians());
    let (knots, kilometres) = (speed / KNOT, speed * 3.6);
    let heading = degrees(boat.heading);
    say(out, format_args!("VWVHW,{heading},T,{},M,{knots:.2},N,{kilometres:.2},K", degrees(magnetic)));
    let hull = &reading.settings.boat;
    let depth = (reading.sea.depth(boat.position) - hull.transducer_depth + 0.03 * random.normal()).max(0.3);
    say(out, format_args!("SDDBT,{:.1},f,{depth:.2},M,{:.1},F", depth / 0.3048, depth / 1.8288));
    say(out, format_args!("SDDPT,{depth:.2},{:.2}", hull.transducer_depth));
}

/// XTE, APB and RMB, silent at anchor.
fn plotter(reading: &Reading, _random: &mut Random, out: &mut Vec<String>) {
    let (boat, settings) = (reading.boat, reading.settings);
    if boat.anchored.is_some() {
        return;
    }
    let off_track = boat.cross_track_error(settings);
    let (miles, side) = ((off_track / NAUTICAL_MILE).abs(), if off_track > 0.0 { 'L' } else { 'R' });
    let to_go = boat.position.to(boat.destination(settings));
    let bearing = to_go.direction();
    let inside = if to_go.length() < settings.route.arrival_radius * 2.0 { 'A' } else { 'V' };
    let passed = if to_go.along(boat.track(settings)) < 0.0 { 'A' } else { 'V' };
    let waypoint = |index: usize| settings.route.waypoints[index].name.as_str();
    let (from, to) = (waypoint(boat.previous), waypoint(boat.next));
    let steer = turn(bearing - (off_track / 300.0).clamp(-0.6, 0.6));
    let (track, bearing_text, steer) = (degrees(boat.track(settings)), degrees(bearing), degrees(steer));
    say(out, format_args!("ECXTE,A,A,{miles:.3},{side},N,A"));
    say(
        out,
        format_args!("ECAPB,A,A,{miles:.3},{side},N,{inside},{passed},{track},T,{to},{bearing_text},T,{steer},T,A"),
    );
    let (place, range) = (coordinates(boat.destination(settings)), to_go.length() / NAUTICAL_MILE);
    let closing = boat.velocity.along(bearing) / KNOT;
    say(
        out,
        format_args!("ECRMB,A,{miles:.3},{side},{from},{to},{place},{range:.3},{bearing_text},{closing:.2},{inside},A"),
    );
}

/// RPM.
fn engine(reading: &Reading, _random: &mut Random, out: &mut Vec<String>) {
    let rpm = reading.boat.engine_rpm;
    say(out, format_args!("ERRPM,E,1,{:.0},,A", if rpm < 50.0 { 0.0 } else { rpm }));
}

/// XDR with heel and trim.
fn attitude(reading: &Reading, _random: &mut Random, out: &mut Vec<String>) {
    let (pitch, roll) = (reading.boat.pitch.to_degrees(), reading.boat.roll.to_degrees());
    say(out, format_args!("YXXDR,A,{pitch:.1},D,PITCH,A,{roll:.1},D,ROLL"));
}

/// MTW, VLW, ZDA, and XDR with air temperature, air pressure and battery voltage.
fn slow(reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
    let (boat, weather) = (reading.boat, reading.weather);
    say(out, format_args!("YXMTW,{:.1},C", reading.sea.temperature(boat.position) - 273.15));
    let (log, trip) = (boat.log / NAUTICAL_MILE, (boat.log / NAUTICAL_MILE - 1234.5).max(0.0));
    say(out, format_args!("VWVLW,{log:.2},N,{trip:.2},N"));
    let date_time = utc(reading.time);
    say(out, format_args!("GPZDA,{},{},00,00", time_of(date_time), date_time.strftime("%d,%m,%Y")));
    let voltage = if boat.engine_rpm > 500.0 { 14.1 } else { 12.7 } + 0.02 * random.normal();
    let (air, pressure) = (weather.air_temperature - 273.15, weather.air_pressure / 100_000.0);
    say(out, format_args!("YXXDR,C,{air:.1},C,AIR,P,{pressure:.5},B,BARO,U,{voltage:.2},V,BATT#1"));
}

/// GSV: satellites that rise, cross the sky and set.
fn satellites(reading: &Reading, random: &mut Random, out: &mut Vec<String>) {
    let mut visible = Vec::new();
    for number in 1..=20_u32 {
        let seat = f64::from(number);
        let elevation = 60.0 * (reading.elapsed / 6000.0 + seat * 1.7).sin() + 20.0;
        if elevation > 5.0 {
            let azimuth = turn(reading.elapsed / 9000.0 + seat * 2.4).to_degrees();
            let strength = (24.0 + elevation * 0.27 + 1.5 * random.normal()).max(15.0);
            visible.push(format!("{number:02},{elevation:02.0},{:03.0},{strength:02.0}", azimuth.min(359.0)));
        }
    }
    let total = visible.chunks(4).len();
    for (index, group) in visible.chunks(4).enumerate() {
        say(out, format_args!("GPGSV,{total},{},{:02},{}", index + 1, visible.len(), group.join(",")));
    }
}

/// Appends a sentence with `$` and checksum.
fn say(out: &mut Vec<String>, body: std::fmt::Arguments) {
    let mut sentence = format!("${body}");
    let sum = sentence.bytes().skip(1).fold(0, |sum, byte| sum ^ byte);
    write!(sentence, "*{sum:02X}").expect("writing to a String cannot fail");
    out.push(sentence);
}

fn utc(time: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(time)
}

/// `hhmmss.ss`.
fn time_of(time: DateTime) -> String {
    let hundredths = time.subsec_nanosecond() / 10_000_000;
    format!("{:02}{:02}{:02}.{hundredths:02}", time.hour(), time.minute(), time.second())
}

/// A direction with one decimal, below 360.
fn degrees(angle: f64) -> String {
    let tenths = (turn(angle) / TAU * 3600.0).round() % 3600.0;
    format!("{:05.1}", tenths / 10.0)
}

/// An angle with its side, east positive.
fn east_west(angle: f64) -> String {
    let angle = half_turn(angle).to_degrees();
    format!("{:.1},{}", angle.abs(), if angle < 0.0 { 'W' } else { 'E' })
}

/// `ddmm.mmmmm,N,dddmm.mmmmm,E`.
fn coordinates(position: Position) -> String {
    let part = |degrees: f64, width: usize| {
        // Rounding minutes on their own could give 60.
        let total = (degrees.abs() * 60.0 * 100_000.0).round();
        let (degrees, minutes) = ((total / 6_000_000.0).floor(), total % 6_000_000.0 / 100_000.0);
        format!("{degrees:0width$}{minutes:08.5}")
    };
    let north = if position.latitude < 0.0 { 'S' } else { 'N' };
    let east = if position.longitude < 0.0 { 'W' } else { 'E' };
    format!("{},{north},{},{east}", part(position.latitude, 2), part(position.longitude, 3))
}
