//! Real-time text: packets of the media plane between fake phones on loopback sockets, written and read
//! here by the letter of RFC 4103; and what is agreed, kept and written at the desk, on a virtual clock.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop at any fault"
)]

#[path = "text/apart.rs"]
mod apart;
#[path = "text/elsewhere.rs"]
mod elsewhere;
#[allow(dead_code, reason = "each test file uses a part of it")]
mod plane;
#[allow(dead_code, reason = "each test file uses a part of the world")]
mod scenario;
#[path = "text/talks.rs"]
mod talks;

use std::net::{SocketAddr, UdpSocket};

use plane::{LIMIT, LOOPBACK, Patience, Phone, Plane};
use siaga112::call::orders::{Guard, MediaOrder, MediaReport, Role, TextAim};
use siaga112::vocabulary::{Codec, Private, StreamId};

/// A telephone that writes and reads.
struct Writer {
    stream: StreamId,
    socket: UdpSocket,
    gateway: SocketAddr,
    source: u32,
    /// Where its reports come and go.
    reports: UdpSocket,
}

/// What stands in a packet: the blocks of redundant data, the oldest first, each with its offset.
type Blocks = Vec<(u32, String)>;

impl Writer {
    fn of(plane: &mut Plane, phone: &Phone, cps: u32) -> Self {
        Self::with(plane, phone, |aim| aim.cps = cps)
    }

    /// With what else was agreed.
    fn with(plane: &mut Plane, phone: &Phone, agreed: impl FnOnce(&mut TextAim)) -> Self {
        let stream = phone.stream;
        let port = plane.ports.pop().expect("a port");
        let socket = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        socket.set_read_timeout(Some(LIMIT)).expect("a limit");
        plane.media.order(MediaOrder::OpenText { stream, port });
        let reports = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
        reports.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut text = TextAim {
            rtp: socket.local_addr().expect("bound"),
            rtcp: reports.local_addr().expect("bound"),
            mux: false,
            guard: Guard::Plain,
            mixer: false,
            text: 98,
            redundant: Some(100),
            cps: 30,
            send: true,
            receive: true,
        };
        agreed(&mut text);
        let aim = siaga112::call::orders::Aim { text: Some(Box::new(text)), ..phone.aim.clone() };
        plane.media.order(MediaOrder::Aim { stream, aim });
        let source = 1_000 + stream.0 as u32;
        Self { stream, socket, gateway: SocketAddr::new(LOOPBACK, port), source, reports }
    }

    fn packet(&self, payload_type: u8, sequence: u16, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type];
        packet.extend(sequence.to_be_bytes());
        packet.extend((u32::from(sequence) * 300).to_be_bytes());
        packet.extend(self.source.to_be_bytes());
        packet.extend(payload);
        packet
    }

    /// Says blocks: what was said before, the oldest first, and what is new.
    fn says(&self, sequence: u16, blocks: &[&str]) {
        self.socket.send_to(&self.packet_of(sequence, blocks), self.gateway).expect("sent");
    }

    fn packet_of(&self, sequence: u16, blocks: &[&str]) -> Vec<u8> {
        let mut payload = Vec::new();
        let (new, before) = blocks.split_last().expect("a block");
        for (n, text) in before.iter().enumerate() {
            let offset = 300 * (before.len() - n) as u32;
            let head = 0x8000_0000 | 98 << 24 | offset << 10 | text.len() as u32;
            payload.extend(head.to_be_bytes());
        }
        payload.push(98);
        before.iter().chain([new]).for_each(|text| payload.extend(text.as_bytes()));
        self.packet(100, sequence, &payload)
    }

    /// The next packet: marker, sequence number, timestamp, blocks.
    fn hears(&self) -> (bool, u16, u32, Blocks) {
        let mut buffer = [0; 2048];
        let length = self.socket.recv(&mut buffer).expect("a packet");
        let came = plane::read(&buffer[..length]);
        assert_eq!((buffer[0], came.kind), (0x80, 100));
        (buffer[1] & 0x80 != 0, came.sequence, came.timestamp, blocks(&came.payload))
    }

    /// What is new in the packets that follow, until it ends so.
    fn reads_until(&self, end: &str) -> String {
        let (mut read, patience) = (String::new(), Patience::new());
        while !read.ends_with(end) {
            patience.has(end, &read);
            read.push_str(&self.hears().3.last().expect("a block").1);
        }
        read.replace('\u{feff}', "")
    }
}

