//! Proxies that say where requests come from: `trustProxy` of settings.json (signalk-v1 §5.1, §11).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::http::header::HeaderMap;
use serde_json::Value;

/// Bits of the addresses that `::ffff:…` and IPv4 have in common.
const MAPPED: u32 = 96;

/// Which proxies are trusted to say for whom they ask. It can be changed while requests come in. Clones share.
///
/// Only a proxy on this computer, in a private network or in the list is believed: everybody else could write the header.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<RwLock<Trust>>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Trust {
    /// `false`, `null`, `0`, an empty text or list, or nothing.
    #[default]
    Nobody,
    /// `true`: the first address. It is the client's own word unless the proxy replaces the header.
    First,
    /// A number of proxies, one behind the other: so many addresses are theirs, counted from the last.
    Hops(usize),
    /// The networks of the proxies: the last address that is none of theirs.
    Networks(Arc<[Network]>),
}

/// Addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    bits: u128,
    length: u32,
}

/// `trustProxy` is something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "trustProxy of settings.json can't be used: {0}; it is false, true, the number of proxies, or a list of addresses and networks. No proxy is trusted"
)]
pub struct ProxiesError(String);

impl Proxies {
    /// Reads `trustProxy`.
    ///
    /// # Errors
    /// It is nothing of what it can be.
    pub fn read(value: Option<&Value>) -> Result<Self, ProxiesError> {
        let wrong = |value: &Value| ProxiesError(value.to_string().chars().take(60).collect());
        let trust = match value {
            None | Some(Value::Null | Value::Bool(false)) => Trust::Nobody,
            Some(Value::Bool(true)) => Trust::First,
            Some(number @ Value::Number(_)) => match number.as_u64().and_then(|hops| usize::try_from(hops).ok()) {
                Some(0) => Trust::Nobody,
                Some(hops) => Trust::Hops(hops),
                None => return Err(wrong(number)),
            },
            Some(Value::String(list)) => networks(list.split(','))?,
            Some(list @ Value::Array(entries)) => {
                let entries: Option<Vec<_>> = entries.iter().map(Value::as_str).collect();
                networks(entries.ok_or_else(|| wrong(list))?.into_iter())?
            }
            Some(object @ Value::Object(_)) => return Err(wrong(object)),
        };
        Ok(Self(Arc::new(RwLock::new(trust))))
    }

    /// From now on those are trusted that `other` trusts.
    pub fn set(&self, other: &Self) {
        let trust = other.now();
        // Set in one step, so whole also after a panic.
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = trust;
    }

