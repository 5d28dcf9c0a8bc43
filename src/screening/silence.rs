//! One caller of whom nothing was heard yet: listen, ask, listen, ask, listen, and let them on marked.
//!
//! ```text
//! listen ─▶ prompt 1 ─▶ listen ─▶ prompt 2 ─▶ listen ─▶ silent
//!    └─────────┴───── voice, tap, key ──┴──────────┴──▶ spoke, tapped, pressed
//! ```
//!
//! Both machines here end by themselves within a bound that is known when they start. [`Silence`] never
//! keeps anybody from an operator: whatever it finds, the caller goes on. [`Refusal`] serves regencies
//! that insist on refusing repeated nuisance, and lets everybody on who presses a key.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::vocabulary::{Lane, Moment, limits};

/// What was heard of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// Speech.
    Voice,
    /// Knocks on the phone.
    Tap,
    /// Something else: wind, a television, a struggle. It asks for a call back, not for a place.
    Noise,
    /// A key of the telephone (RFC 4733, or a tone).
    Key,
    /// Something is written (RFC 4103).
    Text,
}

impl Sign {
    /// The word used in records and the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Tap => "tap",
            Self::Noise => "noise",
            Self::Key => "key",
            Self::Text => "text",
        }
    }
}

/// What listening came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The caller spoke.
    Spoke,
    /// The caller knocked on the phone.
    Tapped,
    /// The caller pressed a key.
    Pressed,
    /// The caller wrote.
    Wrote,
    /// The caller gave no sign.
    Silent {
        /// But something else was heard.
        noise: bool,
    },
}

impl Verdict {
    /// The flag that an operator sees.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spoke => "spoke",
            Self::Tapped => "tapped",
            Self::Pressed => "pressed",
            Self::Wrote => "wrote",
            Self::Silent { noise: false } => "silent",
            Self::Silent { noise: true } => "silent-with-noise",
        }
    }

    /// The verdict of a sign; none of noise.
    const fn of(sign: Sign) -> Option<Self> {
        match sign {
            Sign::Voice => Some(Self::Spoke),
            Sign::Tap => Some(Self::Tapped),
            Sign::Key => Some(Self::Pressed),
            Sign::Text => Some(Self::Wrote),
            Sign::Noise => None,
        }
    }

    /// The lane that a caller in `lane` goes to for it, and why; none when it stays. A marked number
    /// that speaks is marked all the same.
    #[must_use]
    pub const fn lane(self, lane: Lane) -> Option<(Lane, &'static str)> {
        match (self, lane) {
            (Self::Silent { noise: false }, Lane::Usual) => {
                Some((Lane::Silent, "nothing was heard after two prompts"))
            }
            (Self::Silent { noise: true }, Lane::Usual) => {
                Some((Lane::Silent, "nobody spoke after two prompts, but there was noise"))
            }
            (Self::Spoke, Lane::Silent) => Some((Lane::Usual, "the caller spoke")),
            (Self::Tapped, Lane::Silent) => Some((Lane::Usual, "the caller tapped")),
            (Self::Pressed, Lane::Silent) => Some((Lane::Usual, "the caller pressed a key")),
            (Self::Wrote, Lane::Silent) => Some((Lane::Usual, "the caller wrote")),
            (Self::Silent { .. }, Lane::Silent | Lane::Nuisance)
            | (
                Self::Spoke | Self::Tapped | Self::Pressed | Self::Wrote,
                Lane::Usual | Lane::Nuisance,
            ) => None,
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Play this prompt, 1 or 2, and say when it is over.
    Prompt(u8),
    /// The caller goes on with this flag.
    Done(Verdict),
}

/// Where listening stands; the number is that of prompts begun so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    Listening(u8),
    Prompting(u8),
    Done(Verdict),
}

/// No sentence that says why somebody is refused, and what helps, is shorter.
const PROMPT_LEAST: Duration = Duration::from_secs(1);
/// Prompts that a silent caller hears.
const PROMPTS: u8 = 2;

/// One caller who is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    stage: Stage,
    /// How long each listening lasts.
    listen: Duration,
    /// When the stage ends by itself.
    until: Moment,
    /// When all of it ends, whatever happens.
    end: Moment,
    noise: bool,
}

