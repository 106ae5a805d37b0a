use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn settings(directory: &Path) -> RawLogSettings {
    RawLogSettings { reserve: 0, ..RawLogSettings::in_directory(directory.to_owned()) }
}

/// Writes the lines and waits until the thread has done so.
fn log(settings: RawLogSettings, lines: &[(&str, char, &str)]) -> (RawLogStatistics, StatusBoard) {
    let board = StatusBoard::default();
    let log = RawLog::new(settings, board.clone());
    for (time, kind, line) in lines {
        log.write(*kind, line.as_bytes(), at(time));
    }
    let start = Instant::now();
    loop {
        let statistics = log.statistics();
        if statistics.lines + statistics.dropped == lines.len() as u64 {
            // Dropping the sender ends the thread, which flushes first.
            log.0.queue.lock().expect("no panic").take();
            let flushed = || Arc::strong_count(&log.0.lines) == 1;
            while !flushed() && start.elapsed() < Duration::from_secs(60) {
                std::thread::yield_now();
            }
            return (statistics, board);
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{statistics:?}");
        std::thread::yield_now();
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

/// SK-222.
#[test]
fn lines_are_written_into_the_file_of_their_hour() {
    let directory = tempfile::tempdir().expect("a directory");
    let (statistics, board) = log(
        settings(directory.path()),
        &[
            ("2026-05-02T09:59:59.999Z", 'N', "$GPRMC,1;2"),
            ("2026-05-02T09:59:59.999Z", 'I', "{\"updates\":[]}"),
            ("2026-05-02T10:00:00Z", 'N', "$GPGGA"),
        ],
    );
    assert_eq!(statistics, RawLogStatistics { lines: 3, dropped: 0, removed: 0 });
    assert_eq!(names(directory.path()), ["skserver-raw_2026-05-02T09.log", "skserver-raw_2026-05-02T10.log"]);
    let text = fs::read_to_string(directory.path().join("skserver-raw_2026-05-02T09.log")).expect("a file");
    assert_eq!(text, "1777715999999;N;$GPRMC,1;2\n1777715999999;I;{\"updates\":[]}\n");
    let entry = board.get(NAME).expect("an entry");
    assert!(entry.message.starts_with("Logging to ") && entry.kind == StatusKind::Status, "{entry:?}");
}

#[test]
fn only_so_many_files_and_bytes_are_kept() {
    let old = |hour: u32| format!("skserver-raw_2026-05-01T{hour:02}.log");
    let full = |directory: &Path| {
        for hour in 0..5 {
            fs::write(directory.join(old(hour)), [b'x'; 1000]).expect("a file");
        }
        fs::write(directory.join("skserver-raw_notes.log"), "mine").expect("a file");
    };
    let line = [("2026-05-02T09:00:00Z", 'N', "$A")];
    for (files, bytes, kept) in [(Some(3), 1 << 20, 2), (None, 2500, 2), (Some(1), 1 << 20, 0), (None, 1 << 20, 5)] {
        let directory = tempfile::tempdir().expect("a directory");
        full(directory.path());
        let (statistics, _) = log(RawLogSettings { files, bytes, ..settings(directory.path()) }, &line);
        assert_eq!(statistics, RawLogStatistics { lines: 1, dropped: 0, removed: 5 - kept }, "{files:?} {bytes}");
        let mut expected: Vec<String> = (5 - kept as u32..5).map(old).collect();
        expected.extend(["skserver-raw_2026-05-02T09.log".into(), "skserver-raw_notes.log".into()]);
        assert_eq!(names(directory.path()), expected, "the oldest go, and nobody else's files");
    }
}

#[test]
fn the_disk_is_never_filled_and_the_status_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let lines = [("2026-05-02T09:00:00Z", 'N', "$A"); 20];
    let full = RawLogSettings { reserve: u64::MAX, ..settings(directory.path()) };
    let (statistics, board) = log(full, &lines);
    assert_eq!((statistics.lines, statistics.dropped), (0, 20));
    let entry = board.get(NAME).expect("an entry");
    assert!(entry.kind == StatusKind::Error && entry.message.contains("remove files"), "{entry:?}");
    let narrow = RawLogSettings { bytes: 200, ..settings(directory.path()) };
    let (statistics, board) = log(narrow, &lines);
    assert!(statistics.lines >= 8 && statistics.dropped >= 1, "{statistics:?}");
    let entry = board.get(NAME).expect("an entry");
    assert!(entry.message.contains("the file of this hour alone"), "{entry:?}");
    let size = fs::metadata(directory.path().join("skserver-raw_2026-05-02T09.log")).expect("a file").len();
    assert!(size <= 250, "{size}");
    let file = directory.path().join("a file");
    fs::write(&file, "").expect("a file");
    let (statistics, board) = log(settings(&file), &lines[..1]);
    assert_eq!(statistics.dropped, 1);
    assert!(board.get(NAME).expect("an entry").message.contains("can't be made"));
}
