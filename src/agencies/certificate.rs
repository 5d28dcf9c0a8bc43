//! Certificates of those who sign callers' numbers (RFC 8226): read from what was fetched, proved to the
//! centre's own store, and asked which numbers they cover.
//!
//! It fetches nothing and knows no clock.

use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use thiserror::Error;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter};
use x509_parser::der_parser::asn1_rs::{Any, Class, Integer, Oid, oid};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::vocabulary::WallTime;

/// Certificates of one chain.
const CHAIN: usize = 8;
/// Entries of one TNAuthList.
const ENTRIES: usize = 1_000;
/// id-pe-TNAuthList.
const TN_AUTH_LIST: Oid<'_> = oid!(1.3.6.1.5.5.7.1.26);

/// Why a certificate proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// There is none.
    #[error("what was fetched holds no certificate")]
    None,
    /// It cannot be read.
    #[error("the certificate is broken: {0}")]
    Broken(String),
    /// Its key is of another kind.
    #[error("the certificate's key is not of P-256, which ES256 needs")]
    Key,
    /// Nobody whom the centre trusts vouches for it.
    #[error(
        "no authority of [identity] ca vouches for the certificate at the time of the call: {0}"
    )]
    Untrusted(webpki::Error),
}

/// A certificate that was proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signer {
    /// Whose.
    pub subject: String,
    /// Its key, an uncompressed point of P-256.
    pub point: Vec<u8>,
    /// What it may sign for.
    pub covers: Covers,
    /// When it ends.
    pub ends: WallTime,
}

/// What a certificate may sign for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covers {
    /// Service provider codes: every number of that provider.
    pub providers: Vec<String>,
    /// First numbers, and how many.
    ranges: Vec<(u64, u64)>,
}

impl Covers {
    /// Whether a number may be signed for. A certificate without any list, or of a provider, covers what
    /// its provider says.
    #[must_use]
    pub fn number(&self, digits: &str) -> bool {
        if self.ranges.is_empty() || !self.providers.is_empty() {
            return true;
        }
        let Ok(number) = digits.parse::<u64>() else { return false };
        self.ranges.iter().any(|(first, count)| {
            number.checked_sub(*first).is_some_and(|further| further < *count)
        })
    }
}

/// Any use: the centre's store holds only those who sign numbers.
pub(super) struct AnyUse;

impl ExtendedKeyUsageValidator for AnyUse {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// The certificates in PEM, or one in DER.
#[must_use]
pub fn chain(body: &[u8]) -> Vec<CertificateDer<'static>> {
    let pem: Vec<_> =
        CertificateDer::pem_slice_iter(body).take(CHAIN).filter_map(Result::ok).collect();
    if pem.is_empty() && body.first() == Some(&0x30) {
        return vec![CertificateDer::from(body.to_vec())];
    }
    pem
}

/// Proves a chain at a moment, against authorities.
///
/// # Errors
/// [`CertificateError`].
pub fn prove(
    chain: &[CertificateDer<'static>],
    anchors: &[TrustAnchor<'static>],
    at: WallTime,
) -> Result<Signer, CertificateError> {
    let (leaf, others) = chain.split_first().ok_or(CertificateError::None)?;
    let broken = |error: String| CertificateError::Broken(error);
    let (_, read) = X509Certificate::from_der(leaf).map_err(|error| broken(error.to_string()))?;
    let key = &read.public_key().subject_public_key.data;
    if key.len() != 65 || key.first() != Some(&4) {
        return Err(CertificateError::Key);
    }
    let end = EndEntityCert::try_from(leaf).map_err(CertificateError::Untrusted)?;
    let seconds = u64::try_from(at.0.div_euclid(1_000_000)).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    end.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, others, time, AnyUse, None, None)
        .map_err(CertificateError::Untrusted)?;
    let list = read.extensions().iter().find(|extension| extension.oid == TN_AUTH_LIST);
    let covers = match list {
        Some(list) => covers(list.value).ok_or_else(|| broken("its TNAuthList".to_owned()))?,
        None => Covers::default(),
    };
    let ends = WallTime(read.validity().not_after.timestamp().saturating_mul(1_000_000));
    let subject =
        read.subject().to_string().chars().filter(|c| !c.is_control()).take(200).collect();
    Ok(Signer { subject, point: key.to_vec(), covers, ends })
}

/// A TNAuthList (RFC 8226 §9): providers, ranges of numbers, numbers.
fn covers(der: &[u8]) -> Option<Covers> {
    let (rest, list) = Any::from_der(der).ok()?;
    if !rest.is_empty() || list.tag().0 != 16 {
        return None;
    }
    let mut covers = Covers::default();
    let mut rest: &[u8] = list.data;
    for _ in 0..ENTRIES {
        if rest.is_empty() {
            break;
        }
        let (after, entry) = Any::from_der(rest).ok()?;
        rest = after;
        if entry.class() != Class::ContextSpecific {
            return None;
        }
        let (_, inner) = Any::from_der(entry.data).ok()?;
        match entry.tag().0 {
            0 => covers.providers.push(text(inner.data)?),
            1 => {
                let (after, start) = Any::from_der(inner.data).ok()?;
                let (_, count) = Integer::from_der(after).ok()?;
                covers.ranges.push((text(start.data)?.parse().ok()?, count.as_u64().ok()?));
            }
            2 => covers.ranges.push((text(inner.data)?.parse().ok()?, 1)),
            _ => return None,
        }
    }
    Some(covers)
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tag, length, content.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        [&[tag, length], content].concat()
    }

    #[test]
    fn a_list_says_whose_numbers_may_be_signed() {
        let provider = der(0xa0, &der(0x16, b"709J"));
        let range = [der(0x16, b"62812000000"), der(0x02, &[100])].concat();
        let range = der(0xa1, &der(0x30, &range));
        let one = der(0xa2, &der(0x16, b"62328671234"));
        let numbers = covers(&der(0x30, &[range.clone(), one].concat())).expect("a list");
        for (number, covered) in [
            ("62812000000", true),
            ("62812000099", true),
            ("62812000100", false),
            ("62811999999", false),
            ("62328671234", true),
            ("", false),
        ] {
            assert_eq!(numbers.number(number), covered, "{number}");
        }
        let all = covers(&der(0x30, &[provider, range].concat())).expect("a list");
        assert_eq!(all.providers, ["709J"]);
        assert!(all.number("1") && Covers::default().number("1"));
        for broken in
            [&b""[..], b"\x30", b"\x30\x02\x02\x00", &der(0x30, &der(0xa9, &der(0x16, b"1")))]
        {
            assert_eq!(covers(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn what_was_fetched_may_be_anything() {
        assert!(chain(b"").is_empty() && chain(b"<html>").is_empty());
        assert_eq!(prove(&[], &[], WallTime(0)), Err(CertificateError::None));
        let rubbish = chain(b"\x30\x03abc");
        assert!(matches!(prove(&rubbish, &[], WallTime(0)), Err(CertificateError::Broken(_))));
    }
}
