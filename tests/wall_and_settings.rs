//! The pages of supervisors, admins and auditors, in Debian's Chromium and against the real program: a person at a
//! page sees and does what the page is for, and what came of it is looked at from the other side, at the trunk and
//! at the phones. The person is `tests/pages/person.js`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::caller::Caller;
use support::gateway::{Centre, Gateway, edit};
use support::people;
use support::person::Person;
use support::seat::Seat;
use support::tone::{self, RATE};
use support::wait::until;

/// Presses the button with exactly these words.
fn press(person: &mut Person, button: &str) {
    person.does(&json!({"do": "click", "role": "button", "name": button, "exact": true}));
}

/// Presses a button of a dialog, not the one of the same words behind it.
fn confirm(person: &mut Person, dialog: &str, button: &str) {
    let within = json!({"role": "dialog", "name": dialog});
    person.does(&json!({
        "do": "click", "role": "button", "name": button, "exact": true, "within": within,
    }));
}

fn value(person: &mut Person, label: &str) -> String {
    let came = person.does(&json!({"do": "value", "label": label, "exact": true}));
    came["value"].as_str().expect("a value").to_owned()
}

/// Somebody of a role at their page; the admin is `ani`, with whose bearer the others are made.
fn at_work(gateway: &Gateway, admin: &str, name: &str, role: &str) -> Person {
    if name != "ani" {
        people::add(gateway, admin, json!({"name": name, "role": role}));
    }
    Person::signs_in(gateway, name, 440.0)
}

/// Two queues: seat 1 serves the usual one, seat 2 the one of the islands.
fn two_queues(config: &Path) {
    let queues = fs::read_to_string(config.join("queues.toml")).expect("a file");
    let islands = queues.replace("darurat", "laut");
    fs::write(config.join("queues.toml"), format!("{queues}\n{islands}")).expect("written");
    let seats = fs::read_to_string(config.join("seats.toml")).expect("a file");
    let (first, second) = seats.split_at(seats.rfind("queues = ").expect("a seat"));
    let second = second.replacen("darurat", "laut", 1);
    fs::write(config.join("seats.toml"), format!("{first}{second}")).expect("written");
}

/// The queue that the next caller comes to.
fn goes_to(gateway: &Gateway, number: &str) -> String {
    let caller = Caller::waits(gateway, number);
    let queue = caller.live(gateway).expect("it is shown").text("queue");
    caller.gives_up();
    until("the caller is gone", || gateway.calls().is_empty().then_some(()));
    queue
}

#[test]
fn an_admin_breaks_the_routing_mends_it_and_brings_it_back() {
    let (gateway, ()) = Centre { seats: 2, ..Centre::default() }.start_with(|_, c| two_queues(c));
    let admin = people::admin(&gateway);
    let mut ani = at_work(&gateway, &admin, "ani", "admin");
    assert_eq!(goes_to(&gateway, "+6281200000001"), "darurat");

    // As text, with a mistake: told at its line, and refused whole.
    ani.goes("/admin/routing");
    ani.opens("Teks");
    let text = value(&mut ani, "Isi routing.toml");
    ani.fills("Isi routing.toml", &text.replace("\"darurat\"", "\"darurta\""));
    ani.sees("routing.toml, baris 5, kolom 9");
    ani.assert_usable("admin-mistake-text");
    press(&mut ani, "Periksa dan terapkan");
    ani.fills("Alasan", "percobaan");
    ani.assert_usable("admin-review");
    press(&mut ani, "Terapkan");
    ani.sees("Gateway menolak; tidak ada yang berubah.");
    assert_eq!(goes_to(&gateway, "+6281200000002"), "darurat");
    confirm(&mut ani, "Periksa dan terapkan", "Batal");

    // The same mistake stands at the field of the form.
    ani.opens("Formulir");
    ani.sees("tidak ada antrean bernama \"darurta\". Perbaikan: maksud Anda \"darurat\"?");
    ani.assert_usable("admin-mistake-form");

    // Mended by the form, tried on the calls that were, and applied: the next call takes the new way.
    ani.chooses("Menuju antrean", "laut");
    press(&mut ani, "Periksa dan terapkan");
    assert_eq!(value(&mut ani, "Alasan"), "percobaan", "nothing typed is lost");
    press(&mut ani, "Coba");
    ani.sees("dari 2 panggilan akan ke tempat lain");
    press(&mut ani, "Terapkan");
    ani.sees("Berlaku sebagai versi 2.");
    assert_eq!(goes_to(&gateway, "+6281200000003"), "laut");
    let routing = fs::read_to_string(gateway.config().join("routing.toml")).expect("a file");
    assert!(routing.contains("queue = \"laut\""), "{routing}");

    // Back again.
    ani.opens("Versi");
    press(&mut ani, "Lihat versi 1");
    ani.fills("Alasan", "kembali");
    ani.assert_usable("admin-version");
    press(&mut ani, "Kembalikan versi ini");
    ani.sees("Berlaku sebagai versi 3.");
    assert_eq!(goes_to(&gateway, "+6281200000004"), "darurat");
    gateway.stop();
}

