//! The others on the water: vessels that go to and fro, and marks, all heard over AIS.

use super::geo::{Position, Vector, half_turn, turn};
use super::radio::Message;
use super::settings::{AidSettings, AisClass, TrafficSettings, VesselSettings};

const KNOT: f64 = 1852.0 / 3600.0;
/// Steps of the simulation in a second.
const STEPS_PER_SECOND: u64 = 10;
/// Seconds between two reports of the name and other static data.
const STATIC_PERIOD: u64 = 360;
/// Seconds between two reports of a mark.
const AID_PERIOD: u64 = 180;
/// Units of a degree in which positions are sent.
const PER_DEGREE: f64 = 600_000.0;

/// Everybody around.
#[derive(Debug)]
pub(super) struct Traffic {
    vessels: Vec<Vessel>,
    aids: Vec<AidSettings>,
    /// Messages sent; they use the two radio channels in turn.
    sent: u32,
}

#[derive(Debug)]
struct Vessel {
    settings: VesselSettings,
    position: Position,
    /// Radians.
    course: f64,
    /// Radians per second, positive to starboard.
    rate_of_turn: f64,
    outbound: bool,
}

impl Traffic {
    pub fn new(settings: &TrafficSettings) -> Self {
        let vessels = settings.vessels.iter().cloned().map(Vessel::new).collect();
        Self { vessels, aids: settings.aids.clone(), sent: 0 }
    }

    /// Moves everybody on and lets those speak whose turn it is.
    pub fn advance(&mut self, step: u64, seconds: f64, out: &mut Vec<String>) {
        for (index, vessel) in self.vessels.iter_mut().enumerate() {
            vessel.advance(seconds);
            // Transponders share the channels in time slots: nobody speaks at the same moment.
            let offset = 5 + 3 * index as u64;
            if is_due(step, offset, vessel.report_period()) {
                transmit(vessel.position_report(), &mut self.sent, out);
            }
            if is_due(step, offset + 1, STATIC_PERIOD) {
                for message in vessel.static_reports() {
                    transmit(message, &mut self.sent, out);
                }
            }
        }
        for (index, aid) in self.aids.iter().enumerate() {
            if is_due(step, 3 + 7 * index as u64, AID_PERIOD) {
                transmit(aid_report(aid), &mut self.sent, out);
            }
        }
    }
}

fn is_due(step: u64, offset: u64, seconds: u64) -> bool {
    let period = seconds * STEPS_PER_SECOND;
    step % period == offset % period
}

fn transmit(message: Message, sent: &mut u32, out: &mut Vec<String>) {
    let channel = if sent.is_multiple_of(2) { 'A' } else { 'B' };
    out.extend(message.sentences(channel, *sent));
    *sent = sent.wrapping_add(1);
}

fn place([latitude, longitude]: [f64; 2]) -> Position {
    Position { latitude, longitude }
}

impl Vessel {
    fn new(settings: VesselSettings) -> Self {
        let (from, to) = (place(settings.from), place(settings.to));
        let way = from.to(to);
        // Somewhere on their way, so that the scene is alive from the start.
        let position = from.moved(way.times(settings.start));
        Self { position, course: way.direction(), rate_of_turn: 0.0, outbound: true, settings }
    }

    fn speed(&self) -> f64 {
        self.settings.speed * KNOT
    }

    fn advance(&mut self, seconds: f64) {
        let speed = self.speed();
        if speed == 0.0 {
            return;
        }
        let goal = place(if self.outbound { self.settings.to } else { self.settings.from });
        let to_go = self.position.to(goal);
        if to_go.length() < 60.0 + 12.0 * speed {
            self.outbound = !self.outbound;
        }
        // Small craft turn on a plate, ships do not.
        let fastest = if self.settings.length > 30.0 { 0.6_f64 } else { 3.0 }.to_radians();
        self.rate_of_turn = (half_turn(to_go.direction() - self.course) * 0.2).clamp(-fastest, fastest);
        self.course = turn(self.course + self.rate_of_turn * seconds);
        self.position = self.position.moved(Vector::polar(speed, self.course).times(seconds));
    }

