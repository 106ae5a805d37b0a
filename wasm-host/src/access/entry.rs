//! One entry of an allow-list: a name, a pattern of names or a range of addresses, with ports.

use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// One entry of an allow-list, written as `host`, `host:port`, `host:from-to` or `host:*`; without ports all are meant. The
/// host is a name, `*.example.org` (every name below, not the name itself), `*` (all names and ordinary
/// addresses), `localhost` (all loopback addresses), an address, or a range like `192.168.0.0/16`. An IPv6 address with
/// ports stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AllowEntry {
    pub(super) target: Target,
    pub(super) ports: Ports,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// Every name and every ordinary address.
    Any,
    /// All loopback addresses.
    Localhost,
    /// A name, in lower case and ASCII.
    Name(String),
    /// All names that end with a dot and this.
    Below(String),
    /// A range of addresses; IPv4 ranges are never written as IPv6.
    Range(IpNet),
}

/// A range of ports, ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ports {
    first: u16,
    last: u16,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It is not a text.
    #[error("is not a text")]
    NotText,
    /// There is no host.
    #[error("names no host")]
    NoHost,
    /// The host cannot be read.
    #[error("has no valid host: expected a name, *.name, an address or a range like 192.168.0.0/16")]
    Host,
    /// The ports cannot be read.
    #[error("has no valid port: expected a number from 1 to 65535, a range like 2000-2010, or *")]
    Port,
}

impl AllowEntry {
    /// Whether it lists the name `host`, which must be [normal](normal_host), on `port`.
    pub(super) fn names(&self, host: &str, port: u16) -> bool {
        self.ports.has(port)
            && match &self.target {
                Target::Any => true,
                Target::Localhost => host == "localhost",
                Target::Name(name) => host == name,
                Target::Below(parent) => is_below(host, parent),
                Target::Range(_) => false,
            }
    }

    /// Whether it lists `address`, which must be [canonical], on `port` by itself, whatever name led there.
    pub(super) fn includes(&self, address: IpAddr, port: u16) -> bool {
        self.ports.has(port)
            && match &self.target {
                Target::Any => special_kind(address).is_none(),
                Target::Localhost => address.is_loopback(),
                Target::Range(range) => {
                    range.contains(&address) && (special_kind(address).is_none() || is_within_one_special_range(*range))
                }
                Target::Name(_) | Target::Below(_) => false,
            }
    }

    /// Whether it lists addresses, so that a name which is not listed may lead to a listed place.
    pub(super) fn is_address(&self) -> bool {
        matches!(self.target, Target::Any | Target::Localhost | Target::Range(_))
    }

    /// Whether everything `other` permits is permitted by `self`.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let ports = self.ports.first <= other.ports.first && other.ports.last <= self.ports.last;
        ports
            && match (&self.target, &other.target) {
                (Target::Any, target) => !target.opens_special(),
                (Target::Localhost, Target::Localhost) => true,
                (Target::Localhost, Target::Range(range)) => {
                    range.network().is_loopback() && is_within_one_special_range(*range)
                }
                (Target::Name(name), Target::Name(other)) => name == other,
                (Target::Below(parent), Target::Name(name)) => is_below(name, parent),
                (Target::Below(parent), Target::Below(other)) => parent == other || is_below(other, parent),
                (Target::Range(range), Target::Range(other)) => {
                    range.contains(other)
                        && (is_within_one_special_range(*range) || !is_within_one_special_range(*other))
                }
                _ => false,
            }
    }
}

impl Target {
    /// Whether it opens addresses that are not ordinary.
    pub(super) fn opens_special(&self) -> bool {
        match self {
            Target::Localhost => true,
            Target::Range(range) => is_within_one_special_range(*range),
            Target::Any | Target::Name(_) | Target::Below(_) => false,
        }
    }
}

impl Ports {
    const ALL: Ports = Ports { first: 0, last: u16::MAX };

    pub(super) fn has(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    pub(super) fn has_all(self) -> bool {
        self == Self::ALL
    }
}

impl FromStr for Ports {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        if text == "*" {
            return Ok(Self::ALL);
        }
        let port = |text: &str| match text.parse() {
            Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
            _ => Err(EntryError::Port),
        };
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(text)?, port(text)?),
        };
        if first <= last { Ok(Self { first, last }) } else { Err(EntryError::Port) }
    }
}

impl FromStr for AllowEntry {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        let text = text.trim();
        let everywhere = |target| Ok(Self { target, ports: Ports::ALL });
        // IPv6 without brackets has no ports.
        if let Some(range) = range(text) {
            return everywhere(Target::Range(range));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (inside, ports) = rest.split_once(']').ok_or(EntryError::Host)?;
            let range = range(inside).filter(|_| inside.contains(':')).ok_or(EntryError::Host)?;
            let ports = match ports {
                "" => Ports::ALL,
                ports => ports.strip_prefix(':').ok_or(EntryError::Port)?.parse()?,
            };
            return Ok(Self { target: Target::Range(range), ports });
        }
        match text.rsplit_once(':') {
            None => everywhere(target(text)?),
            Some((host, _)) if host.contains(':') => Err(EntryError::Host),
            Some((host, ports)) => Ok(Self { target: target(host)?, ports: ports.parse()? }),
        }
    }
}

