//! The sentences, grouped by the instrument that sends them, and the table that finds them by id.

mod depth;
mod gnss;
mod heading;
mod propulsion;
mod route;
mod satellites;
mod transducers;
mod water;
mod weather;
mod wind;

use super::ais;
use super::fields::Fields;
use super::{Report, SentenceError};
pub(super) use satellites::SatelliteGroups;

/// Decodes the fields of one kind of sentence into the report.
pub(super) type Handler = fn(&Fields, &mut Report) -> Result<(), SentenceError>;

/// The handler of a sentence id, or `None` for a sentence this decoder does not know.
pub(super) fn handler(sentence: &str) -> Option<Handler> {
    Some(match sentence {
        "APB" => route::apb,
        "BOD" => route::bod,
        "BWC" => route::bwc,
        "BWR" => route::bwr,
        "DBK" => depth::dbk,
        "DBS" => depth::dbs,
        "DBT" => depth::dbt,
        "DPT" => depth::dpt,
        "GGA" => gnss::gga,
        "GLL" => gnss::gll,
        "GNS" => gnss::gns,
        "GSA" => gnss::gsa,
        "GSV" => satellites::gsv,
        "HDG" => heading::hdg,
        "HDM" => heading::hdm,
        "HDT" => heading::hdt,
        "HSC" => heading::hsc,
        "MDA" => weather::mda,
        "MTA" => weather::mta,
        "MTW" => water::mtw,
        "MWD" => wind::mwd,
        "MWV" => wind::mwv,
        "RMB" => route::rmb,
        "RMC" => gnss::rmc,
        "ROT" => heading::rot,
        "RPM" => propulsion::rpm,
        "RSA" => heading::rsa,
        "VDM" => ais::vdm,
        "VDO" => ais::vdo,
        "VDR" => water::vdr,
        "VHW" => water::vhw,
        "VLW" => water::vlw,
        "VPW" => wind::vpw,
        "VTG" => gnss::vtg,
        "VWR" => wind::vwr,
        "VWT" => wind::vwt,
        "XDR" => transducers::xdr,
        "XTE" => route::xte,
        "ZDA" => gnss::zda,
        _ => return None,
    })
}
