//! Digest authentication (RFC 8760, RFC 7616, RFC 3261 §22).

use crate::vocabulary::Secret;

/// One account: a name and the hashes of `name:realm:password`, never the password itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// User name.
    pub username: String,
    /// MD5 of `username:realm:password`, lower-case hexadecimal.
    pub ha1_md5: Option<Secret>,
    /// SHA-256 of the same.
    pub ha1_sha256: Option<Secret>,
}
