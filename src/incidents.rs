//! `siaga112 incidents`: reads records, and hands copies out. Each use says why and leaves an entry in the
//! access log, on disk before anything is shown.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use siaga112::proof::bundle::{Archivist, Asked};
use siaga112::proof::pack::Wanted;
use siaga112::proof::redaction::Redaction;
use siaga112::recording::Library;
use siaga112::store::looks::{self, Look};
use siaga112::vocabulary::{Private, WallTime};
use siaga112::{agencies, config, proof, server, store};

use crate::report;

/// Characters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 4..=200;

/// What is asked of the records.
#[derive(Debug, Subcommand)]
pub enum Incidents {
    /// Newest first.
    List(Selection),
    /// One incident, step by step.
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        why: Why,
        /// table, csv, sheet, json or eido.
        #[arg(long, default_value = "table")]
        format: RecordFormat,
        /// Draws the SIP messages of its calls; `--ladder=full` with each message whole.
        #[arg(
            long,
            value_name = "full",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "arrows"
        )]
        ladder: Option<Detail>,
        /// Draws with ASCII only, as is done where the locale is not UTF-8.
        #[arg(long, requires = "ladder")]
        ascii: bool,
        /// Columns of the drawing; the terminal's without it.
        #[arg(long, requires = "ladder", value_name = "COLUMNS")]
        width: Option<usize>,
    },
    /// Every incident, for a spreadsheet or a program.
    Export(Selection),
    /// One incident for a court or the police: record, audio, messages, signed journal lines, and how to
    /// check them without this program. A ZIP file.
    Bundle {
        /// Its id.
        id: String,
        #[command(flatten)]
        why: Why,
        /// The file to make; one that is there is left alone.
        #[arg(long, value_name = "FILE.zip")]
        out: PathBuf,
        /// A copy without names, numbers, places and audio; or without what a file says (JSON, see
        /// config/README.md).
        #[arg(long, value_name = "FILE.json", num_args = 0..=1, require_equals = true)]
        redacted: Option<Option<PathBuf>>,
        #[command(flatten)]
        brought: Brought,
    },
    /// Everything that is kept of one number, for the person whose it is. A ZIP file.
    Pack {
        /// The number, however it is written.
        #[arg(long)]
        number: String,
        #[command(flatten)]
        why: Why,
        /// The file to make; one that is there is left alone.
        #[arg(long, value_name = "FILE.zip")]
        out: PathBuf,
        /// With recordings.
        #[arg(long)]
        audio: bool,
        /// With numbers of others, which are hidden without it.
        #[arg(long)]
        third_parties: bool,
        #[command(flatten)]
        brought: Brought,
    },
    /// The recording of an incident.
    Recording {
        /// The incident's id, or its call's, or that of a call back.
        id: String,
        #[command(flatten)]
        why: Why,
        /// The file to make; one that is there is left alone.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Which file, where one broke off.
        #[arg(long, default_value_t = 1)]
        part: i64,
        /// A WAV file of the same length without the spans that a file names (JSON, see config/README.md).
        #[arg(long, value_name = "FILE.json", require_equals = true)]
        redacted: Option<PathBuf>,
    },
}

/// Where, and why.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// Configuration folder.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// Why, 4 to 200 characters: it is kept in the access log.
    #[arg(long, value_name = "WORDS", value_parser = reason)]
    reason: String,
}

/// What lies on other nodes' disks.
#[derive(Debug, clap::Args)]
pub struct Brought {
    /// A copy of another node's recordings folder, for recordings that lie on that node's disk; again for
    /// each further one.
    #[arg(long = "recordings", value_name = "DIR")]
    folders: Vec<PathBuf>,
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if REASON.contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("4 to 200 characters on one line are expected, for the access log".to_owned())
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// Our own forms.
    Own(store::cli::Format),
    /// For another agency's computer.
    Eido,
}

impl std::str::FromStr for RecordFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "eido" => Ok(Self::Eido),
            text => text.parse().map(Self::Own).map_err(|why| format!("{why}, or eido")),
        }
    }
}

impl RecordFormat {
    /// For what has no such document.
    fn own(self, what: &str) -> anyhow::Result<store::cli::Format> {
        match self {
            Self::Own(format) => Ok(format),
            Self::Eido => anyhow::bail!(
                "{what} has no EIDO: `siaga112 incidents export --format eido` writes whole records"
            ),
        }
    }
}

