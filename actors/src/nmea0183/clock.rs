//! From a time of day to an instant.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::fields::TimeOfDay;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);
/// How far a receiver's clock may be ahead of ours before its time is taken for yesterday's.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// What is known about the receiver's date.
///
/// Sentences such as GLL and GGA give a time of day only. Once RMC or ZDA have told the date, the instant nearest to
/// where the receiver's clock must be by now is meant, across midnight too. Before that, the latest such time that is
/// not in the future of our own clock is.
#[derive(Debug, Default)]
pub(super) struct ReceiverClock {
    /// The receiver's clock minus ours when it last told the time.
    offset: Option<SignedDuration>,
}

impl ReceiverClock {
    /// Notes that the receiver's clock shows `instant` when ours shows `now`.
    pub fn observe(&mut self, instant: Timestamp, now: Timestamp) {
        self.offset = Some(instant.duration_since(now));
    }

    /// The instant meant by a time of day in a sentence received at `now`; `None` beyond the end of time.
    pub fn resolve(&mut self, time: TimeOfDay, now: Timestamp) -> Option<Timestamp> {
        let (shown, latest) = match self.offset {
            Some(offset) => (now.checked_add(offset).ok()?, HALF_A_DAY),
            None => (now, AHEAD),
        };
        let instant = instant(date_of(shown), time)?;
        let lead = instant.duration_since(shown);
        let instant = if lead > latest {
            instant.checked_sub(DAY).ok()?
        } else if lead + DAY <= latest {
            instant.checked_add(DAY).ok()?
        } else {
            instant
        };
        if self.offset.is_some() {
            // Keeps pace with recordings that are played faster than they were made.
            self.observe(instant, now);
        }
        Some(instant)
    }
}

/// The instant of a time of day on a date.
pub(super) fn instant(date: Date, time: TimeOfDay) -> Option<Timestamp> {
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    midnight.checked_add(SignedDuration::from_millis(time.milliseconds)).ok()
}

fn date_of(instant: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(instant).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn time(hours: i64, minutes: i64, seconds: i64) -> TimeOfDay {
        TimeOfDay { milliseconds: ((hours * 60 + minutes) * 60 + seconds) * 1000 }
    }

    #[test]
    fn without_a_known_date_the_latest_past_time_is_meant() {
        let mut clock = ReceiverClock::default();
        for (now, tod, instant) in [
            ("2026-05-02T12:00:00Z", time(11, 59, 59), "2026-05-02T11:59:59Z"),
            ("2026-05-02T00:00:02Z", time(23, 59, 59), "2026-05-01T23:59:59Z"),
            ("2026-05-02T23:59:59Z", time(0, 0, 1), "2026-05-03T00:00:01Z"),
            ("2026-05-02T08:00:00Z", time(9, 55, 59), "2026-05-01T09:55:59Z"),
            ("2026-05-02T23:30:00Z", time(9, 55, 59), "2026-05-02T09:55:59Z"),
        ] {
            assert_eq!(clock.resolve(tod, at(now)), Some(at(instant)), "{now}");
        }
    }

    #[test]
    fn a_known_date_carries_on_across_midnight() {
        let mut clock = ReceiverClock::default();
        let now = at("2026-05-02T12:00:00Z");
        clock.observe(at("2014-04-03T23:59:58Z"), now);
        assert_eq!(clock.resolve(time(23, 59, 59), now), Some(at("2014-04-03T23:59:59Z")));
        assert_eq!(clock.resolve(time(0, 0, 1), now), Some(at("2014-04-04T00:00:01Z")));
        // A late sentence of the day before still belongs to it.
        assert_eq!(clock.resolve(time(23, 59, 59), now), Some(at("2014-04-03T23:59:59Z")));
    }

    #[test]
    fn a_recording_played_fast_keeps_its_days() {
        let mut clock = ReceiverClock::default();
        let now = at("2026-05-02T12:00:00Z");
        clock.observe(at("2014-04-03T06:00:00Z"), now);
        for hours in 7..60 {
            let instant = clock.resolve(time(hours % 24, 0, 0), now).unwrap();
            assert_eq!(instant, at("2014-04-03T00:00:00Z") + SignedDuration::from_hours(hours));
        }
    }
}
