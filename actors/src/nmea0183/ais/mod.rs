//! AIS over NMEA 0183: what others say of themselves (VDM), and what the own transponder says of us (VDO).
//!
//! `fragments` puts messages together that span several sentences, `payload` turns their characters into bits, and `report` tells
//! what a message says, with the `names` of Signal K for its numbers. `broadcast` and `meteorology` read telegrams: what stations on shore
//! and inland vessels send about wind, water and hulls. The bits are read by the crate `ais`, except for four fields
//! that it gives less exactly than they are sent: longitude and latitude (rounded to 32-bit floating point, which is a metre or two),
//! the rate of turn (without its sign), the kind of an aid to navigation (without its number), and the part of its name beyond the
//! twentieth letter.

mod broadcast;
mod fragments;
mod meteorology;
mod names;
mod payload;
mod report;

pub use names::ship_type;

pub(super) use fragments::Fragments;

use super::{Fields, Report, SentenceError};
use fragments::Fragment;
use payload::Payload;

/// VDM: 1 number of sentences of this message, 2 number of this one, 3 the message's number, 4 radio channel, 5 payload,
/// 6 fill bits.
pub fn vdm(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    message(fields, report, false)
}

/// VDO: as VDM, about the own ship.
pub fn vdo(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    message(fields, report, true)
}

fn message(fields: &Fields, report: &mut Report, own_ship: bool) -> Result<(), SentenceError> {
    let fragment = Fragment::read(fields, report.talker)?;
    let Some((text, fill_bits)) = report.fragments.gather(fragment, report.now) else {
        return Ok(());
    };
    let payload =
        Payload::unarmor(&text, fill_bits).ok_or_else(|| refused(fields, "has characters that no AIS message has"))?;
    report::tell(&payload, own_ship, report).map_err(|problem| refused(fields, problem))
}

fn refused(fields: &Fields, problem: &'static str) -> SentenceError {
    SentenceError::Ais { sentence: fields.sentence().into(), problem }
}

#[cfg(test)]
mod tests;