#[test]
fn an_admin_gives_a_rule_hours_and_is_told_what_they_are_wrong_with() {
    let (gateway, ()) = Centre { seats: 2, ..Centre::default() }.start_with(|_, c| two_queues(c));
    let admin = people::admin(&gateway);
    let mut ani = at_work(&gateway, &admin, "ani", "admin");
    ani.goes("/admin/routing");
    ani.does(&json!({"do": "click", "text": "Aturan all"}));
    ani.fills("Hanya pada jam", "22.00-6.00");
    ani.presses("Tab");
    ani.sees("\"22.00-6.00\" bukan jam. Perbaikan: tulis \"22:00-06:00\"");
    ani.fills("Hanya pada jam", "22:00-06:00");
    ani.does(&json!({"do": "click", "role": "checkbox", "name": "Senin", "exact": true}));
    ani.sees("satu-satunya aturan untuk semua panggilan bergantung pada waktu");
    ani.assert_usable("admin-rule-hours");
    ani.opens("Teks");
    let text = value(&mut ani, "Isi routing.toml");
    assert!(text.contains("\"22:00-06:00\"") && text.contains("\"mon\""), "{text}");
    gateway.stop();
}

#[test]
fn an_admin_writes_contacts_and_a_chain_by_forms_into_a_file_that_was_not_there() {
    let (gateway, ()) = Centre::default().start_with(|_, _| ());
    let admin = people::admin(&gateway);
    let mut ani = at_work(&gateway, &admin, "ani", "admin");
    let fill = |person: &mut Person, table: &str, label: &str, value: &str| {
        let within = json!({"role": "region", "name": table});
        person.does(&json!({
            "do": "fill", "label": label, "value": value, "exact": true, "within": within,
        }));
    };
    ani.goes("/admin/routing");
    press(&mut ani, "callout.toml");
    press(&mut ani, "Tambah: Kontak");
    fill(&mut ani, "Kontak", "Nama", "posko");
    fill(&mut ani, "Kontak", "Nama lengkap", "Posko Damkar");
    fill(&mut ani, "Kontak", "Nomor", "113\n11");
    fill(&mut ani, "Kontak", "Peran", "posko");
    ani.sees("\"11\" bukan nomor");
    ani.assert_usable("admin-contact-mistake");
    fill(&mut ani, "Kontak", "Nomor", "113\n+6281234567802");
    ani.presses("Tab");
    ani.chooses("Instansi", "damkar");
    ani.misses("\"11\" bukan nomor");
    // A second one as text, and a chain of both by the form.
    ani.opens("Teks");
    let text = value(&mut ani, "Isi callout.toml");
    assert!(text.contains("agency = \"damkar\""), "{text}");
    let second = "\n[[contact]]\nname = \"kepala\"\nfull_name = \"Kepala\"\nnumbers = [\"115\"]\n";
    ani.fills("Isi callout.toml", &format!("{text}{second}"));
    ani.opens("Formulir");
    press(&mut ani, "Tambah: Rantai");
    fill(&mut ani, "Rantai", "Nama", "kebakaran");
    fill(&mut ani, "Rantai", "Judul", "Kebakaran");
    ani.sees("kurang dari dua orang");
    press(&mut ani, "Tambah langkah");
    press(&mut ani, "Tambah langkah");
    ani.misses("kurang dari dua orang");
    // An entry without findings closes.
    ani.does(&json!({"do": "click", "text": "Rantai kebakaran"}));
    fill(&mut ani, "Rantai", "Berdering (detik) (1)", "40");
    ani.presses("Tab");
    press(&mut ani, "Langkah 2 lebih awal");
    ani.assert_usable("admin-chain");
    press(&mut ani, "Periksa dan terapkan");
    ani.fills("Alasan", "kontak baru");
    press(&mut ani, "Terapkan");
    ani.sees("Berlaku sebagai versi 2.");
    let steps = &gateway.get("/api/v1/chains").json()["chains"][0]["steps"];
    assert_eq!(steps[0]["contact"], "kepala", "{steps}");
    assert_eq!((&steps[1]["contact"], &steps[1]["ring_seconds"]), (&json!("posko"), &json!(40)));
    gateway.stop();
}

