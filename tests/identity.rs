//! Who vouches for a caller's number: signed identities judged with certificates from a real HTTPS server, in
//! the program's own verifier and in the whole program. Whatever comes of it, the call is served.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails; each test binary uses a part of the harness"
)]

mod support;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use siaga112::agencies::https::Fetcher;
use siaga112::agencies::settings::{IdentitySettings, ReferenceSettings};
use siaga112::agencies::{Voucher, revocation};
use siaga112::incident::{Badge, IdentityChecked, Passport, Why};
use siaga112::trunk::Signed;
use siaga112::vocabulary::{CallId, Private, WallTime};
use support::gateway::{Centre, Gateway, edit};
use support::location_server::LocationServer;
use support::phone::{Dialog, Phone, companion};
use support::pki::{Authority, NumberSigner};
use support::wait::until;
use tempfile::TempDir;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// A service provider's certificate: `[0] 709J`.
const PROVIDER: &[u8] = b"\x30\x08\xa0\x06\x16\x04709J";
/// One number: `[2] 62811`.
const ONE_NUMBER: &[u8] = b"\x30\x09\xa2\x07\x16\x0562811";
const NOW: i64 = 1_789_621_951;
const NUMBER: &str = "6281234567890";

/// A carrier whose certificates lie on a server, and a centre that trusts its authority.
struct Carrier {
    server: LocationServer,
    signers: Authority,
    tls: Authority,
    dir: TempDir,
}

impl Carrier {
    fn start() -> Self {
        let (tls, signers) = (Authority::new(), Authority::new());
        let dir = TempDir::new().expect("a folder");
        let server = LocationServer::start(&tls, HOME, dir.path());
        Self { server, signers, tls, dir }
    }

    /// A signer whose certificate is at the address that is returned with it.
    fn signer(&self, name: &str, list: &[u8], year: i32) -> (NumberSigner, String) {
        self.publish(name, self.signers.sign_numbers(list, year))
    }

    fn publish(&self, name: &str, signer: NumberSigner) -> (NumberSigner, String) {
        fs::write(self.dir.path().join(format!("{name}.pem")), &signer.cert_pem).expect("written");
        let uri = self.server.uri(&format!("/data/{name}.pem"));
        (signer, uri)
    }

    fn voucher(&self, hosts: &[&str]) -> Voucher {
        self.voucher_with(hosts, IdentitySettings::default())
    }

    /// One that asks these lists of revoked certificates.
    fn voucher_with(&self, hosts: &[&str], lists: IdentitySettings) -> Voucher {
        let fetcher = Fetcher::new(ReferenceSettings {
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            networks: vec!["127.0.0.0/8".parse().expect("a network")],
            tls: Some(self.tls.client(None)),
        });
        let mut roots = rustls::RootCertStore::empty();
        let pem = self.signers.pem();
        use rustls::pki_types::pem::PemObject as _;
        let der = rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes());
        roots.add(der.expect("PEM")).expect("an authority");
        let fresh = Duration::from_secs(60);
        Voucher::new(IdentitySettings { anchors: roots.roots.into(), fresh, ..lists }, fetcher)
    }
}

fn shaken(uri: &str) -> String {
    json!({"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": uri}).to_string()
}

fn claims(attest: &str, orig: &str, dest: &str, at: i64) -> String {
    json!({
        "attest": attest, "dest": {"tn": [dest]}, "iat": at, "orig": {"tn": orig},
        "origid": "123e4567-e89b-12d3-a456-426655440000",
    })
    .to_string()
}

fn call(headers: &[String]) -> Signed {
    Signed {
        headers: headers.iter().map(|header| Private::new(header.clone())).collect(),
        number: Some(Private::new(NUMBER.to_owned())),
        dialled: vec!["0328112".to_owned(), "112".to_owned()],
        uris: vec!["urn:service:sos".to_owned()],
        received: WallTime(NOW * 1_000_000),
        ..Signed::default()
    }
}

