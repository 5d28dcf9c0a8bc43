//! Validated settings of the HTTP side.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::people::{Limits, Role};
use crate::sip::{Listener, Transport};
use crate::vocabulary::Secret;

/// Where the HTTP API listens and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Listening address.
    pub listen: SocketAddr,
    /// Tokens that open `/api/v1`; without one only the health pages answer.
    pub tokens: Vec<Token>,
    /// How people come in.
    pub accounts: AccountSettings,
    /// Phones that sign their reports of where they are with it need no token.
    pub aml_key: Option<Secret>,
    /// The map's tiles, `https://tiles.example/{z}/{x}/{y}.png`; none: the shipped outline alone.
    pub map_tiles: Option<String>,
    /// Whom the tiles are by, as the map has to say.
    pub map_credit: Option<String>,
    /// Where the phone of a browser connects, where that is not one of our listeners as pages see it.
    pub phone_url: Option<String>,
    /// A page that nobody touches covers itself after so many minutes; 0: it never does.
    pub lock_minutes: u32,
}

/// What pages are told of the place they are at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    /// The map's tiles; none: the shipped outline alone.
    pub map_tiles: Option<String>,
    /// Whom the tiles are by.
    pub map_credit: Option<String>,
    /// A page that nobody touches covers itself after so many minutes; 0: it never does.
    pub lock_minutes: u32,
    /// Where the phone of a browser connects, where the configuration says so.
    pub phone_url: Option<String>,
    /// Where SIP is taken, as bound.
    pub listeners: Vec<Listener>,
    /// The realm of the phones' accounts.
    pub realm: String,
}

impl Site {
    /// Where the phone of a browser connects whose page came from `host`, over TLS or not. None where SIP
    /// is taken over no WebSocket: a page over TLS may open a secure one only.
    #[must_use]
    pub fn phone_url(&self, host: Option<&str>, secure: bool) -> Option<String> {
        if self.phone_url.is_some() {
            return self.phone_url.clone();
        }
        let of = |transport| self.listeners.iter().find(move |it| it.transport == transport);
        let (wss, ws) = (of(Transport::Wss), of(Transport::Ws));
        let listener = if secure { wss } else { ws.or(wss) }?;
        let (address, scheme) = (listener.address, listener.transport.word());
        // A certificate is made for a name, and a listener on every address has none of its own.
        let named = address.ip().is_unspecified() || listener.transport == Transport::Wss;
        let name = host.map(without_port).filter(|_| named);
        if name.is_none() && address.ip().is_unspecified() {
            return None;
        }
        let host = name.map_or_else(|| address.to_string(), |n| format!("{n}:{}", address.port()));
        Some(format!("{scheme}://{host}"))
    }

    /// Scheme and host of the map's tiles.
    #[must_use]
    pub fn tiles_origin(&self) -> Option<&str> {
        let tiles = self.map_tiles.as_deref()?;
        let start = tiles.find("://")? + 3;
        let end = tiles.get(start..)?.find('/').map_or(tiles.len(), |slash| start + slash);
        tiles.get(..end)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// How people come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// How long a session lasts.
    pub limits: Limits,
    /// Networks of proxies that are believed about whom they speak for.
    pub proxies: Vec<IpNet>,
    /// Roles that come in with a second factor only.
    pub second_factor: Vec<Role>,
}

impl Default for AccountSettings {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let limits = Limits { idle: hours(1), absolute: hours(12) };
        Self { limits, proxies: Vec::new(), second_factor: Vec::new() }
    }
}

/// One API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Who holds it: written into the audit entry of every change.
    pub name: String,
    /// The token itself.
    pub secret: Secret,
    /// What its holder may do.
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_s_phone_goes_where_the_page_came_from_or_where_it_is_told() {
        let listener = |text: &str| {
            let (scheme, address) = text.split_once("://").expect("a scheme");
            let transport = Transport::read(scheme).expect("a transport");
            Listener { transport, address: address.parse().expect("an address") }
        };
        let at = |all: &[&str]| Site {
            listeners: all.iter().map(|text| listener(text)).collect(),
            ..Site::default()
        };
        let all = at(&["udp://0.0.0.0:5060", "ws://0.0.0.0:8088", "wss://0.0.0.0:8443"]);
        let host = Some("gw.example:8112");
        assert_eq!(all.phone_url(host, true).as_deref(), Some("wss://gw.example:8443"));
        assert_eq!(all.phone_url(host, false).as_deref(), Some("ws://gw.example:8088"));
        assert_eq!(all.phone_url(Some("[::1]:1"), false).as_deref(), Some("ws://[::1]:8088"));
        assert_eq!(all.phone_url(None, false), None);
        let own = at(&["ws://127.0.3.1:8088"]);
        assert_eq!(own.phone_url(host, false).as_deref(), Some("ws://127.0.3.1:8088"));
        assert_eq!(own.phone_url(host, true), None);
        let told = Site { phone_url: Some("wss://sip.example/ws".into()), ..own };
        assert_eq!(told.phone_url(host, false).as_deref(), Some("wss://sip.example/ws"));
        let tiles = Some("https://tiles.example/{z}/{x}/{y}.png".to_owned());
        let site = Site { map_tiles: tiles, ..Site::default() };
        assert_eq!(site.tiles_origin(), Some("https://tiles.example"));
    }
}
