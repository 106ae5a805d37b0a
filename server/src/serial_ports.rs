//! The serial ports of this machine (server-admin-api §5), read from the system's directories.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// `GET /skServer/serialports`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SerialPorts {
    /// Names that a device keeps wherever it is plugged in: `/dev/serial/by-id/…`.
    pub by_id: Vec<String>,
    /// Names that a socket keeps: `/dev/serial/by-path/…`.
    pub by_path: Vec<String>,
    /// Names that OpenPlotter gives: `/dev/ttyOP_…`.
    pub by_open_plotter: Vec<String>,
    /// All ports with a device behind them.
    pub serialports: Vec<SerialPort>,
}

/// One port, and what its device says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SerialPort {
    /// Such as `/dev/ttyUSB0`.
    pub path: String,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// The maker's number in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// The product's number in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
}

/// Looks for ports; `root` is `/`. A directory that is not there has none.
pub fn list(root: &Path) -> SerialPorts {
    let below = |directory: &str, prefix: &str| {
        let names = names(&root.join(directory)).into_iter().filter(|name| name.starts_with(prefix));
        names.map(|name| format!("/{directory}/{name}")).collect::<Vec<_>>()
    };
    let class = root.join("sys/class/tty");
    SerialPorts {
        by_id: below("dev/serial/by-id", ""),
        by_path: below("dev/serial/by-path", ""),
        by_open_plotter: below("dev", "ttyOP_"),
        serialports: names(&class).into_iter().filter_map(|name| port(&class, &name)).collect(),
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The driver of terminals that are always there, with or without a device.
const BUILT_IN: &str = "serial8250";

/// A terminal that has a device. Four of the old kind are always there: these have a driver of that name, and from Linux 6.5 on one of
/// another name at a device below it.
fn port(class: &Path, name: &str) -> Option<SerialPort> {
    let device = fs::canonicalize(class.join(name).join("device")).ok()?;
    let driver = fs::canonicalize(device.join("driver")).ok();
    let below = device.iter().any(|part| part == BUILT_IN);
    if below || driver.is_some_and(|driver| driver.ends_with(BUILT_IN)) {
        return None;
    }
    let said = |file: &str| {
        // The device on the bus is a few levels above the port.
        let text = device.ancestors().take(4).find_map(|above| fs::read_to_string(above.join(file)).ok())?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    Some(SerialPort {
        path: format!("/dev/{name}"),
        manufacturer: said("manufacturer"),
        serial_number: said("serial"),
        vendor_id: said("idVendor"),
        product_id: said("idProduct"),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn ports_with_a_device_are_listed() {
        let root = tempfile::tempdir().expect("a directory");
        assert_eq!(list(root.path()), SerialPorts::default());
        let make = |path: &str| fs::create_dir_all(root.path().join(path)).expect("a directory");
        let write = |path: &str, text: &str| fs::write(root.path().join(path), text).expect("a file");
        for path in ["dev/serial/by-id", "sys/class/tty/ttyUSB0", "sys/class/tty/ttyS0", "sys/class/tty/console"] {
            make(path);
        }
        write("dev/serial/by-id/usb-GPS", "");
        write("dev/ttyOP_gps", "");
        make("sys/devices/usb1/1-1:1.0/ttyUSB0");
        write("sys/devices/usb1/manufacturer", "u-blox AG\n");
        write("sys/devices/usb1/idVendor", "1546\n");
        let devices = root.path().join("sys/devices");
        symlink(devices.join("usb1/1-1:1.0/ttyUSB0"), root.path().join("sys/class/tty/ttyUSB0/device"))
            .expect("a link");
        make("sys/devices/platform/serial8250");
        symlink(devices.join("platform/serial8250"), root.path().join("sys/class/tty/ttyS0/device")).expect("a link");
        symlink(devices.join("platform/serial8250"), devices.join("platform/serial8250/driver")).expect("a link");
        // As newer kernels have it.
        for path in [
            "sys/class/tty/ttyS1",
            "sys/devices/platform/serial8250/serial8250:0/serial8250:0.1",
            "sys/bus/drivers/port",
        ] {
            make(path);
        }
        let newer = devices.join("platform/serial8250/serial8250:0/serial8250:0.1");
        symlink(&newer, root.path().join("sys/class/tty/ttyS1/device")).expect("a link");
        symlink(root.path().join("sys/bus/drivers/port"), newer.join("driver")).expect("a link");
        let ports = list(root.path());
        assert_eq!(ports.by_id, ["/dev/serial/by-id/usb-GPS"]);
        assert_eq!(ports.by_open_plotter, ["/dev/ttyOP_gps"]);
        let usb = SerialPort {
            path: "/dev/ttyUSB0".into(),
            manufacturer: Some("u-blox AG".into()),
            vendor_id: Some("1546".into()),
            ..SerialPort::default()
        };
        assert_eq!(ports.serialports, [usb]);
    }
}
