//! The people and tokens of a centre. Nobody is ever removed, for records name them; who leaves is
//! disabled. The last admin who can log in stays one, so that a centre cannot shut itself out.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{DRAFT_KEY_BYTES, DraftKey, Fingerprint, RECOVERY_BYTES, Role, Second, Stored};
use crate::vocabulary::{OperatorId, Private, WallTime};

/// People of one centre at most.
const PEOPLE: usize = 1_000;
/// Tokens at most.
const TOKENS: usize = 1_000;
/// Longest name.
const NAME: usize = 64;
/// Longest full name, in characters.
const FULL_NAME: usize = 100;

/// Somebody who works here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name to log in with, and in every audit entry.
    pub name: String,
    /// As colleagues say it.
    #[serde(default)]
    pub full_name: Private<String>,
    /// What they are there for.
    pub role: Role,
    /// Who they are in `seats.toml`: what decides which calls are their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<OperatorId>,
    /// They may not log in any more.
    #[serde(default)]
    pub disabled: bool,
    /// Without one they cannot log in yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Stored>,
    /// The second factor, once a code of it was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Second>,
    /// A second factor that is being set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_to_be: Option<Second>,
    /// What locks their unsaved words in a browser, once a page has asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafts: Option<DraftKey>,
    /// Since when they are known here.
    pub since: WallTime,
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// A person's, with whatever role the person has then.
    Person(String),
    /// A program's.
    Role(Role),
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What it is called: in audit entries, too, when it is a program's.
    pub name: String,
    /// What is kept of it.
    pub kept: Fingerprint,
    /// Whose.
    pub whose: Whose,
    /// Who made it.
    pub by: String,
    /// When.
    pub since: WallTime,
    /// When it ends by itself.
    pub until: WallTime,
}

/// What is to change of a person; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// As colleagues say it.
    pub full_name: Option<String>,
    /// What they are there for.
    pub role: Option<Role>,
    /// Who they are in `seats.toml`; empty: nobody.
    pub operator: Option<String>,
    /// Whether they may not log in.
    pub disabled: Option<bool>,
}

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BookError {
    /// A name that cannot be one.
    #[error("{0:?} is no name: write 1 to {NAME} of a to z, 0 to 9, '.', '-' and '_'")]
    Name(String),
    /// A full name that is too long or has control characters.
    #[error("full_name has up to {FULL_NAME} characters, all of them visible")]
    FullName,
    /// Somebody or something has the name.
    #[error(
        "there is a person or token {0:?} already: audit entries would name two; choose another name"
    )]
    Taken(String),
    /// Nobody has the name.
    #[error("there is no person {0:?}")]
    NoPerson(String),
    /// Nothing was begun.
    #[error("no second factor is being set up: begin first")]
    NotBegun,
    /// No token has the name.
    #[error("there is no token {0:?}")]
    NoToken(String),
    /// Nobody would be left to let others in.
    #[error("{0:?} is the last admin who can log in: make another one first")]
    LastAdmin(String),
    /// Too many.
    #[error("there are {0} already, and no more are kept")]
    Full(usize),
}

/// Everybody and every token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// By name.
    #[serde(default)]
    people: Vec<Person>,
    /// By name.
    #[serde(default)]
    tokens: Vec<Token>,
}

