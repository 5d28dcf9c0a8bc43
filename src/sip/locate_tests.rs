//! Zones as carriers have them, those of RFC 3263 among them, and whatever else a server may say.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const ALL: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

/// A zone: what each question finds.
#[derive(Default)]
struct Zone {
    naptr: BTreeMap<String, Vec<Naptr>>,
    srv: BTreeMap<String, Vec<Srv>>,
    addresses: BTreeMap<String, Vec<IpAddr>>,
}

impl Zone {
    fn naptr(mut self, name: &str, order: u16, service: &str, replacement: &str) -> Self {
        self.naptr.entry(name.into()).or_default().push(Naptr {
            order,
            preference: 50,
            flags: "s".into(),
            service: service.into(),
            regexp: String::new(),
            replacement: replacement.into(),
        });
        self
    }

    fn srv(mut self, name: &str, priority: u16, weight: u16, port: u16, target: &str) -> Self {
        let record = Srv { priority, weight, port, target: target.into() };
        self.srv.entry(name.into()).or_default().push(record);
        self
    }

    fn address(mut self, name: &str, address: &str) -> Self {
        self.addresses.entry(name.into()).or_default().push(address.parse().unwrap());
        self
    }

    /// The hops of a URI as text, and the questions that were asked.
    fn locate(&self, uri: &str, supported: &[Transport], seed: u64) -> (Vec<String>, Vec<String>) {
        let target = Target::of(&Uri::read(uri)).expect("a target");
        let mut location = Location::new(&target, supported);
        let mut dice = Dice::from_number(seed);
        let mut asked = Vec::new();
        while let Some(question) = location.question().cloned() {
            let found = match &question {
                Question::Naptr(name) => {
                    asked.push(format!("NAPTR {name}"));
                    Found::Naptr(self.naptr.get(name).cloned().unwrap_or_default())
                }
                Question::Srv(name) => {
                    asked.push(format!("SRV {name}"));
                    Found::Srv(self.srv.get(name).cloned().unwrap_or_default())
                }
                Question::Addresses(name) => {
                    asked.push(format!("A {name}"));
                    Found::Addresses(self.addresses.get(name).cloned().unwrap_or_default())
                }
            };
            location.answer(found, &mut dice);
        }
        let hops = location.into_hops();
        (hops.iter().map(|h| format!("{}:{}", h.transport.word(), h.address)).collect(), asked)
    }
}

/// RFC 3263 §4.1's own example.
fn rfc_3263() -> Zone {
    Zone::default()
        .naptr("example.com", 50, "SIPS+D2T", "_sips._tcp.example.com")
        .naptr("example.com", 90, "SIP+D2T", "_sip._tcp.example.com")
        .naptr("example.com", 100, "SIP+D2U", "_sip._udp.example.com")
        .srv("_sip._tcp.example.com", 0, 1, 5060, "server1.example.com")
        .srv("_sip._tcp.example.com", 1, 2, 5060, "server2.example.com")
        .srv("_sip._udp.example.com", 0, 1, 5060, "server1.example.com")
        .srv("_sips._tcp.example.com", 0, 1, 5061, "server1.example.com")
        .address("server1.example.com", "192.0.2.1")
        .address("server2.example.com", "192.0.2.2")
        .address("server2.example.com", "2001:db8::2")
        .address("example.com", "192.0.2.9")
}

#[test]
fn the_example_of_rfc_3263() {
    let zone = rfc_3263();
    // A client with TCP and UDP takes TCP.
    let plain = [Transport::Udp, Transport::Tcp];
    let (hops, asked) = zone.locate("sip:user@example.com", &plain, 1);
    assert_eq!(hops, ["tcp:192.0.2.1:5060", "tcp:192.0.2.2:5060", "tcp:[2001:db8::2]:5060"]);
    assert_eq!(
        asked,
        [
            "NAPTR example.com",
            "SRV _sip._tcp.example.com",
            "A server1.example.com",
            "A server2.example.com"
        ]
    );
    // sips leaves TLS only, and a client without it nothing.
    assert_eq!(zone.locate("sips:example.com", &ALL, 1).0, ["tls:192.0.2.1:5061"]);
    assert!(zone.locate("sips:example.com", &plain, 1).0.is_empty());
}

