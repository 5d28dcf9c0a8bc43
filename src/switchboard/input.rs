//! The one list of everything that can happen to us.

use std::time::Duration;

use bytes::Bytes;

use super::orders::Order;
use super::settings::SwitchboardSettings;
use crate::call::orders::{MediaReport, RecorderReport};
use crate::sip::Flow;
use crate::sip::locate::Hop;
use crate::vocabulary::TrunkId;

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
    /// No new calls; [`super::Output::Drained`] follows when the last one is over.
    Drain,
    /// Every call ends now.
    Shutdown,
}
