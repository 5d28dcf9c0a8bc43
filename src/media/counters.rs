//! What the plane counts. The worker adds up in plain numbers and publishes once a turn, so a
//! packet never costs an atomic operation.

use std::sync::atomic::{AtomicU64, Ordering};

/// Totals since start, for the metrics page. Only [`MediaCounters::open_streams`] ever falls.
#[derive(Debug, Default)]
pub struct MediaCounters {
    /// RTP packets received from a stream's own far end.
    pub rtp_received: AtomicU64,
    /// RTP packets sent.
    pub rtp_sent: AtomicU64,
    /// RTP packets missing when the next one came, reordered ones included.
    pub rtp_lost: AtomicU64,
    /// RTCP packets received.
    pub rtcp: AtomicU64,
    /// Datagrams dropped: no RTP, a source that is not the far end, or a direction not allowed.
    pub dropped: AtomicU64,
    /// Packets that the recorder did not get because it was behind.
    pub tap_dropped: AtomicU64,
    /// Errors of the operating system when receiving or sending.
    pub faults: AtomicU64,
    /// Streams open now.
    pub open_streams: AtomicU64,
    /// Turns of the thread: a beat that stops shows that it hangs.
    pub turns: AtomicU64,
}

/// One turn's counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub received: u64,
    pub sent: u64,
    pub lost: u64,
    pub rtcp: u64,
    pub dropped: u64,
    pub tap_dropped: u64,
    pub faults: u64,
}

impl Tally {
    /// Adds everything to `totals` and starts again at nothing.
    pub fn publish(&mut self, totals: &MediaCounters) {
        let turn = std::mem::take(self);
        for (count, total) in [
            (turn.received, &totals.rtp_received),
            (turn.sent, &totals.rtp_sent),
            (turn.lost, &totals.rtp_lost),
            (turn.rtcp, &totals.rtcp),
            (turn.dropped, &totals.dropped),
            (turn.tap_dropped, &totals.tap_dropped),
            (turn.faults, &totals.faults),
        ] {
            if count > 0 {
                total.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}
