//! ICE-lite (RFC 8445 §2.5) for streams on the port that browsers share. We check nothing ourselves: we
//! answer the checks of peers that know the login of a stream, and learn from them where the stream's
//! packets come from and go to. What is not proved by the login changes nothing.

use std::net::SocketAddr;

use is::stun::{StunMessage, TransId};
use is::{DefaultSha1HmacProvider, Sha1HmacProvider};

use crate::vocabulary::IceLogin;

/// Addresses of one peer that are known at once; the newest ones count.
const SOURCES: usize = 16;
/// Longest answer: a header, an address of IPv6, the proof.
const ANSWER: usize = 128;

/// What a check asks, as far as it can be told before its proof.
#[derive(Debug)]
pub struct Check<'a> {
    message: StunMessage<'a>,
}

/// What is said to a check that is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The datagram that answers it.
    pub datagram: Vec<u8>,
    /// The peer is there.
    pub proved: bool,
    /// The peer wants its packets there (USE-CANDIDATE, RFC 8445 §7.3.1.5).
    pub nominated: bool,
}

impl<'a> Check<'a> {
    /// Reads a binding request; everything else is none of ours to answer.
    #[must_use]
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let message = StunMessage::parse(datagram).ok()?;
        message.is_binding_request().then_some(Self { message })
    }

    /// The login's name that the peer knows us by.
    #[must_use]
    pub fn ufrag(&self) -> Option<&str> {
        Some(self.message.split_username()?.0)
    }

    /// The answer to a check from `source`; none where the peer does not know the password.
    #[must_use]
    pub fn answer(&self, password: &str, source: SocketAddr) -> Option<Answer> {
        let password = password.as_bytes();
        if !self.message.verify(password, hmac) {
            return None;
        }
        let id: TransId = self.message.trans_id();
        // Who is lite never controls (RFC 8445 §6.1.1): the peer has to.
        let proved = self.message.ice_controlled().is_none();
        let reply = if proved {
            StunMessage::binding_reply(id, source)
        } else {
            StunMessage::binding_role_conflict_reply(id)
        };
        let mut datagram = vec![0; ANSWER];
        let length = reply.to_bytes(Some(password), &mut datagram, hmac).ok()?;
        datagram.truncate(length);
        Some(Answer { datagram, proved, nominated: proved && self.message.use_candidate() })
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    DefaultSha1HmacProvider.sha1_hmac(key, parts)
}

/// What a stream on the shared port knows of its peer.
#[derive(Debug)]
pub(super) struct Ice {
    /// Our login, and the one before for as long as the peer has not used the new one (RFC 8445 §9).
    pub login: IceLogin,
    pub before: Option<IceLogin>,
    /// Where the peer wants its packets.
    pub nominated: Option<SocketAddr>,
    /// Where it has proved to be, the newest last.
    pub sources: Vec<SocketAddr>,
}

impl Ice {
    pub const fn new(login: IceLogin) -> Self {
        Self { login, before: None, nominated: None, sources: Vec::new() }
    }

    /// The password of a login of ours.
    pub fn password(&self, ufrag: &str) -> Option<&str> {
        let mut logins = [Some(&self.login), self.before.as_ref()].into_iter().flatten();
        logins.find(|login| login.ufrag == ufrag).map(|login| login.password.reveal())
    }

    /// Takes a new login; the one that nobody may use any more.
    pub fn relogin(&mut self, login: IceLogin) -> Option<IceLogin> {
        self.before.replace(std::mem::replace(&mut self.login, login))
    }

    /// The peer has nominated by this login: the one before it is over where this is the new one.
    pub fn used(&mut self, ufrag: &str) -> Option<IceLogin> {
        if self.login.ufrag == ufrag { self.before.take() } else { None }
    }

    /// Takes note of where the peer is; the one that is forgotten for it, if any.
    pub fn learn(&mut self, source: SocketAddr) -> Option<SocketAddr> {
        if self.sources.last() == Some(&source) {
            return None;
        }
        self.sources.retain(|known| *known != source);
        self.sources.push(source);
        let spare = self.sources.iter().position(|known| Some(*known) != self.nominated);
        spare.filter(|_| self.sources.len() > SOURCES).map(|spare| self.sources.remove(spare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Secret;

    const PASSWORD: &str = "a password of ours, long";

    fn from(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 9], port))
    }

