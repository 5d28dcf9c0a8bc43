//! People and their tokens and sessions, kept in `data/people.json` and `data/sessions.json`: the only
//! place that reads or writes them. Passwords are checked on threads that have no other work.
//!
//! Nothing of a password, token or session is ever logged, told or written but its hash. The journal
//! learns who did what to whom, by the handlers.

mod file;
mod second;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::settings::AccountSettings;
use crate::people::{
    Book, BookError, Fingerprint, Guesses, Limits, PasswordError, Person, Role, Session, Sessions,
    Stored, Token, Whose, secret,
};
use crate::vocabulary::{OperatorId, Secret, WallTime};
use file::{Stamp, lock, read, stamp, write};

pub use file::FileError;

/// Passwords that are checked at once: each takes 19 MiB and a core.
const CHECKS: usize = 2;
/// How long a login waits for its turn.
const TURN: Duration = Duration::from_secs(5);

/// Everybody who may come in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: Files,
    settings: AccountSettings,
    checks: Semaphore,
    state: Mutex<State>,
    /// Held while the sessions are written, so that an older list never replaces a newer one.
    saving: Mutex<()>,
}

#[derive(Debug)]
struct Files {
    people: PathBuf,
    sessions: PathBuf,
    lock: PathBuf,
}

impl Files {
    fn below(folder: &Path) -> Self {
        let path = |name| folder.join(name);
        Self {
            people: path("people.json"),
            sessions: path("sessions.json"),
            lock: path("people.lock"),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    book: Book,
    stamp: Option<Stamp>,
    /// Why the file of people cannot be used; nothing is written over it.
    broken: Option<String>,
    sessions: Sessions,
    guesses: Guesses,
    nobody: Option<Stored>,
}

/// Whoever bears a token or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// The person, or the token of a program.
    pub name: String,
    /// What they are there for now.
    pub role: Role,
    /// Who they are in `seats.toml`.
    pub operator: Option<OperatorId>,
    /// The session.
    pub session: Option<Fingerprint>,
    /// What keeps the session from being used.
    pub limit: Option<Limit>,
}

/// What keeps a session from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The page is covered.
    Locked,
    /// The role needs a second factor, and the person has none yet.
    NoSecond,
}

/// Somebody who has logged in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    /// Who.
    pub person: Person,
    /// The session's secret; shown this once.
    pub secret: Secret,
    /// When it ends at the latest.
    pub until: WallTime,
}

