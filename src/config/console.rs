//! `[console]`: where the HTTP side listens, who comes in and how, and what its pages are told of this place.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::findings::{At, Log};
use super::names::Names;
use super::secrets::{Found, TOKEN, Vault};
use super::section::{Section, Wrong, some_text};
use super::{forms, tls};
use crate::console::settings::{AccountSettings, ConsoleSettings, Token};
use crate::people::{Limits, Role};

/// Shorter API tokens can be guessed.
const TOKEN_LENGTH: usize = 16;

/// Reads the section; what pages are served with over TLS stands beside it.
pub(super) fn read(
    section: &mut Section<'_>,
    vault: &Vault<'_>,
) -> (ConsoleSettings, Option<Arc<ServerConfig>>) {
    let usual =
        At { place: section.place.clone(), value: SocketAddr::from((Ipv4Addr::LOCALHOST, 8112)) };
    let listen = section.word("listen", forms::socket).unwrap_or(usual);
    let encrypted = section.has("tls_cert") || section.has("tls_key");
    let tls = tls::server(section, vault.dir);
    let tokens = tokens(section, vault);
    let accounts = accounts(section);
    let plain = section.truth("plain_http", false);
    if !listen.value.ip().is_loopback() && !encrypted && accounts.proxies.is_empty() {
        in_the_clear(section.log(), &listen, plain);
    }
    let settings = ConsoleSettings {
        listen: listen.value,
        tokens,
        accounts,
        aml_key: None,
        map_tiles: section.word("map_tiles", tiles).map(|tiles| tiles.value),
        map_credit: section.word("map_credit", some_text).map(|credit| credit.value),
        phone_url: section.word("phone_url", websocket).map(|url| url.value),
        lock_minutes: section.number("lock_minutes", 0..=240, 15).value,
    };
    (settings, tls)
}

/// Passwords, cookies, tokens and callers' numbers would pass through the network as they are.
fn in_the_clear(log: &Log, listen: &At<SocketAddr>, wanted: bool) {
    let what = format!("[console] listens on {} without TLS", listen.value);
    let mend = "add tls_cert and tls_key; or listen on 127.0.0.1 behind a proxy with TLS, or name the proxy in \
                trusted_proxies";
    if wanted {
        let what = format!("{what}: passwords and callers' numbers pass in the clear");
        log.warn(&listen.place, what, mend);
    } else {
        let what = format!("{what}: passwords and callers' numbers would pass in the clear");
        let mend = format!("{mend}; or say plain_http = true where nobody else is in that network");
        log.error(&listen.place, what, mend);
    }
}

fn tokens(section: &mut Section<'_>, vault: &Vault<'_>) -> Vec<Token> {
    let log = section.log();
    let mut names = Names::new("token", true);
    let mut tokens = Vec::new();
    for mut entry in section.sections("token", "[[console.token]]") {
        let name = entry.name("name", "\"supervisor\"");
        names.add(&name, log);
        let role = entry.word("role", token_role).map_or(Role::Admin, |role| role.value);
        match vault.secret(&mut entry, &TOKEN) {
            Found::Secret(secret) => {
                if secret.reveal().len() < TOKEN_LENGTH {
                    log.warn(
                        &entry.place,
                        format!("the token {:?} is shorter than {TOKEN_LENGTH}", name.value),
                        "make one with `openssl rand -hex 24`",
                    );
                }
                tokens.push(Token { name: name.value, secret, role });
            }
            Found::Unset(variable) => log.warn(
                &variable.place,
                format!(
                    "the environment variable {} is not set: the token {:?} opens nothing",
                    variable.value, name.value
                ),
                "set it before the start, or remove this token",
            ),
            Found::Nothing => entry.missing("token_env", "\"SIAGA112_TOKEN\", or token_file"),
            Found::Refused => {}
        }
    }
    tokens
}

fn accounts(section: &mut Section<'_>) -> AccountSettings {
    let proxies = section.words("trusted_proxies", forms::network);
    let idle = section.number("session_idle_minutes", 5..=1_440, 60);
    let hours = section.number("session_hours", 1..=168, 12);
    let seconds = |count: u32, each: u64| Duration::from_secs(u64::from(count) * each);
    let mut second_factor: Vec<Role> = Vec::new();
    for role in section.words("second_factor", role) {
        if second_factor.contains(&role.value) {
            section.log().error(
                &role.place,
                format!("{} is written twice", role.value),
                "remove one",
            );
        }
        second_factor.push(role.value);
    }
    AccountSettings {
        limits: Limits { idle: seconds(idle.value, 60), absolute: seconds(hours.value, 3600) },
        proxies: proxies.into_iter().map(|network| network.value).collect(),
        second_factor,
    }
}

/// A token of the configuration is a program's, which sits at no seat and has no calls of its own.
fn token_role(text: &str) -> Result<Role, Wrong> {
    match text.parse() {
        Ok(Role::CallTaker) => Err(Wrong::new(
            "a token of the configuration has no calls of its own, so it is no call taker's",
            "make a person (`siaga112 passwd --person`), or write another role",
        )),
        Ok(role) => Ok(role),
        Err(_) => Err(Wrong::new(
            format!("{text:?} is no role"),
            "write \"supervisor\", \"dispatcher\", \"admin\" or \"auditor\"",
        )),
    }
}

fn role(text: &str) -> Result<Role, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{text:?} is no role"),
            "write \"call-taker\", \"supervisor\", \"dispatcher\", \"admin\" or \"auditor\"",
        )
    })
}

/// Where the tiles of the map are: `https`, or `http` within the own network.
fn tiles(text: &str) -> Result<String, Wrong> {
    let places = ["{z}", "{x}", "{y}"];
    if has_host(text, &["https://", "http://"]) && places.iter().all(|it| text.contains(it)) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} is no address of map tiles"),
        "write for example \"https://tiles.112.sumenep.example/{z}/{x}/{y}.png\"",
    ))
}

/// Where the phone of a browser connects.
fn websocket(text: &str) -> Result<String, Wrong> {
    if has_host(text, &["wss://", "ws://"]) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} is no address of a WebSocket"),
        "write for example \"wss://112.sumenep.example/phone\"",
    ))
}

/// It stands in a policy that browsers read: nothing in it may end a word there.
fn has_host(text: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let plain = |b: u8| b.is_ascii_graphic() && !b"\"';,<>\\".contains(&b);
    let named = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    !host.is_empty() && host.bytes().all(named) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_pages_are_told_end_no_policy_of_theirs() {
        assert!(tiles("https://tiles.example/{z}/{x}/{y}.png?key=1").is_ok());
        for bad in [
            "https://tiles.example/",
            "ftp://tiles.example/{z}/{x}/{y}",
            "https:///{z}/{x}/{y}",
            "https://tiles.example;x/{z}/{x}/{y}",
            "https://tiles.example/{z}/{x}/{y} *",
        ] {
            assert!(tiles(bad).is_err(), "{bad}");
        }
        assert!(websocket("wss://gw.example:8443/ws").is_ok() && websocket("https://x").is_err());
    }
}
