//! Where callers are: what the INVITE says of it, what its references lead to, what phones report by
//! themselves, before the call, in it and after it. The best of it is on the board at once.
//!
//! Nothing here holds a call up: a place that comes late is a fact that comes late.

use crate::incident::{Arrival, Evidence, LearntCells, Located, Remembered, Report, Whereabouts};
use crate::journal::Fact;
use crate::screening::known_number;
use crate::sip::NameAddr;
use crate::trunk::number_plan::phone;
use crate::trunk::settings::TrunkSettings;
use crate::vocabulary::{CallId, Now, Uid, limits};

use super::{Output, Switchboard};

/// Where callers are, and what was learnt of cells.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) whereabouts: Whereabouts,
    pub(super) learnt: LearntCells,
}

impl Switchboard {
    /// Chooses the best of what an INVITE says; a kecamatan that only the cell stands for counts for
    /// routing too.
    pub(super) fn place_arrival(&self, now: Now, trunk: &TrunkSettings, arrival: &mut Arrival) {
        let evidence = Evidence {
            kecamatan: &self.settings.places,
            settings: &self.settings.location,
            learnt: &self.places.learnt,
        };
        // Within a trust domain the network vouches for what it passes on.
        let trusted = trunk.trust_identity;
        let place = &mut arrival.place;
        place.add_locations(
            now.wall,
            &arrival.locations,
            ("PIDF-LO in the INVITE", trusted),
            &evidence,
        );
        if let Some(cell) = &arrival.cell {
            place.add_cell(cell, trusted || cell.network_provided, &evidence);
        }
        let guess = place.kecamatan.as_ref().map(|guess| guess.code.clone());
        arrival.kecamatan = arrival.kecamatan.take().or(guess);
    }

    /// A call is known by its number from now on. Returns the reports that came before it, to be kept
    /// behind its arrival; asks for what its references lead to.
    pub(super) fn place_call(&mut self, now: Now, id: CallId, arrival: &Arrival) -> Vec<Located> {
        let evidence = Evidence {
            kecamatan: &self.settings.places,
            settings: &self.settings.location,
            learnt: &self.places.learnt,
        };
        let number = known_number(&arrival.caller.phone);
        let earlier = self.places.whereabouts.arrived(now.wall, id, number, arrival, &evidence);
        let references = arrival.geolocation.iter().filter_map(|value| NameAddr::read(value));
        let references = references.map(|address| address.uri.as_str().to_owned());
        let by_value = |uri: &str| uri.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("cid:"));
        for uri in
            references.filter(|uri| !uri.is_empty() && !by_value(uri)).take(limits::REFERENCES)
        {
            self.outputs.push_back(Output::Dereference { call: id, uri });
        }
        earlier
    }

    /// The records tell where callers were before the start.
    pub(super) fn remember_places(&mut self, now: Now, before: Remembered) {
        let evidence = Evidence {
            kecamatan: &self.settings.places,
            settings: &self.settings.location,
            learnt: &self.places.learnt,
        };
        for located in self.places.whereabouts.remember(now.wall, before, &evidence) {
            self.note(now, Fact::Located(Box::new(located)));
        }
    }

    /// A report has come, for this call where that is known; returns whose it is.
    pub(super) fn report(
        &mut self,
        now: Now,
        call: Option<CallId>,
        mut report: Report,
    ) -> Option<CallId> {
        let sent = report.number.take().filter(|_| call.is_none());
        let known = sent
            .as_ref()
            .and_then(|sent| known_number(&phone(sent.reveal(), &self.settings.centre.area_code)));
        report.number = known.or(sent);
        let evidence = Evidence {
            kecamatan: &self.settings.places,
            settings: &self.settings.location,
            learnt: &self.places.learnt,
        };
        let id: Uid = self.dice.uid(now.wall);
        let located = self.places.whereabouts.reported(now.wall, id, call, report, &evidence);
        let call = located.call;
        self.note(now, Fact::Located(Box::new(located)));
        call
    }
}
