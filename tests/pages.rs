//! The console's pages, used by people in Chromium, against the whole program: a call taker answers, talks,
//! writes and closes; what each side hears is told by its tone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::{Value, json};
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::people;
use support::person::Person;
use support::phone::Phone;
use support::seat::Seat;
use support::sipp_caller::SippCaller;
use support::tone::{self, CALLER_HERTZ, RATE, SEAT_HERTZ};
use support::wait::{Deadline, until};

/// How long each side is listened to.
const SPAN: Duration = Duration::from_secs(3);
/// What the second call taker says.
const OTHER_HERTZ: f64 = 1320.0;
/// What a supervisor's telephone says.
const LISTENER_HERTZ: f64 = 2200.0;
const CALLER: &str = "+6281234567890";

/// Whom the centre calls out.
const CALLOUT: &str = r#"
[[contact]]
name = "posko"
full_name = "Posko Damkar"
agency = "damkar"
role = "posko"
numbers = ["113"]
note = "Dua armada"

[[contact]]
name = "camat-kota"
full_name = "Camat Kota Sumenep"
role = "camat"
kecamatan = ["35.29.01"]
numbers = ["+6281234567801"]

[[chain]]
name = "kebakaran"
title = "Kebakaran: posko, camat"
when = { category = ["kebakaran"] }
steps = [{ contact = "posko" }, { role = "camat" }]

[[chain]]
name = "lain"
title = "Lain: camat, posko"
steps = [{ contact = "camat-kota" }, { contact = "posko" }]
"#;

/// A centre with two seats whose phones are browsers, at ports that are the same after a restart.
fn centre() -> (Centre, Gateway) {
    let centre = Centre { seats: 3, transports: &["ws"], ..Centre::default() };
    let (gateway, ()) = centre.start_with(|site, config| {
        let trunk = format!(
            "[[trunk]]\nname = \"keluar\"\ntarget = \"sip:{}:5060\"\nprobe_seconds = 0\n\
             area_code = \"0328\"\nanswer = \"on_agent\"\n",
            site.seat(9)
        );
        std::fs::write(config.join("trunks/keluar.toml"), trunk).expect("written");
        std::fs::write(config.join("callout.toml"), CALLOUT).expect("written");
        let own = site.gateway();
        for (from, to) in [
            (format!("udp://{own}:0"), format!("udp://{own}:5060")),
            (format!("ws://{own}:0"), format!("ws://{own}:5062")),
            (format!("listen = \"{own}:0\""), format!("listen = \"{own}:8112\"")),
        ] {
            edit(config, "gateway.toml", &from, &to);
        }
        edit(config, "queues.toml", "wrap_up_seconds = 0", "wrap_up_seconds = 60");
    });
    let admin = people::admin(&gateway);
    for name in ["operator-1", "operator-2"] {
        let person = json!({"name": name, "role": "call-taker", "operator": name});
        people::add(&gateway, &admin, person);
    }
    people::add(&gateway, &admin, json!({"name": "sari", "role": "supervisor"}));
    (centre, gateway)
}

/// A call taker at their seat, ready.
fn sits(gateway: &Gateway, number: u8, hertz: f64) -> Person {
    let mut person = Person::signs_in(gateway, &format!("operator-{number}"), hertz);
    person.sees("Telepon peramban siap");
    gateway.await_seat(&format!("seat-{number}"), "ready");
    person
}

/// A caller whose call rings at a page.
fn rings(gateway: &Gateway, at: &mut Person) -> Caller {
    let caller = Caller::dials(gateway, CALLER, "");
    at.sees("Panggilan masuk");
    at.sees(CALLER);
    caller
}

/// The same with SIPp as the trunk.
fn rings_by_sipp(gateway: &Gateway, at: &mut Person) -> SippCaller {
    let caller = SippCaller::dials(gateway, CALLER);
    at.sees("Panggilan masuk");
    at.sees(CALLER);
    caller
}

/// Both hear one another's tone.
fn assert_talk(caller: &UdpSocket, media: SocketAddr, person: &mut Person, hertz: f64) {
    std::thread::scope(|scope| {
        let talk = scope.spawn(|| tone::talk(caller, media, CALLER_HERTZ, SPAN));
        let share = person.hears(CALLER_HERTZ);
        assert!(share > 0.8, "the call taker hears the caller: {share}");
        let heard = talk.join().expect("the caller talks");
        tone::assert_tone("the caller hears the call taker", &heard, hertz, RATE);
    });
}

