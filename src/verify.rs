//! `siaga112 verify`: looks whether everything is as it was kept, and says what is not.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use siaga112::proof::verify::{Asked, Report, database, files_told};
use siaga112::proof::{Signer, keys_folder, pem, public_key};
use siaga112::recording::Library;
use siaga112::{config, server, store};

/// What is asked for.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Configuration folder.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// Only what was kept since this time, or this day's midnight.
    #[arg(long)]
    since: Option<String>,
    /// Prints the public key that heads are signed with, and looks at nothing.
    #[arg(long)]
    key: bool,
    /// The public key, from a copy that is kept elsewhere.
    #[arg(long, value_name = "HEX")]
    public_key: Option<String>,
    /// Leaves the database out.
    #[arg(long)]
    no_database: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Tells on standard error which line of the journal it is at.
    #[arg(long)]
    progress: bool,
}

/// Lines between two tellings.
const TELLS: u64 = 1_000;

/// Verifies; returns what to print and whether all holds.
pub async fn verify(options: Options) -> anyhow::Result<(String, bool)> {
    let loaded = config::load(&options.config, config::environment())
        .map_err(|findings| anyhow::anyhow!("the configuration has mistakes:\n{findings}"))?;
    let data = loaded.node.data_dir.clone();
    if options.key {
        let public = Signer::open(&keys_folder(&data))?.public();
        let key = public_key(&public).context("the key cannot be used")?;
        return Ok((format!("{public}\n{}", pem(&key)), true));
    }
    let key = options.public_key.as_deref().map(|text| {
        public_key(text)
            .context("--public-key: 64 hexadecimal digits are expected, as printed by --key")
    });
    let zone = jiff::tz::TimeZone::system();
    let mut since = store::Filter::default();
    if let Some(text) = &options.since {
        since.set("since", text, &zone)?;
    }
    let journal = server::journal_folder(&data);
    anyhow::ensure!(
        journal.exists(),
        "nothing has been recorded yet: {} does not exist",
        journal.display()
    );
    let asked = Asked {
        data: data.clone(),
        journal: journal.clone(),
        library: Library::new(loaded.recording.clone()),
        copy_to: loaded.proof_copy_to.clone(),
        since: since.since,
        key: key.transpose()?,
    };
    let mut tell = move |line: u64| {
        if options.progress && line.is_multiple_of(TELLS) {
            // It fails where whoever asked is gone: nobody waits for the rest.
            eprintln!("line {line}");
        }
    };
    let mut report = tokio::task::spawn_blocking(move || files_told(&asked, &mut tell)).await??;
    if !options.no_database {
        let work = Work::make(data.join(format!("verify-{}", std::process::id())))?;
        let store = store::Store::open(&loaded.storage)?;
        database(&mut report, &store, (&journal, &work.0), since.since).await?;
        store.close().await;
    }
    let told =
        if options.json { serde_json::to_string_pretty(&report)? + "\n" } else { story(&report) };
    Ok((told, report.holds()))
}

/// A folder that is gone afterwards: it holds personal data.
struct Work(PathBuf);

impl Work {
    fn make(folder: PathBuf) -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn story(report: &Report) -> String {
    let mut text = String::new();
    let journal = &report.journal;
    let _ = writeln!(
        text,
        "journal      {} lines, {} to {}, in {} files",
        journal.entries, journal.first_seq, journal.last_seq, journal.segments
    );
    let _ = writeln!(
        text,
        "personal     {} lines open, {} erased by rule",
        report.opened, report.erased
    );
    let _ = writeln!(text, "heads        {} hold", report.heads);
    let _ = writeln!(
        text,
        "recordings   {} as sealed, {} deleted by rule",
        report.recordings, report.recordings_deleted
    );
    let rows = report.rows.map_or_else(
        || "not compared".to_owned(),
        |rows| format!("{rows} rows as the journal says"),
    );
    let _ = writeln!(text, "database     {rows}");
    report.notes.iter().for_each(|note| {
        let _ = writeln!(text, "note: {note}");
    });
    for fault in &report.faults {
        let _ = writeln!(text, "FAULT: {}: {}: {}", fault.what, fault.place, fault.why);
    }
    let listed = report.faults.len() as u64;
    if report.faults_total > listed {
        let _ = writeln!(text, "and {} more", report.faults_total - listed);
    }
    text.push_str(if report.holds() {
        "everything is as it was kept\n"
    } else {
        "NOT everything is as it was kept\n"
    });
    text
}
