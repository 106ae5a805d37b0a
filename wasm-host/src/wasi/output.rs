//! Standard output and error of a plugin, taken apart into lines.

use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use virtual_fs::{AsyncRead, AsyncSeek, AsyncWrite, FsError, ReadBuf, Result, VirtualFile};

use crate::{Host, OutputStream};

/// Lets a bounded number of lines per second through, and says how many it held back.
pub(crate) struct OutputGate {
    lines_per_second: u32,
    state: Mutex<GateState>,
}

struct GateState {
    second: Instant,
    passed: u32,
    held_back: u64,
}

impl OutputGate {
    pub(crate) fn new(lines_per_second: u32) -> Self {
        Self { lines_per_second, state: Mutex::new(GateState { second: Instant::now(), passed: 0, held_back: 0 }) }
    }

    /// Whether one more line may pass now. Reports lines held back as soon as a new second begins.
    pub(crate) fn admit(&self, host: &dyn Host) -> bool {
        let (pass, report) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let mut report = 0;
            if state.second.elapsed() >= Duration::from_secs(1) {
                report = state.held_back;
                *state = GateState { second: Instant::now(), passed: 0, held_back: 0 };
            }
            let pass = state.passed < self.lines_per_second;
            if pass {
                state.passed += 1;
            } else {
                state.held_back += 1;
            }
            (pass, report)
        };
        if report > 0 {
            host.notice(&format!(
                "{report} lines of output were dropped: the plugin writes more than {} lines per second",
                self.lines_per_second
            ));
        }
        pass
    }
}

/// A standard stream: whatever is written becomes lines for the host.
pub(super) struct LineWriter {
    stream: OutputStream,
    host: Arc<dyn Host>,
    gate: Arc<OutputGate>,
    max_line: usize,
    line: Vec<u8>,
    /// The rest of an over-long line is being skipped.
    skipping: bool,
}

impl LineWriter {
    pub(super) fn new(stream: OutputStream, host: Arc<dyn Host>, gate: Arc<OutputGate>, max_line: usize) -> Self {
        Self { stream, host, gate, max_line, line: Vec::new(), skipping: false }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if !self.skipping {
                let room = self.max_line - self.line.len();
                self.line.extend_from_slice(&part[..part.len().min(room)]);
                self.skipping = part.len() > room;
            }
            match end {
                Some(end) => {
                    self.emit();
                    bytes = &bytes[end + 1..];
                }
                None => return,
            }
        }
    }

    fn emit(&mut self) {
        self.skipping = false;
        let line = String::from_utf8_lossy(&self.line);
        let line = line.strip_suffix('\r').unwrap_or(&line);
        if self.gate.admit(&*self.host) {
            self.host.output_line(self.stream, line);
        }
        self.line.clear();
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.emit();
        }
    }
}

impl VirtualFile for LineWriter {
    fn last_accessed(&self) -> u64 {
        0
    }

    fn last_modified(&self) -> u64 {
        0
    }

    fn created_time(&self) -> u64 {
        0
    }

    fn size(&self) -> u64 {
        0
    }

    fn set_len(&mut self, _: u64) -> Result<()> {
        Err(FsError::PermissionDenied)
    }

    fn unlink(&mut self) -> Result<()> {
        Err(FsError::PermissionDenied)
    }

    fn poll_read_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }

    fn poll_write_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(8192))
    }
}

impl AsyncRead for LineWriter {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::PermissionDenied.into()))
    }
}

impl AsyncWrite for LineWriter {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for LineWriter {
    fn start_seek(self: Pin<&mut Self>, _: io::SeekFrom) -> io::Result<()> {
        Err(io::ErrorKind::NotSeekable.into())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(0))
    }
}

impl fmt::Debug for LineWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineWriter({})", self.stream)
    }
}
