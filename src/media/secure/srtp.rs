//! SRTP and SRTCP (RFC 3711, RFC 7714) of one stream, by the webrtc-rs project's crate.
//!
//! The crate is not let alone with strangers' bytes: it panics at reports that are too short, believes a
//! report that says it is not encrypted, and keeps something of every source before it is proved. So
//! lengths and that bit are looked at first, each source has a context of its own that is kept only once
//! a packet of it was proved, and what came before is known here.

use bytes::Bytes;
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::media::rtp::HEADER_BYTES;
use crate::vocabulary::{SrtpKey, Suite};

/// Sources of one peer that are known at once; a peer that changes its source has two for a moment.
const SOURCES: usize = 4;
/// Bytes of a report before what is encrypted, and of the index behind it.
const REPORT_HEAD: usize = 8;
const INDEX: usize = 4;

/// Both directions of one stream.
pub struct Srtp {
    ours: Context,
    theirs: Vec<Source>,
    keys: (SrtpKey, SrtpKey),
}

/// One proved source of the peer.
struct Source {
    ssrc: u32,
    context: Context,
    packets: Seen,
    reports: Seen,
}

/// The newest number of a source and which of the 64 before it came (RFC 3711 §3.3.2).
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    newest: Option<i64>,
    before: u64,
}

impl Seen {
    /// Whether a number may still come, and what is known once it did.
    fn with(self, number: i64) -> Option<Self> {
        let Some(newest) = self.newest else {
            return Some(Self { newest: Some(number), before: 1 });
        };
        let ahead = number - newest;
        if ahead > 0 {
            let shift = u32::try_from(ahead).unwrap_or(64);
            let before = self.before.checked_shl(shift).unwrap_or(0) | 1;
            return Some(Self { newest: Some(number), before });
        }
        let bit = 1u64.checked_shl(u32::try_from(-ahead).ok()?)?;
        (self.before & bit == 0).then_some(Self { before: self.before | bit, ..self })
    }

    /// The number that a 16-bit sequence stands for, nearest to the newest.
    fn of_sequence(self, sequence: u16) -> i64 {
        let newest = self.newest.unwrap_or(i64::from(sequence));
        let low = u16::try_from(newest & 0xffff).unwrap_or_default();
        newest + i64::from(sequence.wrapping_sub(low).cast_signed())
    }
}

impl std::fmt::Debug for Srtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Srtp").field("suite", &self.keys.0.suite).finish_non_exhaustive()
    }
}

fn profile(suite: Suite) -> ProtectionProfile {
    match suite {
        Suite::AesCm128Sha80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::AesCm128Sha32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
    }
}

fn context(key: &SrtpKey) -> Option<Context> {
    let (length, salt) = key.suite.lengths();
    let (master, rest) = key.key_salt.reveal().split_at_checked(length)?;
    Context::new(master, rest.get(..salt)?, profile(key.suite), None, None).ok()
}

impl Srtp {
    /// With these keys; none where they are not as long as their suite wants.
    pub fn new(ours: SrtpKey, theirs: SrtpKey) -> Option<Self> {
        // Looked at now, so that it cannot fail later.
        context(&theirs)?;
        Some(Self { ours: context(&ours)?, theirs: Vec::new(), keys: (ours, theirs) })
    }

    /// Whether it has these keys.
    pub fn is_of(&self, ours: &SrtpKey, theirs: &SrtpKey) -> bool {
        self.keys.0 == *ours && self.keys.1 == *theirs
    }

    /// A packet as it goes out.
    pub fn protect_rtp(&mut self, packet: &[u8]) -> Option<Bytes> {
        (packet.len() >= HEADER_BYTES).then(|| self.ours.encrypt_rtp(packet).ok())?
    }

    /// A packet of the peer; none of anybody else's, and none twice.
    pub fn unprotect_rtp(&mut self, packet: &[u8]) -> Option<Bytes> {
        let [_, _, high, low, _, _, _, _, ssrc @ ..] = packet.first_chunk::<HEADER_BYTES>()?;
        let (sequence, ssrc) = (u16::from_be_bytes([*high, *low]), u32::from_be_bytes(*ssrc));
        self.proved(ssrc, |source| {
            let seen = source.packets.with(source.packets.of_sequence(sequence))?;
            let plain = source.context.decrypt_rtp(packet).ok()?;
            source.packets = seen;
            Some(plain)
        })
    }

    /// A report as it goes out.
    pub fn protect_rtcp(&mut self, packet: &[u8]) -> Option<Bytes> {
        (packet.len() >= REPORT_HEAD).then(|| self.ours.encrypt_rtcp(packet).ok())?
    }

    /// A report of the peer.
    pub fn unprotect_rtcp(&mut self, packet: &[u8]) -> Option<Bytes> {
        let suite = self.keys.1.suite;
        // Counter mode has the tag behind the index; GCM has it before, among what is encrypted.
        let (behind, least) = match suite {
            Suite::AesCm128Sha80 | Suite::AesCm128Sha32 => (10, REPORT_HEAD + INDEX + 10),
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => (0, REPORT_HEAD + 16 + INDEX),
        };
        if packet.len() < least {
            return None;
        }
        let index = packet.get(packet.len() - behind - INDEX..)?.first_chunk::<INDEX>()?;
        let index = u32::from_be_bytes(*index);
        let ssrc = u32::from_be_bytes(*packet.get(4..)?.first_chunk()?);
        if index >> 31 == 0 {
            return None;
        }
        self.proved(ssrc, |source| {
            let seen = source.reports.with(i64::from(index & 0x7fff_ffff))?;
            let plain = source.context.decrypt_rtcp(packet).ok()?;
            source.reports = seen;
            Some(plain)
        })
    }

