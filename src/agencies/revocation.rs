//! Lists of revoked certificates (RFC 5280 §5): read from what was fetched or lies beside the configuration,
//! and asked about a chain that was proved.
//!
//! It fetches nothing and knows no clock. A list that only its own authority could have signed is believed,
//! no other; a list of somebody else's certificates (an indirect one) is not understood.

use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime};
use thiserror::Error;
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, ExpirationPolicy,
    OwnedCertRevocationList, RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate::AnyUse;
use crate::vocabulary::WallTime;

/// Lists of one file or place.
const LISTS: usize = 16;
/// Places that one chain names.
const POINTS: usize = 4;

/// Why a list is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ListError {
    /// There is none.
    #[error("there is no revocation list in it")]
    None,
    /// It cannot be read, or is of a kind that is not understood.
    #[error("its revocation list cannot be used: {0}")]
    Unusable(String),
}

/// One list.
#[derive(Debug)]
pub struct List {
    list: CertRevocationList<'static>,
    /// File or address.
    from: String,
    /// A newer one is to be there by then.
    pub next: WallTime,
}

impl List {
    /// Whether a newer one should be there.
    #[must_use]
    pub fn is_stale(&self, at: WallTime) -> bool {
        self.next <= at
    }
}

/// The lists in PEM, or one in DER.
///
/// # Errors
/// [`ListError`].
pub fn read(bytes: &[u8], from: &str) -> Result<Vec<List>, ListError> {
    let pem = CertificateRevocationListDer::pem_slice_iter(bytes).take(LISTS);
    let mut ders: Vec<Vec<u8>> = pem.filter_map(Result::ok).map(|der| der.to_vec()).collect();
    if ders.is_empty() && bytes.first() == Some(&0x30) {
        ders.push(bytes.to_vec());
    }
    if ders.is_empty() {
        return Err(ListError::None);
    }
    ders.iter().map(|der| one(der, from)).collect()
}

fn one(der: &[u8], from: &str) -> Result<List, ListError> {
    let unusable = |error: String| ListError::Unusable(error);
    let list = OwnedCertRevocationList::from_der(der).map_err(|e| unusable(e.to_string()))?;
    let (_, read) =
        CertificateRevocationList::from_der(der).map_err(|e| unusable(e.to_string()))?;
    let next = read.next_update().ok_or_else(|| unusable("it names no next one".to_owned()))?;
    let next = WallTime(next.timestamp().saturating_mul(1_000_000));
    Ok(List { list: list.into(), from: from.to_owned(), next })
}

/// What the lists say of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing of it is revoked.
    Clear,
    /// A certificate of it is.
    Revoked {
        /// By which list.
        by: String,
    },
    /// No list says.
    Unknown(String),
}

/// What these lists say of a chain that was proved at that moment. Of a list that is stale a revocation counts,
/// and nothing else.
#[must_use]
pub fn standing(
    chain: &[CertificateDer<'static>],
    anchors: &[TrustAnchor<'static>],
    at: WallTime,
    lists: &[&List],
) -> Standing {
    let mut usable = Vec::new();
    let mut wrong = None;
    let loose = (ExpirationPolicy::Ignore, UnknownStatusPolicy::Allow);
    for list in lists {
        match asked(chain, anchors, at, &[&list.list], loose) {
            Ok(()) => usable.push(*list),
            Err(webpki::Error::CertRevoked) => return Standing::Revoked { by: list.from.clone() },
            Err(error) => {
                wrong = Some(format!("the list of {} is not its authority's: {error}", list.from))
            }
        }
    }
    // Of two lists of one authority the newer one is asked.
    usable.sort_by_key(|list| std::cmp::Reverse(list.next));
    let nobody = || "no list is of the authority that signed the certificate".to_owned();
    let all: Vec<&CertRevocationList<'_>> = usable.iter().map(|list| &list.list).collect();
    let strict = (ExpirationPolicy::Enforce, UnknownStatusPolicy::Deny);
    match asked(chain, anchors, at, &all, strict) {
        Ok(()) => Standing::Clear,
        Err(webpki::Error::CrlExpired { .. }) => {
            let stale = usable.iter().find(|list| list.is_stale(at));
            let told = stale.map(|list| told_stale(list));
            Standing::Unknown(told.unwrap_or_else(nobody))
        }
        Err(webpki::Error::UnknownRevocationStatus) => {
            Standing::Unknown(wrong.unwrap_or_else(nobody))
        }
        Err(error) => Standing::Unknown(error.to_string()),
    }
}

/// That a list should have been renewed.
#[must_use]
pub fn told_stale(list: &List) -> String {
    format!("the list of {} was to be renewed by {}", list.from, list.next.to_rfc3339())
}

fn asked(
    chain: &[CertificateDer<'static>],
    anchors: &[TrustAnchor<'static>],
    at: WallTime,
    lists: &[&CertRevocationList<'_>],
    (expiration, unknown): (ExpirationPolicy, UnknownStatusPolicy),
) -> Result<(), webpki::Error> {
    let unknown_status = webpki::Error::UnknownRevocationStatus;
    let Some((leaf, others)) = chain.split_first() else { return Err(unknown_status) };
    let options = RevocationOptionsBuilder::new(lists).map_err(|_| unknown_status)?;
    let options = options
        .with_depth(RevocationCheckDepth::Chain)
        .with_expiration_policy(expiration)
        .with_status_policy(unknown)
        .build();
    let seconds = u64::try_from(at.0.div_euclid(1_000_000)).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let (algorithms, options) = (ALL_VERIFICATION_ALGS, Some(options));
    let end = EndEntityCert::try_from(leaf)?;
    end.verify_for_usage(algorithms, anchors, others, time, AnyUse, options, None).map(drop)
}

/// Where the certificates of a chain say that their lists are.
#[must_use]
pub fn points(chain: &[CertificateDer<'static>]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for certificate in chain {
        let Ok((_, read)) = X509Certificate::from_der(certificate) else { continue };
        for extension in read.extensions() {
            let ParsedExtension::CRLDistributionPoints(points) = extension.parsed_extension()
            else {
                continue;
            };
            for point in points.iter() {
                let Some(DistributionPointName::FullName(names)) = &point.distribution_point else {
                    continue;
                };
                for name in names {
                    if let GeneralName::URI(uri) = name
                        && found.len() < POINTS
                        && found.iter().all(|known| known != uri)
                    {
                        found.push((*uri).to_owned());
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_is_refused() {
        for nothing in [&b""[..], b"<html>", b"-----BEGIN CERTIFICATE-----"] {
            assert_eq!(read(nothing, "x").map(drop), Err(ListError::None));
        }
        assert!(matches!(read(b"\x30\x03abc", "x"), Err(ListError::Unusable(_))));
        assert!(points(&[CertificateDer::from(b"\x30\x03abc".to_vec())]).is_empty());
        let nobody = standing(&[], &[], WallTime(0), &[]);
        assert!(matches!(nobody, Standing::Unknown(_)), "{nobody:?}");
    }
}
