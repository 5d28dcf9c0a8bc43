//! Signs the journal's end once a day and keeps a copy of each head elsewhere. No call waits for it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::clock::Clock;
use crate::journal::{Entry, Fact, Head};
use crate::proof::{ProofError, Signer, heads, heads_folder, keys_folder};
use crate::store::JournalHandle;
use crate::telemetry::metrics;

/// How often it is looked whether a day has its head and its copy.
const EVERY: Duration = Duration::from_secs(60);

/// What signing needs.
pub(super) struct Heads {
    pub(super) node: String,
    pub(super) data: PathBuf,
    pub(super) journal_folder: PathBuf,
    pub(super) copy_to: Option<PathBuf>,
    pub(super) journal: JournalHandle,
    pub(super) clock: Clock,
}

impl Heads {
    /// Signs and copies for as long as the program runs.
    pub(super) fn start(self) {
        tokio::spawn(async move {
            let mut durable = self.journal.durable();
            // An error means that the journal is gone.
            if durable.wait_for(|seq| *seq > 0).await.is_err() {
                return;
            }
            let (mut unsigned, mut uncopied) = (false, false);
            let mut tick = tokio::time::interval(EVERY);
            loop {
                tick.tick().await;
                let signed = self.blocking(Self::sign).await;
                if let Ok(Some(head)) = &signed {
                    tracing::info!(
                        date = head.date,
                        line = head.line,
                        "the journal's head is signed"
                    );
                    self.note(Fact::HeadSigned(Box::new(head.clone())));
                }
                self.tell("head-not-signed", "head-signed", &mut unsigned, signed.err());
                let copied = self.blocking(Self::copy).await;
                self.tell("head-not-copied", "head-copied", &mut uncopied, copied.err());
            }
        });
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self, u64) -> Result<T, ProofError> + Send + 'static,
    ) -> Result<T, String> {
        let seq = *self.journal.durable().borrow();
        let own = Self {
            node: self.node.clone(),
            data: self.data.clone(),
            journal_folder: self.journal_folder.clone(),
            copy_to: self.copy_to.clone(),
            journal: self.journal.clone(),
            clock: self.clock,
        };
        let done = tokio::task::spawn_blocking(move || work(&own, seq)).await;
        done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    fn sign(&self, seq: u64) -> Result<Option<Head>, ProofError> {
        let signer = Signer::open_or_make(&keys_folder(&self.data))?;
        let wall = self.clock.now().wall;
        let day = jiff::Timestamp::from_microsecond(wall.0).unwrap_or_default();
        let date = TimeZone::system().to_datetime(day).date().to_string();
        let moment = heads::Moment { node: self.node.clone(), date, at: wall.to_rfc3339() };
        heads::sign(&signer, &self.journal_folder, &heads_folder(&self.data), seq, &moment)
    }

    fn copy(&self, _: u64) -> Result<usize, ProofError> {
        let folder = heads_folder(&self.data);
        self.copy_to.as_ref().map_or(Ok(0), |to| heads::copy(&folder, to))
    }

    /// Tells of a trouble when it begins and when it is over.
    fn tell(
        &self,
        begins: &'static str,
        ends: &'static str,
        failing: &mut bool,
        what: Option<String>,
    ) {
        if *failing == what.is_some() {
            return;
        }
        *failing = what.is_some();
        let name = if *failing { begins } else { ends };
        let detail = what.unwrap_or_else(|| "it is over".to_owned());
        tracing::warn!(alarm = name, detail, "alarm");
        metrics::alarm(name);
        self.note(Fact::Alarm { name: name.to_owned(), detail });
    }

    fn note(&self, fact: Fact) {
        self.journal.append(0, Entry { at: self.clock.now().wall, fact });
    }
}