/// An address or a range of addresses.
fn range(text: &str) -> Option<IpNet> {
    let range = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?.trunc();
    let IpNet::V6(v6) = range else { return Some(range) };
    // A range of mapped addresses is one of IPv4 addresses, as addresses are unwrapped before they are compared.
    let (IpAddr::V4(v4), Some(prefix)) = (canonical(v6.addr().into()), v6.prefix_len().checked_sub(96)) else {
        return Some(range);
    };
    Ipv4Net::new(v4, prefix).ok().map(|range| IpNet::V4(range.trunc()))
}

fn target(host: &str) -> Result<Target, EntryError> {
    if host.is_empty() {
        return Err(EntryError::NoHost);
    }
    if host == "*" {
        return Ok(Target::Any);
    }
    if let Some(range) = range(host) {
        return Ok(Target::Range(range));
    }
    let (pattern, name) = match host.strip_prefix("*.") {
        Some(parent) => (true, parent),
        None => (false, host),
    };
    let url::Host::Domain(name) = url::Host::parse(name).map_err(|_| EntryError::Host)? else {
        // Spellings like `127.1`, or an address behind `*.`.
        return Err(EntryError::Host);
    };
    let name = normal_host(&name).into_owned();
    match (pattern, name.as_str()) {
        (_, name) if name.is_empty() || name.contains('*') => Err(EntryError::Host),
        (true, _) => Ok(Target::Below(name)),
        (false, "localhost") => Ok(Target::Localhost),
        (false, _) => Ok(Target::Name(name)),
    }
}

/// A host name as names are compared: lower case, without the final dot; an IPv6 address without its brackets.
pub(super) fn normal_host(host: &str) -> Cow<'_, str> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    if bare.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(bare.to_ascii_lowercase())
    } else {
        Cow::Borrowed(bare)
    }
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// The address that is really meant: IPv4 in its IPv6 forms (mapped, and the well-known translation prefix) unwrapped.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => match v6.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
            }
            _ => IpAddr::V6(v6),
        },
        v4 => v4,
    }
}

/// Address ranges that only an entry of their own opens. The single addresses are those where providers of virtual machines
/// answer questions about the machine, credentials among them.
const SPECIAL: &[(IpNet, &str)] = &[
    (v4([127, 0, 0, 0], 8), "loopback"),
    (v4([169, 254, 0, 0], 16), "link-local"),
    (v4([0, 0, 0, 0], 8), "unspecified"),
    (v4([100, 100, 100, 200], 32), "cloud-metadata"),
    (v4([168, 63, 129, 16], 32), "cloud-metadata"),
    (v4([192, 0, 0, 192], 32), "cloud-metadata"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback"),
    (v6([0; 8], 128), "unspecified"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), "cloud-metadata"),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), "cloud-metadata"),
];

const fn v4(octets: [u8; 4], prefix: u8) -> IpNet {
    let [a, b, c, d] = octets;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(segments: [u16; 8], prefix: u8) -> IpNet {
    let [a, b, c, d, e, f, g, h] = segments;
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix))
}

/// Which kind of special address it is; `None` for an ordinary one. `address` must be [canonical].
pub(super) fn special_kind(address: IpAddr) -> Option<&'static str> {
    SPECIAL.iter().find(|(range, _)| range.contains(&address)).map(|(_, kind)| *kind)
}

/// Whether an entry for this range names special addresses and nothing else.
pub(super) fn is_within_one_special_range(range: IpNet) -> bool {
    SPECIAL.iter().any(|(special, _)| special.contains(&range))
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_ports = !self.ports.has_all();
        match &self.target {
            Target::Any => f.write_str("*")?,
            Target::Localhost => f.write_str("localhost")?,
            Target::Name(name) => f.write_str(name)?,
            Target::Below(parent) => write!(f, "*.{parent}")?,
            Target::Range(range) => {
                let single = range.prefix_len() == range.max_prefix_len();
                let text = if single { range.addr().to_string() } else { range.to_string() };
                let brackets = with_ports && matches!(range, IpNet::V6(_));
                write!(f, "{}{text}{}", if brackets { "[" } else { "" }, if brackets { "]" } else { "" })?;
            }
        }
        match self.ports {
            Ports::ALL => Ok(()),
            Ports { first, last } if first == last => write!(f, ":{first}"),
            Ports { first, last } => write!(f, ":{first}-{last}"),
        }
    }
}
