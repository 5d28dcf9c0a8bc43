//! What leaves the house: bundles that anybody checks with the tools of any machine, redacted copies, the
//! records of one number, and the access entries of every command. The real program throughout.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone};
use support::record::Incident;
use support::sipp::Sipp;
use support::tone::talk;
use support::wait::until;

const NUMBER: &str = "+6281234567890";

/// A call that is answered, recorded and over; the id of its incident.
fn with_a_call(gateway: &Gateway, number: &str) -> String {
    let seat = Sipp::seat(gateway, 1, "seat-answers-expect-bye");
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, number, &format!("sip:112@{}", gateway.sip));
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    let before = ids(gateway);
    call.invite(&trunk, audio.local_addr().unwrap());
    let answer = call.await_answer(&trunk);
    talk(&audio, answer.media(), 440.0, Duration::from_millis(600));
    call.hang_up(&trunk);
    seat.finish();
    let id = until("the call is over", || {
        let all = Incident::list(&gateway.get("/api/v1/incidents").json());
        let new = all.into_iter().find(|call| !before.contains(&call.id()) && call.is_over());
        new.map(|call| call.id())
    });
    until("the recording is sealed", || {
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        record["recording"]["sha256"].is_string().then_some(())
    });
    id
}

fn ids(gateway: &Gateway) -> Vec<String> {
    Incident::list(&gateway.get("/api/v1/incidents").json()).iter().map(Incident::id).collect()
}

/// The call of an incident.
fn call_of(gateway: &Gateway, id: &str) -> String {
    Incident(gateway.get(&format!("/api/v1/incidents/{id}")).json()).text("call")
}

fn write(gateway: &Gateway, id: &str, form: &Value) {
    let answer = gateway.patch(&format!("/api/v1/incidents/{id}"), &form.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    let version = answer.json()["version"].clone();
    until("the database has it", || {
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        (record["written"]["version"] == version).then_some(())
    });
}

/// Runs `siaga112 incidents …`; whether it went well, and what it said.
fn incidents(gateway: &Gateway, words: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.arg("incidents").args(words).arg("--config").arg(gateway.config());
    let done = command.output().unwrap();
    let told = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&told).into_owned())
}

/// Unpacks a ZIP file with the machine's own tool.
fn unpacked(zip: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let done = Command::new("unzip").arg("-q").arg(zip).arg("-d").arg(dir.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    dir
}

fn run(folder: &Path, words: &[&str]) -> (bool, String) {
    let done = Command::new("sh").args(words).current_dir(folder).output().unwrap();
    let told = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&told).into_owned())
}

fn text(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Every file of a folder that holds `words`.
fn holding(folder: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(holding(&path, words));
        } else if memchr::memmem::find(&fs::read(&path).unwrap(), words.as_bytes()).is_some() {
            found.push(path);
        }
    }
    found
}

fn access(gateway: &Gateway) -> Vec<Value> {
    let log = gateway.get("/api/v1/access-log").json();
    log["access"].as_array().expect("a list").clone()
}

/// Waits for an entry of the access log with these words.
fn await_access(gateway: &Gateway, what: &str, reason: &str) -> Value {
    until(&format!("{what:?} is in the access log"), || {
        access(gateway).into_iter().find(|look| look["what"] == what && look["reason"] == reason)
    })
}

