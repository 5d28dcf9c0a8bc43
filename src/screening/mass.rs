//! Mass incidents: many different people call from one place within minutes. While one is on, marks on
//! numbers do not count there, since who cried wolf yesterday may see the fire today.
//!
//! What is counted are callers, not calls: one number that rings a hundred times is one caller, and who
//! has no number counts anew with each call. A cell has few callers, so [`mass_callers`] of them are
//! news. A trunk carries the whole regency: there it takes twice as many, and three times as many as
//! usual for this trunk, so that a busy Saturday is no incident. While a trunk's usual rate is not known
//! yet it takes four times as many. What is usual is learnt from whole windows, the last eight or so,
//! and not from those of an incident.
//!
//! Beyond [`limits::MASS_CALLERS`] needed callers a trunk is too busy to be judged as a whole; its cells
//! are. Only a trace of each number is kept.
//!
//! [`mass_callers`]: ScreeningSettings::mass_callers

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::settings::ScreeningSettings;
use crate::vocabulary::{Moment, Private, TrunkId, limits};

/// Where calls come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Place {
    /// A cell of a mobile network, by its identity: `510-10-1A2B-0C3D4E5`.
    Cell(String),
    /// A carrier's connection.
    Trunk(TrunkId),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell(cell) => write!(f, "cell {cell}"),
            Self::Trunk(trunk) => write!(f, "trunk {trunk}"),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(' ') {
            Some(("cell", cell)) => Ok(Self::Cell(cell.to_owned())),
            Some(("trunk", trunk)) => Ok(Self::Trunk(trunk.into())),
            _ => Err(format!("{text:?} is no place: \"cell …\" or \"trunk …\" is expected")),
        }
    }
}

/// A mass incident began or is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mass {
    /// Where.
    pub place: Place,
    /// Different callers within the window, as far as they are counted.
    pub callers: usize,
    /// It is over.
    pub over: bool,
}

/// Who called, without their number: enough to tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Who {
    /// A trace of the number.
    Number(u64),
    /// Somebody without one; the count makes each another.
    Nameless(u64),
}

/// FNV-1a. Two numbers with one trace would count as one caller: no harm in that.
fn trace(number: &str) -> u64 {
    number.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// How many callers a trunk usually has in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Usual {
    /// When the window that is counted now began.
    since: Moment,
    /// Callers who were new in it.
    fresh: u64,
    /// The moving average, in thousandths of a caller.
    mean_milli: u64,
    /// Windows learnt from.
    learnt: u32,
}

impl Usual {
    /// Closes the windows that have passed. Beyond 64 quiet ones nothing is left of the mean.
    fn roll(&mut self, now: Moment, window: Duration, calm: bool) {
        let length = u64::try_from(window.as_micros()).unwrap_or(u64::MAX).max(1);
        let passed = now.0.saturating_sub(self.since.0) / length;
        for _ in 0..passed.min(64) {
            if calm {
                let seen = self.fresh.saturating_mul(1_000);
                let parts = u64::from(self.learnt.min(7));
                self.mean_milli = (self.mean_milli * parts + seen) / (parts + 1);
                self.learnt = self.learnt.saturating_add(1);
            }
            self.fresh = 0;
        }
        self.since = Moment(self.since.0.saturating_add(passed.saturating_mul(length)));
    }
}

/// One place with its callers of the last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    /// Each once, the last to call last.
    callers: VecDeque<(Moment, Who)>,
    usual: Usual,
}

impl Watched {
    fn arrived(&mut self, now: Moment, window: Duration, who: Who) {
        self.forget(now, window);
        let known = self.callers.iter().position(|(_, known)| *known == who);
        match known {
            Some(place) => drop(self.callers.remove(place)),
            None => self.usual.fresh += 1,
        }
        self.callers.push_back((now, who));
        if self.callers.len() > limits::MASS_CALLERS {
            self.callers.pop_front();
        }
    }

    fn forget(&mut self, now: Moment, window: Duration) {
        while self.callers.front().is_some_and(|(at, _)| now.since(*at) > window) {
            self.callers.pop_front();
        }
    }

    /// Callers that make a mass incident here.
    fn needed(&self, place: &Place, callers: usize) -> usize {
        let callers = callers.max(2);
        match place {
            Place::Cell(_) => callers,
            Place::Trunk(_) if self.usual.learnt < limits::MASS_LEARNT => callers.saturating_mul(4),
            Place::Trunk(_) => {
                let usual = usize::try_from(self.usual.mean_milli.div_ceil(1_000) * 3);
                callers.saturating_mul(2).max(usual.unwrap_or(usize::MAX))
            }
        }
    }
}

/// Places with their callers of the last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MassWatch {
    places: BTreeMap<Place, Watched>,
    /// Places at which an incident is on, and when it is over.
    on: BTreeMap<Place, Moment>,
    /// Callers without a number so far.
    nameless: u64,
}

