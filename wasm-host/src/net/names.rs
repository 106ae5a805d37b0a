//! From host names to addresses that may be reached.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    ops::Deref,
    sync::{Arc, mpsc},
    time::Duration,
};

use tokio::sync::Semaphore;

use super::NetworkLoop;
use crate::{
    Waits,
    access::{NetworkAccess, Refusal},
};

/// Names of one guest looked up at once. The operating system cannot be told to give up: a guest whose names nobody answers for must not
/// occupy all the threads there are.
const LOOKUPS: usize = 2;
/// Longest name there is (RFC 1035).
const LONGEST_NAME: usize = 253;

/// What one guest may reach.
#[derive(Debug)]
pub(crate) struct Reach {
    access: NetworkAccess,
    lookups: Arc<Semaphore>,
    /// Ends the waiting of [`resolve_blocking`].
    waits: Waits,
}

impl Reach {
    pub(super) fn new(access: NetworkAccess, waits: Waits) -> Self {
        Self { access, lookups: Arc::new(Semaphore::new(LOOKUPS)), waits }
    }
}

impl Deref for Reach {
    type Target = NetworkAccess;

    fn deref(&self) -> &NetworkAccess {
        &self.access
    }
}

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NameError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{host} is unknown: {reason}")]
    Unknown { host: String, reason: String },
    #[error("the name {host} was not resolved within {} ms", within.as_millis())]
    Late { host: String, within: Duration },
    #[error("looking {host} up was broken off")]
    BrokenOff { host: String },
}

/// Refuses what can be refused without a look-up. The result is the address when `host` is one.
pub(super) fn check_before_lookup(access: &NetworkAccess, host: &str, port: u16) -> Result<Option<IpAddr>, Refusal> {
    if let Ok(address) = host.parse() {
        return access.permits_address(None, address, port).map(|()| Some(address));
    }
    if !access.is_granted() {
        return Err(Refusal::NotGranted);
    }
    if !access.may_resolve(host, port) {
        return Err(Refusal::NotListed { target: format!("{host}:{port}") });
    }
    Ok(None)
}

/// The addresses of `host` that `access` permits; a literal address needs no look-up.
///
/// The addresses are final: whoever connects must use them, and not look the name up again, as it may lead elsewhere
/// then.
pub(super) async fn resolve(
    access: &Reach,
    host: &str,
    port: u16,
    within: Duration,
) -> Result<Vec<SocketAddr>, NameError> {
    if let Some(address) = check_before_lookup(access, host, port)? {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let unknown = |reason: String| NameError::Unknown { host: host.to_owned(), reason };
    if host.len() > LONGEST_NAME {
        return Err(unknown(format!("it has more than {LONGEST_NAME} characters")));
    }
    let (lookups, name) = (Arc::clone(&access.lookups), host.to_owned());
    let look_up = async move {
        // Held by the look-up itself, which goes on also when nobody waits for it any more.
        let place = lookups.acquire_owned().await.map_err(|error| error.to_string())?;
        let looking = tokio::task::spawn_blocking(move || {
            let _place = place;
            (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
        });
        looking.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    };
    let found = tokio::time::timeout(within, look_up)
        .await
        .map_err(|_| NameError::Late { host: host.to_owned(), within })?
        .map_err(unknown)?;
    let mut permitted = Vec::new();
    let mut refused = None;
    for address in found {
        match access.permits_address(Some(host), address.ip(), port) {
            Ok(()) => permitted.push(address),
            Err(refusal) => refused = Some(refusal),
        }
    }
    match refused {
        Some(refusal) if permitted.is_empty() => Err(refusal.into()),
        _ if permitted.is_empty() => {
            Err(NameError::Unknown { host: host.to_owned(), reason: "it has no address".to_owned() })
        }
        _ => Ok(permitted),
    }
}

/// The same for a thread that may wait.
pub(super) fn resolve_blocking(
    reactor: &NetworkLoop,
    access: &Arc<Reach>,
    host: &str,
    port: u16,
    within: Duration,
) -> Result<Vec<SocketAddr>, NameError> {
    let (send, receive) = mpsc::sync_channel(1);
    let (access, host) = (Arc::clone(access), host.to_owned());
    let wanted = host.clone();
    let task = reactor.handle().spawn(async move {
        let found = tokio::select! {
            found = resolve(&access, &wanted, port, within) => found,
            () = access.waits.cut() => Err(NameError::BrokenOff { host: wanted.clone() }),
        };
        // Nobody listens any more when this fails.
        let _ = send.send(found);
    });
    // A little longer, so that the loop's own verdict arrives.
    let result = receive.recv_timeout(within + Duration::from_millis(200));
    task.abort();
    result.unwrap_or(Err(NameError::Late { host, within }))
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Instant};

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(60);

    fn reach(waits: Waits) -> Arc<Reach> {
        let access = serde_json::from_value(serde_json::json!({"allow": ["localhost"]})).expect("an allow-list");
        Arc::new(Reach::new(access, waits))
    }

    /// Two look-ups of this guest that nobody answers.
    fn occupy(reach: &Reach) -> [tokio::sync::OwnedSemaphorePermit; LOOKUPS] {
        std::array::from_fn(|_| Arc::clone(&reach.lookups).try_acquire_owned().expect("a place"))
    }

    #[test]
    fn a_guest_whose_names_nobody_answers_for_waits_for_itself_only() {
        let reactor = NetworkLoop::start().unwrap();
        let (own, other) = (reach(Waits::default()), reach(Waits::default()));
        let occupied = occupy(&own);
        let look_up = |reach, within| resolve_blocking(&reactor, reach, "localhost", 80, within);
        assert!(matches!(look_up(&own, SHORT), Err(NameError::Late { .. })), "its places are taken");
        assert!(look_up(&other, LONG).is_ok_and(|found| !found.is_empty()), "those of another are free");
        drop(occupied);
        assert!(look_up(&own, LONG).is_ok_and(|found| !found.is_empty()), "and now its own");
    }

    #[test]
    fn waiting_for_a_name_can_be_cut_short() {
        let reactor = NetworkLoop::start().unwrap();
        let waits = Waits::default();
        let own = reach(waits.clone());
        let _occupied = occupy(&own);
        let begun = Instant::now();
        let waiting = thread::spawn(move || resolve_blocking(&reactor, &own, "localhost", 80, LONG));
        let _cut_short = waits.cut_short();
        let found = waiting.join().expect("no panic");
        assert!(matches!(found, Err(NameError::BrokenOff { .. })), "{found:?}");
        assert!(begun.elapsed() < LONG / 2);
    }
}
