//! Every bound in the program: the value, its unit, and why this number.

use std::time::Duration;

/// Bytes of one SIP message. A UDP datagram cannot be longer (RFC 3261 §18.1.1).
pub const SIP_MESSAGE_BYTES: usize = 65_535;
/// Header lines of one SIP message. RFC 4475's longest valid message has under 100.
pub const SIP_HEADERS: usize = 512;
/// Parts of one multipart body, nested ones counted: a full NG112 INVITE has five.
pub const BODY_PARTS: usize = 16;
/// Multipart nesting.
pub const BODY_DEPTH: usize = 4;
/// XML elements within each other.
pub const XML_DEPTH: usize = 32;
/// Media lines of one session description.
pub const SDP_MEDIA_LINES: usize = 32;
/// Lines of one session description.
pub const SDP_LINES: usize = 1024;
/// Contacts one seat may have registered: desk phone, softphone, spare.
pub const BINDINGS_PER_SEAT: usize = 8;
/// Server transactions alive at once; above it new requests other than INVITE, ACK, BYE and
/// CANCEL are dropped. 1,000 calls a second for 32 s of lingering BYE transactions is 32,000.
pub const TRANSACTIONS: usize = 200_000;
/// Datagrams waiting for the switchboard's thread.
pub const INBOX: usize = 65_536;
/// Kernel receive buffer asked for on each SIP socket, bytes: 100 ms of 10,000 calls a second.
pub const SIP_SOCKET_BUFFER: usize = 4 << 20;
/// How long 180 waits for the journal before it goes out all the same, with an alarm.
pub const JOURNAL_WAIT: Duration = Duration::from_millis(250);
/// One kind of alarm is told this often at most.
pub const ALARM_EVERY: Duration = Duration::from_secs(10);
/// RTP port pairs bound ahead of need, so that no call waits for a socket.
pub const PORT_STOCK: usize = 256;
/// A provisional response is sent again this often: proxies drop an INVITE that stays silent for
/// Timer C, three minutes (RFC 3261 §16.6).
pub const KEEP_RINGING: Duration = Duration::from_secs(60);
/// Somebody called beside the queues rings for this long at most. Mobile networks ring for 30 s or
/// less before they divert.
pub const CALL_OUT_RINGS: Duration = Duration::from_secs(30);
/// Each side of an answered call is asked this often whether it is still there.
pub const PROBE_EVERY: Duration = Duration::from_secs(60);
/// Audio of a test call is looped for this long.
pub const TEST_CALL: Duration = Duration::from_secs(10);
/// Test calls at once; above it 486 (RFC 6881 §15).
pub const TEST_CALLS: usize = 8;
