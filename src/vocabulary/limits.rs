//! Every bound in the program: the value, its unit, and why this number.

use std::time::Duration;

/// Bytes of one SIP message. A UDP datagram cannot be longer (RFC 3261 §18.1.1).
pub const SIP_MESSAGE_BYTES: usize = 65_535;
/// Header lines of one SIP message. RFC 4475's longest valid message has under 100.
pub const SIP_HEADERS: usize = 512;
/// Characters of a caller's name that a seat's phone is sent: phones show 20 to 60, and the INVITE
/// must stay one datagram whatever a switch puts into a name.
pub const SHOWN_NAME: usize = 128;
/// Characters of a caller's number that a seat's phone is sent. E.164 has 15 digits.
pub const SHOWN_NUMBER: usize = 64;
/// Characters of a test call's report: it is said twice in one datagram.
pub const TEST_REPORT: usize = 2_000;
/// Parts of one multipart body, nested ones counted: a full NG112 INVITE has five.
pub const BODY_PARTS: usize = 16;
/// Multipart nesting.
pub const BODY_DEPTH: usize = 4;
/// Blocks of additional data kept of one call, those that come later counted.
pub const DATA_OF_CALL: usize = 48;
/// XML elements within each other.
pub const XML_DEPTH: usize = 32;
/// Media lines of one session description.
pub const SDP_MEDIA_LINES: usize = 32;
/// Lines of one session description.
pub const SDP_LINES: usize = 1024;
/// Contacts one seat may have registered: desk phone, softphone, spare.
pub const BINDINGS_PER_SEAT: usize = 8;
/// Proxies between us and a phone.
pub const PATH_HOPS: usize = 8;
/// Temporary addresses of one phone that stay good beside the newest.
pub const TEMPORARY_GRUUS: usize = 8;
/// A phone that keeps its flow open should say so this often (RFC 5626 §4.4.1): well within the idle
/// time of a connection and of a NAT's entry for TCP.
pub const FLOW_TIMER: Duration = Duration::from_secs(120);
/// Server transactions alive at once; above it new requests other than INVITE, ACK, BYE and
/// CANCEL are dropped. 1,000 calls a second for 32 s of lingering BYE transactions is 32,000.
pub const TRANSACTIONS: usize = 200_000;
/// Messages of calls in progress that wait: a full lane is 16,000 calls with something to say.
pub const UPPER_LANE: usize = 65_536;
/// New calls of trunks that wait. More of them would only wait longer: beyond about five seconds'
/// work a trunk is told 503, so that it sends the caller elsewhere at once.
pub const CALLS_LANE: usize = 8_192;
/// Bytes waiting in each of the two upper lanes. An INVITE of a carrier has 1 to 2 KiB.
pub const UPPER_LANE_BYTES: usize = 64 << 20;
/// Datagrams waiting in each lower lane: one second of what is served beside nothing else.
pub const LANE: usize = 8_192;
/// Bytes waiting in each lower lane.
pub const LANE_BYTES: usize = 8 << 20;
/// The step of the lower lanes' patience: refreshes are turned away when their oldest has waited for
/// one, newcomers at eight. Below T1 (500 ms), so that nothing is repeated before it was refused.
pub const LANE_PATIENCE: Duration = Duration::from_millis(250);
/// While calls wait, one turn in so many is for a lower lane.
pub const LOWER_SHARE: u64 = 8;
/// While calls wait for too long, one turn in so many is for a REGISTER: 1.5 % keeps 300 phones a
/// second where 20,000 messages are served.
pub const REGISTER_SHARE: u64 = 64;
/// The upper lanes are behind when their oldest has waited so long: half of T1 before a trunk
/// repeats its INVITE.
pub const BEHIND: Duration = Duration::from_millis(250);
/// The web is turned away when the switchboard is so far behind.
pub const WEB_BEHIND: Duration = Duration::from_secs(1);
/// A request that waited so long has nobody who waits for its answer: Timers B and F, 64 times T1.
pub const REQUEST_LIFE: Duration = Duration::from_secs(32);
/// 503s a second that are written without the switchboard, for all lower lanes. Writing one takes
/// 10 us: 1 % of a processor. What is beyond is dropped.
pub const REFUSALS: u32 = 1_000;
/// 503s a second to new calls of trunks when their lane is full.
pub const CALL_REFUSALS: u32 = 5_000;
/// Retry-After of such a 503: from and to, seconds. Spread, so that not all come back at once.
pub const RETRY_AFTER: (u32, u32) = (5, 15);
/// Messages a second that all unknown sources together may put before the switchboard: 5 % of a
/// processor, and 250 phones a second that come back after a power cut.
pub const STRANGERS: u32 = 500;
/// The same for one unknown source, and how many it may have saved up: a site of 25 phones behind
/// one address that starts at once.
pub const STRANGER: u32 = 20;
/// See [`STRANGER`].
pub const STRANGER_BURST: u32 = 50;
/// Counters of unknown sources; sources share them by hash, so that no flood makes them grow.
pub const STRANGER_SLOTS: usize = 4_096;
/// Addresses learned because we answered them well or called them ourselves.
pub const PEERS: usize = 16_384;
/// How long such an address stays known at least; each answer begins anew.
pub const PEER_LIFE: Duration = Duration::from_secs(3600);
/// Wrong logins of one source within [`GUESSES_WITHIN`] that lock it: more than a person tries who
/// has mistyped a password, few for who guesses.
pub const GUESSES: u32 = 10;
/// See [`GUESSES`].
pub const GUESSES_WITHIN: Duration = Duration::from_secs(600);
/// The first lock of a source; each further one is twice as long.
pub const GUESS_LOCK: Duration = Duration::from_secs(300);
/// The longest lock, and how long after its end the next one is still longer.
pub const GUESS_LOCK_MOST: Duration = Duration::from_secs(3600);
/// Sources whose wrong logins are counted; the one that was quiet for longest makes room.
pub const GUESS_SOURCES: usize = 8_192;
/// Kernel receive buffer asked for on each SIP socket, bytes: 100 ms of 10,000 calls a second.
pub const SIP_SOCKET_BUFFER: usize = 4 << 20;
/// Connections at once: every phone and trunk of a large centre many times over, and within what the
/// system gives of descriptors.
pub const SIP_CONNECTIONS: usize = 10_000;
/// Of these, so many are for known trunks only: a flood must not keep a carrier out.
pub const SIP_CONNECTIONS_FOR_TRUNKS: usize = 1_000;
/// Connections of one source that is no known trunk: a centre's phones may share one address.
pub const SIP_CONNECTIONS_PER_SOURCE: usize = 256;
/// Bytes that wait for one peer to read: a second of a trunk at 1,000 calls a second. Beyond that
/// it does not read, and its connection is closed.
pub const SIP_WRITE_QUEUE_BYTES: usize = 4 << 20;
/// To open a TCP connection: beyond it a caller is better served another way.
pub const SIP_CONNECT: Duration = Duration::from_secs(5);
/// TLS and WebSocket handshakes together: some round trips of a slow mobile network.
pub const SIP_HANDSHAKE: Duration = Duration::from_secs(10);
/// From a message's first byte to its last, and from the opening of a connection to the end of the
/// first message: who needs longer holds a place and says nothing.
pub const SIP_MESSAGE_TIME: Duration = Duration::from_secs(30);
/// One write to a peer whose buffers are full.
pub const SIP_WRITE: Duration = Duration::from_secs(10);
/// A connection without a byte either way is closed after this, or after the longest registration
/// where that is longer: phones send keep-alives every two minutes (RFC 5626 §4.4.1).
pub const SIP_IDLE: Duration = Duration::from_secs(600);
/// Bytes that the peer's system does not acknowledge for so long: it is not there any more. Timer B,
/// after which SIP gives up, is 32 s.
pub const SIP_UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// To write what waits when the program stops.
pub const SIP_STOP: Duration = Duration::from_secs(2);
/// A longer request goes over TCP where the peer has it (RFC 3261 §18.1.1).
pub const UDP_REQUEST_BYTES: usize = 1300;
/// Hosts that are remembered to speak TCP: the phones of many centres.
pub const TCP_PEERS: usize = 4096;
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
/// Calls that one seat may dial at once: the lines of a desk phone. A stuck key must not take the
/// ports of those who call 112.
pub const SEAT_CALLS: usize = 4;
/// A way out to a number that has said nothing at all after this long is left for the next: the
/// 32 s of RFC 3261's timer B are more than a caller should wait for a dead one.
pub const CALL_OUT_SILENCE: Duration = Duration::from_secs(4);
/// Each side of an answered call is asked this often whether it is still there.
pub const PROBE_EVERY: Duration = Duration::from_secs(60);
/// The shortest session interval that a change within a call may ask for, seconds (RFC 4028 §4).
pub const SESSION_FLOOR: u32 = 90;
/// A session interval below this is no timer at all, seconds: a refresh every moment helps nobody.
pub const SESSION_LEAST: u32 = 10;
/// The longest session interval, seconds: a day.
pub const SESSION_MOST: u32 = 86_400;
/// A refresh that the peer did not take is sent again after this, until the session is over.
pub const REFRESH_AGAIN: Duration = Duration::from_secs(10);
/// A refresh that waits for the ACK of the peer's own change looks again after this.
pub const REFRESH_BUSY: Duration = Duration::from_secs(1);
/// INVITEs sent to one phone that answers 422 each time.
pub const INVITE_TRIES: u32 = 3;
/// Messages kept of one call: a call of an hour whose two sides are asked each minute has 250.
pub const LADDER_MESSAGES: usize = 500;
/// Bytes of messages kept of one call: a peer that sends 64 KiB again and again fills no disk.
pub const LADDER_BYTES: usize = 2 << 20;
/// Beyond 64·T1, so that what that very timer sends is kept as well.
pub const LADDER_LINGERS: Duration = Duration::from_secs(1);
/// SIP messages that wait for the thread that sends them to a Homer collector: a second of 500
/// calls a second.
pub const HEP_QUEUE: usize = 8_192;
/// Dialogs that we ended and still know for 32 s: the two of each call at 3,000 endings a second.
pub const DEPARTED: usize = 200_000;
/// Bytes of a Reason that is carried to the other side of a call; real ones have under 100.
pub const REASON_BYTES: usize = 512;
/// Early dialogs of one INVITE: a phone behind a forking proxy has a few.
pub const EARLY_DIALOGS: usize = 16;
/// Audio of a test call is looped for this long.
pub const TEST_CALL: Duration = Duration::from_secs(10);
/// Test calls at once; above it 486 (RFC 6881 §15).
pub const TEST_CALLS: usize = 8;
/// Realms that one request of ours may hold credentials for: the carrier's and a chain of proxies.
pub const REALMS: usize = 4;
/// Challenges read of one response; RFC 8760 has one for each algorithm and realm.
pub const CHALLENGES: usize = 16;
/// NAPTR records used of one name: one for each transport, and some to spare.
pub const NAPTR_RECORDS: usize = 8;
/// SRV records used of one name.
pub const SRV_RECORDS: usize = 16;
/// Addresses used of one name.
pub const ADDRESSES: usize = 8;
/// Places that one trunk is tried at. A carrier has two to four session border controllers.
pub const HOPS: usize = 16;
/// DNS questions asked to locate one trunk: NAPTR, SRV of each transport, A and AAAA of each hop.
pub const DNS_QUESTIONS: usize = 40;
/// A carrier's address that says nothing at all for so long is passed over for the next one: four
/// repetitions at 0.5, 1.5, 3.5 and 7.5 s have had their time.
pub const HOP_PATIENCE: Duration = Duration::from_secs(8);
/// Probes of an address that are remembered, and how many of them must have failed before it counts
/// as dead: one or two lost in a busy network are no outage.
pub const PROBES_KEPT: usize = 4;
/// See [`PROBES_KEPT`].
pub const PROBES_FAILED: usize = 3;
/// Probes answered in a row before a dead address counts as alive.
pub const PROBES_ANSWERED: u32 = 2;
/// A registration that is asked for, seconds; the carrier grants what it likes.
pub const REGISTER_SECONDS: u32 = 600;
/// The longest registration that is believed, or asked for after a 423.
pub const REGISTER_SECONDS_MOST: u32 = 86_400;
/// Time left to a registration when it is refreshed, if it is long enough: 64·T1 and some to spare.
pub const REFRESH_BEFORE: Duration = Duration::from_secs(40);
/// After a failed registration the next is tried within so long, then twice so long, and so on
/// (RFC 5626 §4.5) …
pub const REGISTER_RETRY: Duration = Duration::from_secs(30);
/// … up to this: a carrier that is back is found within five minutes.
pub const REGISTER_RETRY_MOST: Duration = Duration::from_secs(300);
/// The longest Retry-After that is honoured: an emergency centre asks again.
pub const RETRY_AFTER_MOST: Duration = Duration::from_secs(600);
/// Names are looked up again when their TTL is over, but not more often than this …
pub const LOCATE_LEAST: Duration = Duration::from_secs(30);
/// … and at least this often.
pub const LOCATE_MOST: Duration = Duration::from_secs(3600);
/// How long an answer of unknown TTL is good for, and when the resolver itself is asked again.
pub const LOCATE_USUAL: Duration = Duration::from_secs(300);
/// How long stopping waits for carriers to take our registrations back.
pub const FAREWELL: Duration = Duration::from_secs(2);
/// One DNS question.
pub const DNS_PATIENCE: Duration = Duration::from_secs(3);
/// One location with all its DNS questions.
pub const LOCATE_PATIENCE: Duration = Duration::from_secs(60);
/// The longest that a mark on a number lasts: numbers get new owners, and a flag that nobody sets again
/// must go.
pub const MARK_LASTS: Duration = Duration::from_secs(30 * 86_400);
/// Marked numbers. A regency has some thousand prank calls a year; North Sumatra counted 39,840 numbers.
pub const MARKS: usize = 50_000;
/// Different callers counted of one place: 1,000 in five minutes are a mass incident by any setting.
pub const MASS_CALLERS: usize = 1_024;
/// Cells and trunks that are watched: all cells of a regency and its neighbours; 16 MB in a flood that
/// fills them all.
pub const MASS_PLACES: usize = 1_024;
/// The usual rate of a trunk is trusted after so many windows: 20 minutes at five minutes each.
pub const MASS_LEARNT: u32 = 4;
/// Calls that are remembered to link the next one of their number: an hour of 14 calls a second. 10 MB.
pub const RECENT_CALLS: usize = 50_000;
/// Calls remembered of one number: enough to see how it calls, and few to look through.
pub const RECENT_OF_NUMBER: usize = 16;
/// Callers who are listened to at once: each takes the media thread about 10 µs in 16 ms, so that all
/// of them leave it nine tenths of its time for those who talk.
pub const LISTENED: usize = 150;
/// Keys of one call that are kept, of all sides: more than any menu or number asks for. A phone gone wild
/// must not fill the journal.
pub const KEYS: u16 = 256;
/// Who says nothing in a talk for so long is told of: longer than anybody thinks or listens.
pub const QUIET: Duration = Duration::from_secs(30);
/// A caller for whom no seat has rung for so long hears the announcements; until then it rings.
pub const ANNOUNCE_AFTER: Duration = Duration::from_secs(2);
/// The longest that a caller is listened to before a prompt, and after it.
pub const SILENCE_LISTEN: Duration = Duration::from_secs(15);
/// A prompt to a silent or refused caller counts as over after this long, whatever becomes of its
/// audio: two sentences in each of two languages. So does the welcome, before they are listened to.
pub const SILENCE_PROMPT: Duration = Duration::from_secs(30);
/// A caller who is listened to before a seat rings is held back no longer than this, also when the
/// media plane is dead: the prompts may go on while a seat rings.
pub const HELD_BACK: Duration = Duration::from_secs(45);
/// A refused caller may press a key for so long after the prompt: to find the keypad of a phone that
/// was at the ear.
pub const REFUSAL_KEY: Duration = Duration::from_secs(10);
/// Entries of the work list: a hundred days' lost calls of a regency, and a night of a mass incident.
pub const WORK_ENTRIES: usize = 10_000;
/// Attempts kept with one entry; the journal has them all.
pub const WORK_ATTEMPTS: usize = 20;
/// An attempt to call back that nobody has ended holds its number for so long: both phones have long
/// stopped ringing.
pub const WORK_ATTEMPT: Duration = Duration::from_secs(300);
/// Bytes of one prompt's file: ten minutes of WAV in CD quality are more, of a telephone's 10 MB.
pub const PROMPT_BYTES: u64 = 20 << 20;
/// Length of one prompt. Music longer than this repeats unnoticed.
pub const PROMPT_LENGTH: Duration = Duration::from_secs(600);
/// Prompt files: numbers up to a hundred and fifty announcements in five languages.
pub const PROMPT_FILES: usize = 1000;
/// All prompts together: two hours are 115 MB of memory in both laws.
pub const PROMPTS_LENGTH: Duration = Duration::from_secs(7200);
/// Folders within each other below the prompts' folder.
pub const PROMPT_DEPTH: usize = 4;
/// Points of the borders that maps draw: a screen has fewer.
pub const OUTLINE_POINTS: usize = 50_000;
/// People in one call beside the caller and the operator: more cannot be told apart by ear.
pub const PARTIES: usize = 6;
/// Of the messages of one carrier that cannot be read, one is kept in so long: a broken switch sends many.
pub const MALFORMED_EVERY: Duration = Duration::from_secs(10);
/// Bytes of what is fetched by reference: as much as a message that has it by value.
pub const REFERENCE_BYTES: usize = 64 << 10;
/// Bytes of a list of revoked certificates: some twenty thousand of them.
pub const REVOCATION_BYTES: usize = 1 << 20;
/// To fetch one reference, redirects included: later it helps nobody who is on the phone.
pub const REFERENCE_TIME: Duration = Duration::from_secs(10);
/// Redirects of one reference: a load balancer's, and a move that nobody has told us.
pub const REFERENCE_REDIRECTS: usize = 3;
/// References that are fetched at once; the others wait until their time is over.
pub const REFERENCES_AT_ONCE: usize = 32;
/// Locations of one call that are shown while it lives; its record has them all.
pub const LOCATIONS: usize = 32;
/// Reports of phones that wait for a call of their number: a flood of them is a flood of facts, not of
/// memory.
pub const LOCATION_REPORTS: usize = 1_000;
/// Calls that are over and may still be told where they came from.
pub const LOCATED_CALLS: usize = 20_000;
/// References of one call that are followed: a network sends one or two.
pub const REFERENCES: usize = 4;
