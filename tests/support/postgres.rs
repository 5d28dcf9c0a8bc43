//! A PostgreSQL server of a test's own: in a temporary folder, on a free port of loopback, as
//! somebody who is not root. It ends with the test.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::wait::{Deadline, LIMIT};

/// `nobody` and `nogroup` of Debian: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
    disk: Option<Disk>,
}

/// A disk of a server's own: a process that keeps a mount namespace with it.
#[derive(Debug)]
struct Disk(Child);

impl Disk {
    /// Mounts one over `folder`, which needs no rights of root.
    fn of(folder: &Path, mib: u32) -> Self {
        let mount = format!(
            "mount -t tmpfs -o size={mib}m,mode=0700 tmpfs {folder:?} && echo done && exec sleep infinity"
        );
        let mut holder = Command::new("unshare");
        holder.args(["-rm", "sh", "-c", &mount]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut holder = holder.spawn().expect("unshare runs");
        let mut told = String::new();
        let out = holder.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut told).expect("read");
        assert_eq!(told, "done\n", "a disk of its own was not made");
        Self(holder)
    }

    /// A command that sees the disk, as somebody who is not root there.
    fn command(&self, name: &str, folder: &Path) -> Command {
        let plain = command(name, folder);
        let mut inside = Command::new("nsenter");
        inside.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        inside.arg(self.0.id().to_string()).arg(format!("--wd={}", folder.display())).arg("--");
        inside.args(["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]);
        inside.arg(plain.get_program()).env("LC_ALL", "C").stdin(Stdio::null());
        inside
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Postgres {
    /// Makes a cluster and starts it.
    pub fn start() -> Self {
        Self::made(None)
    }

    /// The same with its data on a disk of its own of so many MiB; it needs some 60 itself.
    pub fn on_a_disk(mib: u32) -> Self {
        Self::made(Some(mib))
    }

    fn made(mib: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("siaga112-pg").tempdir().expect("a folder");
        let disk = mib.map(|mib| {
            let data = folder.path().join("data");
            fs::create_dir(&data).expect("created");
            Disk::of(&data, mib)
        });
        if is_root() && disk.is_none() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("given away");
        }
        let mut server = Self { folder, port: 0, server: None, disk };
        let made = server
            .command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=siaga112", "--encoding=UTF8"])
            .args(["--locale=C", "--pgdata"])
            .arg(server.folder.path().join("data"))
            .output()
            .unwrap_or_else(|e| panic!("initdb: {e}; make test installs it"));
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        server.port = free.local_addr().expect("bound").port();
        drop(free);
        server.resume();
        server
    }

    fn command(&self, name: &str) -> Command {
        match &self.disk {
            Some(disk) => disk.command(name, self.folder.path()),
            None => command(name, self.folder.path()),
        }
    }

    /// Its data, which only who knows its disk sees.
    pub fn data(&self) -> PathBuf {
        let data = self.folder.path().join("data");
        match &self.disk {
            Some(Disk(holder)) => {
                let inside = data.strip_prefix("/").expect("an absolute path");
                PathBuf::from(format!("/proc/{}/root", holder.id())).join(inside)
            }
            None => data,
        }
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address of a new, empty database.
    pub fn database(&self, name: &str) -> String {
        new_database(&self.port.to_string(), name)
    }

    /// What a statement answers, one row a line.
    pub fn ask(&self, database: &str, sql: &str) -> Result<String, String> {
        ask(&self.port.to_string(), database, sql)
    }

    /// Starts it, or starts it again.
    pub fn resume(&mut self) {
        let log = File::create(self.folder.path().join("log")).expect("created");
        let child = self
            .command("postgres")
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-h", "127.0.0.1", "-c", "fsync=off", "-c", "autovacuum=off", "-k"])
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("postgres starts");
        self.server = Some(child);
        let deadline = Deadline::after(LIMIT);
        while self.ask("postgres", "SELECT 1").is_err() {
            assert!(!deadline.has_passed(), "{}", self.log());
            Deadline::after(std::time::Duration::from_millis(20)).sleep();
        }
    }

    /// Every process of it stands still: connections stay, nothing is answered.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Ends it at once, as when its machine dies; what was committed is kept.
    pub fn stop(&mut self) {
        let Some(mut child) = self.server.take() else { return };
        for pid in processes(child.id()) {
            kill("-CONT", pid);
        }
        kill("-QUIT", child.id());
        // It ends by itself then.
        let _ = child.wait();
    }

    fn signal(&self, signal: &str) {
        let Some(child) = &self.server else { return };
        processes(child.id()).into_iter().for_each(|pid| kill(signal, pid));
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("PostgreSQL:\n{}", self.log());
        }
    }
}

/// A server and its children: each has a session of its own, so no group reaches them.
fn processes(server: u32) -> Vec<u32> {
    let mut found = vec![server];
    for entry in fs::read_dir("/proc").expect("listed").flatten() {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        if parent == Some(&server.to_string()) {
            found.extend(entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
        }
    }
    found
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

fn kill(signal: &str, pid: u32) {
    let done = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
    done.expect("kill runs");
}

/// A program of PostgreSQL, which Debian does not put into the path.
fn command(name: &str, folder: &Path) -> Command {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|entry| entry.path().join("bin").join(name)).filter(|p| p.exists()).collect();
    found.sort();
    let mut command = Command::new(found.pop().unwrap_or_else(|| name.into()));
    command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null());
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// The address of a new, empty database of the server at `port`: a schema, which is made sooner.
pub fn new_database(port: &str, name: &str) -> String {
    ask(port, "postgres", &format!("CREATE SCHEMA {name}")).expect("made");
    format!("postgres://siaga112@127.0.0.1:{port}/postgres?options[search_path]={name}")
}

fn ask(port: &str, database: &str, sql: &str) -> Result<String, String> {
    let asked = Command::new("psql")
        .args(["--host=127.0.0.1", "--username=siaga112", "--no-psqlrc", "--quiet"])
        .args(["--tuples-only", "--no-align", "--dbname", database, "--command", sql])
        .arg(format!("--port={port}"))
        .output()
        .unwrap_or_else(|e| panic!("psql: {e}; make test installs it"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if asked.status.success() { Ok(text(&asked.stdout)) } else { Err(text(&asked.stderr)) }
}
