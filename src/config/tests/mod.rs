//! The shipped sample, and one broken copy of it for every mistake that is found.

mod mistakes;
mod mistakes_of_callout;
mod mistakes_of_lines;
mod mistakes_of_places;
mod mistakes_of_queues;
mod mistakes_of_times;
mod waiting;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Changes, Findings, Loaded, Severity, load, load_changed, needs_restart};
use crate::acd::settings::Overflow;
use crate::vocabulary::{AnswerMode, Codec, QueueId};
use mistakes::MISTAKES;

/// One edit of one file of the sample: the first `from` becomes `to`. An empty `from` appends.
type Edit<'a> = (&'a str, &'a str, &'a str);

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("directory");
    for entry in fs::read_dir(from).expect("sample") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.file_name() == "prompts" {
            continue;
        }
        if entry.file_type().expect("type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy");
        }
    }
}

/// Stands in for the sample's prompts: a few names, since only names count here.
fn speak(dir: &Path) {
    let names = ["selamat-datang", "menunggu", "diam-1", "diam-2", "ditandai"];
    let inner = ["id", "mad"].iter().flat_map(|l| names.iter().map(move |n| format!("{l}/{n}")));
    for name in inner.chain(["musik", "id/posisi", "id/angka-1", "id/angka-2"].map(str::to_owned)) {
        let path = dir.join(format!("prompts/{name}.opus"));
        fs::create_dir_all(path.parent().expect("a folder")).expect("directory");
        fs::write(path, &name).expect("write");
    }
}