    /// Lets `open` try with the source's context. A new source is kept once it is proved; the one that
    /// was proved first makes room.
    fn proved(
        &mut self,
        ssrc: u32,
        open: impl FnOnce(&mut Source) -> Option<Bytes>,
    ) -> Option<Bytes> {
        if let Some(known) = self.theirs.iter_mut().find(|source| source.ssrc == ssrc) {
            return open(known);
        }
        let (packets, reports) = (Seen::default(), Seen::default());
        let mut source = Source { ssrc, context: context(&self.keys.1)?, packets, reports };
        let plain = open(&mut source)?;
        if self.theirs.len() >= SOURCES {
            self.theirs.remove(0);
        }
        self.theirs.push(source);
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::SecretBytes;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pair = |pair: &[u8]| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal")
        };
        digits.chunks(2).map(pair).collect()
    }

    fn key(suite: Suite, hex: &str) -> SrtpKey {
        SrtpKey { suite, key_salt: SecretBytes::new(&bytes(hex)) }
    }

    /// Known answers: of libsrtp's `srtp_driver` for counter mode, and of the same program for GCM; the
    /// packet is sequence 0x1234, 16 bytes of 0xab.
    #[test]
    fn packets_are_protected_as_everybody_does_it() {
        let plain = bytes("800f1234decafbadcafebabe abababababababababababababababab");
        for (suite, key_salt, protected) in [
            (
                Suite::AesCm128Sha80,
                "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
                "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
            ),
            (
                Suite::AeadAes128Gcm,
                "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab",
                "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
            ),
            (
                Suite::AeadAes256Gcm,
                "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f a0a1a2a3a4a5a6a7a8a9aaab",
                // No published answer at hand: only there and back.
                "",
            ),
        ] {
            let key = key(suite, key_salt);
            let mut one = Srtp::new(key.clone(), key.clone()).expect("keys");
            let out = one.protect_rtp(&plain).expect("protected");
            if !protected.is_empty() {
                assert_eq!(out[..], bytes(protected)[..], "{suite}");
            }
            let mut two = Srtp::new(key.clone(), key).expect("keys");
            assert_eq!(two.unprotect_rtp(&out).expect("proved")[..], plain[..], "{suite}");
            assert!(two.unprotect_rtp(&out).is_none(), "{suite}: none twice");
        }
    }

    #[test]
    fn a_packet_that_was_changed_or_of_another_key_is_none() {
        for suite in Suite::ALL {
            let (length, salt) = suite.lengths();
            let of = |byte: u8| SrtpKey {
                suite,
                key_salt: SecretBytes::new(&vec![byte; length + salt]),
            };
            let mut ours = Srtp::new(of(1), of(2)).expect("keys");
            let mut theirs = Srtp::new(of(2), of(1)).expect("keys");
            let plain = bytes("8008000100000000cafebabe 0102030405060708");
            let out = ours.protect_rtp(&plain).expect("protected");
            for at in 0..out.len() {
                let mut changed = out.to_vec();
                changed[at] ^= 1;
                let read = theirs.unprotect_rtp(&changed);
                assert!(read.is_none(), "{suite}: byte {at}");
            }
            assert!(theirs.unprotect_rtp(&plain).is_none(), "{suite}: plain");
            assert_eq!(theirs.unprotect_rtp(&out).expect("proved")[..], plain[..]);
            let report = bytes("80c90001cafebabe");
            let out = theirs.protect_rtcp(&report).expect("protected");
            assert_eq!(ours.unprotect_rtcp(&out).expect("proved")[..], report[..], "{suite}");
            assert!(ours.unprotect_rtcp(&report).is_none());
        }
    }

    #[test]
    fn the_sequence_goes_round_and_no_bytes_break_it() {
        let key = key(
            Suite::AesCm128Sha80,
            "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6",
        );
        let mut one = Srtp::new(key.clone(), key.clone()).expect("keys");
        let mut two = Srtp::new(key.clone(), key.clone()).expect("keys");
        for n in 65_000..66_000u32 {
            let mut plain = bytes("8008000000000000cafebabe 01020304");
            plain[2..4].copy_from_slice(&n.to_be_bytes()[2..]);
            let out = one.protect_rtp(&plain).expect("protected");
            assert_eq!(two.unprotect_rtp(&out).expect("proved")[..], plain[..], "{n}");
        }
        for length in 0..200u8 {
            let byte = |n: u8| n.wrapping_mul(37).wrapping_add(length);
            let rubbish: Vec<u8> = (0..length).map(byte).collect();
            assert!(two.unprotect_rtp(&rubbish).is_none());
            assert!(two.unprotect_rtcp(&rubbish).is_none());
            let _ = (one.protect_rtp(&rubbish), one.protect_rtcp(&rubbish));
        }
        let short = SrtpKey { suite: Suite::AeadAes256Gcm, key_salt: SecretBytes::new(&[1; 20]) };
        assert!(Srtp::new(short, key).is_none());
    }
}
