//! The written forms of numbers, services, addresses and networks.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::findings::{At, Log, did_you_mean};
use super::section::Wrong;
use crate::sip::digest::Algorithm;
use crate::sip::{Listener, Transport};

/// Children of `sos` (RFC 5031 §4.2, RFC 7163 §4, RFC 8147 §9).
const SERVICES: [&str; 14] = [
    "sos",
    "sos.*",
    "sos.ambulance",
    "sos.animal-control",
    "sos.ecall.automatic",
    "sos.ecall.manual",
    "sos.fire",
    "sos.gas",
    "sos.marine",
    "sos.mountain",
    "sos.physician",
    "sos.poison",
    "sos.police",
    "sos.ecall.*",
];

/// A digest algorithm by its token in a challenge.
pub(super) fn algorithm(text: &str) -> Result<Algorithm, Wrong> {
    match text.to_ascii_uppercase().as_str() {
        "SHA-256" => Ok(Algorithm::Sha256),
        "MD5" => Ok(Algorithm::Md5),
        _ => Err(Wrong::new(
            format!("{text:?} is no digest algorithm that we know"),
            "write \"SHA-256\" or \"MD5\"",
        )),
    }
}

/// A dialled form: digits, or a service URN.
pub(super) fn dialled(text: &str) -> Result<String, Wrong> {
    if text.strip_prefix("urn:service:").is_some_and(|service| service_form(service).is_ok()) {
        return Ok(text.to_owned());
    }
    digits(text).map_err(|_| {
        Wrong::new(
            format!("{text:?} is no dialled form"),
            "write digits as the carrier sends them (\"0328112\", \"+62328112\") or a service \
             (\"urn:service:sos\", \"urn:service:sos.*\")",
        )
    })
}

/// One to fifteen digits, `+` before them allowed (E.164 §6.2).
pub(super) fn digits(text: &str) -> Result<String, Wrong> {
    let bare = text.strip_prefix('+').unwrap_or(text);
    if (1..=15).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} is no number"),
        "write 1 to 15 digits without spaces, with or without + before them",
    ))
}

/// `sos`, `sos.fire` or `sos.*`.
pub(super) fn service_form(text: &str) -> Result<String, Wrong> {
    let labels: Vec<&str> = text.split('.').collect();
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    let starts_well = labels.first().is_some_and(|first| *first == "sos");
    let last_is_any = labels.last().is_some_and(|last| *last == "*");
    let named = if last_is_any { labels.len() - 1 } else { labels.len() };
    if starts_well && labels.iter().take(named).all(|label| is_label(label)) {
        return Ok(text.to_owned());
    }
    let mend = match text.strip_prefix("urn:service:") {
        Some(rest) => format!("leave urn:service: out: write {rest:?}"),
        None => "write \"sos\", a child such as \"sos.fire\", or \"sos.*\" for a branch".to_owned(),
    };
    Err(Wrong::new(format!("{text:?} is no emergency service"), mend))
}

/// Warns of a service that no standard knows: most likely it is misspelt.
pub(super) fn doubt_service(service: &At<String>, log: &Log) {
    if !SERVICES.contains(&service.value.as_str()) {
        log.warn(
            &service.place,
            format!(
                "{:?} is no service of RFC 5031: no network is likely to send it",
                service.value
            ),
            did_you_mean(&service.value, &SERVICES, "service"),
        );
    }
}

/// A national area code with its trunk prefix.
pub(super) fn area_code(text: &str) -> Result<String, Wrong> {
    let fits = text.starts_with('0') && (3..=5).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} is no area code"),
        "write it with its leading zero, for example \"0328\"",
    ))
}

/// A host name or an address.
pub(super) fn host(text: &str) -> Result<String, Wrong> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(is_label)) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Wrong::new(
        format!("{text:?} is no host name"),
        "write letters, digits, hyphens and dots, for example \"112.sumenep.example\"",
    ))
}

/// An address that others can send to.
pub(super) fn reachable(text: &str) -> Result<IpAddr, Wrong> {
    let address = bindable(text)?;
    if address.is_unspecified() || address.is_multicast() {
        return Err(Wrong::new(
            format!("nobody can send to {address}"),
            "write the address that carriers and phones reach this machine by",
        ));
    }
    Ok(address)
}

