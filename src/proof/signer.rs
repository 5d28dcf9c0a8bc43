//! The key that a node signs with: made at the first start, for its owner only.
//!
//! The secret key never leaves its file but to sign, and is never shown.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ProofError;
use crate::vocabulary::hex;

const SECRET: &str = "proof.key";
/// What stands before the 32 bytes of an Ed25519 key in a public key's file (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
const END: &str = "\n-----END PRIVATE KEY-----\n";

/// Signs for one node.
pub struct Signer {
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public())
    }
}

fn path(keys: &Path) -> PathBuf {
    keys.join(SECRET)
}

impl Signer {
    /// Reads the key in the folder `keys`, PKCS #8 in PEM.
    ///
    /// # Errors
    /// When it is not there or is none.
    pub fn open(keys: &Path) -> Result<Self, ProofError> {
        let path = path(keys);
        let text = fs::read_to_string(&path).map_err(ProofError::file("read", &path))?;
        let wrong = || ProofError::Content {
            path: path.clone(),
            why: "is no Ed25519 key (PKCS #8, PEM); put back the one that the heads were signed with",
        };
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let key = STANDARD.decode(body.trim()).map_err(|_| wrong())?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key).map_err(|_| wrong())?;
        Ok(Self { pair })
    }

    /// The same, and makes the key where there is none.
    ///
    /// # Errors
    /// When it is none, or cannot be made.
    pub fn open_or_make(keys: &Path) -> Result<Self, ProofError> {
        let path = path(keys);
        if path.exists() {
            return Self::open(keys);
        }
        let made = ProofError::file("made", &path);
        let failed = |_| std::io::Error::other("the crypto library failed");
        let text = Ed25519KeyPair::generate()
            .and_then(|pair| pair.to_pkcs8v1())
            .map(|key| format!("{BEGIN}{}{END}", STANDARD.encode(key.as_ref())))
            .map_err(failed);
        let write = |text: String| {
            DirBuilder::new().recursive(true).mode(0o700).create(keys)?;
            // A half-written key must not be taken for one.
            let draft = path.with_extension("draft");
            if let Err(error) = fs::remove_file(&draft)
                && error.kind() != ErrorKind::NotFound
            {
                return Err(error);
            }
            let mut new = OpenOptions::new();
            let mut file = new.write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(keys)?.sync_all()
        };
        text.and_then(write).map_err(made)?;
        Self::open(keys)
    }

    /// The public key, 64 hexadecimal digits.
    #[must_use]
    pub fn public(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    /// Signs; 128 hexadecimal digits.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        hex(&self.sign_bytes(text.as_bytes()))
    }

    /// Signs; the 64 bytes of RFC 8032.
    #[must_use]
    pub fn sign_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }
}

/// A public key of 64 hexadecimal digits.
#[must_use]
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    bytes(text.trim())?.try_into().ok()
}

/// The same as a PEM file, which `openssl` reads.
#[must_use]
pub fn pem(key: &[u8; 32]) -> String {
    let body = STANDARD.encode([&SPKI[..], key].concat());
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

/// Whether `signature` (hexadecimal) is one of `key` over `text`.
pub(super) fn holds(key: &[u8; 32], text: &str, signature: &str) -> bool {
    let Some(signature) = bytes(signature) else { return false };
    UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
}

/// What pairs of hexadecimal digits stand for.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let digits = (0..text.len()).step_by(2);
    digits.map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let keys = dir.path().join("keys");
        let signer = Signer::open_or_make(&keys).expect("made");
        let mode = path(&keys).metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Signer::open_or_make(&keys).expect("there");
        assert_eq!(again.public(), signer.public());
        let key = public_key(&signer.public()).expect("a key");
        assert!(holds(&key, "a", &again.sign("a")));
        assert!(!holds(&key, "b", &again.sign("a")) && !holds(&key, "a", "00"));
        assert!(pem(&key).contains("MCowBQYDK2VwAyEA"));
    }

    #[test]
    fn what_is_no_key_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(path(dir.path()), "rahasia").expect("written");
        let told = Signer::open_or_make(dir.path()).expect_err("no key").to_string();
        assert!(told.contains("PKCS #8") && !told.contains("rahasia"), "{told}");
        assert_eq!(fs::read_to_string(path(dir.path())).expect("there"), "rahasia");
        assert!(public_key("xyz").is_none() && public_key(&"é".repeat(32)).is_none());
    }
}
