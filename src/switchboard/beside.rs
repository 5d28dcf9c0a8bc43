//! What is asked of others beside a call and comes when it comes: who vouches for the caller's number, and
//! what a message names by reference.
//!
//! Nothing here holds a call up, ends it, or decides where it goes.

use std::sync::Arc;

use crate::incident::{Arrival, DataCame, IdentityChecked, Passport, Report, Shown};
use crate::journal::Fact;
use crate::sip::Request;
use crate::trunk::{self, DialledKind};
use crate::vocabulary::{CallId, Now, limits};

use super::{Output, Switchboard};

impl Switchboard {
    /// Asks what the INVITE's signed identities are worth, and for the data that it names elsewhere.
    pub(super) fn ask_beside(
        &mut self,
        now: Now,
        id: CallId,
        request: &Request,
        kind: DialledKind,
        arrival: &Arrival,
    ) {
        let centre = &self.settings.centre;
        if let Some(signed) = trunk::signed(request, kind, arrival, centre, now.wall) {
            self.outputs.push_back(Output::Vouch { call: id, signed: Box::new(signed) });
        }
        self.ask_for_data(id, arrival);
    }

    /// Asks for additional data that is elsewhere (RFC 7852 §6.1).
    pub(super) fn ask_for_data(&mut self, id: CallId, arrival: &Arrival) {
        let named = arrival.additional_data.iter().filter(|data| !data.purpose.is_empty());
        let named =
            named.filter_map(|data| Some((data.purpose.clone(), data.reference()?.to_owned())));
        for (purpose, uri) in named.take(limits::REFERENCES) {
            self.outputs.push_back(Output::FetchData { call: id, purpose, uri });
        }
    }

    /// Who vouches for the caller is known: on the record, and on the board while the call lives.
    pub(super) fn vouched(&mut self, now: Now, id: CallId, passports: Vec<Passport>) {
        let checked = IdentityChecked::of(id, passports);
        if let Some(call) = self.calls.get_mut(&id) {
            Arc::make_mut(&mut call.brief).identity = Some(checked.clone());
        }
        self.note(now, Fact::IdentityChecked(Box::new(checked)));
    }

    /// What a reference has led to: in the place of the reference, and an alert's places beside it.
    pub(super) fn data_fetched(&mut self, now: Now, came: DataCame) {
        if let Some(call) = self.calls.get_mut(&came.call) {
            let brief = Arc::make_mut(&mut call.brief);
            let stands = |shown: &&mut Shown| {
                shown.bytes == 0 && came.reference.as_ref() == Some(&shown.content_type)
            };
            if let (Some(shown), true) = (brief.data.iter_mut().find(stands), came.is_there()) {
                *shown = Shown::of(&came.data);
            }
        }
        let id = came.call;
        let locations = came.alert.as_ref().map(|alert| alert.locations()).unwrap_or_default();
        let from = came.how.clone();
        self.note(now, Fact::DataCame(Box::new(came)));
        if !locations.is_empty() {
            self.report(now, Some(id), Report { from, locations, ..Report::default() });
        }
    }
}