/// The blocks of a payload.
fn blocks(payload: &[u8]) -> Blocks {
    let (mut heads, mut rest) = (Vec::new(), payload);
    while rest[0] & 0x80 != 0 {
        let head = u32::from_be_bytes(rest[..4].try_into().expect("four"));
        assert_eq!(head >> 24 & 0x7f, 98);
        heads.push((head >> 10 & 0x3fff, (head & 0x3ff) as usize));
        rest = &rest[4..];
    }
    assert_eq!(rest[0], 98);
    rest = &rest[1..];
    let mut blocks = Vec::new();
    for (offset, length) in heads {
        blocks.push((offset, String::from_utf8(rest[..length].to_vec()).expect("UTF-8")));
        rest = &rest[length..];
    }
    blocks.push((0, String::from_utf8(rest.to_vec()).expect("UTF-8")));
    blocks
}

/// What is told that somebody wrote, until it ends so.
fn told(plane: &Plane, of: StreamId, end: &str) -> String {
    let (mut told, patience) = (String::new(), Patience::new());
    while !told.ends_with(end) {
        patience.has(end, &told);
        if let MediaReport::Text { stream, text } = plane.reports.recv_timeout(LIMIT).expect("told")
            && stream == of
        {
            told.push_str(text.reveal());
        }
    }
    told
}

fn pair() -> (Plane, Phone, Phone, Writer, Writer) {
    let mut plane = Plane::start();
    let (caller, seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    let (writes, reads) = (Writer::of(&mut plane, &caller, 30), Writer::of(&mut plane, &seat, 30));
    plane.all_hear_all(&[&caller, &seat]);
    (plane, caller, seat, writes, reads)
}

#[test]
fn what_one_writes_the_other_reads_though_two_packets_in_a_row_are_lost() {
    let (plane, _caller, seat, writes, reads) = pair();
    writes.says(65_534, &["\u{feff}To"]);
    // 65,535 and 0 are lost.
    writes.says(1, &["lo", "ng", "!"]);
    assert_eq!(told(&plane, writes.stream, "!"), "Tolong!");
    assert_eq!(reads.reads_until("!"), "Tolong!");
    // And back, to both: the seat's own peer does not read what it wrote.
    reads.says(1, &["Ya"]);
    assert_eq!(writes.reads_until("Ya"), "Ya");
    assert_eq!(told(&plane, seat.stream, "Ya"), "Ya");
}

#[test]
fn what_we_write_is_said_three_times_and_then_we_rest() {
    let (plane, _caller, _seat, writes, _reads) = pair();
    // A session begins with the byte order mark (T.140), at once.
    let first = writes.hears();
    assert!(first.0, "marked");
    assert_eq!(first.3, [(0, "\u{feff}".to_owned())]);
    let text = Private::new("Ada apa?".to_owned());
    plane.media.order(MediaOrder::Write { stream: writes.stream, by: StreamId(0), text });
    let packets: Vec<_> = (0..3).map(|_| writes.hears()).collect();
    let said = packets
        .iter()
        .filter(|(.., blocks)| blocks.iter().any(|(_, text)| text.contains("Ada apa?")));
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 3, "{packets:?}");
    for ((_, earlier, then, _), (_, later, now, _)) in said.iter().zip(&said[1..]) {
        assert_eq!(*later, earlier.wrapping_add(1));
        let between = now.wrapping_sub(*then);
        assert!(between >= 290, "{between} ms");
    }
    let last = &said[2].3;
    assert_eq!(last.len(), 3);
    assert_eq!((last[0].1.as_str(), last[1].1.as_str(), last[2].1.as_str()), ("Ada apa?", "", ""));
    assert!(last[0].0 > last[1].0 && last[1].0 >= 290, "{last:?}");
}

