//! Lines from a serial port.

use std::convert::Infallible;
use std::io;

use serial2_tokio::SerialPort;

use super::backoff::Backoff;
use super::intake::Intake;
use super::link::{End, Link};
use super::plan::Serial;
use super::tcp_client::{Closed, read_stream};
use super::writing::{Outgoing, SERIAL_BYTES};

/// Opens the port and reads until it is lost, such as by unplugging.
pub(super) async fn run(settings: &Serial, link: &Link, backoff: &mut Backoff) -> Result<Infallible, End> {
    let Serial { device, baud_rate, protocol } = settings;
    let name = device.display();
    let port = SerialPort::open(device, *baud_rate).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "check that the device is plugged in, and `device`",
            io::ErrorKind::PermissionDenied => {
                "add the user that runs this server to the group that owns the port, often `dialout`"
            }
            _ => "check that no other program uses the port, and `baudrate`",
        };
        End::Lost(format!("can't open the serial port {name}: {error}; {hint}"))
    })?;
    let outgoing = Outgoing::open(link, SERIAL_BYTES);
    let _peer = link.counters.peer();
    link.status(&format!("Connected to {name} at {baud_rate} baud"));
    log::info!("connection {}: connected to {name} at {baud_rate} baud", link.id());
    let mut intake = Intake::new(link, *protocol);
    let (mut reading, mut writing) = tokio::io::split(port);
    let closed = tokio::select! {
        closed = read_stream(&mut reading, &mut intake, link, None, || backoff.reset()) => closed?,
        Err(error) = outgoing.write_to(&mut writing, link) => Closed::Failed(error),
    };
    match closed {
        Closed::Failed(error) => Err(End::Lost(format!("the serial port {name} failed: {error}"))),
        Closed::ByPeer | Closed::Silent(_) => {
            Err(End::Lost(format!("the serial port {name} was closed; is it plugged in?")))
        }
    }
}
