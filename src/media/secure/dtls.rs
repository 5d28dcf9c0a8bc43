//! DTLS-SRTP (RFC 5763, RFC 5764): the keys of a stream are agreed on the media path, with whoever shows
//! the certificate that the signalling named and with nobody else. The handshake is `dimpl`'s; no
//! socket and no clock is touched here.
//!
//! A stranger who is quicker than the peer must not cost the call its audio: a handshake that fails is
//! thrown away and another may follow. What failed is told. `dimpl` proves certificates of ECDSA only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use dimpl::certificate::generate_self_signed_certificate;
use dimpl::{Config, Dtls, DtlsCertificate, KeyingMaterial, Output, SrtpProfile};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::srtp::Srtp;
use crate::media::source::SourceLock;
use crate::vocabulary::{Fingerprint, SecretBytes, SrtpKey, Suite};

/// Longest datagram of a handshake; `dimpl` makes none above 1150 bytes.
const DATAGRAM: usize = 2048;

/// Who we are to every peer: a certificate of this process alone, which is on no disk.
pub struct Identity {
    config: Arc<Config>,
    certificate: DtlsCertificate,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Makes a certificate.
    ///
    /// # Errors
    /// What the library says.
    pub fn make() -> Result<Self, String> {
        let certificate = generate_self_signed_certificate().map_err(|error| error.to_string())?;
        Ok(Self { config: Arc::new(Config::default()), certificate })
    }

    /// As descriptions name it.
    pub fn fingerprint(&self) -> Fingerprint {
        let digest = Sha256::digest(&self.certificate.certificate).to_vec();
        Fingerprint { hash: "sha-256".to_owned(), digest }
    }

    /// One end of a handshake. Who begins says the version that everybody speaks; who waits takes what
    /// the peer begins with.
    fn engine(&self, active: bool, now: Instant) -> Dtls {
        let (config, certificate) = (Arc::clone(&self.config), self.certificate.clone());
        if active {
            let mut engine = Dtls::new_12(config, certificate, now);
            engine.set_active(true);
            engine
        } else {
            Dtls::new_auto(config, certificate, now)
        }
    }
}

/// A handshake, and the keys that came of it.
pub struct Handshake {
    identity: Arc<Identity>,
    peer: Fingerprint,
    active: bool,
    engine: Option<Dtls>,
    /// Whom the handshake is with, of a stream without ICE.
    lock: SourceLock,
    announced: SocketAddr,
    /// When the engine wants to be asked again.
    due: Option<Instant>,
    proved: bool,
    fresh: Option<(Suite, Srtp)>,
    srtp: Option<Srtp>,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake").field("srtp", &self.srtp).finish_non_exhaustive()
    }
}

/// How a handshake ended.
pub type Outcome = Result<Suite, String>;

impl Handshake {
    /// With a peer that is to show that certificate; `active`: we begin.
    pub fn new(
        identity: &Arc<Identity>,
        peer: Fingerprint,
        active: bool,
        announced: SocketAddr,
    ) -> Self {
        Self {
            identity: Arc::clone(identity),
            peer,
            active,
            engine: None,
            lock: SourceLock::new(announced),
            announced,
            due: None,
            proved: false,
            fresh: None,
            srtp: None,
        }
    }

    /// Whether it is with that peer, in that role.
    pub fn is_of(&self, peer: &Fingerprint, active: bool) -> bool {
        self.peer == *peer && self.active == active
    }

    /// The keys, once they are agreed.
    pub const fn srtp(&mut self) -> Option<&mut Srtp> {
        self.srtp.as_mut()
    }

    /// Whether a datagram from there may be of the peer: by the rules of the audio itself, until the
    /// peer is known.
    pub fn admits(&mut self, from: SocketAddr, now: u64) -> bool {
        self.lock.admit(from, true, None, now)
    }

    /// Where it goes on without being asked.
    pub fn far_end(&self) -> Option<SocketAddr> {
        self.lock.far_end()
    }

    /// A fault of ours may have left the engine half done. Keys that were agreed stay.
    pub fn mend(&mut self) {
        self.engine = None;
        self.due = None;
        self.fresh = None;
        self.lock = SourceLock::new(self.announced);
    }

