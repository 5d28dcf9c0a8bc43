//! What the console needs of the rest of the gateway, as one trait: the server has the real one,
//! tests have their own.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use jiff::tz::TimeZone;
use thiserror::Error;
use tokio::sync::watch;

use super::accounts::Accounts;
use super::places::Outline;
use super::policy::Policy;
use super::proof::Verifier;
use super::settings::Site;
use crate::acd::settings::QueueSettings;
use crate::agencies::{Issuer, Outbox};
use crate::callout::settings::CalloutSettings;
use crate::incident::Choices;
use crate::journal::Fact;
use crate::journal::retention::Rules;
use crate::recording::Library;
use crate::sip::digest::Credential;
use crate::store::{Alarms, Store};
use crate::switchboard::orders::{Answer, Order, Refusal};
use crate::telemetry::health::HealthSnapshot;
use crate::vocabulary::{IncidentId, SeatId, Secret, WallTime};

/// A future behind a trait object.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The gateway as the console sees it. Nothing in here may block.
pub trait Desk: Send + Sync + 'static {
    /// Puts an order to the switchboard.
    fn order(&self, order: Order) -> Boxed<'_, Result<Answer, DeskError>>;
    /// The incident records.
    fn store(&self) -> &Store;
    /// Whether the switchboard is so far behind that pages must not ask it anything.
    fn is_behind(&self) -> bool;
    /// The alarms since the start.
    fn alarms(&self) -> Alarms {
        Alarms::default()
    }
    /// Grows with whatever the switchboard decides: as long as it stands still, no board has changed but
    /// by time. None where nobody counts.
    fn turns(&self) -> Option<u64> {
        None
    }
    /// Every check.
    fn health(&self) -> HealthSnapshot;
    /// Every metric, in Prometheus' text form, with the gauges of this moment.
    fn metrics(&self) -> Boxed<'_, String>;
    /// Keeps a fact that a person made, and does not wait for the disk.
    fn keep(&self, fact: Fact);
    /// Keeps a fact that a person made; done once it is on disk, with the number of its line.
    fn keep_safely(&self, fact: Fact) -> Boxed<'_, Result<u64, DeskError>>;
    /// Keeps an audit entry: who did what to which record.
    fn audit(&self, by: &str, what: &str, subject: &str) {
        self.audit_why(by, what, subject, "");
    }
    /// The same, with the reason that they typed.
    fn audit_why(&self, by: &str, what: &str, subject: &str, reason: &str) {
        let (by, what, subject) = (by.to_owned(), what.to_owned(), subject.to_owned());
        self.keep(Fact::Audited { by, what, subject, reason: reason.to_owned() });
    }
    /// The recordings.
    fn recordings(&self) -> &Library;
    /// Who we are towards other agencies' computers.
    fn issuer(&self) -> Issuer;
    /// Receivers elsewhere that are told what happens here.
    fn receivers(&self) -> &[Outbox];
    /// The people who may come in; none where only configured tokens open.
    fn accounts(&self) -> Option<&Accounts> {
        None
    }
    /// The account of a seat's phone.
    fn account(&self, _seat: &SeatId) -> Option<Credential> {
        None
    }
    /// What phones sign their reports of where they are with.
    fn aml_key(&self) -> Option<Secret> {
        None
    }
    /// Whoever keeps the configuration.
    fn policy(&self) -> Option<&dyn Policy> {
        None
    }
    /// Whoever verifies what is kept.
    fn verifier(&self) -> Option<&Arc<dyn Verifier>> {
        None
    }
    /// Where copies of signed heads go.
    fn copy_to(&self) -> Option<PathBuf> {
        None
    }
    /// The borders of the kecamatan, where the centre has its own.
    fn outline(&self) -> Option<Arc<Outline>> {
        None
    }
    /// The queues; that to which the last rule sends comes first.
    fn queues(&self) -> Vec<QueueSettings> {
        Vec::new()
    }
    /// How long what is kept.
    fn rules(&self) -> Rules;
    /// What pages are told of this place.
    fn site(&self) -> Site {
        Site::default()
    }
    /// The centre's name.
    fn centre(&self) -> String;
    /// The centre's area code.
    fn area_code(&self) -> String {
        String::new()
    }
    /// The data folder.
    fn data(&self) -> PathBuf;
    /// Where the journal is, and the number of its last line that is on disk.
    fn journal(&self) -> (PathBuf, watch::Receiver<u64>);
    /// What an operator may choose from in a form.
    fn choices(&self) -> Arc<Choices>;
    /// Who is called out, and in which order.
    fn callout(&self) -> CalloutSettings {
        CalloutSettings::default()
    }
    /// A number for a record that is made without a call.
    fn new_incident(&self) -> IncidentId;
    /// The time of this moment.
    fn now(&self) -> WallTime;
    /// The time zone of the centre: its hours, weeks and months. This machine's unless a centre
    /// has its own.
    fn zone(&self) -> TimeZone {
        TimeZone::system()
    }
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeskError {
    /// The switchboard refused; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The switchboard did not answer in time, or is gone. The order may still be carried out.
    #[error("the switchboard does not answer")]
    Silent,
    /// The disk does not take it now. It is held in memory and written as soon as the disk works.
    #[error("the journal cannot be written now")]
    NotKept,
}
