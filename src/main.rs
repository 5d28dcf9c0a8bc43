//! The command line: reads it, calls one function, prints what went wrong.

mod incidents;
mod route;
mod simulate;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use siaga112::vocabulary::counted;
use siaga112::{config, console, demo, media, server, store, telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// The 112 gateway of a regency: trunks in, queue, operator seats, incident record.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Takes calls.
    Serve {
        /// Configuration folder.
        #[arg(long, value_name = "DIR")]
        config: PathBuf,
        /// Logs as JSON lines.
        #[arg(long)]
        json_logs: bool,
    },
    /// Looks for mistakes in a configuration; exit status 1 when there are any.
    Check {
        /// Configuration folder.
        #[arg(long, value_name = "DIR")]
        config: PathBuf,
    },
    /// Shows the gateway at work on this machine, with simulated carriers and seats.
    Demo {
        /// Stay up after the calls.
        #[arg(long)]
        stay: bool,
        /// Keep the data in this folder.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Reads incident records.
    Incidents {
        #[command(subcommand)]
        command: incidents::Incidents,
    },
    /// How well calls were answered, and the sheets that a centre hands in.
    Reports {
        #[command(subcommand)]
        command: Reports,
    },
    /// Lets the queue serve simulated calls, or yesterday's, on a virtual clock: waits and staffing.
    Simulate(Box<simulate::Options>),
    /// What would happen to an INVITE, step by step; nothing happens.
    Route(route::Options),
    /// Looks whether everything is as it was kept; exit status 1 when something is not.
    Verify(Box<verify::Options>),
    /// Prints the description of the HTTP API (OpenAPI 3.1), which the pages are built from.
    Openapi,
    /// Prints the stored form of a password, read from standard input: of a SIP account (HA1), or of a
    /// person (Argon2), who is made or changed by it.
    Passwd(Passwd),
}

/// Whose password it is.
#[derive(Debug, clap::Args)]
struct Passwd {
    /// User name of the seat or trunk.
    #[arg(required_unless_present = "person", requires = "realm")]
    username: Option<String>,
    /// The [sip] domain of the configuration.
    #[arg(long)]
    realm: Option<String>,
    /// A person who works here: gets the password, may log in again, and is made when there is none of
    /// the name.
    #[arg(long, value_name = "NAME", conflicts_with = "username", requires = "config")]
    person: Option<String>,
    /// What the person is there for: call-taker, supervisor, dispatcher, admin or auditor.
    #[arg(long, requires = "person")]
    role: Option<siaga112::people::Role>,
    /// Configuration folder, which says where people are kept.
    #[arg(long, value_name = "DIR", requires = "person")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Reports {
    /// Answered within 10, 15 and 20 s, abandons, waits and occupancy; today when nothing is said.
    Standards {
        #[command(flatten)]
        output: ReportOutput,
        /// INVITE at or after this time, e.g. 2026-11-25T07:00:00+07:00; a day is its midnight.
        #[arg(long)]
        since: Option<String>,
        /// INVITE before this time, or a day's midnight.
        #[arg(long)]
        until: Option<String>,
        /// queue, trunk, hour or operator.
        #[arg(long, default_value = "queue")]
        by: store::By,
    },
    /// One week by call taker: normal, prank and ghost calls.
    Ciamis {
        #[command(flatten)]
        output: ReportOutput,
        /// ISO week, e.g. 2026-W48; the current one without it.
        #[arg(long)]
        week: Option<String>,
    },
    /// One month for the national monitoring centre, by network.
    National {
        #[command(flatten)]
        output: ReportOutput,
        /// Month, e.g. 2026-11; the current one without it.
        #[arg(long)]
        month: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct ReportOutput {
    /// Configuration folder.
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// table, json, csv, or sheet: CSV for a spreadsheet that is set to Indonesian.
    #[arg(long, default_value = "table")]
    format: store::cli::Format,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            // Every error's own text names its cause.
            report(&format!("siaga112: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve { config, json_logs } => serve(config, json_logs).await,
        Command::Check { config } => Ok(check(&config)),
        Command::Demo { stay, data } => {
            let _logs = telemetry::logs::init_quiet()?;
            demo::run(demo::Options { stay, data }).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Incidents { command } => incidents::incidents(command).await,
        Command::Reports { command } => reports(command).await,
        Command::Simulate(options) => {
            print_line(simulate::simulate(*options).await?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Route(options) => {
            print_line(route::route(&options)?.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Verify(options) => {
            let (told, holds) = verify::verify(*options).await?;
            print_line(told.trim_end());
            Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Openapi => {
            print_line(&console::description());
            Ok(ExitCode::SUCCESS)
        }
        Command::Passwd(whose) => passwd(&whose),
    }
}

// ---- serve -----------------------------------------------------------------------------------

async fn serve(folder: PathBuf, json_logs: bool) -> anyhow::Result<ExitCode> {
    let _logs = telemetry::logs::init(json_logs)?;
    // Signals are taken before the first call can come.
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let environment = config::environment();
    let loaded = match config::load(&folder, environment.clone()) {
        Ok(loaded) => loaded,
        Err(findings) => {
            report(&findings.to_string());
            anyhow::bail!("{} in {}; nothing was started", findings.told(), folder.display());
        }
    };
    for warning in &loaded.warnings.0 {
        tracing::warn!("{}", told(warning));
    }
    let server = server::Server::start(loaded, folder, environment).await?;
    let sip: Vec<String> = server.sip_listeners().iter().map(told_listener).collect();
    print_line(&format!("ready sip={} console={}", sip.join(","), server.console_address()));
    loop {
        tokio::select! {
            _ = hang_up.recv() => reload(&server),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    tracing::info!("draining: no new calls, live ones go on; a second signal ends them");
    tokio::select! {
        () = server.drain() => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// `transport:address:port`, for a program that waits for us to be ready.
fn told_listener(listener: &siaga112::sip::Listener) -> String {
    format!("{}:{}", listener.transport.word(), listener.address)
}

/// A finding for the log, whose level says already that it is a warning.
fn told(finding: &config::Finding) -> String {
    let file = finding.file.display();
    let line = if finding.line > 0 { format!(":{}", finding.line) } else { String::new() };
    let mend = if finding.mend.is_empty() { "" } else { "; " };
    format!("{file}{line}: {}{mend}{}", finding.what, finding.mend)
}

fn reload(server: &server::Server) {
    match server.reload("SIGHUP") {
        Ok(restart) if restart.is_empty() => tracing::info!("configuration adopted"),
        Ok(restart) => {
            tracing::warn!("configuration adopted, but {} need a restart", restart.join(", "));
        }
        Err(findings) => {
            tracing::error!("configuration refused, the running one stays:\n{findings}");
        }
    }
}

// ---- commands --------------------------------------------------------------------------------

fn check(folder: &std::path::Path) -> ExitCode {
    match config::load(folder, config::environment()) {
        Ok(loaded) => {
            if !loaded.warnings.0.is_empty() {
                report(&loaded.warnings.to_string());
            }
            let prompts = folder.join("prompts");
            let unusable = match prompts.exists() {
                true => media::prompts::Prompts::load(&prompts).1,
                false => Vec::new(),
            };
            if !unusable.is_empty() {
                unusable.iter().for_each(|error| report(&format!("{error}")));
                return ExitCode::FAILURE;
            }
            if console::Pages::of_this_build().is_empty() {
                report("warning: this build has no pages; `make` builds them into the program");
            }
            let board = &loaded.switchboard;
            print_line(&format!(
                "{}: no mistakes ({}, {}, {}, {}, {})",
                folder.display(),
                counted(board.trunks.len(), "trunk"),
                counted(board.queues.len(), "queue"),
                counted(board.rules.len(), "rule"),
                counted(board.seats.len(), "seat"),
                counted(loaded.warnings.0.len(), "warning")
            ));
            ExitCode::SUCCESS
        }
        Err(findings) => {
            report(&findings.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The records of a gateway and its journal.
async fn records(folder: &std::path::Path) -> anyhow::Result<(store::Store, PathBuf)> {
    let records = incidents::Records::open(folder).await?;
    Ok((records.store, records.journal))
}

async fn reports(command: Reports) -> anyhow::Result<ExitCode> {
    use store::periods::Period;
    use store::report_cli;
    let (now, zone) = (server::Clock::start().now().wall, jiff::tz::TimeZone::system());
    let mut out = std::io::stdout().lock();
    match command {
        Reports::Standards { output: ReportOutput { config, format }, since, until, by } => {
            let period = Period::between(since.as_deref(), until.as_deref(), now, &zone)?;
            let (store, journal) = records(&config).await?;
            let asked = (period, by);
            report_cli::standards(&store, &journal, asked, &zone, format, &mut out).await?;
        }
        Reports::Ciamis { output: ReportOutput { config, format }, week } => {
            let week = week.unwrap_or_else(|| Period::this_week(now, &zone));
            let (store, journal) = records(&config).await?;
            report_cli::ciamis(&store, &journal, &week, &zone, format, &mut out).await?;
        }
        Reports::National { output: ReportOutput { config, format }, month } => {
            let month = month.unwrap_or_else(|| Period::this_month(now, &zone));
            let (store, journal) = records(&config).await?;
            report_cli::national(&store, &journal, &month, &zone, format, &mut out).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn passwd(whose: &Passwd) -> anyhow::Result<ExitCode> {
    use std::io::IsTerminal as _;
    if std::io::stdin().is_terminal() {
        report("Password (then Enter):");
    }
    let mut password = String::new();
    std::io::stdin().read_line(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(
        !password.is_empty(),
        "an empty password protects nothing; nothing was printed"
    );
    match whose {
        Passwd { person: Some(person), role, config: Some(config), .. } => {
            person_password(config, person, *role, password)?;
        }
        Passwd { username: Some(username), realm: Some(realm), .. } => {
            sip_password(username, realm, password);
        }
        _ => anyhow::bail!("write a user name with --realm, or --person with --config"),
    }
    Ok(ExitCode::SUCCESS)
}

fn person_password(
    folder: &std::path::Path,
    person: &str,
    role: Option<siaga112::people::Role>,
    password: &str,
) -> anyhow::Result<()> {
    let loaded = config::load(folder, config::environment())
        .map_err(|findings| anyhow::anyhow!("the configuration has mistakes:\n{findings}"))?;
    let data = &loaded.node.data_dir;
    server::make_data(data);
    let now = server::Clock::start().now().wall;
    let set = console::accounts::set_password(data, now, person, role, password);
    let stored = set.map_err(|error| match role {
        None => anyhow::anyhow!("{error}; --role ROLE makes a new person"),
        Some(_) => error.into(),
    })?;
    print_line(stored.reveal());
    report(&format!("{person} can log in; kept in {}", data.join("people.json").display()));
    Ok(())
}

fn sip_password(username: &str, realm: &str, password: &str) {
    let credential = siaga112::sip::digest::Credential::from_password(username, realm, password);
    let hash = |secret: &Option<siaga112::vocabulary::Secret>| {
        secret.as_ref().map_or_else(String::new, |s| s.reveal().to_owned())
    };
    print_line(&format!("username = {username:?}"));
    print_line(&format!("ha1_md5 = {:?}", hash(&credential.ha1_md5)));
    print_line(&format!("ha1_sha256 = {:?}", hash(&credential.ha1_sha256)));
}

/// Prints a line for a program or a person; a closed pipe is their business.
fn print_line(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

fn report(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
