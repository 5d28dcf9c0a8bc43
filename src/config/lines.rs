//! The outgoing side of a `[[trunk]]`: `target` and what goes with it.

use super::findings::{Log, Place};
use super::forms;
use super::secrets::{Found, Keys, Vault, account_name};
use super::section::{Section, Wrong};
use crate::sip::digest::OutgoingAccount;
use crate::sip::locate::Target;
use crate::sip::{Listener, Transport, Uri};
use crate::trunk::settings::{LineSettings, TrunkSettings};

/// The keys of our password at a carrier.
const PASSWORD: Keys = Keys {
    plain: "outgoing_password",
    file: "outgoing_password_file",
    variable: "outgoing_password_env",
};
/// Keys that mean nothing without `target`.
const NEEDS_TARGET: [&str; 8] = [
    "register",
    "outgoing_username",
    "outgoing_password",
    "outgoing_password_file",
    "outgoing_password_env",
    "from_user",
    "caller_id",
    "probe_seconds",
];
/// How often a carrier is asked whether it is there, by default and at most apart, seconds.
const PROBE_SECONDS: u32 = 30;
const PROBE_SECONDS_MOST: u32 = 3600;

/// Reads the keys of a trunk's outgoing side; none when it has no `target`.
pub(super) fn read(section: &mut Section<'_>, vault: &Vault<'_>) -> Option<LineSettings> {
    let log = section.log();
    let has_target = section.has("target");
    let orphan = NEEDS_TARGET.into_iter().find(|key| section.has(key));
    let target = section.word("target", target);
    let register = section.truth("register", false);
    let account = account(section, vault);
    let from_user = section.word("from_user", user_part);
    let caller_id = section.word("caller_id", forms::digits).map(|number| number.value);
    let probe = section.seconds("probe_seconds", 0..=PROBE_SECONDS_MOST, PROBE_SECONDS).value;
    if let (Some(key), false) = (orphan, has_target) {
        log.error(
            &section.place,
            format!("{key:?} means nothing without a target"),
            "add for example target = \"sip:sbc.telco-a.example\", or remove it",
        );
    }
    let (uri, target) = target?.value;
    let of_account = account.as_ref().and_then(|a| a.username.split('@').next());
    let from_user = match (from_user, of_account, &caller_id) {
        (Some(user), _, _) => user.value,
        (None, Some(user), _) if user_part(user).is_ok() => user.to_owned(),
        (None, None, Some(number)) => number.clone(),
        (None, None, None) if !register => "siaga112".to_owned(),
        _ => {
            section.missing("from_user", "\"0328112\", our own name at this carrier");
            return None;
        }
    };
    let probe = (!probe.is_zero()).then_some(probe);
    Some(LineSettings { uri, target, register, account, from_user, caller_id, probe })
}

fn target(text: &str) -> Result<(Uri, Target), Wrong> {
    let uri = Uri::read(text);
    let wrong = |what: &str| {
        Wrong::new(
            format!("{text:?} {what}"),
            "write for example \"sip:sbc.telco-a.example\", \"sip:198.51.100.7:5060\" or \
             \"sip:sbc.telco-a.example;transport=tls\"",
        )
    };
    let Some(target) = Target::of(&uri) else {
        return Err(wrong("is no SIP address with a transport that we know"));
    };
    // `host:port` where the port is none is read as a host without one.
    let bare = text.split(['@', ';', '?']).find(|part| part.contains(&*target.host));
    let port = bare.and_then(|part| part.rsplit_once(':')).map_or("", |(_, port)| port);
    let numeric = port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty();
    if forms::host(&target.host).is_err() || (numeric && uri.port().is_none_or(|p| p == 0)) {
        return Err(wrong("names no host and port that could be sent to"));
    }
    if !uri.user().is_empty() || text.contains('?') {
        return Err(wrong("names somebody there; a carrier is meant"));
    }
    Ok((uri, target))
}

/// What stands before `@` in our own address, without anything that would need an escape.
fn user_part(text: &str) -> Result<String, Wrong> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{text:?} cannot stand before @"),
        "write the digits or the name that the carrier gave you, for example \"0328112\"",
    ))
}

fn account(section: &mut Section<'_>, vault: &Vault<'_>) -> Option<OutgoingAccount> {
    let log = section.log();
    let username = section.word("outgoing_username", account_name);
    let found = vault.secret(section, &PASSWORD);
    match (username, found) {
        (Some(username), Found::Secret(password)) => {
            return Some(OutgoingAccount { username: username.value, password });
        }
        (_, Found::Unset(name)) => log.error(
            &name.place,
            format!("the environment variable {} is not set", name.value),
            "set it before the start, or use outgoing_password_file",
        ),
        (Some(username), Found::Nothing) => log.error(
            &username.place,
            format!("the account {:?} at the carrier has no password", username.value),
            "add outgoing_password_file or outgoing_password_env",
        ),
        (None, Found::Secret(_)) => log.error(
            &section.place,
            "a password for the carrier without an account name",
            "add the key outgoing_username",
        ),
        (_, Found::Refused) | (None, Found::Nothing) => {}
    }
    None
}

/// Notes trunks whose carrier cannot be sent to, because nothing of ours could be answered there.
pub(super) fn check_listeners<'p>(
    trunks: &[TrunkSettings],
    listen: &[Listener],
    place: impl Fn(&str) -> Option<&'p Place>,
    log: &Log,
) {
    for trunk in trunks {
        let Some(line) = &trunk.line else { continue };
        let target = &line.target;
        let fixed = target.port.is_some() || target.transport.is_some();
        let ip = target.host.parse::<std::net::IpAddr>().ok();
        let wanted = target.usual_transport();
        let fits = |own: &Listener| {
            let transport = own.transport == wanted || (!fixed && ip.is_none() && !target.secure);
            transport && ip.is_none_or(|ip| ip.is_ipv4() == own.address.is_ipv4())
        };
        if listen.iter().any(fits) {
            continue;
        }
        if let Some(place) = place(trunk.id.as_str()) {
            let example = match (wanted, ip.is_some_and(|ip| ip.is_ipv6())) {
                (Transport::Tls | Transport::Wss, false) => "0.0.0.0:5061",
                (Transport::Tls | Transport::Wss, true) => "[::]:5061",
                (_, false) => "0.0.0.0:5060",
                (_, true) => "[::]:5060",
            };
            let word = wanted.word();
            log.error(
                place,
                format!(
                    "nothing can be sent to {}: [sip] listen has no {word}:// for it",
                    line.uri
                ),
                format!("add \"{word}://{example}\" to [sip] listen"),
            );
        }
    }
}