/// What share of what the caller hears is a tone, after what was said before.
fn caller_hears(caller: &UdpSocket, media: SocketAddr, hertz: f64) -> f64 {
    tone::talk(caller, media, CALLER_HERTZ, Duration::from_millis(700));
    let heard = tone::talk(caller, media, CALLER_HERTZ, SPAN);
    tone::share(&heard, hertz, RATE)
}

/// The form of the one incident, once it is as wanted.
fn await_form(gateway: &Gateway, wanted: impl Fn(&Value) -> bool) -> Value {
    until("the form is as wanted", || {
        let all = gateway.get("/api/v1/incidents").json();
        let id = all["incidents"][0]["id"].as_str()?.to_owned();
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        wanted(&record["written"]).then(|| record["written"].clone())
    })
}

#[test]
fn a_call_taker_answers_by_key_talks_holds_writes_and_closes_with_one_press() {
    let (_, gateway) = centre();
    let mut siti = sits(&gateway, 1, SEAT_HERTZ);
    siti.assert_usable("taker-idle");
    gateway.set_seat(2, "paused");
    let caller = rings_by_sipp(&gateway, &mut siti);
    siti.looks("taker-ringing");
    siti.presses("F2");
    let media = caller.await_answer();
    assert_talk(&caller.audio, media, &mut siti, SEAT_HERTZ);

    // What is typed is saved without a press, and a key that is typed presses nothing.
    siti.does(&json!({"do": "click", "label": "Kejadian", "exact": true}));
    siti.does(&json!({"do": "type", "value": "kebakaran pasar, 1 orang"}));
    siti.sees("Tersimpan");
    siti.chooses("Jenis kejadian", "kebakaran");
    siti.fills("Luka berat", "dua");
    siti.sees("Tulis angka 0 sampai 1.000.000");
    siti.fills("Luka berat", "2");
    siti.misses("Tulis angka 0 sampai 1.000.000");
    siti.clicks("damkar: Diberitahu sekarang");
    let written = await_form(&gateway, |record| {
        record["form"]["victims_severe"] == 2 && record["form"]["agencies"]["damkar"].is_object()
    });
    assert_eq!(written["form"]["text"], "kebakaran pasar, 1 orang");
    assert_eq!(written["form"]["category"], "kebakaran");
    assert_eq!(written["state"], "open", "a digit that is typed closes nothing");
    siti.assert_usable("taker-talking");

    siti.presses("F9");
    siti.sees("Lanjutkan");
    assert!(caller_hears(&caller.audio, media, SEAT_HERTZ) < 0.01, "put aside, no seat is heard");
    siti.presses("F9");
    siti.sees("Tahan");
    siti.presses("F8");
    siti.sees("Bunyikan");
    assert!(caller_hears(&caller.audio, media, SEAT_HERTZ) < 0.01, "muted, no seat is heard");
    siti.presses("F8");
    siti.sees("Bisukan");
    assert_talk(&caller.audio, media, &mut siti, SEAT_HERTZ);

    siti.clicks("Tutup telepon");
    caller.hears_the_end();
    siti.sees("Penyelesaian berakhir");
    siti.clicks("Iseng");
    siti.sees("Dicatat sebagai Iseng dan ditutup.");
    await_form(&gateway, |record| {
        record["state"] == "closed" && record["form"]["disposition"] == "prank"
    });
    siti.clicks("Urungkan");
    siti.sees("Diurungkan.");
    await_form(&gateway, |record| {
        record["state"] == "open" && record["form"]["disposition"].is_null()
    });
    siti.clicks("Selesai, siap");
    gateway.await_seat("seat-1", "ready");
    siti.opens("Panggilan saya");
    siti.sees("Buka");
    siti.assert_usable("taker-after");
    gateway.stop();
}

