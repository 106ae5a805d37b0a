//! Engines and shafts.

use smol_str::format_smolstr;

use super::super::{Fields, Report, SentenceError};

/// The largest number of an engine or shaft; each makes a path of its own.
const LAST: u32 = 999;

/// RPM: 1 what turns (E engine, S shaft), 2 its number, 0 for a single one, 3 revolutions per minute, 5 status.
pub fn rpm(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    if fields.is(5, b'V') {
        return Ok(());
    }
    let Some(per_minute) = fields.number(3)? else {
        return Ok(());
    };
    let what = match fields.letter(1)? {
        Some(b'E') => "engine",
        Some(b'S') => "shaft",
        _ => return Err(fields.malformed(1, "E or S")),
    };
    let number = fields.integer(2)?.unwrap_or(0);
    if number > LAST {
        return Err(fields.malformed(2, "the number of an engine or shaft, at most 999"));
    }
    report.set_at(format_smolstr!("propulsion.{what}_{number}.revolutions"), per_minute / 60.0);
    Ok(())
}