#[test]
fn of_two_admins_the_second_is_shown_what_the_first_has_changed() {
    let (gateway, ()) = Centre { seats: 2, ..Centre::default() }.start_with(|_, c| two_queues(c));
    let admin = people::admin(&gateway);
    let mut both = ["ani", "bayu"].map(|name| at_work(&gateway, &admin, name, "admin"));
    for (person, priority) in both.iter_mut().zip(["7", "8"]) {
        person.goes("/admin/routing");
        person.does(&json!({"do": "click", "text": "Aturan all"}));
        person.fills("Prioritas dalam antrean", priority);
        person.sees("1 berkas diubah, belum diterapkan");
    }
    let [mut ani, mut bayu] = both;
    press(&mut ani, "Periksa dan terapkan");
    ani.fills("Alasan", "lebih mendesak");
    press(&mut ani, "Terapkan");
    ani.sees("Berlaku sebagai versi 2.");
    press(&mut bayu, "Periksa dan terapkan");
    bayu.fills("Alasan", "paling mendesak");
    press(&mut bayu, "Terapkan");
    bayu.sees("Orang lain sudah mengubah pengaturan");
    bayu.sees("Versi 2, ani: lebih mendesak");
    bayu.sees("+call_priority = 7");
    bayu.assert_usable("admin-conflict");
    // A reload loses nothing of what was typed.
    bayu.does(&json!({"do": "reload"}));
    bayu.sees("Perubahan Anda yang lalu masih ada di sini.");
    press(&mut bayu, "Lanjut di atas versi mereka");
    press(&mut bayu, "Periksa dan terapkan");
    assert_eq!(value(&mut bayu, "Alasan"), "paling mendesak");
    press(&mut bayu, "Terapkan");
    bayu.sees("Berlaku sebagai versi 3.");
    let routing = fs::read_to_string(gateway.config().join("routing.toml")).expect("a file");
    assert!(routing.contains("call_priority = 8"), "{routing}");
    gateway.stop();
}

