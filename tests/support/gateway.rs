//! The real program on a small configuration of its own, started and stopped like a service.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};

use serde_json::Value;
use tempfile::TempDir;

use super::digest::Account;
use super::http::{self, Answer};
use super::phone::Phone;
use super::pki::Authority;
use super::record::Incident;
use super::site::Site;
use super::wait::{LIMIT, until};

/// The API token of every test.
const TOKEN: &str = "token-of-the-suite";
/// The password of every account.
const PASSWORD: &str = "rahasia-112";
/// What the trunk dials for a test call.
pub const TEST_NUMBER: &str = "0328911";
/// Line under `[sip]` for peers that cannot read a SHA-256 challenge: SIPp 3.6 and baresip 1.0
/// give up as soon as they see one, wherever it stands.
const MD5_ONLY: &str = "digest = [\"MD5\"]\n";
/// The name in the certificate of a carrier, for [`Centre::certified_trunk`].
pub const SBC: &str = "sbc.telco.example";

/// What a story's centre is like.
#[derive(Clone)]
pub struct Centre {
    /// Seats `seat-1`, `seat-2`, …, each ready as soon as its phone registers.
    pub seats: u8,
    /// How long one seat rings, in seconds.
    pub ring_timeout: u32,
    /// A second trunk `roaming` is known by digest.
    pub roaming_trunk: bool,
    /// Challenges name MD5 only.
    pub md5_only: bool,
    /// Files may not grow beyond this many blocks of 512 bytes: a disk that fills up.
    pub disk_blocks: Option<u32>,
    /// Recordings lie on a disk of their own with so many KiB.
    pub recordings_kib: Option<u32>,
    /// Everything that it keeps lies on a disk of its own with so many KiB.
    pub data_kib: Option<u32>,
    /// Whether the audio of browsers has a port.
    pub browsers: bool,
    /// What is written below `[recording]`.
    pub recording: &'static str,
    /// Everything is at `::1`: SIP, audio, and the trunk.
    pub ipv6: bool,
    /// Where copies of SIP messages go.
    pub collector: Option<SocketAddr>,
    /// The data folder, from the configuration's.
    pub data_dir: &'static str,
    /// Transports that it listens on beside UDP: `tcp`, `tls`, `ws`, `wss`.
    pub transports: &'static [&'static str],
    /// It listens on `::1` as well, and that is the trunk's address too.
    pub dual_stack: bool,
    /// Certificates for the secure transports, and what is written beside them below `[sip]`.
    pub tls: Option<(Arc<Authority>, &'static str)>,
    /// A trunk `mutual` that is known by this name in its certificate.
    pub certified_trunk: Option<&'static str>,
    /// Further lines of each seat.
    pub seat_lines: &'static str,
    /// Its log goes into a pipe that is full and that nobody reads.
    pub unread_log: bool,
    /// What it logs (`RUST_LOG`); what is usual when it is empty.
    pub log: &'static str,
}

impl Default for Centre {
    fn default() -> Self {
        Self {
            seats: 1,
            ring_timeout: 30,
            roaming_trunk: false,
            md5_only: false,
            disk_blocks: None,
            recordings_kib: None,
            data_kib: None,
            browsers: true,
            recording: "",
            ipv6: false,
            collector: None,
            data_dir: "data",
            transports: &[],
            dual_stack: false,
            tls: None,
            certified_trunk: None,
            seat_lines: "",
            unread_log: false,
            log: "",
        }
    }
}

impl Centre {
    /// A centre that takes every transport, with certificates of an authority of its own.
    pub fn of_every_transport() -> Self {
        let tls = Some((Arc::new(Authority::new()), ""));
        Self { transports: &["tcp", "tls", "ws", "wss"], tls, ..Self::default() }
    }

