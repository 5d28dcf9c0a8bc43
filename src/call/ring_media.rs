//! The audio of a leg while those who may take it are rung: a seat may have a telephone and a browser,
//! and each needs a description of its own. The first to answer decides which one the leg gets.
//!
//! Never sends anything and never opens a stream.

use bytes::Bytes;

use super::{Aim, LegMedia, Unusable};
use crate::sip::Flow;
use crate::vocabulary::{AudioPolicy, Codec, StreamId};

/// What the phones of one offer are offered.
#[derive(Clone, Debug)]
pub struct RingMedia {
    /// For whoever has nothing of its own below.
    usual: Option<LegMedia>,
    /// For phones on a WebSocket.
    browser: Option<LegMedia>,
}

impl RingMedia {
    /// One description for all, or two.
    #[must_use]
    pub const fn new(usual: Option<LegMedia>, browser: Option<LegMedia>) -> Self {
        Self { usual, browser }
    }

    /// Our SDP offers, the preferred codec first. [`RingMedia::said`] tells them.
    pub fn offer(&mut self, prefer: Option<Codec>) {
        for media in self.usual.iter_mut().chain(&mut self.browser) {
            media.offer(prefer);
        }
    }

    /// The offer for whoever is reached by this way; none where the leg has no audio for it.
    #[must_use]
    pub fn said(&self, flow: &Flow) -> Option<Bytes> {
        let media = if self.is_for_browser(flow) { &self.browser } else { &self.usual };
        media.as_ref().map(LegMedia::again)
    }

    /// Takes the answer of whoever was reached by this way; nobody was by none.
    ///
    /// # Errors
    /// [`Unusable`]; what was offered stays.
    pub fn take_answer(&mut self, flow: Option<Flow>, answer: &[u8]) -> Result<Aim, Unusable> {
        let browser = self.is_for_browser(&flow.ok_or(Unusable::NoAudio)?);
        let media = if browser { &mut self.browser } else { &mut self.usual };
        media.as_mut().ok_or(Unusable::NoAudio)?.take_answer(answer)
    }

    /// The audio of the usual kind.
    pub const fn usual_mut(&mut self) -> Option<&mut LegMedia> {
        self.usual.as_mut()
    }

    /// Takes other terms: another carrier is tried.
    pub fn set_policy(&mut self, policy: &AudioPolicy) {
        for media in self.usual.iter_mut().chain(&mut self.browser) {
            media.set_policy(policy.clone());
        }
    }

    /// The audio of whoever was reached by this way, and the stream that nobody took.
    #[must_use]
    pub fn won(self, flow: Option<Flow>) -> (Option<LegMedia>, Option<StreamId>) {
        let browser = flow.is_some_and(|flow| self.is_for_browser(&flow));
        let (won, lost) =
            if browser { (self.browser, self.usual) } else { (self.usual, self.browser) };
        (won, lost.map(|media| media.stream))
    }

    /// Its streams, one or two.
    #[must_use]
    pub fn streams(&self) -> Vec<StreamId> {
        self.usual.iter().chain(&self.browser).map(|media| media.stream).collect()
    }

    fn is_for_browser(&self, flow: &Flow) -> bool {
        self.browser.is_some() && flow.transport.is_web()
    }
}
