//! The server's process: starting it, stopping it, and reading what it costs.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// CPU seconds of all its threads, in user and kernel mode, in steps of a clock tick (usually 10 ms).
    pub cpu_seconds: f64,
    /// Resident memory in bytes.
    pub resident: u64,
    /// The highest resident memory so far, in bytes.
    pub resident_peak: u64,
}

/// Why a process could not be measured or started.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// `/proc` could not be read.
    #[error("cannot read {path}: {error}. Is the process running, and does this system have /proc?")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// `/proc` has another form than Linux documents.
    #[error("{path} does not have the expected form")]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// The command line has an open quote.
    #[error("cannot split the command '{0}' into words: it is empty or a quote is not closed")]
    Words(String),
    /// The command does not start.
    #[error("cannot start '{command}': {error}")]
    Start {
        /// As given by the user.
        command: String,
        /// What the system said.
        error: io::Error,
    },
    /// The server ended before it listened.
    #[error("'{command}' ended with {status} before it listened on {address}")]
    Ended {
        /// As given by the user.
        command: String,
        /// The exit status.
        status: std::process::ExitStatus,
        /// Where it should listen.
        address: SocketAddr,
    },
    /// The server did not listen in time.
    #[error("'{command}' did not listen on {address} within {seconds} s; --connect-timeout allows more")]
    NotListening {
        /// As given by the user.
        command: String,
        /// Where it should listen.
        address: SocketAddr,
        /// The time it was given.
        seconds: f64,
    },
    /// Something else answers at the address already.
    #[error("{0} is already in use: a server started by --spawn could not listen there")]
    InUse(SocketAddr),
}

impl Usage {
    /// The usage of process `pid`.
    pub fn of(pid: u32) -> Result<Self, ProcessError> {
        let read = |name: &str| {
            let path = PathBuf::from(format!("/proc/{pid}/{name}"));
            match std::fs::read_to_string(&path) {
                Ok(text) => Ok((path, text)),
                Err(error) => Err(ProcessError::Read { path, error }),
            }
        };
        let (path, stat) = read("stat")?;
        let ticks = cpu_ticks(&stat).ok_or(ProcessError::Form { path })?;
        let (path, status) = read("status")?;
        let kilobytes = |key| kilobytes(&status, key).ok_or(ProcessError::Form { path: path.clone() });
        Ok(Usage {
            cpu_seconds: ticks as f64 / ticks_per_second(),
            resident: kilobytes("VmRSS:")? * 1024,
            resident_peak: kilobytes("VmHWM:")? * 1024,
        })
    }
}

/// `utime` plus `stime`, fields 14 and 15. The second field is the program's name in parentheses, which may
/// itself hold spaces and parentheses.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn kilobytes(status: &str, key: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(unix)]
fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

#[cfg(not(unix))]
fn ticks_per_second() -> f64 {
    100.0
}

/// Allows this process `count` open files.
#[cfg(unix)]
pub fn allow_open_files(count: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(count));
    setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum })?;
    Ok(())
}

/// Other systems have no such limit to raise.
#[cfg(not(unix))]
pub fn allow_open_files(_count: u64) -> io::Result<()> {
    Ok(())
}

/// A server that this program started; it is stopped when this value is dropped.
#[derive(Debug)]
pub struct SpawnedServer {
    child: Child,
}

impl SpawnedServer {
    /// Starts `command` (split into words as a shell would, nothing else of a shell) and waits until it
    /// listens on `address`. What it prints goes to standard error.
    pub fn start(command: &str, address: SocketAddr, timeout: Duration) -> Result<Self, ProcessError> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| ProcessError::Words(command.to_owned()))?;
        if TcpStream::connect(address).is_ok() {
            return Err(ProcessError::InUse(address));
        }
        let command = command.to_owned();
        let child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(io::stderr())
            .spawn()
            .map_err(|error| ProcessError::Start { command: command.clone(), error })?;
        let mut server = SpawnedServer { child };

        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(ProcessError::Ended { command, status, address });
            }
            if started.elapsed() > timeout {
                return Err(ProcessError::NotListening { command, address, seconds: timeout.as_secs_f64() });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    #[cfg(unix)]
    fn ask_to_stop(&self) {
        // It fails only when the process has ended, which is what is wanted.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
    }

    #[cfg(not(unix))]
    fn ask_to_stop(&self) {}
}

impl Drop for SpawnedServer {
    fn drop(&mut self) {
        const PATIENCE: Duration = Duration::from_secs(5);

        self.ask_to_stop();
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("the server did not stop within {} s and is killed", PATIENCE.as_secs());
        // Both fail only when the process has ended meanwhile.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_with_spaces_and_parentheses_is_no_obstacle() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 250 50 7 8 20 0 1 0";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("42 (short) S 1"), None);
        assert_eq!(kilobytes("Name:\tx\nVmHWM:\t  5120 kB\nVmRSS:\t 4096 kB\n", "VmRSS:"), Some(4096));
    }

    #[test]
    fn work_shows_in_the_own_usage() {
        let pid = std::process::id();
        let before = Usage::of(pid).unwrap();
        assert!(before.resident > 0 && before.resident_peak >= before.resident);
        let started = Instant::now();
        let mut now = before;
        while now.cpu_seconds <= before.cpu_seconds {
            assert!(started.elapsed() < Duration::from_secs(30), "working must cost CPU time");
            now = Usage::of(pid).unwrap();
        }
    }

    #[test]
    fn a_missing_process_is_an_error_with_the_file() {
        let error = Usage::of(u32::MAX).unwrap_err().to_string();
        assert!(error.contains("/proc/4294967295/stat"), "{error}");
    }

    #[test]
    fn a_command_that_ends_at_once_is_reported() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let start = |command| SpawnedServer::start(command, free, Duration::from_secs(20)).unwrap_err();
        assert!(matches!(start("false"), ProcessError::Ended { .. }));
        assert!(matches!(start("'open"), ProcessError::Words(_)));
        assert!(matches!(start("no-such-program-here"), ProcessError::Start { .. }));
    }
}