impl MassWatch {
    /// Somebody calls from these places: a cell and the trunk, say. Returns the incidents that begin
    /// with it; one that is on goes on for longer.
    pub fn arrived(
        &mut self,
        now: Moment,
        settings: &ScreeningSettings,
        places: &[Place],
        number: Option<&Private<String>>,
    ) -> Vec<Mass> {
        let who = number.map_or_else(
            || {
                self.nameless = self.nameless.wrapping_add(1);
                Who::Nameless(self.nameless)
            },
            |number| Who::Number(trace(number.reveal())),
        );
        let mut begun = Vec::new();
        for place in places {
            let calm = !self.is_on(place);
            let watched = self.watch(now, settings.mass_within, place);
            watched.usual.roll(now, settings.mass_within, calm);
            watched.arrived(now, settings.mass_within, who);
            let callers = watched.callers.len();
            let enough = callers >= watched.needed(place, settings.mass_callers);
            if !enough || (calm && self.on.len() >= limits::MASS_PLACES) {
                continue;
            }
            self.on.insert(place.clone(), now.after(settings.mass_lasts));
            if calm {
                begun.push(Mass { place: place.clone(), callers, over: false });
            }
        }
        begun
    }

    /// Ends the incidents whose time is over.
    pub fn tick(&mut self, now: Moment, settings: &ScreeningSettings) -> Vec<Mass> {
        let due = self.on.extract_if(.., |_, until| *until <= now);
        let places: Vec<_> = due.map(|(place, _)| place).collect();
        let end = |place: Place| {
            let callers = self.places.get_mut(&place).map_or(0, |watched| {
                // The windows of the incident are no measure of what is usual.
                watched.usual.roll(now, settings.mass_within, false);
                watched.usual.fresh = 0;
                watched.forget(now, settings.mass_within);
                watched.callers.len()
            });
            Mass { place, callers, over: true }
        };
        places.into_iter().map(end).collect()
    }

