//! Keys, certificates and logins of protected audio, as descriptions carry them.

use super::private::{Secret, SecretBytes};

/// An SRTP suite (RFC 4568 §6.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// AES in counter mode, tag of 80 bits: what everybody can.
    AesCm128Sha80,
    /// The same, tag of 32 bits.
    AesCm128Sha32,
    /// AES-GCM, key of 128 bits.
    AeadAes128Gcm,
    /// AES-GCM, key of 256 bits.
    AeadAes256Gcm,
}

impl Suite {
    /// Every suite, the one to be preferred first.
    pub const ALL: [Self; 4] =
        [Self::AeadAes256Gcm, Self::AeadAes128Gcm, Self::AesCm128Sha80, Self::AesCm128Sha32];

    /// The name in `a=crypto`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AesCm128Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of the master key, and of the salt behind it.
    #[must_use]
    pub const fn lengths(self) -> (usize, usize) {
        match self {
            Self::AesCm128Sha80 | Self::AesCm128Sha32 => (16, 14),
            Self::AeadAes128Gcm => (16, 12),
            Self::AeadAes256Gcm => (32, 12),
        }
    }

    /// The suite of that name.
    #[must_use]
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.word().eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Display for Suite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// The master key and salt of one direction, one after the other (RFC 4568 §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKey {
    /// What they are for.
    pub suite: Suite,
    /// Key, then salt.
    pub key_salt: SecretBytes,
}

/// A certificate as SDP names it (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// `sha-256`, …, in lower case.
    pub hash: String,
    /// The digest of the certificate.
    pub digest: Vec<u8>,
}

/// The login of one side of ICE (RFC 8445 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceLogin {
    /// `a=ice-ufrag`.
    pub ufrag: String,
    /// `a=ice-pwd`.
    pub password: Secret,
}
