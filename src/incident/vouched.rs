//! Who vouches for a caller's number, and how far: what the signed identities of a call (STIR/SHAKEN: RFC
//! 8224, 8225, 8588) were found to be worth.
//!
//! It is a badge for people who listen. It never decides what becomes of a call: whoever calls 112 without
//! a good signature needs help all the same.

use serde::{Deserialize, Serialize};

use crate::vocabulary::{CallId, Private, WallTime, rfc3339};

/// What was found out about the signed identities of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityChecked {
    /// The call.
    pub call: CallId,
    /// All of it in one word.
    pub verified: Badge,
    /// Each signed identity, in the order in which they stand in the INVITE.
    pub passports: Vec<Passport>,
}

/// What the operator sees beside the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Badge {
    /// The originating network knows the caller and vouches for the number (full attestation).
    A,
    /// It knows the caller and does not vouch for the number (partial attestation).
    B,
    /// It knows only where the call entered its network (gateway attestation).
    C,
    /// The number is signed, by a token that names no attestation.
    #[serde(rename = "signed")]
    Signed,
    /// A signature is there and does not hold.
    #[serde(rename = "failed")]
    Failed,
}

impl Badge {
    /// The word of the record, as serde writes it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::Signed => "signed",
            Self::Failed => "failed",
        }
    }

    /// A sentence for people, Indonesian and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::A => (
                "operator asal mengenal penelepon dan menjamin nomornya",
                "the originating network knows the caller and vouches for the number",
            ),
            Self::B => (
                "operator asal mengenal penelepon, tetapi tidak menjamin nomornya",
                "the originating network knows the caller and does not vouch for the number",
            ),
            Self::C => (
                "operator hanya tahu dari mana panggilan masuk ke jaringannya",
                "the network knows only where the call entered it",
            ),
            Self::Signed => ("nomor penelepon bertanda tangan sah", "the number is signed"),
            Self::Failed => (
                "tanda tangan nomor tidak dapat dibuktikan; layani seperti biasa",
                "the number's signature does not hold; serve the caller as any other",
            ),
        }
    }
}

/// One signed identity (PASSporT, RFC 8225).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Passport {
    /// Its kind: `shaken`, `div` (RFC 8946), `rph` (RFC 8443), …; empty for the plain one.
    pub ppt: String,
    /// `A`, `B` or `C` where it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attest: Option<Badge>,
    /// The number or URI that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orig: Option<Private<String>>,
    /// Whom the call was for when it was signed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dest: Vec<String>,
    /// Whom the call was for before it was diverted (`div`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diverted_from: Option<String>,
    /// Resource priorities that are signed for (`rph`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<String>,
    /// The SIP priority that is signed for: `psap-callback` (RFC 9027).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip_priority: Option<String>,
    /// The signer's own key for where the call came from: a trace request names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origid: Option<String>,
    /// When it was signed.
    #[serde(skip_serializing_if = "Option::is_none", with = "rfc3339")]
    pub issued_at: Option<WallTime>,
    /// The subject of the certificate; none while that could not be proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The service provider that the certificate names (RFC 8226).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Why it is not known whether the certificate was revoked; none: it was not, or nobody names a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unasked: Option<String>,
    /// Why it is worth nothing; none: it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
}

/// Why a signed identity is worth nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// In one word.
    pub why: Why,
    /// What exactly, in English; for whoever asks the carrier.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// What is wrong with a signed identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is no PASSporT.
    Unreadable,
    /// It asks for what we have not: another algorithm, a critical extension.
    Unsupported,
    /// Its certificate could not be fetched.
    NotFetched,
    /// Nobody whom the centre trusts vouches for the certificate.
    Certificate,
    /// The certificate, or one that vouches for it, was revoked.
    Revoked,
    /// The signature is not of this certificate, or something was changed.
    Signature,
    /// It was signed too long before the call, or after it.
    Stale,
    /// It is about another number.
    OtherNumber,
    /// It was made for another call: its destination is not ours.
    OtherDestination,
    /// The certificate does not cover the number (RFC 8226 TNAuthList).
    NotCovered,
}

