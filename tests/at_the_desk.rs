//! What a call taker's day has beside the calls of `tests/pages.rs`: coming in with a code, sitting down, calling back,
//! a telephone on the desk, a ring that can be tried, no microphone, and a browser that dies. In Chromium, against the
//! whole program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use siaga112::server::Clock;
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::people::{self, PASSWORD};
use support::person::Person;
use support::phone::{Dialog, Phone};
use support::seat::Seat;
use support::tone::{self, CALLER_HERTZ, RATE, SEAT_HERTZ};
use support::wait::until;

const CALLER: &str = "+6281234567890";
const SPAN: Duration = Duration::from_secs(2);

/// What a telephone's program shows, written by RFC 6238 alone.
fn code(key: &str, later: u64) -> String {
    let step = u64::try_from(Clock::start().now().wall.0 / 30_000_000).expect("after 1970") + later;
    let key = BASE32_NOPAD.decode(key.as_bytes()).expect("base 32");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[19] & 15);
    let four: [u8; 4] = tag[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// A centre whose call takers are `operator-1`, …; `prepare` may change its configuration.
fn centre(centre: Centre, prepare: impl FnOnce(&Path, &str)) -> (Centre, Gateway) {
    let (gateway, ()) = centre.start_with(|site, config| {
        let own = site.gateway().to_string();
        for port in ["udp://{}:0=5060", "ws://{}:0=5062"] {
            let (from, port) = port.split_once('=').unwrap();
            let from = from.replace("{}", &own);
            let text = fs::read_to_string(config.join("gateway.toml")).expect("a file");
            if text.contains(&from) {
                edit(config, "gateway.toml", &from, &from.replace(":0", &format!(":{port}")));
            }
        }
        edit(
            config,
            "gateway.toml",
            &format!("listen = \"{own}:0\""),
            &format!("listen = \"{own}:8112\""),
        );
        edit(config, "queues.toml", "wrap_up_seconds = 0", "wrap_up_seconds = 60");
        prepare(config, &site.trunk().to_string());
    });
    let admin = people::admin(&gateway);
    for number in 1..=centre.seats {
        let name = format!("operator-{number}");
        people::add(
            &gateway,
            &admin,
            json!({"name": name, "role": "call-taker", "operator": name}),
        );
    }
    (centre, gateway)
}

fn browsers(seats: u8) -> Centre {
    Centre { seats, transports: &["ws"], ..Centre::default() }
}

fn in_dialog(person: &mut Person, dialog: &str, label: &str, value: &str) {
    person.does(&json!({"do": "fill", "label": label, "value": value, "exact": true,
        "within": {"role": "dialog", "name": dialog}}));
}

#[test]
fn a_person_sets_a_second_factor_up_and_comes_in_with_its_codes_alone() {
    let (_, gateway) = centre(Centre::default(), |_, _| ());
    let mut siti = Person::signs_in(&gateway, "operator-1", SEAT_HERTZ);
    siti.clicks("operator-1,");
    in_dialog(&mut siti, "Akun saya", "Kata sandi", "salah sekali");
    siti.clicks("Siapkan");
    siti.sees("Nama atau kata sandi salah.");
    in_dialog(&mut siti, "Akun saya", "Kata sandi", PASSWORD);
    siti.clicks("Siapkan");
    siti.sees("Pindai gambar ini");
    siti.assert_usable("second-factor");
    let key = siti.asks("document.querySelector('p.codes').textContent");
    let key = key.as_str().expect("a key").to_owned();
    siti.fills("Kode autentikasi (6 angka)", "000000");
    siti.clicks("Nyalakan");
    siti.sees("Kode salah atau sudah dipakai.");
    siti.fills("Kode autentikasi (6 angka)", &code(&key, 0));
    siti.clicks("Nyalakan");
    siti.sees("Kode pemulihan: catat di kertas");
    siti.assert_usable("recovery-codes");
    let paper = siti.asks("document.querySelector('ul.codes li').textContent");
    siti.clicks("Sudah saya catat");
    siti.sees("Kode pemulihan tersisa: 8.");
    siti.presses("Escape");
    siti.clicks("Keluar");

    // The password alone opens nothing, nor a wrong code, nor one that was used.
    siti.fills("Nama pengguna", "operator-1");
    siti.fills("Kata sandi", PASSWORD);
    siti.clicks("Masuk");
    siti.sees("Kode autentikasi (6 angka)");
    siti.assert_usable("sign-in-code");
    siti.fills("Kode autentikasi (6 angka)", "000000");
    siti.clicks("Masuk");
    siti.sees("Kode salah atau sudah dipakai.");
    siti.fills("Kode autentikasi (6 angka)", &code(&key, 1));
    siti.clicks("Masuk");
    siti.does(&json!({"do": "see", "role": "banner"}));
    siti.clicks("Keluar");
    siti.fills("Nama pengguna", "operator-1");
    siti.fills("Kata sandi", PASSWORD);
    siti.clicks("Masuk");
    siti.fills("Kode autentikasi (6 angka)", paper.as_str().expect("a code"));
    siti.clicks("Masuk");
    siti.does(&json!({"do": "see", "role": "banner"}));
    gateway.stop();
}

#[test]
fn a_call_taker_chooses_a_free_seat_and_calls_back_who_gave_up() {
    let (_, gateway) = centre(browsers(2), |config, trunk| {
        // Nobody sits at seat-2 by the configuration, and telco-a can be called.
        let seats = fs::read_to_string(config.join("seats.toml")).expect("a file");
        let (first, second) = seats.split_at(seats.rfind("operator = ").expect("a seat"));
        let second = second.split_once('\n').expect("a line").1;
        fs::write(config.join("seats.toml"), format!("{first}{second}")).expect("written");
        let target = format!("target = \"sip:{trunk}:5060\"\nprobe_seconds = 0\nanswer = ");
        edit(config, "trunks/telco-a.toml", "answer = ", &target);
    });
    let carrier = Phone::at(gateway.site.trunk(), 5060, gateway.sip);
    let mut budi = Person::signs_in(&gateway, "operator-2", SEAT_HERTZ);
    budi.sees("Anda belum duduk di meja mana pun");
    budi.sees("dipakai operator-1");
    budi.assert_usable("taker-choose-seat");
    budi.clicks("Duduk di seat-2");
    budi.sees("Telepon peramban siap");
    gateway.await_seat("seat-2", "ready");
    budi.presses("p");
    budi.clicks("Salat");
    budi.sees("Jeda");
    gateway.await_seat("seat-2", "paused");
    let caller = Caller::waits(&gateway, CALLER);
    budi.sees("Menunggu (1)");
    caller.gives_up();
    budi.opens("Telepon balik (1)");
    budi.sees(CALLER);
    budi.assert_usable("taker-work");

    // One press: the own phone rings, then the number.
    budi.does(&json!({"do": "click", "role": "button", "name": "Telepon", "exact": true}));
    budi.sees("Telepon Anda berdering");
    budi.sees("Jawab, lalu nomor ini dihubungi.");
    budi.presses("F2");
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let invite = carrier.await_request("INVITE");
    assert!(invite.start.contains(CALLER), "{invite:?}");
    let mut dialog = Dialog::accept(&carrier, &invite, audio.local_addr().unwrap());
    carrier.await_request("ACK");
    budi.sees("Tahan");
    std::thread::scope(|scope| {
        let talk = scope.spawn(|| tone::talk(&audio, invite.media(), CALLER_HERTZ, 2 * SPAN));
        let share = budi.hears(CALLER_HERTZ);
        assert!(share > 0.8, "the call taker hears who is called back: {share}");
        tone::assert_tone("and is heard", &talk.join().unwrap(), SEAT_HERTZ, RATE);
    });
    budi.does(&json!({"do": "see", "role": "region", "name": "Bicara"}));
    let card = budi.asks("document.querySelector('.call-number').textContent");
    assert_eq!(card, json!(CALLER), "the card says who is called back");
    budi.assert_usable("taker-call-back");
    dialog.hang_up(&carrier);
    budi.misses("Tahan");
    budi.opens("Telepon balik (0)");
    budi.sees("Tidak ada yang harus ditelepon balik.");
    gateway.stop();
}

#[test]
fn a_page_follows_the_telephone_on_the_desk() {
    let (_, gateway) = centre(Centre::default(), |_, _| ());
    let desk = Seat::sits(&gateway, 1);
    let mut siti = Person::signs_in(&gateway, "operator-1", SEAT_HERTZ);
    siti.sees("Telepon meja");
    siti.sees("Siap");
    let mut caller = Caller::dials(&gateway, CALLER, "");
    let invite = desk.rings();
    siti.sees("Panggilan masuk");
    siti.sees("Jawab, tahan, dan tutup di telepon meja ini.");
    siti.assert_usable("taker-desk-phone");
    let mut talk = desk.accepts(&invite);
    desk.phone.await_request("ACK");
    caller.await_answer();
    siti.fills("Alamat", "Jl. Trunojoyo 5");
    siti.sees("Tersimpan");
    // The desk phone puts the caller aside, and hangs up.
    let hold = put_aside(desk.audio.local_addr().unwrap());
    talk.request(&desk.phone, "INVITE", &contact(&desk), &hold);
    talk.enter(&desk.phone.await_status(200, "INVITE"));
    siti.does(&json!({"do": "see", "text": "Ditahan"}));
    talk.hang_up(&desk.phone);
    caller.phone.accept(&caller.phone.await_request("BYE"));
    siti.sees("Penyelesaian berakhir");
    siti.sees("Tidak ada panggilan");
    siti.has("Alamat", "Jl. Trunojoyo 5");
    gateway.stop();
}

fn contact(desk: &Seat) -> String {
    format!("Contact: <sip:seat@{}>\r\n", desk.phone.local())
}

/// A description that only sends: the other side is put aside.
fn put_aside(media: std::net::SocketAddr) -> String {
    support::phone::sdp(media).replace("a=sendrecv", "a=sendonly") + "a=sendonly\r\n"
}

#[test]
fn a_ring_can_be_tried_cannot_be_missed_and_names_nobody_to_the_system() {
    let (_, gateway) = centre(browsers(1), |_, _| ());
    let mut siti = Person::arrives(&gateway, "operator-1", SEAT_HERTZ);
    siti.does(&json!({"do": "grant", "permission": "notifications"}));
    siti.enters("operator-1");
    siti.sees("Telepon peramban siap");
    siti.clicks("Headset");
    siti.sees("Mikrofon terdengar");
    siti.assert_usable("headset");
    siti.clicks("Putar nada uji");
    siti.clicks("Putar dering");
    let all = siti.asks("new Promise((r) => setTimeout(() => r(window.tones), 0))");
    assert_eq!(all, json!([440, 880, 1175, 660]), "a soft tone, then the ring");
    siti.presses("Escape");

    // The page is behind another one: the system tells of the call, and not whose it is.
    siti.asks("Object.defineProperty(document, 'hidden', {get: () => true}); window.tones = []");
    gateway.await_seat("seat-1", "ready");
    let mut caller = Caller::dials(&gateway, CALLER, "");
    siti.sees("Panggilan masuk");
    until("it rings again and again", || {
        let rung = siti.asks("window.tones.filter((hertz) => hertz === 880).length");
        (rung.as_u64() >= Some(2)).then_some(())
    });
    let notes = siti.asks("window.notes");
    assert_eq!(notes.as_array().map(Vec::len), Some(1), "{notes}");
    assert!(!notes.to_string().contains("6281234567890"), "{notes}");
    siti.presses("F2");
    caller.await_answer();
    siti.sees("Tahan");
    until("the title is quiet", || {
        (!siti.asks("document.title").to_string().contains("(!)")).then_some(())
    });
    caller.hangs_up();
    gateway.stop();
}

#[test]
fn without_a_microphone_the_caller_goes_to_another_seat_and_the_page_says_the_way_out() {
    let (_, gateway) = centre(browsers(2), |_, _| ());
    let mut siti = Person::arrives_without_microphone(&gateway, "operator-1", SEAT_HERTZ);
    siti.enters("operator-1");
    siti.sees("Telepon peramban siap");
    gateway.await_seat("seat-1", "ready");
    let mut caller = Caller::dials(&gateway, CALLER, "");
    siti.sees("Panggilan masuk");
    let other = Seat::sits(&gateway, 2);
    siti.presses("F2");
    siti.sees("Peramban tidak memberi mikrofon.");
    siti.assert_usable("taker-no-microphone");
    let (_talk, _) = other.answers();
    caller.await_answer();
    caller.hangs_up();
    other.is_hung_up();
    gateway.set_seat(2, "paused");
    gateway.await_seat("seat-2", "paused");

    // What the page says helps.
    siti.does(&json!({"do": "grant", "permission": "microphone"}));
    siti.clicks("Periksa headset");
    siti.sees("Mikrofon terdengar");
    siti.presses("Escape");
    siti.misses("Peramban tidak memberi mikrofon.");
    gateway.await_seat("seat-1", "ready");
    let mut caller = Caller::dials(&gateway, CALLER, "");
    siti.sees("Panggilan masuk");
    siti.presses("F2");
    caller.await_answer();
    siti.sees("Tahan");
    caller.hangs_up();
    gateway.stop();
}

/// Everything that the browser keeps for the page, as text.
const KEPT: &str = r"(async () => {
    const all = [JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
    for (const { name } of await indexedDB.databases()) {
        const database = await new Promise((done) => {
            const asked = indexedDB.open(name);
            asked.onsuccess = () => done(asked.result);
        });
        for (const store of database.objectStoreNames) {
            const rows = await new Promise((done) => {
                const asked = database.transaction(store).objectStore(store).getAll();
                asked.onsuccess = () => done(asked.result);
            });
            const plain = (_, value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value)
                ? new TextDecoder('latin1').decode(value) : value;
            all.push(`${rows.length} kept: ${JSON.stringify(rows, plain)}`);
        }
        database.close();
    }
    return all.join('\n');
})()";

