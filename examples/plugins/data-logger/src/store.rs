//! The files: `log-000001.csv`, `log-000002.csv` and so on in one directory. The last one is written to.

use crate::csv::HEADER;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The files and the one that is written to.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    max_bytes: u64,
    max_files: usize,
    number: u32,
    file: File,
    size: u64,
}

/// A file, for those who want to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, without the directory.
    pub name: String,
    /// Its size, bytes.
    pub bytes: u64,
}

/// A part of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Complete lines.
    pub text: String,
    /// Where the next part begins; `None`: the file ends here.
    pub next: Option<u64>,
}

impl Store {
    /// Goes on where the last run ended, or begins with a first file.
    ///
    /// # Errors
    /// When the directory can't be read or written.
    pub fn open(dir: &Path, max_bytes: u64, max_files: usize) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let number = numbers(dir)?.last().copied().unwrap_or(1);
        let (file, size) = append(dir, number)?;
        let mut store = Self { dir: dir.to_owned(), max_bytes, max_files, number, file, size };
        store.delete_old()?;
        Ok(store)
    }

    /// The name of the file that is written to.
    pub fn current(&self) -> String {
        name(self.number)
    }

    /// Writes a line, in the next file if this one is full.
    ///
    /// # Errors
    /// When there is no room, or the file is gone.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        let length = line.len() as u64;
        // A line that is larger than a file may be gets a file of its own.
        if self.size + length > self.max_bytes && self.size > HEADER.len() as u64 {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // No half lines: this one will be written again. If even that fails, `append` mends it at the next start.
            let _ = self.file.set_len(self.size);
            return Err(error);
        }
        self.size += length;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let number = self.number + 1;
        (self.file, self.size) = append(&self.dir, number)?;
        self.number = number;
        self.delete_old()
    }

    fn delete_old(&mut self) -> io::Result<()> {
        let numbers = numbers(&self.dir)?;
        let excess = numbers.len().saturating_sub(self.max_files);
        numbers[..excess].iter().try_for_each(|number| std::fs::remove_file(self.dir.join(name(*number))))
    }

    /// All files, the oldest first.
    ///
    /// # Errors
    /// When the directory can't be read.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        numbers(&self.dir)?
            .into_iter()
            .map(|number| {
                let name = name(number);
                let bytes = std::fs::metadata(self.dir.join(&name))?.len();
                Ok(Entry { name, bytes })
            })
            .collect()
    }

    /// The lines of a file from `offset` on, about `limit` bytes of them. `None`: there is no such file; only names of
    /// [`entries`](Self::entries) are looked for.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read(&self, name: &str, offset: u64, limit: u64) -> io::Result<Option<Part>> {
        if number(name).is_none() {
            return Ok(None);
        }
        let mut file = match File::open(self.dir.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        let more = (&file).take(limit).read_to_end(&mut bytes)? as u64 == limit;
        if more {
            // Ends with a line: the one that the limit cuts is left out, unless it is the first.
            match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => bytes.truncate(end + 1),
                None => read_line(&mut file, &mut bytes)?,
            }
        }
        let end = offset + bytes.len() as u64;
        let next = (end < file.metadata()?.len()).then_some(end);
        Ok(Some(Part { text: String::from_utf8_lossy(&bytes).into_owned(), next }))
    }
}

/// Reads on to the end of the line.
fn read_line(file: &mut File, bytes: &mut Vec<u8>) -> io::Result<()> {
    io::BufRead::read_until(&mut io::BufReader::new(file), b'\n', bytes).map(drop)
}

/// Opens a file for appending. A new one gets its header; one that a crash left without its last line end gets that.
fn append(dir: &Path, number: u32) -> io::Result<(File, u64)> {
    let path = dir.join(name(number));
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
    let mut size = file.seek(SeekFrom::End(0))?;
    if size == 0 {
        file.write_all(HEADER.as_bytes())?;
        return Ok((file, HEADER.len() as u64));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
        size += 1;
    }
    Ok((file, size))
}