#[test]
fn what_is_written_in_the_uri_leaves_less_to_ask() {
    let zone = rfc_3263();
    for (uri, questions, first) in [
        ("sip:192.0.2.7", 0, "udp:192.0.2.7:5060"),
        ("sip:[2001:db8::7]:5070;transport=tcp", 0, "tcp:[2001:db8::7]:5070"),
        ("sips:192.0.2.7", 0, "tls:192.0.2.7:5061"),
        ("sip:192.0.2.7;transport=tls", 0, "tls:192.0.2.7:5061"),
        ("sip:example.com:5062", 1, "udp:192.0.2.9:5062"),
        ("sips:example.com:5062", 1, "tls:192.0.2.9:5062"),
        ("sip:EXAMPLE.com.:5062;transport=TCP", 1, "tcp:192.0.2.9:5062"),
        ("sip:example.com;transport=udp", 2, "udp:192.0.2.1:5060"),
        ("sip:example.com;transport=tls", 2, "tls:192.0.2.1:5061"),
        ("sip:x@elsewhere;maddr=192.0.2.8", 0, "udp:192.0.2.8:5060"),
    ] {
        let (hops, asked) = zone.locate(uri, &ALL, 1);
        assert_eq!(hops.first().map(String::as_str), Some(first), "{uri}");
        assert_eq!(asked.len(), questions, "{uri}: {asked:?}");
    }
    for none in ["tel:112", "sip:", "sip:h;transport=sctp", "sips:h;transport=udp", "urn:x:y"] {
        assert_eq!(Target::of(&Uri::read(none)), None, "{none}");
    }
}

#[test]
fn without_naptr_each_transport_is_asked_and_without_srv_the_name_itself() {
    let zone = Zone::default().srv("_sip._tcp.b", 0, 0, 5080, "x").address("x", "192.0.2.5");
    let (hops, asked) = zone.locate("sip:b", &ALL, 1);
    assert_eq!(hops, ["tcp:192.0.2.5:5080"]);
    assert_eq!(asked, ["NAPTR b", "SRV _sip._udp.b", "SRV _sip._tcp.b", "A x"]);

    let zone = Zone::default().address("c", "192.0.2.6");
    let (hops, asked) = zone.locate("sip:c", &ALL, 1);
    assert_eq!(hops, ["udp:192.0.2.6:5060"]);
    assert_eq!(asked, ["NAPTR c", "SRV _sip._udp.c", "SRV _sip._tcp.c", "A c"]);
    let (hops, asked) = zone.locate("sips:c", &ALL, 1);
    assert_eq!(hops, ["tls:192.0.2.6:5061"]);
    assert_eq!(asked, ["NAPTR c", "SRV _sips._tcp.c", "A c"]);
    // A NAPTR record whose SRV records are missing still has the name's own address.
    let zone = zone.naptr("c", 1, "SIP+D2U", "_sip._udp.c");
    assert_eq!(zone.locate("sip:c", &ALL, 1).0, ["udp:192.0.2.6:5060"]);
}

#[test]
fn a_target_of_a_dot_says_that_the_service_is_not_there() {
    let zone = Zone::default().srv("_sip._udp.d", 0, 0, 0, ".").address("d", "192.0.2.6");
    let (hops, asked) = zone.locate("sip:d;transport=udp", &ALL, 1);
    assert!(hops.is_empty(), "{hops:?}");
    assert_eq!(asked, ["SRV _sip._udp.d"]);
}

#[test]
fn naptr_records_that_lead_elsewhere_are_left_out() {
    let mut zone = Zone::default().naptr("e", 1, "SIP+D2S", "a").naptr("e", 1, "E2U+sip", "a");
    zone = zone.naptr("e", 2, "sip+d2u", "u").naptr("e", 2, "SIP+D2T", ".");
    zone = zone.srv("u", 0, 0, 5060, "h").address("h", "192.0.2.1");
    let with = |flags: &str, regexp: &str| Naptr {
        order: 0,
        preference: 0,
        flags: flags.into(),
        service: "SIP+D2T".into(),
        regexp: regexp.into(),
        replacement: "t".into(),
    };
    zone.naptr.entry("e".into()).or_default().extend([with("u", ""), with("s", "!^.*$!x!")]);
    let (hops, asked) = zone.locate("sip:e", &ALL, 1);
    assert_eq!(hops, ["udp:192.0.2.1:5060"]);
    assert_eq!(asked, ["NAPTR e", "SRV u", "A h"]);
}