#[test]
fn a_supervisor_sees_who_waits_and_listens_whispers_joins_and_takes_over() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let admin = people::admin(&gateway);
    let mut sari = at_work(&gateway, &admin, "sari", "supervisor");
    let operator = Seat::sits(&gateway, 1);
    let own = Seat::pauses(&gateway, 2);
    let mut talks = Caller::dials(&gateway, "+6281200000001", "");
    operator.answers();
    talks.await_answer();
    let waits = Caller::waits(&gateway, "+6281200000002");

    sari.goes("/supervisor");
    sari.sees("+6281200000002");
    sari.does(&json!({"do": "see", "role": "button", "name": "Dengarkan"}));
    sari.assert_usable("supervisor-calls");

    // A caller who waits is moved up.
    press(&mut sari, "Pindahkan");
    confirm(&mut sari, "Pindahkan panggilan yang menunggu", "Pindahkan");
    sari.sees("Ubah setidaknya satu.");
    sari.assert_usable("supervisor-move");
    sari.chooses("Prioritas (9 paling dulu)", "9");
    confirm(&mut sari, "Pindahkan panggilan yang menunggu", "Pindahkan");
    sari.sees("Prioritas 9");

    press(&mut sari, "Untuk layar dinding");
    sari.assert_usable("supervisor-wall");
    press(&mut sari, "Ukuran biasa");

    // Listening: the own phone rings, and the board says who listens.
    sari.chooses("Kursi saya untuk mendengarkan", "seat-2");
    press(&mut sari, "Dengarkan");
    own.answers();
    sari.sees("seat-2: mendengarkan");
    press(&mut sari, "Bisikkan");
    sari.sees("seat-2: berbisik");
    press(&mut sari, "Ikut bicara");
    confirm(&mut sari, "Ikut bicara", "Ikut bicara");
    sari.sees("seat-2: ikut bicara");
    // Else the seat that becomes free would ring for them.
    waits.gives_up();
    sari.misses("+6281200000002");
    press(&mut sari, "Ambil alih");
    sari.assert_usable("supervisor-take-over");
    confirm(&mut sari, "Ambil alih", "Ambil alih");
    operator.is_hung_up();
    let seat = || talks.live(&gateway).filter(|call| call.text("seat") == "seat-2");
    until("the supervisor has the caller", seat);

    // A seat's state is changed only with a reason, which its operator reads.
    press(&mut sari, "Ubah keadaan: seat-1");
    sari.chooses("Menjadi", "paused");
    press(&mut sari, "Jeda");
    sari.sees("Tulis alasannya");
    sari.fills("Alasan", "istirahat");
    press(&mut sari, "Jeda");
    gateway.await_seat("seat-1", "paused");
    sari.sees("istirahat");
    talks.hangs_up();
    own.is_hung_up();
    gateway.stop();
}

#[test]
fn an_admin_changes_how_long_what_is_kept_with_the_same_findings_and_a_reason() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/retention.toml");
    let prepare = |_: &_, config: &Path| {
        fs::copy(&sample, config.join("retention.toml")).expect("copied");
    };
    let (gateway, ()) = Centre::default().start_with(prepare);
    let admin = people::admin(&gateway);
    let mut ani = at_work(&gateway, &admin, "ani", "admin");
    ani.goes("/admin/retention");
    ani.sees("730 hari");
    ani.assert_usable("admin-retention-rules");
    press(&mut ani, "Ubah masa simpan");
    // A kind that no rule names would be kept for ever: told, and refused.
    ani.does(&json!({"do": "click", "text": "Iseng, Panggilan kosong"}));
    let second = json!({"do": "click", "role": "checkbox", "name": "Iseng"});
    ani.does(&second);
    ani.sees("tidak ada [[keep]] untuk panggilan jenis prank");
    ani.assert_usable("admin-retention-mistake");
    ani.does(&second);
    ani.misses("tidak ada [[keep]]");
    let days =
        json!({"do": "fill", "label": "Rekaman suara disimpan (hari)", "nth": 1, "value": "30"});
    ani.does(&days);
    press(&mut ani, "Periksa dan terapkan");
    ani.sees("+audio_days = 30");
    ani.fills("Alasan", "jadwal retensi 2026");
    press(&mut ani, "Terapkan");
    ani.sees("Berlaku sebagai versi 2.");
    let rules = gateway.get("/api/v1/retention/report").json()["rules"].clone();
    let prank = rules.as_array().expect("a list").iter().find(|rule| rule["calls"] == "prank");
    assert_eq!(prank.expect("a rule")["audio_days"], 30, "{rules}");
    gateway.stop();
}

