//! A thread of the real program that hangs: it is stopped from outside, alone, as an endless loop or a dead disk
//! would stop it. Nothing else stands still, people are told, and what can be mended is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Phone};
use support::sipp::Sipp;
use support::tone::{channel, share, talk};
use support::wait::{LIMIT, until, within};

const SECOND: Duration = Duration::from_secs(1);

/// A thread that stands still until this is dropped.
struct Hung(Pid);

impl Hung {
    fn new(gateway: &Gateway, name: &str) -> Self {
        let threads = gateway.threads(name);
        let [thread] = threads[..] else { panic!("{name}: {threads:?}") };
        let thread = Pid::from_raw(thread);
        ptrace::attach(thread).expect("a test may trace its child");
        waitpid(thread, Some(WaitPidFlag::__WALL)).expect("it stops");
        Self(thread)
    }
}

impl Drop for Hung {
    fn drop(&mut self) {
        let _ = ptrace::detach(self.0, None);
    }
}

fn alarms(gateway: &Gateway, name: &str) -> u64 {
    let metrics = String::from_utf8(gateway.get("/metrics").body).unwrap();
    let start = format!("siaga112_alarms_total{{name=\"{name}\"}} ");
    let count = metrics.lines().find_map(|line| line.strip_prefix(start.as_str()));
    count.map_or(0, |count| count.parse().unwrap())
}

fn ready(gateway: &Gateway) -> String {
    String::from_utf8(gateway.get("/readyz").body).unwrap()
}

fn call(gateway: &Gateway) -> (Phone, Dialog, UdpSocket) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).unwrap();
    call.invite(&trunk, audio.local_addr().unwrap());
    (trunk, call, audio)
}

#[test]
fn a_media_thread_that_hangs_is_told_and_calls_are_kept() {
    let gateway = Centre::default().start();
    let _seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call, audio) = call(&gateway);
    let media = call.await_answer(&trunk).media();
    talk(&audio, media, 440.0, SECOND);
    assert!(!ready(&gateway).contains("media thread"));
    let hung = Hung::new(&gateway, "media");
    until("the hang is told", || (alarms(&gateway, "media-stuck") == 1).then_some(()));
    let page = ready(&gateway);
    assert!(page.contains("degraded") && page.contains("the media thread has not moved"), "{page}");
    assert_eq!(gateway.calls().len(), 1, "the call is kept");
    drop(hung);
    until("its end is told", || (alarms(&gateway, "media-moves") == 1).then_some(()));
    assert!(!ready(&gateway).contains("media thread"));
    talk(&audio, media, 440.0, SECOND);
    call.hang_up(&trunk);
    let incident = gateway.incident();
    assert_eq!(incident.ending(), "talking caller hung-up");
    assert!(incident.0["caller_packets"].as_u64().unwrap() >= 80, "{incident:?}");
    gateway.stop();
}

#[test]
fn a_recorder_that_hangs_is_followed_by_another_and_every_part_is_kept() {
    let gateway = Centre::default().start();
    let _seat = Sipp::seat(&gateway, 1, "seat-answers-expect-bye");
    let (trunk, mut call, audio) = call(&gateway);
    let media = call.await_answer(&trunk).media();
    talk(&audio, media, 440.0, SECOND * 2);
    let hung = Hung::new(&gateway, "recorder");
    // Who talks waits for nobody who looks.
    let heard = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !heard.load(Ordering::Relaxed) {
                talk(&audio, media, 440.0, SECOND / 2);
            }
        });
        let resumed = || (alarms(&gateway, "recording-resumed") == 1).then_some(());
        let resumed = within(LIMIT, resumed);
        heard.store(true, Ordering::Relaxed);
        assert!(resumed.is_some(), "it is recorded again");
    });
    assert_eq!(alarms(&gateway, "recorder-stuck"), 1);
    let page = ready(&gateway);
    assert!(page.contains("the recorder has not moved"), "{page}");
    drop(hung);
    talk(&audio, media, 440.0, SECOND);
    call.hang_up(&trunk);
    assert_eq!(gateway.incident().ending(), "talking caller hung-up", "the call never noticed");
    let id = gateway.incident().id();
    let incident = until("both parts are sealed", || {
        let incident = gateway.show(&id);
        let further = incident.0["further_recordings"].as_array()?.first()?["sha256"].is_string();
        (further && incident.0["recording"]["sha256"].is_string()).then_some(incident)
    });
    let missed = incident.0["further_recordings"][0]["missed_millis"].as_u64().unwrap();
    assert!((4_000..12_000).contains(&missed), "{missed}");
    for part in [1, 2] {
        let answer = gateway.get(&format!("/api/v1/incidents/{id}/recording?part={part}"));
        assert_eq!(answer.status, 200, "part {part}");
        let (left, rate) = channel(&answer.body, 0);
        assert!(left.len() > 2 * rate as usize, "part {part}: {} samples", left.len());
        let heard = share(&left[rate as usize / 2..], 440.0, rate);
        assert!(heard > 0.9, "part {part}: {heard} of {} samples", left.len());
    }
    gateway.stop();
}