#[test]
fn weights_are_shares_and_priorities_are_not() {
    let zone = Zone::default()
        .srv("_sip._udp.f", 20, 0, 5060, "last")
        .srv("_sip._udp.f", 10, 30, 5060, "big")
        .srv("_sip._udp.f", 10, 10, 5060, "small")
        .srv("_sip._udp.f", 10, 0, 5060, "rare")
        .address("big", "192.0.2.1")
        .address("small", "192.0.2.2")
        .address("rare", "192.0.2.3")
        .address("last", "192.0.2.4");
    let mut firsts: BTreeMap<String, usize> = BTreeMap::new();
    for seed in 0..2000 {
        let (hops, _) = zone.locate("sip:f;transport=udp", &ALL, seed);
        assert_eq!(hops.len(), 4);
        assert_eq!(hops[3], "udp:192.0.2.4:5060");
        *firsts.entry(hops[0].clone()).or_default() += 1;
    }
    let share = |host: &str| firsts.get(&format!("udp:{host}:5060")).copied().unwrap_or(0);
    // 30, 10 and 1 of 41.
    assert!((1350..1580).contains(&share("192.0.2.1")), "{firsts:?}");
    assert!((400..580).contains(&share("192.0.2.2")), "{firsts:?}");
    assert!((10..100).contains(&share("192.0.2.3")), "{firsts:?}");
}

fn srv_record() -> impl Strategy<Value = Srv> {
    let name = prop_oneof!["[a-d]", Just(String::from("."))];
    (0..3u16, 0..4u16, any::<u16>(), name).prop_map(|(priority, weight, port, target)| Srv {
        priority,
        weight,
        port,
        target,
    })
}

fn naptr_record() -> impl Strategy<Value = Naptr> {
    let service = prop_oneof![Just("SIP+D2U"), Just("SIP+D2T"), Just("SIPS+D2T"), Just("X")];
    (0..3u16, 0..3u16, "[su]?", service, "[a-d.]").prop_map(
        |(order, preference, flags, service, replacement)| Naptr {
            order,
            preference,
            flags,
            service: service.into(),
            regexp: String::new(),
            replacement,
        },
    )
}

fn found() -> impl Strategy<Value = Found> {
    let ip = any::<std::net::Ipv4Addr>().prop_map(IpAddr::V4);
    prop_oneof![
        proptest::collection::vec(naptr_record(), 0..12).prop_map(Found::Naptr),
        proptest::collection::vec(srv_record(), 0..24).prop_map(Found::Srv),
        proptest::collection::vec(ip, 0..12).prop_map(Found::Addresses),
    ]
}

proptest! {
    /// Whatever DNS says, in whatever order: it ends, within its bounds, and what must be secure is.
    #[test]
    fn whatever_dns_says_it_ends_within_its_bounds(
        answers in proptest::collection::vec(found(), 1..12),
        uri in prop_oneof![
            Just("sip:a"), Just("sips:a"), Just("sip:a;transport=tls"), Just("sip:a:5070"),
            Just("sip:a;transport=tcp"), Just("sip:192.0.2.1"), Just("sip:a;transport=ws"),
        ],
        seed in any::<u64>(),
    ) {
        let target = Target::of(&Uri::read(uri)).unwrap();
        let mut location = Location::new(&target, &ALL);
        let mut dice = Dice::from_number(seed);
        let mut asked = 0;
        for answer in answers.iter().cycle() {
            if location.question().is_none() {
                break;
            }
            asked += 1;
            prop_assert!(asked <= limits::DNS_QUESTIONS);
            location.answer(answer.clone(), &mut dice);
        }
        let hops = location.into_hops();
        prop_assert!(hops.len() <= limits::HOPS);
        for hop in hops {
            prop_assert!(!target.secure || hop.transport.is_secure());
            prop_assert!(ALL.contains(&hop.transport) && hop.address.port() != 0);
            prop_assert_eq!(&*hop.name, target.host.as_str());
        }
    }
}
