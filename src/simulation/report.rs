//! What a run says, as text for people.

use std::fmt::Write as _;

use super::callers::Kind;
use super::erlang;
use super::floor::Order;
use super::profile::Profile;
use super::staffing::Staffing;
use super::tally::{Tally, Waits};
use crate::vocabulary::Lane;

/// Waits by kind and by lane, and how busy the seats were.
#[must_use]
pub fn one_run(tally: &Tally) -> String {
    let mut text = format!(
        "{:<20}{:>8}{:>9}{:>7}{:>7}{:>8}{:>8}{:>8}{:>8}{:>7}{:>7}{:>7}\n",
        "",
        "calls",
        "answered",
        "left",
        "asked",
        "mean s",
        "p50 s",
        "p95 s",
        "worst s",
        "10 s",
        "15 s",
        "20 s"
    );
    let mut row = |name: &str, waits: &Waits| {
        if waits.offered > 0 {
            text += &line(name, waits);
        }
    };
    row("real callers", &tally.real());
    for kind in Kind::ALL {
        row(&format!("  {kind}"), &tally.of(|other, _| other == kind));
    }
    row("everybody", &tally.all());
    for lane in Lane::ALL {
        row(&format!("  lane {lane}"), &tally.of(|_, other| other == lane));
    }
    let _ = writeln!(
        text,
        "\nleft: lost patience, within three seconds not counted in the shares. asked: hung up when asked for a \
         sign, not counted either.\n\
         Each attempt counts; real callers whom nobody ever answered: {}. Seats busy: {}.",
        tally.never_reached,
        percent(tally.occupancy())
    );
    text
}

fn line(name: &str, waits: &Waits) -> String {
    format!(
        "{name:<20}{:>8}{:>9}{:>7}{:>7}{:>8}{:>8}{:>8}{:>8}{:>7}{:>7}{:>7}\n",
        waits.offered,
        waits.answered(),
        waits.left,
        waits.left_when_asked,
        tenths(waits, waits.mean()),
        tenths(waits, waits.percentile(50)),
        tenths(waits, waits.percentile(95)),
        tenths(waits, waits.worst()),
        percent(waits.within(10.0)),
        percent(waits.within(15.0)),
        percent(waits.within(20.0)),
    )
}

/// A wait of those who were answered; a dash when nobody was.
fn tenths(waits: &Waits, seconds: f64) -> String {
    if waits.answered() == 0 { "-".to_owned() } else { format!("{seconds:.1}") }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Policies beside each other, shown to the very same callers.
#[must_use]
pub fn compared(runs: &[(Order, Tally)]) -> String {
    let mut text = format!("{:<44}", "");
    for (order, _) in runs {
        let _ = write!(text, "{:>16}", order.word());
    }
    text.push('\n');
    let mut row = |name: &str, value: &dyn Fn(&Tally) -> String| {
        let _ = write!(text, "{name:<44}");
        for (_, tally) in runs {
            let _ = write!(text, "{:>16}", value(tally));
        }
        text.push('\n');
    };
    let seconds = |waits: &Waits, figure: fn(&Waits) -> f64| {
        let unit = if waits.answered() == 0 { "" } else { " s" };
        tenths(waits, figure(waits)) + unit
    };
    let p95 = |waits: &Waits| waits.percentile(95);
    row("real callers: mean wait", &|t| seconds(&t.real(), Waits::mean));
    row("real callers: p95", &|t| seconds(&t.real(), p95));
    row("real callers: worst", &|t| seconds(&t.real(), Waits::worst));
    row("real callers: answered within 15 s", &|t| percent(t.real().within(15.0)));
    row("real callers: calls given up", &|t| t.real().left.to_string());
    row("real callers: never reached anybody", &|t| t.never_reached.to_string());
    row("real callers who cannot speak: worst", &|t| {
        seconds(&t.of(|kind, _| kind == Kind::Silent), Waits::worst)
    });
    row("real callers on a marked number: worst", &|t| {
        seconds(&t.of(|kind, lane| kind.is_real() && lane == Lane::Nuisance), Waits::worst)
    });
    let marked = |t: &Tally| t.of(|_, lane| lane == Lane::Nuisance);
    row("marked numbers: mean wait", &|t| seconds(&marked(t), Waits::mean));
    row("marked numbers: worst", &|t| seconds(&marked(t), Waits::worst));
    row("marked or silent: worst", &|t| seconds(&t.flagged(), Waits::worst));
    row("everybody: mean wait", &|t| seconds(&t.all(), Waits::mean));
    row("seats busy", &|t| percent(t.occupancy()));
    text
}

/// How many seats.
#[must_use]
pub fn seats(profile: &Profile, table: &[Staffing]) -> String {
    let held = profile.held_seconds();
    let load = profile.busiest() * held / 3600.0;
    let mut text = format!(
        "Busiest hour: {:.1} calls, each holds a seat for {held:.0} s (ringing, talk, wrap-up): {load:.2} \
         erlang.\nErlang C asks for {} seats (90% within 15 s, 95% within 20 s, never under two); \
         {} lines lose one call in a thousand.\n\n\
         {:>5} |{:^24}|{:^24}|{:^33}| enough\n\
         {:>5} |{:>7}{:>8}{:>8} |{:>7}{:>8}{:>8} |{:>8}{:>8}{:>8}{:>8} |\n",
        profile.busiest(),
        erlang::seats_needed(load, held),
        erlang::lines_needed(load),
        "",
        "Erlang C",
        "queue, same assumptions",
        "queue, this profile",
        "seats",
        "wait",
        "mean s",
        "15 s",
        "wait",
        "mean s",
        "15 s",
        "mean s",
        "15 s",
        "real",
        "busy",
    );
    for row in table {
        let _ = writeln!(
            text,
            "{:>5} |{:>7}{:>8.1}{:>8} |{:>7}{:>8.1}{:>8} |{:>8.1}{:>8}{:>8}{:>8} | {}",
            row.seats,
            percent(row.erlang.waits),
            row.erlang.mean,
            percent(row.erlang.in_15),
            percent(row.assumed.waits),
            row.assumed.mean,
            percent(row.assumed.in_15),
            row.everybody.mean,
            percent(row.everybody.in_15),
            percent(row.real.in_15),
            percent(row.occupancy),
            if row.everybody.is_enough() { "yes" } else { "no" },
        );
    }
    text += "\nwait: share that waits at all. real: real callers answered within 15 s. The profile's own waits \
             hold the seat's ringing too.\n";
    text
}
