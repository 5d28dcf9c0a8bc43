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
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::caller::Caller;
use support::gateway::{Centre, Gateway};
use support::helper::Helper;
use support::seat::Seat;
use support::wait::until;

/// What everybody here signs in with.
const PASSWORD: &str = "perahu hijau di kalianget";

/// Somebody who works here, made as the first admin is made.
fn employ(gateway: &Gateway, name: &str, role: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.args(["passwd", "--person", name, "--role", role, "--config"]).arg(gateway.config());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("it runs");
    writeln!(child.stdin.take().expect("piped"), "{PASSWORD}").expect("written");
    assert!(child.wait().expect("it ends").success());
}

/// A person at a page.
struct Person {
    js: Helper,
    at: String,
}

impl Person {
    /// Opens a browser and signs in; the page of the role is shown.
    fn signs_in(gateway: &Gateway, name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let pages = root.join("src/console/web/dist/index.html");
        assert!(pages.is_file(), "make builds the pages: `npm run build` in src/console/web");
        let folder = root.join("tests/pages");
        assert!(folder.join("node_modules").is_dir(), "make test installs what drives Chromium");
        let mut node = Command::new("node");
        node.arg(folder.join("person.js")).arg(gateway.dir()).arg("/dev/null");
        let js = Helper::start(node, gateway.dir().join(format!("{name}.log")));
        js.await_event("here");
        let mut person = Self { js, at: format!("http://{}", gateway.console) };
        person.goes("/");
        person.fills("Nama pengguna", name);
        person.fills("Kata sandi", PASSWORD);
        person.presses("Masuk");
        person.does(&json!({"do": "see", "role": "button", "name": "Keluar"}));
        person
    }

    fn does(&mut self, step: &Value) -> Value {
        self.js.say(&step.to_string());
        let came = self.js.await_event("done");
        assert!(came.get("failed").is_none(), "{}", came["failed"].as_str().unwrap_or_default());
        came
    }

    fn goes(&mut self, path: &str) {
        let url = format!("{}{path}", self.at);
        self.does(&json!({"do": "open", "url": url}));
    }

    fn presses(&mut self, button: &str) {
        self.does(&json!({"do": "click", "role": "button", "name": button, "exact": true}));
    }

    /// Presses a button of a dialog, not the one behind it.
    fn confirms(&mut self, dialog: &str, button: &str) {
        let within = json!({"role": "dialog", "name": dialog});
        let step = json!({"do": "click", "role": "button", "name": button, "exact": true});
        self.does(&with(step, "within", within));
    }

    fn fills(&mut self, label: &str, value: &str) {
        self.does(&json!({"do": "fill", "label": label, "value": value, "exact": true}));
    }

    fn chooses(&mut self, label: &str, value: &str) {
        self.does(&json!({"do": "choose", "label": label, "value": value, "exact": true}));
    }

    fn sees(&mut self, text: &str) {
        self.does(&json!({"do": "see", "text": text}));
    }

    fn tab(&mut self, name: &str) {
        self.does(&json!({"do": "click", "role": "tab", "name": name, "exact": true}));
    }

    fn value(&mut self, label: &str) -> String {
        let came = self.does(&json!({"do": "value", "label": label, "exact": true}));
        came["value"].as_str().expect("a value").to_owned()
    }

    /// Nobody is kept out of the page as it is shown now (WCAG 2.2 AA, by axe).
    fn finds_no_barrier(&mut self, place: &str) {
        let found = self.does(&json!({"do": "axe"}));
        assert_eq!(found["violations"], json!([]), "{place}: {found:#}");
    }
}

fn with(mut step: Value, key: &str, value: Value) -> Value {
    step[key] = value;
    step
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
    employ(&gateway, "ani", "admin");
    let mut ani = Person::signs_in(&gateway, "ani");
    assert_eq!(goes_to(&gateway, "+6281200000001"), "darurat");

    // As text, with a mistake: told at its line, and refused whole.
    ani.goes("/admin/routing");
    ani.tab("Teks");
    let text = ani.value("Isi routing.toml");
    ani.fills("Isi routing.toml", &text.replace("\"darurat\"", "\"darurta\""));
    ani.sees("routing.toml, baris 5, kolom 9");
    ani.finds_no_barrier("a mistake in the text");
    ani.presses("Periksa dan terapkan");
    ani.fills("Alasan", "percobaan");
    ani.finds_no_barrier("the last look");
    ani.presses("Terapkan");
    ani.sees("Gateway menolak; tidak ada yang berubah.");
    assert_eq!(goes_to(&gateway, "+6281200000002"), "darurat");
    ani.confirms("Periksa dan terapkan", "Batal");

    // The same mistake stands at the field of the form.
    ani.tab("Formulir");
    ani.sees("Perbaikan:");
    ani.finds_no_barrier("a mistake in the form");

    // Mended by the form, tried on the calls that were, and applied: the next call takes the new way.
    ani.chooses("Menuju antrean", "laut");
    ani.presses("Periksa dan terapkan");
    assert_eq!(ani.value("Alasan"), "percobaan", "nothing typed is lost");
    ani.presses("Coba");
    ani.sees("dari 2 panggilan akan ke tempat lain");
    ani.presses("Terapkan");
    ani.sees("Berlaku sebagai versi 2.");
    assert_eq!(goes_to(&gateway, "+6281200000003"), "laut");
    let routing = fs::read_to_string(gateway.config().join("routing.toml")).expect("a file");
    assert!(routing.contains("queue = \"laut\""), "{routing}");

    // Back again.
    ani.tab("Versi");
    ani.presses("Lihat versi 1");
    ani.fills("Alasan", "kembali");
    ani.finds_no_barrier("a version");
    ani.presses("Kembalikan versi ini");
    ani.sees("Berlaku sebagai versi 3.");
    assert_eq!(goes_to(&gateway, "+6281200000004"), "darurat");
    gateway.stop();
}

