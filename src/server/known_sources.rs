//! Who may put work before the switchboard without being counted: carriers by the configuration,
//! everybody else by what we ourselves said to them.
//!
//! Nothing is published by the switchboard: what it sends says it all. It says 100 to nobody but an
//! admitted trunk; it calls, or answers 1xx, 2xx or 3xx, only phones that are logged in and peers of
//! calls. So an address becomes known with our first good word to it, and every further one (each
//! refresh, each probe of a talk) keeps it known.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use crate::sip::urgency::Standing;
use crate::sip::{Flow, Send};
use crate::switchboard::settings::SwitchboardSettings;
use crate::trunk::Trunks;
use crate::vocabulary::{Moment, limits};

/// A learned address is renewed when so much of its life is over; saves the lock for each send.
const RENEW_AFTER: Duration = Duration::from_secs(10);

/// Shared by the readers of sockets and the thread that sends.
#[derive(Debug)]
pub(super) struct KnownSources(RwLock<Known>);

#[derive(Debug)]
struct Known {
    trunks: Trunks,
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
        let known = Known {
            trunks: Trunks::new(settings.trunks.clone()),
            life: life(settings),
            learned: HashMap::new(),
            proved: HashSet::new(),
        };
        Self(RwLock::new(known))
    }

    /// A new configuration. What was learned stays: calls of a removed trunk go on.
    pub(super) fn adopt(&self, settings: &SwitchboardSettings) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.trunks = Trunks::new(settings.trunks.clone());
        known.life = life(settings);
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
        if known.trunks.by_source(source).is_some() || known.proved.contains(flow) {
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

/// A phone must stay known for as long as its registration lasts.
fn life(settings: &SwitchboardSettings) -> Duration {
    limits::PEER_LIFE.max(Duration::from_secs(u64::from(settings.sip.expires.max)))
}