#[test]
fn a_stranger_s_text_and_bad_packets_change_nothing() {
    let (plane, _caller, _seat, writes, reads) = pair();
    writes.says(1, &["a"]);
    assert_eq!(reads.reads_until("a"), "a");
    let stranger = UdpSocket::bind((LOOPBACK, 0)).expect("a socket");
    for packet in
        [writes.packet(98, 2, b"evil"), writes.packet(98, 900, b"evil"), vec![0x80], Vec::new()]
    {
        stranger.send_to(&packet, writes.gateway).expect("sent");
    }
    // Of the peer, and no text: audio, a length beyond the end, no RTP.
    for packet in [
        writes.packet(8, 2, &[0xd5; 160]),
        writes.packet(100, 2, &[0xe2, 0, 3, 0xff, 98, b'x']),
        vec![0x00; 40],
    ] {
        writes.socket.send_to(&packet, writes.gateway).expect("sent");
    }
    writes.says(2, &["", "b"]);
    assert_eq!(reads.reads_until("b"), "b");
    assert_eq!(told(&plane, writes.stream, "b"), "ab");
}

#[test]
fn of_several_who_write_each_has_lines_of_their_own() {
    let mut plane = Plane::start();
    let phones = [Codec::Pcma, Codec::Pcmu, Codec::G722].map(|codec| plane.phone(codec));
    let [caller, seat, guest] = &phones;
    let writers = phones.each_ref().map(|phone| Writer::of(&mut plane, phone, 30));
    for (phone, name) in [(caller, "+6281"), (seat, "112"), (guest, "BPBD")] {
        let name = Private::new(name.to_owned());
        plane.media.order(MediaOrder::Name { stream: phone.stream, name });
    }
    plane.all_hear_all(&[caller, seat, guest]);
    writers[0].says(1, &["api"]);
    assert_eq!(writers[1].reads_until("api"), "[+6281] api");
    // The other waits until the line is done.
    writers[2].says(1, &["di mana?"]);
    writers[0].says(2, &["api", " besar!"]);
    assert_eq!(writers[1].reads_until("mana?"), " besar!\u{2028}[BPBD] di mana?");
    assert_eq!(writers[0].reads_until("mana?"), "[BPBD] di mana?");
    // Who hears nobody reads nobody.
    plane.media.order(MediaOrder::Role { stream: seat.stream, role: Role::Idle });
    let write = |text: &str| {
        let text = Private::new(text.to_owned());
        plane.media.order(MediaOrder::Write { stream: seat.stream, by: StreamId(0), text });
    };
    write(".");
    assert_eq!(writers[1].reads_until("."), "\u{2028}.");
    writers[0].says(3, &["api", " besar!", "rumah"]);
    assert!(writers[2].reads_until("rumah").ends_with("rumah"));
    write("!");
    assert_eq!(writers[1].reads_until("!"), "!");
}

#[test]
fn who_shows_ten_letters_a_second_gets_no_more() {
    let mut plane = Plane::start();
    let phone = plane.phone(Codec::Pcma);
    let writer = Writer::of(&mut plane, &phone, 10);
    let text = Private::new("sepuluh huruf sedetik".to_owned());
    plane.media.order(MediaOrder::Write { stream: phone.stream, by: StreamId(0), text });
    let (mut read, patience) = (String::new(), Patience::new());
    while !read.ends_with("sedetik") {
        patience.has("sedetik", &read);
        let new = writer.hears().3.pop().expect("a block").1;
        assert!(new.chars().count() <= 3, "{new:?}");
        read.push_str(&new);
    }
    assert_eq!(read.trim_start_matches('\u{feff}'), "sepuluh huruf sedetik");
}

#[test]
fn when_all_is_said_nothing_more_comes() {
    let (plane, _caller, _seat, writes, reads) = pair();
    let quiet = std::time::Duration::from_millis(1_500);
    for writer in [&writes, &reads] {
        assert_eq!((0..3).map(|_| writer.hears().3.len()).collect::<Vec<_>>(), [1, 2, 3]);
        writer.socket.set_read_timeout(Some(quiet)).expect("a limit");
        assert!(writer.socket.recv(&mut [0; 100]).is_err(), "silence");
    }
    drop(plane);
}
