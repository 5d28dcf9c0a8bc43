//! What the console needs of the rest of the gateway, as one trait: the server has the real one,
//! tests have their own.

use std::future::Future;
use std::pin::Pin;

use jiff::tz::TimeZone;
use thiserror::Error;

use crate::recording::Library;
use crate::store::Store;
use crate::switchboard::orders::{Answer, Order, Refusal};
use crate::telemetry::health::HealthSnapshot;
use crate::vocabulary::{CallId, WallTime};

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
    /// Every check.
    fn health(&self) -> HealthSnapshot;
    /// Every metric, in Prometheus' text form, with the gauges of this moment.
    fn metrics(&self) -> Boxed<'_, String>;
    /// Keeps an audit entry: who did what to which record.
    fn audit(&self, by: &str, what: &str, subject: &str);
    /// The recordings.
    fn recordings(&self) -> &Library;
    /// Keeps in the record that a call's recording must be kept whatever its age, or need not any more.
    fn hold(&self, call: CallId, held: bool, by: &str, why: &str);
    /// The centre's name.
    fn centre(&self) -> String;
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
}