    fn request(password: &str, controlling: bool, nominates: bool) -> Vec<u8> {
        let message = StunMessage::binding_request(
            "ours:theirs",
            TransId::new(),
            controlling,
            7,
            1000,
            nominates,
        );
        let mut datagram = vec![0; 512];
        let length = message.to_bytes(Some(password.as_bytes()), &mut datagram, hmac);
        datagram.truncate(length.expect("written"));
        datagram
    }

    #[test]
    fn the_login_before_holds_until_the_new_one_is_used() {
        let login = |name: &str| IceLogin {
            ufrag: name.to_owned(),
            password: Secret::new(format!("password of {name}")),
        };
        let mut ice = Ice::new(login("a"));
        assert_eq!(ice.relogin(login("b")), None);
        assert_eq!(ice.used("a"), None);
        assert_eq!([ice.password("a"), ice.password("b")].map(|it| it.is_some()), [true, true]);
        assert_eq!(ice.used("b"), Some(login("a")));
        assert_eq!([ice.password("a"), ice.password("b")].map(|it| it.is_some()), [false, true]);
        // Begun anew twice before anything came of it: of three logins the newest two are known.
        ice.relogin(login("c"));
        assert_eq!(ice.relogin(login("d")), Some(login("b")));
    }

    #[test]
    fn who_knows_the_login_is_answered_and_may_say_where_packets_go() {
        for nominates in [false, true] {
            let datagram = request(PASSWORD, true, nominates);
            let check = Check::read(&datagram).expect("a check");
            assert_eq!(check.ufrag(), Some("ours"));
            let answer = check.answer(PASSWORD, from(4000)).expect("proved");
            assert_eq!((answer.proved, answer.nominated), (true, nominates));
            let reply = StunMessage::parse(&answer.datagram).expect("STUN");
            assert!(reply.verify(PASSWORD.as_bytes(), hmac));
            assert_eq!(reply.mapped_address(), Some(from(4000)));
        }
    }

    #[test]
    fn another_password_or_a_changed_byte_gets_no_answer() {
        let datagram = request("some other password, long", true, true);
        assert_eq!(Check::read(&datagram).and_then(|it| it.answer(PASSWORD, from(1))), None);
        let datagram = request(PASSWORD, true, true);
        // Behind the proof stands only a checksum, of which nothing depends.
        for at in 0..datagram.len() - 8 {
            let mut changed = datagram.clone();
            changed[at] ^= 1;
            let answer = Check::read(&changed).and_then(|it| it.answer(PASSWORD, from(1)));
            assert_eq!(answer, None, "byte {at}");
        }
    }

    #[test]
    fn what_stands_behind_the_proof_is_not_believed() {
        let mut datagram = request(PASSWORD, true, false);
        datagram.truncate(datagram.len() - 8);
        datagram.extend([0x00, 0x25, 0, 0]);
        let length = u16::try_from(datagram.len() - 20).expect("short").to_be_bytes();
        datagram[2..4].copy_from_slice(&length);
        let answer = Check::read(&datagram).and_then(|it| it.answer(PASSWORD, from(1)));
        assert!(answer.is_none_or(|answer| !answer.nominated));
    }

    #[test]
    fn a_peer_that_does_not_control_is_told_to() {
        let datagram = request(PASSWORD, false, false);
        let answer = Check::read(&datagram).and_then(|it| it.answer(PASSWORD, from(1)));
        let answer = answer.expect("proved");
        assert!(!answer.proved && !answer.nominated);
        let reply = StunMessage::parse(&answer.datagram).expect("STUN");
        assert_eq!(reply.error_code().map(|(code, _)| code), Some(487));
    }

    #[test]
    fn the_newest_addresses_are_known_and_the_nominated_one_is_never_forgotten() {
        let login = IceLogin { ufrag: "ours".to_owned(), password: Secret::new(PASSWORD.into()) };
        let mut ice = Ice::new(login);
        assert_eq!(ice.learn(from(1)), None);
        ice.nominated = Some(from(1));
        for port in 2..=100 {
            let forgotten = ice.learn(from(port));
            assert_ne!(forgotten, Some(from(1)));
            assert!(ice.sources.len() <= SOURCES);
            assert_eq!(forgotten.is_some(), usize::from(port) > SOURCES);
        }
        assert!(ice.sources.contains(&from(1)) && ice.sources.contains(&from(100)));
    }
}
