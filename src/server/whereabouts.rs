//! Asks where references of calls lead to, who vouches for callers, and what the records teach of cells. Runs
//! on tokio's threads; the switchboard asks and goes on.

use std::time::Duration;

use tokio::runtime::Handle;

use super::clock::Clock;
use super::inbox::InboxSender;
use crate::agencies::https::Fetcher;
use crate::agencies::{Voucher, data_fetch, held};
use crate::journal::{Entry, Fact};
use crate::store::{JournalHandle, Store};
use crate::switchboard::Input;
use crate::telemetry::metrics;
use crate::trunk::Signed;
use crate::vocabulary::CallId;

/// How often the records are asked again what they teach of cells: places are confirmed a few times an hour.
const LEARN_EVERY: Duration = Duration::from_secs(600);

/// Who follows references.
#[derive(Clone, Debug)]
pub(super) struct Dereferencer {
    runtime: Handle,
    inbox: InboxSender,
    fetcher: Fetcher,
    voucher: Voucher,
    journal: JournalHandle,
    clock: Clock,
}

impl Dereferencer {
    /// One on this runtime.
    pub fn new(
        inbox: InboxSender,
        fetcher: Fetcher,
        voucher: Voucher,
        (journal, clock): (JournalHandle, Clock),
    ) -> Self {
        Self { runtime: Handle::current(), inbox, fetcher, voucher, journal, clock }
    }

    /// Finds out who vouches for a caller; [`Input::Vouched`] follows where anybody is trusted to.
    pub fn vouch(&self, call: CallId, signed: Box<Signed>) {
        let (inbox, voucher) = (self.inbox.clone(), self.voucher.clone());
        let (journal, clock) = (self.journal.clone(), self.clock);
        self.runtime.spawn(async move {
            if let Some(passports) = voucher.judge(&signed).await {
                inbox.put(Input::Vouched { call, passports });
            }
            for detail in voucher.troubles() {
                let name = "revocation-list";
                tracing::warn!(alarm = name, detail, "alarm");
                metrics::alarm(name);
                let fact = Fact::Alarm { name: name.to_owned(), detail };
                journal.append(0, Entry { at: clock.now().wall, fact });
            }
        });
    }

    /// Fetches data that a call names by reference; [`Input::DataFetched`] follows.
    pub fn fetch_data(&self, call: CallId, purpose: String, uri: String) {
        let (inbox, fetcher) = (self.inbox.clone(), self.fetcher.clone());
        self.runtime.spawn(async move {
            let came = data_fetch::fetch(&fetcher, call, purpose, uri).await;
            inbox.put(Input::DataFetched(Box::new(came)));
        });
    }

    /// Follows a reference of a call; [`Input::LocationReport`] follows.
    pub fn ask(&self, call: CallId, uri: String) {
        let (inbox, fetcher) = (self.inbox.clone(), self.fetcher.clone());
        self.runtime.spawn(async move {
            let report = held::dereference(&fetcher, &uri).await;
            inbox.put(Input::LocationReport { call, report: Box::new(report) });
        });
    }
}

/// Tells the switchboard again and again what the records teach of cells. A database that is away teaches
/// nothing new.
pub(super) fn learn_cells(store: Store, inbox: InboxSender) {
    tokio::spawn(async move {
        loop {
            match store.learn_cells().await {
                Ok(learnt) => {
                    tracing::debug!(cells = learnt.len(), "learnt from confirmed places");
                    if !inbox.put(Input::CellsLearnt(Box::new(learnt))) {
                        return;
                    }
                }
                Err(error) => tracing::warn!(%error, "nothing is learnt of cells now"),
            }
            tokio::time::sleep(LEARN_EVERY).await;
        }
    });
}