    /// Writes the configuration into `dir`.
    #[allow(clippy::too_many_lines, reason = "one configuration, read in one piece")]
    fn write(&self, dir: &Path, site: &Site) {
        let put = |name: &str, text: String| fs::write(dir.join(name), text).expect("written");
        for folder in ["trunks", "places", "data"] {
            fs::create_dir(dir.join(folder)).expect("created");
        }
        let ports = site.media_ports();
        let (own, media, source) = if self.ipv6 {
            ("[::1]".to_owned(), "::1".to_owned(), "::1/128".to_owned())
        } else {
            let own = site.gateway().to_string();
            (own.clone(), own, format!("{}/32", site.trunk()))
        };
        let hep = self.collector.map_or_else(String::new, |address| {
            format!("\n[hep]\ncollector = \"udp://{address}\"\ncapture_id = 3529\npassword = \"kunci\"\n")
        });
        let digest = if self.md5_only { MD5_ONLY } else { "" };
        let tls = self.tls.as_ref().map_or_else(String::new, |(authority, more)| {
            authority
                .write(dir, &[own.trim_matches(&['[', ']'][..]), "::1", "112.sumenep.example"]);
            let keys = "tls_cert = \"tls/cert.pem\"\ntls_key = \"tls/key.pem\"\n";
            // Asked for a certificate of its own, linphonec stops and wants a password for it.
            let asks = self.certified_trunk.map_or("", |_| "tls_ca = \"tls/ca.pem\"\n");
            format!("{keys}{asks}{more}\n")
        });
        let listen = self.listen(&own);
        let browsers = if self.browsers { *ports.end() } else { 0 };
        put(
            "gateway.toml",
            format!(
                "[node]\nname = \"gw1.112.sumenep.example\"\ndata_dir = {:?}\n\n\
                 [centre]\nname = \"NTPD 112 Sumenep\"\narea_code = \"0328\"\n\
                 dialled = [\"112\", \"0328112\", \"urn:service:sos\", \"urn:service:sos.*\"]\n\n\
                 [sip]\nlisten = [{listen}]\ndomain = \"112.sumenep.example\"\n\
                 min_expires_seconds = 60\n{digest}{tls}\n\
                 [media]\naddress = \"{media}\"\nports = \"{}-{}\"\nbrowser_port = {browsers}\n\
                 record = true\n\n\
                 [recording]\n{}\n\
                 [console]\nlisten = \"{own}:0\"\n\n\
                 [[console.token]]\nname = \"suite\"\nrole = \"supervisor\"\ntoken = \"{TOKEN}\"\n{hep}",
                dir.join(self.data_dir),
                ports.start(),
                ports.end() - 2,
                self.recording,
            ),
        );
        let v6 = if self.dual_stack { ", \"::1\"" } else { "" };
        put("trunks/telco-a.toml", trunk("telco-a", &format!("source = [\"{source}\"{v6}]")));
        if let Some(name) = self.certified_trunk {
            put("trunks/mutual.toml", trunk("mutual", &format!("tls_names = [{name:?}]")));
        }
        if self.roaming_trunk {
            let account = format!("username = \"roaming\"\npassword = \"{PASSWORD}\"");
            put("trunks/roaming.toml", trunk("roaming", &account));
        }
        put(
            "queues.toml",
            format!(
                "[[queue]]\nname = \"darurat\"\nanswer = \"on_agent\"\n\
                 ring_timeout_seconds = {}\nwrap_up_seconds = 0\nmax_wait_seconds = 160\n\
                 overflow = [\"tel:+62811000112\"]\n",
                self.ring_timeout
            ),
        );
        let rule = "[[rule]]\nname = \"all\"\npriority = 0\nwhen = {}\nqueue = \"darurat\"\n";
        put("routing.toml", rule.to_owned());
        put("seats.toml", (1..=self.seats).map(|number| seat(number, self.seat_lines)).collect());
        put(
            "categories.toml",
            "[[category]]\ncode = \"kebakaran\"\nname = \"Kebakaran\"\nname_en = \"Fire\"\n\
             sub = []\nagencies = [\"damkar\"]\nservices = [\"sos.fire\"]\n"
                .to_owned(),
        );
        put(
            "places/kecamatan.csv",
            "code,name,aliases,zone,sea_access,area_code,note\n\
             35.29.01,Kota Sumenep,,mainland,no,0328,\n"
                .to_owned(),
        );
    }

    fn listen(&self, own: &str) -> String {
        let hosts = if self.dual_stack { vec![own, "[::1]"] } else { vec![own] };
        let transports = ["udp"].iter().chain(self.transports);
        let all = transports.flat_map(|t| hosts.iter().map(move |h| format!("\"{t}://{h}:0\"")));
        all.collect::<Vec<_>>().join(", ")
    }

    /// Starts the program on this configuration and waits until it is ready.
    pub fn start(&self) -> Gateway {
        self.start_with(|_, _| ()).0
    }

    /// The same, with `prepare` called before the start: it may change the configuration in the
    /// folder that it is given, and what it returns lives with the gateway.
    pub fn start_with<T>(&self, prepare: impl FnOnce(&Site, &Path) -> T) -> (Gateway, T) {
        let (dir, site) = (TempDir::new().expect("a temporary directory"), Site::lease());
        let config = dir.path().join("config");
        fs::create_dir(&config).expect("created");
        self.write(&config, &site);
        let prepared = prepare(&site, &config);
        (self.launch(dir, site), prepared)
    }