    /// Begins, or goes on where time has come; `send` sends to the peer.
    pub fn tick(&mut self, now: Instant, send: impl FnMut(&[u8])) -> Option<Outcome> {
        let begins = self.active && self.engine.is_none() && self.srtp.is_none();
        if !begins && self.due.is_none_or(|due| now < due) {
            return None;
        }
        self.work(now, None, send)
    }

    /// Takes a datagram of the peer.
    pub fn receive(
        &mut self,
        packet: &[u8],
        now: Instant,
        send: impl FnMut(&[u8]),
    ) -> Option<Outcome> {
        self.work(now, Some(packet), send)
    }

    fn work(
        &mut self,
        now: Instant,
        packet: Option<&[u8]>,
        mut send: impl FnMut(&[u8]),
    ) -> Option<Outcome> {
        let (identity, active) = (&self.identity, self.active);
        let engine = self.engine.get_or_insert_with(|| identity.engine(active, now));
        let mut step = engine.handle_timeout(now);
        if let (Ok(()), Some(packet)) = (&step, packet) {
            step = engine.handle_packet(packet);
        }
        let mut outcome = step.map_err(|error| {
            format!(
                "the DTLS handshake failed: {error}; a phone whose certificate is RSA needs one of \
                 ECDSA, or srtp_keys = \"sdes\" in seats.toml or its trunk's file"
            )
        });
        let mut buffer = [0; DATAGRAM];
        let mut keys: Option<(KeyingMaterial, SrtpProfile)> = None;
        let mut shown: Option<bool> = None;
        // What is left to be said is said even when it failed: an alert tells the peer why.
        loop {
            match engine.poll_output(&mut buffer) {
                Output::Packet(packet) => send(packet),
                Output::Timeout(at) => {
                    self.due = Some(at);
                    break;
                }
                Output::PeerCert(der) => shown = Some(is_named(&self.peer, der)),
                Output::KeyingMaterial(material, profile) => keys = Some((material, profile)),
                Output::BufferTooSmall { .. } => {
                    outcome = outcome.and(Err("a DTLS datagram is too long".to_owned()));
                    break;
                }
                _ => {}
            }
        }
        match shown {
            Some(true) => self.proved = true,
            Some(false) => {
                let why = "the peer's certificate is not the one that its description names";
                outcome = outcome.and(Err(why.to_owned()));
            }
            None => {}
        }
        if let Some((material, profile)) = keys {
            self.fresh = of_profile(profile, &material, active);
        }
        match outcome {
            Err(why) => {
                let told = self.srtp.is_none();
                self.mend();
                self.proved = false;
                told.then_some(Err(why))
            }
            Ok(()) if self.proved => {
                let (suite, srtp) = self.fresh.take()?;
                self.srtp = Some(srtp);
                Some(Ok(suite))
            }
            Ok(()) => None,
        }
    }
}

/// Whether a certificate is the one that a description named (RFC 8122 §5).
fn is_named(named: &Fingerprint, der: &[u8]) -> bool {
    let digest = match named.hash.as_str() {
        "sha-256" => Sha256::digest(der).to_vec(),
        "sha-384" => Sha384::digest(der).to_vec(),
        "sha-512" => Sha512::digest(der).to_vec(),
        _ => return false,
    };
    digest == named.digest
}

