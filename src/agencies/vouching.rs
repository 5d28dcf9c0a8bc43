//! Verifies who vouches for a caller (STIR/SHAKEN): fetches certificates from hosts that the centre has
//! named, keeps them for as long as they may be kept, and judges the signed identities of one call.
//!
//! It is asked beside the call and never waited for; what it finds is a badge.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use super::certificate::{self, Signer};
use super::https::{Ask, Fetcher};
use super::list_keeper::ListKeeper;
use super::passport::{self, Token};
use super::revocation::Standing;
use super::settings::IdentitySettings;
use crate::incident::{Doubt, Passport, Why};
use crate::trunk::Signed;
use crate::vocabulary::{WallTime, limits};

/// Media types of certificates (RFC 8226 §10.1, RFC 8555 §9.1).
const ACCEPT: &str =
    "application/pem-certificate-chain, application/x-pem-file, application/pkix-cert";
/// Certificates that are kept: carriers of a country have a hundred.
const KEPT: usize = 256;
/// A certificate is kept for so long where its server does not say, and at most.
const USUAL: Duration = Duration::from_secs(3_600);
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// A server that failed is left alone for so long: calls come by the hundred.
const AGAIN: Duration = Duration::from_secs(30);

/// What was fetched from one place.
#[derive(Clone, Debug)]
struct Kept {
    /// The chain, or why there is none.
    found: Result<Arc<[CertificateDer<'static>]>, String>,
    /// Until then.
    until: WallTime,
}

/// One place; whoever holds it fetches, and the others wait for that.
type Place = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// Who verifies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Voucher {
    fetcher: Fetcher,
    settings: Arc<RwLock<IdentitySettings>>,
    places: Arc<Mutex<HashMap<String, Place>>>,
    lists: ListKeeper,
}

impl Voucher {
    /// One with these settings, which fetches with that fetcher.
    #[must_use]
    pub fn new(settings: IdentitySettings, fetcher: Fetcher) -> Self {
        let lists = ListKeeper::new(fetcher.clone());
        Self { fetcher, settings: Arc::new(RwLock::new(settings)), places: Arc::default(), lists }
    }

    /// From now on. What was fetched is fetched again.
    pub fn adopt(&self, settings: IdentitySettings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        self.places.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.lists.forget();
    }

    /// Lists of revoked certificates that are missing or stale, each told once until it is right again.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        self.lists.troubles()
    }

    /// Judges the signed identities of a call; none where the centre trusts nobody to sign.
    pub async fn judge(&self, call: &Signed) -> Option<Vec<Passport>> {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner).clone();
        if settings.anchors.is_empty() {
            return None;
        }
        let mut passports = Vec::new();
        for header in &call.headers {
            let passport = match passport::read(header.reveal(), call) {
                Ok(token) => self.believe(token, call, &settings).await,
                Err(refused) => *refused,
            };
            passports.push(passport);
        }
        passport::compare(&mut passports, call, settings.fresh);
        Some(passports)
    }

    /// What a token says, once its certificate and signature hold; else with the doubt.
    async fn believe(&self, token: Token, call: &Signed, settings: &IdentitySettings) -> Passport {
        let refuse = |why, detail: String| Some(Doubt { why, detail });
        let mut says = token.says.clone();
        let chain = match self.chain(&token.info, call.received).await {
            Ok(chain) => chain,
            Err(why) => return Passport { doubt: refuse(Why::NotFetched, why), ..says },
        };
        let signer = match certificate::prove(&chain, &settings.anchors, call.received) {
            Ok(signer) => signer,
            Err(error) => {
                return Passport { doubt: refuse(Why::Certificate, error.to_string()), ..says };
            }
        };
        let Signer { subject, point, covers, .. } = signer;
        let signed = token.is_signed_by(&point);
        // Nobody is asked about a certificate that has signed nothing here.
        let standing = match signed {
            true => self.lists.standing(&chain, settings, call.received).await,
            false => None,
        };
        says.doubt = if !signed {
            refuse(Why::Signature, String::new())
        } else if let Some(Standing::Revoked { by }) = &standing {
            refuse(Why::Revoked, format!("by the list of {by}"))
        } else if !call.number.as_ref().is_none_or(|number| covers.number(number.reveal())) {
            refuse(Why::NotCovered, String::new())
        } else {
            None
        };
        if let Some(Standing::Unknown(why)) = standing {
            says.unasked = Some(why);
        }
        says.provider = covers.providers.into_iter().next();
        says.signer = Some(subject);
        says
    }

    /// The chain at a place: kept, or fetched.
    async fn chain(
        &self,
        uri: &str,
        now: WallTime,
    ) -> Result<Arc<[CertificateDer<'static>]>, String> {
        let place = self.place(uri);
        let mut kept = place.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| now < kept.until) {
            return kept.found.clone();
        }
        let fetched = self
            .fetcher
            .fetch(Ask { uri, accept: ACCEPT, post: None, most: limits::REFERENCE_BYTES })
            .await;
        let (found, span) = match fetched {
            Ok(fetched) => {
                let chain: Arc<[_]> = certificate::chain(&fetched.body).into();
                (Ok(chain), fetched.fresh_for.unwrap_or(USUAL).min(LONGEST))
            }
            Err(error) => (Err(error.to_string()), AGAIN),
        };
        let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let until = WallTime(now.0.saturating_add(span));
        *kept = Some(Kept { found: found.clone(), until });
        found
    }

    fn place(&self, uri: &str) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KEPT && !places.contains_key(uri) {
            // Whoever names ever new places gains nothing by it; the carriers' are fetched again.
            places.clear();
        }
        Arc::clone(places.entry(uri.to_owned()).or_default())
    }
}