/// The numbers of the files in a directory, in order. Other files are none of ours.
fn numbers(dir: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        numbers.extend(entry?.file_name().to_str().and_then(number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn name(number: u32) -> String {
    format!("log-{number:06}.csv")
}

/// The number in a file's name; `None` when it is none of ours.
fn number(file: &str) -> Option<u32> {
    let found = file.strip_prefix("log-")?.strip_suffix(".csv")?.parse().ok()?;
    (name(found) == file).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "2024-05-01T10:00:00.000Z,navigation.speedOverGround,3.25,gps.GP\n";

    fn text(dir: &Path, name: &str) -> String {
        std::fs::read_to_string(dir.join(name)).unwrap()
    }

    #[test]
    fn a_restart_goes_on_in_the_same_file() {
        // ABI-29
        let dir = tempfile::tempdir().unwrap();
        for _ in 0..3 {
            Store::open(dir.path(), 4096, 3).unwrap().write(LINE).unwrap();
        }
        assert_eq!(text(dir.path(), "log-000001.csv"), format!("{HEADER}{LINE}{LINE}{LINE}"));
    }

    #[test]
    fn a_line_that_a_crash_cut_stays_one_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("log-000007.csv"), format!("{HEADER}2024-05-")).unwrap();
        let mut store = Store::open(dir.path(), 4096, 3).unwrap();
        store.write(LINE).unwrap();
        assert_eq!(store.current(), "log-000007.csv");
        assert_eq!(text(dir.path(), "log-000007.csv"), format!("{HEADER}2024-05-\n{LINE}"));
    }

    #[test]
    fn a_full_file_is_followed_by_another_and_the_oldest_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("notes.txt"), "not ours").unwrap();
        let max = (HEADER.len() + 2 * LINE.len()) as u64;
        let mut store = Store::open(dir.path(), max, 2).unwrap();
        for _ in 0..7 {
            store.write(LINE).unwrap();
        }
        let found: Vec<_> = store.entries().unwrap().into_iter().map(|entry| (entry.name, entry.bytes)).collect();
        assert_eq!(
            found,
            [("log-000003.csv".to_owned(), max), ("log-000004.csv".to_owned(), max - LINE.len() as u64),]
        );
        assert!(dir.path().join("notes.txt").exists());
        // A line of any size is written, in a file of its own.
        store.write(&LINE.repeat(5)).unwrap();
        assert_eq!(store.current(), "log-000005.csv");
        drop(store);
        assert_eq!(Store::open(dir.path(), max, 1).unwrap().entries().unwrap().len(), 1);
    }

    #[test]
    fn a_file_is_read_in_parts_of_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), 4096, 2).unwrap();
        for _ in 0..3 {
            store.write(LINE).unwrap();
        }
        let (mut offset, mut parts) = (0, Vec::new());
        loop {
            let part = store.read("log-000001.csv", offset, 100).unwrap().unwrap();
            parts.push(part.text);
            match part.next {
                Some(next) => offset = next,
                None => break,
            }
        }
        assert!(parts.len() > 1 && parts.iter().all(|part| part.ends_with('\n')), "{parts:?}");
        assert_eq!(parts.concat(), text(dir.path(), "log-000001.csv"));
        // Less room than a line: the line comes whole.
        assert_eq!(store.read("log-000001.csv", 0, 3).unwrap().unwrap().text, HEADER);
        let end = store.read("log-000001.csv", 1 << 40, 100).unwrap().unwrap();
        assert_eq!(end, Part { text: String::new(), next: None });
    }

    #[test]
    fn only_its_own_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("data"), 4096, 2).unwrap();
        std::fs::write(dir.path().join("log-000009.csv"), "secret").unwrap();
        for name in ["../log-000009.csv", "log-000009.csv", "log-1.csv", "log-+00001.csv", "", "."] {
            assert_eq!(store.read(name, 0, 100).unwrap(), None, "{name}");
        }
    }
}