    /// When to tick.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.on.values().min().copied()
    }

    /// Whether a mass incident is on at a place.
    #[must_use]
    pub fn is_on(&self, place: &Place) -> bool {
        self.on.contains_key(place)
    }

    /// Places at which one is on.
    pub fn on(&self) -> impl Iterator<Item = &Place> {
        self.on.keys()
    }

    fn watch(&mut self, now: Moment, window: Duration, place: &Place) -> &mut Watched {
        if !self.places.contains_key(place) {
            self.make_room(now, window);
        }
        self.places.entry(place.clone()).or_insert_with(|| Watched {
            usual: Usual { since: now, ..Usual::default() },
            ..Watched::default()
        })
    }

    /// The table stays bounded: quiet cells go, else the one that was quiet for longest. Trunks, which
    /// have learnt something, and places of an incident go last.
    fn make_room(&mut self, now: Moment, window: Duration) {
        if self.places.len() < limits::MASS_PLACES {
            return;
        }
        let last = |w: &Watched| w.callers.back().map(|(at, _)| *at);
        self.places.retain(|place, w| {
            matches!(place, Place::Trunk(_))
                || self.on.contains_key(place)
                || last(w).is_some_and(|at| now.since(at) <= window)
        });
        if self.places.len() >= limits::MASS_PLACES {
            let least = self.places.iter().min_by_key(|(place, w)| {
                (self.on.contains_key(*place), matches!(place, Place::Trunk(_)), last(w))
            });
            if let Some(place) = least.map(|(place, _)| place.clone()) {
                self.places.remove(&place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn number(n: u64) -> Private<String> {
        Private::new(format!("+62812345{n:05}"))
    }

    fn cell() -> Place {
        Place::Cell("510-10-1A2B-0C3D4E5".to_owned())
    }

    fn trunk() -> Place {
        Place::Trunk("telco-a".into())
    }

    /// Eight callers in five minutes; 15 minutes.
    fn settings() -> ScreeningSettings {
        ScreeningSettings::default()
    }

    fn call(watch: &mut MassWatch, now: u64, place: Place, n: u64) -> usize {
        watch.arrived(Moment(now), &settings(), &[place], Some(&number(n))).len()
    }

    #[test]
    fn many_different_numbers_of_one_cell_are_a_mass_incident() {
        let mut watch = MassWatch::default();
        for n in 0..7 {
            assert_eq!(call(&mut watch, n, cell(), n), 0);
        }
        assert!(!watch.is_on(&cell()));
        let both = [cell(), trunk()];
        let begun = watch.arrived(Moment(7), &settings(), &both, Some(&number(7)));
        assert_eq!(begun, [Mass { place: cell(), callers: 8, over: false }]);
        assert!(watch.is_on(&cell()) && !watch.is_on(&trunk()));
        assert_eq!(watch.on().collect::<Vec<_>>(), [&cell()]);
        // It begins once, and each further caller makes it last.
        assert_eq!(call(&mut watch, MINUTE, cell(), 8), 0);
        let end = Moment(MINUTE).after(settings().mass_lasts);
        assert_eq!(watch.poll_timeout(), Some(end));
        assert_eq!(watch.tick(Moment(end.0 - 1), &settings()), []);
        let over = watch.tick(end, &settings());
        assert_eq!(over, [Mass { place: cell(), callers: 0, over: true }]);
        assert_eq!((watch.poll_timeout(), watch.is_on(&cell())), (None, false));
    }

    #[test]
    fn one_number_is_one_caller_however_often_it_rings() {
        let mut watch = MassWatch::default();
        for n in 0..100 {
            assert_eq!(call(&mut watch, n, cell(), 1), 0);
        }
        assert!(!watch.is_on(&cell()));
    }

    #[test]
    fn who_has_no_number_counts_with_each_call() {
        let mut watch = MassWatch::default();
        let mut begun = 0;
        for n in 0..8 {
            begun += watch.arrived(Moment(n), &settings(), &[cell()], None).len();
        }
        assert_eq!(begun, 1);
    }

    #[test]
    fn callers_who_are_spread_out_are_none() {
        let mut watch = MassWatch::default();
        for n in 0..100 {
            assert_eq!(call(&mut watch, n * MINUTE, cell(), n), 0);
        }
    }

    #[test]
    fn a_busy_trunk_is_no_incident_and_a_sudden_flood_is() {
        let mut watch = MassWatch::default();
        // Six different callers a minute, for two hours: 30 in a window.
        let mut now = 0;
        for n in 0..720 {
            now = n * MINUTE / 6;
            assert_eq!(call(&mut watch, now, trunk(), n), 0, "call {n}");
        }
        // Twice as many is a busy hour.
        for n in 0..60 {
            assert_eq!(call(&mut watch, now + n * MINUTE / 12, trunk(), 1_000 + n), 0);
        }
        now += 5 * MINUTE;
        let begun: usize =
            (0..200).map(|n| call(&mut watch, now + n * 100_000, trunk(), 2_000 + n)).sum();
        assert_eq!((begun, watch.is_on(&trunk())), (1, true));
    }

    #[test]
    fn a_quiet_trunk_needs_twice_the_callers_of_a_cell_and_a_new_one_four_times() {
        let mut watch = MassWatch::default();
        let new: usize =
            (0..32).map(|n| call(&mut watch, n, trunk(), n)).position(|b| b > 0).unwrap();
        assert_eq!(new + 1, 32);

        let mut watch = MassWatch::default();
        call(&mut watch, 0, trunk(), 0);
        let later = 60 * MINUTE;
        let known =
            (0..32).map(|n| call(&mut watch, later + n, trunk(), n)).position(|b| b > 0).unwrap();
        assert_eq!(known + 1, 16);
    }

    #[test]
    fn an_incident_is_not_what_is_usual_afterwards() {
        let mut watch = MassWatch::default();
        call(&mut watch, 0, trunk(), 0);
        let calm = 60 * MINUTE;
        for n in 0..600 {
            call(&mut watch, calm + n * MINUTE / 10, trunk(), n);
        }
        let end = watch.poll_timeout().expect("on");
        let mean = watch.places[&trunk()].usual.mean_milli;
        assert!(mean < 1_000, "{mean}");
        assert_eq!(watch.tick(end, &settings()).len(), 1);
        call(&mut watch, end.0 + 6 * MINUTE, trunk(), 1);
        assert!(watch.places[&trunk()].usual.mean_milli < 1_000);
    }

    #[test]
    fn the_tables_are_bounded_and_an_incident_stays_in_them() {
        let mut watch = MassWatch::default();
        for n in 0..8 {
            call(&mut watch, n, cell(), n);
        }
        call(&mut watch, 8, trunk(), 8);
        for n in 0..2 * u64::try_from(limits::MASS_PLACES).unwrap() {
            call(&mut watch, 9 + n, Place::Cell(n.to_string()), n);
        }
        assert_eq!(watch.places.len(), limits::MASS_PLACES);
        assert!(watch.is_on(&cell()) && watch.places.contains_key(&trunk()));
        for n in 0..2 * u64::try_from(limits::MASS_CALLERS).unwrap() {
            call(&mut watch, MINUTE + n, cell(), n);
        }
        assert_eq!(watch.places[&cell()].callers.len(), limits::MASS_CALLERS);
    }

    #[test]
    fn it_is_written_and_read_back_without_numbers() {
        let mut watch = MassWatch::default();
        for n in 0..8 {
            watch.arrived(Moment(n), &settings(), &[cell(), trunk()], Some(&number(n)));
        }
        let text = serde_json::to_string(&watch).unwrap();
        assert!(!text.contains("62812345"), "{text}");
        assert_eq!(serde_json::from_str::<MassWatch>(&text).unwrap(), watch);
        assert!("tower 5".parse::<Place>().is_err());
    }
}
