//! What was kept is proved: `siaga112 verify` over the files of a real gateway, running and stopped, and
//! over copies of them in which somebody changed something.

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
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::Connection as _;

use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone};
use support::sipp::Sipp;
use support::tone::talk;
use support::wait::until;

/// One answered and recorded call, sealed, and the day's head signed.
fn with_a_call(gateway: &Gateway) {
    let seat = Sipp::seat(gateway, 1, "seat-answers-expect-bye");
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
    call.invite(&trunk, audio.local_addr().unwrap());
    let answer = call.await_answer(&trunk);
    talk(&audio, answer.media(), 440.0, Duration::from_millis(600));
    call.hang_up(&trunk);
    seat.finish();
    let id = gateway.incident().id();
    until("the recording is sealed", || {
        (!gateway.show(&id).text("recording.sha256").is_empty()).then_some(())
    });
    until("the head is signed", || one(&gateway.config().join("data/heads"), "json"));
}

/// The only file with this ending.
fn one(folder: &Path, ending: &str) -> Option<PathBuf> {
    let files = folder.read_dir().ok()?.map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|found| found == ending))
}

/// Exit status and output of `siaga112 verify`.
fn verify(config: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    let done = command.arg("verify").arg("--config").arg(config).args(words).output().unwrap();
    let told = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&told).into_owned())
}

/// A copy of a centre's folder, whose data lies in it.
fn copied(from: &Path) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("config");
    assert!(Command::new("cp").arg("-r").arg(from).arg(&to).status().unwrap().success());
    let gateway = to.join("gateway.toml");
    let text = fs::read_to_string(&gateway).unwrap();
    let text = text.replace(&*from.to_string_lossy(), &to.to_string_lossy());
    fs::write(gateway, text).unwrap();
    dir
}

/// What `verify` says when `change` was done to a copy of the data.
fn after(config: &Path, change: impl FnOnce(&Path)) -> String {
    let dir = copied(config);
    let config = dir.path().join("config");
    change(&config.join("data"));
    let (status, told) = verify(&config, &[]);
    assert_eq!(status, Some(1), "{told}");
    told
}

fn lines(data: &Path) -> (PathBuf, Vec<String>) {
    let path = one(&data.join("journal"), "jsonl").expect("a segment");
    let text = fs::read_to_string(&path).unwrap();
    (path, text.lines().map(|line| format!("{line}\n")).collect())
}

