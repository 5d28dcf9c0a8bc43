//! The page of records and the forms behind it, in Debian's Chromium and against the real program: what is
//! written is never lost and never closed over; a record is found with a reason, read whole and kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::people;
use support::person::Person;
use support::phone::{Dialog, Phone, sdp};
use support::seat::Seat;
use support::tone;
use support::wait::until;

const CALLER: &str = "+6281234567890";
/// What comes along with a call: the cell, and data that is somewhere else.
const ALONG: &str = "P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5;\
                     network-provided\r\n\
                     Call-Info: <https://data.telco.example/7>;purpose=EmergencyCallData.SubscriberInfo\r\n";

/// A centre with the sample's categories and places.
fn start(centre: &Centre) -> Gateway {
    let sample = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(file);
    let copy = |_: &support::site::Site, config: &Path| {
        for file in ["categories.toml", "places/kecamatan.csv"] {
            std::fs::copy(sample(file), config.join(file)).expect("copied");
        }
    };
    centre.start_with(copy).0
}

/// Somebody of a role at their page.
fn at_work(gateway: &Gateway, admin: &str, name: &str, role: &str) -> Person {
    people::add(gateway, admin, json!({"name": name, "role": role}));
    Person::signs_in(gateway, name, 440.0)
}

/// A record without a call; its number.
fn record(gateway: &Gateway, text: &str) -> String {
    let made =
        gateway.post("/api/v1/incidents", &json!({"origin": "radio", "text": text}).to_string());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["incident"].as_str().expect("a number").to_owned()
}

fn show(gateway: &Gateway, id: &str) -> Value {
    gateway.get(&format!("/api/v1/incidents/{id}")).json()
}

/// Waits until a record is as wanted.
fn await_record(gateway: &Gateway, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, || Some(show(gateway, id)).filter(|record| wanted(record)))
}

/// The same of a field of its form.
fn await_field(gateway: &Gateway, id: &str, field: &str, value: &str) {
    let what = format!("{field} is {value}");
    await_record(gateway, id, &what, |record| record["written"]["form"][field] == value);
}

/// Presses the button with exactly these words.
fn press(person: &mut Person, button: &str) {
    person.does(&json!({"do": "click", "role": "button", "name": button, "exact": true}));
}

fn confirm(person: &mut Person, dialog: &str, button: &str) {
    let within = json!({"role": "dialog", "name": dialog});
    person.does(&json!({
        "do": "click", "role": "button", "name": button, "exact": true, "within": within,
    }));
}

/// Goes to another record without loading the page anew.
fn turns_to(person: &mut Person, id: &str) {
    person.clicks("Kembali ke pencarian");
    person.fills("Buka dengan nomor catatan", id);
    press(person, "Buka");
}

fn is_true(person: &mut Person, script: &str) {
    person.does(&json!({"do": "becomes", "script": script}));
}