fn edited(edits: &[Edit<'_>]) -> TempDir {
    let dir = tempfile::tempdir().expect("directory");
    copy(&sample(), dir.path());
    speak(dir.path());
    for (file, from, to) in edits {
        let path = dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(text.contains(from), "{file} has no {from:?}");
        let text = if from.is_empty() { text + to } else { text.replacen(from, to, 1) };
        fs::write(path, text).expect("write");
    }
    dir
}

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let token = ("SIAGA112_TOKEN", "0123456789abcdef0123456789abcdef");
    let pairs = pairs.iter().chain([&token]);
    pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Findings of one severity, one a line, paths counted from the directory.
fn findings(dir: &Path, variables: &[(&str, &str)], severity: Severity) -> Vec<String> {
    let findings = match load(dir, environment(variables)) {
        Ok(loaded) => loaded.warnings,
        Err(findings) => findings,
    };
    let prefix = format!("{}/", dir.display());
    findings
        .0
        .iter()
        .filter(|finding| finding.severity == severity)
        .map(|finding| finding.to_string().replace(&prefix, ""))
        .collect()
}

fn good(dir: &Path, variables: &[(&str, &str)]) -> Loaded {
    load(dir, environment(variables)).unwrap_or_else(|findings| panic!("{findings}"))
}

#[test]
fn the_sample_loads() {
    let loaded = good(&sample(), &[]);
    let board = &loaded.switchboard;
    assert_eq!(board.centre.name, "NTPD 112 Sumenep");
    assert_eq!(board.centre.timezone.iana_name(), Some("Asia/Jakarta"));
    assert_eq!(board.places.len(), 27);
    assert_eq!(board.places.iter().filter(|place| place.island).count(), 9);
    assert_eq!(board.categories.len(), 14);
    assert_eq!((board.trunks.len(), board.queues.len(), board.seats.len()), (4, 4, 4));
    assert_eq!(board.sip.accounts.len(), 4);
    assert_eq!(loaded.storage.url, "sqlite:data/siaga112.db");
    assert_eq!(loaded.media.address, loaded.media.bind);
    assert_eq!(loaded.media.ports, 20_000..=29_999);
    assert_eq!(loaded.console.tokens.len(), 1);
    assert_eq!(loaded.digest.len(), 64);
    let callout = &board.callout;
    assert_eq!((callout.contacts.len(), callout.chains.len()), (14, 5));
    let damkar = callout.contact(&"damkar".into()).expect("a contact");
    assert_eq!(damkar.numbers, ["113", "+6281234567801"], "short numbers go");
    let heard = &board.announcements[&QueueId::from("darurat")];
    assert!(heard.welcome.len() == 2 && heard.silence.iter().all(|prompts| prompts.len() == 1));
    let rules: Vec<&str> = board.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(rules, ["laut", "kepulauan", "sosial", "semua"]);
    let telco_c = board.trunks.iter().find(|trunk| trunk.id.as_str() == "telco-c");
    assert_eq!(telco_c.and_then(|trunk| trunk.answer), Some(AnswerMode::AfterSeconds(12)));
    let telco_b = board.trunks.iter().find(|trunk| trunk.id.as_str() == "telco-b");
    let codecs = telco_b.map(|trunk| trunk.audio.codecs.to_vec());
    assert_eq!(codecs, Some(vec![Codec::Pcma, Codec::Pcmu]));
    assert!(board.seat_audio.is_empty(), "the seats have what is usual");
    assert_eq!(
        loaded.warnings.0.iter().map(|warning| warning.what.as_str()).collect::<Vec<_>>(),
        [
            "no trunk has a target: no contact can be called from here",
            "no trunk leads to pamekasan.example: this step calls nobody",
            "passwords of the sample are in use: everybody knows them"
        ]
    );
}

#[test]
fn without_its_token_the_sample_warns_and_loads() {
    let loaded = load(&sample(), []).expect("loads");
    assert!(loaded.console.tokens.is_empty());
    assert!(loaded.warnings.to_string().contains("SIAGA112_TOKEN is not set"));
}

#[test]
fn every_mistake_shows_its_place_and_its_mending() {
    let mut wrong = String::new();
    let all = MISTAKES
        .iter()
        .chain(mistakes_of_callout::MISTAKES)
        .chain(mistakes_of_places::MISTAKES)
        .chain(mistakes_of_lines::MISTAKES)
        .chain(mistakes_of_queues::MISTAKES)
        .chain(mistakes_of_times::MISTAKES);
    for (file, from, to, expected) in all {
        let dir = edited(&[(file, from, to)]);
        let found = findings(dir.path(), &[], Severity::Error).join("\n");
        if found != *expected {
            wrong += &format!("{file}: {from:?} as {to:?} gives\n{found}\nnot\n{expected}\n\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What the sample asks its admin to replace.
fn of_the_sample(line: &str) -> bool {
    let asked = ["passwords of the sample", "no trunk leads to pamekasan", "no trunk has a target"];
    asked.iter().any(|what| line.contains(what))
}

/// An edit of the sample, and what is said of it.
const WARNINGS: [(Edit<'static>, &str); 13] = [
    (
        ("callout.toml", "when = { category = [\"medis\"] }\n", ""),
        "callout.toml:135:1: warning: the chain \"medis\" is never proposed: it is begun by hand \
             only; write for example when = { category = [\"kebakaran\"] }, or when = {} for every \
             call",
    ),
    (
        ("gateway.toml", "record = true", "record = true\nbrowser_port = 19998"),
        "gateway.toml:32:16: warning: no browser can register: [sip] listen has neither ws:// nor \
             wss://; add one, or remove browser_port",
    ),
    (
        ("gateway.toml", "20000-29999", "20001-29998"),
        "gateway.toml:30:9: warning: pairs begin at even ports: of 20001-29998 only 20002-29997 \
             are used; write \"20002-29997\"",
    ),
    (
        ("gateway.toml", "token_env = \"SIAGA112_TOKEN\"", "token = \"short\""),
        "gateway.toml:38:1: warning: the token \"admin\" is shorter than 16; make one with \
             `openssl rand -hex 24`\ngateway.toml:41:9: warning: a token stands here for all to \
             read; prefer token_file or token_env",
    ),
    (
        (
            "gateway.toml",
            "listen = \"127.0.0.1:8112\"",
            "listen = \"[2001:db8::7]:8112\"\nplain_http = true",
        ),
        "gateway.toml:37:10: warning: [console] listens on [2001:db8::7]:8112 without TLS: passwords \
             and callers' numbers pass in the clear; add tls_cert and tls_key; or listen on 127.0.0.1 \
             behind a proxy with TLS, or name the proxy in trusted_proxies",
    ),
    (
        ("seats.toml", "queues = [\"sosial\", \"cadangan\"]", "queues = [\"cadangan\"]"),
        "queues.toml:39:8: warning: no seat serves the queue \"sosial\": its callers wait for \
             nobody; add \"sosial\" to the queues of a seat",
    ),
    (
        (
            "seats.toml",
            "queues = [\"darurat\", \"laut\", { queue = \"cadangan\", tier = 2 }]",
            "queues = []",
        ),
        "seats.toml:22:1: warning: the seat \"seat-1\" serves no queue: it never rings; write \
             for example queues = [\"darurat\"]",
    ),
    (
        ("seats.toml", "operator = \"budi\"", "operator = \"siti\""),
        "seats.toml:33:12: warning: \"siti\" sits at \"seat-1\" as well; give each seat its \
             own operator",
    ),
    (
        ("routing.toml", "priority = 0", "priority = 85"),
        "routing.toml:11:1: warning: the rule \"kepulauan\" is never reached: \"semua\" at \
             routing.toml:27:1 takes all of its calls before it; give it a higher priority, or \
             remove it\nrouting.toml:20:1: warning: the rule \"sosial\" is never reached: \
             \"semua\" at routing.toml:27:1 takes all of its calls before it; give it a higher \
             priority, or remove it",
    ),
    (
        (
            "routing.toml",
            "when = {}",
            "when = {}\nqueue = \"darurat\"\n[[rule]]\nname = \"siang\"\npriority = 60\nwhen = { \
                 hours = [\"06:00-18:00\"] }\nqueue = \"darurat\"\n[[rule]]\nname = \
                 \"pagi\"\npriority = 50\nwhen = { hours = [\"07:00-09:00\"], days = [\"mon\"] }",
        ),
        "routing.toml:37:1: warning: the rule \"pagi\" is never reached: \"siang\" at \
             routing.toml:32:1 takes all of its calls before it; give it a higher priority, or \
             remove it",
    ),
    (
        ("routing.toml", "sos.marine", "sos.marin"),
        "routing.toml:7:21: warning: \"sos.marin\" is no service of RFC 5031: no network is \
             likely to send it; did you mean \"sos.marine\"?",
    ),
    (("routing.tml", "", "[[rule]]"), ""),
    (
        ("rooting.toml", "", "[[rule]]"),
        "rooting.toml: warning: this version reads no such file; did you mean \
             \"routing.toml\"?",
    ),
];

#[test]
fn warnings_show_place_and_mending_and_do_not_refuse() {
    for (edit, expected) in WARNINGS {
        let dir = edited(&[edit]);
        good(dir.path(), &[]);
        let mut found = findings(dir.path(), &[], Severity::Warning);
        found.retain(|line| !of_the_sample(line));
        assert_eq!(found.join("\n"), expected, "{edit:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_a_syntax_error_hides_none_of_other_files() {
    let dir = edited(&[
        ("queues.toml", "name = \"darurat\"", "name = "),
        ("queues.toml", "max_wait_seconds = 45", "max_wait_seconds = 5"),
        ("routing.toml", "\"35.29.25\"", "\"35.29.99\""),
        ("seats.toml", "auto_ready = true", "auto_ready = 1"),
        ("trunks/telco-a.toml", "[\"192.0.2.0/24\"]", "\"127.0.0.1\""),
        ("gateway.toml", "record = true", "record = 1"),
    ]);
    let found = findings(dir.path(), &[("SIAGA112__MEDIA__PORTS", "1-2")], Severity::Error);
    let places: Vec<&str> = found.iter().filter_map(|line| line.split(" error:").next()).collect();
    assert_eq!(
        places,
        [
            "gateway.toml:31:10:",
            "queues.toml:5:8:",
            "routing.toml:15:47:",
            "seats.toml:27:14:",
            "trunks/telco-a.toml:6:10:",
            "SIAGA112__MEDIA__PORTS:",
        ],
        "{found:#?}"
    );
}

#[test]
fn a_console_beyond_this_machine_may_stand_behind_a_proxy() {
    let proxy = "listen = \"0.0.0.0:8112\"\ntrusted_proxies = \"10.0.0.2\"";
    let dir = edited(&[("gateway.toml", "listen = \"127.0.0.1:8112\"", proxy)]);
    let loaded = load(dir.path(), environment(&[])).expect("no mistake");
    assert!(!loaded.warnings.to_string().contains("in the clear"), "{}", loaded.warnings);
}

#[test]
fn warnings_are_not_counted_as_mistakes() {
    let dir = edited(&[("gateway.toml", "record = true", "record = 1")]);
    let found = load(dir.path(), environment(&[])).expect_err("a mistake");
    assert_eq!((found.errors(), found.told().as_str()), (1, "1 mistake and 3 warnings"));
    let only = found.0.into_iter().filter(|finding| finding.severity == Severity::Error);
    assert_eq!(Findings(only.collect()).told(), "1 mistake");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = edited(&[]);
    fs::remove_file(dir.path().join("queues.toml")).expect("remove");
    fs::write(dir.path().join("categories.toml"), b"# k\n# \xff\n").expect("write");
    fs::remove_file(dir.path().join("seats.toml")).expect("remove");
    fs::create_dir(dir.path().join("seats.toml")).expect("directory");
    fs::remove_dir_all(dir.path().join("places")).expect("remove");
    let found = findings(dir.path(), &[], Severity::Error);
    let expected = [
        "categories.toml:2:3: error: the text is not UTF-8 from here on",
        "places/kecamatan.csv: error: the file is missing",
        "queues.toml: error: the file is missing",
        "seats.toml: error: the file cannot be read: Is a directory",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (line, beginning) in found.iter().zip(expected) {
        assert!(line.starts_with(beginning), "{line}");
    }
    let nowhere = load(&dir.path().join("nowhere"), []).expect_err("no directory");
    assert_eq!(nowhere.0.len(), 1);
    assert!(nowhere.to_string().contains("nowhere: error: the directory cannot be read"));
}

#[test]
fn a_configuration_that_leads_nowhere_is_refused() {
    let dir = edited(&[]);
    fs::write(dir.path().join("routing.toml"), "").expect("write");
    fs::write(dir.path().join("queues.toml"), "").expect("write");
    fs::write(dir.path().join("seats.toml"), "").expect("write");
    for trunk in ["telco-a", "telco-b", "telco-c", "loopback"] {
        fs::remove_file(dir.path().join(format!("trunks/{trunk}.toml"))).expect("remove");
    }
    let found = findings(dir.path(), &[], Severity::Error);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("queues.toml: error: there is no queue"));
    assert!(found[1].starts_with("routing.toml: error: there is no rule"));
    assert!(found[2].starts_with("trunks: error: there is no trunk"));
}

#[test]
fn variables_beat_the_file() {
    let loaded = good(
        &sample(),
        &[
            ("SIAGA112__SIP__DOMAIN", "112.example"),
            ("SIAGA112__SIP__LISTEN", "udp://127.0.0.1:5070, udp://127.0.0.2:5070"),
            ("SIAGA112__SIP__MAX_EXPIRES_SECONDS", "7200"),
            ("SIAGA112__MEDIA__RECORD", "false"),
            ("SIAGA112__NODE__DATA_DIR", "/var/lib/siaga112"),
            ("SIAGA112__CONSOLE__LISTEN", ""),
        ],
    );
    let sip = &loaded.switchboard.sip;
    assert_eq!((sip.domain.as_str(), sip.listen.len(), sip.expires.max), ("112.example", 2, 7200));
    assert!(!loaded.media.record && !loaded.switchboard.record);
    assert_eq!(loaded.storage.url, "sqlite:/var/lib/siaga112/siaga112.db");
    assert_eq!(loaded.console.listen.port(), 8112);
    let plain = good(&sample(), &[]);
    assert_ne!(plain.switchboard.sip.accounts, sip.accounts, "the realm is part of the hashes");
}

#[test]
fn a_wrong_variable_is_named() {
    let cases = [
        ("SIAGA112__SIP__DOMIAN", "no setting has this name; did you mean SIAGA112__SIP__DOMAIN?"),
        ("SIAGA112__SPI__DOMAIN", "no setting has this name; did you mean SIAGA112__SIP__DOMAIN?"),
        ("SIAGA112__SIP__MIN_EXPIRES_SECONDS", "\"min_expires_seconds\" is another text"),
        ("SIAGA112__MEDIA__RECORD", "\"record\" is another text, not true or false"),
        ("SIAGA112__CONSOLE__TOKEN", "\"token\" is another text, not a list of tables"),
        ("SIAGA112__CONSOLE__LISTEN", "\"secret-value\" is no address with a port"),
        ("SIAGA112__ZZZ", "no setting has this name; variables are called SIAGA112__SECTION__KEY"),
    ];
    for (name, what) in cases {
        let found = findings(&sample(), &[(name, "secret-value")], Severity::Error);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with(&format!("{name}: error: {what}")), "{found:#?}");
    }
}

#[test]
fn a_trunk_s_outgoing_side_is_read() {
    let from = "source = [\"198.51.100.7/32\"]";
    let lines = "target = \"sip:SBC.telco-b.example\"\nregister = true\n\
        outgoing_username = \"siaga@telco-b\"\noutgoing_password_file = \"secrets/b\"\n\
        caller_id = \"0328112\"\nprobe_seconds = 0\nquiet_alarm_minutes = 30\ntext = true";
    let gateway = "listen = [\"udp://0.0.0.0:5060\"]";
    let dns = format!("{gateway}\ndns_servers = [\"192.0.2.53\", \"[::1]:5353\"]");
    let dir = edited(&[("trunks/telco-b.toml", from, lines), ("gateway.toml", gateway, &dns)]);
    fs::create_dir(dir.path().join("secrets")).expect("folder");
    fs::write(dir.path().join("secrets/b"), "rahasia\n").expect("secret");
    let loaded = good(dir.path(), &[]);
    let servers: Vec<String> = loaded.dns_servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["192.0.2.53:53", "[::1]:5353"]);
    let trunks = &loaded.switchboard.trunks;
    let trunk = trunks.iter().find(|t| t.id.as_str() == "telco-b").expect("the trunk");
    assert_eq!(trunk.quiet_alarm.map(|span| span.as_secs()), Some(1800));
    assert!(trunk.audio.text);
    let line = trunk.line.as_ref().expect("a line");
    let account = line.account.as_ref().expect("an account");
    assert_eq!((line.register, line.probe), (true, None));
    assert_eq!(account.password.reveal(), "rahasia");
    assert_eq!(line.target.host, "sbc.telco-b.example");
    assert_eq!((line.from_user.as_str(), line.caller_id.as_deref()), ("siaga", Some("0328112")));
    assert!(!format!("{loaded:?}").contains("rahasia"));
    assert_eq!(needs_restart(&good(&sample(), &[]), &loaded), ["[sip] dns_servers"]);
    // The least that can be written: probed every 30 s, known by nobody's name in particular.
    let dir = edited(&[("trunks/telco-b.toml", from, "target = \"sip:sbc.telco-b.example\"")]);
    let loaded = good(dir.path(), &[]);
    let line = loaded.switchboard.trunks.iter().find_map(|t| t.line.clone()).expect("a line");
    assert_eq!((line.register, line.probe.map(|span| span.as_secs())), (false, Some(30)));
}

#[test]
fn secrets_come_from_files_variables_and_hashes() {
    let plain = good(&sample(), &[]);
    let account = |loaded: &Loaded| loaded.switchboard.sip.accounts[1].credential.clone();
    let hash =
        |secret: Option<crate::vocabulary::Secret>| secret.expect("hash").reveal().to_owned();
    let known = account(&plain);
    let hashes = format!(
        "ha1_md5 = {:?}\nha1_sha256 = {:?}",
        hash(known.ha1_md5.clone()).to_uppercase(),
        hash(known.ha1_sha256.clone())
    );
    let line = "password = \"siaga112-contoh-2\"";
    for other in [&*hashes, "password_file = \"secrets/2\"", "password_env = \"SEAT_2\""] {
        let dir = edited(&[("seats.toml", line, other)]);
        fs::create_dir(dir.path().join("secrets")).expect("directory");
        fs::write(dir.path().join("secrets/2"), "siaga112-contoh-2\n").expect("write");
        let loaded = good(dir.path(), &[("SEAT_2", "siaga112-contoh-2")]);
        assert_eq!(account(&loaded), known, "{other}");
    }
}

#[test]
fn no_secret_is_ever_printed() {
    const SECRET: &str = "rahasia-sekali-9f3";
    let keys = ["password", "ha1_md5", "ha1_sha256", "passwrd", "password_fil", "auto_ready"];
    for key in keys {
        for value in [format!("\"{SECRET}\""), format!("[\"{SECRET}\"]"), format!("\"{SECRET}")] {
            let line = format!("{key} = {value}");
            let dir = edited(&[(
                "seats.toml",
                "auto_ready = true\npassword = \"siaga112-contoh-2\"",
                line.as_str(),
            )]);
            match load(dir.path(), environment(&[])) {
                Ok(loaded) => {
                    assert!(!format!("{loaded:?}").contains(SECRET), "{line}");
                    assert!(!format!("{}", loaded.warnings).contains(SECRET), "{line}");
                }
                Err(findings) => {
                    assert!(!format!("{findings} {findings:?}").contains(SECRET), "{line}");
                }
            }
        }
    }
    let loaded = good(&sample(), &[]);
    let printed = format!("{loaded:?} {}", loaded.warnings);
    assert!(!printed.contains("siaga112-contoh") && !printed.contains("0123456789abcdef"));
}

#[test]
fn an_overflow_into_a_queue_goes_on_to_its_number() {
    let dir = edited(&[(
        "queues.toml",
        "[\"queue:cadangan\", \"tel:+6281234567899\"]",
        "\"queue:cadangan\"",
    )]);
    let loaded = good(dir.path(), &[]);
    assert_eq!(
        loaded.switchboard.queues[1].overflow,
        [
            Overflow::Queue(QueueId::from("cadangan")),
            Overflow::Number("tel:+6281234567899".to_owned()),
        ]
    );
}

#[test]
fn a_restart_is_asked_for_only_where_it_is_needed() {
    let first = edited(&[]);
    let old = good(first.path(), &[]);
    let reloaded = edited(&[("queues.toml", "wrap_up_seconds = 10", "wrap_up_seconds = 11")]);
    let new = good(reloaded.path(), &[("SIAGA112__CENTRE__NAME", "NTPD 112")]);
    assert_eq!(needs_restart(&old, &new), Vec::<&str>::new());
    assert_ne!(old.digest, new.digest);
    assert_eq!(old.digest, good(edited(&[]).path(), &[]).digest, "the directory does not count");
    let new = good(
        &sample(),
        &[
            ("SIAGA112__NODE__NAME", "gw2.112.sumenep.example"),
            ("SIAGA112__SIP__LISTEN", "udp://127.0.0.1:5070"),
            ("SIAGA112__MEDIA__PORTS", "40000-41999"),
            ("SIAGA112__STORAGE__URL", "sqlite:other.db"),
            ("SIAGA112__CONSOLE__LISTEN", "127.0.0.1:8113"),
            ("SIAGA112__HEP__COLLECTOR", "udp://[::1]:9060"),
        ],
    );
    let hep = new.hep.as_ref().map(|hep| (hep.collector.port(), hep.capture_id));
    assert_eq!(hep, Some((9060, 112)));
    let all = ["[node]", "[sip] listen", "[media]", "[storage]", "[console]", "[hep]"];
    assert_eq!(needs_restart(&old, &new), all);
}

/// A certificate with its key, as PEM; valid to the beginning of a year.
fn pair(until: i32) -> [String; 2] {
    let mut params =
        rcgen::CertificateParams::new(["112.sumenep.example".to_owned()]).expect("names");
    params.not_after = rcgen::date_time_ymd(until, 1, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let cert = params.self_signed(&key).expect("a certificate");
    [cert.pem(), key.serialize_pem()]
}

/// The sample with a TLS listener, keys below `[sip]`, and files of certificates.
fn with_tls(keys: &str, edits: &[Edit<'_>], files: &[(&str, &str)]) -> TempDir {
    let tls = (
        "gateway.toml",
        "\"udp://0.0.0.0:5060\"",
        "\"udp://0.0.0.0:5060\", \"tls://0.0.0.0:5061\"",
    );
    let keys = format!("[sip]\n{keys}");
    let mut all = vec![tls, ("gateway.toml", "[sip]\n", &keys)];
    all.extend(edits);
    let dir = edited(&all);
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("write");
    }
    dir
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table of cases")]
fn certificates_are_checked_before_they_are_used() {
    let [cert, key] = pair(4000);
    let [other, _] = pair(4000);
    let cut = cert.replacen("MII", "XII", 1);
    let whole = "tls_cert = \"c.pem\"\ntls_key = \"k.pem\"\n";
    let with_ca = format!("{whole}tls_ca = \"a.pem\"\n");
    let origins = format!("{whole}ws_origins = [\"seats.example\", \"https://a.example/x\"]\n");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        ("", &[], &["gateway.toml:24:33: error: tls://0.0.0.0:5061 needs a certificate"]),
        (
            "tls_cert = \"c.pem\"\n",
            &[("c.pem", &cert)],
            &["gateway.toml:24:12: error: a certificate without its key; add tls_key"],
        ),
        (
            "tls_key = \"k.pem\"\n",
            &[("k.pem", &key)],
            &[
                "gateway.toml:24:11: error: a key without its certificate; add tls_cert",
                "gateway.toml:25:33: error: tls://0.0.0.0:5061 needs a certificate",
            ],
        ),
        (
            whole,
            &[],
            &[
                "gateway.toml:24:12: error: \"c.pem\" cannot be read: No such file",
                "gateway.toml:25:11: error: \"k.pem\" cannot be read: No such file",
            ],
        ),
        (
            whole,
            &[("c.pem", "nothing"), ("k.pem", &key)],
            &["gateway.toml:24:12: error: \"c.pem\" holds no usable certificates"],
        ),
        (
            whole,
            &[("c.pem", &cut), ("k.pem", &key)],
            &["gateway.toml:24:12: error: \"c.pem\" holds no usable certificates"],
        ),
        (
            whole,
            &[("c.pem", &cert), ("k.pem", &cert)],
            &["gateway.toml:25:11: error: \"k.pem\" holds no private key"],
        ),
        (
            whole,
            &[("c.pem", &other), ("k.pem", &key)],
            &["gateway.toml:25:11: error: the key \"k.pem\" is not that of the certificate"],
        ),
        (
            &with_ca,
            &[("c.pem", &cert), ("k.pem", &key), ("a.pem", &key)],
            &["gateway.toml:26:10: error: \"a.pem\" holds no usable certificates: there is none"],
        ),
        (
            &origins,
            &[("c.pem", &cert), ("k.pem", &key)],
            &[
                "gateway.toml:26:15: error: \"seats.example\" is no origin of a web page",
                "gateway.toml:26:32: error: \"https://a.example/x\" is no origin of a web page",
            ],
        ),
    ];
    for (keys, files, expected) in cases {
        let dir = with_tls(keys, &[], files);
        let found = findings(dir.path(), &[], Severity::Error);
        assert_eq!(found.len(), expected.len(), "{keys}: {found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
            assert!(!found.contains("BEGIN PRIVATE KEY-----\n"), "{found}");
        }
    }
}

#[test]
fn certificates_that_fit_are_taken_and_those_that_are_over_are_told() {
    let [cert, key] = pair(4000);
    let [old, old_key] = pair(2001);
    let whole = "tls_cert = \"c.pem\"\ntls_key = \"k.pem\"\n";
    let with_ca = format!("{whole}tls_ca = \"c.pem\"\n");
    let names = (
        "trunks/telco-b.toml",
        "name = \"telco-b\"\n",
        "name = \"telco-b\"\ntls_names = [\"sbc.telco.example\"]\n",
    );
    let told = |dir: &TempDir| {
        let mut warnings = findings(dir.path(), &[], Severity::Warning);
        warnings.retain(|warning| warning.contains("certificate"));
        warnings
    };

    let dir = with_tls(&with_ca, &[names], &[("c.pem", &cert), ("k.pem", &key)]);
    let loaded = good(dir.path(), &[]);
    assert!(loaded.connections.server.is_some() && loaded.connections.client.is_some());
    assert!(loaded.connections.verifies && told(&dir).is_empty());

    let dir = with_tls(whole, &[names], &[("c.pem", &cert), ("k.pem", &key)]);
    assert!(!good(dir.path(), &[]).connections.verifies);
    let [nobody] = &told(&dir)[..] else { panic!("{:?}", told(&dir)) };
    assert!(nobody.contains("warning: nobody can prove to be \"sbc.telco.example\""), "{nobody}");

    let dir = with_tls(whole, &[], &[("c.pem", &old), ("k.pem", &old_key)]);
    assert!(good(dir.path(), &[]).connections.server.is_some());
    let [over] = &told(&dir)[..] else { panic!("{:?}", told(&dir)) };
    assert!(
        over.starts_with("gateway.toml:24:12: warning: the certificate is valid from"),
        "{over}"
    );
}

#[test]
fn a_change_may_bring_a_file_that_was_not_there_and_take_it_away() {
    let dir = edited(&[]);
    let text = fs::read_to_string(dir.path().join("callout.toml")).expect("the sample");
    let chains = |changes: &Changes| {
        let loaded = load_changed(dir.path(), environment(&[]), changes);
        let loaded = loaded.unwrap_or_else(|findings| panic!("{findings}"));
        (loaded.switchboard.callout.chains.len(), loaded.digest)
    };
    let mut gone = Changes::default();
    gone.set("callout.toml", None);
    let (with, without) = (chains(&Changes::default()), chains(&gone));
    assert_eq!((with.0, without.0), (5, 0));
    fs::remove_file(dir.path().join("callout.toml")).expect("removed");
    assert_eq!(chains(&Changes::default()), without);
    let mut brought = Changes::default();
    brought.set("callout.toml", Some(text));
    assert_eq!(chains(&brought), with, "a change brings it, and the digest is that of the files");
}
