//! Echo sounder.

use super::super::{Fields, Report, SentenceError, units};

/// DBT: depth below the transducer.
pub fn dbt(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_or_null("environment.depth.belowTransducer", depth(fields)?);
    Ok(())
}

/// DBS: depth below the surface.
pub fn dbs(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_or_null("environment.depth.belowSurface", depth(fields)?);
    Ok(())
}

/// DBK: depth below the keel.
pub fn dbk(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    report.set_or_null("environment.depth.belowKeel", depth(fields)?);
    Ok(())
}

/// A depth told in feet (1), metres (3) and fathoms (5).
fn depth(fields: &Fields) -> Result<Option<f64>, SentenceError> {
    for (field, unit) in [(3, 1.0), (1, units::FOOT), (5, units::FATHOM)] {
        if let Some(depth) = fields.scaled(field, unit)? {
            return Ok(Some(depth));
        }
    }
    Ok(None)
}

/// DPT: 1 depth below the transducer, 2 offset: positive from the surface, negative from the keel to the transducer.
pub fn dpt(fields: &Fields, report: &mut Report) -> Result<(), SentenceError> {
    let depth = fields.number(1)?;
    let offset = fields.number(2)?.unwrap_or(0.0);
    report.set_or_null("environment.depth.belowTransducer", depth);
    if offset > 0.0 {
        report.set("environment.depth.surfaceToTransducer", offset);
        report.set_some("environment.depth.belowSurface", depth.map(|depth| depth + offset));
    } else if offset < 0.0 {
        report.set("environment.depth.transducerToKeel", -offset);
        report.set_some("environment.depth.belowKeel", depth.map(|depth| depth + offset));
    }
    Ok(())
}