/// Why nobody was logged in, or nothing was changed.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// After too many wrong tries the next one has to wait.
    #[error("too many wrong tries: wait {} s", .0.as_secs().max(1))]
    Wait(Duration),
    /// Name or password is wrong, or the person may not log in.
    #[error("name or password is wrong")]
    Wrong {
        /// The account; none when no account has the name.
        person: Option<String>,
        /// The next try has to wait.
        locked: bool,
    },
    /// The password is right; a code is needed as well.
    #[error("a one-time code is needed")]
    CodeNeeded,
    /// The code is wrong, or was used already.
    #[error("the code is wrong or was used already")]
    WrongCode {
        /// Whose.
        person: String,
        /// The next try has to wait.
        locked: bool,
    },
    /// Too many log in at once.
    #[error("too many log in at once; try again")]
    Busy,
    /// What was asked for cannot be.
    #[error(transparent)]
    Book(#[from] BookError),
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The disk refuses.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of people cannot be read: nothing is written over it.
    #[error("{0}")]
    Broken(String),
    /// Chance, or a thread, was refused by the system.
    #[error("the system refuses {0}")]
    System(&'static str),
}

impl Limit {
    /// Whether a route is open all the same.
    pub(super) fn allows(self, path: &str) -> bool {
        let open = matches!(path, "/api/v1/me" | "/api/v1/logout");
        open || match self {
            Self::Locked => path == "/api/v1/me/unlock",
            Self::NoSecond => path.starts_with("/api/v1/me/second-factor"),
        }
    }
}

impl Accounts {
    /// Reads who is known. What cannot be read is told in the log: calls are taken all the same.
    #[must_use]
    pub fn open(folder: &Path, settings: AccountSettings) -> Self {
        let files = Files::below(folder);
        let mut state = State::default();
        match read(&files.sessions) {
            Ok(sessions) => state.sessions = sessions,
            Err(error) => tracing::warn!(%error, "everybody has to log in anew"),
        }
        let (checks, saving) = (Semaphore::new(CHECKS), Mutex::new(()));
        let state = Mutex::new(state);
        let accounts = Self(Arc::new(Inner { files, settings, checks, state, saving }));
        accounts.take_up();
        accounts
    }

    /// How long sessions last.
    pub(super) fn limits(&self) -> Limits {
        self.0.settings.limits
    }

    /// Networks of proxies that are believed about whom they speak for.
    pub(super) fn proxies(&self) -> &[IpNet] {
        &self.0.settings.proxies
    }

    /// Whether nobody could come in by this way.
    pub(super) fn is_empty(&self) -> bool {
        let state = self.state();
        state.book.is_empty() && state.broken.is_none()
    }

    /// Whose token or session it is.
    pub(super) fn bearer(&self, now: WallTime, secret: &str) -> Option<Bearer> {
        let kept = Fingerprint::of(secret);
        let mut state = self.state();
        if let Some(token) = state.book.token(&kept, now) {
            return match &token.whose {
                Whose::Role(role) => Some(Bearer {
                    name: token.name.clone(),
                    role: *role,
                    operator: None,
                    session: None,
                    limit: None,
                }),
                Whose::Person(name) => state.book.person(name).and_then(|p| bearer(p, None)),
            };
        }
        let (name, locked, save) = {
            let (session, save) = state.sessions.used(now, &kept, self.limits())?;
            (session.person.clone(), session.locked, save)
        };
        let person = state.book.person(&name)?;
        let no_second = self.needs_second(person) && person.second.is_none();
        let mut bearer = bearer(person, Some(kept));
        if let Some(bearer) = &mut bearer {
            bearer.limit = match (no_second, locked) {
                (_, true) => Some(Limit::Locked),
                (true, false) => Some(Limit::NoSecond),
                (false, false) => None,
            };
        }
        drop(state);
        if save {
            self.save_later();
        }
        bearer
    }

    /// Checks a password and opens a session.
    pub(super) async fn log_in(
        &self,
        now: WallTime,
        source: IpAddr,
        name: &str,
        password: Secret,
        code: Option<String>,
    ) -> Result<LoggedIn, AccountsError> {
        self.fits(now, source, name, password).await?;
        if self.look(|book, _| book.person(name).is_some_and(|it| it.second.is_some())) {
            let code = code.filter(|code| !code.trim().is_empty());
            self.take_code(now, source, name, code.ok_or(AccountsError::CodeNeeded)?).await?;
        }
        // Only now: who knows no more than the password is not at a desk of the person's own.
        self.state().guesses.right(name, source);
        let (secret, kept) = secret("s112s", chance()?);
        let logged_in = {
            let mut state = self.state();
            let person = state.book.person(name).cloned();
            let wrong = AccountsError::Wrong { person: None, locked: false };
            let person = person.filter(|person| !person.disabled).ok_or(wrong)?;
            let session = state.sessions.open(now, kept, name, self.limits());
            LoggedIn { person, secret, until: session.ends(self.limits()) }
        };
        self.saved().await;
        Ok(logged_in)
    }

    /// Whether the role of a person comes in with a second factor only.
    fn needs_second(&self, person: &Person) -> bool {
        self.0.settings.second_factor.contains(&person.role)
    }

    /// Whether the password is that of the account, within what guessing allows.
    pub(super) async fn check(
        &self,
        now: WallTime,
        source: IpAddr,
        name: &str,
        password: Secret,
    ) -> Result<(), AccountsError> {
        self.fits(now, source, name, password).await?;
        self.state().guesses.right(name, source);
        Ok(())
    }

    /// The same, while it is not yet all that is asked for.
    async fn fits(
        &self,
        now: WallTime,
        source: IpAddr,
        name: &str,
        password: Secret,
    ) -> Result<(), AccountsError> {
        if let Some(wait) = self.state().guesses.wait(now, name, source) {
            return Err(AccountsError::Wait(wait));
        }
        let turn = tokio::time::timeout(TURN, self.0.checks.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(AccountsError::Busy)?;
        let (accounts, name) = (self.clone(), name.to_owned());
        in_thread(move || accounts.check_now(now, source, &name, &password)).await?
    }

    fn check_now(
        &self,
        now: WallTime,
        source: IpAddr,
        name: &str,
        password: &Secret,
    ) -> Result<(), AccountsError> {
        let (known, stored) = {
            // The command may have set a password meanwhile.
            self.take_up();
            let mut state = self.state();
            if let Some(broken) = &state.broken {
                return Err(AccountsError::Broken(broken.clone()));
            }
            // Others may have guessed while this one waited for its turn.
            if let Some(wait) = state.guesses.wait(now, name, source) {
                return Err(AccountsError::Wait(wait));
            }
            let person = state.book.person(name);
            let known = person.map(|person| person.name.clone());
            let usable = person.filter(|person| !person.disabled);
            match usable.and_then(|person| person.password.clone()) {
                Some(stored) => (known, stored),
                None => (known, state.nobody()?),
            }
        };
        let fits = stored.fits(password.reveal());
        let mut state = self.state();
        if fits && known.is_some() {
            return Ok(());
        }
        let wait = state.guesses.wrong(now, known.as_deref(), source);
        Err(AccountsError::Wrong { person: known, locked: !wait.is_zero() })
    }

    /// Ends one session.
    pub(super) fn log_out(&self, kept: &Fingerprint) -> Option<Session> {
        let closed = self.state().sessions.close(kept);
        self.save_later();
        closed
    }

    /// Ends every session of a person, but for one.
    pub(super) fn log_out_everywhere(&self, person: &str, but: Option<&Fingerprint>) -> usize {
        let ended = self.state().sessions.close_all(person, but);
        self.save_later();
        ended
    }

    /// What of the people is asked for, and how many sessions each has.
    pub(super) fn look<T>(&self, ask: impl FnOnce(&Book, &Sessions) -> T) -> T {
        let state = self.state();
        ask(&state.book, &state.sessions)
    }

    /// Changes the book: on disk before it counts, whole or not at all.
    pub(super) async fn edit<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Book) -> Result<T, BookError> + Send + 'static,
    ) -> Result<T, AccountsError> {
        let accounts = self.clone();
        in_thread(move || accounts.edit_now(change)).await?
    }

    fn edit_now<T>(
        &self,
        change: impl FnOnce(&mut Book) -> Result<T, BookError>,
    ) -> Result<T, AccountsError> {
        let _alone = lock(&self.0.files.lock)?;
        let mut book = {
            self.take_up();
            let state = self.state();
            if let Some(broken) = &state.broken {
                return Err(AccountsError::Broken(broken.clone()));
            }
            state.book.clone()
        };
        let changed = change(&mut book)?;
        write(&self.0.files.people, &book)?;
        let mut state = self.state();
        state.book = book;
        state.stamp = stamp(&self.0.files.people);
        Ok(changed)
    }

    /// Judges and hashes a new password.
    pub(super) async fn hash(&self, name: &str, password: Secret) -> Result<Stored, AccountsError> {
        let turn = tokio::time::timeout(TURN, self.0.checks.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(AccountsError::Busy)?;
        let (name, salt) = (name.to_owned(), salt()?);
        Ok(in_thread(move || Stored::new(&name, password.reveal(), salt)).await??)
    }

    /// Makes a token, whose secret is shown this once.
    pub(super) async fn make_token(
        &self,
        name: String,
        whose: Whose,
        by: String,
        (since, until): (WallTime, WallTime),
    ) -> Result<Secret, AccountsError> {
        let (secret, kept) = secret("s112t", chance()?);
        let token = Token { name, kept, whose, by, since, until };
        self.edit(move |book| book.add_token(token)).await?;
        Ok(secret)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file of people again when it is another one than before; never while others wait.
    fn take_up(&self) {
        let people = &self.0.files.people;
        loop {
            let here = stamp(people);
            let known = {
                let state = self.state();
                here == state.stamp && state.broken.is_none()
            };
            if known {
                return;
            }
            let found = read(people);
            let mut state = self.state();
            if stamp(people) != here {
                continue;
            }
            match found {
                Ok(book) => (state.book, state.stamp, state.broken) = (book, here, None),
                // Those who are known stay known.
                Err(error) => {
                    tracing::error!(%error, "nobody can log in; calls are taken all the same");
                    state.broken = Some(error.to_string());
                }
            }
            return;
        }
    }

    /// Writes the sessions, behind whoever asked. Lost by a power cut: somebody logs in anew.
    fn save_later(&self) {
        let accounts = self.clone();
        // Whoever is not within a runtime has nobody who waits.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || accounts.save());
        }
    }

    /// Writes the sessions, for who must find them again after a crash.
    async fn saved(&self) {
        let accounts = self.clone();
        // What goes wrong is told in the log.
        let _ = in_thread(move || accounts.save()).await;
    }

    fn save(&self) {
        let _one = self.0.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = self.state().sessions.clone();
        if let Err(error) = write(&self.0.files.sessions, &sessions) {
            tracing::warn!(%error, "after a restart everybody has to log in anew");
        }
    }
}

impl State {
    fn nobody(&mut self) -> Result<Stored, AccountsError> {
        if let Some(nobody) = &self.nobody {
            return Ok(nobody.clone());
        }
        Ok(self.nobody.insert(Stored::of_nobody(salt()?)?).clone())
    }
}

fn bearer(person: &Person, session: Option<Fingerprint>) -> Option<Bearer> {
    (!person.disabled).then(|| Bearer {
        name: person.name.clone(),
        role: person.role,
        operator: person.operator.clone(),
        session,
        limit: None,
    })
}

async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AccountsError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| AccountsError::System("a thread"))
}

