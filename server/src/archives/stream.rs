//! An archive as a stream: it is packed while it is sent, so that it needs no room on the disk and little in the memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem;
use std::time::SystemTime;

use actix_web::web::Bytes;
use futures_util::Stream;
use futures_util::stream::poll_fn;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::contents::Entry;

/// Bytes that are sent at once.
const CHUNK: usize = 64 * 1024;
/// Chunks that wait for a slow client.
const WAITING: usize = 4;

/// Packs files, in their order, and hands out the archive piece by piece. What is gone when its turn comes is left out. The permit is held
/// for as long as that takes.
pub fn pack(entries: Vec<Entry>, permit: OwnedSemaphorePermit) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    let (sender, mut receiver) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let failed = sender.clone();
        let writer = ChunkWriter { sender, chunk: Vec::with_capacity(CHUNK) };
        if let Err(error) = write_all(writer, &entries) {
            // The client must not take what it has for the whole. One that has gone hears nothing.
            let _ = failed.blocking_send(Err(error));
        }
    });
    poll_fn(move |context| receiver.poll_recv(context))
}

fn write_all(writer: ChunkWriter, entries: &[Entry]) -> io::Result<()> {
    let mut archive = ZipWriter::new_stream(writer);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o600);
    for entry in entries {
        let mut file = match File::open(&entry.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let large = metadata.len() >= u64::from(u32::MAX);
        let modified = metadata.modified().ok().and_then(date_of).unwrap_or_default();
        archive.start_file(entry.name.as_str(), options.large_file(large).last_modified_time(modified))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => archive.write_all(&buffer[..count])?,
            }
        }
    }
    archive.finish()?.into_inner().send()
}

/// A time as archives have it: UTC, from 1980 on.
fn date_of(time: SystemTime) -> Option<DateTime> {
    let time = jiff::Timestamp::try_from(time).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).ok();
    let year = u16::try_from(time.year()).ok()?;
    let (month, day) = (part(time.month())?, part(time.day())?);
    DateTime::from_date_and_time(year, month, day, part(time.hour())?, part(time.minute())?, part(time.second())?).ok()
}

/// Sends what is written to it, in chunks.
struct ChunkWriter {
    sender: mpsc::Sender<io::Result<Bytes>>,
    chunk: Vec<u8>,
}

impl ChunkWriter {
    fn send(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        self.sender.blocking_send(Ok(chunk.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// Chunks are sent when they are full, and at the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use futures_util::{StreamExt as _, TryStreamExt as _};
    use tokio::sync::Semaphore;
    use zip::ZipArchive;

    use super::*;

    async fn permit(of: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        of.clone().acquire_owned().await.expect("it is open")
    }

    #[tokio::test]
    async fn what_is_packed_can_be_unpacked() {
        let directory = tempfile::tempdir().expect("a directory");
        let large: Vec<u8> =
            (0..1_000_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
        let mut entries = Vec::new();
        for (name, content) in [("a.json", b"{}".to_vec()), ("b/large.bin", large.clone()), ("c/empty", Vec::new())] {
            let path = directory.path().join(name.replace('/', "_"));
            std::fs::write(&path, content).expect("a file");
            entries.push(Entry { name: name.to_owned(), path });
        }
        entries.push(Entry { name: "gone".to_owned(), path: directory.path().join("gone") });
        let packing = Arc::new(Semaphore::new(1));
        let chunks: Vec<Bytes> = pack(entries, permit(&packing).await).try_collect().await.expect("it is packed");
        assert!(chunks.len() > 10 && chunks.iter().all(|chunk| chunk.len() < 3 * CHUNK), "{}", chunks.len());
        let mut archive = ZipArchive::new(Cursor::new(chunks.concat())).expect("an archive");
        let names: Vec<_> = (0..archive.len())
            .map(|n| archive.by_index(n).expect("a file").name().expect("a text").into_owned())
            .collect();
        assert_eq!(names, ["a.json", "b/large.bin", "c/empty"]);
        let mut read = Vec::new();
        let modified = archive.by_index(0).expect("a file").last_modified().expect("a time");
        let year = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year();
        assert!((i32::from(year) - i32::from(modified.year())).abs() <= 1, "{modified}");
        archive.by_index(1).expect("a file").read_to_end(&mut read).expect("readable");
        assert!(read == large);
        assert_eq!(packing.available_permits(), 1);
    }

    #[tokio::test]
    async fn packing_ends_with_its_client() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("noise");
        let noise: Vec<u8> = (0..2_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        std::fs::write(&path, noise).expect("a file");
        let packing = Arc::new(Semaphore::new(1));
        let entries = (0..50).map(|n| Entry { name: format!("{n}"), path: path.clone() }).collect();
        let mut stream = Box::pin(pack(entries, permit(&packing).await));
        assert!(stream.next().await.is_some_and(|chunk| chunk.is_ok()));
        assert_eq!(packing.available_permits(), 0);
        drop(stream);
        // Once the client has gone, the next chunk can't be sent.
        let _again = permit(&packing).await;
    }
}
