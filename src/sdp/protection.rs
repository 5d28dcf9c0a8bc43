//! How a line is protected: `a=crypto` (RFC 4568), `a=fingerprint` and `a=setup` (RFC 8122, RFC 5763),
//! ICE (RFC 8839). Only what can be honoured is read: a key with parameters that we do not know is
//! passed over, as its writer would otherwise believe that we do.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Description;
use super::description::{Line, Media, attributes};
use crate::vocabulary::{Fingerprint, IceLogin, Secret, SecretBytes, SrtpKey, Suite, hex};

/// Padding may be there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Names of hashes that a certificate may be known by; older ones can be forged.
const HASHES: [&str; 3] = ["sha-256", "sha-384", "sha-512"];

/// How a line's packets are protected, by its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `RTP/AVP`, `RTP/AVPF`.
    Plain,
    /// `RTP/SAVP`, `RTP/SAVPF`.
    Srtp,
    /// `UDP/TLS/RTP/SAVP`, `UDP/TLS/RTP/SAVPF`.
    Dtls,
}

impl Profile {
    /// The profile of a protocol; none for one that is no RTP over UDP.
    pub(super) fn read(protocol: &str) -> Option<Self> {
        match protocol.to_ascii_uppercase().as_str() {
            "RTP/AVP" | "RTP/AVPF" => Some(Self::Plain),
            "RTP/SAVP" | "RTP/SAVPF" => Some(Self::Srtp),
            "UDP/TLS/RTP/SAVP" | "UDP/TLS/RTP/SAVPF" => Some(Self::Dtls),
            _ => None,
        }
    }
}

/// One key that a peer offers or answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// Its number, which the answer repeats.
    pub tag: u32,
    /// The key of what its writer sends.
    pub key: SrtpKey,
}

/// Who begins the handshake (RFC 4145 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The writer.
    Active,
    /// The reader.
    Passive,
    /// Either.
    ActPass,
}

impl Setup {
    /// The word of the attribute.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
        }
    }
}

/// What a line says of its protection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// Keys, best first as written; only those that we can use.
    pub crypto: Vec<Crypto>,
    /// The certificate that the writer will show.
    pub fingerprint: Option<Fingerprint>,
    /// Who begins.
    pub setup: Option<Setup>,
    /// The writer's login of ICE.
    pub ice: Option<IceLogin>,
}

/// Reads the protection of a line.
pub(super) fn read(description: &Description, media: &Media) -> Protection {
    let setup = description.attribute(media, "setup").and_then(|word| {
        [Setup::Active, Setup::Passive, Setup::ActPass].into_iter().find(|s| s.word() == word)
    });
    let ufrag = description.attribute(media, "ice-ufrag");
    let password = description.attribute(media, "ice-pwd");
    // RFC 8839 §5.4: at least 4 and 22 characters.
    let ice = ufrag.zip(password).filter(|(ufrag, password)| {
        (4..=256).contains(&ufrag.len()) && (22..=256).contains(&password.len())
    });
    let fingerprints = attributes(&media.lines, "fingerprint")
        .chain(attributes(&description.lines, "fingerprint"))
        .filter_map(fingerprint);
    Protection {
        crypto: attributes(&media.lines, "crypto").filter_map(crypto).take(16).collect(),
        fingerprint: fingerprints.into_iter().next(),
        setup,
        ice: ice.map(|(ufrag, password)| IceLogin {
            ufrag: ufrag.to_owned(),
            password: Secret::new(password.to_owned()),
        }),
    }
}

/// `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31|1:4 KDR=1`: lifetime is fine, since no call lasts so
/// long; a key identifier (MKI) or session parameters are not ours to honour.
fn crypto(value: &str) -> Option<Crypto> {
    let mut words = value.split_ascii_whitespace();
    let tag = words.next()?.parse().ok()?;
    let suite = Suite::read(words.next()?)?;
    let keys = words.next()?;
    // Another key after `;` needs an identifier.
    let inline = keys.strip_prefix("inline:").filter(|keys| !keys.contains(';'))?;
    let mut parts = inline.split('|');
    let key_salt = BASE64.decode(parts.next()?).ok()?;
    let (key, salt) = suite.lengths();
    let lifetime = |part: &str| {
        let number = part.strip_prefix("2^").unwrap_or(part);
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    let usable = key_salt.len() == key + salt && parts.all(lifetime);
    // Key derivation at a rate of 0 and window hints change nothing.
    let harmless = |word: &str| word.starts_with("WSH=") || word == "KDR=0";
    (usable && words.all(harmless))
        .then(|| Crypto { tag, key: SrtpKey { suite, key_salt: SecretBytes::new(&key_salt) } })
}

fn fingerprint(value: &str) -> Option<Fingerprint> {
    let (hash, digest) = value.split_once(' ')?;
    let hash = hash.trim().to_ascii_lowercase();
    let digest: Option<Vec<u8>> =
        digest.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let digest = digest.filter(|digest| matches!(digest.len(), 32 | 48 | 64))?;
    HASHES.contains(&hash.as_str()).then_some(Fingerprint { hash, digest })
}

/// What we say of our own protection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Protected {
    /// Nothing.
    #[default]
    Plain,
    /// Our keys, best first.
    Keys(Vec<Crypto>),
    /// Our certificate.
    Certificate {
        /// Its fingerprint.
        fingerprint: Fingerprint,
        /// Who begins.
        setup: Setup,
        /// Our login of ICE and where we are reached, where the peer speaks ICE (we are the lite side,
        /// RFC 8445 §2.5).
        ice: Option<(IceLogin, Vec<SocketAddr>)>,
    },
}