impl Book {
    /// Everybody, by name.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.iter()
    }

    /// Every token, by name.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter()
    }

    /// Whether nobody is known and no token was made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.tokens.is_empty()
    }

    /// The person of a name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// The token of a secret, while it counts.
    #[must_use]
    pub fn token(&self, kept: &Fingerprint, now: WallTime) -> Option<&Token> {
        self.tokens.iter().find(|token| token.kept == *kept && token.until > now)
    }

    /// Adds somebody, who cannot log in before a password is set.
    ///
    /// # Errors
    /// The name cannot be one, or is taken.
    pub fn add(
        &mut self,
        now: WallTime,
        name: &str,
        role: Role,
        full_name: &str,
        operator: Option<OperatorId>,
    ) -> Result<(), BookError> {
        self.check_new(name)?;
        if self.people.len() >= PEOPLE {
            return Err(BookError::Full(PEOPLE));
        }
        let full_name = Private::new(visible(full_name)?);
        let name = name.to_owned();
        let person = Person {
            name,
            full_name,
            role,
            operator,
            disabled: false,
            password: None,
            second: None,
            second_to_be: None,
            drafts: None,
            since: now,
        };
        self.people.push(person);
        self.people.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    /// Changes somebody, and says what was changed, in words for the audit.
    ///
    /// # Errors
    /// Nobody has the name, or nobody would be left to let others in.
    pub fn change(&mut self, name: &str, changes: &Changes) -> Result<Vec<String>, BookError> {
        let mut person = self.known(name)?.clone();
        let mut told = Vec::new();
        if let Some(full_name) = &changes.full_name {
            person.full_name = Private::new(visible(full_name)?);
            told.push("full name changed".to_owned());
        }
        if let Some(role) = changes.role.filter(|role| *role != person.role) {
            told.push(format!("role changed from {} to {role}", person.role));
            person.role = role;
        }
        if let Some(operator) = &changes.operator {
            person.operator = match operator.as_str() {
                "" => None,
                name => Some(OperatorId::from(checked(name)?)),
            };
            told.push(format!("operator set to {operator:?}"));
        }
        if let Some(disabled) = changes.disabled.filter(|disabled| *disabled != person.disabled) {
            told.push(if disabled { "disabled" } else { "enabled" }.to_owned());
            person.disabled = disabled;
        }
        self.replace(person)?;
        Ok(told)
    }

    /// Sets a password.
    ///
    /// # Errors
    /// Nobody has the name.
    pub fn set_password(&mut self, name: &str, password: Stored) -> Result<(), BookError> {
        let mut person = self.known(name)?.clone();
        person.password = Some(password);
        self.replace(person)
    }

    /// Begins to set a second factor up; one that is there counts until the new one does.
    ///
    /// # Errors
    /// Nobody has the name.
    pub fn begin_second(&mut self, name: &str, second: Second) -> Result<(), BookError> {
        let mut person = self.known(name)?.clone();
        person.second_to_be = Some(second);
        self.replace(person)
    }

    /// A code of the second factor that is being set up counts: it is the person's from now on. Returns
    /// the recovery codes; none when the code is wrong.
    ///
    /// # Errors
    /// Nobody has the name, or nothing was begun.
    pub fn confirm_second(
        &mut self,
        name: &str,
        now: WallTime,
        code: &str,
        chance: [u8; RECOVERY_BYTES],
    ) -> Result<Option<Vec<String>>, BookError> {
        let mut person = self.known(name)?.clone();
        let mut second = person.second_to_be.clone().ok_or(BookError::NotBegun)?;
        if !second.take(now, code) {
            return Ok(None);
        }
        let codes = second.new_recovery(chance);
        (person.second, person.second_to_be) = (Some(second), None);
        self.replace(person)?;
        Ok(Some(codes))
    }

    /// Takes a code of a person's second factor, or a recovery code; each counts once. False when it is
    /// wrong, and where there is no second factor.
    ///
    /// # Errors
    /// Nobody has the name.
    pub fn take_code(&mut self, name: &str, now: WallTime, code: &str) -> Result<bool, BookError> {
        let mut person = self.known(name)?.clone();
        let taken = person.second.as_mut().is_some_and(|second| second.take(now, code));
        self.replace(person)?;
        Ok(taken)
    }

    /// Takes a second factor away; false where there was none.
    ///
    /// # Errors
    /// Nobody has the name.
    pub fn drop_second(&mut self, name: &str) -> Result<bool, BookError> {
        let mut person = self.known(name)?.clone();
        let there = person.second.is_some() || person.second_to_be.is_some();
        (person.second, person.second_to_be) = (None, None);
        self.replace(person)?;
        Ok(there)
    }

    /// The key of a person's unsaved words; made of `chance` when it is asked for the first time.
    ///
    /// # Errors
    /// Nobody has the name.
    pub fn draft_key(
        &mut self,
        name: &str,
        chance: [u8; DRAFT_KEY_BYTES],
    ) -> Result<DraftKey, BookError> {
        let mut person = self.known(name)?.clone();
        let key = person.drafts.get_or_insert_with(|| DraftKey::new(chance)).clone();
        self.replace(person)?;
        Ok(key)
    }

    /// Adds a token.
    ///
    /// # Errors
    /// The name cannot be one or is taken, or its person is not there.
    pub fn add_token(&mut self, token: Token) -> Result<(), BookError> {
        self.check_new(&token.name)?;
        if let Whose::Person(name) = &token.whose {
            self.known(name)?;
        }
        if self.tokens.len() >= TOKENS {
            return Err(BookError::Full(TOKENS));
        }
        self.tokens.push(token);
        self.tokens.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    /// A token counts no more.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn revoke(&mut self, name: &str) -> Result<(), BookError> {
        let place = self.tokens.iter().position(|token| token.name == name);
        let place = place.ok_or_else(|| BookError::NoToken(cut(name)))?;
        self.tokens.remove(place);
        Ok(())
    }

    fn known(&self, name: &str) -> Result<&Person, BookError> {
        self.person(name).ok_or_else(|| BookError::NoPerson(cut(name)))
    }

    fn replace(&mut self, person: Person) -> Result<(), BookError> {
        let was = self.admins();
        let changed = self.people.iter_mut().find(|known| known.name == person.name);
        let Some(changed) = changed else { return Err(BookError::NoPerson(person.name)) };
        let before = std::mem::replace(changed, person);
        if was > 0 && self.admins() == 0 {
            let name = before.name.clone();
            if let Some(changed) = self.people.iter_mut().find(|known| known.name == name) {
                *changed = before;
            }
            return Err(BookError::LastAdmin(name));
        }
        Ok(())
    }

    fn admins(&self) -> usize {
        let can = |person: &&Person| {
            person.role == Role::Admin && !person.disabled && person.password.is_some()
        };
        self.people.iter().filter(can).count()
    }

    fn check_new(&self, name: &str) -> Result<(), BookError> {
        checked(name)?;
        let taken = self.person(name).is_some() || self.tokens.iter().any(|t| t.name == name);
        if taken { Err(BookError::Taken(name.to_owned())) } else { Ok(()) }
    }
}

