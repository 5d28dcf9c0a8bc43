//! Kamailio as the session border controller between a carrier and us: it records its route, and
//! speaks UDP or TLS with us. Every request within the call, from either side, must pass it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::gateway::{Centre, Gateway, SBC};
use support::phone::{Dialog, Phone, sdp};
use support::tone::assert_talk;
use support::wait::until;

/// A border controller that sends new calls to the gateway and follows its recorded route in all
/// that comes after; requests are told in its log.
struct Border {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Border {
    fn start(gateway: &Gateway, ip: Ipv4Addr, transport: &str) -> Self {
        let folder = gateway.dir().join("kamailio");
        fs::create_dir_all(folder.join("run")).expect("created");
        let (cert, key) = gateway.certificate("sbc", &[SBC, &ip.to_string()]);
        let tls = format!(
            "method = TLSv1.2+\nverify_certificate = yes\nrequire_certificate = yes\n\
             private_key = {}\ncertificate = {}\nca_list = {}\n",
            key.display(),
            cert.display(),
            gateway.authority_file().display(),
        );
        let tls = format!("[server:default]\n{tls}[client:default]\n{tls}");
        fs::write(folder.join("tls.cfg"), tls).expect("written");
        let modules = ["tm", "sl", "rr", "pv", "siputils", "maxfwd", "xlog", "textops", "tls"];
        let modules = modules.map(|name| format!("loadmodule \"{name}.so\"\n")).concat();
        let script = format!(
            r#"debug=1
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
enable_tls=yes
listen=udp:{ip}:5060
listen=tls:{ip}:5061
{modules}modparam("tls", "config", "{}")
request_route {{
    xlog("L_ALERT", "took $rm from $proto:$si\n");
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ xlog("L_ALERT", "routed $rm from $si\n"); t_relay(); exit; }}
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
        sl_send_reply("404", "Not here");
        exit;
    }}
    record_route();
    $ru = "sip:112@{}";
    $du = "sip:{};transport={transport}";
    if (!t_relay()) {{ sl_reply_error(); }}
}}
"#,
            folder.join("tls.cfg").display(),
            gateway.site.gateway(),
            gateway.at(transport),
        );
        fs::write(folder.join("kamailio.cfg"), script).expect("written");
        let log = File::create(folder.join("kamailio.log")).expect("created");
        let child = Command::new("kamailio")
            .args(["-DD", "-E", "-m", "64", "-M", "8", "-f"])
            .arg(folder.join("kamailio.cfg"))
            .arg("-P")
            .arg(folder.join("kamailio.pid"))
            .arg("-Y")
            .arg(folder.join("run"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("Kamailio is installed: make test installs it");
        let border = Self { child, folder, address: (ip, 5060).into() };
        let phone = Phone::at(gateway.site.seat(9), 0, border.address);
        until("Kamailio answers", || {
            let mut ping = Dialog::new(&phone, "ping", &format!("sip:{}", border.address));
            ping.request(&phone, "OPTIONS", "", "");
            phone.receive(Duration::from_millis(200))
        });
        border
    }

    /// How often its log says so.
    fn told(&self, what: &str) -> usize {
        let log = fs::read_to_string(self.folder.join("kamailio.log")).unwrap_or_default();
        log.lines().filter(|line| line.ends_with(what)).count()
    }
}

impl Drop for Border {
    fn drop(&mut self) {
        // Its processes end with the first one when that is asked to end.
        let kill = format!("kill -TERM {}", self.child.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.join("kamailio.log"));
            eprintln!("Kamailio:\n{}", log.unwrap_or_default());
        }
    }
}

/// The story of a trunk behind the border controller: sound both ways past it, a hold, an end
/// from either side, and a caller who gives up, each request by way of Kamailio.
fn calls_through(gateway: &Gateway, border: &Border, trunk: &str) {
    let (caller, seat) = (gateway.site.seat(8), gateway.site.seat(1));
    let carrier = Phone::at(caller, 0, border.address);
    let phone = Phone::at(seat, 5060, gateway.sip);
    let contact = format!("<sip:seat-1@{}>", phone.local());
    phone.register(&support::gateway::account("seat-1"), &contact, 300);
    let [ear, seat_ear] = [caller, seat].map(|ip| UdpSocket::bind((ip, 0)).expect("a free port"));
    let [media, seat_media] = [&ear, &seat_ear].map(|ear| ear.local_addr().expect("bound"));
    let begin = || Dialog::new(&carrier, "+6281234567890", &format!("sip:112@{}", border.address));

    let mut call = begin();
    call.invite(&carrier, media);
    let (_, invite) = Dialog::pick_up(&phone, seat_media);
    let answer = call.await_answer(&carrier);
    assert!(!answer.routes().is_empty(), "our answer carries the recorded route: {answer:?}");
    assert_talk((&ear, answer.media()), (&seat_ear, invite.media()));
    let contact = format!("Contact: <sip:trunk@{}>\r\n", carrier.local());
    call.request(&carrier, "INVITE", &contact, &sdp(media).replace("sendrecv", "sendonly"));
    let held = call.await_answer(&carrier);
    assert!(String::from_utf8_lossy(&held.body).contains("a=recvonly"), "{held:?}");
    call.hang_up(&carrier);
    phone.accept(&phone.await_request("BYE"));
    for (method, times) in [("ACK", 2), ("INVITE", 1), ("BYE", 1)] {
        assert_eq!(border.told(&format!("routed {method} from {caller}")), times, "{method}");
    }

    gateway.await_seat("seat-1", "ready");
    let mut call = begin();
    call.invite(&carrier, media);
    let (mut leg, invite) = Dialog::pick_up(&phone, seat_media);
    let answer = call.await_answer(&carrier);
    assert_talk((&ear, answer.media()), (&seat_ear, invite.media()));
    leg.hang_up(&phone);
    carrier.accept(&carrier.await_request("BYE"));
    let ours = format!("routed BYE from {}", gateway.site.gateway());
    assert_eq!(border.told(&ours), 1, "our BYE passes Kamailio");

    gateway.await_seat("seat-1", "ready");
    let invite = String::from_utf8(begin().invite(&carrier, media)).expect("text");
    carrier.await_status(180, "INVITE");
    let cancel = invite.replace("INVITE sip", "CANCEL sip").replace("1 INVITE", "1 CANCEL");
    let (head, _) = cancel.split_once("Contact").expect("a Contact");
    carrier.send(format!("{head}Content-Length: 0\r\n\r\n").as_bytes());
    carrier.await_status(487, "INVITE");

    let incidents = gateway.incidents(3);
    let endings: Vec<String> = incidents.iter().map(|i| i.ending()).collect();
    let wanted = ["talking caller hung-up", "talking seat hung-up", "ringing caller cancelled"];
    assert_eq!(endings, wanted);
    for incident in incidents {
        assert_eq!(incident.text("trunk"), trunk);
    }
}

#[test]
fn calls_pass_a_border_controller_on_udp() {
    let gateway = Centre::of_every_transport().start();
    let border = Border::start(&gateway, gateway.site.trunk(), "udp");
    calls_through(&gateway, &border, "telco-a");
    gateway.stop();
}

#[test]
fn a_border_controller_is_known_by_its_certificate_alone() {
    let gateway = Centre { certified_trunk: Some(SBC), ..Centre::of_every_transport() }.start();
    let border = Border::start(&gateway, gateway.site.stranger(), "tls");
    calls_through(&gateway, &border, "mutual");
    gateway.stop();
}
