//! NMEA 0183 from the clients of the NMEA 0183 output: plotters that send routes and autopilot commands (signalk-v1 §13.2).

use std::convert::Infallible;

use super::intake::LineIntake;
use super::link::{End, Link};

/// Lines that go into one batch when so many wait.
const MAX_LINES: usize = 256;

/// Takes what clients send until the output goes.
///
/// All clients share one decoder, as on a wire with several talkers.
pub(super) async fn run(link: &Link) -> Result<Infallible, End> {
    let mut lines = link.sentences.take_input();
    link.status("Listening to the clients of the NMEA 0183 output (nmea-tcp)");
    let mut intake = LineIntake::new(link);
    loop {
        let mut next = lines.recv().await;
        let now = jiff::Timestamp::now();
        let mut taken = 0;
        while let Some(sent) = next {
            link.counters.add_bytes(sent.line.len());
            intake.take_from(&sent.line, sent.origin, now);
            taken += 1;
            next = if taken < MAX_LINES { lines.try_recv().ok() } else { None };
        }
        if taken == 0 {
            // The bus has gone, and with it the server.
            return Err(End::BrokerStopped);
        }
        intake.publish().await?;
    }
}