#[test]
fn words_that_are_not_saved_outlive_the_browser_and_only_their_writer_reads_them() {
    let (centre, gateway) = centre(browsers(2), |_, _| ());
    let mut desk = Person::signs_in(&gateway, "operator-1", SEAT_HERTZ);
    desk.sees("Telepon peramban siap");
    gateway.await_seat("seat-1", "ready");
    let mut caller = Caller::dials(&gateway, CALLER, "");
    desk.sees("Panggilan masuk");
    desk.presses("F2");
    caller.await_answer();
    desk.fills("Alamat", "Jl. Trunojoyo 5");
    desk.sees("Tersimpan");
    gateway.signal("KILL");
    desk.sees("Sambungan putus");
    desk.fills("Patokan", "depan masjid");
    desk.sees("Belum tersimpan di gateway; aman di peramban ini");
    let kept = desk.asks(KEPT);
    let kept = kept.as_str().expect("a text");
    assert!(kept.contains("1 kept"), "the words are kept: {kept}");
    assert!(!kept.contains("masjid") && !kept.contains("Trunojoyo"), "{kept}");

    // The browser dies; whoever sits down next reads nothing of it.
    desk.does(&json!({"do": "crash"}));
    let gateway = centre.restart(gateway);
    desk.does(&json!({"do": "forget"}));
    desk.goes("/");
    desk.enters("operator-2");
    desk.sees("Tidak ada panggilan");
    let kept = desk.asks(KEPT);
    assert!(!kept.to_string().contains("masjid"), "{kept}");
    desk.clicks("Keluar");

    // Their writer finds them, and they are saved.
    desk.enters("operator-1");
    desk.opens("Panggilan saya");
    desk.does(&json!({"do": "click", "role": "button", "name": "Buka", "exact": true}));
    desk.has("Patokan", "depan masjid");
    desk.has("Alamat", "Jl. Trunojoyo 5");
    until("the words are saved", || {
        let all = gateway.get("/api/v1/incidents").json();
        let id = all["incidents"][0]["id"].as_str()?.to_owned();
        let record: Value = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        (record["written"]["form"]["landmark"] == "depan masjid").then_some(())
    });
    desk.sees("Tersimpan");
    until("nothing is kept here any more", || {
        desk.asks(KEPT).as_str().is_some_and(|kept| kept.contains("0 kept")).then_some(())
    });
    gateway.stop();
}