#[test]
fn of_two_admins_the_second_is_shown_what_the_first_has_changed() {
    let (gateway, ()) = Centre { seats: 2, ..Centre::default() }.start_with(|_, c| two_queues(c));
    for name in ["ani", "bayu"] {
        employ(&gateway, name, "admin");
    }
    let mut people = ["ani", "bayu"].map(|name| Person::signs_in(&gateway, name));
    for (person, priority) in people.iter_mut().zip(["7", "8"]) {
        person.goes("/admin/routing");
        person.does(&json!({"do": "click", "text": "Aturan all"}));
        person.fills("Prioritas dalam antrean", priority);
        person.sees("1 berkas diubah, belum diterapkan");
    }
    let [mut ani, mut bayu] = people;
    ani.presses("Periksa dan terapkan");
    ani.fills("Alasan", "lebih mendesak");
    ani.presses("Terapkan");
    ani.sees("Berlaku sebagai versi 2.");
    bayu.presses("Periksa dan terapkan");
    bayu.fills("Alasan", "paling mendesak");
    bayu.presses("Terapkan");
    bayu.sees("Orang lain sudah mengubah pengaturan");
    bayu.sees("Versi 2, ani: lebih mendesak");
    bayu.sees("+call_priority = 7");
    bayu.finds_no_barrier("somebody else's change");
    // A reload loses nothing of what was typed.
    bayu.does(&json!({"do": "reload"}));
    bayu.sees("Perubahan Anda yang lalu masih ada di sini.");
    bayu.presses("Lanjut di atas versi mereka");
    bayu.presses("Periksa dan terapkan");
    assert_eq!(bayu.value("Alasan"), "paling mendesak");
    bayu.presses("Terapkan");
    bayu.sees("Berlaku sebagai versi 3.");
    let routing = fs::read_to_string(gateway.config().join("routing.toml")).expect("a file");
    assert!(routing.contains("call_priority = 8"), "{routing}");
    gateway.stop();
}

#[test]
fn a_supervisor_sees_who_waits_and_listens_whispers_joins_and_takes_over() {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    employ(&gateway, "sari", "supervisor");
    let mut sari = Person::signs_in(&gateway, "sari");
    let operator = Seat::sits(&gateway, 1);
    let own = Seat::pauses(&gateway, 2);
    let mut talks = Caller::dials(&gateway, "+6281200000001", "");
    operator.answers();
    talks.await_answer();
    let waits = Caller::waits(&gateway, "+6281200000002");

    sari.goes("/supervisor");
    sari.sees("+6281200000002");
    sari.does(&json!({"do": "see", "role": "button", "name": "Dengarkan"}));
    sari.finds_no_barrier("the wall board under calls");

    // Listening: the own phone rings, and the board says who listens.
    sari.chooses("Kursi saya untuk mendengarkan", "seat-2");
    sari.presses("Dengarkan");
    own.answers();
    sari.sees("seat-2: mendengarkan");
    sari.presses("Bisikkan");
    sari.sees("seat-2: berbisik");
    sari.presses("Ikut bicara");
    sari.confirms("Ikut bicara", "Ikut bicara");
    sari.sees("seat-2: ikut bicara");
    sari.presses("Ambil alih");
    sari.finds_no_barrier("the question before a talk is taken over");
    sari.confirms("Ambil alih", "Ambil alih");
    operator.is_hung_up();
    let seat = || talks.live(&gateway).filter(|call| call.text("seat") == "seat-2");
    until("the supervisor has the caller", seat);

    // A seat's state is changed only with a reason, which its operator reads.
    sari.presses("Ubah keadaan: seat-1");
    sari.chooses("Menjadi", "paused");
    sari.presses("Jeda");
    sari.sees("Tulis alasannya");
    sari.fills("Alasan", "istirahat");
    sari.presses("Jeda");
    gateway.await_seat("seat-1", "paused");
    sari.sees("istirahat");
    waits.gives_up();
    talks.hangs_up();
    own.is_hung_up();
    gateway.stop();
}

/// Looks at each page of a role in both languages and both themes.
fn look_at_all(name: &str, role: &str, paths: &[&str]) {
    let gateway = Centre { seats: 2, ..Centre::default() }.start();
    employ(&gateway, name, role);
    let mut person = Person::signs_in(&gateway, name);
    for (language, loading) in [("id", "Memuat …"), ("en", "Loading …")] {
        let script = format!("localStorage.setItem('siaga112.language', '{language}')");
        person.does(&json!({"do": "evaluate", "script": script}));
        for path in paths {
            person.goes(path);
            person.does(&json!({"do": "miss", "text": loading}));
            for theme in ["dark", "light"] {
                let script = format!("document.documentElement.dataset.theme = '{theme}'");
                person.does(&json!({"do": "evaluate", "script": script}));
                person.finds_no_barrier(&format!("{path} {language} {theme}"));
            }
        }
    }
    gateway.stop();
}

#[test]
fn every_page_of_a_supervisor_is_open_to_everybody() {
    look_at_all("sari", "supervisor", &["/supervisor", "/supervisor/figures"]);
}

#[test]
fn every_page_of_an_admin_is_open_to_everybody() {
    let pages = ["routing", "versions", "status", "people", "tokens", "retention", "audit"];
    let pages = pages.map(|page| format!("/admin/{page}"));
    look_at_all("ani", "admin", &pages.each_ref().map(String::as_str));
}

#[test]
fn every_page_of_an_auditor_is_open_to_everybody() {
    let pages = ["/auditor/access", "/auditor/deeds", "/auditor/proof", "/auditor/exports"];
    look_at_all("agus", "auditor", &pages);
}
