//! A boat that can't make up her mind: her instruments say one thing, two seconds later another, and then the first again.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::interval;
use windlass_actors::simulator::radio::Message;
use windlass_tests::{Json, NmeaPeer, Server, ServerOptions};

/// The connection that her instruments are on.
const INPUT: &str = "instruments";
/// How often they speak, and how often in a row they say the same.
const PERIOD: Duration = Duration::from_millis(500);
const REPEATED: u32 = 4;

/// Position (60°06.0' N 24°54.0' E and 60°06.6' N 24°55.2' E), course and speed over ground, heading, apparent wind, depth, speed
/// through water: each one way and the other.
const INSTRUMENTS: [[&str; 2]; 6] = [
    ["GPGLL,6006.000,N,02454.000,E", "GPGLL,6006.600,N,02455.200,E"],
    ["GPVTG,80.0,T,,M,6.2,N,,K", "GPVTG,95.0,T,,M,7.4,N,,K"],
    ["HEHDT,82.0,T", "HEHDT,97.0,T"],
    ["WIMWV,40.0,R,11.0,N,A", "WIMWV,55.0,R,14.0,N,A"],
    ["SDDBT,,f,12.3,M,,F", "SDDBT,,f,14.5,M,,F"],
    ["VWVHW,,T,,M,5.8,N,,K", "VWVHW,,T,,M,6.9,N,,K"],
];

/// Her name.
pub const NAME: &str = "Testboat";
/// A ship near her, which her AIS receiver hears.
pub const NEIGHBOUR: &str = "NEIGHBOUR";
const NEIGHBOUR_MMSI: u32 = 230_012_340;

/// Her instruments at work; dropping this silences them.
#[derive(Debug)]
pub struct Boat(JoinHandle<()>);

impl Boat {
    /// A server that her instruments can be connected to.
    pub fn options() -> ServerOptions {
        ServerOptions::new().vessel(NAME, "230099999").nmea_listener(INPUT)
    }

    /// Connects her instruments to a server that was started with [`Boat::options`], and waits until all that they say is there.
    pub async fn board(server: &Server) -> Self {
        let mut peer = NmeaPeer::connect(&server.input(INPUT).await).await;
        let talking = Self(tokio::spawn(async move {
            let mut ticks = interval(PERIOD);
            for tick in 0_u32.. {
                ticks.tick().await;
                let way = usize::from(tick / REPEATED % 2 == 1);
                for instrument in INSTRUMENTS {
                    peer.say(instrument[way]).await;
                }
                for line in neighbour() {
                    peer.send(format!("{line}\r\n").as_bytes()).await;
                }
            }
        }));
        let vessels = "/signalk/v1/api/vessels";
        let own = |own: &Json| own["navigation"]["speedThroughWater"]["value"].is_number();
        server.eventually(&format!("{vessels}/self"), own).await;
        let neighbour = format!("{vessels}/urn:mrn:imo:mmsi:{NEIGHBOUR_MMSI}");
        server.eventually(&neighbour, |ship| ship["name"] == NEIGHBOUR).await;
        talking
    }
}

impl Drop for Boat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Position report and name of a ship with a class B transponder, in its 18th and 24th message.
fn neighbour() -> Vec<String> {
    let opened = |kind| Message::default().number(kind, 6).number(0, 2).number(NEIGHBOUR_MMSI, 30);
    // A ten thousandth of a minute each: 24°56' E, 60°07' N.
    let (longitude, latitude) = ((24 * 60 + 56) * 10_000, (60 * 60 + 7) * 10_000);
    let placed = opened(18).number(0, 8).number(42, 10).number(1, 1).signed(longitude, 28).signed(latitude, 27);
    let report = placed.number(2_200, 12).number(221, 9).number(30, 6).number(0, 29);
    let named = opened(24).number(0, 2).text(NEIGHBOUR, 20);
    [report, named].into_iter().flat_map(|message| message.sentences('B', 1)).collect()
}
