//! What a person has beside the password: the second factor, the key of unsaved words, and locks of open
//! sessions.

use std::net::IpAddr;

use super::{Accounts, AccountsError, random};
use crate::people::{BookError, DraftKey, Fingerprint, Second};
use crate::vocabulary::{OperatorId, SeatId, WallTime};

/// How the second factor of a person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::console) struct SecondState {
    /// The person has one.
    pub there: bool,
    /// The role comes in with one only.
    pub required: bool,
    /// Recovery codes that are left.
    pub recovery_left: usize,
}

impl Accounts {
    /// How the second factor of a person stands.
    pub(in crate::console) fn second_state(&self, name: &str) -> SecondState {
        self.look(|book, _| {
            let person = book.person(name);
            let second = person.and_then(|person| person.second.as_ref());
            SecondState {
                there: second.is_some(),
                required: person.is_some_and(|person| self.needs_second(person)),
                recovery_left: second.map_or(0, Second::recovery_left),
            }
        })
    }

    /// Makes a key, which counts once a code of it was shown.
    pub(in crate::console) async fn begin_second(
        &self,
        name: &str,
    ) -> Result<Second, AccountsError> {
        let second = Second::new(random()?);
        let (name, kept) = (name.to_owned(), second.clone());
        self.edit(move |book| book.begin_second(&name, kept)).await?;
        Ok(second)
    }

    /// A code of the new key was shown: it counts from now on. Returns the recovery codes.
    pub(in crate::console) async fn confirm_second(
        &self,
        now: WallTime,
        source: IpAddr,
        name: &str,
        code: String,
    ) -> Result<Vec<String>, AccountsError> {
        let chance = random()?;
        self.wait_for_guesses(now, name, source)?;
        let whose = name.to_owned();
        let codes = self.edit(move |book| book.confirm_second(&whose, now, &code, chance)).await?;
        codes.ok_or_else(|| self.wrong_code(now, source, name))
    }

    /// A code at the log-in; each counts once.
    pub(super) async fn take_code(
        &self,
        now: WallTime,
        source: IpAddr,
        name: &str,
        code: String,
    ) -> Result<(), AccountsError> {
        self.wait_for_guesses(now, name, source)?;
        let whose = name.to_owned();
        let taken = self.edit(move |book| book.take_code(&whose, now, &code)).await?;
        if taken { Ok(()) } else { Err(self.wrong_code(now, source, name)) }
    }

    /// Takes the second factor away.
    pub(in crate::console) async fn drop_second(&self, name: &str) -> Result<bool, AccountsError> {
        let name = name.to_owned();
        self.edit(move |book| -> Result<bool, BookError> { book.drop_second(&name) }).await
    }

    /// A wrong code is a wrong guess like a wrong password.
    fn wrong_code(&self, now: WallTime, source: IpAddr, name: &str) -> AccountsError {
        let wait = self.state().guesses.wrong(now, Some(name), source);
        AccountsError::WrongCode { person: name.to_owned(), locked: !wait.is_zero() }
    }

    fn wait_for_guesses(
        &self,
        now: WallTime,
        name: &str,
        source: IpAddr,
    ) -> Result<(), AccountsError> {
        let wait = self.state().guesses.wait(now, name, source);
        wait.map_or(Ok(()), |wait| Err(AccountsError::Wait(wait)))
    }

    /// The key of a person's unsaved words.
    pub(in crate::console) async fn draft_key(
        &self,
        name: &str,
    ) -> Result<DraftKey, AccountsError> {
        let known = self.look(|book, _| book.person(name).and_then(|it| it.drafts.clone()));
        if let Some(key) = known {
            return Ok(key);
        }
        let (name, chance) = (name.to_owned(), random()?);
        self.edit(move |book| book.draft_key(&name, chance)).await
    }

    // ---- sessions ----------------------------------------------------------------------------

    /// Covers a session until the password is given again, or uncovers it.
    pub(in crate::console) async fn lock(&self, kept: &Fingerprint, locked: bool) {
        self.state().sessions.lock(kept, locked);
        self.saved().await;
    }

    /// Nobody has signed in to a seat any more.
    pub(in crate::console) async fn nobody_sits(&self, seat: &SeatId) {
        self.state().sessions.nobody_sits(seat);
        self.saved().await;
    }

    /// Who has signed in where, by the sessions that last.
    pub fn sitting(&self, now: WallTime) -> Vec<(SeatId, OperatorId)> {
        let limits = self.limits();
        self.look(|book, sessions| {
            let lasting = sessions.all().filter(|session| !session.is_over(now, limits));
            let sits = lasting.filter_map(|session| {
                let operator = book.person(&session.person)?.operator.clone()?;
                Some((session.seat.clone()?, operator))
            });
            sits.collect()
        })
    }

    /// Notes at which seat the person of a session sits; none: at none.
    pub(in crate::console) async fn sit(&self, kept: &Fingerprint, seat: Option<SeatId>) {
        self.state().sessions.sit(kept, seat);
        self.saved().await;
    }
}