fn judge(voucher: &Voucher, headers: &[String]) -> Vec<Passport> {
    judge_call(voucher, &call(headers))
}

fn judge_call(voucher: &Voucher, call: &Signed) -> Vec<Passport> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(voucher.judge(call)).expect("somebody is trusted")
}

fn why(passports: &[Passport]) -> Option<Why> {
    passports[0].doubt.as_ref().map(|doubt| doubt.why)
}

#[test]
fn a_signed_number_is_believed_as_far_as_its_signer_vouches_and_its_certificate_is_kept() {
    let carrier = Carrier::start();
    let (signer, uri) = carrier.signer("a", PROVIDER, 4000);
    let voucher = carrier.voucher(&["127.0.0.1"]);
    for (attest, badge) in [("A", Badge::A), ("B", Badge::B), ("C", Badge::C)] {
        let header = signer.identity(&shaken(&uri), &claims(attest, NUMBER, "112", NOW), &uri);
        let passports = judge(&voucher, &[header + ";ppt=shaken"]);
        assert_eq!(passports[0].doubt, None);
        assert_eq!(passports[0].provider.as_deref(), Some("709J"));
        assert_eq!(passports[0].signer.as_deref(), Some("CN=SHAKEN 709J"));
        assert_eq!(IdentityChecked::of(CallId::default(), passports).verified, badge);
    }
    assert_eq!(carrier.server.next_request(), "GET /data/a.pem");
    assert_eq!(carrier.server.asked(), [""; 0], "it is fetched once");
}