/// How much of a ladder is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Detail {
    /// An arrow for each message.
    Arrows,
    /// The whole message under each arrow.
    Full,
}

/// Which incidents.
#[derive(Debug, clap::Args)]
pub struct Selection {
    #[command(flatten)]
    why: Why,
    /// table, json, csv, or sheet (CSV for a spreadsheet that is set to Indonesian); export also writes eido (NENA-STA-021.1), a document in each line.
    #[arg(long)]
    format: Option<RecordFormat>,
    /// A filter, e.g. `--where since=2026-11-25 --where outcome=abandoned`.
    #[arg(long = "where", value_name = "KEY=VALUE")]
    filters: Vec<String>,
}

impl Selection {
    fn filter(&self) -> anyhow::Result<store::Filter> {
        let mut filter = store::Filter::default();
        let zone = jiff::tz::TimeZone::system();
        for pair in &self.filters {
            let (key, value) =
                pair.split_once('=').with_context(|| format!("{pair:?}: KEY=VALUE is expected"))?;
            filter.set(key, value, &zone)?;
        }
        Ok(filter)
    }
}

/// The records of a gateway, for a command.
#[derive(Debug)]
pub struct Records {
    /// The database.
    pub store: store::Store,
    /// The journal's folder.
    pub journal: PathBuf,
    loaded: Box<config::Loaded>,
}

impl Records {
    /// Opens them and brings the database up to date.
    pub async fn open(folder: &Path) -> anyhow::Result<Self> {
        let loaded = config::load(folder, config::environment())
            .map_err(|findings| anyhow::anyhow!("the configuration has mistakes:\n{findings}"))?;
        let data = &loaded.node.data_dir;
        anyhow::ensure!(
            data.exists(),
            "nothing has been recorded yet: {} does not exist (relative paths count from the working \
             directory)",
            data.display()
        );
        let journal = server::journal_folder(data);
        let mut store = store::Store::open(&loaded.storage)?;
        // What else goes wrong is met, and said, by the command itself.
        if let Err(away @ store::StoreError::Away { .. }) = store.catch_up(&journal).await {
            report(&format!("{away}\nwhat follows is this node's own journal alone"));
            store = store::Store::of_journal(data)?;
        }
        Ok(Self { store, journal, loaded: Box::new(loaded) })
    }

    fn issuer(&self) -> agencies::Issuer {
        self.loaded.issuer()
    }

    /// With recordings of other nodes from the folders `brought`.
    fn archivist(&self, brought: &[PathBuf]) -> anyhow::Result<Archivist> {
        for folder in brought {
            let there = std::fs::read_dir(folder).map(drop);
            there.with_context(|| format!("--recordings: {} cannot be read", folder.display()))?;
        }
        let library = Library::new(self.loaded.recording.clone());
        let centre = &self.loaded.switchboard.centre;
        Ok(Archivist {
            store: self.store.clone(),
            journal: self.journal.clone(),
            data: self.loaded.node.data_dir.clone(),
            brought: brought.iter().map(|folder| proof::brought(folder, &library)).collect(),
            library,
            centre: centre.name.clone(),
            area_code: centre.area_code.clone(),
            zone: jiff::tz::TimeZone::system(),
        })
    }

    /// Keeps who looks at what, and why; nothing may be shown when it cannot.
    fn note(&self, why: &Why, what: &str, subject: &str) -> anyhow::Result<Asked> {
        let (at, by) = (now(), account());
        let look = Look {
            at,
            by: by.clone(),
            what: what.to_owned(),
            subject: subject.chars().take(*REASON.end()).collect(),
            reason: why.reason.clone(),
        };
        looks::lay(&self.loaded.node.data_dir, &look)?;
        Ok(Asked { by, reason: why.reason.clone(), at })
    }

    /// The id of an incident by that of its call; what is not known stays as it is.
    async fn subject(&self, id: &str) -> anyhow::Result<String> {
        let known = self.store.record(id).await?;
        Ok(known.map_or_else(|| id.to_owned(), |known| known.record.incident.to_string()))
    }
}

fn now() -> WallTime {
    server::Clock::start().now().wall
}

/// The account of this machine that runs the command.
fn account() -> String {
    let uid = std::fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or_default();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = known.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, number) = (parts.next()?, parts.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    });
    let name = named.unwrap_or_else(|| format!("uid {uid}"));
    let behind = variable("SUDO_USER").filter(|_| uid == 0);
    match behind {
        Some(person) => format!("{person} as {name} (command line)"),
        None => format!("{name} (command line)"),
    }
}