fn random<const N: usize>() -> Result<[u8; N], AccountsError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| AccountsError::System("randomness"))?;
    Ok(bytes)
}

fn chance() -> Result<[u8; 32], AccountsError> {
    random()
}

fn salt() -> Result<[u8; 16], AccountsError> {
    random()
}

/// For the command, beside a gateway that may be running: sets a password, and makes the person when
/// there is none of the name. Returns the stored form.
///
/// # Errors
/// [`AccountsError`]: nothing was changed.
pub fn set_password(
    folder: &Path,
    now: WallTime,
    name: &str,
    role: Option<Role>,
    password: &str,
) -> Result<Stored, AccountsError> {
    let accounts = Accounts::open(folder, AccountSettings::default());
    let stored = Stored::new(name, password, salt()?)?;
    let kept = stored.clone();
    accounts.edit_now(move |book| {
        match (book.person(name).is_some(), role) {
            (false, None) => return Err(BookError::NoPerson(name.to_owned())),
            (false, Some(role)) => {
                let operator = (role == Role::CallTaker).then(|| OperatorId::from(name.to_owned()));
                book.add(now, name, role, "", operator)?;
            }
            (true, role) => {
                let disabled = Some(false);
                let changes = crate::people::Changes { role, disabled, ..Default::default() };
                // Set first: whoever becomes no admin any more may be the only one with a password.
                book.set_password(name, kept.clone())?;
                book.change(name, &changes)?;
            }
        }
        book.set_password(name, kept)
    })?;
    Ok(stored)
}
