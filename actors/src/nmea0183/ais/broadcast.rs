//! Telegrams to everybody (message type 8): a designated area code says whose agreement the content follows, a function identifier
//! which kind of content it is.
//!
//! Read are the weather and the water at a station (area 1, function 31; IMO SN.1/Circ.289), and the hull of an inland vessel (area 200,
//! function 10; UNECE Resolution 63). The older form of the former (area 1, function 11) was withdrawn in 2013.

use smol_str::format_smolstr;

use super::super::Report;
use super::super::value::Value;
use super::meteorology;
use super::payload::Payload;
use super::report::{TOO_SHORT, member};

/// Where the content begins, after the identification.
const AREA: usize = 40;
const FUNCTION: usize = 50;

/// Tells a telegram to the report; nothing when it is of a kind that is not read.
pub(super) fn tell(payload: &Payload, mmsi: u32, own_ship: bool, report: &mut Report) -> Result<(), &'static str> {
    let area = payload.unsigned(AREA, 10).ok_or(TOO_SHORT)?;
    let function = payload.unsigned(FUNCTION, 6).ok_or(TOO_SHORT)?;
    match (area, function) {
        (1, 31) => {
            // A station is never the own ship, also if the own transponder is what repeats it.
            let station = meteorology::station(payload, mmsi)?;
            report.context = Some(station);
        }
        (200, 10) if !own_ship => report.context = Some(format_smolstr!("vessels.urn:mrn:imo:mmsi:{mmsi:09}")),
        (200, 10) => {}
        _ => return Ok(()),
    }
    report.set("", Value::Json(format!(r#"{{"mmsi":"{mmsi:09}"}}"#)));
    report.set("sensors.ais.designatedAreaCode", f64::from(area));
    report.set("sensors.ais.functionalId", f64::from(function));
    if area == 1 {
        meteorology::tell(payload, report)
    } else {
        inland_hull(payload, report)
    }
    Ok(())
}

/// Length and beam in decimetres, draught in centimetres; 0 is not known.
fn inland_hull(payload: &Payload, report: &mut Report) {
    let size = |start, length, per_metre: f64| {
        payload.unsigned(start, length).filter(|size| *size > 0).map(|size| f64::from(size) / per_metre)
    };
    report.set_some("design.length", size(104, 13, 10.0).map(|length| member("overall", length)));
    report.set_some("design.beam", size(117, 10, 10.0));
    report.set_some("design.draft", size(144, 11, 100.0).map(|draught| member("current", draught)));
}
