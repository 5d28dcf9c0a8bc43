//! `siaga112 simulate`: reads a profile or yesterday's records, lets the queue serve them on a virtual
//! clock, and prints what came of it.

use std::path::PathBuf;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use siaga112::simulation::{self, Caller, Crew, Order, Profile, Recorded};
use siaga112::store::{self, Filter, IncidentSummary};
use siaga112::vocabulary::{WallTime, counted};
use siaga112::{config, server};

/// What callers and operators are like where no profile is given with the records.
const USUAL: &str = include_str!("../config/profiles/sumenep.toml");
/// Fewer callers are simulated before a person has read the word "progress".
const LONG: usize = 20_000;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Calls as this profile describes them, e.g. config/profiles/sumenep.toml.
    #[arg(long, value_name = "FILE", required_unless_present = "records")]
    profile: Option<PathBuf>,
    /// Calls as they were yesterday; behaviour that records do not tell is the profile's.
    #[arg(long, requires = "config")]
    records: bool,
    /// Another day of the records.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "records")]
    day: Option<jiff::civil::Date>,
    /// Configuration folder: its first queue and its seats serve the calls.
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Seats, instead of the profile's or the configuration's.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    seats: Option<u32>,
    /// Days, instead of the profile's.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: Option<u32>,
    /// Calls a day, instead of the profile's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    calls_per_day: Option<u32>,
    /// The same seed gives the same calls.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Shows the same callers to another order as well.
    #[arg(long, value_name = "ORDER")]
    compare: Vec<Other>,
    /// Shows how many seats are needed, beside Erlang C.
    #[arg(long, conflicts_with = "records")]
    staffing: bool,
}

/// An order that the gateway has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Other {
    /// By arrival alone, nobody is asked for a sign.
    Fifo,
    /// By arrival alone, silent callers are asked for a sign.
    Prompts,
}

impl From<Other> for Order {
    fn from(other: Other) -> Self {
        match other {
            Other::Fifo => Self::Fifo,
            Other::Prompts => Self::FifoWithPrompts,
        }
    }
}

/// What to print.
///
/// # Errors
/// Profile, configuration or records cannot be read.
pub async fn simulate(options: Options) -> anyhow::Result<String> {
    let mut profile = profile(&options)?;
    let loaded = options.config.as_deref().map(load).transpose()?;
    let mut crew = Crew { seats: profile.seats, queue: profile.queue() };
    if let Some(loaded) = &loaded {
        crew = configured(loaded)?;
    }
    crew.seats = options.seats.unwrap_or(crew.seats);
    let (title, source, people) = match &loaded {
        Some(loaded) if options.records => {
            profile.days = 1;
            let (day, people) = recorded(loaded, &profile, &options).await?;
            let source = format!("behaviour that records do not tell: as in {}", profile.name);
            (format!("Records of {day}"), source, people)
        }
        _ => {
            let people = simulation::callers(&profile, options.seed);
            (profile.name.clone(), profile.source.clone(), people)
        }
    };
    let bar = Bar::new(people.len());
    let orders = options.compare.iter().map(|other| Order::from(*other)).chain([Order::Lanes]);
    let runs: Vec<_> = orders
        .map(|order| {
            bar.says(order.word());
            (order, simulation::run(&profile, &crew, &people, order, |done, all| bar.at(done, all)))
        })
        .collect();
    let mut text = format!(
        "{}: {} in {}, {}, seed {}\n{}\n\n",
        title,
        counted(people.len(), "call"),
        counted(profile.days.try_into()?, "day"),
        counted(crew.seats.try_into()?, "seat"),
        options.seed,
        source
    );
    if let Some((_, tally)) = runs.last() {
        text += &simulation::one_run(tally);
    }
    if runs.len() > 1 {
        text = format!("{text}\n{}", simulation::compared(&runs));
    }
    if options.staffing {
        bar.says("staffing");
        let table = simulation::staffing(&profile, &crew, options.seed, |done, all| {
            bar.at(done, all);
        });
        text = format!("{text}\n{}", simulation::seats(&profile, &table));
    }
    bar.0.finish_and_clear();
    Ok(text)
}

fn profile(options: &Options) -> anyhow::Result<Profile> {
    let text = match &options.profile {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("the profile {} cannot be read", path.display()))?,
        None => USUAL.to_owned(),
    };
    let place = options.profile.as_ref().map(|path| path.display().to_string());
    let mut profile = Profile::parse(&text)
        .map_err(|error| anyhow::anyhow!("{}: {error}", place.unwrap_or_default()))?;
    profile.days = options.days.unwrap_or(profile.days);
    if let Some(calls) = options.calls_per_day {
        profile.calls_per_day = calls.into();
    }
    Ok(profile)
}