impl Silence {
    /// Begins to listen, for `listen` before the first prompt and after each, at most
    /// [`limits::SILENCE_LISTEN`].
    #[must_use]
    pub fn start(now: Moment, listen: Duration) -> Self {
        let listen = listen.min(limits::SILENCE_LISTEN);
        Self {
            stage: Stage::Listening(0),
            listen,
            until: now.after(listen),
            end: now.after(Self::bound(listen)),
            noise: false,
        }
    }

    /// The longest that all of it takes.
    #[must_use]
    pub fn bound(listen: Duration) -> Duration {
        let prompts = u32::from(PROMPTS);
        listen.min(limits::SILENCE_LISTEN) * (prompts + 1) + limits::SILENCE_PROMPT * prompts
    }

    /// Something was heard of the caller, also while a prompt is played. A caller who was found
    /// silent may still give a sign: they are done once more, and better.
    pub const fn heard(&mut self, sign: Sign) -> Option<Step> {
        match (Verdict::of(sign), self.stage) {
            (
                _,
                Stage::Done(Verdict::Spoke | Verdict::Tapped | Verdict::Pressed | Verdict::Wrote),
            ) => None,
            (Some(verdict), _) => Some(self.done(verdict)),
            (None, Stage::Done(Verdict::Silent { .. })) => {
                self.noise = true;
                self.stage = Stage::Done(Verdict::Silent { noise: true });
                None
            }
            (None, Stage::Listening(_) | Stage::Prompting(_)) => {
                self.noise = true;
                None
            }
        }
    }

    /// The prompt is over, or could not be played: listen to what the caller does. At any other time
    /// that means nothing.
    pub fn prompt_over(&mut self, now: Moment) {
        if let Stage::Prompting(prompt) = self.stage {
            self.enter(Stage::Listening(prompt), now.after(self.listen));
        }
    }

    /// The next step whose time has come; none when none has. Ask until there is none.
    pub fn tick(&mut self, now: Moment) -> Option<Step> {
        if now >= self.end && !matches!(self.stage, Stage::Done(_)) {
            return Some(self.done(Verdict::Silent { noise: self.noise }));
        }
        if now < self.until {
            return None;
        }
        match self.stage {
            Stage::Done(_) => None,
            Stage::Prompting(_) => {
                self.prompt_over(now);
                None
            }
            Stage::Listening(PROMPTS..) => Some(self.done(Verdict::Silent { noise: self.noise })),
            Stage::Listening(prompts) => {
                let prompt = prompts + 1;
                self.enter(Stage::Prompting(prompt), now.after(limits::SILENCE_PROMPT));
                Some(Step::Prompt(prompt))
            }
        }
    }

    /// When to tick; none when it is done.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Moment> {
        match self.stage {
            Stage::Done(_) => None,
            Stage::Listening(_) | Stage::Prompting(_) => Some(self.until),
        }
    }

    /// What was found; none while it goes on. Noise that comes later still counts.
    #[must_use]
    pub const fn verdict(&self) -> Option<Verdict> {
        match self.stage {
            Stage::Done(verdict) => Some(verdict),
            Stage::Listening(_) | Stage::Prompting(_) => None,
        }
    }

    /// Whether anything but a sign was heard of the caller.
    #[must_use]
    pub const fn noise(&self) -> bool {
        self.noise
    }

    fn enter(&mut self, stage: Stage, until: Moment) {
        self.stage = stage;
        self.until = until.min(self.end);
    }

    const fn done(&mut self, verdict: Verdict) -> Step {
        self.stage = Stage::Done(verdict);
        Step::Done(verdict)
    }
}

/// What became of a caller who is to be refused unless a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bypass {
    /// The caller pressed a key and goes on, in the lane of marked numbers.
    Pressed,
    /// The prompt could not be played, so that nobody can know of the key: the caller goes on likewise.
    NotAsked,
    /// The time is over.
    Refused,
}

/// One caller who hears why they are refused, and may press any key to go on all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The prompt is still played.
    prompting: bool,
    until: Moment,
    done: Option<Bypass>,
}

impl Refusal {
    /// The prompt begins. All of it takes [`limits::SILENCE_PROMPT`] and [`limits::REFUSAL_KEY`] at most.
    #[must_use]
    pub fn start(now: Moment) -> Self {
        Self { prompting: true, until: now.after(limits::SILENCE_PROMPT), done: None }
    }