    /// Seconds between two position reports, as the standard asks for.
    fn report_period(&self) -> u64 {
        let knots = self.settings.speed;
        match self.settings.class {
            AisClass::A if knots == 0.0 => 180,
            AisClass::A if knots > 14.0 => 6,
            AisClass::A => 10,
            AisClass::B if knots <= 2.0 => 180,
            AisClass::B => 30,
        }
    }

    fn position_report(&self) -> Message {
        let speed = (self.settings.speed * 10.0).round() as u32;
        let degrees = self.course.to_degrees();
        let (course, heading) = ((degrees * 10.0).round() as u32 % 3600, degrees.round() as u32 % 360);
        match self.settings.class {
            AisClass::A => {
                let rate = (4.733 * (self.rate_of_turn.to_degrees() * 60.0).abs().sqrt()).round().min(126.0);
                let status = match (self.settings.speed, self.settings.ship_type) {
                    (0.0, _) => 1,
                    (_, 30) => 7,
                    (_, 36) => 8,
                    _ => 0,
                };
                let opened = self.opened(1).number(status, 4).signed(rate.copysign(self.rate_of_turn) as i32, 8);
                let placed = position(opened.number(speed, 10).number(1, 1), self.position);
                // 60: no second is given. Then manoeuvre, spare, RAIM and the state of the radio.
                placed.number(course, 12).number(heading, 9).number(60, 6).number(0, 6).number(0, 19)
            }
            AisClass::B => {
                let opened = self.opened(18).number(0, 8).number(speed, 10).number(1, 1);
                // A class B transponder seldom has a compass: 511 is no heading.
                let placed = position(opened, self.position).number(course, 12).number(511, 9).number(60, 6);
                // Spare, a carrier-sense unit with nothing optional, and the state of the radio.
                placed.number(0, 2).number(1, 1).number(0, 6).number(0b1110_0000_0000_0000_0110, 20)
            }
        }
    }

    fn static_reports(&self) -> Vec<Message> {
        let own = &self.settings;
        match own.class {
            AisClass::A => {
                let named = self.opened(5).number(1, 2).number(own.imo, 30).text(&own.callsign, 7).text(&own.name, 20);
                let sized = self.dimensions(named.number(own.ship_type.into(), 8)).number(1, 4);
                // No time of arrival.
                let arriving = sized.number(0, 4).number(0, 5).number(24, 5).number(60, 6);
                let laden = arriving.number((own.draft * 10.0).round() as u32, 8).text(&own.destination, 20);
                vec![laden.number(0, 2)]
            }
            AisClass::B => {
                let name = self.opened(24).number(0, 2).text(&own.name, 20).number(0, 8);
                let craft = self.opened(24).number(1, 2).number(own.ship_type.into(), 8).text("WLD", 3).number(1, 24);
                let called = self.dimensions(craft.text(&own.callsign, 7));
                vec![name, called.number(0, 6)]
            }
        }
    }

    fn opened(&self, kind: u32) -> Message {
        Message::default().number(kind, 6).number(0, 2).number(self.settings.mmsi, 30)
    }

    /// The aerial stands amidships, two thirds from the bow.
    fn dimensions(&self, message: Message) -> Message {
        let (length, beam) = (self.settings.length.round() as u32, self.settings.beam.round() as u32);
        let (bow, port) = (length * 2 / 3, beam / 2);
        message.number(bow, 9).number(length - bow, 9).number(port, 6).number(beam - port, 6)
    }
}

fn position(message: Message, at: Position) -> Message {
    let units = |degrees: f64| (degrees * PER_DEGREE).round() as i32;
    message.signed(units(at.longitude), 28).signed(units(at.latitude), 27)
}

fn aid_report(aid: &AidSettings) -> Message {
    let opened = Message::default().number(21, 6).number(0, 2).number(aid.mmsi, 30).number(aid.kind.into(), 5);
    let placed = position(opened.text(&aid.name, 20).number(1, 1), place([aid.latitude, aid.longitude]));
    // A point without extent, surveyed, no second, on its position, no RAIM.
    let fixed = placed.number(0, 30).number(7, 4).number(60, 6).number(0, 1).number(0, 8).number(0, 1);
    fixed.number(aid.is_virtual.into(), 1).number(0, 2)
}