#[test]
fn the_compact_form_and_signatures_for_a_priority_hold_too() {
    let carrier = Carrier::start();
    let (signer, uri) = carrier.signer("a", PROVIDER, 4000);
    let voucher = carrier.voucher(&["127.0.0.1"]);
    let plain = format!(r#"{{"alg":"ES256","typ":"passport","x5u":"{uri}"}}"#);
    let said = format!(r#"{{"dest":{{"tn":["112"]}},"iat":{NOW},"orig":{{"tn":"{NUMBER}"}}}}"#);
    let full = signer.identity(&plain, &said, &uri);
    let signature = full.split('.').nth(2).and_then(|part| part.split(';').next());
    let compact = format!("..{};info=<{uri}>;alg=ES256", signature.expect("a signature"));
    let rph = json!({
        "dest": {"uri": ["urn:service:sos"]}, "iat": NOW, "orig": {"tn": NUMBER},
        "rph": {"auth": ["esnet.0"]}, "sph": "psap-callback",
    });
    let kind = json!({"alg": "ES256", "ppt": "rph", "typ": "passport", "x5u": uri}).to_string();
    let rph = signer.identity(&kind, &rph.to_string(), &uri) + ";ppt=rph";
    let compact = Signed { date: Some(WallTime(NOW * 1_000_000)), ..call(&[compact, rph]) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let passports = runtime.block_on(voucher.judge(&compact)).expect("judged");
    assert!(passports.iter().all(|one| one.doubt.is_none()), "{passports:?}");
    assert_eq!(passports[1].priorities, ["esnet.0"]);
    assert_eq!(passports[1].sip_priority.as_deref(), Some("psap-callback"));
    assert_eq!(IdentityChecked::of(CallId::default(), passports).verified, Badge::Signed);
}

#[test]
fn whatever_is_wrong_with_a_signature_is_told_and_nothing_is_believed() {
    let carrier = Carrier::start();
    let (signer, uri) = carrier.signer("a", PROVIDER, 4000);
    let (expired, old) = carrier.signer("old", PROVIDER, 2026);
    let (narrow, one) = carrier.signer("one", ONE_NUMBER, 4000);
    let (stranger, strange) =
        carrier.publish("strange", Authority::new().sign_numbers(PROVIDER, 4000));
    fs::write(carrier.dir.path().join("html.pem"), "<html>").expect("written");
    let html = carrier.server.uri("/data/html.pem");
    let voucher = carrier.voucher(&["127.0.0.1"]);
    let good = claims("A", NUMBER, "112", NOW);
    let sign = |by: &NumberSigner, claims: &str, uri: &str| by.identity(&shaken(uri), claims, uri);
    let tampered = {
        let other = sign(&signer, &claims("C", NUMBER, "112", NOW), &uri);
        let parts: Vec<_> = other.split('.').collect();
        let whole = sign(&signer, &good, &uri);
        whole.replacen(whole.split('.').nth(1).unwrap(), parts[1], 1)
    };
    for (header, expected) in [
        (tampered, Why::Signature),
        (sign(&signer, &good, &strange), Why::Certificate),
        (sign(&stranger, &good, &strange), Why::Certificate),
        (sign(&expired, &good, &old), Why::Certificate),
        (sign(&narrow, &good, &one), Why::NotCovered),
        (sign(&narrow, &good, &uri), Why::Signature),
        (sign(&signer, &claims("A", "6281234567891", "112", NOW), &uri), Why::OtherNumber),
        (sign(&signer, &claims("A", NUMBER, "62811000113", NOW), &uri), Why::OtherDestination),
        (sign(&signer, &claims("A", NUMBER, "112", NOW - 61), &uri), Why::Stale),
        (sign(&signer, &claims("A", NUMBER, "112", NOW + 61), &uri), Why::Stale),
        (sign(&signer, &good, &html), Why::Certificate),
        (sign(&signer, &good, &carrier.server.uri("/gone")), Why::NotFetched),
        (sign(&signer, &good, &carrier.server.uri("/large")), Why::NotFetched),
        (sign(&signer, &good, &carrier.server.uri("/elsewhere")), Why::NotFetched),
        (sign(&signer, &good, &uri.replace("https:", "http:")), Why::NotFetched),
        ("tolong".to_owned(), Why::Unreadable),
    ] {
        let passports = judge(&voucher, std::slice::from_ref(&header));
        assert_eq!(why(&passports), Some(expected), "{header}");
        assert_eq!(IdentityChecked::of(CallId::default(), passports).verified, Badge::Failed);
    }
    // Nobody but whom the centre has named is asked.
    let asked = carrier.server.asked().len();
    let passports = judge(&carrier.voucher(&["cert.example"]), &[sign(&signer, &good, &uri)]);
    assert_eq!(why(&passports), Some(Why::NotFetched));
    assert_eq!((asked > 0, carrier.server.asked()), (true, Vec::new()));
}

// ---- lists of revoked certificates ----------------------------------------------------------

/// Lists beside the configuration.
fn beside(pem: &[String]) -> IdentitySettings {
    let read = |pem: &String| revocation::read(pem.as_bytes(), "sti.crl").expect("a list");
    let lists = pem.iter().flat_map(read).map(std::sync::Arc::new).collect();
    IdentitySettings { lists, ..IdentitySettings::default() }
}

/// Why it is not known of the first one whether its certificate was revoked.
fn unasked(passports: &[Passport]) -> &str {
    passports[0].unasked.as_deref().unwrap_or_default()
}

#[test]
fn a_revoked_certificate_is_told_and_a_list_that_is_old_or_of_somebody_else_is_noted() {
    let carrier = Carrier::start();
    let (signer, uri) = carrier.signer("a", PROVIDER, 4000);
    let header = signer.identity(&shaken(&uri), &claims("A", NUMBER, "112", NOW), &uri);
    let ask = |lists: &[String]| {
        let voucher = carrier.voucher_with(&["127.0.0.1"], beside(lists));
        let passports = judge(&voucher, std::slice::from_ref(&header));
        judge(&voucher, std::slice::from_ref(&header));
        (passports, voucher.troubles())
    };
    let list = |serials: &[u64], next| carrier.signers.revoke(serials, next);
    let (revoked, other) = (&[7, signer.serial][..], &[7][..]);

    let (passports, troubles) = ask(&[list(revoked, (2027, 1))]);
    assert_eq!(why(&passports), Some(Why::Revoked));
    assert_eq!(passports[0].doubt.as_ref().unwrap().detail, "by the list of sti.crl");
    assert_eq!((unasked(&passports), troubles.len()), ("", 0));
    assert_eq!(IdentityChecked::of(CallId::default(), passports).verified, Badge::Failed);

    let (passports, troubles) = ask(&[list(other, (2027, 1))]);
    assert_eq!((why(&passports), unasked(&passports), troubles.len()), (None, "", 0));

    // The call is in September. A list of August refuses nobody whom it does not name.
    let (passports, troubles) = ask(&[list(other, (2026, 8))]);
    let stale = "the list of sti.crl was to be renewed by 2026-08-01T00:00:00.000Z";
    assert_eq!((why(&passports), unasked(&passports)), (None, stale));
    assert_eq!(troubles, [stale], "told once");
    let (passports, _) = ask(&[list(revoked, (2026, 8))]);
    assert_eq!(why(&passports), Some(Why::Revoked), "what was revoked once stays so");
    let (passports, _) = ask(&[list(other, (2026, 8)), list(other, (2027, 1))]);
    assert_eq!((why(&passports), unasked(&passports)), (None, ""), "the newer one counts");

    // Somebody else of the same name revokes nothing here.
    let (passports, troubles) = ask(&[Authority::new().revoke(revoked, (2027, 1))]);
    assert_eq!(why(&passports), None);
    assert!(unasked(&passports).contains("is not its authority's"), "{passports:?}");
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    // Nobody names a list: nothing is asked, and nothing noted.
    let (passports, troubles) = ask(&[]);
    assert_eq!((why(&passports), unasked(&passports), troubles.len()), (None, "", 0));
}

#[test]
fn the_list_that_a_certificate_names_is_fetched_kept_and_missed() {
    let carrier = Carrier::start();
    let place = carrier.server.uri("/data/sti.crl");
    let file = carrier.dir.path().join("sti.crl");
    let listed = |name: &str, place: &str| {
        let lists = [place.to_owned()];
        carrier.publish(name, carrier.signers.sign_numbers_listed(PROVIDER, 4000, &lists))
    };
    let (signer, uri) = listed("a", &place);
    let (hidden, hidden_at) = listed("b", "https://crl.example/sti.crl");
    let (slow, slow_at) = listed("c", &carrier.server.uri("/silent"));
    let follow = || IdentitySettings { follow_points: true, ..IdentitySettings::default() };
    let voucher = carrier.voucher_with(&["127.0.0.1"], follow());
    let at = |seconds: i64, signer: &NumberSigner, uri: &str| {
        let said = claims("A", NUMBER, "112", NOW + seconds);
        let header = signer.identity(&shaken(uri), &said, uri);
        let received = WallTime((NOW + seconds) * 1_000_000);
        judge_call(&voucher, &Signed { received, ..call(&[header]) })
    };
    let asked = || carrier.server.asked().iter().filter(|it| it.ends_with(".crl")).count();

    // It is not there: the badge says so, people are told once, and it is not asked at each call.
    let passports = [at(0, &signer, &uri), at(5, &signer, &uri)];
    for passports in &passports {
        assert_eq!(why(passports), None);
        assert!(unasked(passports).contains("127.0.0.1 answered 404"), "{passports:?}");
    }
    assert_eq!((voucher.troubles().len(), asked()), (1, 1));
    // It comes, and is kept until a newer one is due.
    fs::write(&file, carrier.signers.revoke(&[7], (2027, 1))).expect("written");
    for seconds in [40, 50, 80_000] {
        assert_eq!((why(&at(seconds, &signer, &uri)), voucher.troubles().len()), (None, 0));
        assert_eq!(unasked(&at(seconds, &signer, &uri)), "");
    }
    assert_eq!(asked(), 1);
    // The certificate is revoked: the next list says so, a day later at most.
    fs::write(&file, carrier.signers.revoke(&[signer.serial], (2027, 1))).expect("written");
    assert_eq!(why(&at(86_500, &signer, &uri)), Some(Why::Revoked));
    // That list stays while its server is away.
    fs::remove_file(&file).expect("removed");
    assert_eq!(why(&at(200_000, &signer, &uri)), Some(Why::Revoked));

    // Nobody is asked whom the centre has not named, and a badge does not wait for who says nothing.
    let passports = at(0, &hidden, &hidden_at);
    assert_eq!(why(&passports), None);
    assert!(unasked(&passports).contains("crl.example is not asked"), "{passports:?}");
    let passports = at(0, &slow, &slow_at);
    assert_eq!(why(&passports), None);
    assert!(unasked(&passports).ends_with("is not here yet"), "{passports:?}");
}

// ---- the whole program -----------------------------------------------------------------------

fn prepare(carrier: &Carrier, config: &Path) {
    fs::write(config.join("sti-ca.pem"), carrier.signers.pem()).expect("written");
    fs::write(config.join("web-ca.pem"), carrier.tls.pem()).expect("written");
    let path = config.join("gateway.toml");
    let text = fs::read_to_string(&path).expect("read");
    let more = "\n[identity]\nca = \"sti-ca.pem\"\n\n[references]\nhosts = [\"127.0.0.1\"]\n\
                networks = [\"127.0.0.0/8\"]\nca = \"web-ca.pem\"\n";
    fs::write(&path, text + more).expect("written");
}

/// A caller who waits, with these lines in the INVITE.
fn caller(gateway: &Gateway, lines: &str) -> (Phone, Vec<u8>) {
    let trunk = Phone::at(gateway.site.trunk(), 0, gateway.sip);
    let mut call = Dialog::new(&trunk, "+6281234567890", &format!("sip:112@{}", gateway.sip));
    let media = format!("{}:4000", gateway.site.trunk()).parse().unwrap();
    let invite = call.invite_with(&trunk, media, lines);
    trunk.await_status(180, "INVITE");
    (trunk, invite)
}

fn shown(gateway: &Gateway) -> Value {
    let calls = gateway.get("/api/v1/calls").json();
    calls["calls"].as_array().and_then(|all| all.last().cloned()).unwrap_or_default()
}

#[test]
fn the_badge_is_on_the_call_and_its_record_and_a_server_that_says_nothing_delays_nobody() {
    let carrier = Carrier::start();
    let (signer, uri) = carrier.signer("a", PROVIDER, 4000);
    let (gateway, ()) = Centre::default().start_with(|_, config| prepare(&carrier, config));
    let now = support::wait::unix_seconds();
    let sign = |uri: &str| {
        let said = claims("A", NUMBER, "112", now);
        format!("Identity: {};ppt=shaken\r\n", signer.identity(&shaken(uri), &said, uri))
    };
    // The server of the certificate says nothing: the caller rings all the same.
    let silent = caller(&gateway, &sign(&carrier.server.uri("/silent")));
    assert!(shown(&gateway)["who"]["verified"].is_null());
    let vouched = caller(&gateway, &sign(&uri));
    let verified = until("the badge is there", || {
        Some(shown(&gateway)["who"]["verified"].clone()).filter(|badge| !badge.is_null())
    });
    assert_eq!((&verified["badge"], &verified["why"]), (&json!("A"), &Value::Null));
    assert_eq!(verified["words"]["id"], Badge::A.words().0);
    assert_eq!(verified["signer"], "CN=SHAKEN 709J");
    let id = shown(&gateway)["incident"].as_str().expect("an id").to_owned();
    let record = until("the record has it", || {
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        (!record["identity"].is_null()).then_some(record)
    });
    let identity = &record["identity"];
    assert_eq!(
        (&identity["verified"], &identity["passports"][0]["provider"]),
        (&json!("A"), &json!("709J"))
    );
    for (trunk, invite) in [silent, vouched] {
        trunk.send(&companion(&invite, "CANCEL"));
    }
    gateway.stop();
}

#[test]
fn a_revoked_signer_and_a_list_that_is_missing_are_told_and_both_callers_ring() {
    let carrier = Carrier::start();
    let missing = carrier.server.uri("/data/gone.crl");
    let (revoked, uri) = carrier.signer("a", PROVIDER, 4000);
    let fine = carrier.signers.sign_numbers_listed(PROVIDER, 4000, &[missing]);
    let (fine, fine_at) = carrier.publish("b", fine);
    let (gateway, ()) = Centre::default().start_with(|_, config| {
        prepare(&carrier, config);
        let list = carrier.signers.revoke(&[revoked.serial], (4000, 1));
        fs::write(config.join("sti.crl"), list).expect("written");
        let ca = "ca = \"sti-ca.pem\"\n";
        edit(config, "gateway.toml", ca, &format!("{ca}crl = [\"sti.crl\"]\n"));
    });
    let now = support::wait::unix_seconds();
    let sign = |signer: &NumberSigner, uri: &str| {
        let said = claims("A", NUMBER, "112", now);
        format!("Identity: {};ppt=shaken\r\n", signer.identity(&shaken(uri), &said, uri))
    };
    let badge = |gateway: &Gateway| {
        until("the badge is there", || {
            Some(shown(gateway)["who"]["verified"].clone()).filter(|badge| !badge.is_null())
        })
    };
    let (trunk, invite) = caller(&gateway, &sign(&revoked, &uri));
    let verified = badge(&gateway);
    assert_eq!((&verified["badge"], &verified["note"]), (&json!("failed"), &Value::Null));
    assert_eq!(verified["why"]["en"], Why::Revoked.words().1);
    trunk.send(&companion(&invite, "CANCEL"));
    trunk.await_status(487, "INVITE");
    let (trunk, invite) = caller(&gateway, &sign(&fine, &fine_at));
    let verified = badge(&gateway);
    // The list beside the configuration is of the same authority, and says that it is good.
    assert_eq!((&verified["badge"], &verified["note"]), (&json!("A"), &Value::Null), "{verified}");
    let alarms = until("the alarm is there", || {
        let alarms = gateway.get("/api/v1/alarms").json().to_string();
        alarms.contains("revocation-list").then_some(alarms)
    });
    assert!(alarms.contains("gone.crl is not here: 127.0.0.1 answered 404"), "{alarms}");
    trunk.send(&companion(&invite, "CANCEL"));
    gateway.stop();
}

#[test]
fn data_that_a_call_names_elsewhere_stands_in_its_record_and_a_refused_host_is_said() {
    let carrier = Carrier::start();
    let comment = "<c><Comment>Kursi roda, lantai 2</Comment></c>";
    fs::write(carrier.dir.path().join("comment.xml"), comment).expect("written");
    let (gateway, ()) = Centre::default().start_with(|_, config| prepare(&carrier, config));
    let uri = carrier.server.uri("/data/comment.xml");
    let lines = format!(
        "Call-Info: <{uri}>;purpose=EmergencyCallData.Comment\r\n\
         Call-Info: <https://evil.example/x>;purpose=EmergencyCallData.DeviceInfo\r\n"
    );
    let (trunk, invite) = caller(&gateway, &lines);
    let id = shown(&gateway)["incident"].as_str().expect("an id").to_owned();
    let record = until("the record has both", || {
        let record = gateway.get(&format!("/api/v1/incidents/{id}")).json();
        let both = record.to_string().contains("Kursi roda")
            && record["findings"].to_string().contains("evil.example is not asked");
        both.then_some(record)
    });
    let data = record["additional_data"].as_array().expect("data");
    assert_eq!(data.len(), 2, "{data:?}");
    let here = data.iter().find(|data| data["how"] == "127.0.0.1").expect("fetched");
    assert_eq!(here["reference"], json!(uri));
    assert_eq!(here["fields"][0]["value"], "Kursi roda, lantai 2");
    trunk.send(&companion(&invite, "CANCEL"));
    gateway.stop();
}
