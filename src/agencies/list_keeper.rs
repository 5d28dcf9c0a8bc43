//! Keeps lists of revoked certificates: those that lie beside the configuration, and those that are fetched and
//! kept until a newer one is due.
//!
//! Nobody waits long for a list: who asks too early is told that it is not here yet, and it comes all the
//! same. Each list that is missing or stale is told once, until it is right again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls_pki_types::CertificateDer;

use super::https::{Ask, Fetcher};
use super::revocation::{self, List, Standing};
use super::settings::IdentitySettings;
use crate::vocabulary::{WallTime, limits};

/// Media types of lists (RFC 2585 §4.2, RFC 8555 has none).
const ACCEPT: &str = "application/pkix-crl, application/x-pem-file";
/// Places that are kept.
const KEPT: usize = 64;
/// A list is fetched again after so long, even where it is to hold for a month: what was revoked meanwhile
/// stands only in the new one.
const LONGEST_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// A place that failed, or whose list is stale, is left alone for so long.
const AGAIN_MICROS: i64 = 30 * 1_000_000;
/// How long a badge waits for a list that is not here.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was fetched from one place.
#[derive(Debug, Default)]
struct Fetched {
    lists: Vec<Arc<List>>,
    /// Why the last attempt failed.
    trouble: Option<String>,
    /// Not before then.
    again: WallTime,
}

/// One place; whoever holds `fetching` fetches, and the others wait for that.
#[derive(Debug, Default)]
struct Place {
    fetching: tokio::sync::Mutex<()>,
    kept: Mutex<Fetched>,
}

/// Whoever keeps lists. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct ListKeeper {
    fetcher: Fetcher,
    places: Arc<Mutex<HashMap<String, Arc<Place>>>>,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    known: BTreeSet<String>,
    new: Vec<String>,
}

impl ListKeeper {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, places: Arc::default(), told: Arc::default() }
    }

    /// Forgets what was fetched and told.
    pub(super) fn forget(&self) {
        locked(&self.places).clear();
        *locked(&self.told) = Told::default();
    }

    /// Lists that are missing or stale, each told once.
    pub(super) fn troubles(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.told).new)
    }

    /// What the lists say of a chain; none where nobody names one.
    pub(super) async fn standing(
        &self,
        chain: &[CertificateDer<'static>],
        settings: &IdentitySettings,
        at: WallTime,
    ) -> Option<Standing> {
        let mut uris: Vec<String> = settings.list_uris.to_vec();
        if settings.follow_points {
            uris.extend(revocation::points(chain));
        }
        if settings.lists.is_empty() && uris.is_empty() {
            return None;
        }
        let mut lists: Vec<Arc<List>> = settings.lists.iter().cloned().collect();
        let stale =
            lists.iter().filter(|list| list.is_stale(at)).map(|list| revocation::told_stale(list));
        let mut troubles: Vec<String> = stale.collect();
        troubles.iter().for_each(|stale| self.tell(stale, stale));
        for uri in uris {
            let (found, trouble) = self.lists_at(uri, at).await;
            lists.extend(found);
            troubles.extend(trouble);
        }
        let all: Vec<&List> = lists.iter().map(Arc::as_ref).collect();
        let mut standing = revocation::standing(chain, &settings.anchors, at, &all);
        if let Standing::Unknown(why) = &mut standing {
            match troubles.first() {
                Some(trouble) => why.clone_from(trouble),
                None => self.tell(why, why),
            }
        }
        Some(standing)
    }

    /// The lists at a place as far as they are here, and what is wrong with them.
    async fn lists_at(&self, uri: String, at: WallTime) -> (Vec<Arc<List>>, Option<String>) {
        let place = self.place(&uri);
        let fetched =
            tokio::spawn(fetched(Arc::clone(&place), self.fetcher.clone(), uri.clone(), at));
        let in_time = tokio::time::timeout(PATIENCE, fetched).await.is_ok();
        let kept = locked(&place.kept);
        let lists = kept.lists.clone();
        let stale =
            lists.iter().find(|list| list.is_stale(at)).map(|list| revocation::told_stale(list));
        let missing = || match &kept.trouble {
            Some(trouble) => Some(format!("the list of {uri} is not here: {trouble}")),
            None if !in_time => Some(format!("the list of {uri} is not here yet")),
            None => None,
        };
        let trouble = if lists.is_empty() { missing() } else { stale };
        // What is only slow may come yet.
        let certain = kept.trouble.is_some() || !lists.is_empty();
        drop(kept);
        match &trouble {
            Some(trouble) if certain => self.tell(&uri, trouble),
            Some(_) => {}
            None => drop(locked(&self.told).known.remove(&uri)),
        }
        (lists, trouble)
    }

    fn tell(&self, key: &str, trouble: &str) {
        let mut told = locked(&self.told);
        if told.known.len() < KEPT && told.known.insert(key.to_owned()) {
            told.new.push(trouble.to_owned());
        }
    }

    fn place(&self, uri: &str) -> Arc<Place> {
        let mut places = locked(&self.places);
        if places.len() >= KEPT && !places.contains_key(uri) {
            places.clear();
        }
        Arc::clone(places.entry(uri.to_owned()).or_default())
    }
}

/// Fetches the lists of a place unless those that are here still hold.
async fn fetched(place: Arc<Place>, fetcher: Fetcher, uri: String, at: WallTime) {
    let _alone = place.fetching.lock().await;
    if at < locked(&place.kept).again {
        return;
    }
    let ask = Ask { uri: &uri, accept: ACCEPT, post: None, most: limits::REVOCATION_BYTES };
    let read = match fetcher.fetch(ask).await {
        Ok(came) => revocation::read(&came.body, &uri).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let mut kept = locked(&place.kept);
    match read {
        Ok(lists) => {
            let next = lists.iter().map(|list| list.next.0).min().unwrap_or_default();
            let (soon, late) =
                (at.0.saturating_add(AGAIN_MICROS), at.0.saturating_add(LONGEST_MICROS));
            let lists = lists.into_iter().map(Arc::new).collect();
            *kept = Fetched { lists, trouble: None, again: WallTime(next.clamp(soon, late)) };
        }
        // The list of before still says who was revoked by then.
        Err(trouble) => {
            kept.trouble = Some(trouble);
            kept.again = WallTime(at.0.saturating_add(AGAIN_MICROS));
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
