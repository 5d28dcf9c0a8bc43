//! The one list of everything that can happen to us.

use std::time::Duration;

use bytes::Bytes;

use super::orders::Order;
use super::settings::SwitchboardSettings;
use crate::call::orders::{MediaReport, RecorderReport};
use crate::incident::{DataCame, LearntCells, Passport, Remembered, Report};
use crate::screening::{Mark, WorkEntry};
use crate::sip::Flow;
use crate::sip::locate::Hop;
use crate::vocabulary::{CallId, IncidentId, OperatorId, Private, TrunkId, WallTime};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A datagram came.
    Sip {
        /// From where, on which socket.
        flow: Flow,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A connection was opened whose peer proved who it is by a certificate (mutual TLS).
    Connected {
        /// The connection.
        flow: Flow,
        /// The names in the certificate: DNS names and the hosts of SIP URIs, in lower case.
        names: Vec<String>,
    },
    /// A connection is gone, or could not be opened.
    Disconnected {
        /// The connection.
        flow: Flow,
    },
    /// A trunk's carrier was looked up.
    Located {
        /// The trunk of [`super::Output::Locate`].
        trunk: TrunkId,
        /// Its places in the order to try; empty when none was found.
        hops: Vec<Hop>,
        /// Why none was found, or that not all could be looked up.
        wrong: Option<String>,
        /// How long this is true, by the records' TTL.
        good_for: Duration,
    },
    /// The media plane reports.
    Media(MediaReport),
    /// The recorder reports.
    Recorder(RecorderReport),
    /// Every entry up to this ticket is on disk.
    Durable {
        /// The ticket of [`super::Output::Journal`].
        ticket: u64,
    },
    /// A person or a page asks; the answer carries the same number.
    Order {
        /// Chosen by who asks.
        number: u64,
        /// What.
        order: Order,
    },
    /// A new configuration is adopted, whole.
    Adopt {
        /// The configuration.
        settings: Box<SwitchboardSettings>,
        /// SHA-256 of its files.
        digest: String,
        /// Who asked.
        by: String,
    },
    /// What a reference of a call has led to.
    LocationReport {
        /// The call.
        call: CallId,
        /// What came, or why nothing did.
        report: Box<Report>,
    },
    /// What the signed identities of a call are worth.
    Vouched {
        /// The call.
        call: CallId,
        /// Each of them.
        passports: Vec<Passport>,
    },
    /// What a reference to data has led to, or why to nothing.
    DataFetched(Box<DataCame>),
    /// What the records tell of cells from now on.
    CellsLearnt(Box<LearntCells>),
    /// What the records tell of the time before the start; once.
    Recall(Box<Recall>),
    /// No new calls; [`super::Output::Drained`] follows when the last one is over.
    Drain,
    /// Every call ends now.
    Shutdown,
}

/// What outlives the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// Marks on numbers.
    pub marks: Vec<Mark>,
    /// Open entries of the work list, the oldest first. An attempt that the stop cut off has no
    /// outcome.
    pub work: Vec<WorkEntry>,
    /// Calls that ended with the program, and of which the work list does not know yet.
    pub cut_off: Vec<CutOff>,
    /// Where callers were.
    pub places: Remembered,
}

/// A call that ended with the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutOff {
    /// The call.
    pub call: CallId,
    /// Its incident.
    pub incident: IncidentId,
    /// The number by which the caller is known again.
    pub known: Option<Private<String>>,
    /// The number to call back, E.164.
    pub callable: Option<Private<String>>,
    /// Who talked to the caller last.
    pub operator: Option<OperatorId>,
    /// When its end was noticed.
    pub at: WallTime,
}