#[test]
fn a_supervisor_hands_out_a_bundle_a_redacted_copy_and_a_pack() {
    let gateway = Centre { seats: 1, ..Centre::default() }.start();
    let admin = people::admin(&gateway);
    let desk = Seat::sits(&gateway, 1);
    let mut caller = Caller::dials(&gateway, "+6281200000001", "");
    desk.answers();
    caller.await_answer();
    let live = caller.live(&gateway).expect("it is shown");
    let incident = live.text("incident");
    let change = json!({"version": 0, "text": "Bu Siti melapor kebakaran", "caller_name": "Siti"});
    let path = format!("/api/v1/incidents/{incident}");
    assert_eq!(gateway.patch(&path, &change.to_string()).status, 200);
    caller.hangs_up();
    desk.is_hung_up();
    until("the recording is sealed", || {
        let record = gateway.get(&path).json();
        record["recording"]["sha256"].is_string().then_some(())
    });

    let mut sari = at_work(&gateway, &admin, "sari", "supervisor");
    sari.goes("/supervisor/handing");
    sari.clicks("Unduh: Berkas untuk pengadilan");
    sari.sees("Wajib diisi.");
    sari.sees("Tulis alasannya, sedikitnya 4 huruf.");
    let card = |name: &str| json!({"role": "region", "name": name});
    let mut hand = |what: &str, label: &str, value: &str| {
        for (label, value) in [(label, value), ("Alasan", "permintaan polisi 12/2026")] {
            sari.does(&json!({"do": "fill", "label": label, "value": value, "within": card(what)}));
        }
    };
    hand("Berkas untuk pengadilan", "Nomor catatan", "01m2zzzzzzzzzzzzzzzzzzzzzz");
    hand("Salinan yang disunting", "Nomor catatan", &incident);
    hand("Data seorang pelapor", "Nomor telepon", "0812-0000-0001");
    sari.clicks("Unduh: Berkas untuk pengadilan");
    sari.sees("Tidak ada kejadian");
    sari.assert_usable("supervisor-handing");
    sari.does(&json!({"do": "fill", "label": "Nomor catatan", "value": incident,
        "within": card("Berkas untuk pengadilan")}));
    sari.does(&json!({"do": "fill", "label": "Huruf uraian yang dihitamkan", "value": "dua"}));
    sari.sees("Tulis dari-sampai");
    sari.does(&json!({"do": "fill", "label": "Huruf uraian yang dihitamkan", "value": "0-7"}));

    for (what, name, has, has_not) in [
        ("Berkas untuk pengadilan", "-bundle.zip", "Bu Siti", "no such text"),
        ("Salinan yang disunting", "-redacted.zip", "melapor kebakaran", "Bu Siti"),
        ("Data seorang pelapor", ".zip", "Bu Siti", "no such text"),
    ] {
        let button = format!("Unduh: {what}");
        let came = sari.does(&json!({"do": "download", "role": "button", "name": button}));
        let file = came["file"].as_str().expect("a file");
        assert!(file.ends_with(name), "{file}");
        let told = Command::new("unzip").args(["-p", file]).output().expect("unzip is installed");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains(has), "{what} has {has}");
        assert!(!told.contains(has_not), "{what} has no {has_not}");
    }
    gateway.stop();
}

