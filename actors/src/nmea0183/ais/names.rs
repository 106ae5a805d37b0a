//! The words that Signal K has for the numbers of AIS.

use ais::messages::navigation::ManeuverIndicator;
use ais::messages::position_report::NavigationStatus;
use smol_str::{SmolStr, format_smolstr};

/// The state of a vessel (`navigation.state`).
pub(super) fn state(status: Option<NavigationStatus>) -> Option<&'static str> {
    Some(match status {
        None => "default",
        Some(NavigationStatus::UnderWayUsingEngine) => "motoring",
        Some(NavigationStatus::AtAnchor) => "anchored",
        Some(NavigationStatus::NotUnderCommand) => "not under command",
        Some(NavigationStatus::RestrictedManouverability) => "restricted manouverability",
        Some(NavigationStatus::ConstrainedByDraught) => "constrained by draft",
        Some(NavigationStatus::Moored) => "moored",
        Some(NavigationStatus::Aground) => "aground",
        Some(NavigationStatus::EngagedInFishing) => "fishing",
        Some(NavigationStatus::UnderWaySailing) => "sailing",
        Some(NavigationStatus::ReservedForHSC) => "hazardous material high speed",
        Some(NavigationStatus::ReservedForWIG) => "hazardous material wing in ground",
        Some(NavigationStatus::AisSartIsActive) => "ais-sart",
        Some(
            NavigationStatus::Reserved01
            | NavigationStatus::Reserved02
            | NavigationStatus::Reserved03
            | NavigationStatus::Unknown(_),
        ) => return None,
    })
}

/// Whether an inland vessel is engaged in a special manoeuvre (`navigation.specialManeuver`).
pub(super) fn special_maneuver(indicator: Option<ManeuverIndicator>) -> &'static str {
    match indicator {
        None => "not available",
        Some(ManeuverIndicator::NoSpecialManeuver) => "not engaged",
        Some(ManeuverIndicator::SpecialManeuver) => "engaged",
        Some(ManeuverIndicator::Unknown(_)) => "reserved",
    }
}

/// The kind of ship behind a number (`design.aisShipType`); `None` for numbers without a meaning.
pub fn ship_type(id: u8) -> Option<SmolStr> {
    let single = match id {
        30 => "Fishing",
        31 => "Towing",
        32 => "Towing exceeds 200m or wider than 25m",
        33 => "Engaged in dredging or underwater operations",
        34 => "Engaged in diving operations",
        35 => "Engaged in military operations",
        36 => "Sailing",
        37 => "Pleasure",
        50 => "Pilot vessel",
        51 => "SAR",
        52 => "Tug",
        53 => "Port tender",
        54 => "Anti-pollution",
        55 => "Law enforcement",
        56 => "Spare",
        57 => "Spare #2",
        58 => "Medical",
        59 => "RR Resolution No.18",
        _ => "",
    };
    if !single.is_empty() {
        return Some(SmolStr::new_static(single));
    }
    let kind = match id / 10 {
        2 => "Wing In Ground",
        4 => "High speed craft",
        6 => "Passenger ship",
        7 => "Cargo ship",
        8 => "Tanker",
        9 => "Other",
        _ => return None,
    };
    let detail = match (id % 10, id / 10) {
        (1, 2 | 6) => " hazard cat A",
        (1, _) => " carrying dangerous goods",
        (2, _) => " hazard cat B",
        (3, _) => " hazard cat C",
        (4, _) => " hazard cat D",
        (9, 2) => " (no other information)",
        (9, _) => " (no additional information)",
        _ => "",
    };
    Some(format_smolstr!("{kind}{detail}"))
}

/// The kind of aid to navigation behind a number (`atonType`); `None` where it is not said or has no meaning.
pub(super) fn aid_type(id: u32) -> Option<&'static str> {
    const NAMES: [&str; 32] = [
        "",
        "Reference Point",
        "",
        "Fixed Structure Off Shore",
        "Emergency Wreck Marking Buoy",
        "Light, Without Sectors",
        "Light, With Sectors",
        "Leading Light Front",
        "Leading Light Rear",
        "Beacon, Cardinal N",
        "Beacon, Cardinal E",
        "Beacon, Cardinal S",
        "Beacon, Cardinal W",
        "Beacon, Port Hand",
        "Beacon, Starboard Hand",
        "Beacon, Preferred Channel Port Hand",
        "Beacon, Preferred Channel Starboard Hand",
        "Beacon, Isolated Danger",
        "Beacon, Safe Water",
        "Beacon, Special Mark",
        "Cardinal Mark N",
        "Cardinal Mark E",
        "Cardinal Mark S",
        "Cardinal Mark W",
        "Port Hand Mark",
        "Starboard Hand Mark",
        "Preferred Channel Port Hand",
        "Preferred Channel Starboard Hand",
        "Isolated danger",
        "Safe Water",
        "Special Mark",
        "Light Vessel/LANBY/Rigs",
    ];
    NAMES.get(id as usize).copied().filter(|name| !name.is_empty())
}