    /// Kills a gateway as a power cut would, and starts it again on the same data.
    pub fn restart(&self, killed: Gateway) -> Gateway {
        self.restart_after(killed, || ())
    }

    /// The same, with `meanwhile` done between its end and the next start.
    pub fn restart_after(&self, mut killed: Gateway, meanwhile: impl FnOnce()) -> Gateway {
        killed.child.kill().expect("killed");
        killed.child.wait().expect("gone");
        meanwhile();
        let dir = std::mem::replace(&mut killed.dir, TempDir::new().expect("a directory"));
        let site = std::mem::replace(&mut killed.site, Site::lease());
        drop(killed);
        self.launch(dir, site)
    }

    /// Changes one file of a running gateway's configuration.
    pub fn edit(gateway: &Gateway, file: &str, from: &str, to: &str) {
        edit(&gateway.config(), file, from, to);
    }

    fn launch(&self, dir: TempDir, site: Site) -> Gateway {
        let config = dir.path().join("config");
        let log = File::create(dir.path().join("gateway.log")).expect("created");
        let mut serve = program(&["serve"], &config);
        if let Some(blocks) = self.disk_blocks {
            // Without the signal, a write beyond the limit is an error like a full disk's.
            let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
            let mut limited = Command::new("sh");
            limited.args(["-c", &limit, "sh"]).arg(serve.get_program()).args(serve.get_args());
            serve = limited;
        }
        let data = config.join(self.data_dir);
        let disks = [(data.clone(), self.data_kib), (data.join("recordings"), self.recordings_kib)];
        for (folder, kib) in disks.into_iter().filter_map(|(folder, kib)| Some((folder, kib?))) {
            // In a mount namespace of its own, which needs no rights of root.
            fs::create_dir_all(&folder).expect("created");
            let mount = format!("mount -t tmpfs -o size={kib}k tmpfs {folder:?} && exec \"$@\"");
            let mut apart = Command::new("unshare");
            apart.args(["-rm", "sh", "-c", &mount, "sh"]);
            apart.arg(serve.get_program()).args(serve.get_args());
            serve = apart;
        }
        let (log, unread) = if self.unread_log {
            let (reads, writes) = std::io::pipe().expect("a pipe");
            let mut fills = writes.try_clone().expect("a second handle");
            // It ends when the gateway is dropped, and with it the other end.
            std::thread::spawn(move || while fills.write_all(&[b'.'; 4096]).is_ok() {});
            (Stdio::from(writes), Some(reads))
        } else {
            (Stdio::from(log), None)
        };
        if !self.log.is_empty() {
            serve.env("RUST_LOG", self.log);
        }
        let mut child = serve
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|l| tell.send(l))
        });
        let authority = self.tls.as_ref().map(|(authority, _)| Arc::clone(authority));
        let (sip, console, listeners) = (nowhere(), nowhere(), Vec::new());
        let mut gateway =
            Gateway { child, dir, site, authority, sip, listeners, console, _unread: unread };
        let ready = told.recv_timeout(LIMIT).unwrap_or_else(|e| {
            let log = fs::read_to_string(gateway.dir.path().join("gateway.log"));
            panic!("no ready line: {e}\n{}", log.unwrap_or_default())
        });
        let word = |key: &str| {
            let value = ready.split(' ').find_map(|word| word.strip_prefix(key)?.split(',').next());
            let address = value.and_then(|value| value.parse().ok());
            address.unwrap_or_else(|| panic!("no {key} in {ready:?}"))
        };
        gateway.sip = word("sip=udp:");
        let all = ready.split(' ').find_map(|word| word.strip_prefix("sip=")).expect("sip=");
        let listener = |word: &str| {
            let (transport, address) = word.split_once(':').expect("transport:address");
            (transport.to_owned(), address.parse().expect("an address"))
        };
        gateway.listeners = all.split(',').map(listener).collect();
        gateway.console = word("console=");
        gateway
    }
}

/// Changes one file of a configuration.
pub fn edit(config: &Path, file: &str, from: &str, to: &str) {
    let path = config.join(file);
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replace(from, to)).expect("written");
}

fn trunk(name: &str, known_by: &str) -> String {
    format!(
        "[[trunk]]\nname = \"{name}\"\n{known_by}\ntrust_identity = true\narea_code = \"0328\"\n\
         answer = \"on_agent\"\ntest_number = \"{TEST_NUMBER}\"\n"
    )
}