impl Why {
    /// A sentence for people, Indonesian and English.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => ("tanda tangan tidak terbaca", "the signature cannot be read"),
            Self::Unsupported => {
                ("jenis tanda tangan tidak dikenal", "the kind of signature is not known here")
            }
            Self::NotFetched => {
                ("sertifikat tidak dapat diambil", "the certificate could not be fetched")
            }
            Self::Certificate => (
                "sertifikat tidak dipercaya pusat ini",
                "this centre does not trust the certificate",
            ),
            Self::Revoked => {
                ("sertifikat telah dicabut", "the certificate was revoked by its authority")
            }
            Self::Signature => ("tanda tangan tidak cocok", "the signature does not match"),
            Self::Stale => (
                "tanda tangan bukan dari saat panggilan",
                "it was not signed at the time of the call",
            ),
            Self::OtherNumber => {
                ("tanda tangan untuk nomor lain", "the signature is about another number")
            }
            Self::OtherDestination => {
                ("tanda tangan untuk panggilan lain", "the signature is about another call")
            }
            Self::NotCovered => {
                ("sertifikat tidak mencakup nomor ini", "the certificate does not cover the number")
            }
        }
    }
}

/// That a badge does not know of a revocation, Indonesian and English.
const UNASKED: (&str, &str) = (
    "belum diketahui apakah sertifikatnya dicabut",
    "whether the certificate was revoked is not known",
);

impl IdentityChecked {
    /// Sums up: what the `shaken` token says where it holds, else that a plain one holds; failed where
    /// one that is about the caller does not hold and none does.
    #[must_use]
    pub fn of(call: CallId, passports: Vec<Passport>) -> Self {
        let about_caller = |passport: &&Passport| matches!(&*passport.ppt, "" | "shaken");
        let good = passports.iter().filter(about_caller).filter(|one| one.doubt.is_none());
        let verified =
            good.map(|one| one.attest.unwrap_or(Badge::Signed)).min_by_key(|badge| match badge {
                Badge::A => 0,
                Badge::B => 1,
                Badge::C => 2,
                Badge::Signed => 3,
                Badge::Failed => 4,
            });
        Self { call, verified: verified.unwrap_or(Badge::Failed), passports }
    }

    /// Why the badge says that it failed: the first doubt about a token that is about the caller.
    #[must_use]
    pub fn doubt(&self) -> Option<&Doubt> {
        if self.verified != Badge::Failed {
            return None;
        }
        self.passports.iter().find_map(|passport| passport.doubt.as_ref())
    }

    /// That nobody could say whether a certificate was revoked: the sentence, and why.
    #[must_use]
    pub fn note(&self) -> Option<((&'static str, &'static str), &str)> {
        let unasked = self.passports.iter().find_map(|passport| passport.unasked.as_deref());
        unasked.map(|why| (UNASKED, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passport(ppt: &str, attest: Option<Badge>, why: Option<Why>) -> Passport {
        let doubt = why.map(|why| Doubt { why, detail: String::new() });
        Passport { ppt: ppt.to_owned(), attest, doubt, ..Passport::default() }
    }

    #[test]
    fn the_badge_says_what_holds_and_nothing_that_does_not() {
        let bad = Some(Why::Signature);
        for (passports, badge) in [
            (vec![passport("shaken", Some(Badge::A), None)], Badge::A),
            (vec![passport("shaken", Some(Badge::A), bad)], Badge::Failed),
            (
                vec![
                    passport("shaken", Some(Badge::A), bad),
                    passport("shaken", Some(Badge::C), None),
                ],
                Badge::C,
            ),
            (vec![passport("", None, None)], Badge::Signed),
            // Who signs that it was diverted, or for a priority, says nothing of the caller.
            (vec![passport("div", None, None), passport("rph", None, None)], Badge::Failed),
        ] {
            let checked = IdentityChecked::of(CallId::default(), passports);
            assert_eq!(checked.verified, badge, "{checked:?}");
            let json = serde_json::to_value(&checked).expect("JSON");
            assert_eq!(json["verified"], badge.word());
        }
    }
}