/// An address of this machine, or `0.0.0.0` for all.
pub(super) fn bindable(text: &str) -> Result<IpAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{text:?} is no IP address"),
            "write an address, not a host name, for example \"192.0.2.10\"",
        )
    })
}

/// An address with a port.
pub(super) fn socket(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{text:?} is no address with a port"),
            "write for example \"127.0.0.1:8112\" or \"[::1]:8112\"",
        )
    })
}

/// A DNS server: an address, with a port where it is not 53.
pub(super) fn dns_server(text: &str) -> Result<SocketAddr, Wrong> {
    let with_port = text.parse().or_else(|_| text.parse().map(|ip| SocketAddr::new(ip, 53)));
    with_port.map_err(|_| {
        Wrong::new(
            format!("{text:?} is no address of a DNS server"),
            "write for example \"192.0.2.53\" or \"127.0.0.1:5353\"",
        )
    })
}

/// `udp://address:port`.
pub(super) fn listener(text: &str) -> Result<Listener, Wrong> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let mend = "write for example \"udp://0.0.0.0:5060\"";
    let Some(transport) = Transport::read(scheme) else {
        return Err(Wrong::new(
            format!("{text:?} is no listener"),
            "write udp://, tcp://, tls://, ws:// or wss:// before the address: \
             \"udp://0.0.0.0:5060\"",
        ));
    };
    let address = socket(rest)
        .map_err(|_| Wrong::new(format!("{text:?} names no address with a port"), mend))?;
    Ok(Listener { transport, address })
}

/// `udp://address:port` of somebody else.
pub(super) fn collector(text: &str) -> Result<SocketAddr, Wrong> {
    let address = text.strip_prefix("udp://").and_then(|rest| rest.parse::<SocketAddr>().ok());
    match address {
        Some(address) if address.port() > 0 && !address.ip().is_unspecified() => Ok(address),
        _ => Err(Wrong::new(
            format!("{text:?} is no collector"),
            "write udp://, an address and a port: \"udp://192.0.2.5:9060\"",
        )),
    }
}

/// `first-last`.
pub(super) fn ports(text: &str) -> Result<RangeInclusive<u16>, Wrong> {
    let wrong = |what: String| {
        Wrong::new(what, "write the first and the last port, for example \"20000-29999\"")
    };
    let (first, last) =
        text.split_once('-').ok_or_else(|| wrong(format!("{text:?} is no port range")))?;
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) if first < 1024 => Err(wrong(format!(
            "ports below 1024 belong to the system: {first}-{last} cannot be used"
        ))),
        (Ok(first), Ok(last)) if first < last => Ok(first..=last),
        (Ok(first), Ok(last)) => Err(wrong(format!("{first}-{last} holds no pair of ports"))),
        _ => Err(wrong(format!("{text:?} is no port range"))),
    }
}

/// A network, or a single address.
pub(super) fn network(text: &str) -> Result<IpNet, Wrong> {
    let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = parsed.map_err(|_| {
        Wrong::new(
            format!("{text:?} is no network"),
            "write \"198.51.100.7\" or \"198.51.100.0/24\"; host names are not looked up",
        )
    })?;
    if network.addr() == network.network() {
        return Ok(network);
    }
    Err(Wrong::new(
        format!("{network} is an address within a network, not a network"),
        format!("write {:?} or {:?}", network.trunc().to_string(), network.addr().to_string()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for good in ["112", "+62328112", "urn:service:sos", "urn:service:sos.*"] {
            assert!(dialled(good).is_ok(), "{good}");
        }
        for bad in ["", "+", "0328 112", "urn:service:", "urn:service:test.sos", "sos", "1*2"] {
            assert!(dialled(bad).is_err(), "{bad}");
        }
        for bad in ["", "*", "sos.", "sos..fire", "sos.*.fire", "Sos", "sosfire", "police"] {
            assert!(service_form(bad).is_err(), "{bad}");
        }
        for bad in ["", "-a", "a..b", "a_b", "a b", "x:5060"] {
            assert!(host(bad).is_err(), "{bad}");
        }
        assert!(network("198.51.100.7/24").is_err() && network("198.51.100.7").is_ok());
    }
}
