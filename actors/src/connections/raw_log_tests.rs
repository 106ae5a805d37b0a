use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn settings(directory: &Path) -> RawLogSettings {
    RawLogSettings { reserve: 0, ..RawLogSettings::in_directory(directory.to_owned()) }
}

fn close(log: &RawLog) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(log.close());
}

/// Writes the lines and waits until the thread has done so.
fn log(settings: RawLogSettings, lines: &[(&str, char, &str)]) -> (RawLogStatistics, StatusBoard) {
    let board = StatusBoard::default();
    let log = RawLog::new(settings, board.clone());
    for (time, kind, line) in lines {
        log.write(*kind, line.as_bytes(), at(time));
    }
    close(&log);
    let statistics = log.statistics();
    assert_eq!(statistics.lines + statistics.dropped, lines.len() as u64, "{statistics:?}");
    (statistics, board)
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

#[test]
fn what_is_written_at_the_end_is_on_the_disk_and_what_comes_later_is_counted() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = RawLog::new(settings(directory.path()), StatusBoard::default());
    for _ in 0..500 {
        log.write('N', b"$GPGGA", at("2026-05-02T10:00:00Z"));
    }
    close(&log);
    let file = directory.path().join("skserver-raw_2026-05-02T10.log");
    assert_eq!(fs::read_to_string(&file).expect("a file").lines().count(), 500);
    log.write('N', b"$GPGGA", at("2026-05-02T10:00:01Z"));
    close(&log);
    assert_eq!(log.statistics(), RawLogStatistics { lines: 500, dropped: 1, removed: 0 });
}

#[test]
fn lines_count_as_written_when_the_file_has_them_also_while_more_come() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = RawLog::new(settings(directory.path()), StatusBoard::default());
    let file = directory.path().join("skserver-raw_2026-05-02T10.log");
    let start = Instant::now();
    // Until what was not written at once has been written, too: after a second.
    while log.statistics().lines < 2 {
        log.write('N', b"$GPGGA", at("2026-05-02T10:00:00Z"));
        std::thread::sleep(Duration::from_millis(5));
        let counted = log.statistics().lines as usize;
        let found = fs::read_to_string(&file).map_or(0, |text| text.lines().count());
        assert!(counted <= found, "{counted} lines count as written, and {found} are in the file");
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written while lines come");
    }
    close(&log);
}

#[test]
fn what_waits_for_the_disk_is_bounded_in_bytes() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = RawLog::new(settings(directory.path()), StatusBoard::default());
    // A disk that takes nothing: nobody reads the other end.
    let (entries, stalled) = sync_channel(WAITING);
    let (_ending, ended) = oneshot::channel();
    *log.queue() = Queue::Open { entries, ended };
    let long = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        log.write('I', &long, at("2026-05-02T10:00:00Z"));
    }
    assert_eq!(log.statistics().dropped, 96);
    assert_eq!(stalled.try_iter().map(|entry| entry.line.len()).sum::<usize>(), WAITING_BYTES);
}

#[test]
fn a_clock_that_was_put_back_does_not_keep_old_files() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["skserver-raw_2026-05-01T08.log", "skserver-raw_2036-01-01T00.log", "skserver-raw_2036-01-01T01.log"] {
        fs::write(directory.path().join(name), [b'x'; 1000]).expect("a file");
    }
    let present = "skserver-raw_2026-05-02T10.log";
    fs::write(directory.path().join(present), "before\n").expect("a file");
    let bounds = RawLogSettings { bytes: 500, ..settings(directory.path()) };
    let (statistics, _) = log(bounds, &[("2026-05-02T10:00:00Z", 'N', "$A")]);
    assert_eq!(statistics, RawLogStatistics { lines: 1, dropped: 0, removed: 3 });
    assert_eq!(names(directory.path()), [present]);
}

#[test]
fn what_is_written_goes_elsewhere_when_it_is_told_to() {
    let [first, second] = [(), ()].map(|()| tempfile::tempdir().expect("a directory"));
    let old = "skserver-raw_2026-05-01T09.log";
    std::fs::write(second.path().join(old), "x\n").expect("a file");
    let log = RawLog::new(settings(first.path()), StatusBoard::default());
    log.write('N', b"one", at("2026-05-02T09:00:00Z"));
    while log.statistics().lines < 1 {
        std::thread::sleep(Duration::from_millis(1));
    }
    log.set(RawLogSettings { files: Some(1), ..settings(second.path()) });
    assert_eq!(log.directory(), second.path());
    log.write('N', b"two", at("2026-05-02T09:00:01Z"));
    close(&log);
    let read = |directory: &tempfile::TempDir| {
        fs::read_to_string(directory.path().join("skserver-raw_2026-05-02T09.log")).expect("a file")
    };
    assert_eq!((read(&first).as_str(), read(&second).as_str()), ("1777712400000;N;one\n", "1777712401000;N;two\n"));
    assert_eq!(names(second.path()), ["skserver-raw_2026-05-02T09.log"], "the older one has made room");
    assert_eq!(log.statistics(), RawLogStatistics { lines: 2, dropped: 0, removed: 1 });
}
