//! Letters that a receiver refused for good: kept in a file beside its outbox until a person sends them
//! again. Bounded: the oldest go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::outbox;
use crate::vocabulary::WallTime;

/// Letters that are kept of one receiver.
const MOST: usize = 1_000;
/// They hold what callers said and must not outlive the records: 30 days, in microseconds.
const LONGEST: i64 = 30 * 86_400_000_000;

/// A letter that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub kind: String,
    /// When it was refused.
    pub at: WallTime,
    /// With which HTTP status.
    pub status: u16,
    /// What was sent.
    pub body: String,
    /// Somebody wants it sent again.
    #[serde(default)]
    pub asked_again: bool,
    /// It is not known yet whether it is this letter or the receiver that is at fault.
    #[serde(default)]
    pub suspect: bool,
}

/// All of one receiver, the oldest first.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    letters: Vec<DeadLetter>,
}

impl DeadLetters {
    /// Those that the receiver `name` has in `folder`. A file that cannot be read is set aside.
    #[must_use]
    pub fn open(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.dead.json"));
        let read = fs::read(&path).ok().map(|bytes| serde_json::from_slice(&bytes));
        let letters = match read {
            None => Vec::new(),
            Some(Ok(letters)) => letters,
            Some(Err(error)) => {
                tracing::error!(path = %path.display(), %error, "refused letters cannot be read");
                // Somebody may still look at it by hand.
                let _ = fs::rename(&path, path.with_extension("damaged"));
                Vec::new()
            }
        };
        Self { path, letters }
    }

    /// All that were refused.
    #[must_use]
    pub fn list(&self) -> Vec<DeadLetter> {
        self.letters.iter().filter(|letter| !letter.suspect).cloned().collect()
    }

    /// Has those sent again of which it was not known whose fault it was when the program ended.
    pub fn ask_for_suspects(&mut self) {
        for letter in self.letters.iter_mut().filter(|letter| letter.suspect) {
            (letter.suspect, letter.asked_again) = (false, true);
        }
    }

    /// It is known: the letter was taken after all (none), or is refused with this status.
    pub fn settle(&mut self, id: &str, refused: Option<u16>) {
        match refused {
            None => self.letters.retain(|letter| !(letter.suspect && letter.id == id)),
            Some(status) => {
                let suspects = self.letters.iter_mut().filter(|it| it.suspect && it.id == id);
                suspects.for_each(|it| (it.suspect, it.status) = (false, status));
            }
        }
        if let Err(error) = self.write() {
            tracing::error!(path = %self.path.display(), %error, "refused letters cannot be kept");
        }
    }

    /// One more; the oldest go where there are too many.
    ///
    /// # Errors
    /// When the file cannot be written; the letter is kept in memory all the same.
    pub fn add(&mut self, letter: DeadLetter) -> io::Result<()> {
        self.letters.retain(|old| letter.at.0 - old.at.0 < LONGEST);
        self.letters.push(letter);
        let too_many = self.letters.len().saturating_sub(MOST);
        self.letters.drain(..too_many);
        self.write()
    }

    /// Marks one to be sent again; false when there is none with this id.
    #[must_use]
    pub fn ask_again(&mut self, id: &str) -> bool {
        let known = self.letters.iter_mut().find(|letter| letter.id == id && !letter.suspect);
        let Some(letter) = known else {
            return false;
        };
        letter.asked_again = true;
        true
    }

    /// Takes the next that is to be sent again. One that is lost by a crash meanwhile is in the
    /// journal.
    pub fn take_asked(&mut self) -> Option<DeadLetter> {
        let at = self.letters.iter().position(|letter| letter.asked_again)?;
        let letter = self.letters.remove(at);
        if let Err(error) = self.write() {
            tracing::error!(path = %self.path.display(), %error, "refused letters cannot be kept");
        }
        Some(letter)
    }

    fn write(&self) -> io::Result<()> {
        outbox::write(&self.path, &self.letters)
    }
}
