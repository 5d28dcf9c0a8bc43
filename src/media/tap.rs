//! The way from the media plane to the recorder: audio through a ring that drops when full, orders
//! through a channel that never does, put in order again at the recorder's end.
//!
//! The media thread never waits here. An order carries how many frames went before it, so a
//! recording gets every frame of before its seal and none is taken before its beginning is known.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rtrb::{Consumer, Producer, RingBuffer};

use crate::call::orders::Channel;
use crate::vocabulary::{CallId, Codec, StreamId, WallTime};

/// The longest payload of a frame, bytes: 60 ms of G.711, and more than 20 ms of Opus ever have.
/// Longer packets of G.711 and G.722 make several frames.
pub const PAYLOAD_BYTES: usize = 480;
/// Frames that the ring holds: more than a second of 100 calls, while a disk takes its time.
pub const RING_FRAMES: usize = 16_384;

/// The audio of one packet.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Whose recording.
    pub call: CallId,
    /// Which channel.
    pub channel: Channel,
    /// Who speaks: the voices of one channel are mixed.
    pub voice: StreamId,
    /// How the payload is coded.
    pub codec: Codec,
    /// RTP source: another one has another time line.
    pub ssrc: u32,
    /// RTP timestamp, by the codec's clock.
    pub timestamp: u32,
    /// When it came, microseconds on the media plane's clock.
    pub arrival: u64,
    length: u16,
    payload: [u8; PAYLOAD_BYTES],
}

impl Frame {
    /// A frame, or nothing when the payload is empty or too long.
    #[must_use]
    pub fn new(
        (call, channel): (CallId, Channel),
        (voice, codec): (StreamId, Codec),
        (ssrc, timestamp): (u32, u32),
        arrival: u64,
        audio: &[u8],
    ) -> Option<Self> {
        let mut payload = [0; PAYLOAD_BYTES];
        payload.get_mut(..audio.len())?.copy_from_slice(audio);
        let length = u16::try_from(audio.len()).ok().filter(|&length| length > 0)?;
        Some(Self { call, channel, voice, codec, ssrc, timestamp, arrival, length, payload })
    }

    /// The coded audio.
    #[must_use]
    pub fn audio(&self) -> &[u8] {
        self.payload.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// What signalling asked of the recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecorderOrder {
    /// Begins a recording.
    Record {
        /// The call.
        call: CallId,
        /// When, for people.
        at: WallTime,
    },
    /// Goes on with a recording that another recorder began and does not get on with.
    Resume {
        /// The call.
        call: CallId,
        /// How much of it is in no file, about.
        missed: Duration,
    },
    /// Ends a recording.
    Seal {
        /// The call.
        call: CallId,
    },
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    order: RecorderOrder,
    at: u64,
    after: u64,
}

/// The media plane's end. When it is dropped the recorder ends its work.
#[derive(Debug)]
pub struct RecorderHandle {
    frames: Producer<Frame>,
    orders: Sender<Placed>,
    pushed: u64,
}

impl RecorderHandle {
    /// Hands over a frame; false when the ring is full and the frame is lost.
    pub fn frame(&mut self, frame: Frame) -> bool {
        let taken = self.frames.push(frame).is_ok();
        self.pushed += u64::from(taken);
        taken
    }