#[test]
#[allow(clippy::too_many_lines, reason = "one bundle, checked and altered")]
fn a_bundle_is_checked_with_the_tools_of_any_machine_and_every_change_shows() {
    let gateway = Centre::default().start();
    let id = with_a_call(&gateway, NUMBER);
    write(
        &gateway,
        &id,
        &json!({ "version": 0, "caller_name": "Bu Siti", "text": "api di dapur" }),
    );
    until("the head is signed", || {
        gateway.config().join("data/heads").read_dir().ok()?.next().map(drop)
    });
    let out = gateway.dir().join("bundle.zip");
    let file = out.to_str().unwrap();
    let (done, told) = incidents(&gateway, &["bundle", &id, "--out", file]);
    assert!(!done && told.contains("--reason"), "{told}");
    let (done, told) = incidents(&gateway, &["bundle", &id, "--out", file, "--reason", "x"]);
    assert!(!done && told.contains("4 to 200"), "{told}");
    assert!(!out.exists());
    let words = ["bundle", &id, "--out", file, "--reason", "penetapan PN Sumenep 7/2026"];
    let (done, told) = incidents(&gateway, &words);
    assert!(done, "{told}");
    assert_eq!(out.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let look = await_access(&gateway, "incident bundled for others", "penetapan PN Sumenep 7/2026");
    assert_eq!(look["subject"], id.as_str());
    assert!(look["by"].as_str().unwrap().ends_with("(command line)"), "{look}");
    // A file that is there is left alone.
    let (done, told) = incidents(&gateway, &words);
    assert!(!done && told.contains("is there already"), "{told}");

    let dir = unpacked(&out);
    let (right, told) = run(dir.path(), &["check.sh"]);
    assert!(right && !told.contains("WRONG"), "{told}");
    for part in ["SHA256SUMS.sig", "audio/", "journal/lines-", "journal/opened.jsonl"] {
        assert!(told.contains(part), "{part} was not checked: {told}");
    }
    let page = text(dir.path(), "index.html");
    for words in ["Berkas bukti", "Evidence bundle", NUMBER, "Bu Siti", "api di dapur", "<audio"] {
        assert!(page.contains(words), "{words} is not on the page");
    }
    let record: Value = serde_json::from_str(&text(dir.path(), "record.json")).unwrap();
    assert_eq!(record[0]["caller_e164"], NUMBER);
    assert!(text(dir.path(), "ladder.json").contains("INVITE sip:112@"));
    assert!(text(dir.path(), "versions.json").contains("Bu Siti"));
    assert_eq!(text(dir.path(), "key.pem").lines().count(), 3);

    // What is locked in a line says what was opened, by openssl alone.
    let opened = text(dir.path(), "journal/opened.jsonl");
    let edited = opened.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let edited = edited.into_iter().find(|line| line["says"]["fact"] == "incident-edited").unwrap();
    let (right, told) = run(dir.path(), &["open-line.sh", &edited["line"].to_string()]);
    assert!(right && told.contains("Bu Siti"), "{told}");

    // The same by HTTP, with the day's head over all of it or not yet.
    let answer = gateway.get(&format!("/api/v1/incidents/{id}/bundle"));
    assert_eq!(answer.status, 200);
    let sent = gateway.dir().join("sent.zip");
    fs::write(&sent, answer.body).unwrap();
    let (right, told) = run(unpacked(&sent).path(), &["check.sh"]);
    assert!(right, "{told}");
    await_access(&gateway, "incident bundled for others", "test of the suite");

    // Whatever is changed shows, also where the list of hashes was made anew.
    let anew = "sha256sum $(find . -type f ! -name 'SHA256SUMS*' | sed 's,^./,,') > SHA256SUMS";
    for (file, from, to) in [
        ("record.json", "api di dapur", "tidak ada apa"),
        ("journal/opened.jsonl", "api di dapur", "tidak ada apa"),
    ] {
        let dir = unpacked(&out);
        let changed = text(dir.path(), file).replace(from, to);
        fs::write(dir.path().join(file), changed).unwrap();
        let (right, told) = run(dir.path(), &["check.sh"]);
        assert!(!right && told.contains("SALAH / WRONG: SHA256SUMS"), "{told}");
        run(dir.path(), &["-c", anew]);
        let (right, told) = run(dir.path(), &["check.sh"]);
        assert!(!right && told.contains("SALAH / WRONG: SHA256SUMS.sig"), "{told}");
    }
    let dir = unpacked(&out);
    let opened = text(dir.path(), "journal/opened.jsonl");
    let first = opened.lines().next().expect("a line").replace("sha256\":\"", "sha256\":\"00");
    let other = opened.lines().skip(1).map(str::to_owned);
    let other: Vec<String> = std::iter::once(first).chain(other).collect();
    fs::write(dir.path().join("journal/opened.jsonl"), other.join("\n") + "\n").unwrap();
    fs::write(dir.path().join("audio/seconds.wav"), "one more").unwrap();
    let (right, told) = run(dir.path(), &["check.sh"]);
    assert!(!right && told.contains("WRONG: journal/opened.jsonl: "), "{told}");
    assert!(told.contains("no part of this bundle: audio/seconds.wav"), "{told}");
    // The key that everything hangs on is shown as the heads have it.
    let head = gateway.config().join("data/heads").read_dir().unwrap().next().unwrap().unwrap();
    let head: Value = serde_json::from_slice(&fs::read(head.path()).unwrap()).unwrap();
    assert!(told.contains(&format!("KEY: {}", head["key"].as_str().unwrap())), "{told}");
    let dir = unpacked(&out);
    let lines = dir.path().join("journal").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let lines = lines.into_iter().find(|path| path.to_string_lossy().contains("lines-")).unwrap();
    let all = fs::read_to_string(&lines).unwrap();
    let cut: Vec<&str> = all.lines().enumerate().filter(|(n, _)| *n != 2).map(|(_, l)| l).collect();
    fs::write(&lines, cut.join("\n") + "\n").unwrap();
    let (right, told) = run(dir.path(), &["check.sh"]);
    assert!(!right && told.contains("SALAH / WRONG: journal/lines-"), "{told}");
    gateway.stop();
}

#[test]
fn an_old_openssl_says_so_and_what_stands_in_a_bundle_is_never_run() {
    let dir = tempfile::tempdir().unwrap();
    let handed = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proof/handed");
    for script in ["check.sh", "open-line.sh"] {
        fs::copy(handed.join(script), dir.path().join(script)).unwrap();
    }
    let old = dir.path().join("openssl");
    fs::write(&old, "#!/bin/sh\necho OpenSSL 1.1.1w\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let done = Command::new("sh")
        .args(["-c", "PATH=\"$PWD:$PATH\" exec sh check.sh"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2), "{done:?}");
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(told.contains("OpenSSL 3 is needed") && done.stdout.is_empty(), "{told}");

    fs::remove_file(&old).unwrap();
    fs::create_dir(dir.path().join("journal")).unwrap();
    fs::write(dir.path().join("journal/keys.txt"), "1 00 r06\n").unwrap();
    let evil = "{\"seq\":7,\"sealed\":{\"slot\":x//;1e touch ran;s/y,\"data\":\"AAAA\"}}\n";
    fs::write(dir.path().join("journal/lines-x.jsonl"), evil).unwrap();
    for number in ["7", "7,\\|x", "", "$(touch ran)"] {
        let (right, told) = run(dir.path(), &["open-line.sh", number]);
        assert!(!right && told.contains("bukan / this is no"), "{told}");
    }
    assert!(!dir.path().join("ran").exists());
}

#[test]
#[allow(clippy::too_many_lines, reason = "one copy, looked at from every side")]
fn a_redacted_copy_has_nothing_of_what_was_taken_out_and_says_what_that_was() {
    let recording = "format = \"ogg\"\nencrypt = true\n";
    let gateway = Centre { recording, ..Centre::default() }.start();
    let id = with_a_call(&gateway, NUMBER);
    write(
        &gateway,
        &id,
        &json!({ "version": 0, "caller_name": "Bu Siti Aminah", "address": "Jl. Trunojoyo 5",
            "text": "Siti bilang anaknya sakit, telp 0819-1111-2222, gula darah tinggi" }),
    );
    let hold = "{\"hold\": true, \"why\": \"perkara Pak Budi\"}";
    assert_eq!(gateway.post(&format!("/api/v1/incidents/{id}/hold"), hold).status, 204);
    assert_eq!(gateway.post(&format!("/api/v1/incidents/{id}/recording/hold"), hold).status, 204);
    until("the holds are in the record", || {
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        (record["hold"].is_object() && record["recording"]["held"] == true).then_some(())
    });
    let before = fs::read_dir(gateway.config().join("data/recordings")).unwrap().count();

    // A mistake says what and how to mend it, and changes and keeps nothing.
    let spec = gateway.dir().join("spec.json");
    let out = gateway.dir().join("redacted.zip");
    let (file, by) = (out.to_str().unwrap(), format!("--redacted={}", spec.display()));
    let words = ["bundle", &id, "--out", file, "--reason", "untuk wartawan", &by];
    for (wanted, told) in [
        ("{\"text\": [", "column 10"),
        ("{\"voices\": []}", "unknown field `voices`"),
        ("{\"text\": [{\"in\": \"notes\"}]}", "this record has text, address"),
        ("{\"audio\": [{\"from\": 0.2, \"to\": 99}]}", "s long"),
    ] {
        fs::write(&spec, wanted).unwrap();
        let (done, said) = incidents(&gateway, &words);
        assert!(!done && said.contains(told), "{wanted}: {said}");
        assert!(!out.exists());
    }
    fs::write(
        &spec,
        "{\"text\": [{\"in\": \"text\", \"from\": 48}],
          \"audio\": [{\"from\": 0.0, \"to\": 0.3, \"channel\": \"caller\", \"with\": \"silence\"}]}",
    )
    .unwrap();
    let (done, told) = incidents(&gateway, &words);
    assert!(done, "{told}");
    let dir = unpacked(&out);
    for gone in [
        "Siti",
        "Aminah",
        "Trunojoyo",
        "81234567890",
        "1111-2222",
        "gula darah",
        "INVITE sip:",
        "Budi",
    ] {
        assert_eq!(holding(dir.path(), gone), Vec::<PathBuf>::new(), "{gone}");
    }
    let page = text(dir.path(), "index.html");
    assert!(page.contains("anaknya sakit") && page.contains("Dihapus / Taken out"), "{page}");
    let note: Value = serde_json::from_str(&text(dir.path(), "redaction.json")).unwrap();
    assert_eq!((&note["reason"], &note["incident"]), (&json!("untuk wartawan"), &json!(id)));
    assert_eq!(note["taken_out"]["text"][0]["from"], 48);
    let (right, told) = run(dir.path(), &["check.sh"]);
    assert!(right, "{told}");
    // Lines of other cases stay in the house, and why this one is held.
    let journal = dir.path().join("journal").read_dir().unwrap();
    let journal: Vec<_> = journal.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(journal, ["opened.jsonl"]);
    assert!(!dir.path().join("heads").exists());

    // As long as the original, without what was said.
    let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
    let call = call_of(&gateway, &id);
    let wav = dir.path().join(format!("audio/{call}-redacted.wav"));
    let mut copy = hound::WavReader::open(&wav).expect("a WAV file");
    let millis = i64::from(copy.duration()) / 8;
    assert_eq!(millis, record["recording"]["millis"].as_i64().unwrap());
    let samples: Vec<i16> = copy.samples().map(|sample| sample.unwrap()).collect();
    assert!(samples.iter().step_by(2).take(2_400).all(|sample| *sample == 0));
    assert!(samples.iter().step_by(2).skip(2_400).any(|sample| sample.abs() > 1_000));

    // Without a file nothing of audio leaves, and by HTTP it is the same.
    let answer = gateway.post(&format!("/api/v1/incidents/{id}/redacted"), "{}");
    assert_eq!(answer.status, 200, "{answer:?}");
    fs::write(&out, answer.body).unwrap();
    let dir = unpacked(&out);
    assert!(!dir.path().join("audio").exists() && holding(dir.path(), "Siti").is_empty());
    let wrong =
        gateway.post(&format!("/api/v1/incidents/{id}/redacted"), "{\"audio\": [{\"part\": 4}]}");
    assert_eq!(wrong.status, 400, "{wrong:?}");

    // The whole bundle has the encrypted file too, which is what was sealed.
    let whole = gateway.dir().join("whole.zip");
    let words = ["bundle", &id, "--out", whole.to_str().unwrap(), "--reason", "ke pengadilan"];
    let (done, told) = incidents(&gateway, &words);
    assert!(done, "{told}");
    let dir = unpacked(&whole);
    let (right, told) = run(dir.path(), &["check.sh"]);
    assert!(right && told.contains(&format!("RIGHT: sealed/{call}.ogg.enc")), "{told}");
    assert!(fs::read(dir.path().join(format!("audio/{call}.ogg"))).unwrap().starts_with(b"OggS"));

    // What takes nothing out of a recording makes no redacted one.
    for nothing in ["{}", "{\"names\": true}", "{\"audio\": []}"] {
        fs::write(&spec, nothing).unwrap();
        let out = gateway.dir().join("nothing.wav");
        let words = ["recording", &id, "--out", out.to_str().unwrap(), "--reason", "salah", &by];
        let (done, told) = incidents(&gateway, &words);
        assert!(!done && told.contains("nothing would be taken out of part 1"), "{told}");
        assert!(!out.exists());
    }

    // One recording alone.
    let alone = gateway.dir().join("alone.ogg");
    let words =
        ["recording", &id, "--out", alone.to_str().unwrap(), "--reason", "didengar penyidik"];
    let (done, told) = incidents(&gateway, &words);
    assert!(done && fs::read(&alone).unwrap().starts_with(b"OggS"), "{told}");
    await_access(&gateway, "recording played", "didengar penyidik");
    await_access(&gateway, "redacted copy made", "untuk wartawan");

    // The original is what it was.
    let after = gateway.get(&format!("/api/v1/incidents/{id}")).json();
    assert_eq!(after["recording"], record["recording"]);
    assert_eq!(after["text"], record["text"]);
    assert_eq!(fs::read_dir(gateway.config().join("data/recordings")).unwrap().count(), before);
    let verified = Command::new(env!("CARGO_BIN_EXE_siaga112"))
        .args(["verify", "--config"])
        .arg(gateway.config())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    gateway.stop();
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story from its beginning to its end")]
fn a_pack_has_every_record_of_a_number_however_it_was_written_and_no_other_s_number() {
    let gateway = Centre::default().start();
    let first = with_a_call(&gateway, NUMBER);
    let second = with_a_call(&gateway, "081234567890");
    let other = with_a_call(&gateway, "+6281955556666");
    let stranger = with_a_call(&gateway, "+6281234567891");
    let form = json!({ "version": 0, "text": "suaminya di 0819-5555-6666" });
    write(&gateway, &first, &form);
    let form =
        json!({ "version": 0, "caller_name": "Pak Joko", "text": "adiknya 0812-3456-7890 tahu" });
    write(&gateway, &other, &form);

    let out = gateway.dir().join("pack.zip");
    let file = out.to_str().unwrap();
    let ask = |more: &[&str]| {
        let words =
            ["pack", "--number", "0812 3456 7890", "--out", file, "--reason", "hak subjek data"];
        let _ = fs::remove_file(&out);
        let (done, told) = incidents(&gateway, &[&words[..], more].concat());
        assert!(done, "{told}");
        unpacked(&out)
    };
    let dir = ask(&["--audio"]);
    let listed: Value = serde_json::from_str(&text(dir.path(), "records.json")).unwrap();
    let listed: Vec<&str> =
        listed.as_array().unwrap().iter().map(|it| it["incident"].as_str().unwrap()).collect();
    assert_eq!(listed, [first.as_str(), second.as_str(), other.as_str()]);
    assert!(holding(dir.path(), &stranger).is_empty());
    assert!(text(dir.path(), "README.txt").contains("3 catatan"));
    // The own number in each form; nobody else's, and not who else called.
    assert!(!holding(dir.path(), "0812-3456-7890").is_empty());
    for gone in ["5555-6666", "81955556666", "Joko"] {
        assert_eq!(holding(dir.path(), gone), Vec::<PathBuf>::new(), "{gone}");
    }
    let audio =
        |dir: &Path, id: &str| dir.join(format!("audio/{}.wav", call_of(&gateway, id))).exists();
    assert!(audio(dir.path(), &first) && !audio(dir.path(), &other));
    assert!(
        text(dir.path(), &format!("{}.html", call_of(&gateway, &first)))
            .contains("menelepon / called")
    );
    let (sums, told) = run(dir.path(), &["-c", "sha256sum -c SHA256SUMS"]);
    assert!(sums, "{told}");

    let dir = ask(&["--third-parties"]);
    assert!(!holding(dir.path(), "81955556666").is_empty());
    assert!(!audio(dir.path(), &first));
    let look = await_access(&gateway, "records of a number packed", "hak subjek data");
    assert_eq!(look["subject"], NUMBER, "in its normal form");
    // Whoever looked for it is in the pack, however they wrote it; whoever looked for another is not.
    for (number, reason) in [("0812-3456-7890", "cari satu"), ("81955556666", "cari lain")] {
        let filter = format!("number={number}");
        let words = ["list", "--where", &filter, "--reason", reason];
        assert!(incidents(&gateway, &words).0);
        await_access(&gateway, "incidents searched", reason);
    }
    assert_eq!(gateway.get("/api/v1/incidents?number=%2B62812345678&reason=x").status, 200);
    until("the search is in the log", || {
        access(&gateway).iter().any(|look| look["subject"] == "number=+62812345678").then_some(())
    });
    let dir = ask(&[]);
    let looks: Value = serde_json::from_str(&text(dir.path(), "access.json")).unwrap();
    let looks = looks.as_array().unwrap();
    let packs = looks.iter().filter(|look| look["what"] == "records of a number packed").count();
    assert!(packs >= 2, "{looks:?}");
    let searches: Vec<&str> = looks
        .iter()
        .filter(|look| look["what"] == "incidents searched")
        .map(|look| look["subject"].as_str().unwrap())
        .collect();
    // Of the second only a part of the number was typed, which is nobody's.
    assert_eq!(searches, ["number=0812-3456-7890", "number=████████████"]);

    let answer = gateway.post("/api/v1/packs", "{\"number\": \"+62 812-3456-7890\"}");
    assert_eq!(answer.status, 200, "{answer:?}");
    for shared in ["anonymous", "9112200001", "81234567890"] {
        let refused = gateway.post("/api/v1/packs", &json!({ "number": shared }).to_string());
        assert_eq!(refused.status, 400, "{shared}: {refused:?}");
    }
    let nobody = gateway.post("/api/v1/packs", "{\"number\": \"+6281300000000\"}");
    assert_eq!(nobody.status, 404, "{nobody:?}");
    // What was looked for in vain is known as well.
    until("the search is in the log", || {
        access(&gateway).iter().any(|look| look["subject"] == "+6281300000000").then_some(())
    });
    gateway.stop();
}

#[test]
fn a_bundle_has_the_calls_of_merged_records_and_says_what_is_not_in_it() {
    let gateway = Centre::default().start();
    let one = with_a_call(&gateway, NUMBER);
    let two = with_a_call(&gateway, "+6281955556666");
    write(&gateway, &two, &json!({ "version": 0, "text": "asap dari dapur" }));
    let body = json!({ "incident": one, "why": "satu kebakaran" }).to_string();
    let merged = gateway.post(&format!("/api/v1/incidents/{two}/merge"), &body);
    assert_eq!(merged.status, 200, "{merged:?}");
    until("the database has it", || {
        let record = gateway.get(&format!("/api/v1/incidents/{one}")).json();
        (record["written"]["merged"][0]["incident"] == json!(two)).then_some(())
    });
    let calls = [&one, &two].map(|id| call_of(&gateway, id));
    let handed = |id: &str| {
        let answer = gateway.get(&format!("/api/v1/incidents/{id}/bundle"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let zip = gateway.dir().join(format!("{id}.zip"));
        fs::write(&zip, answer.body).unwrap();
        unpacked(&zip)
    };
    let dir = handed(&one);
    let records: Value = serde_json::from_str(&text(dir.path(), "record.json")).unwrap();
    let told: Vec<&str> =
        records.as_array().unwrap().iter().map(|it| it["call"].as_str().unwrap()).collect();
    assert_eq!(told, calls.each_ref().map(String::as_str));
    for call in &calls {
        assert!(dir.path().join(format!("audio/{call}.wav")).exists(), "{call}");
    }
    let versions: Value =
        serde_json::from_str(&text(dir.path(), &format!("versions-{two}.json"))).unwrap();
    assert_eq!(versions[0]["changes"][0]["to"], "asap dari dapur");
    assert!(text(dir.path(), &format!("ladder-{two}.json")).contains("INVITE sip:"));
    let opened = text(dir.path(), "journal/opened.jsonl");
    assert!(opened.contains("asap dari dapur") && opened.contains(&calls[1]), "{opened}");
    assert!(text(dir.path(), "index.html").contains("asap dari dapur"));
    assert!(!dir.path().join("MISSING.txt").exists());
    let (right, told) = run(dir.path(), &["check.sh"]);
    assert!(right, "{told}");
    // Of the part alone, and of a redacted copy, it is said what they are without.
    let dir = handed(&two);
    let missing = text(dir.path(), "MISSING.txt");
    assert!(missing.contains(&one), "{missing}");
    assert!(!dir.path().join(format!("audio/{}.wav", calls[0])).exists());
    let answer = gateway.post(&format!("/api/v1/incidents/{one}/redacted"), "{}");
    assert_eq!(answer.status, 200, "{answer:?}");
    let zip = gateway.dir().join("redacted.zip");
    fs::write(&zip, answer.body).unwrap();
    let dir = unpacked(&zip);
    assert!(text(dir.path(), "MISSING.txt").contains(&two));
    gateway.stop();
}

#[test]
fn commands_leave_an_access_entry_also_while_no_gateway_runs_and_show_nothing_without() {
    let centre = Centre::default();
    let gateway = centre.start();
    let id = with_a_call(&gateway, NUMBER);
    for (words, what) in [
        (&["list", "--where", "number=081234"][..], "incidents searched"),
        (&["show", &id], "incident read"),
        (&["show", &id, "--ladder"], "ladder read"),
        (&["show", &id, "--format", "eido"], "incident exported as EIDO"),
        (&["export", "--format", "json"], "incidents exported"),
    ] {
        let (done, told) = incidents(&gateway, words);
        assert!(!done && told.contains("--reason") && !told.contains("81234567890"), "{told}");
        let (done, told) = incidents(&gateway, &[words, &["--reason", what]].concat());
        assert!(done, "{told}");
        await_access(&gateway, what, what);
    }
    // Nothing is shown that would not be known.
    let folder = gateway.config().join("data/access");
    until("all is taken in", || folder.read_dir().unwrap().next().is_none().then_some(()));
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "in the way").unwrap();
    let (done, told) = incidents(&gateway, &["show", &id, "--reason", "tanpa jejak"]);
    assert!(!done && told.contains("nothing is shown") && !told.contains("81234567890"), "{told}");
    fs::remove_file(&folder).unwrap();

    gateway.signal("KILL");
    let (done, told) = incidents(&gateway, &["show", &id, "--reason", "saat gateway mati"]);
    assert!(done && told.contains("81234567890"), "{told}");
    let gateway = centre.restart(gateway);
    await_access(&gateway, "incident read", "saat gateway mati");
    gateway.stop();
}