/// The keys of both directions: client key, server key, client salt, server salt (RFC 5764 §4.2).
fn of_profile(profile: SrtpProfile, material: &[u8], active: bool) -> Option<(Suite, Srtp)> {
    let suite = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Suite::AesCm128Sha80,
        SrtpProfile::AEAD_AES_128_GCM => Suite::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => Suite::AeadAes256Gcm,
        _ => return None,
    };
    let (key, salt) = suite.lengths();
    let (keys, salts) = material.split_at_checked(2 * key)?;
    let of = |n: usize| {
        let key_salt = [keys.get(n * key..)?.get(..key)?, salts.get(n * salt..)?.get(..salt)?];
        Some(SrtpKey { suite, key_salt: SecretBytes::new(&key_salt.concat()) })
    };
    let (client, server) = (of(0)?, of(1)?);
    let (ours, theirs) = if active { (client, server) } else { (server, client) };
    Some((suite, Srtp::new(ours, theirs)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Dice;
    use std::collections::VecDeque;

    fn identity() -> Arc<Identity> {
        Arc::new(Identity::make().expect("a certificate"))
    }

    fn somewhere() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 4000))
    }

    #[allow(clippy::disallowed_methods, reason = "the beginning of a test's own time")]
    fn start() -> Instant {
        Instant::now()
    }

    /// Lets two ends talk; `lose` of a hundred datagrams are lost, and a second passes where nothing is
    /// said.
    fn talk(ends: [&mut Handshake; 2], lose: u64, seed: u64) -> [Option<Outcome>; 2] {
        let [one, two] = ends;
        let ends = [one, two];
        let mut outcomes = [None, None];
        let mut flying: VecDeque<(usize, Vec<u8>)> = VecDeque::new();
        let (mut now, mut dice) = (start(), Dice::from_number(seed));
        for _ in 0..60 {
            for n in 0..2 {
                let mut out = Vec::new();
                let outcome = ends[n].tick(now, |packet| out.push(packet.to_vec()));
                outcomes[n] = outcome.or(outcomes[n].take());
                flying.extend(out.into_iter().map(|packet| (1 - n, packet)));
            }
            while let Some((to, packet)) = flying.pop_front() {
                if dice.number() % 100 < lose {
                    continue;
                }
                let mut out = Vec::new();
                let outcome = ends[to].receive(&packet, now, |packet| out.push(packet.to_vec()));
                outcomes[to] = outcome.or(outcomes[to].take());
                flying.extend(out.into_iter().map(|packet| (1 - to, packet)));
            }
            if outcomes.iter().all(Option::is_some) {
                break;
            }
            now += std::time::Duration::from_secs(1);
        }
        outcomes
    }

    #[test]
    fn both_ends_agree_on_keys_whatever_is_lost() {
        for (lose, seed) in [(0, 1), (20, 1), (20, 2), (20, 3), (20, 4), (20, 5)] {
            let (ours, theirs) = (identity(), identity());
            let mut one = Handshake::new(&ours, theirs.fingerprint(), true, somewhere());
            let mut two = Handshake::new(&theirs, ours.fingerprint(), false, somewhere());
            let outcomes = talk([&mut one, &mut two], lose, seed);
            let suite = Suite::AeadAes256Gcm;
            assert_eq!(outcomes, [Some(Ok(suite)), Some(Ok(suite))], "{lose} %, {seed}");
            let packet = [&[0x80, 8, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4][..], &[9; 160]].concat();
            let (one, two) = (one.srtp().expect("keys"), two.srtp().expect("keys"));
            let out = one.protect_rtp(&packet).expect("protected");
            assert_eq!(two.unprotect_rtp(&out).expect("proved")[..], packet[..]);
            let back = two.protect_rtp(&packet).expect("protected");
            assert_eq!(one.unprotect_rtp(&back).expect("proved")[..], packet[..]);
        }
    }

    #[test]
    fn another_certificate_than_the_named_one_gets_no_keys_and_the_right_one_does_after_it() {
        let (ours, theirs, stranger) = (identity(), identity(), identity());
        let mut us = Handshake::new(&ours, theirs.fingerprint(), false, somewhere());
        let mut other = Handshake::new(&stranger, ours.fingerprint(), true, somewhere());
        let outcomes = talk([&mut us, &mut other], 0, 1);
        assert!(matches!(&outcomes[0], Some(Err(why)) if why.contains("certificate")));
        assert!(us.srtp().is_none());
        let mut peer = Handshake::new(&theirs, ours.fingerprint(), true, somewhere());
        let outcomes = talk([&mut us, &mut peer], 0, 1);
        assert_eq!(outcomes[0], Some(Ok(Suite::AeadAes256Gcm)));
    }

    #[test]
    fn what_is_no_handshake_changes_nothing() {
        let (ours, theirs) = (identity(), identity());
        let mut us = Handshake::new(&ours, theirs.fingerprint(), false, somewhere());
        let mut now = start();
        for length in 0..200u8 {
            let byte = |n: u8| 20 + n.wrapping_mul(37).wrapping_add(length) % 44;
            let rubbish: Vec<u8> = (0..length).map(byte).collect();
            now += std::time::Duration::from_millis(1);
            us.receive(&rubbish, now, |_| {});
        }
        let mut peer = Handshake::new(&theirs, ours.fingerprint(), true, somewhere());
        let outcomes = talk([&mut us, &mut peer], 0, 1);
        assert_eq!(outcomes[0], Some(Ok(Suite::AeadAes256Gcm)));
    }
}
