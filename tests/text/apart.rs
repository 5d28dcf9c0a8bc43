//! Several writers told apart by the source of each packet (RFC 9071), text that is encrypted, and reports of
//! text; written and read here by the letter of the RFCs.

use siaga112::call::orders::{Guard, MediaOrder, MediaReport, Programme, Role, Then};
use siaga112::vocabulary::{Codec, Private, SecretBytes, SrtpKey, StreamId, Suite};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use super::plane::{Patience, Plane};
use super::{Writer, blocks, pair, told};

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four"))
}

/// The parts of a compound report: type, count, the rest.
fn parts(mut report: &[u8]) -> Vec<(u8, u8, Vec<u8>)> {
    let mut parts = Vec::new();
    while !report.is_empty() {
        let length = (usize::from(u16::from_be_bytes([report[2], report[3]])) + 1) * 4;
        parts.push((report[1], report[0] & 0x1f, report[4..length].to_vec()));
        report = &report[length..];
    }
    parts
}

/// What sources are called by a report: canonical name and name.
fn called(report: &[u8]) -> Vec<(u32, String, String)> {
    let described = parts(report).into_iter().find(|part| part.0 == 202).expect("SDES");
    let (mut rest, mut all) = (&described.2[..], Vec::new());
    for _ in 0..described.1 {
        let (source, mut at, mut items) = (word(rest, 0), 4, [String::new(), String::new()]);
        while rest[at] != 0 {
            let text = &rest[at + 2..at + 2 + usize::from(rest[at + 1])];
            items[usize::from(rest[at]) - 1] = String::from_utf8(text.to_vec()).expect("UTF-8");
            at += 2 + text.len();
        }
        rest = &rest[(at / 4 + 1) * 4..];
        let [name, shown] = items;
        all.push((source, name, shown));
    }
    all
}

/// A packet for who tells writers apart: sequence number, the source that it is of, its blocks.
fn packet(writer: &Writer) -> (u16, Option<u32>, Vec<String>) {
    let mut buffer = [0; 2048];
    let length = writer.socket.recv(&mut buffer).expect("a packet");
    let sources = usize::from(buffer[0] & 0x0f);
    assert!(buffer[0] & 0xf0 == 0x80 && sources <= 1, "one source at most");
    let source = (sources == 1).then(|| word(&buffer, 12));
    let blocks = blocks(&buffer[12 + 4 * sources..length]);
    let sequence = u16::from_be_bytes([buffer[2], buffer[3]]);
    (sequence, source, blocks.into_iter().map(|block| block.1).collect())
}

fn report(writer: &Writer) -> Vec<u8> {
    let mut buffer = [0; 2048];
    let length = writer.reports.recv(&mut buffer).expect("a report");
    buffer[..length].to_vec()
}

#[test]
fn who_tells_writers_apart_has_a_source_in_each_packet_and_is_told_who_it_is() {
    let mut plane = Plane::start();
    let phones = [Codec::Pcma, Codec::Pcmu, Codec::G722].map(|codec| plane.phone(codec));
    let [caller, seat, guest] = &phones;
    // The caller's telephone knows RFC 9071, the others do not.
    let deaf = Writer::with(&mut plane, caller, |aim| (aim.mixer, aim.cps) = (true, 90));
    let others = [seat, guest].map(|phone| Writer::of(&mut plane, phone, 30));
    for (phone, name) in [(caller, "+6281"), (seat, "112"), (guest, "BPBD Sumenep")] {
        let name = Private::new(name.to_owned());
        plane.media.order(MediaOrder::Name { stream: phone.stream, name });
    }
    plane.all_hear_all(&[caller, seat, guest]);
    others[0].says(1, &["di mana?"]);
    others[1].says(1, &["ya"]);
    let (mut said, mut next) = (std::collections::BTreeMap::<u32, String>::new(), None);
    let patience = Patience::new();
    while said.len() < 2 || said.values().any(|text| text.len() < 2) {
        patience.has("a word of each", &format!("{said:?}"));
        let (sequence, source, blocks) = packet(&deaf);
        assert_eq!(next.replace(sequence.wrapping_add(1)).unwrap_or(sequence), sequence);
        assert_eq!(blocks.len(), 3, "one new and two that are said again");
        let new = blocks.last().expect("a block").replace('\u{feff}', "");
        match source {
            Some(source) => said.entry(source).or_default().push_str(&new),
            None => assert_eq!(new, "", "what is ours is the mark of the beginning alone"),
        }
    }
    // Before the first word of each the telephone has heard who it is.
    let report = report(&deaf);
    let called = called(&report);
    let of = |name: &str| called.iter().find(|it| it.2 == name).expect("named").0;
    assert_eq!(said.get(&of("112")).map(String::as_str), Some("di mana?"), "{called:?}");
    assert_eq!(said.get(&of("BPBD Sumenep")).map(String::as_str), Some("ya"));
    assert!(called.iter().all(|it| it.1.ends_with("@siaga112.invalid")), "{called:?}");
    assert!(!called.iter().any(|it| it.2 == "+6281"), "nobody is told who they are themselves");
    // Who does not know it reads names in the text, as before.
    deaf.says(1, &["api"]);
    assert!(others[0].reads_until("api").ends_with("[+6281] api"));
}