    /// Something was heard of the caller. Only a key counts, or what is written by somebody who may not
    /// hear that it does: whoever was marked for talking nonsense talks.
    pub const fn heard(&mut self, sign: Sign) -> Option<Bypass> {
        if self.done.is_some() || !matches!(sign, Sign::Key | Sign::Text) {
            return None;
        }
        self.done = Some(Bypass::Pressed);
        self.done
    }

    /// The prompt could not be played, or not to its end: who has not heard that a key helps is not
    /// refused.
    pub const fn prompt_failed(&mut self) -> Option<Bypass> {
        if self.done.is_some() || !self.prompting {
            return None;
        }
        self.done = Some(Bypass::NotAsked);
        self.done
    }

    /// The prompt is over: from now on the time to press a key runs. One that was over before anybody
    /// could hear it was not played.
    pub fn prompt_over(&mut self, now: Moment) -> Option<Bypass> {
        if !self.prompting || self.done.is_some() {
            return None;
        }
        if limits::SILENCE_PROMPT.saturating_sub(self.until.since(now)) < PROMPT_LEAST {
            return self.prompt_failed();
        }
        self.prompting = false;
        self.until = now.after(limits::REFUSAL_KEY);
        None
    }

    /// Whether the time is over.
    pub fn tick(&mut self, now: Moment) -> Option<Bypass> {
        if self.done.is_some() || now < self.until {
            return None;
        }
        // Nobody has said that the prompt was played: a media plane that is dead refuses nobody.
        if self.prompting {
            return self.prompt_failed();
        }
        self.done = Some(Bypass::Refused);
        self.done
    }