fn seat(number: u8, lines: &str) -> String {
    format!(
        "[[operator]]\nname = \"operator-{number}\"\nfull_name = \"Operator {number}\"\n\n\
         [[seat]]\nname = \"seat-{number}\"\nqueues = [\"darurat\"]\n\
         operator = \"operator-{number}\"\nauto_ready = true\nusername = \"seat-{number}\"\n\
         password = \"{PASSWORD}\"\n{lines}\n"
    )
}

/// The account of a seat or trunk of a [`Centre`].
pub fn account(username: &str) -> Account {
    Account { username: username.to_owned(), password: PASSWORD.to_owned() }
}

fn program(words: &[&str], config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_siaga112"));
    command.args(words).arg("--config").arg(config);
    command
}

fn nowhere() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A running gateway. Dropped without [`Gateway::stop`], it is killed and its log shown.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    dir: TempDir,
    /// The addresses of this test.
    pub site: Site,
    authority: Option<Arc<Authority>>,
    /// Where it takes SIP over UDP.
    pub sip: SocketAddr,
    /// Every transport and address that it takes SIP on.
    listeners: Vec<(String, SocketAddr)>,
    /// Where it takes HTTP.
    pub console: SocketAddr,
    /// The other end of its log, see [`Centre::unread_log`].
    _unread: Option<PipeReader>,
}

impl Gateway {
    /// A place for files of this test.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The certificate of who vouches for it.
    pub fn authority_file(&self) -> PathBuf {
        self.config().join("tls/ca.pem")
    }

    /// Files of a certificate of the same authority, and of its key.
    pub fn certificate(&self, file: &str, names: &[&str]) -> (PathBuf, PathBuf) {
        let identity = self.authority.as_ref().expect("a centre with certificates").sign(names);
        let path = |kind: &str| self.dir().join(format!("{file}.{kind}"));
        fs::write(path("pem"), identity.cert_pem).expect("written");
        fs::write(path("key"), identity.key_pem).expect("written");
        (path("pem"), path("key"))
    }

    /// Waits until a seat is in a state.
    pub fn await_seat(&self, name: &str, state: &str) {
        until(&format!("{name} is {state}"), || {
            (self.seat(name).expect("listed")["state"] == state).then_some(())
        });
    }

    /// Where it takes SIP over a transport, on IPv4.
    pub fn at(&self, transport: &str) -> SocketAddr {
        self.listening(transport, SocketAddr::is_ipv4)
    }

    /// The same on IPv6.
    pub fn at_v6(&self, transport: &str) -> SocketAddr {
        self.listening(transport, SocketAddr::is_ipv6)
    }

    fn listening(&self, transport: &str, version: fn(&SocketAddr) -> bool) -> SocketAddr {
        let found = self.listeners.iter().find(|(word, at)| word == transport && version(at));
        found.unwrap_or_else(|| panic!("no {transport} in {:?}", self.listeners)).1
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("config")
    }

    /// Its recordings, on a disk of their own or not.
    pub fn recordings(&self) -> PathBuf {
        let folder = self.config().join("data/recordings");
        let inside = folder.strip_prefix("/").expect("an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.child.id())).join(inside)
    }

    /// What it keeps, on a disk of its own or not.
    pub fn data(&self) -> PathBuf {
        self.recordings().parent().expect("a folder above").to_owned()
    }

    /// Sends the process a signal by its name.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("sh runs");
        assert!(status.success(), "the gateway is gone");
    }

    /// Its threads of this name, as the kernel numbers them.
    pub fn threads(&self, name: &str) -> Vec<i32> {
        let folder = format!("/proc/{}/task", self.child.id());
        let tasks =
            fs::read_dir(folder).expect("a process").map(|task| task.expect("listed").path());
        let named = tasks.filter(|task| {
            fs::read_to_string(task.join("comm")).is_ok_and(|comm| comm.trim() == name)
        });
        let number = |task: PathBuf| task.file_name()?.to_str()?.parse().ok();
        named.filter_map(number).collect()
    }

    /// Asks the API.
    pub fn get(&self, path: &str) -> Answer {
        http::request(self.console, "GET", path, Some(TOKEN), "")
    }

    /// Asks the API for a part of something.
    pub fn get_range(&self, path: &str, range: &str) -> Answer {
        // The header goes behind the token's.
        let token = format!("{TOKEN}\r\nRange: {range}");
        http::request(self.console, "GET", path, Some(&token), "")
    }

    /// Posts JSON to the API.
    pub fn post(&self, path: &str, json: &str) -> Answer {
        http::request(self.console, "POST", path, Some(TOKEN), json)
    }