/// The lines below the media line that say so.
pub(super) fn lines(protected: &Protected) -> Vec<Line> {
    let line = |text: String| Line::new('a', text);
    match protected {
        Protected::Plain => Vec::new(),
        Protected::Keys(keys) => keys
            .iter()
            .map(|Crypto { tag, key }| {
                let text = BASE64.encode(key.key_salt.reveal());
                line(format!("crypto:{tag} {} inline:{text}", key.suite))
            })
            .collect(),
        Protected::Certificate { fingerprint, setup, ice } => {
            let digest: Vec<String> =
                fingerprint.digest.iter().map(|byte| hex(&[*byte]).to_uppercase()).collect();
            let mut lines = vec![
                line(format!("fingerprint:{} {}", fingerprint.hash, digest.join(":"))),
                line(format!("setup:{}", setup.word())),
            ];
            if let Some((login, candidates)) = ice {
                lines.push(line(format!("ice-ufrag:{}", login.ufrag)));
                lines.push(line(format!("ice-pwd:{}", login.password.reveal())));
                lines.extend(candidates.iter().enumerate().map(|(n, at)| line(candidate(n, *at))));
                lines.push(line("end-of-candidates".to_owned()));
            }
            lines
        }
    }
}

/// A host candidate (RFC 8839 §5.1), those named first preferred.
fn candidate(n: usize, at: SocketAddr) -> String {
    // RFC 8445 §5.1.2.1: type preference 126 of host candidates, component 1.
    let local = 65_535u32.saturating_sub(u32::try_from(n).unwrap_or(65_535));
    let priority = 126 << 24 | local << 8 | 255;
    let ip: IpAddr = at.ip();
    format!("candidate:{} 1 udp {priority} {ip} {} typ host", n + 1, at.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

    fn reads(value: &str) -> bool {
        crypto(value).is_some()
    }

    #[test]
    fn keys_are_read_where_they_can_be_honoured() {
        // The key of RFC 4568 §4.1, with what may stand around it.
        for value in [
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}"),
            format!("7 aes_cm_128_hmac_sha1_32 {KEY}|2^20"),
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}|1048576 WSH=64 KDR=0"),
        ] {
            assert!(reads(&value), "{value}");
        }
        for value in [
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}|2^20|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY}|1:4"),
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY};{KEY}"),
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY} UNENCRYPTED_SRTP"),
            format!("1 AES_CM_128_HMAC_SHA1_80 {KEY} KDR=5"),
            format!("1 F8_128_HMAC_SHA1_80 {KEY}"),
            format!("1 AEAD_AES_256_GCM {KEY}"),
            "1 AES_CM_128_HMAC_SHA1_80 inline:AAAA".to_owned(),
            "x".to_owned(),
            String::new(),
        ] {
            assert!(!reads(&value), "{value}");
        }
    }

    #[test]
    fn fingerprints_of_weak_hashes_or_wrong_length_are_none() {
        let bytes = vec!["AB"; 32].join(":");
        assert!(fingerprint(&format!("SHA-256 {bytes}")).is_some());
        assert!(fingerprint(&format!("sha-1 {}", vec!["AB"; 20].join(":"))).is_none());
        assert!(fingerprint("sha-256 AB:CD").is_none());
        assert!(fingerprint(&format!("sha-256 {}", bytes.replace("AB", "XY"))).is_none());
    }

    #[test]
    fn our_keys_and_certificate_read_as_we_mean_them() {
        let key = SrtpKey { suite: Suite::AeadAes256Gcm, key_salt: SecretBytes::new(&[7; 44]) };
        let crypto = Crypto { tag: 3, key };
        let login = IceLogin { ufrag: "abcd".into(), password: Secret::new("x".repeat(24)) };
        let fingerprint = Fingerprint { hash: "sha-256".into(), digest: (0..32).collect() };
        let at: SocketAddr = "192.0.2.1:19999".parse().expect("an address");
        let certificate = Protected::Certificate {
            fingerprint: fingerprint.clone(),
            setup: Setup::Passive,
            ice: Some((login.clone(), vec![at])),
        };
        let mut media = Media::default();
        media.lines.extend(lines(&Protected::Keys(vec![crypto.clone()])));
        media.lines.extend(lines(&certificate));
        let read = read(&Description::default(), &media);
        assert_eq!(read.crypto, [crypto]);
        assert_eq!(read.fingerprint, Some(fingerprint));
        assert_eq!((read.setup, read.ice), (Some(Setup::Passive), Some(login)));
        let text = format!("{:?}", media.lines);
        assert!(text.contains("candidate:1 1 udp 2130706431 192.0.2.1 19999 typ host"), "{text}");
    }
}
