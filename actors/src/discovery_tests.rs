use super::*;

fn facts() -> Facts {
    Facts {
        host_name: "chartroom".into(),
        port: 3000,
        secure: false,
        signalk_tcp: Some(8375),
        nmea: None,
        version: "2.31.1".into(),
        own: "urn:mrn:imo:mmsi:230099999".into(),
        vessel_name: Some("Plaka".into()),
    }
}

/// SK-225: the records.
#[test]
fn services_and_properties_are_those_of_the_protocol() {
    let facts = facts();
    assert_eq!(
        facts.services(),
        [("_http._tcp", 3000), ("_signalk-http._tcp", 3000), ("_signalk-ws._tcp", 3000), ("_signalk-tcp._tcp", 8375)]
    );
    let text =
        |facts: &Facts| facts.properties().iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    let instance = format!("instance={}", *INSTANCE);
    let common = ["txtvers=1", "swname=windlass", "swvers=2.31.1", "roles=master, main"];
    let own = ["self=urn:mrn:imo:mmsi:230099999", "vname=Plaka", "vmmsi=230099999"];
    assert_eq!(text(&facts), [&common[..], &own, &[&instance]].concat());
    let uuid = "urn:mrn:signalk:uuid:c0d79334-4e25-4245-8892-54e8ccc8021d";
    let secure = Facts { secure: true, nmea: Some(10110), own: uuid.into(), vessel_name: Some(String::new()), ..facts };
    let kinds: Vec<_> = secure.services().iter().map(|(kind, _)| *kind).collect();
    let expected = ["_https._tcp", "_signalk-https._tcp", "_signalk-wss._tcp", "_signalk-tcp._tcp", "_nmea-0183._tcp"];
    assert_eq!(kinds, expected);
    assert_eq!(text(&secure), [&common[..], &[&format!("self={uuid}"), &format!("vuuid={uuid}"), &instance]].concat());
}

#[test]
fn names_are_short_and_tell_servers_apart() {
    let named = |name: &str, port| Facts { vessel_name: Some(name.into()), port, ..facts() }.instance();
    assert_eq!(named("Plaka", 3000), "Plaka 3000");
    assert_eq!(named("Plaka", 3001), "Plaka 3001");
    assert_eq!(named("", 3000), "Windlass 3000");
    let long = named(&"ä".repeat(100), 65535);
    assert!(long.len() <= 63 && long.starts_with("ää"), "{long}");
    assert!(facts().records(Reach::Network).is_ok());
}

/// SK-225: another program on the network hears it. The network is the loopback interface, on a port that nobody else uses.
#[tokio::test]
async fn an_announced_server_is_found_until_it_stops() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut announcer = Announcer { port, ..Announcer::new(Reach::Loopback) };
    announcer.announce(&facts()).await.expect("announced");
    announcer.announce(&facts()).await.expect("the same again is nothing");
    let patience = Duration::from_secs(60);
    let found = find_on_port(patience, Reach::Loopback, port, |found| !found.is_empty()).await.expect("multicast DNS");
    assert_eq!(
        found,
        [FoundServer {
            name: "Plaka 3000".into(),
            host: "chartroom-windlass-3000.local".into(),
            addresses: vec![IpAddr::from([127, 0, 0, 1])],
            port: 3000,
            secure: false,
            own: Some("urn:mrn:imo:mmsi:230099999".into()),
            software: Some("windlass".into()),
            here: true,
        }]
    );
    // Now with TLS: the other services take the place of the first.
    announcer.announce(&Facts { secure: true, ..facts() }).await.expect("announced");
    let both = find_on_port(patience, Reach::Loopback, port, |found| found.iter().any(|it| it.secure)).await;
    assert!(both.expect("multicast DNS").iter().any(|it| it.secure));
    announcer.stop().await;
    let nobody = find_on_port(Duration::from_secs(1), Reach::Loopback, port, |_| false).await;
    assert_eq!(nobody.expect("multicast DNS"), []);
}

#[test]
fn addresses_that_can_be_reached_come_first() {
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let of = |addr| Interface {
        name: "wlan0".into(),
        addr,
        index: None,
        oper_status: if_addrs::IfOperStatus::Up,
        is_p2p: false,
    };
    let (v4, v6) = ("192.168.7.5".parse().expect("an address"), "fd00:7::5".parse().expect("an address"));
    let interfaces = [
        of(IfAddr::V4(if_addrs::Ifv4Addr {
            ip: v4,
            netmask: "255.255.255.0".parse().expect("a mask"),
            prefixlen: 24,
            broadcast: None,
        })),
        of(IfAddr::V6(if_addrs::Ifv6Addr {
            ip: v6,
            netmask: "ffff:ffff:ffff:ffff::".parse().expect("a mask"),
            prefixlen: 64,
            broadcast: None,
        })),
    ];
    let given =
        ["127.0.0.1", "fe80::1", "169.254.3.4", "10.0.0.9", "172.17.0.1", "fd00:7::9", "192.168.7.9"].map(address);
    let mut addresses = given.to_vec();
    addresses.sort_by_key(|address| (distance(*address, &interfaces), *address));
    let expected =
        ["192.168.7.9", "fd00:7::9", "10.0.0.9", "172.17.0.1", "169.254.3.4", "fe80::1", "127.0.0.1"].map(address);
    assert_eq!(addresses, expected);
}

/// Whether a program has an IPv4 socket at this port.
fn is_bound(port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/self/net/udp").expect("the sockets of this computer");
    sockets.lines().any(|line| line.split_whitespace().nth(1).is_some_and(|at| at.ends_with(&format!(":{port:04X}"))))
}

/// Waits until what multicast DNS does in its own thread is done.
async fn until(done: impl Fn() -> bool) {
    let soon = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), soon).await.expect("it happens");
}

#[tokio::test]
async fn a_search_that_is_given_up_leaves_nothing_behind() {
    let port = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut search = Box::pin(find_on_port(Duration::from_secs(60), Reach::Loopback, port, |_| false));
    assert!(futures_util::poll!(&mut search).is_pending());
    until(|| is_bound(port)).await;
    drop(search);
    until(|| !is_bound(port)).await;
    let mut announcer = Announcer { port, ..Announcer::new(Reach::Loopback) };
    announcer.announce(&facts()).await.expect("announced");
    until(|| is_bound(port)).await;
    drop(announcer);
    until(|| !is_bound(port)).await;
}