    /// Hands over an order given at `at`, microseconds on the media plane's clock.
    pub fn order(&mut self, order: RecorderOrder, at: u64) {
        // Without a recorder nothing is recorded; calls go on.
        let _ = self.orders.send(Placed { order, at, after: self.pushed });
    }
}

/// What the recorder takes out, in the order in which it was put in.
#[derive(Clone, Copy, Debug)]
pub enum Taken<'a> {
    /// Audio.
    Frame(&'a Frame),
    /// An order, and when it was given on the media plane's clock, microseconds.
    Order(RecorderOrder, u64),
}

/// The recorder's end.
#[derive(Debug)]
pub struct TapEnd {
    frames: Consumer<Frame>,
    orders: Receiver<Placed>,
    next: Option<Placed>,
    taken: u64,
}

/// Both ends of a new tap.
#[must_use]
pub fn tap(capacity: usize) -> (RecorderHandle, TapEnd) {
    let (producer, consumer) = RingBuffer::new(capacity);
    let (sender, receiver) = channel();
    (
        RecorderHandle { frames: producer, orders: sender, pushed: 0 },
        TapEnd { frames: consumer, orders: receiver, next: None, taken: 0 },
    )
}

impl TapEnd {
    /// Waits for an order, or for `limit` when given. False when the media plane is gone; what it
    /// left behind can still be drained.
    pub fn wait(&mut self, limit: Option<Duration>) -> bool {
        let order = match limit {
            Some(limit) => self.orders.recv_timeout(limit),
            None => self.orders.recv().map_err(RecvTimeoutError::from),
        };
        let alive = !matches!(order, Err(RecvTimeoutError::Disconnected));
        self.next = order.ok();
        alive
    }

    /// Takes out what is there.
    pub fn drain(&mut self, mut each: impl FnMut(Taken<'_>)) {
        // Orders that went before these frames were sent before them, so they are visible now.
        let seen = self.taken + self.frames.slots() as u64;
        while let Some(placed) = self.next.take().or_else(|| self.orders.try_recv().ok()) {
            self.frames_until(placed.after, &mut each);
            each(Taken::Order(placed.order, placed.at));
        }
        self.frames_until(seen, &mut each);
    }

    fn frames_until(&mut self, end: u64, each: &mut impl FnMut(Taken<'_>)) {
        while self.taken < end {
            let Ok(frame) = self.frames.pop() else { return };
            self.taken += 1;
            each(Taken::Frame(&frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Uid;

    fn call() -> CallId {
        CallId(Uid::new(WallTime(1), 1))
    }

    fn frame(timestamp: u32) -> Frame {
        Frame::new(
            (call(), Channel::Caller),
            (StreamId(1), Codec::Pcma),
            (1, timestamp),
            0,
            &[0xd5; 160],
        )
        .expect("fits")
    }

    fn words(end: &mut TapEnd) -> Vec<String> {
        let mut seen = Vec::new();
        end.drain(|taken| {
            seen.push(match taken {
                Taken::Frame(frame) => format!("frame {}", frame.timestamp),
                Taken::Order(RecorderOrder::Record { .. }, at) => format!("record {at}"),
                Taken::Order(RecorderOrder::Resume { .. }, at) => format!("resume {at}"),
                Taken::Order(RecorderOrder::Seal { .. }, at) => format!("seal {at}"),
            });
        });
        seen
    }

    #[test]
    fn orders_and_frames_come_out_as_they_went_in() {
        let (mut handle, mut end) = tap(8);
        handle.order(RecorderOrder::Record { call: call(), at: WallTime(1) }, 10);
        assert!(handle.frame(frame(1)) && handle.frame(frame(2)));
        handle.order(RecorderOrder::Seal { call: call() }, 20);
        assert!(handle.frame(frame(3)));
        assert!(end.wait(None), "an order is there");
        assert_eq!(words(&mut end), ["record 10", "frame 1", "frame 2", "seal 20", "frame 3"]);
        drop(handle);
        assert!(!end.wait(None), "the media plane is gone");
    }

    #[test]
    fn a_full_ring_loses_frames_but_no_order() {
        let (mut handle, mut end) = tap(1);
        assert!(handle.frame(frame(1)));
        assert!(!handle.frame(frame(2)));
        handle.order(RecorderOrder::Seal { call: call() }, 20);
        assert_eq!(words(&mut end), ["frame 1", "seal 20"]);
        assert!(handle.frame(frame(3)));
        assert_eq!(words(&mut end), ["frame 3"]);
    }

    #[test]
    fn payloads_that_do_not_fit_make_no_frame() {
        let make = |length| {
            let voice = (StreamId(1), Codec::Pcmu);
            Frame::new((call(), Channel::Seat), voice, (1, 1), 0, &vec![0; length]).is_some()
        };
        assert!(make(1) && make(PAYLOAD_BYTES));
        assert!(!make(0) && !make(PAYLOAD_BYTES + 1));
    }
}