#[test]
fn a_call_taker_talks_with_another_in_private_with_all_and_gives_the_caller_away() {
    let (_, gateway) = centre();
    let mut siti = sits(&gateway, 1, SEAT_HERTZ);
    gateway.set_seat(2, "paused");
    let caller = rings_by_sipp(&gateway, &mut siti);
    siti.clicks("Jawab");
    let media = caller.await_answer();
    assert_talk(&caller.audio, media, &mut siti, SEAT_HERTZ);
    let mut budi = sits_paused(&gateway, 2, OTHER_HERTZ);
    gateway.set_seat(2, "ready");
    gateway.await_seat("seat-2", "ready");

    // First without the caller, who hears neither.
    siti.clicks("Sambungkan");
    siti.clicks("seat-2");
    budi.sees("Panggilan masuk");
    budi.presses("F2");
    siti.sees("Tersambung");
    siti.sees("Penelepon tidak mendengar. Anda bicara berdua.");
    let heard = siti.hears(OTHER_HERTZ);
    assert!(heard > 0.5, "in private the one hears the other: {heard}");
    assert!(
        caller_hears(&caller.audio, media, SEAT_HERTZ) < 0.01,
        "in private the caller hears nobody"
    );

    // Then all of them.
    siti.clicks("Kembali bersama penelepon");
    siti.misses("Penelepon tidak mendengar. Anda bicara berdua.");
    // Browsers soften a tone that does not end, each in its own measure.
    until("the caller hears both", || {
        let one = caller_hears(&caller.audio, media, SEAT_HERTZ);
        let other = caller_hears(&caller.audio, media, OTHER_HERTZ);
        (one > 0.03 && other > 0.03).then_some(())
    });

    // A supervisor sees it on the wall board, and listens in without being heard.
    let own = Seat::pauses(&gateway, 3);
    let mut sari = Person::signs_in(&gateway, "sari", OTHER_HERTZ);
    sari.sees(CALLER);
    sari.looks("wall-conference");
    sari.chooses("Kursi saya untuk mendengarkan", "seat-3");
    sari.clicks("Dengarkan");
    let (_listens, at) = own.answers();
    sari.sees("seat-3: mendengarkan");
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| tone::listen(&caller.audio, Deadline::after(SPAN)));
        let heard = tone::talk(&own.audio, at, LISTENER_HERTZ, SPAN);
        let share = tone::share(&caller.join().expect("the caller listens"), LISTENER_HERTZ, RATE);
        assert!(share < 0.01, "who listens is heard by nobody: {share}");
        for hertz in [SEAT_HERTZ, OTHER_HERTZ] {
            let share = tone::share(&heard, hertz, RATE);
            assert!(share > 0.03, "who listens hears {hertz} Hz: {share}");
        }
    });
    std::thread::scope(|scope| {
        scope.spawn(|| tone::talk(&caller.audio, media, CALLER_HERTZ, SPAN));
        let share =
            tone::share(&tone::listen(&own.audio, Deadline::after(SPAN)), CALLER_HERTZ, RATE);
        assert!(share > 0.3, "who listens hears the caller: {share}");
    });
    sari.clicks("Keluar dari panggilan");
    own.is_hung_up();

    // Then the other one alone.
    siti.clicks("Serahkan penelepon");
    siti.does(&json!({"do": "click", "role": "button", "name": "Serahkan penelepon",
        "within": {"role": "dialog", "name": "Serahkan penelepon"}}));
    siti.sees("Penyelesaian berakhir");
    assert_talk(&caller.audio, media, &mut budi, OTHER_HERTZ);
    budi.clicks("Tutup telepon");
    caller.hears_the_end();
    budi.sees("Penyelesaian berakhir");
    gateway.stop();
}

