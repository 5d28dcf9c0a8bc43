//! Which carrier a message comes from: by its address, or by its digest account.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::settings::TrunkSettings;
use crate::vocabulary::TrunkId;

/// `::ffff:0:0/96`: where IPv4 addresses live in IPv6 (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX: u8 = 96;

/// Every carrier's profile.
#[derive(Clone, Debug)]
pub struct Trunks {
    trunks: Vec<TrunkSettings>,
}

impl Trunks {
    /// Takes the validated profiles, in the order of the configuration.
    #[must_use]
    pub fn new(mut trunks: Vec<TrunkSettings>) -> Self {
        for net in trunks.iter_mut().flat_map(|t| &mut t.sources) {
            *net = canonical(*net);
        }
        Self { trunks }
    }

    /// The trunk whose network holds `source`; the longest prefix wins, then the first one.
    #[must_use]
    pub fn by_source(&self, source: IpAddr) -> Option<&TrunkSettings> {
        // A dual-stack socket shows IPv4 peers as IPv6.
        let source = source.to_canonical();
        let mut best: Option<(u8, &TrunkSettings)> = None;
        for trunk in &self.trunks {
            for net in trunk.sources.iter().filter(|net| net.contains(&source)) {
                if best.is_none_or(|(length, _)| net.prefix_len() > length) {
                    best = Some((net.prefix_len(), trunk));
                }
            }
        }
        best.map(|(_, trunk)| trunk)
    }

    /// The trunk that one of these proved names belongs to, compared without case (RFC 5922 §7.2).
    #[must_use]
    pub fn by_certificate(&self, names: &[String]) -> Option<&TrunkSettings> {
        let known = |t: &&TrunkSettings| {
            t.tls_names.iter().any(|own| names.iter().any(|name| name.eq_ignore_ascii_case(own)))
        };
        self.trunks.iter().find(known)
    }

    /// The trunk whose digest account has this user name.
    #[must_use]
    pub fn by_user(&self, user: &str) -> Option<&TrunkSettings> {
        self.trunks.iter().find(|t| t.digest.as_ref().is_some_and(|d| d.username == user))
    }

    /// The trunk of that name.
    #[must_use]
    pub fn get(&self, id: &TrunkId) -> Option<&TrunkSettings> {
        self.trunks.iter().find(|t| t.id == *id)
    }

    /// Whether any trunk is known by a digest account.
    #[must_use]
    pub fn has_digest(&self) -> bool {
        self.trunks.iter().any(|t| t.digest.is_some())
    }

    /// All of them, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &TrunkSettings> {
        self.trunks.iter()
    }
}

/// An IPv4 network written in IPv6 becomes an IPv4 network.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(v6) = net else { return net };
    let length = v6.prefix_len().checked_sub(MAPPED_PREFIX);
    match (v6.addr().to_ipv4_mapped(), length) {
        (Some(addr), Some(length)) => Ipv4Net::new(addr, length).map_or(net, IpNet::V4),
        _ => net,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::digest::Credential;
    use crate::trunk::tests::trunk;

    #[test]
    fn the_longest_prefix_names_the_trunk() {
        let net = |text: &str| text.parse().unwrap();
        let mut wide = trunk("wide");
        wide.sources = vec![net("198.51.0.0/16"), net("2001:db8::/32")];
        let mut narrow = trunk("narrow");
        narrow.sources = vec![net("198.51.100.0/24"), net("::ffff:203.0.113.0/120")];
        let mut account = trunk("account");
        account.digest = Some(Credential::from_password("telco-c", "112", "x"));
        let trunks = Trunks::new(vec![wide, narrow, account]);
        let table = [
            ("198.51.100.7", Some("narrow")),
            ("198.51.7.7", Some("wide")),
            ("::ffff:198.51.100.7", Some("narrow")),
            ("203.0.113.9", Some("narrow")),
            ("2001:db8::1", Some("wide")),
            ("192.0.2.1", None),
            ("::1", None),
        ];
        for (source, expected) in table {
            let found = trunks.by_source(source.parse().unwrap()).map(|t| t.id.as_str());
            assert_eq!(found, expected, "{source}");
        }
        assert_eq!(trunks.by_user("telco-c").map(|t| t.id.as_str()), Some("account"));
        assert!(trunks.by_user("telco-d").is_none());
        assert!(trunks.get(&TrunkId::from("wide")).is_some());
        assert!(trunks.has_digest());
        assert_eq!(trunks.iter().count(), 3);
    }
}