#[test]
fn what_a_mixer_passes_on_of_several_is_read_with_their_names() {
    let mut plane = Plane::start();
    let (caller, seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    let mixer = Writer::with(&mut plane, &caller, |aim| aim.mixer = true);
    let reads = Writer::of(&mut plane, &seat, 30);
    plane.all_hear_all(&[&caller, &seat]);
    // A receiver report and who is who: sources 21 and 22.
    let mut report = vec![0x80, 201, 0, 1];
    report.extend(mixer.source.to_be_bytes());
    report.extend([0x82, 202, 0, 6]);
    for (source, name) in [(21u32, b"Budi"), (22, b"Sari")] {
        report.extend(source.to_be_bytes());
        report.extend([2, 4]);
        report.extend(name);
        report.extend([0, 0]);
    }
    let to = std::net::SocketAddr::new(mixer.gateway.ip(), mixer.gateway.port() + 1);
    mixer.reports.send_to(&report, to).expect("sent");
    // Once a report came, as its own socket may be read after that of text.
    let counters = plane.media.counters();
    let patience = Patience::new();
    while counters.rtcp.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        patience.has("a report", "");
        std::thread::yield_now();
    }
    let says = |sequence, source: u32, blocks: &[&str]| {
        let mut packet = mixer.packet_of(sequence, blocks);
        packet[0] |= 1;
        packet.splice(12..12, source.to_be_bytes());
        mixer.socket.send_to(&packet, mixer.gateway).expect("sent");
    };
    says(1, 21, &["", "", "tolong."]);
    // The second is lost, and the third, which says it again, comes behind the fourth.
    says(4, 22, &["", "", "di sini."]);
    says(3, 21, &["tolong.", " cepat.", ""]);
    let text = told(&plane, mixer.stream, "cepat.");
    assert_eq!(text, "[Budi] tolong.\u{2028}[Sari] di sini.\u{2028}[Budi]  cepat.");
    assert_eq!(reads.reads_until("cepat."), text);
}

#[test]
fn reports_of_text_say_what_went_and_what_is_missing_and_theirs_are_read() {
    let (plane, caller, _seat, writes, reads) = pair();
    writes.says(1, &["a"]);
    writes.says(4, &["b", "c", "d"]);
    assert_eq!(reads.reads_until("d"), "abcd");
    let all = parts(&report(&writes));
    let (kind, count, sent) = &all[0];
    assert_eq!((*kind, *count, all[1].0), (200, 1, 202), "a sender report with one block");
    let ours = word(sent, 0);
    assert!(word(sent, 16) >= 1 && word(sent, 20) >= 3, "packets and bytes that went");
    let block = &sent[24..];
    assert_eq!(word(block, 0), writes.source);
    assert_eq!(word(block, 4) & 0x00ff_ffff, 2, "two packets are missing");
    // They miss a quarter of ours.
    let mut theirs = vec![0x81, 201, 0, 7];
    theirs.extend(writes.source.to_be_bytes());
    theirs.extend(ours.to_be_bytes());
    theirs.extend([64, 0, 0, 1]);
    theirs.extend([0; 16]);
    let to = std::net::SocketAddr::new(writes.gateway.ip(), writes.gateway.port() + 1);
    writes.reports.send_to(&theirs, to).expect("sent");
    let counters = plane.media.counters();
    let patience = Patience::new();
    while counters.rtcp.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        patience.has("a report", "");
        std::thread::yield_now();
    }
    plane.media.order(MediaOrder::Close { stream: caller.stream });
    let quality = loop {
        let report = plane.reports.recv_timeout(super::LIMIT).expect("told");
        if let MediaReport::TextQuality { stream, quality } = report {
            assert_eq!(stream, caller.stream);
            break quality;
        }
    };
    assert_eq!((quality.received, quality.lost, quality.lost_there), (2, 2, Some(2_500)));
    let last = parts(&report(&writes));
    assert_eq!(last.last().map(|part| part.0), Some(203), "and that it is over");
}

