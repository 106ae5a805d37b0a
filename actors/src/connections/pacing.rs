//! When the lines of a recording are due. Pure: knows durations, no clock.

use std::time::Duration;

const DAY: i64 = 86_400_000;
/// A recorded time that is this far away from the one before is a cut: the recorder was off in between.
const LARGEST_GAP: Duration = Duration::from_secs(600);
/// The pause that stands for a cut, and for the way back from the end to the beginning.
const CUT: Duration = Duration::from_secs(1);

/// A rate that needs no recorded times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Steady {
    /// Lines per second.
    Lines(f64),
    /// Bytes per second, the line ends not counted.
    Bytes(f64),
}

/// When a line was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// Milliseconds since 1970, from a multiplexed log.
    Epoch(i64),
    /// Milliseconds since midnight, from the sentence itself.
    TimeOfDay(i64),
}

/// Gives each line of a recording its place in time.
///
/// Lines keep the gaps they were recorded with; those without a time follow the line before them at once. A time that goes
/// back a little (two receivers, a late sentence) is ignored; one that leaps over more than ten minutes either way is taken
/// for a cut, and playback goes on after a second.
#[derive(Debug)]
pub(super) struct Pacer {
    speed: f64,
    /// `None`: by the recorded times.
    steady: Option<Steady>,
    /// The recording's time since playback started, not yet divided by the speed.
    position: Duration,
    /// Latest recorded time.
    latest: Option<Recorded>,
}

impl Pacer {
    /// `speed` is 0 (everything is due at once) or at least 0.001.
    pub fn new(speed: f64, steady: Option<Steady>) -> Self {
        Self { speed, steady, position: Duration::ZERO, latest: None }
    }

    /// When the line is due, counted from the start of playback.
    pub fn due(&mut self, line: &[u8], recorded: Option<Recorded>) -> Duration {
        let due = match self.steady {
            Some(rate) => {
                let due = self.scaled();
                self.position += Duration::from_secs_f64(match rate {
                    Steady::Lines(lines) => 1.0 / lines,
                    Steady::Bytes(bytes) => line.len() as f64 / bytes,
                });
                return due;
            }
            None => recorded,
        };
        if let Some(now) = due {
            self.advance(now);
        }
        self.scaled()
    }

    /// The recording starts over.
    pub fn rewind(&mut self) {
        self.latest = None;
        if self.steady.is_none() {
            self.position += CUT;
        }
    }

    fn advance(&mut self, now: Recorded) {
        let step = match (self.latest, now) {
            (Some(Recorded::Epoch(before)), Recorded::Epoch(now)) => now.saturating_sub(before),
            (Some(Recorded::TimeOfDay(before)), Recorded::TimeOfDay(now)) => {
                // The shorter way around midnight.
                (now - before + DAY / 2).rem_euclid(DAY) - DAY / 2
            }
            _ => {
                self.latest = Some(now);
                return;
            }
        };
        let distance = Duration::from_millis(step.unsigned_abs());
        if distance > LARGEST_GAP {
            self.position += CUT;
            self.latest = Some(now);
        } else if step > 0 {
            self.position += distance;
            self.latest = Some(now);
        }
    }

    fn scaled(&self) -> Duration {
        if self.speed == 0.0 { Duration::ZERO } else { self.position.div_f64(self.speed) }
    }
}