/// Axe finds nothing in the page as it stands; those that have more of their own are looked at in both
/// languages and themes.
fn is_clean(person: &mut Person, page: &str) {
    person.looks(page);
    let came = person.does(&json!({"do": "axe"}));
    assert_eq!(came["violations"], json!([]), "{page}");
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
fn what_is_written_is_saved_when_another_form_opens_and_closing_leaves_no_word_behind() {
    let gateway = start(&Centre::default());
    let admin = people::admin(&gateway);
    let [first, second] = ["pohon tumbang", "banjir"].map(|text| record(&gateway, text));
    let mut dewi = at_work(&gateway, &admin, "dewi", "dispatcher");
    dewi.goes(&format!("/records/{first}"));
    dewi.has("Kejadian", "pohon tumbang");

    // Words that come while others are under way, and then another record.
    dewi.does(&json!({"do": "hold", "method": "PATCH"}));
    dewi.fills("Alamat", "Jl. Trunojoyo 5");
    dewi.does(&json!({"do": "held"}));
    dewi.fills("Patokan", "depan masjid");
    turns_to(&mut dewi, &second);
    dewi.has("Kejadian", "banjir");
    dewi.does(&json!({"do": "release"}));
    await_field(&gateway, &first, "address", "Jl. Trunojoyo 5");
    await_field(&gateway, &first, "landmark", "depan masjid");

    // Without the gateway, another record, and a page that is loaded anew when it is back.
    dewi.does(&json!({"do": "offline", "value": true}));
    dewi.fills("Desa / kelurahan", "Pabian");
    turns_to(&mut dewi, &first);
    dewi.sees("1 formulir lain belum tersimpan di gateway.");
    dewi.looks("records-left");
    press(&mut dewi, "Keluar");
    dewi.sees("Belum semua tersimpan");
    confirm(&mut dewi, "Belum semua tersimpan", "Batal");
    dewi.does(&json!({"do": "offline", "value": false}));
    dewi.goes("/records");
    await_field(&gateway, &second, "desa", "Pabian");
    dewi.misses("1 formulir lain belum tersimpan di gateway.");

    // What the page or the gateway cannot read is not closed over; the cursor goes there.
    dewi.goes(&format!("/records/{first}"));
    dewi.has("Patokan", "depan masjid");
    for (label, name, bad) in
        [("Koordinat", "coordinates", "dekat sini"), ("Luka ringan", "victims_minor", "banyak")]
    {
        dewi.fills(label, bad);
        press(&mut dewi, "Tutup catatan");
        dewi.sees("Belum ditutup: periksa isian yang ditandai dulu.");
        is_true(&mut dewi, &format!("document.activeElement.name === '{name}'"));
        dewi.has(label, bad);
        assert_eq!(show(&gateway, &first)["written"]["state"], "open");
        dewi.fills(label, "");
    }
    dewi.looks("records-closing");

    // An agency's step: a wrong press is mended, noted and taken back.
    dewi.chooses("Instansi lain", "PSC 119");
    dewi.clicks("Ubah PSC 119");
    dewi.fills("Diterima", "2020-01-01T00:00");
    dewi.sees("Waktu harus berurutan");
    dewi.assert_usable("records-agency");
    dewi.fills("Diterima", "");
    dewi.fills("Diberitahu", "2026-09-17T12:13");
    dewi.fills("Catatan: siapa, lewat apa", "Aiptu Budi");
    press(&mut dewi, "Tutup isian");
    let of = |record: &Value| record["written"]["form"]["agencies"]["PSC 119"].clone();
    await_record(&gateway, &first, "the agency is as changed", |record| {
        let told = of(record);
        told["note"] == "Aiptu Budi"
            && told["accepted_at"].is_null()
            && told["notified_at"].as_str().is_some_and(|at| at.starts_with("2026-09-17"))
    });
    dewi.clicks("Ubah PSC 119");
    press(&mut dewi, "Hapus dari formulir");
    await_record(&gateway, &first, "the agency is gone", |record| of(record).is_null());

    // Closed by somebody else before the last words were saved: they stay, and are saved once it is open.
    dewi.does(&json!({"do": "offline", "value": true}));
    dewi.fills("Hasil akhir", "jalan bersih");
    dewi.sees("Belum tersimpan di gateway; aman di peramban ini");
    let version = show(&gateway, &first)["written"]["version"].clone();
    let closed = gateway.post(
        &format!("/api/v1/incidents/{first}/close"),
        &json!({"version": version}).to_string(),
    );
    assert_eq!(closed.status, 200, "{closed:?}");
    dewi.does(&json!({"do": "offline", "value": false}));
    dewi.sees("Ada isian Anda yang belum tersimpan");
    dewi.has("Hasil akhir", "jalan bersih");
    press(&mut dewi, "Buka lagi");
    await_field(&gateway, &first, "result", "jalan bersih");
    press(&mut dewi, "Tutup catatan");
    await_record(&gateway, &first, "it is closed", |record| record["written"]["state"] == "closed");
    gateway.stop();
}

/// The tones of the page since it was asked last.
fn await_tone(person: &mut Person, hertz: u32) {
    is_true(person, &format!("window.tones.includes({hertz})"));
    person.does(&json!({"do": "evaluate", "script": "window.tones.length = 0"}));
}

/// Chooses within one part of the page.
fn fills_in(person: &mut Person, part: &str, label: &str, value: &str) {
    let within = json!({"role": "region", "name": part});
    person.does(&json!({
        "do": "fill", "label": label, "value": value, "exact": true, "within": within,
    }));
}

#[test]
#[allow(clippy::too_many_lines, reason = "one record from its call to its copy for a court")]
fn a_supervisor_hears_who_waits_and_finds_reads_keeps_and_hands_out_the_record() {
    let gateway = start(&Centre::default());
    let admin = people::admin(&gateway);
    let other = record(&gateway, "api di gudang sebelah");
    let mut sari = at_work(&gateway, &admin, "sari", "supervisor");
    let mut caller = Caller::dials(&gateway, CALLER, ALONG);
    caller.await_state(&gateway, "waiting");

    // A tone for an alarm, and another one for who waits too long.
    sari.goes("/supervisor");
    sari.sees(CALLER);
    press(&mut sari, "Coba: peringatan");
    await_tone(&mut sari, 392);
    // Who guesses a password is told of.
    let stranger = Phone::at(gateway.site.seat(1), 5060, gateway.sip);
    let wrong = support::digest::Account { username: "seat-1".into(), password: "salah".into() };
    stranger.register(&wrong, &format!("<sip:seat-1@{}>", stranger.local()), 300);
    drop(stranger);
    await_tone(&mut sari, 392);
    sari.assert_usable("supervisor-warnings");
    is_true(&mut sari, "window.tones.includes(1319)");
    let seat = Seat::sits(&gateway, 1);
    seat.answers();
    let (_, media) = caller.await_answer();
    tone::talk(&caller.audio, media, 440.0, Duration::from_millis(600));
    caller.hangs_up();
    seat.is_hung_up();
    let id = until("the recording is sealed", || {
        let all = gateway.get("/api/v1/incidents").json();
        let id =
            all["incidents"].as_array()?.iter().find(|one| one["caller_e164"] == CALLER)?["id"]
                .as_str()?
                .to_owned();
        show(&gateway, &id)["recording"]["sha256"].is_string().then_some(id)
    });

    // Nothing is found without a reason.
    sari.goes("/records");
    sari.fills("Dari tanggal", "");
    sari.fills("Sampai tanggal", "");
    sari.fills("Nomor telepon", "0812-3456");
    press(&mut sari, "Cari");
    sari.sees("Tulis alasannya, sedikitnya 4 huruf.");
    sari.fills("Alasan", "surat polisi 12");
    press(&mut sari, "Cari");
    sari.sees("1 catatan ditampilkan");
    sari.assert_usable("records-found");
    sari.clicks("Buka catatan");

    // Who, where from, what came along; the form is the one of the desk.
    sari.sees("Hanya alamatnya yang datang");
    sari.fills("Kejadian", "api di gudang");
    await_field(&gateway, &id, "text", "api di gudang");
    sari.assert_usable("record");
    sari.opens("Versi");
    sari.sees("Diubah oleh sari");
    is_clean(&mut sari, "record-versions");
    sari.opens("Perjalanan panggilan");
    sari.sees("Dijawab seat-1");
    is_clean(&mut sari, "record-course");
    sari.opens("Rekaman dan teks");
    sari.clicks("Putar Bagian 1");
    sari.sees("Tulis alasannya, sedikitnya 4 huruf.");
    sari.fills("Alasan", "didengar penyidik");
    sari.clicks("Putar Bagian 1");
    is_true(&mut sari, "document.querySelector('audio')?.duration > 0.3");
    is_clean(&mut sari, "record-audio");

    // Held, marked, and handed out.
    sari.opens("Simpan dan serahkan");
    fills_in(&mut sari, "Jangan dihapus", "Mengapa", "sidang 7");
    press(&mut sari, "Tahan");
    sari.sees("Ditahan oleh sari");
    assert_eq!(show(&gateway, &id)["hold"]["why"], "sidang 7");
    press(&mut sari, "Tandai nomornya");
    sari.sees("Ditandai sampai");
    fills_in(&mut sari, "Berkas untuk pengadilan", "Alasan", "sidang 7");
    press(&mut sari, "Unduh: Berkas untuk pengadilan");
    sari.sees("Diunduh: siaga112-");
    fills_in(&mut sari, "Salinan yang disamarkan", "Alasan", "untuk pers");
    press(&mut sari, "Unduh: Salinan yang disamarkan");
    sari.sees("-redacted.zip");
    sari.assert_usable("record-keep");
    sari.goes("/records/marks");
    press(&mut sari, &format!("Cari catatannya: {CALLER}"));
    sari.has("Nomor telepon", CALLER);
    sari.opens("Nomor bertanda");
    is_clean(&mut sari, "records-marks");
    sari.goes(&format!("/records/{id}"));
    sari.opens("Simpan dan serahkan");
    press(&mut sari, "Cabut tanda");
    sari.sees("Nomor ini tidak ditandai.");
    fills_in(&mut sari, "Jangan dihapus", "Mengapa", "sidang selesai");
    press(&mut sari, "Cabut penahanan");
    sari.sees("Tidak ditahan");
    sari.opens("Pesan SIP");
    sari.sees("INVITE sip:112");
    is_clean(&mut sari, "record-ladder");

    // Tied to another record, and taken apart again.
    sari.opens("Catatan");
    fills_in(&mut sari, "Catatan terkait", "Nomor catatan lain", &other);
    fills_in(&mut sari, "Catatan terkait", "Mengapa", "satu api");
    press(&mut sari, "Kaitkan");
    sari.sees(&format!("Terkait: {other}"));
    press(&mut sari, &format!("Lepas kaitan dengan {other}"));
    sari.does(&json!({"do": "fill", "label": "Mengapa", "value": "dua api", "exact": true,
        "within": {"role": "dialog", "name": "Lepas kaitan"}}));
    confirm(&mut sari, "Lepas kaitan", "Lepas kaitan");
    sari.misses(&format!("Terkait: {other}"));
    fills_in(&mut sari, "Catatan terkait", "Nomor catatan lain", &other);
    fills_in(&mut sari, "Catatan terkait", "Mengapa", "satu api juga");
    press(&mut sari, "Gabungkan ke catatan itu");
    confirm(&mut sari, "Gabungkan ke catatan itu", "Gabungkan ke catatan itu");
    sari.sees(&format!("Bagian dari catatan {other}"));
    sari.looks("record-merged");
    press(&mut sari, &format!("Keluarkan dari {other}"));
    let dialog = format!("Keluarkan dari {other}");
    sari.does(&json!({"do": "fill", "label": "Mengapa", "value": "dua api", "exact": true,
        "within": {"role": "dialog", "name": dialog}}));
    confirm(&mut sari, &dialog, &dialog);
    sari.misses(&format!("Bagian dari catatan {other}"));

    // Each look has its reason in the access log.
    let log = gateway.get("/api/v1/access-log").json().to_string();
    for reason in ["surat polisi 12", "didengar penyidik", "sidang 7", "untuk pers"] {
        assert!(log.contains(reason), "{reason}: {log}");
    }

    // A dispatcher writes and hears nothing; an auditor reads.
    let mut dewi = at_work(&gateway, &admin, "dewi", "dispatcher");
    dewi.goes(&format!("/records/{id}"));
    dewi.has("Kejadian", "api di gudang");
    dewi.opens("Rekaman dan teks");
    dewi.sees("Peran Anda tidak mendengar rekaman.");
    dewi.does(&json!({"do": "miss", "role": "tab", "name": "Simpan dan serahkan"}));
    dewi.clicks("Kembali ke pencarian");
    press(&mut dewi, "Catatan tanpa panggilan");
    is_clean(&mut dewi, "records-new");
    press(&mut dewi, "Buat catatan");
    dewi.sees("Tulis apa yang terjadi.");
    dewi.does(&json!({"do": "fill", "label": "Kejadian", "value": "tanah longsor", "exact": true}));
    press(&mut dewi, "Buat catatan");
    dewi.sees("Datang langsung");
    dewi.has("Kejadian", "tanah longsor");
    let mut agus = at_work(&gateway, &admin, "agus", "auditor");
    agus.goes(&format!("/records/{id}"));
    agus.sees("api di gudang");
    agus.does(&json!({"do": "miss", "role": "button", "name": "Tutup catatan"}));
    is_clean(&mut agus, "record-auditor");
    gateway.stop();
}

/// A caller whose telephone has text (T.140 over RTP, RFC 4103).
struct Writer {
    phone: Phone,
    audio: UdpSocket,
    text: UdpSocket,
    call: Dialog,
}

impl Writer {
    fn dials(gateway: &Gateway) -> Self {
        let trunk = gateway.site.trunk();
        let phone = Phone::at(trunk, 0, gateway.sip);
        let [audio, text] = [(); 2].map(|()| UdpSocket::bind((trunk, 0)).expect("a free port"));
        let mut call = Dialog::new(&phone, CALLER, &format!("sip:112@{}", gateway.sip));
        let lines = format!(
            "Contact: <sip:trunk@{}>\r\n{ALONG}\
             P-Asserted-Identity: <tel:{CALLER};verstat=TN-Validation-Passed>\r\n",
            phone.local()
        );
        let own = sdp(audio.local_addr().expect("bound"));
        let port = text.local_addr().expect("bound").port();
        let lines = format!(
            "{lines}Geolocation: <cid:place@telco.example>\r\nContent-Type: multipart/mixed;boundary=b\r\n"
        );
        let offer = format!("{own}m=text {port} RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n");
        let place = include_str!("fixtures/pidf-circle.xml");
        let body = format!(
            "--b\r\nContent-Type: application/sdp\r\n\r\n{offer}\r\n\
             --b\r\nContent-Type: application/pidf+xml\r\nContent-ID: <place@telco.example>\r\n\r\n{place}\r\n\
             --b\r\nContent-Type: application/x-telco-note\r\n\r\nlantai 2\r\n--b--\r\n"
        );
        call.request(&phone, "INVITE", &lines, &body);
        Self { phone, audio, text, call }
    }

    /// Types a text, a packet a letter.
    fn types(&self, to: SocketAddr, text: &str) {
        for (number, letter) in (1_u16..).zip(text.chars()) {
            let mut packet = vec![0x80, if number == 1 { 98 | 0x80 } else { 98 }];
            packet.extend(number.to_be_bytes());
            packet.extend((u32::from(number) * 300).to_be_bytes());
            packet.extend(0x1140_0001_u32.to_be_bytes());
            packet.extend(letter.to_string().bytes());
            self.text.send_to(&packet, to).expect("loopback takes RTP");
        }
    }

    /// Waits until a text was read.
    fn reads(&self, wanted: &str) {
        self.text.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        let (mut read, mut packet) = (String::new(), [0; 1500]);
        while !read.contains(wanted) {
            let length = self.text.recv(&mut packet).expect("text comes");
            read.push_str(&String::from_utf8_lossy(&packet[12..length]));
        }
    }
}

#[test]
fn a_call_taker_reads_and_writes_text_hears_the_last_words_again_and_sees_who_vouches() {
    let gateway = start(&Centre { transports: &["ws"], ..Centre::default() });
    let admin = people::admin(&gateway);
    let siti = json!({"name": "siti", "role": "call-taker", "operator": "operator-1"});
    people::add(&gateway, &admin, siti);
    let mut siti = Person::signs_in(&gateway, "siti", tone::SEAT_HERTZ);
    siti.sees("Telepon peramban siap");
    gateway.await_seat("seat-1", "ready");
    let mut caller = Writer::dials(&gateway);
    siti.sees("Panggilan masuk");
    siti.presses("F2");
    let answer = caller.call.await_answer(&caller.phone);
    let media = answer.media();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let port = body.lines().find_map(|line| line.strip_prefix("m=text ")?.split(' ').next());
    let text = SocketAddr::new(media.ip(), port.expect("text is taken").parse().expect("a port"));

    siti.sees("Jaringan memeriksa nomornya: benar");
    siti.sees("Hanya alamatnya yang datang");
    // The place is old, and the page says how old, and by whom it was found.
    siti.sees("hari yang lalu");
    siti.sees("cara GPS");
    siti.sees("application/x-telco-note");
    siti.sees("Tidak dikenal; disimpan utuh (8 byte)");
    caller.types(text, "Tolong, api di dapur");
    siti.sees("Tolong, api di dapur");
    siti.fills("Tulis kepada penelepon", "Di mana rumahnya?");
    siti.clicks("Kirim");
    caller.reads("Di mana rumahnya?");
    siti.has("Tulis kepada penelepon", "");
    tone::talk(&caller.audio, media, tone::CALLER_HERTZ, Duration::from_secs(2));
    siti.clicks("Dengar lagi 30 detik terakhir");
    is_true(&mut siti, "document.querySelector('audio[controls]')?.duration > 0.5");
    siti.assert_usable("taker-text");
    caller.call.hang_up(&caller.phone);
    siti.sees("Panggilan berikutnya berdering di sini.");

    // A covered page is not loaded anew, whatever build the gateway has: it is the phone of its seat.
    siti.does(&json!({"do": "evaluate", "script": "window.same = true"}));
    siti.does(&json!({"do": "older"}));
    siti.clicks("Kunci layar");
    siti.sees("Layar terkunci");
    is_true(&mut siti, "document.body.textContent.includes('Versi baru tersedia')");
    is_true(&mut siti, "window.same === true");
    siti.does(&json!({"do": "current"}));
    gateway.stop();
}