fn sql(data: &Path, statement: &'static str) {
    let url = format!("sqlite:{}", data.join("siaga112.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut db = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(statement).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    });
}

fn edit_lines(data: &Path, edit: impl FnOnce(&mut Vec<String>)) {
    let (path, mut all) = lines(data);
    edit(&mut all);
    fs::write(path, all.concat()).unwrap();
}

#[test]
#[allow(clippy::too_many_lines, reason = "one change after the other")]
fn all_holds_under_a_running_gateway_and_every_change_is_found() {
    let gateway = Centre::default().start();
    with_a_call(&gateway);
    let config = gateway.config();
    let key = config.join("data/keys/proof.key").metadata().unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let (status, told) = verify(&config, &[]);
    assert_eq!(status, Some(0), "{told}");
    assert!(
        told.contains("heads        1 hold") && told.contains("recordings   1 as sealed"),
        "{told}"
    );
    assert!(told.contains("rows as the journal says"), "{told}");
    // The caller's number stands nowhere in the journal.
    let (_, journal) = lines(&config.join("data"));
    assert!(!journal.concat().contains("81234567890"));
    let kept = copied(&config);
    gateway.stop();
    let config = kept.path().join("config");
    let (status, told) = verify(&config, &[]);
    assert_eq!(status, Some(0), "{told}");

    let told = after(&config, |data| {
        sql(data, "UPDATE incident SET caller_e164 = '+62811'");
    });
    assert!(told.contains("FAULT: database: table incident call"), "{told}");
    assert!(told.contains("caller_e164 not what the journal says"), "{told}");
    let told = after(&config, |data| sql(data, "DELETE FROM offer"));
    assert!(told.contains("table offer seq") && told.contains("row is missing"), "{told}");
    let told = after(&config, |data| {
        edit_lines(data, |all| {
            let at = all.iter().position(|line| line.contains("\"queued\"")).unwrap();
            all[at] = all[at].replace("darurat", "lainnya");
        });
    });
    assert!(told.contains("FAULT: journal") && told.contains("was changed after"), "{told}");
    let told = after(&config, |data| edit_lines(data, |all| drop(all.remove(3))));
    assert!(told.contains("number 5 where 4 was expected"), "{told}");
    let told = after(&config, |data| edit_lines(data, |all| all.swap(3, 4)));
    assert!(told.contains("number 5 where 4 was expected"), "{told}");
    let told = after(&config, |data| edit_lines(data, |all| all.truncate(1)));
    assert!(told.contains("FAULT: head") && told.contains("which is not there"), "{told}");
    assert!(told.contains("FAULT: database"), "{told}");
    // Behind the last head nothing is signed; what lines made is told all the same.
    let dir = copied(&config);
    let short = dir.path().join("config");
    edit_lines(&short.join("data"), |all| {
        let first = all.iter().position(|line| line.contains("\"arrived\"")).unwrap();
        let signed = all.iter().position(|line| line.contains("\"head-signed\"")).unwrap();
        all.truncate(first.max(signed + 1));
        all.retain(|line| !line.contains("\"recording-") && !line.contains("\"arrived\""));
    });
    for words in [&["--no-database"][..], &["--no-database", "--since", "2026-01-01"]] {
        let (status, told) = verify(&short, words);
        assert_eq!(status, Some(1), "{told}");
        assert!(told.contains("no line is locked by it"), "{told}");
    }
    let (_, told) = verify(&short, &["--no-database"]);
    assert!(told.contains("FAULT: recording") && told.contains("no line names it"), "{told}");
    let (status, told) = verify(&short, &["--since", "2026-01-01"]);
    assert_eq!(status, Some(1), "{told}");
    assert!(told.contains("FAULT: database: line"), "{told}");
    let (status, told) = verify(&config, &["--since", "2026-01-01"]);
    assert!(status == Some(0) && told.contains("rows as the journal says"), "{told}");

    let told = after(&config, |data| {
        let (path, _) = lines(data);
        fs::rename(&path, path.with_file_name("0000000000000009.jsonl")).unwrap();
    });
    assert!(told.contains("the files before it are missing, with the lines 1 to 8"), "{told}");

    let recording = |data: &Path| one(&data.join("recordings"), "wav").unwrap();
    let told = after(&config, |data| fs::remove_file(recording(data)).unwrap());
    assert!(told.contains("FAULT: recording") && told.contains("file is missing"), "{told}");
    let told = after(&config, |data| {
        let file = fs::OpenOptions::new().write(true).open(recording(data)).unwrap();
        file.write_all_at(b"x", 1_000).unwrap();
    });
    assert!(told.contains("it was changed after it was sealed"), "{told}");
    let told = after(&config, |data| {
        fs::OpenOptions::new().write(true).open(recording(data)).unwrap().set_len(100).unwrap();
    });
    assert!(told.contains("it has 100 bytes where"), "{told}");

    let head = |data: &Path| one(&data.join("heads"), "json").unwrap();
    let told = after(&config, |data| fs::remove_file(head(data)).unwrap());
    assert!(told.contains("FAULT: head") && told.contains("it is missing"), "{told}");
    let told = after(&config, |data| {
        let text = fs::read_to_string(head(data)).unwrap().replace("\"line\": ", "\"line\": 1");
        fs::write(head(data), text).unwrap();
    });
    assert!(told.contains("not signed with this node's key"), "{told}");
    let told = after(&config, |data| fs::remove_file(data.join("keys/proof.key")).unwrap());
    assert!(told.contains("FAULT: key: keys/proof.key"), "{told}");

    let block = |data: &Path| one(&data.join("journal/keys"), "keys").unwrap();
    let told = after(&config, |data| fs::remove_file(block(data)).unwrap());
    assert!(told.contains("FAULT: key") && told.contains("is missing"), "{told}");
    let told = after(&config, |data| {
        let file = fs::OpenOptions::new().write(true).open(block(data)).unwrap();
        file.write_all_at(&[0; 32], 0).unwrap();
    });
    assert!(told.contains("no entry says that it should be"), "{told}");
}
