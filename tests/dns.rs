//! Carriers behind names, with the real program and a real DNS server: found, registered with at
//! the second place when the first is dead, and told good-bye. A dead DNS server costs no call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use siaga112::sip::digest::Algorithm;
use support::digest::parameter;
use support::gateway::{Centre, Gateway};
use support::phone::{Dialog, Message, Phone};
use support::site::Site;
use support::wait::until;

/// Where the DNS server of a site listens, at the gateway's own address.
const DNS_PORT: u16 = 5353;

/// A trunk that is known by name only, looked up at the site's own DNS server.
fn trunk_by_name(site: &Site, config: &Path) {
    let gateway = config.join("gateway.toml");
    let text = fs::read_to_string(&gateway).expect("written before");
    let dns = format!("[sip]\ndns_servers = [\"{}:{DNS_PORT}\"]", site.gateway());
    fs::write(gateway, text.replace("[sip]", &dns)).expect("written");
    let trunk = "[[trunk]]\nname = \"telco-s\"\ntarget = \"sip:telco.example\"\nregister = true\n\
                 from_user = \"0328112\"\noutgoing_username = \"siaga\"\n\
                 outgoing_password = \"rahasia\"\n";
    fs::write(config.join("trunks/telco-s.toml"), trunk).expect("written");
}

/// A running dnsmasq that serves `telco.example`; killed when dropped.
struct Dnsmasq(Child);

impl Dnsmasq {
    /// Two places behind the name: the better one is an address where nobody is.
    fn serve(site: &Site) -> Self {
        let (dead, live) = (site.stranger(), site.seat(7));
        let child = Command::new("dnsmasq")
            .args(["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"])
            .args(["--bind-interfaces", "--pid-file=", "--user=", "--local=/telco.example/"])
            .arg(format!("--port={DNS_PORT}"))
            .arg(format!("--listen-address={}", site.gateway()))
            .arg("--naptr-record=telco.example,50,50,s,SIP+D2U,,_sip._udp.telco.example")
            .arg("--srv-host=_sip._udp.telco.example,dead.telco.example,5060,10,1")
            .arg("--srv-host=_sip._udp.telco.example,live.telco.example,5060,20,1")
            .arg(format!("--host-record=dead.telco.example,{dead}"))
            .arg(format!("--host-record=live.telco.example,{live}"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dnsmasq is installed (make test-tools)");
        let mut server = Self(child);
        let words = server.0.stderr.as_mut().expect("piped");
        let mut lines = BufReader::new(words).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("started, version")), "dnsmasq did not start");
        server
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        // One that is gone already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn say(phone: &Phone, request: &Message, status: &str, lines: &str) {
    let copied: String = ["Via", "From", "To", "Call-ID", "CSeq"]
        .into_iter()
        .flat_map(|name| request.all(name).map(move |value| format!("{name}: {value}\r\n")))
        .collect();
    phone.send(format!("SIP/2.0 {status}\r\n{copied}{lines}Content-Length: 0\r\n\r\n").as_bytes());
}

/// Whether a REGISTER's credentials are those of the account, for the nonce `n1`.
fn is_proven(register: &Message) -> bool {
    let credentials = register.header("Authorization");
    let part = |name: &str| parameter(credentials, name).unwrap_or_default();
    let hash = |text: &str| Algorithm::Sha256.hash(text);
    let own = hash("siaga:telco:rahasia");
    let what = hash(&format!("REGISTER:{}", part("uri")));
    let rest = format!("n1:{}:{}:auth:{what}", part("nc"), part("cnonce"));
    part("response") == hash(&format!("{own}:{rest}"))
}

fn line(gateway: &Gateway) -> Value {
    let trunks = gateway.get("/api/v1/trunks").json();
    let trunks = trunks["trunks"].as_array().expect("a list");
    trunks.iter().find(|trunk| trunk["id"] == "telco-s").expect("the trunk")["line"].clone()
}

#[test]
fn a_registration_reaches_the_second_place_when_the_first_is_dead() {
    let (gateway, _dns) = Centre::default().start_with(|site, config| {
        trunk_by_name(site, config);
        Dnsmasq::serve(site)
    });
    let carrier = Phone::at(gateway.site.seat(7), 5060, gateway.sip);
    let first = carrier.await_request("REGISTER");
    let challenge = "WWW-Authenticate: Digest realm=\"telco\", nonce=\"n1\", algorithm=MD5, \
                     qop=\"auth\"\r\nWWW-Authenticate: Digest realm=\"telco\", nonce=\"n1\", \
                     algorithm=SHA-256, qop=\"auth\"\r\n";
    say(&carrier, &first, "401 Unauthorized", challenge);
    let second = carrier.await_message("REGISTER with credentials", |m| {
        m.method() == "REGISTER" && !m.header("Authorization").is_empty()
    });
    assert!(is_proven(&second), "{second:?}");
    say(&carrier, &second, "200 OK", "Expires: 600\r\n");
    let line = until("the trunk is up", || Some(line(&gateway)).filter(|l| l["state"] == "up"));
    assert_eq!(line["hops"][0]["address"], format!("udp:{}:5060", gateway.site.stranger()));
    assert_eq!(line["hops"][1]["address"], format!("udp:{}", carrier.local()));
    assert!(line["registered_until"].is_string(), "{line}");
    let metrics = String::from_utf8_lossy(&gateway.get("/metrics").body).into_owned();
    assert!(metrics.contains("siaga112_trunk_registered{trunk=\"telco-s\"} 1"), "{metrics}");

    // The carrier sends a call from there, whatever no `source` says.
    let audio = UdpSocket::bind((gateway.site.seat(7), 0)).unwrap();
    let target = format!("sip:0328112@{}", gateway.sip);
    let mut call = Dialog::new(&carrier, "+6281234567890", &target);
    let invite = call.invite(&carrier, audio.local_addr().unwrap());
    carrier.await_status(180, "INVITE");
    let text = String::from_utf8(invite).unwrap();
    let (head, _) = text.split_once("Content-Type").unwrap();
    let cancel = head.replacen("INVITE ", "CANCEL ", 1).replace("1 INVITE", "1 CANCEL");
    carrier.send(format!("{cancel}Content-Length: 0\r\n\r\n").as_bytes());
    carrier.await_status(487, "INVITE");
    assert_eq!(gateway.incident().text("trunk"), "telco-s");

    // It hears when we stop.
    gateway.signal("TERM");
    let last = carrier.await_message("REGISTER that takes it back", |m| {
        m.method() == "REGISTER" && m.header("Expires") == "0"
    });
    say(&carrier, &last, "200 OK", "");
    gateway.ended();
}

#[test]
fn a_dead_dns_server_costs_no_call() {
    // It takes every question and answers none.
    let (gateway, _silent) = Centre::default().start_with(|site, config| {
        trunk_by_name(site, config);
        UdpSocket::bind((site.gateway(), DNS_PORT)).expect("the site's own address")
    });
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let audio = UdpSocket::bind((gateway.site.trunk(), 0)).unwrap();
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    call.invite(&trunk, audio.local_addr().unwrap());
    trunk.await_status(180, "INVITE");
    let line =
        until("the trunk is told down", || Some(line(&gateway)).filter(|l| l["state"] == "down"));
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.contains("cannot be looked up"), "{reason}");
    assert_eq!(gateway.get("/api/v1/calls").json()["calls"].as_array().unwrap().len(), 1);
}
