//! What a message says, as paths and SI values.

use ais::messages::AisMessage;
use ais::messages::extended_class_b_position_report::ExtendedClassBPositionReport;
use ais::messages::position_report::{NavigationStatus, PositionReport};
use ais::messages::static_and_voyage_related_data::StaticAndVoyageRelatedData;
use ais::messages::static_data_report::{MessagePart, StaticDataReport};
use ais::messages::types::ShipType;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use smol_str::{SmolStr, format_smolstr};

use super::super::value::{Value, write_number, write_text};
use super::super::{Report, units};
use super::payload::Payload;
use super::{broadcast, names};

/// The message types that are read. The others are about the radio link itself or carry texts and telegrams.
const KNOWN: [u32; 12] = [1, 2, 3, 4, 5, 8, 9, 18, 19, 21, 24, 27];
/// The type of messages whose content is of a kind that others than the makers of AIS have agreed on.
const BROADCAST: u32 = 8;
/// Units of a degree in which positions are sent.
const PER_DEGREE: f64 = 600_000.0;
/// The largest latitude in them; the largest longitude is twice that.
const QUARTER: i32 = 54_000_000;
/// The name of an aid to navigation begins at this bit.
const NAME: usize = 43;
/// It goes on behind the message's fixed part, from this bit.
const NAME_EXTENSION: usize = 272;
/// Letters of a name in the fixed part.
const NAME_LETTERS: usize = 20;

/// What is wrong with a message that ends too early.
pub(super) const TOO_SHORT: &str = "is too short for its type";

/// Tells a message to the report. The error is what is wrong with it.
pub(super) fn tell(payload: &Payload, own_ship: bool, report: &mut Report) -> Result<(), &'static str> {
    let kind = payload.unsigned(0, 6).ok_or("is too short")?;
    if !KNOWN.contains(&kind) {
        return Ok(());
    }
    let mmsi = payload.unsigned(8, 30).filter(|mmsi| *mmsi <= 999_999_999).ok_or("has no MMSI of nine digits")?;
    if kind == BROADCAST {
        return broadcast::tell(payload, mmsi, own_ship, report);
    }
    let message = ais::messages::parse(payload.bytes()).map_err(|_| TOO_SHORT)?;
    let root = match message {
        AisMessage::BaseStationReport(_) | AisMessage::AidToNavigationReport(_) => "atons",
        AisMessage::StandardAircraftPositionReport(_) => "aircraft",
        // Transmitters of search and rescue, of persons over board, and of emergency beacons.
        _ if matches!(mmsi / 1_000_000, 970 | 972 | 974) => "sar",
        _ => "vessels",
    };
    if !own_ship {
        report.context = Some(format_smolstr!("{root}.urn:mrn:imo:mmsi:{mmsi:09}"));
    }
    let mut told = Told { payload, report, identity: Identity { mmsi, ..Identity::default() } };
    // Its place is the first; what belongs in it is known at the end.
    told.report.set("", Value::Null);
    let first = told.report.values.len() - 1;
    match message {
        AisMessage::PositionReport(position) => told.class_a(&position),
        AisMessage::BaseStationReport(_) => told.base_station(),
        AisMessage::StaticAndVoyageRelatedData(voyage) => told.voyage(&voyage),
        AisMessage::StandardAircraftPositionReport(aircraft) => {
            told.motion(aircraft.speed_over_ground, aircraft.course_over_ground, None);
            told.position(61, aircraft.altitude.map(f64::from));
        }
        AisMessage::StandardClassBPositionReport(position) => {
            told.motion(position.speed_over_ground.map(tenths), position.course_over_ground, position.true_heading);
            told.class("B");
            told.position(57, None);
        }
        AisMessage::ExtendedClassBPositionReport(position) => told.extended_class_b(&position),
        AisMessage::AidToNavigationReport(aid) => {
            told.aid_to_navigation(&aid.name, aid.off_position, aid.virtual_aid);
            let (length, beam) =
                ([aid.dimension_to_bow, aid.dimension_to_stern], [aid.dimension_to_port, aid.dimension_to_starboard]);
            told.dimensions(length, beam);
        }
        AisMessage::StaticDataReport(part) => told.static_data(part),
        AisMessage::LongRangeAisBroadcastMessage(far) => told.long_range(far.navigation_status),
        _ => {}
    }
    let root = told.identity.to_json();
    report.values[first].1 = Value::Json(root);
    Ok(())
}

/// A report that a message is told to.
struct Told<'a, 'b> {
    payload: &'a Payload,
    report: &'a mut Report<'b>,
    identity: Identity,
}

/// The root values of a message.
#[derive(Default)]
struct Identity {
    mmsi: u32,
    name: String,
    callsign: String,
    imo: u32,
}

