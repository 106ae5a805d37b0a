//! How many WebSocket connections one address may have (signalk-v1 §5.1).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windlass_security::network;

/// Counts connections by address; an IPv6 network of 64 bits counts as one address.
#[derive(Debug, Clone)]
pub struct ConnectionLimit {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One counted connection; dropping it makes room for another.
#[derive(Debug)]
pub struct Ticket {
    limit: ConnectionLimit,
    address: IpAddr,
}

impl ConnectionLimit {
    /// At most `most` connections from one address.
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// Counts a connection, or refuses it.
    pub fn enter(&self, address: IpAddr) -> Option<Ticket> {
        let (mut open, address) = (self.lock(), network(address));
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Ticket { limit: self.clone(), address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Whole between any two statements, also after a panic.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.limit.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_one_makes_room() {
        let limit = ConnectionLimit::new(2);
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = limit.enter(here).expect("room");
        let _second = limit.enter(here).expect("room");
        assert!(limit.enter(here).is_none());
        assert!(limit.enter(there).is_some());
        drop(first);
        assert!(limit.enter(here).is_some());
    }

    #[test]
    fn a_network_has_the_connections_of_one_address() {
        let limit = ConnectionLimit::new(1);
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let first = limit.enter(ip("2001:db8::1")).expect("room");
        assert!(limit.enter(ip("2001:db8::2")).is_none(), "the same /64");
        let _other = limit.enter(ip("2001:db8:0:1::1")).expect("another one");
        drop(first);
        assert!(limit.enter(ip("2001:db8::2")).is_some());
        let _mapped = limit.enter(ip("::ffff:192.0.2.1")).expect("room");
        assert!(limit.enter(ip("192.0.2.1")).is_none(), "the same address by IPv4");
    }
}