fn checked(name: &str) -> Result<String, BookError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b);
    if (1..=NAME).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(name.to_owned());
    }
    Err(BookError::Name(cut(name)))
}

fn visible(full_name: &str) -> Result<String, BookError> {
    let full_name = full_name.trim();
    let fits = full_name.chars().count() <= FULL_NAME && !full_name.chars().any(char::is_control);
    if fits { Ok(full_name.to_owned()) } else { Err(BookError::FullName) }
}

fn cut(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime(1);

    fn book(people: &[(&str, Role)]) -> Book {
        let stored = Stored::new("x", "perahu hijau", [7; 16]).expect("hashed");
        let mut book = Book::default();
        for (name, role) in people {
            book.add(NOW, name, *role, "", None).expect("added");
            book.set_password(name, stored.clone()).expect("set");
        }
        book
    }

    fn role(role: Role) -> Changes {
        Changes { role: Some(role), ..Changes::default() }
    }

    #[test]
    fn the_last_admin_who_can_log_in_stays() {
        let mut book = book(&[("ani", Role::Admin), ("budi", Role::Admin)]);
        book.add(NOW, "cici", Role::Admin, "", None).expect("added, without a password");
        let off = Changes { disabled: Some(true), ..Changes::default() };
        assert_eq!(book.change("ani", &off), Ok(vec!["disabled".to_owned()]));
        let last = Err(BookError::LastAdmin("budi".into()));
        assert_eq!(book.change("budi", &off), last);
        assert_eq!(book.change("budi", &role(Role::Auditor)), last);
        assert_eq!(book.person("budi").map(|p| (p.role, p.disabled)), Some((Role::Admin, false)));
        let on = Changes { disabled: Some(false), ..Changes::default() };
        assert_eq!(book.change("ani", &on), Ok(vec!["enabled".to_owned()]));
        let told = book.change("budi", &role(Role::Auditor)).expect("changed");
        assert_eq!(told, ["role changed from admin to auditor"]);
        assert_eq!(book.change("budi", &role(Role::Auditor)), Ok(vec![]));
    }

    #[test]
    fn names_are_plain_and_belong_to_one() {
        let mut book = book(&[("siti", Role::CallTaker)]);
        for wrong in ["", "Siti", "si ti", "siti\n", "ś", &"x".repeat(65)] {
            let refused = book.add(NOW, wrong, Role::Admin, "", None);
            assert!(matches!(refused, Err(BookError::Name(_))), "{wrong:?}");
        }
        let token = |name: &str, whose| Token {
            name: name.into(),
            kept: Fingerprint::of("secret"),
            whose,
            by: "ani".into(),
            since: NOW,
            until: WallTime(100),
        };
        let taken = Err(BookError::Taken("siti".into()));
        assert_eq!(book.add(NOW, "siti", Role::Admin, "", None), taken);
        assert_eq!(book.add_token(token("siti", Whose::Role(Role::Auditor))), taken);
        let nobody = book.add_token(token("x", Whose::Person("gone".into())));
        assert_eq!(nobody, Err(BookError::NoPerson("gone".into())));
        book.add_token(token("desk", Whose::Person("siti".into()))).expect("added");
        let kept = Fingerprint::of("secret");
        assert_eq!(book.token(&kept, WallTime(99)).map(|t| t.name.as_str()), Some("desk"));
        assert_eq!(book.token(&kept, WallTime(100)), None, "it ends by itself");
        assert_eq!(book.revoke("desk"), Ok(()));
        assert_eq!(book.revoke("desk"), Err(BookError::NoToken("desk".into())));
        let long = Changes { full_name: Some("x\ny".into()), ..Changes::default() };
        assert_eq!(book.change("siti", &long), Err(BookError::FullName));
        assert_eq!(book.change("budi", &long), Err(BookError::NoPerson("budi".into())));
    }

    #[test]
    fn the_book_is_read_as_it_is_written_and_hides_what_is_personal() {
        let mut book = book(&[("siti", Role::CallTaker)]);
        let named = Changes { full_name: Some("Siti Aminah".into()), ..Changes::default() };
        book.change("siti", &named).expect("changed");
        let text = serde_json::to_string(&book).expect("written");
        assert_eq!(serde_json::from_str::<Book>(&text).expect("read"), book);
        let shown = format!("{book:?}");
        assert!(!shown.contains("Aminah") && !shown.contains("argon2"), "{shown}");
    }
}