fn load(folder: &std::path::Path) -> anyhow::Result<config::Loaded> {
    config::load(folder, config::environment())
        .map_err(|findings| anyhow::anyhow!("the configuration has mistakes:\n{findings}"))
}

/// The queue that most calls come to, that of the last rule, and the seats that serve it.
fn configured(loaded: &config::Loaded) -> anyhow::Result<Crew> {
    let board = &loaded.switchboard;
    let rule = board.rules.last().context("the configuration has no rule")?;
    let queue = board.queues.iter().find(|queue| queue.id == rule.queue);
    let queue = queue.with_context(|| format!("the queue {:?} is not there", rule.queue))?;
    let seats = board.seats.iter().filter(|seat| seat.member(&queue.id).is_some()).count();
    Ok(Crew { seats: u32::try_from(seats)?.max(1), queue: queue.clone() })
}

// ---- records ---------------------------------------------------------------------------------

async fn recorded(
    loaded: &config::Loaded,
    profile: &Profile,
    options: &Options,
) -> anyhow::Result<(jiff::civil::Date, Vec<Caller>)> {
    let zone = jiff::tz::TimeZone::system();
    let day = match options.day {
        Some(day) => day,
        None => {
            let now = server::Clock::start().now().wall.0;
            zone.to_datetime(jiff::Timestamp::from_microsecond(now)?).date().yesterday()?
        }
    };
    let begins = day.to_zoned_datetime(zone.clone())?.timestamp();
    let ends = day.tomorrow()?.to_zoned_datetime(zone)?.timestamp();
    let data = &loaded.node.data_dir;
    anyhow::ensure!(
        data.exists(),
        "nothing has been recorded yet: {} is not there",
        data.display()
    );
    let store = store::Store::open(&loaded.storage)?;
    store.catch_up(&server::journal_folder(data)).await?;
    let mut filter = Filter {
        since: Some(WallTime(begins.as_microsecond())),
        until: Some(WallTime(ends.as_microsecond())),
        limit: store::filter::LIMIT,
        ..Filter::default()
    };
    let mut rows: Vec<IncidentSummary> = Vec::new();
    loop {
        let page = store.list(&filter).await?;
        let Some(last) = page.last() else { break };
        filter.before = Some(last.call.parse()?);
        rows.extend(page);
    }
    let mut numbers: Vec<String> = Vec::new();
    let records: Vec<Recorded> =
        rows.iter().filter_map(|row| record(row, begins.as_microsecond(), &mut numbers)).collect();
    anyhow::ensure!(!records.is_empty(), "no call of {day} is on record");
    Ok((day, simulation::from_records(&records, profile, options.seed)))
}

/// One call that waited; none for test calls and calls that still live.
fn record(row: &IncidentSummary, begins: i64, numbers: &mut Vec<String>) -> Option<Recorded> {
    use std::time::Duration;
    let ended = row.ended_at?.0.0;
    let waits = row.queue.is_some() && row.outcome.as_deref() != Some("test");
    let span = |from: i64, to: i64| {
        Duration::from_micros(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
    };
    let received = row.received_at.0.0;
    let answered = row.seat.as_ref().and(row.answered_at).map(|at| at.0.0);
    let number = row.number().to_owned();
    // Who withholds the number is somebody else each time.
    let known = numbers.iter().position(|other| *other == number && !number.is_empty());
    let index = known.unwrap_or_else(|| {
        numbers.push(number);
        numbers.len() - 1
    });
    waits.then(|| Recorded {
        at: span(begins, received),
        kind: simulation::Kind::of_disposition(row.disposition.as_deref()),
        number: u32::try_from(index).unwrap_or(u32::MAX),
        waited: span(received, answered.unwrap_or(ended)),
        talk: answered.map(|at| span(at, ended)),
    })
}

// ---- progress --------------------------------------------------------------------------------

/// A bar on the terminal while a long run goes on.
struct Bar(ProgressBar);

impl Bar {
    fn new(callers: usize) -> Self {
        let bar = if callers < LONG { ProgressBar::hidden() } else { ProgressBar::new(1) };
        if let Ok(style) = ProgressStyle::with_template("{msg:14} {bar:40} {percent}% {eta}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn says(&self, what: &'static str) {
        self.0.set_message(what);
    }

    fn at(&self, done: usize, all: usize) {
        const EVERY: usize = 512;
        if done.is_multiple_of(EVERY) || done == all {
            self.0.set_length(all as u64);
            self.0.set_position(done as u64);
        }
    }
}