impl Identity {
    fn to_json(&self) -> String {
        let mut json = format!(r#"{{"mmsi":"{:09}""#, self.mmsi);
        if !self.name.is_empty() {
            json.push_str(r#","name":"#);
            write_text(&mut json, &self.name);
        }
        if !self.callsign.is_empty() {
            json.push_str(r#","communication":{"callsignVhf":"#);
            write_text(&mut json, &self.callsign);
            json.push('}');
        }
        if self.imo != 0 {
            json.push_str(&format!(r#","registrations":{{"imo":"IMO {}"}}"#, self.imo));
        }
        json.push('}');
        json
    }
}

impl Told<'_, '_> {
    fn class_a(&mut self, position: &PositionReport) {
        self.motion(position.speed_over_ground.map(tenths), position.course_over_ground, position.true_heading);
        // From -126 to 126; the numbers beyond say that she turns fast, but not how fast.
        if let Some(rate) = self.payload.signed(42, 8).filter(|rate| rate.abs() <= 126) {
            let degrees_per_minute = f64::from(rate.signum()) * (f64::from(rate.abs()) / 4.733).powi(2);
            self.report.set("navigation.rateOfTurn", degrees_per_minute.to_radians() / 60.0);
        }
        self.report.set_some("navigation.state", names::state(position.navigation_status));
        self.report.set("navigation.specialManeuver", names::special_maneuver(position.maneuver_indicator));
        self.class("A");
        self.position(61, None);
    }

    fn extended_class_b(&mut self, position: &ExtendedClassBPositionReport) {
        self.motion(position.speed_over_ground.map(tenths), position.course_over_ground, position.true_heading);
        self.identity.name = text(&position.name);
        self.dimensions(
            [position.dimension_to_bow, position.dimension_to_stern],
            [position.dimension_to_port, position.dimension_to_starboard],
        );
        self.ship_type(position.type_of_ship_and_cargo);
        self.class("B");
        self.position(57, None);
    }

    /// A few bits for satellites: tenths of minutes, whole knots and whole degrees.
    fn long_range(&mut self, status: Option<NavigationStatus>) {
        let speed = self.payload.unsigned(79, 6).filter(|knots| *knots < 63);
        let course = self.payload.unsigned(85, 9).map(|degrees| degrees as f32);
        self.motion(speed, course, None);
        self.report.set_some("navigation.state", names::state(status));
        let longitude = self.payload.signed(44, 18).map(|it| f64::from(it) / 600.0).filter(|it| it.abs() <= 180.0);
        let latitude = self.payload.signed(62, 17).map(|it| f64::from(it) / 600.0).filter(|it| it.abs() <= 90.0);
        if let (Some(longitude), Some(latitude)) = (longitude, latitude) {
            self.report.set("navigation.position", Value::Position { latitude, longitude, altitude: None });
        }
    }

    fn base_station(&mut self) {
        self.class("BASE");
        self.position(79, None);
    }

    fn voyage(&mut self, voyage: &StaticAndVoyageRelatedData) {
        self.identity.name = text(&voyage.vessel_name);
        self.identity.callsign = text(&voyage.callsign);
        self.identity.imo = voyage.imo_number;
        self.dimensions(
            [voyage.dimension_to_bow, voyage.dimension_to_stern],
            [voyage.dimension_to_port, voyage.dimension_to_starboard],
        );
        if voyage.draught > 0.0 {
            self.report.set("design.draft", member("current", tenths(voyage.draught)));
        }
        let destination = text(&voyage.destination);
        if !destination.is_empty() {
            self.report.set("navigation.destination.commonName", SmolStr::new(destination));
        }
        let date = voyage.eta_month_utc.zip(voyage.eta_day_utc);
        let moment = date.zip(voyage.eta_minute_utc);
        let eta = moment
            .and_then(|((month, day), minute)| nearest([month, day, voyage.eta_hour_utc, minute], self.report.now));
        self.report.set_some("navigation.destination.eta", eta.map(|eta| format_smolstr!("{eta:.3}")));
        self.ship_type(voyage.ship_type);
        self.class("A");
    }

    fn aid_to_navigation(&mut self, name: &str, off_position: bool, virtual_aid: bool) {
        self.identity.name = text(name);
        // Full, also where the last letter is a space, which has been taken off above: then it goes on with another word.
        let mut whole: String = self.payload.letters(NAME).chars().take(NAME_LETTERS).collect();
        if whole.len() == NAME_LETTERS {
            whole.push_str(&self.payload.letters(NAME_EXTENSION));
            self.identity.name = text(&whole);
        }
        let kind = self.payload.unsigned(38, 5).unwrap_or(0);
        if let Some(name) = names::aid_type(kind) {
            self.report.set("atonType", numbered(kind, name));
        }
        self.report.set("offPosition", Value::Json(off_position.to_string()));
        self.report.set("virtual", Value::Json(virtual_aid.to_string()));
        self.class("ATON");
        self.position(164, None);
    }

    fn static_data(&mut self, part: StaticDataReport) {
        match part.message_part {
            MessagePart::PartA { vessel_name } => self.identity.name = text(&vessel_name),
            MessagePart::PartB {
                ship_type,
                callsign,
                dimension_to_bow,
                dimension_to_stern,
                dimension_to_port,
                dimension_to_starboard,
                ..
            } => {
                self.identity.callsign = text(&callsign);
                self.ship_type(ship_type);
                // A tender says there which ship she belongs to instead.
                if self.identity.mmsi / 10_000_000 != 98 {
                    self.dimensions(
                        [dimension_to_bow, dimension_to_stern],
                        [dimension_to_port, dimension_to_starboard],
                    );
                }
            }
            MessagePart::Unknown(_) => {}
        }
    }

    /// Speed in knots, course and heading in degrees.
    fn motion(&mut self, speed: Option<impl Into<f64>>, course: Option<f32>, heading: Option<u16>) {
        let speed = speed.map(|speed| speed.into() * units::KNOT);
        self.report.set_some("navigation.speedOverGround", speed);
        let direction = |degrees: f64| (degrees < 360.0).then(|| units::direction(degrees));
        self.report.set_some("navigation.courseOverGroundTrue", course.map(tenths).and_then(direction));
        self.report.set_some("navigation.headingTrue", heading.map(f64::from).and_then(direction));
    }

    /// The position whose longitude begins at this bit, with its latitude behind it; nothing when the sender does not know it.
    fn position(&mut self, start: usize, altitude: Option<f64>) {
        let longitude = self.payload.signed(start, 28).filter(|it| it.abs() <= 2 * QUARTER);
        let latitude = self.payload.signed(start + 28, 27).filter(|it| it.abs() <= QUARTER);
        if let (Some(longitude), Some(latitude)) = (longitude, latitude) {
            let (longitude, latitude) = (f64::from(longitude) / PER_DEGREE, f64::from(latitude) / PER_DEGREE);
            self.report.set("navigation.position", Value::Position { latitude, longitude, altitude });
        }
    }

    /// Length and beam, given as the distances of the antenna to the ends and to the sides; all 0 when not known.
    fn dimensions(&mut self, [bow, stern]: [u16; 2], [port, starboard]: [u16; 2]) {
        let (length, beam) = (f64::from(bow) + f64::from(stern), f64::from(port) + f64::from(starboard));
        if length > 0.0 {
            self.report.set("design.length", member("overall", length));
        }
        if beam > 0.0 {
            self.report.set("design.beam", beam);
        }
        if bow > 0 {
            self.report.set("sensors.ais.fromBow", f64::from(bow));
        }
        if starboard > 0 {
            self.report.set("sensors.ais.fromCenter", beam / 2.0 - f64::from(starboard));
        }
    }

    fn ship_type(&mut self, kind: Option<ShipType>) {
        let Some(id) = kind.map(u8::from) else { return };
        if let Some(name) = names::ship_type(id) {
            self.report.set("design.aisShipType", numbered(id.into(), &name));
        }
    }

    fn class(&mut self, class: &'static str) {
        self.report.set("sensors.ais.class", class);
    }
}

/// A number that was sent in tenths, exactly.
fn tenths(number: f32) -> f64 {
    f64::from((number * 10.0).round()) / 10.0
}

/// A text up to its end mark.
fn text(padded: &str) -> String {
    padded.split('@').next().unwrap_or_default().trim().to_owned()
}

/// An object with one number.
pub(super) fn member(name: &str, number: f64) -> Value {
    let mut json = format!(r#"{{"{name}":"#);
    write_number(&mut json, number);
    json.push('}');
    Value::Json(json)
}

/// An object with a number and what it means.
fn numbered(id: u32, name: &str) -> Value {
    let mut json = format!(r#"{{"id":{id},"name":"#);
    write_text(&mut json, name);
    json.push('}');
    Value::Json(json)
}

/// The instant with this month, day, hour and minute that is nearest to `now`: the year is not sent.
fn nearest([month, day, hour, minute]: [u8; 4], now: Timestamp) -> Option<Timestamp> {
    let year = TimeZone::UTC.to_datetime(now).year();
    let number = |number: u8| i8::try_from(number).ok();
    let (month, day, hour, minute) = (number(month)?, number(day)?, number(hour)?, number(minute)?);
    let years = [year.checked_sub(1)?, year, year.checked_add(1)?];
    let instants = years.into_iter().filter_map(|year| {
        let civil = DateTime::new(year, month, day, hour, minute, 0, 0).ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    });
    instants.min_by_key(|instant| instant.duration_since(now).abs())
}
