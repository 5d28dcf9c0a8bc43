//! Receivers elsewhere that are told what happens here: starts an outbox for each and turns their
//! troubles into alarms.

use std::path::Path;

use super::clock::Clock;
use crate::agencies::settings::{LoggerSettings, WebhookSettings};
use crate::agencies::{Issuer, KeyError, Logger, Outbox, Surroundings, Webhook};
use crate::journal::{Entry, Fact};
use crate::store::{JournalHandle, Store};

/// What every outbox is started with.
pub(super) struct Post<'a> {
    pub data: &'a Path,
    pub journal: &'a JournalHandle,
    pub clock: Clock,
}

impl Post<'_> {
    /// An outbox for each logger.
    ///
    /// # Errors
    /// When a key is none; the configuration has looked at it before.
    pub fn loggers(
        &self,
        loggers: &[LoggerSettings],
        issuer: &Issuer,
    ) -> Result<Vec<Outbox>, KeyError> {
        let start = |settings: &LoggerSettings| {
            let logger = Logger::new(issuer.clone(), settings.key.as_deref())?;
            let LoggerSettings { name, endpoint, .. } = settings;
            Ok(Outbox::start(name, endpoint.clone(), logger, self.surroundings()))
        };
        loggers.iter().map(start).collect()
    }

    /// An outbox for each webhook; screen pops ask the records.
    pub fn webhooks(&self, webhooks: &[WebhookSettings], store: &Store) -> Vec<Outbox> {
        let clock = self.clock;
        let start = |settings: &WebhookSettings| {
            let WebhookSettings { name, endpoint, secret, wish } = settings.clone();
            let now = move || clock.now().wall;
            let webhook = Webhook::new(wish, secret, store.clone(), now);
            Outbox::start(&name, endpoint, webhook, self.surroundings())
        };
        webhooks.iter().map(start).collect()
    }

    fn surroundings(&self) -> Surroundings {
        let (clock, journal) = (self.clock, self.journal.clone());
        Surroundings {
            journal: super::journal_folder(self.data),
            durable: journal.durable(),
            folder: self.data.join("outbox"),
            now: Box::new(move || clock.now().wall),
            alarm: Box::new(move |name, detail| {
                tracing::error!(alarm = name, detail, "a receiver has trouble; calls go on");
                let fact = Fact::Alarm { name: name.to_owned(), detail };
                journal.append(0, Entry { at: clock.now().wall, fact });
            }),
        }
    }
}
