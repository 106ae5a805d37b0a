//! How often an address may ask for something.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Addresses that are remembered at once.
const MAX_ADDRESSES: usize = 10_000;

/// So many requests of one address in a window of time. The window starts with the first one; an IPv6 network of 64 bits counts as one
/// address, because whoever has one address of it has them all.
///
/// The table is bounded: when it is full, the address whose window started first is forgotten, and counted.
#[derive(Debug)]
pub struct RateLimit {
    limit: u32,
    window: Duration,
    windows: Mutex<HashMap<IpAddr, Window>>,
    refused: AtomicU64,
    forgotten: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    started: SystemTime,
    requests: u32,
}

impl RateLimit {
    /// `limit` requests in each `window`.
    pub fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, windows: Mutex::default(), refused: AtomicU64::new(0), forgotten: AtomicU64::new(0) }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// The address has had its share: how long until its next window, at least a second (for `Retry-After`).
    pub fn take(&self, address: IpAddr, now: SystemTime) -> Result<(), Duration> {
        let mut windows = self.lock();
        let address = network(address);
        if !windows.contains_key(&address) && windows.len() >= MAX_ADDRESSES {
            self.make_room(&mut windows, now);
        }
        let window = windows.entry(address).or_insert(Window { started: now, requests: 0 });
        if self.is_over(window, now) {
            *window = Window { started: now, requests: 0 };
        }
        if window.requests >= self.limit {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(self.rest(window, now));
        }
        window.requests += 1;
        Ok(())
    }

    /// Whether a request would be let through, without counting it: for things of which only the failures count.
    ///
    /// # Errors
    /// As for [`RateLimit::take`].
    pub fn look(&self, address: IpAddr, now: SystemTime) -> Result<(), Duration> {
        match self.lock().get(&network(address)) {
            Some(window) if window.requests >= self.limit && !self.is_over(window, now) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(self.rest(window, now))
            }
            _ => Ok(()),
        }
    }

    /// Requests refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Addresses forgotten before their window was over, since the start: more of them came than are remembered.
    pub fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(&self, window: &Window, now: SystemTime) -> Duration {
        let passed = now.duration_since(window.started).unwrap_or_default();
        self.window.saturating_sub(passed).max(Duration::from_secs(1))
    }

    /// A clock that was set back ends windows too, rather than to make them last.
    fn is_over(&self, window: &Window, now: SystemTime) -> bool {
        now.duration_since(window.started).map_or(true, |passed| passed >= self.window)
    }

    fn make_room(&self, windows: &mut HashMap<IpAddr, Window>, now: SystemTime) {
        windows.retain(|_, window| !self.is_over(window, now));
        if windows.len() < MAX_ADDRESSES {
            return;
        }
        let oldest = windows.iter().min_by_key(|(_, window)| window.started).map(|(address, _)| *address);
        if let Some(oldest) = oldest {
            windows.remove(&oldest);
            self.forgotten.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What counts as one address: an IPv4 address, or the first address of an IPv6 network of 64 bits.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

/// The limits of `HTTP_RATE_LIMITS` (signalk-v1 §8.2, §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// The window of all of them (`windowMs`, milliseconds).
    pub window: Duration,
    /// Access requests and questions about requests, together (`api`).
    pub api: u32,
    /// Logins by HTTP and stream, together (`login`).
    pub login: u32,
    /// Questions for the login status (`loginStatus`).
    pub login_status: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { window: Duration::from_secs(600), api: 1000, login: 100, login_status: 1000 }
    }
}

/// Words that are no rate limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "HTTP_RATE_LIMITS can't be used: {0:?} is not one of windowMs, api, login and loginStatus with a whole number above 0; write for instance windowMs=600000,login=100"
)]
pub struct RateLimitsError(String);

impl FromStr for RateLimits {
    type Err = RateLimitsError;