    /// When to tick; none when it is done.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Moment> {
        if self.done.is_some() { None } else { Some(self.until) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LISTEN: Duration = Duration::from_secs(3);

    /// Ticks at each deadline until something comes of it.
    fn next(silence: &mut Silence) -> (Moment, Step) {
        loop {
            let at = silence.poll_timeout().expect("not done");
            if let Some(step) = silence.tick(at) {
                return (at, step);
            }
        }
    }

    #[test]
    fn a_silent_caller_hears_two_prompts_and_goes_on_marked() {
        let mut silence = Silence::start(Moment(0), LISTEN);
        assert_eq!(silence.tick(Moment(2_999_999)), None);
        assert_eq!(next(&mut silence), (Moment(3_000_000), Step::Prompt(1)));
        silence.prompt_over(Moment(7_000_000));
        assert_eq!(next(&mut silence), (Moment(10_000_000), Step::Prompt(2)));
        silence.prompt_over(Moment(13_000_000));
        let silent = Verdict::Silent { noise: false };
        assert_eq!(next(&mut silence), (Moment(16_000_000), Step::Done(silent)));
        assert_eq!((silence.poll_timeout(), silence.verdict()), (None, Some(silent)));
        assert_eq!(silence.tick(Moment(99_000_000)), None);
    }

    #[test]
    fn prompts_that_nobody_tells_the_end_of_have_their_time_and_no_more() {
        let mut silence = Silence::start(Moment(0), LISTEN);
        let (cap, whole) = (limits::SILENCE_PROMPT, Silence::bound(LISTEN));
        assert_eq!(whole, LISTEN * 3 + cap * 2);
        assert_eq!(next(&mut silence).1, Step::Prompt(1));
        assert_eq!(next(&mut silence), (Moment(0).after(LISTEN * 2 + cap), Step::Prompt(2)));
        let silent = Step::Done(Verdict::Silent { noise: false });
        assert_eq!(next(&mut silence), (Moment(0).after(whole), silent));
        assert!(Silence::bound(Duration::MAX) <= limits::SILENCE_LISTEN * 3 + cap * 2);
    }

    #[test]
    fn a_sign_at_any_time_lets_the_caller_on() {
        for (sign, verdict) in [
            (Sign::Voice, Verdict::Spoke),
            (Sign::Tap, Verdict::Tapped),
            (Sign::Key, Verdict::Pressed),
        ] {
            for ticks in 0..5 {
                let mut silence = Silence::start(Moment(0), LISTEN);
                for _ in 0..ticks {
                    silence.tick(silence.poll_timeout().unwrap());
                }
                assert_eq!(silence.heard(sign), Some(Step::Done(verdict)));
                assert_eq!(silence.heard(Sign::Key), None, "once");
                assert_eq!((silence.poll_timeout(), silence.verdict()), (None, Some(verdict)));
            }
        }
    }

    #[test]
    fn noise_alone_is_no_sign_but_is_remembered() {
        let mut silence = Silence::start(Moment(0), LISTEN);
        assert_eq!(silence.heard(Sign::Noise), None);
        let noisy = Step::Done(Verdict::Silent { noise: true });
        let steps = [next(&mut silence).1, next(&mut silence).1, next(&mut silence).1];
        assert_eq!(steps, [Step::Prompt(1), Step::Prompt(2), noisy]);
    }

    #[test]
    fn who_was_found_silent_may_still_give_a_sign() {
        let mut silence = Silence::start(Moment(0), LISTEN);
        while silence.poll_timeout().is_some() {
            next(&mut silence);
        }
        assert_eq!(silence.heard(Sign::Noise), None);
        assert_eq!(silence.verdict(), Some(Verdict::Silent { noise: true }));
        assert_eq!(silence.heard(Sign::Voice), Some(Step::Done(Verdict::Spoke)));
        assert_eq!(silence.heard(Sign::Voice), None);
    }

    #[test]
    fn silence_moves_back_a_sign_moves_forward_and_a_mark_stays() {
        let silent = Verdict::Silent { noise: false };
        let lane = |verdict: Verdict, lane| verdict.lane(lane).map(|(lane, _)| lane);
        assert_eq!(lane(silent, Lane::Usual), Some(Lane::Silent));
        assert_eq!(lane(Verdict::Pressed, Lane::Silent), Some(Lane::Usual));
        assert_eq!(lane(Verdict::Spoke, Lane::Usual), None);
        for verdict in [silent, Verdict::Spoke, Verdict::Pressed] {
            assert_eq!(lane(verdict, Lane::Nuisance), None);
        }
    }

    #[test]
    fn a_refused_caller_goes_on_by_a_key_and_only_by_a_key() {
        let mut refusal = Refusal::start(Moment(0));
        assert_eq!(refusal.heard(Sign::Voice), None);
        assert_eq!(refusal.heard(Sign::Key), Some(Bypass::Pressed));
        assert_eq!((refusal.heard(Sign::Key), refusal.poll_timeout()), (None, None));

        let mut refusal = Refusal::start(Moment(0));
        assert_eq!(refusal.prompt_over(Moment(4_000_000)), None);
        assert_eq!(refusal.poll_timeout(), Some(Moment(4_000_000).after(limits::REFUSAL_KEY)));
        assert_eq!(refusal.tick(Moment(5_000_000)), None);
        assert_eq!(refusal.prompt_failed(), None);
        assert_eq!(refusal.tick(refusal.poll_timeout().unwrap()), Some(Bypass::Refused));

        // A prompt that nobody tells the end of was perhaps not heard.
        let mut refusal = Refusal::start(Moment(0));
        let end = Moment(0).after(limits::SILENCE_PROMPT);
        assert_eq!(refusal.tick(end), Some(Bypass::NotAsked));
        assert_eq!(refusal.heard(Sign::Key), None);

        assert_eq!(Refusal::start(Moment(0)).prompt_failed(), Some(Bypass::NotAsked));
        // There was no prompt.
        let mut refusal = Refusal::start(Moment(7));
        assert_eq!(refusal.prompt_over(Moment(20_007)), Some(Bypass::NotAsked));
        assert_eq!(refusal.poll_timeout(), None);
    }

    proptest! {
        #[test]
        fn whatever_happens_it_ends_within_its_bound(
            listen in 0u64..30,
            turns in proptest::collection::vec((0u64..4_000_000, 0u8..3), 0..60),
        ) {
            let listen = Duration::from_secs(listen);
            let end = Moment(7).after(Silence::bound(listen));
            let mut silence = Silence::start(Moment(7), listen);
            let (mut now, mut prompts) = (Moment(7), 0);
            for (wait, what) in turns {
                now = Moment(now.0 + wait);
                match what {
                    0 => silence.prompt_over(now),
                    1 => assert_eq!(silence.heard(Sign::Noise), None),
                    _ => {}
                }
                while let Some(step) = silence.tick(now) {
                    if let Step::Prompt(prompt) = step {
                        prompts += 1;
                        assert_eq!(prompt, prompts);
                    }
                }
            }
            assert!(prompts <= PROMPTS && silence.poll_timeout().is_none_or(|at| at <= end));
            while let Some(at) = silence.poll_timeout() {
                silence.tick(at);
            }
            let silent = matches!(silence.verdict(), Some(Verdict::Silent { .. }));
            assert!(silent);
        }
    }
}