/// Takes a line of a multiplexed log apart: `<epoch ms>;<kind>;<line>` (signalk-v1 §14). `None` for any other line.
pub(super) fn multiplexed(line: &[u8]) -> Option<(i64, char, &[u8])> {
    let mut parts = line.splitn(3, |byte| *byte == b';');
    let (millis, kind, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = match kind {
        [kind] if kind.is_ascii_uppercase() => char::from(*kind),
        _ => return None,
    };
    // Twelve digits begin in 1973; fifteen end in the year 33658.
    if !(12..=15).contains(&millis.len()) || !millis.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((std::str::from_utf8(millis).ok()?.parse().ok()?, kind, rest))
}

/// The time of day in an RMC, GGA, GLL or ZDA sentence; also in one that is void otherwise. `None` for any other line.
pub(super) fn time_of_day(line: &[u8]) -> Option<Recorded> {
    // A tag block may stand in front.
    let sentence = match line.first()? {
        b'\\' => &line[line.iter().rposition(|byte| *byte == b'\\')? + 1..],
        _ => line,
    };
    let sentence = sentence.strip_prefix(b"$")?;
    let field = match sentence.get(2..6)?.to_ascii_uppercase().as_slice() {
        b"RMC," | b"GGA," | b"ZDA," => 1,
        b"GLL," => 5,
        _ => return None,
    };
    let time = sentence.split(|byte| matches!(byte, b',' | b'*')).nth(field)?;
    let (whole, fraction) = match time.iter().position(|byte| *byte == b'.') {
        Some(point) => (&time[..point], &time[point + 1..]),
        None => (time, [].as_slice()),
    };
    if whole.len() != 6 || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let two = |at: usize| i64::from(whole[at] - b'0') * 10 + i64::from(whole[at + 1] - b'0');
    let millis = (0..3).fold(0, |sum, i| sum * 10 + fraction.get(i).map_or(0, |digit| i64::from(digit - b'0')));
    let (hours, minutes, seconds) = (two(0), two(2), two(4));
    // 60 is a leap second.
    let valid = hours < 24 && minutes < 60 && seconds <= 60;
    valid.then_some(Recorded::TimeOfDay(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_tell_their_time() {
        for (line, expected) in [
            ("$GPRMC,000001.25,A,,,,,,,,,,*00", Some(1250)),
            ("$GPZDA,095559,,,,00,*4D", Some(35_759_000)),
            ("$GPGLL,6005.071,N,02332.346,E,095559,A,D*43", Some(35_759_000)),
            ("$GNGGA,235959.999,,,,,0,,,,,,,,*00", Some(86_399_999)),
            ("\\s:a,c:1*00\\$GPZDA,000000*00", Some(0)),
            ("$GPZDA,000000*00", Some(0)),
            ("$GPZDA,,,,,,*48", None),
            ("$GPZDA,250000,,,,,*48", None),
            ("$GPZDA,2500-1,,,,,*48", None),
            ("$GPZDA", None),
            ("$IIVHW,095559,,*00", None),
            ("!AIVDM,1,1,,A,x,0*00", None),
            ("", None),
            ("\\", None),
            ("\\s:x", None),
        ] {
            assert_eq!(time_of_day(line.as_bytes()), expected.map(Recorded::TimeOfDay), "{line}");
        }
    }

    #[test]
    fn multiplexed_lines() {
        assert_eq!(multiplexed(b"1700000000000;N;$GP;x"), Some((1_700_000_000_000, 'N', b"$GP;x".as_slice())));
        for line in
            ["$GPRMC,1", "1700000000000;N", "17;N;x", "1700000000000;NN;x", "1700000000x00;N;x", "-170000000000;N;x"]
        {
            assert_eq!(multiplexed(line.as_bytes()), None, "{line}");
        }
    }

    /// Milliseconds at which the lines are due.
    fn due(pacer: &mut Pacer, times: &[Option<Recorded>]) -> Vec<u128> {
        times.iter().map(|time| pacer.due(b"0123456789", *time).as_millis()).collect()
    }

    #[test]
    fn gaps_are_those_of_the_recording_divided_by_the_speed() {
        let at = |seconds: i64| Some(Recorded::TimeOfDay(seconds * 1000));
        let times = [None, at(86_398), None, at(86_399), at(1), at(0), at(3)];
        assert_eq!(due(&mut Pacer::new(1.0, None), &times), [0, 0, 0, 1000, 3000, 3000, 5000]);
        assert_eq!(due(&mut Pacer::new(20.0, None), &times), [0, 0, 0, 50, 150, 150, 250]);
        assert_eq!(due(&mut Pacer::new(0.0, None), &times), [0; 7]);
        // Cuts: forward, and back to the beginning.
        let cuts = [at(0), at(600), at(2000), at(2001), at(0), at(1)];
        assert_eq!(due(&mut Pacer::new(1.0, None), &cuts), [0, 600_000, 601_000, 602_000, 603_000, 604_000]);
    }

    #[test]
    fn a_log_with_epoch_times() {
        let at = |millis: i64| Some(Recorded::Epoch(1_700_000_000_000 + millis));
        let mut pacer = Pacer::new(2.0, None);
        assert_eq!(due(&mut pacer, &[at(0), at(500), at(400), at(1000)]), [0, 250, 250, 500]);
        pacer.rewind();
        assert_eq!(due(&mut pacer, &[at(0), at(500)]), [1000, 1250]);
        assert_eq!(due(&mut Pacer::new(1.0, None), &[Some(Recorded::Epoch(i64::MIN)), at(0)]), [0, 1000]);
    }

    #[test]
    fn steady_rates() {
        let mut lines = Pacer::new(2.0, Some(Steady::Lines(10.0)));
        assert_eq!(due(&mut lines, &[None; 4]), [0, 50, 100, 150]);
        lines.rewind();
        assert_eq!(due(&mut lines, &[None; 2]), [200, 250]);
        assert_eq!(due(&mut Pacer::new(1.0, Some(Steady::Bytes(20.0))), &[None; 3]), [0, 500, 1000]);
    }
}