    /// Changes something by the API.
    pub fn patch(&self, path: &str, json: &str) -> Answer {
        http::request(self.console, "PATCH", path, Some(TOKEN), json)
    }

    /// Deletes something by the API.
    pub fn delete(&self, path: &str) -> Answer {
        http::request(self.console, "DELETE", path, Some(TOKEN), "")
    }

    /// Makes a seat ready, or pauses it.
    pub fn set_seat(&self, number: u8, status: &str) {
        let json = format!("{{\"status\":\"{status}\",\"reason\":\"sholat\"}}");
        let answer = self.post(&format!("/api/v1/seats/seat-{number}/status"), &json);
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// The live calls, in order of arrival.
    pub fn calls(&self) -> Vec<Incident> {
        let board = self.get("/api/v1/calls").json();
        board["calls"].as_array().expect("calls").iter().cloned().map(Incident).collect()
    }

    /// Asserts that nothing is left of any call: no live one, and none that a fault set aside.
    pub fn assert_nothing_left(&self) {
        until("no call lives", || self.calls().is_empty().then_some(()));
        let metrics = String::from_utf8(self.get("/metrics").body).expect("text");
        assert!(metrics.lines().any(|line| line == "siaga112_orphans 0"), "{metrics}");
    }

    /// Registers the phone of a seat at port 5060 of the seat's address.
    pub fn register(&self, number: u8) {
        let phone = Phone::at(self.site.seat(number), 5060, self.sip);
        let name = format!("seat-{number}");
        let contact = format!("<sip:{name}@{}>", phone.local());
        let answer = phone.register(&account(&name), &contact, 300);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
    }

    /// What the API says about one seat.
    pub fn seat(&self, name: &str) -> Option<Value> {
        let seats = Incident::list(&self.get("/api/v1/seats").json());
        let named = |seat: &Incident| [seat.text("id"), seat.text("name")].contains(&name.into());
        seats.into_iter().find(named).map(|seat| seat.0)
    }

    /// Waits until `count` calls are over, and returns their records as the command line shows
    /// them, oldest first. There are never more than these.
    pub fn incidents(&self, count: usize) -> Vec<Incident> {
        let list = until(&format!("{count} calls are over"), || {
            let all = Incident::list(&self.get("/api/v1/incidents").json());
            assert!(all.len() <= count, "{count} calls were made: {all:?}");
            (all.len() == count && all.iter().all(Incident::is_over)).then_some(all)
        });
        let mut shown: Vec<Incident> =
            list.iter().map(|incident| self.show(&incident.id())).collect();
        shown.sort_by_key(|incident| incident.text("received_at"));
        shown
    }

    /// The record of the one call of a story.
    pub fn incident(&self) -> Incident {
        self.incidents(1).remove(0)
    }

    /// One record through the command line.
    pub fn show(&self, id: &str) -> Incident {
        let config = self.dir.path().join("config");
        let mut show = program(&["incidents", "show", id, "--reason", "a test looks"], &config);
        let output = show.args(["--format", "json"]).output().expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "incidents show {id}: {error}");
        Incident(serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    /// One record as people read it in a terminal.
    pub fn story(&self, id: &str) -> String {
        let show = program(&["incidents", "show", id, "--reason", "a test looks"], &self.config())
            .output();
        let output = show.expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "incidents show {id}: {error}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The ladder of one incident as the command line draws it.
    pub fn ladder(&self, id: &str, options: &[&str]) -> String {
        let mut show = program(
            &["incidents", "show", id, "--ladder", "--reason", "a test looks"],
            &self.config(),
        );
        let output = show.args(options).output().expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "incidents show {id} --ladder: {error}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Stops the gateway as a service manager does, and asserts a clean end.
    pub fn stop(mut self) {
        self.signal("TERM");
        self.assert_end();
    }

    /// Waits for the end of a gateway that was told to stop.
    pub fn ended(mut self) {
        self.assert_end();
    }

    /// Starts a second program on the same configuration, which must fail; returns its words.
    pub fn start_another(&self) -> String {
        let output = program(&["serve"], &self.config()).output().expect("the program runs");
        assert!(!output.status.success(), "two gateways on one data folder");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn assert_end(&mut self) {
        let status = until("the gateway has ended", || self.child.try_wait().expect("a child"));
        assert!(status.success(), "the gateway ended with {status}");
        let log = self.log();
        assert!(!log.contains("panicked"), "{log}");
    }

    /// What it logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("gateway.log")).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            // Nothing can be done about a process that cannot be killed.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the gateway's last lines, newest first:\n{}", lines.join("\n"));
        }
    }
}