/// A call taker at a seat that is paused.
#[test]
fn a_call_taker_calls_out_a_chain_with_one_press_and_finds_contacts_by_name() {
    let (_, gateway) = centre();
    let at = gateway.site.seat(9);
    let audio = UdpSocket::bind((at, 0)).expect("a free port");
    let carrier = Seat { number: 9, phone: Phone::at(at, 5060, gateway.sip), audio };
    let mut siti = sits(&gateway, 1, SEAT_HERTZ);
    gateway.set_seat(2, "paused");
    let mut caller = rings(&gateway, &mut siti);
    siti.presses("F2");
    let media = caller.call.await_answer(&caller.phone).media();
    siti.chooses("Jenis kejadian", "kebakaran");
    siti.sees("Mulai: Kebakaran: posko, camat");
    siti.sees("Posko Damkar → (camat: tidak ada)");
    siti.chooses("Kecamatan", "35.29.01");
    siti.sees("Posko Damkar → Camat Kota Sumenep");
    siti.assert_usable("taker-chain-proposed");
    siti.clicks("Mulai: Kebakaran: posko, camat");
    let first = carrier.rings();
    siti.sees("Memanggil Posko Damkar");
    siti.looks("taker-chain-ringing");
    let own = format!("{};tag=ring", first.header("To"));
    carrier.phone.respond("486 Busy Here", &first, &own, "", "");
    carrier.phone.await_request("ACK");
    let second = carrier.rings();
    siti.sees("Memanggil Camat Kota Sumenep");
    siti.sees("Sibuk");
    let mut camat = carrier.accepts(&second);
    carrier.phone.await_request("ACK");
    siti.sees("Camat Kota Sumenep menjawab");
    siti.assert_usable("taker-chain-answered");
    assert!(
        caller_hears(&caller.audio, media, SEAT_HERTZ) > 0.5,
        "the caller has the operator still"
    );
    siti.clicks("Diterima");
    siti.sees("Camat Kota Sumenep menerima");
    siti.clicks("Sambungkan ke penelepon");
    until("all talk", || (gateway.calls()[0].text("parties.0.part") == "talk").then_some(()));
    camat.hang_up(&carrier.phone);
    until("the two talk on", || gateway.calls()[0].text("parties.0").is_empty().then_some(()));

    // Somebody who stands in no chain is found by what they are.
    siti.presses("t");
    siti.fills("Cari nama, instansi, peran, atau kecamatan", "damkar");
    siti.does(&json!({"do": "see", "role": "button", "name": "Panggil Posko Damkar, 113"}));
    siti.assert_usable("taker-contacts");
    let dialog = json!({"role": "dialog", "name": "Panggil pihak lain"});
    siti.does(&json!({
        "do": "click", "role": "button", "name": "Tutup", "exact": true, "within": dialog,
    }));

    // In vain, and then the caller hangs up while it is tried again.
    siti.clicks("Mulai: Kebakaran: posko, camat");
    for _ in 0..2 {
        let invite = carrier.rings();
        let own = format!("{};tag=ring", invite.header("To"));
        carrier.phone.respond("603 Decline", &invite, &own, "", "");
        carrier.phone.await_request("ACK");
    }
    siti.sees("Tidak ada yang menerima");
    siti.assert_usable("taker-chain-exhausted");
    siti.clicks("Mulai: Kebakaran: posko, camat");
    let invite = carrier.rings();
    caller.call.hang_up(&caller.phone);
    siti.sees("Penelepon sudah menutup. Anda dan yang dipanggil tetap tersambung");
    let mut posko = carrier.accepts(&invite);
    carrier.phone.await_request("ACK");
    siti.sees("Posko Damkar menjawab");
    siti.looks("taker-chain-without-caller");
    siti.clicks("Diterima");
    let written = await_form(&gateway, |record| record["form"]["agencies"]["damkar"].is_object());
    assert!(written["form"]["agencies"]["damkar"]["accepted_at"].is_string(), "{written}");
    posko.hang_up(&carrier.phone);
    siti.sees("Penyelesaian berakhir");
    gateway.stop();
}

fn sits_paused(gateway: &Gateway, number: u8, hertz: f64) -> Person {
    let mut person = Person::signs_in(gateway, &format!("operator-{number}"), hertz);
    person.sees("Telepon peramban siap");
    person
}

#[test]
fn a_page_that_is_loaded_anew_in_a_call_has_its_form_and_talks_on() {
    let (_, gateway) = centre();
    let mut siti = sits(&gateway, 1, SEAT_HERTZ);
    let mut caller = rings(&gateway, &mut siti);
    siti.presses("F2");
    let media = caller.call.await_answer(&caller.phone).media();
    siti.fills("Alamat", "Jl. Trunojoyo 5");
    siti.sees("Tersimpan");
    siti.does(&json!({"do": "reload"}));
    siti.sees("Tahan");
    siti.has("Alamat", "Jl. Trunojoyo 5");
    assert_talk(&caller.audio, media, &mut siti, SEAT_HERTZ);
    caller.call.hang_up(&caller.phone);
    siti.sees("Penyelesaian berakhir");
    gateway.stop();
}

