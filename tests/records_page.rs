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

use std::path::Path;

use serde_json::{Value, json};
use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::people;
use support::person::Person;
use support::seat::Seat;
use support::tone;
use support::wait::until;

const CALLER: &str = "+6281234567890";

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
    let made = gateway.post("/api/v1/incidents", &json!({"origin": "radio", "text": text}).to_string());
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

#[test]
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
    dewi.chooses("Instansi lain", "damkar");
    dewi.clicks("Ubah damkar");
    dewi.fills("Menerima", "2020-01-01T00:00");
    dewi.sees("Waktu harus berurutan");
    dewi.assert_usable("records-agency");
    dewi.fills("Menerima", "");
    dewi.fills("Diberitahu", "2026-09-17T12:13");
    dewi.fills("Catatan: siapa, lewat apa", "Aiptu Budi");
    press(&mut dewi, "Selesai");
    let of = |record: &Value| record["written"]["form"]["agencies"]["damkar"].clone();
    await_record(&gateway, &first, "the agency is as changed", |record| {
        let told = of(record);
        told["note"] == "Aiptu Budi"
            && told["accepted_at"].is_null()
            && told["notified_at"].as_str().is_some_and(|at| at.starts_with("2026-09-17"))
    });
    dewi.clicks("Ubah damkar");
    press(&mut dewi, "Hapus dari formulir");
    await_record(&gateway, &first, "the agency is gone", |record| of(record).is_null());

    // Closed by somebody else before the last words were saved: they stay, and are saved once it is open.
    dewi.does(&json!({"do": "offline", "value": true}));
    dewi.fills("Hasil", "jalan bersih");
    dewi.sees("Belum tersimpan di gateway; aman di peramban ini");
    let version = show(&gateway, &first)["written"]["version"].clone();
    let closed = gateway.post(
        &format!("/api/v1/incidents/{first}/close"),
        &json!({"version": version}).to_string(),
    );
    assert_eq!(closed.status, 200, "{closed:?}");
    dewi.does(&json!({"do": "offline", "value": false}));
    dewi.sees("Ada isian Anda yang belum tersimpan");
    dewi.has("Hasil", "jalan bersih");
    press(&mut dewi, "Buka lagi");
    await_field(&gateway, &first, "result", "jalan bersih");
    press(&mut dewi, "Tutup catatan");
    await_record(&gateway, &first, "it is closed", |record| record["written"]["state"] == "closed");
    gateway.stop();
}