fn key(byte: u8) -> SrtpKey {
    SrtpKey { suite: Suite::AesCm128Sha80, key_salt: SecretBytes::new(&[byte; 30]) }
}

fn context(key: &SrtpKey) -> Context {
    let (master, salt) = key.key_salt.reveal().split_at(16);
    let profile = ProtectionProfile::Aes128CmHmacSha1_80;
    Context::new(master, salt, profile, None, None).expect("a context")
}

#[test]
fn text_is_encrypted_with_keys_of_its_own_and_plain_text_is_nobody_s() {
    let mut plane = Plane::start();
    let (caller, seat) = (plane.phone(Codec::Pcma), plane.phone(Codec::Pcma));
    let (ours, theirs) = (key(1), key(2));
    let guard = Guard::Sdes { ours: ours.clone(), theirs: theirs.clone() };
    let safe = Writer::with(&mut plane, &caller, |aim| (aim.guard, aim.mux) = (guard, true));
    let reads = Writer::of(&mut plane, &seat, 30);
    plane.all_hear_all(&[&caller, &seat]);
    let (mut sends, mut opens) = (context(&theirs), context(&ours));
    let packet = sends.encrypt_rtp(&safe.packet_of(1, &["rahasia"])).expect("encrypted");
    safe.says(1, &["jahat"]);
    safe.socket.send_to(&packet, safe.gateway).expect("sent");
    // The same once more changes nothing.
    safe.socket.send_to(&packet, safe.gateway).expect("sent");
    assert_eq!(reads.reads_until("rahasia"), "rahasia");
    reads.says(1, &["aman"]);
    let (mut read, mut reported, mut buffer) = (String::new(), false, [0; 2048]);
    let patience = Patience::new();
    while !(read.ends_with("aman") && reported) {
        patience.has("aman and a report", &read);
        let length = safe.socket.recv(&mut buffer).expect("a packet");
        let came = &buffer[..length];
        assert!(!came.windows(4).any(|four| four == b"aman"), "nothing goes in plain");
        if (192..=223).contains(&came[1]) {
            // The reports go by the same port, and are encrypted as well (RFC 5761).
            let plain = opens.decrypt_rtcp(came).expect("ours");
            reported |= parts(&plain)[0].0 == 200;
            continue;
        }
        let plain = opens.decrypt_rtp(came).expect("ours");
        read.push_str(&blocks(&plain[12..]).last().expect("a block").1);
    }
}

#[test]
fn who_hears_music_reads_what_is_written_and_nobody_else_s() {
    let (plane, caller, seat, writes, reads) = pair();
    let music = Role::Play(Programme { say: [].into(), then: Then::RingBack });
    let order = |order: MediaOrder| {
        plane.media.order(order);
        // Orders are carried out in their order: what is read of this one, the other is done.
        let text = Private::new("|".to_owned());
        plane.media.order(MediaOrder::Write { stream: caller.stream, by: StreamId(0), text });
        writes.reads_until("|")
    };
    let role = |role: &Role| MediaOrder::Role { stream: caller.stream, role: role.clone() };
    order(role(&music));
    reads.says(1, &["rahasia."]);
    assert_eq!(told(&plane, seat.stream, "rahasia."), "rahasia.");
    let whom: [StreamId; 1] = [seat.stream];
    let read = order(MediaOrder::Read { stream: caller.stream, whom: whom.into() });
    assert_eq!(read, "|", "what was written before is not read");
    reads.says(2, &["tunggu."]);
    assert_eq!(writes.reads_until("tunggu."), "\u{2028}tunggu.");
    // And no more, once it hears something else.
    order(role(&music));
    reads.says(3, &["sebentar."]);
    assert_eq!(told(&plane, seat.stream, "sebentar."), "tunggu.sebentar.");
    assert_eq!(order(role(&Role::Hear(whom.into()))), "|");
    reads.says(4, &["halo"]);
    assert_eq!(writes.reads_until("halo"), "\u{2028}halo");
}
