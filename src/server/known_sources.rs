//! Who may put work before the switchboard without being counted: carriers by the configuration,
//! everybody else by what we ourselves said to them.
//!
//! Nothing is published by the switchboard: what it sends says it all. It says 100 to nobody but an
//! admitted trunk and a logged-in phone, and the phone has had its 200 before; it calls, or answers
//! 1xx, 2xx or 3xx, only phones that are logged in and peers of calls. So an address becomes known
//! with our first good word to it, and every further one (each refresh, each probe of a talk) keeps
//! it known.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::sip::locate::Hop;
use crate::sip::urgency::Standing;
use crate::sip::{Flow, Send};
use crate::switchboard::settings::SwitchboardSettings;
use crate::trunk::Trunks;
use crate::vocabulary::{Moment, TrunkId, limits};

/// A learned address is renewed when so much of its life is over; saves the lock for each send.
const RENEW_AFTER: Duration = Duration::from_secs(10);

/// Shared by the readers of sockets and the thread that sends.
#[derive(Debug)]
pub(super) struct KnownSources(RwLock<Known>);

#[derive(Debug)]
struct Known {
    trunks: Trunks,
    /// Where each carrier with an outgoing side was found: it may call from there.
    carriers: HashMap<TrunkId, HashSet<IpAddr>>,
    /// How long a learned address stays.
    life: Duration,
    learned: HashMap<IpAddr, Learned>,
    /// Connections whose peer proved by a certificate to be a trunk.
    proved: HashSet<Flow>,
}

#[derive(Clone, Copy, Debug)]
struct Learned {
    trunk: bool,
    until: Moment,
}

impl KnownSources {
    /// The carriers of a configuration, and nobody else yet.
    pub(super) fn new(settings: &SwitchboardSettings) -> Self {
        let mut known = Known {
            trunks: Trunks::new(settings.trunks.clone()),
            carriers: HashMap::new(),
            life: life(settings),
            learned: HashMap::new(),
            proved: HashSet::new(),
        };
        known.adopt_carriers();
        Self(RwLock::new(known))
    }

    /// A new configuration. What was learned stays: calls of a removed trunk go on.
    pub(super) fn adopt(&self, settings: &SwitchboardSettings) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.trunks = Trunks::new(settings.trunks.clone());
        known.life = life(settings);
        known.adopt_carriers();
    }

    /// A carrier was looked up. Where nothing was found, the places before are still in use.
    pub(super) fn located(&self, trunk: &TrunkId, hops: &[Hop]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let places = hops.iter().map(|hop| hop.address.ip().to_canonical()).collect();
        if !hops.is_empty() && known.trunks.get(trunk).is_some_and(|t| t.line.is_some()) {
            known.carriers.insert(trunk.clone(), places);
        }
    }

    /// A connection was opened whose peer proved these names.
    pub(super) fn connected(&self, flow: Flow, names: &[String]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // A connection that takes the place of another proves anew, or proves nothing.
        if known.trunks.by_certificate(names).is_some() {
            known.proved.insert(flow);
        } else {
            known.proved.remove(&flow);
        }
    }

    /// A connection is gone.
    pub(super) fn disconnected(&self, flow: &Flow) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).proved.remove(flow);
    }

    /// How well the far end of a flow is known.
    pub(super) fn standing(&self, now: Moment, flow: &Flow) -> Standing {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let source = flow.remote.ip().to_canonical();
        let found = || known.carriers.values().any(|places| places.contains(&source));
        if known.trunks.by_source(source).is_some() || known.proved.contains(flow) || found() {
            return Standing::Trunk;
        }
        match known.learned.get(&source) {
            Some(learned) if learned.until > now && learned.trunk => Standing::Trunk,
            Some(learned) if learned.until > now => Standing::Peer,
            _ => Standing::Unknown,
        }
    }

    /// We send this: learns from it whom we know.
    pub(super) fn we_send(&self, now: Moment, send: &Send) {
        let trunk = match send.bytes.strip_prefix(b"SIP/2.0 ") {
            None => false,
            Some([b'1', b'0', b'0', ..]) => true,
            Some([b'1'..=b'3', ..]) => false,
            Some(_) => return,
        };
        let source = send.flow.remote.ip().to_canonical();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let phone = known.learned.get(&source).is_some_and(|l| l.until > now && !l.trunk);
        let trunk = trunk && !phone;
        let renew_at = now.after(known.life.saturating_sub(RENEW_AFTER));
        let fresh =
            known.learned.get(&source).is_some_and(|l| l.until > renew_at && l.trunk >= trunk);
        if fresh || known.trunks.by_source(source).is_some() {
            return;
        }
        drop(known);
        self.learn(now, source, trunk);
    }

    fn learn(&self, now: Moment, source: IpAddr, trunk: bool) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let until = now.after(known.life);
        if known.learned.len() >= limits::PEERS && !known.learned.contains_key(&source) {
            known.learned.retain(|_, learned| learned.until > now);
            if known.learned.len() >= limits::PEERS {
                let first = known.learned.iter().min_by_key(|(_, learned)| learned.until);
                if let Some(source) = first.map(|(source, _)| *source) {
                    known.learned.remove(&source);
                }
            }
        }
        let learned = known.learned.entry(source).or_insert(Learned { trunk, until });
        learned.trunk |= trunk;
        learned.until = until;
    }
}

impl Known {
    /// Forgets the carriers of trunks that are no more; an address needs nobody to look it up.
    fn adopt_carriers(&mut self) {
        let trunks = &self.trunks;
        self.carriers.retain(|id, _| trunks.get(id).is_some_and(|trunk| trunk.line.is_some()));
        for trunk in trunks.iter() {
            let host = trunk.line.as_ref().and_then(|line| line.target.host.parse().ok());
            if let Some(ip) = host.map(|ip: IpAddr| ip.to_canonical()) {
                self.carriers.insert(trunk.id.clone(), HashSet::from([ip]));
            }
        }
    }
}

/// A phone must stay known for as long as its registration lasts.
fn life(settings: &SwitchboardSettings) -> Duration {
    limits::PEER_LIFE.max(Duration::from_secs(u64::from(settings.sip.expires.max)))
}