#[test]
fn an_admin_hears_puts_and_replaces_what_callers_hear() {
    let gateway = Centre::default().start();
    let admin = people::admin(&gateway);
    let sound = |name: &str, hertz: f64| {
        let file = gateway.dir().join(name);
        tone::piece(&file, hertz, RATE);
        file
    };
    let (first, second) = (sound("first.wav", 600.0), sound("second.wav", 900.0));
    let broken = gateway.dir().join("broken.wav");
    fs::write(&broken, "this is no audio at all").expect("written");
    let mut ani = at_work(&gateway, &admin, "ani", "admin");
    ani.goes("/admin/prompts");
    ani.sees("selamat-datang");
    ani.assert_usable("admin-prompts-missing");
    ani.clicks("Unggah: selamat-datang");
    press(&mut ani, "Terapkan");
    ani.sees("Wajib diisi.");
    ani.sees("Tulis alasannya.");
    let attach = |file: &Path| json!({"do": "attach", "label": "Berkas suara", "files": file});
    ani.does(&attach(&broken));
    ani.fills("Alasan", "suara baru");
    press(&mut ani, "Terapkan");
    ani.sees("tidak dapat dibaca sebagai suara");
    ani.assert_usable("admin-prompt-refused");
    ani.does(&attach(&first));
    press(&mut ani, "Terapkan");
    ani.sees("selamat-datang disimpan dan terdengar mulai sekarang.");
    ani.sees("darurat: sambutan");
    assert_eq!(
        fs::read(gateway.config().join("prompts/id/selamat-datang.wav")).expect("it is kept"),
        fs::read(&first).expect("a file")
    );
    // It plays in the page: so long as it is.
    let played = ani.asks(
        "new Promise((done) => {
            const player = document.querySelector('audio[aria-label*=selamat-datang]');
            player.onended = () => done(player.duration);
            player.play();
        })",
    );
    assert!((played.as_f64().expect("seconds") - 1.0).abs() < 0.1, "{played}");
    ani.assert_usable("admin-prompts");

    ani.clicks("Ganti: selamat-datang");
    ani.does(&attach(&second));
    ani.fills("Alasan", "lebih jelas");
    press(&mut ani, "Terapkan");
    ani.misses("lebih jelas");
    until("the second one is kept", || {
        let kept = fs::read(gateway.config().join("prompts/id/selamat-datang.wav")).ok()?;
        (kept == fs::read(&second).expect("a file")).then_some(())
    });
    ani.clicks("Hapus: selamat-datang");
    ani.fills("Alasan", "coba");
    confirm(&mut ani, "Hapus", "Hapus");
    ani.sees("antrean darurat sebagai");
    confirm(&mut ani, "Hapus", "Batal");
    // A version like any other.
    press(&mut ani, "Versi dan pengembalian");
    ani.sees("lebih jelas");
    gateway.stop();
}

#[test]
fn an_auditor_sees_the_heads_verifies_and_is_told_what_was_changed() {
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        let copies = config.join("copies");
        fs::create_dir(&copies).expect("created");
        let node = "[node]";
        edit(config, "gateway.toml", node, &format!("[proof]\ncopy_to = {copies:?}\n\n{node}"));
    });
    let admin = people::admin(&gateway);
    let heads = gateway.config().join("data/heads");
    let file =
        until("today's head is signed", || Some(fs::read_dir(&heads).ok()?.next()?.ok()?.path()));
    let mut agus = at_work(&gateway, &admin, "agus", "auditor");
    agus.goes("/auditor/proof");
    agus.sees("Tanda tangan 1 kepala jurnal benar");
    agus.clicks("Mulai periksa");
    agus.sees("Utuh");
    agus.assert_usable("auditor-proof-whole");
    let text = fs::read_to_string(&file).expect("a head");
    fs::write(&file, text.replace("\"line\": ", "\"line\": 9")).expect("written");
    agus.clicks("Mulai periksa");
    agus.sees("Ada yang berubah");
    agus.sees("tidak ditandatangani dengan kunci node ini");
    agus.assert_usable("auditor-proof-changed");
    gateway.stop();
}

/// Looks at each page of a role in both languages and both themes.
fn look_at_all(name: &str, role: &str, paths: &[&str]) {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    let admin = people::admin(&gateway);
    let mut person = at_work(&gateway, &admin, name, role);
    for path in paths {
        person.goes(path);
        person.misses("Memuat …");
        person.assert_usable(path.trim_start_matches('/').replace('/', "-").as_str());
    }
    gateway.stop();
}

#[test]
fn every_page_of_a_supervisor_is_open_to_everybody() {
    look_at_all(
        "sari",
        "supervisor",
        &["/supervisor", "/supervisor/figures", "/supervisor/staffing"],
    );
}

#[test]
fn every_page_of_an_admin_is_open_to_everybody() {
    let pages =
        ["routing", "versions", "prompts", "status", "people", "tokens", "retention", "audit"];
    let pages = pages.map(|page| format!("/admin/{page}"));
    look_at_all("ani", "admin", &pages.each_ref().map(String::as_str));
}

#[test]
fn every_page_of_an_auditor_is_open_to_everybody() {
    let pages = ["/auditor/access", "/auditor/deeds", "/auditor/proof", "/auditor/exports"];
    look_at_all("agus", "auditor", &pages);
}