    fn now(&self) -> Trust {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether what a peer says about its client is believed.
    pub fn trust(&self, peer: Option<IpAddr>) -> bool {
        self.now().has(peer)
    }

    /// Where a request comes from: the peer, or where a trusted one says that it comes from.
    pub fn client(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> IpAddr {
        let trust = self.now();
        let said = || {
            let lines = headers.get_all("x-forwarded-for").map(|line| line.to_str().ok());
            let lines: Option<Vec<_>> = lines.collect();
            let lines = lines?;
            let all: Vec<&str> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
            match &trust {
                Trust::Nobody => None,
                Trust::First => all.first()?.parse().ok(),
                Trust::Hops(hops) => all.get(all.len().checked_sub(*hops)?)?.parse().ok(),
                Trust::Networks(networks) => {
                    let addresses = all.iter().rev().map_while(|entry| entry.parse::<IpAddr>().ok());
                    let mut last = None;
                    for address in addresses {
                        last = Some(address);
                        if !networks.iter().any(|network| network.has(address)) {
                            break;
                        }
                    }
                    last
                }
            }
        };
        let said = if trust.has(peer) { said() } else { None };
        said.or(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl PartialEq for Proxies {
    fn eq(&self, other: &Self) -> bool {
        self.now() == other.now()
    }
}

impl Trust {
    fn has(&self, peer: Option<IpAddr>) -> bool {
        let Some(peer) = peer else { return false };
        match self {
            Self::Nobody => false,
            Self::First | Self::Hops(_) => is_near(peer),
            Self::Networks(networks) => networks.iter().any(|network| network.has(peer)),
        }
    }
}

/// The names are those that older installations may have in their settings.
fn networks<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Trust, ProxiesError> {
    let mut all = Vec::new();
    for entry in entries.map(str::trim).filter(|entry| !entry.is_empty()) {
        let texts: &[&str] = match entry {
            "loopback" => &["127.0.0.0/8", "::1"],
            "linklocal" => &["169.254.0.0/16", "fe80::/10"],
            "uniquelocal" => &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
            other => &[other],
        };
        for text in texts {
            let network = Network::parse(text);
            all.push(network.ok_or_else(|| ProxiesError(format!("{:?}", text.chars().take(60).collect::<String>())))?);
        }
    }
    Ok(if all.is_empty() { Trust::Nobody } else { Trust::Networks(all.into()) })
}

impl Network {
    /// `address` or `address/bits`.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (before, width) = if address.is_ipv4() { (MAPPED, 32) } else { (0, 128) };
        let length = length.unwrap_or(width);
        (length <= width).then(|| Self { bits: bits(address), length: before + length })
    }

    fn has(&self, address: IpAddr) -> bool {
        let differing = self.bits ^ bits(address);
        self.length == 0 || differing.leading_zeros() >= self.length
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Whether an address is of this computer or of a private network.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_client_is_where_a_trusted_proxy_says() {
        let (near, far) = ("127.0.0.1", "203.0.113.7");
        let chain = "198.51.100.1, 198.51.100.2, 10.0.0.9";
        for (trust, peer, header, expected) in [
            (json!(false), near, chain, near),
            (json!(null), near, chain, near),
            (json!(0), near, chain, near),
            (json!(""), near, chain, near),
            (json!([]), near, chain, near),
            (json!(true), near, chain, "198.51.100.1"),
            (json!(true), "192.168.7.1", chain, "198.51.100.1"),
            (json!(true), "::ffff:192.168.7.1", chain, "198.51.100.1"),
            (json!(true), far, chain, far),
            (json!(true), near, "", near),
            (json!(true), near, "nonsense, 198.51.100.1", near),
            (json!(1), near, chain, "10.0.0.9"),
            (json!(2), near, chain, "198.51.100.2"),
            (json!(4), near, chain, near),
            (json!(2), far, chain, far),
            (json!("203.0.113.0/24, 10.0.0.0/8"), far, chain, "198.51.100.2"),
            (json!(["203.0.113.7", "10.0.0.9", "198.51.100.0/24"]), far, chain, "198.51.100.1"),
            (json!(["203.0.113.7"]), near, chain, near),
            (json!(["loopback"]), near, "x, 198.51.100.2", "198.51.100.2"),
            (json!("loopback, uniquelocal"), "::1", chain, "198.51.100.2"),
            (json!(["2001:db8::/32"]), "2001:db8::1", "198.51.100.3", "198.51.100.3"),
            (json!(["2001:db8::/32"]), "2001:db9::1", "198.51.100.3", "2001:db9::1"),
        ] {
            let proxies = Proxies::read(Some(&trust)).expect("a setting");
            let request = TestRequest::default().insert_header(("X-Forwarded-For", header)).to_http_request();
            let peer = peer.parse().expect("an address");
            let found = proxies.client(Some(peer), request.headers());
            assert_eq!(found.to_string(), expected, "{trust}: {peer} {header}");
        }
        assert_eq!(Proxies::read(None), Ok(Proxies::default()));
    }

    #[test]
    fn repeated_headers_are_one_list() {
        let request = TestRequest::default()
            .append_header(("X-Forwarded-For", "198.51.100.1"))
            .append_header(("X-Forwarded-For", "198.51.100.2"))
            .to_http_request();
        let proxies = Proxies::read(Some(&json!(1))).expect("a setting");
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(proxies.client(Some(peer), request.headers()).to_string(), "198.51.100.2");
    }

    #[test]
    fn what_is_no_proxy_is_an_error() {
        for wrong in [json!(-1), json!(1.5), json!({}), json!("yes"), json!(["10.0.0.0/33"]), json!([1])] {
            let error = Proxies::read(Some(&wrong)).expect_err("refused").to_string();
            assert!(error.contains("trustProxy"), "{error}");
        }
    }
}