    /// `windowMs=..,api=..,login=..,loginStatus=..` in any order; what is left out keeps its default.
    fn from_str(text: &str) -> Result<Self, RateLimitsError> {
        let mut limits = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || RateLimitsError(part.chars().take(60).collect());
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            let value: u32 = value.trim().parse().ok().filter(|value| *value > 0).ok_or_else(wrong)?;
            match key.trim() {
                "windowMs" => limits.window = Duration::from_millis(value.into()),
                "api" => limits.api = value,
                "login" => limits.login = value,
                "loginStatus" => limits.login_status = value,
                _ => return Err(wrong()),
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn after(seconds: u64) -> SystemTime {
        NOW + Duration::from_secs(1_000_000 + seconds)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_its_share_of_each_window() {
        let limit = RateLimit::new(3, Duration::from_secs(60));
        let (one, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        for second in 0..3 {
            assert_eq!(limit.take(one, after(second)), Ok(()));
        }
        assert_eq!(limit.take(one, after(10)), Err(Duration::from_secs(50)));
        assert_eq!(limit.take(other, after(10)), Ok(()), "others are not affected");
        assert_eq!(limit.take(one, after(60)), Ok(()), "a new window");
        assert_eq!((limit.refused(), limit.forgotten()), (1, 0));
    }

    #[test]
    fn looking_does_not_count() {
        let limit = RateLimit::new(1, Duration::from_secs(60));
        let one = ip("192.0.2.1");
        for _ in 0..3 {
            assert_eq!(limit.look(one, after(0)), Ok(()));
        }
        assert_eq!(limit.take(one, after(0)), Ok(()));
        assert_eq!(limit.look(one, after(20)), Err(Duration::from_secs(40)));
        assert_eq!(limit.look(one, after(60)), Ok(()));
    }

    #[test]
    fn a_network_counts_as_one_and_a_mapped_address_as_its_own() {
        let limit = RateLimit::new(1, Duration::from_secs(60));
        assert_eq!(limit.take(ip("2001:db8::1"), after(0)), Ok(()));
        assert!(limit.take(ip("2001:db8::ffff:1"), after(0)).is_err(), "the same /64");
        assert_eq!(limit.take(ip("2001:db8:0:1::1"), after(0)), Ok(()), "another /64");
        assert_eq!(limit.take(ip("::ffff:192.0.2.1"), after(0)), Ok(()));
        assert!(limit.take(ip("192.0.2.1"), after(0)).is_err(), "the same address by IPv4");
        assert_eq!(limit.take(ip("::ffff:192.0.2.9"), after(0)), Ok(()), "another one");
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let limit = RateLimit::new(1, Duration::from_secs(60));
        assert_eq!(limit.take(ip("192.0.2.1"), after(1_000_000)), Ok(()));
        assert_eq!(limit.take(ip("192.0.2.1"), after(0)), Ok(()));
    }

    #[test]
    fn the_table_is_bounded() {
        let limit = RateLimit::new(1, Duration::from_secs(60));
        let address = |n: usize| IpAddr::V4(Ipv4Addr::from_bits(n as u32));
        for n in 0..MAX_ADDRESSES {
            assert_eq!(limit.take(address(n), after(if n == 7 { 0 } else { 1 })), Ok(()));
        }
        assert_eq!(limit.take(address(MAX_ADDRESSES), after(2)), Ok(()));
        assert_eq!(limit.forgotten(), 1);
        assert_eq!(limit.windows.lock().expect("whole").len(), MAX_ADDRESSES);
        assert!(limit.take(address(3), after(2)).is_err(), "still remembered");
        assert_eq!(limit.take(address(7), after(2)), Ok(()), "the oldest was forgotten");
        assert_eq!(limit.take(address(MAX_ADDRESSES + 9), after(100)), Ok(()));
        assert_eq!(limit.windows.lock().expect("whole").len(), 1, "windows that are over make room");
        assert_eq!(limit.forgotten(), 2);
    }

    #[test]
    fn limits_are_read_from_the_environment() {
        let limits: RateLimits = "windowMs=1000, login=5,loginStatus = 7".parse().expect("limits");
        let expected = RateLimits { window: Duration::from_secs(1), api: 1000, login: 5, login_status: 7 };
        assert_eq!(limits, expected);
        assert_eq!("".parse(), Ok(RateLimits::default()));
        for wrong in ["login", "login=", "login=0", "login=-1", "login=a", "logins=1", "login=99999999999"] {
            let error = wrong.parse::<RateLimits>().expect_err(wrong).to_string();
            assert!(error.contains("login"), "{error}");
        }
    }
}