/// Runs one of them.
#[allow(clippy::too_many_lines, reason = "one arm for each command")]
pub async fn incidents(command: Incidents) -> anyhow::Result<ExitCode> {
    let why = match &command {
        Incidents::List(selection) | Incidents::Export(selection) => &selection.why,
        Incidents::Show { why, .. }
        | Incidents::Bundle { why, .. }
        | Incidents::Pack { why, .. }
        | Incidents::Recording { why, .. } => why,
    };
    let records = Records::open(&why.config).await?;
    let (store, journal) = (&records.store, records.journal.as_path());
    let mut out = std::io::stdout().lock();
    match &command {
        Incidents::List(selection) => {
            let filter = selection.filter()?;
            let format = selection.format.unwrap_or(RecordFormat::Own(store::cli::Format::Table));
            let format = format.own("a list")?;
            records.note(why, "incidents searched", &selection.filters.join("&"))?;
            store::cli::list(store, journal, &filter, format, &mut out).await?;
        }
        Incidents::Show { id, format, ladder: Some(detail), ascii, width, .. } => {
            let paper = store::drawing::Paper {
                width: width.or_else(terminal_width).unwrap_or(0),
                ascii: *ascii || !speaks_utf8(),
                whole: *detail == Detail::Full,
            };
            let format = format.own("a ladder")?;
            records.note(why, "ladder read", &records.subject(id).await?)?;
            store::cli::ladder(store, journal, id, format, paper, &mut out).await?;
        }
        Incidents::Show { id, format: RecordFormat::Eido, .. } => {
            records.note(why, "incident exported as EIDO", &records.subject(id).await?)?;
            let issuer = records.issuer();
            agencies::eido_export::show(store, journal, id, &issuer, &mut out).await?;
        }
        Incidents::Show { id, format: RecordFormat::Own(format), .. } => {
            records.note(why, "incident read", &records.subject(id).await?)?;
            store::cli::show(store, journal, id, *format, &mut out).await?;
        }
        Incidents::Export(selection) => {
            let filter = selection.filter()?;
            let asked = selection.filters.join("&");
            match selection.format {
                Some(RecordFormat::Eido) => {
                    records.note(why, "incidents exported as EIDO", &asked)?;
                    let issuer = records.issuer();
                    let export = agencies::eido_export::export;
                    export(store, journal, &filter, &issuer, &mut out).await?;
                }
                format => {
                    let format = format.unwrap_or(RecordFormat::Own(store::cli::Format::Csv));
                    let format = format.own("")?;
                    records.note(why, "incidents exported", &asked)?;
                    store::cli::export(store, journal, &filter, format, &mut out).await?;
                }
            }
        }
        Incidents::Bundle { id, out, redacted, brought, .. } => {
            let archivist = records.archivist(&brought.folders)?;
            bundle(&records, archivist, why, id, (out, redacted.as_ref())).await?;
        }
        Incidents::Pack { number, out, audio, third_parties, brought, .. } => {
            let number = Private::new(number.clone());
            let wanted = Wanted { number, audio: *audio, third_parties: *third_parties };
            pack(&records, records.archivist(&brought.folders)?, why, out, wanted).await?;
        }
        Incidents::Recording { id, out, part, redacted, .. } => {
            recording(&records, why, id, out, *part, redacted.as_deref()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn bundle(
    records: &Records,
    archivist: Archivist,
    why: &Why,
    id: &str,
    (out, redacted): (&Path, Option<&Option<PathBuf>>),
) -> anyhow::Result<()> {
    let redaction = match redacted {
        None => None,
        Some(None) => Some(Redaction::default()),
        Some(Some(file)) => Some(wanted(file)?),
    };
    archivist.signer()?;
    let found = archivist.find(id).await?;
    redaction.as_ref().map_or(Ok(()), |redaction| found.check(redaction))?;
    let what =
        if redaction.is_some() { "redacted copy made" } else { "incident bundled for others" };
    let asked = records.note(why, what, &found.incident)?;
    make(out, move |file| archivist.bundle(&found, &asked, redaction.as_ref(), file)).await
}

async fn pack(
    records: &Records,
    archivist: Archivist,
    why: &Why,
    out: &Path,
    wanted: Wanted,
) -> anyhow::Result<()> {
    archivist.signer()?;
    // What is looked for is kept also when there is nothing.
    let subject = archivist.normal(wanted.number.reveal());
    let asked = records.note(why, "records of a number packed", &subject)?;
    let found = archivist.look_for(wanted.number.reveal()).await?;
    let runtime = tokio::runtime::Handle::current();
    make(out, move |file| archivist.pack(&found, &wanted, &asked, &runtime, file)).await
}

async fn recording(
    records: &Records,
    why: &Why,
    id: &str,
    out: &Path,
    part: i64,
    redacted: Option<&Path>,
) -> anyhow::Result<()> {
    let redaction = redacted.map(wanted).transpose()?;
    let call = records.store.show(id).await?.map_or_else(|| id.to_owned(), |it| it.summary.call);
    if let Some(redaction) = &redaction {
        records.archivist(&[])?.find(id).await?.check(redaction)?;
    }
    let files = records.store.recordings_of(&call).await?;
    let file = files.into_iter().find(|file| file.part == part && file.state != "deleted");
    let file = file.filter(|file| !file.file.is_empty());
    let file = file.with_context(|| format!("{id} has no recording of part {part}"))?;
    if let Some(redaction) = &redaction {
        // A whole recording must not leave as a redacted one.
        anyhow::ensure!(
            !redaction.spans_of(&call, part).is_empty(),
            "nothing would be taken out of part {part}: name what in \"audio\", such as {{\"audio\": [{{\"part\": \
             {part}, \"from\": 3.2, \"to\": 7.9}}]}}; or leave --redacted out for the whole recording"
        );
    }
    let reader = Library::new(records.loaded.recording.clone()).open(&file.file)?;
    let what = if redaction.is_some() { "redacted recording made" } else { "recording played" };
    records.note(why, what, &records.subject(id).await?)?;
    make(out, move |mut file| {
        match redaction {
            Some(redaction) => reader.redacted(&redaction.spans_of(&call, part), &mut file),
            None => reader.copy(&mut file),
        }?;
        file.flush()?;
        Ok(())
    })
    .await
}

/// What a file says that is to be taken out; serde says line and column of a mistake.
fn wanted(file: &Path) -> anyhow::Result<Redaction> {
    let shown = file.display();
    let text =
        std::fs::read(file).map_err(|error| anyhow::anyhow!("cannot read {shown}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| {
        anyhow::anyhow!("{shown}: {error}; config/README.md shows how it is written")
    })
}

type Draft = std::io::BufWriter<std::fs::File>;

/// Makes a file whole or not at all, for its owner only.
async fn make(
    out: &Path,
    write: impl FnOnce(Draft) -> Result<(), proof::ProofError> + Send + 'static,
) -> anyhow::Result<()> {
    anyhow::ensure!(!out.exists(), "{} is there already; it is left as it is", out.display());
    let mut draft = out.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    let mut new = std::fs::OpenOptions::new();
    let file = new.write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let refused = |path: &Path, error: std::io::Error| {
        anyhow::anyhow!("cannot make {}: {error}", path.display())
    };
    let file = file.map_err(|error| refused(&draft, error))?;
    let kept = file.try_clone()?;
    let written = tokio::task::spawn_blocking(move || write(std::io::BufWriter::new(file))).await;
    let written = written.map_err(anyhow::Error::from).and_then(|done| Ok(done?));
    let done = written.and_then(|()| {
        kept.sync_all()?;
        std::fs::rename(&draft, out).map_err(|error| refused(out, error))
    });
    if done.is_err() {
        // Half a copy is none; whether it can be removed changes nothing.
        let _ = std::fs::remove_file(&draft);
    }
    done?;
    report(&format!("{} is made", out.display()));
    Ok(())
}

/// Columns of the terminal that the output goes to: what the shell says, or else the terminal.
fn terminal_width() -> Option<usize> {
    use std::io::IsTerminal as _;
    let said = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    if said.is_some() || !std::io::stdout().is_terminal() {
        return said;
    }
    let terminal = std::fs::File::open("/dev/tty").ok()?;
    let size = std::process::Command::new("stty").arg("size").stdin(terminal).output().ok()?;
    String::from_utf8(size.stdout).ok()?.split_whitespace().nth(1)?.parse().ok()
}

/// A variable of the environment; none when it is empty.
fn variable(name: &str) -> Option<String> {
    let found = config::environment().into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// Whether the locale writes UTF-8: the first of these variables that says anything (POSIX).
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
