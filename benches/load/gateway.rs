//! The release program on a configuration of its own, and what the kernel says about it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The gateway's address; trunk and seats have others.
const OWN: &str = "127.112.250.1";
/// Where the trunk and the seats are.
pub const PEERS: [&str; 2] = ["127.112.250.11", "127.112.250.20"];
/// The password of every seat.
pub const PASSWORD: &str = "rahasia-112";
/// The realm of the digest.
pub const DOMAIN: &str = "112.sumenep.example";
/// `/proc` counts CPU in hundredths of a second, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);
/// The longest that is waited for the gateway to become idle.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running gateway; killed when it is dropped.
pub struct Gateway {
    child: Child,
    /// Where it takes SIP.
    pub sip: SocketAddr,
    /// Where its pages are.
    pub console: SocketAddr,
    /// Its configuration.
    #[allow(dead_code, reason = "not every benchmark changes it")]
    pub dir: PathBuf,
    /// How many seats it knows.
    pub seats: usize,
}

impl Gateway {
    /// Starts it in a new folder within `disk` and waits for its ready line. Folders stay until
    /// `disk` goes: ext4 makes new files slowly for half a minute after many were removed.
    pub fn start(disk: &Path, seats: usize, record: bool) -> Self {
        let dir = TempDir::new_in(disk).unwrap().keep();
        write(&dir, seats, record);
        let mut child = Command::new(env!("CARGO_BIN_EXE_siaga112"))
            .args(["serve", "--config"])
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(dir.join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let sip = line.split([' ', ',', '\n']).find_map(|word| word.strip_prefix("sip=udp:"));
        let Some(sip) = sip.and_then(|address| address.parse().ok()) else {
            panic!("not ready: {}", fs::read_to_string(dir.join("log")).unwrap());
        };
        let console = line.split([' ', ',', '\n']).find_map(|word| {
            word.strip_prefix("console=").map(|a| a.trim_start_matches("http://").parse().unwrap())
        });
        Self { child, sip, console: console.unwrap(), dir, seats }
    }

    /// Its metrics whose names begin with one of these, one a line.
    pub fn metrics(&self, wanted: &[&str]) -> Vec<String> {
        let mut stream = TcpStream::connect(self.console).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let lines = text.lines().filter(|line| wanted.iter().any(|w| line.starts_with(w)));
        lines.map(str::to_owned).collect()
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// User and system time of all threads so far.
    pub fn cpu(&self) -> Duration {
        ticks(&self.proc("stat"))
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Open descriptors.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Waits until it has nothing left to do; returns how long that took.
    pub fn settle(&self) -> Duration {
        let start = Instant::now();
        let (mut seen, mut since) = (self.cpu(), start);
        while since.elapsed() < Duration::from_millis(400) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
            let now = self.cpu();
            if now > seen + TICK {
                (seen, since) = (now, Instant::now());
            }
        }
        since - start
    }

    /// Prints the CPU time of its threads, summed by name.
    pub fn threads(&self) {
        let mut sums = std::collections::BTreeMap::<String, Duration>::new();
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap() {
            let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap_or_default();
            if let Some((_, name)) = stat.split(')').next().and_then(|s| s.split_once('(')) {
                *sums.entry(name.to_owned()).or_default() += ticks(&stat);
            }
        }
        for (name, cpu) in sums {
            println!("{name:>20} {:>6} ms", cpu.as_millis());
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Nothing can be done about a process that cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fields 14 and 15 of `stat`; the name before them may hold spaces.
fn ticks(stat: &str) -> Duration {
    let fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2);
    TICK * fields.map(|field| field.parse::<u32>().unwrap()).sum::<u32>()
}

fn write(dir: &Path, seats: usize, record: bool) {
    let put = |name: &str, text: String| fs::write(dir.join(name), text).unwrap();
    for folder in ["trunks", "places", "data"] {
        fs::create_dir(dir.join(folder)).unwrap();
    }
    let data = dir.join("data");
    put(
        "gateway.toml",
        format!(
            "[node]\nname = \"gw1.{DOMAIN}\"\ndata_dir = {data:?}\n\n\
             [centre]\nname = \"NTPD 112\"\narea_code = \"0328\"\ndialled = [\"112\"]\n\n\
             [sip]\nlisten = [\"udp://{OWN}:0\"]\ndomain = \"{DOMAIN}\"\n\n\
             [media]\naddress = \"{OWN}\"\nports = \"33000-60999\"\nrecord = {record}\n\n\
             [console]\nlisten = \"{OWN}:0\"\n\n\
             [[console.token]]\nname = \"bench\"\ntoken = \"token-of-the-bench\"\n"
        ),
    );
    put(
        "trunks/telco-a.toml",
        format!(
            "[[trunk]]\nname = \"telco-a\"\nsource = [\"{}/32\"]\ntrust_identity = true\n\
             area_code = \"0328\"\nanswer = \"on_agent\"\ntest_number = \"0328911\"\n",
            PEERS[0]
        ),
    );
    put(
        "queues.toml",
        "[[queue]]\nname = \"darurat\"\nanswer = \"on_agent\"\nring_timeout_seconds = 30\n\
         wrap_up_seconds = 0\nmax_wait_seconds = 170\noverflow = [\"tel:+62811000112\"]\n"
            .to_owned(),
    );
    put(
        "routing.toml",
        "[[rule]]\nname = \"all\"\npriority = 0\nwhen = {}\nqueue = \"darurat\"\n".to_owned(),
    );
    let seat = |n: usize| {
        format!(
            "[[seat]]\nname = \"seat-{n}\"\nqueues = [\"darurat\"]\nauto_ready = true\n\
             username = \"seat-{n}\"\npassword = \"{PASSWORD}\"\n\n"
        )
    };
    put("seats.toml", (0..seats).map(seat).collect());
    put(
        "categories.toml",
        "[[category]]\ncode = \"kebakaran\"\nname = \"Kebakaran\"\nname_en = \"Fire\"\nsub = []\n\
         agencies = [\"damkar\"]\nservices = [\"sos.fire\"]\n"
            .to_owned(),
    );
    put(
        "places/kecamatan.csv",
        "code,name,aliases,zone,sea_access,area_code,note\n\
         35.29.01,Kota Sumenep,,mainland,no,0328,\n"
            .to_owned(),
    );
}