#[test]
fn a_gateway_that_dies_loses_no_word_of_the_form_and_the_page_takes_the_next_call() {
    let (centre, gateway) = centre();
    let mut siti = sits(&gateway, 1, SEAT_HERTZ);
    let mut caller = rings(&gateway, &mut siti);
    siti.presses("F2");
    caller.call.await_answer(&caller.phone);
    siti.fills("Alamat", "Jl. Trunojoyo 5");
    siti.sees("Tersimpan");
    gateway.signal("KILL");
    siti.sees("Sambungan putus");
    siti.fills("Patokan", "depan masjid");
    siti.sees("Belum tersimpan di gateway; aman di peramban ini");
    siti.looks("taker-lost");
    let gateway = centre.restart(gateway);
    siti.misses("Sambungan putus");
    siti.sees("Tersimpan");
    let written = await_form(&gateway, |record| record["form"]["landmark"] == "depan masjid");
    assert_eq!(written["form"]["address"], "Jl. Trunojoyo 5");
    siti.sees("Telepon peramban siap");
    siti.misses("Tutup telepon");
    gateway.await_seat("seat-1", "ready");
    let mut caller = rings(&gateway, &mut siti);
    siti.presses("F2");
    let media = caller.call.await_answer(&caller.phone).media();
    assert_talk(&caller.audio, media, &mut siti, SEAT_HERTZ);
    caller.call.hang_up(&caller.phone);
    siti.sees("Penyelesaian berakhir");
    gateway.stop();
}

#[test]
fn whoever_writes_what_another_has_written_is_told_and_chooses() {
    let (_, gateway) = centre();
    let mut siti = sits(&gateway, 1, SEAT_HERTZ);
    let mut caller = rings(&gateway, &mut siti);
    siti.presses("F2");
    caller.call.await_answer(&caller.phone);
    siti.fills("Alamat", "Jl. Trunojoyo 5");
    siti.sees("Tersimpan");
    let written = await_form(&gateway, |record| record["form"]["address"].is_string());
    let id = gateway.calls()[0].text("incident");
    // The supervisor corrects it meanwhile, and a field that nobody else touches.
    let change =
        json!({"version": written["version"], "address": "Jl. Trunojoyo 15", "desa": "Pajagalan"});
    let saved = gateway.patch(&format!("/api/v1/incidents/{id}"), &change.to_string());
    assert_eq!(saved.status, 200, "{saved:?}");
    siti.fills("Alamat", "Jl. Trunojoyo 5A");
    siti.fills("Patokan", "depan masjid");
    siti.sees("suite menulis: Jl. Trunojoyo 15");
    siti.looks("taker-conflict");
    siti.has("Alamat", "Jl. Trunojoyo 5A");
    siti.has("Desa / kelurahan", "Pajagalan");
    await_form(&gateway, |record| {
        record["form"]["landmark"] == "depan masjid"
            && record["form"]["address"] == "Jl. Trunojoyo 15"
    });
    siti.clicks("Pakai tulisan saya");
    siti.misses("suite menulis");
    await_form(&gateway, |record| record["form"]["address"] == "Jl. Trunojoyo 5A");
    caller.call.hang_up(&caller.phone);
    gateway.stop();
}

#[test]
fn the_way_in_says_what_is_wrong_in_either_language_and_a_covered_page_keeps_the_call() {
    let (_, gateway) = centre();
    let mut siti = Person::arrives(&gateway, "operator-1", SEAT_HERTZ);
    siti.sees("Kata sandi");
    siti.assert_usable("sign-in");
    siti.clicks("Masuk");
    siti.sees("Wajib diisi.");
    siti.fills("Nama pengguna", "operator-1");
    siti.fills("Kata sandi", "salah sekali");
    siti.clicks("Masuk");
    siti.sees("Nama atau kata sandi salah.");
    siti.fills("Kata sandi", people::PASSWORD);
    siti.clicks("Masuk");
    siti.sees("Telepon peramban siap");
    gateway.await_seat("seat-1", "ready");
    let mut caller = rings(&gateway, &mut siti);
    siti.presses("F2");
    let media = caller.call.await_answer(&caller.phone).media();
    siti.clicks("Kunci layar");
    siti.sees("Layar terkunci");
    siti.assert_usable("locked");
    assert_talk(&caller.audio, media, &mut siti, SEAT_HERTZ);
    let password = json!({"do": "fill", "label": "Kata sandi", "value": people::PASSWORD,
        "within": {"role": "dialog", "name": "Layar terkunci"}});
    siti.does(&password);
    siti.clicks("Buka kunci");
    siti.misses("Layar terkunci");
    siti.clicks("Tutup telepon");
    caller.phone.accept(&caller.phone.await_request("BYE"));
    gateway.stop();
}
