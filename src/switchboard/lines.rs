//! The outgoing side of the trunks: owns one [`Line`] for each trunk that has one, carries its
//! requests to the endpoint and the answers back, and tells people when a trunk is down or quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::journal::Fact;
use crate::sip::locate::{Hop, Location, Target};
use crate::sip::{ClientId, Flow, Request, Response, Transport};
use crate::trunk::line::{Ask, Health, Line, LineOutput, Way};
use crate::trunk::{QuietWatch, Trunks};
use crate::vocabulary::{Deadlines, Moment, Now, TrunkId, WallTime, limits};

use super::view::{HopView, LineView};
use super::{Output, Purpose, Switchboard};

/// One line; a trunk whose carrier changes gets a new one while the old one says good-bye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LineId(u64);

/// Every line.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<LineId, (TrunkId, Line)>,
    /// The line in use of each trunk.
    current: BTreeMap<TrunkId, LineId>,
    next: u64,
    deadlines: Deadlines<LineId>,
    /// Lines that something has happened to in this turn.
    touched: BTreeSet<LineId>,
    pub quiet: QuietWatch,
}

impl Lines {
    fn line(&self, trunk: &TrunkId) -> Option<&Line> {
        self.lines.get(self.current.get(trunk)?).map(|(_, line)| line)
    }

    fn touch(&mut self, id: LineId) -> Option<&mut Line> {
        let (_, line) = self.lines.get_mut(&id)?;
        self.touched.insert(id);
        Some(line)
    }

    /// The trunk whose carrier has a place at this address: who takes our registration calls from
    /// there, whatever its `source` says.
    pub fn trunk_at(&self, ip: IpAddr) -> Option<&TrunkId> {
        let mut lines = self.current.iter();
        lines
            .find(|(_, id)| self.lines.get(id).is_some_and(|(_, line)| line.is_at(ip)))
            .map(|l| l.0)
    }

    /// Whether every line has said good-bye.
    pub fn are_gone(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn poll_timeout(&self) -> Option<Moment> {
        [self.deadlines.next(), self.quiet.poll_timeout()].into_iter().flatten().min()
    }
}

impl Switchboard {
    /// Flows to send a request to a trunk's carrier by, best first; empty for a trunk that only
    /// calls, or while its carrier has not been found. Those that count as dead come last.
    #[must_use]
    pub fn trunk_hops(&self, trunk: &TrunkId) -> Vec<Flow> {
        let line = self.lines.line(trunk);
        line.map(|line| line.ways().into_iter().map(|way| way.flow).collect()).unwrap_or_default()
    }

    /// The name that the certificate at the far end of a flow must prove; none for a flow that leads
    /// to no carrier's place.
    #[must_use]
    pub fn server_name(&self, flow: &Flow) -> Option<&str> {
        let ways = self.lines.lines.values().flat_map(|(_, line)| line.ways());
        ways.into_iter().find(|way| way.flow == *flow).map(|way| &*way.name)
    }

    /// The outgoing side of a trunk, for the board.
    pub(super) fn line_view(&self, now: Now, trunk: &TrunkId) -> Option<LineView> {
        let line = self.lines.line(trunk)?;
        let (state, since, reason) = line.state();
        let until = line.registered_until().map(|until| {
            let left = until.since(now.moment).as_micros();
            WallTime(now.wall.0.saturating_add(i64::try_from(left).unwrap_or(i64::MAX)))
        });
        let hop = |(way, health): (&Way, &Health)| HopView {
            address: way.flow.to_string(),
            alive: !health.is_dead(),
            round_trip_ms: health
                .round_trip
                .map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        };
        Some(LineView {
            state: state.word().to_owned(),
            since: since.wall,
            reason: reason.to_owned(),
            registered_until: until,
            registers: line.settings().register,
            hops: line.places().map(hop).collect(),
        })
    }

    /// Takes the lines of the trunks as configured. One whose settings are the same goes on; the
    /// others take their registration back.
    pub(super) fn adopt_lines(&mut self, now: Now) {
        let mut before = std::mem::take(&mut self.lines.current);
        if !self.draining {
            for trunk in self.trunks.iter() {
                let Some(settings) = &trunk.line else { continue };
                let same = self.lines.lines.get_mut(before.get(&trunk.id).unwrap_or(&LineId(0)));
                let id = match same {
                    Some((_, line)) if line.settings() == &**settings => {
                        before.remove(&trunk.id).unwrap_or(LineId(0))
                    }
                    _ => {
                        self.lines.next += 1;
                        let id = LineId(self.lines.next);
                        let line = Line::new(now, Arc::clone(settings), &mut self.dice);
                        self.lines.lines.insert(id, (trunk.id.clone(), line));
                        self.lines.touched.insert(id);
                        id
                    }
                };
                self.lines.current.insert(trunk.id.clone(), id);
            }
        }
        for id in before.into_values() {
            if let Some(line) = self.lines.touch(id) {
                line.leave(now);
            }
        }
        let watched = self.trunks.iter().filter_map(|t| Some((t.id.clone(), t.quiet_alarm?)));
        self.lines.quiet.adopt(now.moment, watched);
    }

    /// We take no new calls: carriers are told to send them elsewhere.
    pub(super) fn leave_lines(&mut self, now: Now) {
        for (id, (_, line)) in &mut self.lines.lines {
            line.leave(now);
            self.lines.touched.insert(*id);
        }
    }

    /// Does what is due.
    pub(super) fn tick_lines(&mut self, now: Now) {
        while let Some(id) = self.lines.deadlines.pop_due(now.moment) {
            if let Some(line) = self.lines.touch(id) {
                line.tick(now, &mut self.dice);
            }
        }
        for (trunk, patience) in self.lines.quiet.tick(now.moment) {
            let minutes = patience.as_secs() / 60;
            let detail = format!("no request came from trunk {trunk} for {minutes} minutes");
            self.announce(now, "trunk-quiet", detail);
        }
    }

    /// A request came from a trunk.
    pub(super) fn heard_from(&mut self, now: Now, trunk: &TrunkId) {
        let count = self.trunk_counts.entry(trunk.clone()).or_default();
        count.last_heard = Some(now.moment);
        if self.lines.quiet.heard(now.moment, trunk) {
            self.announce(now, "trunk-heard", format!("trunk {trunk} is not quiet any more"));
        }
    }

    /// The rim has looked a carrier up.
    pub(super) fn located(
        &mut self,
        now: Now,
        trunk: &TrunkId,
        hops: &[Hop],
        wrong: Option<String>,
        good_for: std::time::Duration,
    ) {
        let Some(id) = self.lines.current.get(trunk).copied() else { return };
        let ways = hops.iter().filter_map(|hop| self.way(hop)).collect();
        if let Some(line) = self.lines.touch(id) {
            line.located(now, ways, wrong, good_for, &mut self.dice);
        }
    }

    /// The way to a hop from our own listener of its transport and IP version.
    fn way(&self, hop: &Hop) -> Option<Way> {
        let fits = |own: &&crate::sip::Listener| {
            own.transport == hop.transport && own.address.is_ipv4() == hop.address.is_ipv4()
        };
        let listener = self.settings.sip.listen.iter().find(fits)?;
        let (transport, local, remote) = (hop.transport, listener.address, hop.address);
        let flow = Flow { transport, local, remote };
        Some(Way { flow, name: hop.name.clone(), own: self.endpoint.own_address(&flow) })
    }

    /// A final response to a request of a line.
    pub(super) fn line_answered(
        &mut self,
        now: Now,
        client: ClientId,
        (id, ask): (LineId, Ask),
        request: &Request,
        response: &Response,
    ) {
        self.clients.remove(&client);
        if let Some(line) = self.lines.touch(id) {
            line.answered(now, ask, request, response, &mut self.dice);
        }
    }

    /// No answer came to a request of a line, or its connection is lost.
    pub(super) fn line_failed(&mut self, now: Now, client: ClientId, (id, ask): (LineId, Ask)) {
        self.clients.remove(&client);
        if let Some(line) = self.lines.touch(id) {
            line.failed(now, ask, &mut self.dice);
        }
    }

    /// Carries out what the lines want.
    pub(super) fn run_lines(&mut self, now: Now) {
        while let Some(id) = self.lines.touched.pop_first() {
            while let Some((trunk, line)) = self.lines.lines.get_mut(&id)
                && let Some(output) = line.poll_output()
            {
                let trunk = trunk.clone();
                self.line_output(now, id, trunk, output);
            }
            let Some((_, line)) = self.lines.lines.get(&id) else { continue };
            if line.is_gone() {
                self.lines.lines.remove(&id);
                self.lines.deadlines.clear(&id);
                self.lines.current.retain(|_, current| *current != id);
            } else {
                match line.poll_timeout() {
                    Some(at) => self.lines.deadlines.set(id, at),
                    None => self.lines.deadlines.clear(&id),
                }
            }
        }
    }

    fn line_output(&mut self, now: Now, id: LineId, trunk: TrunkId, output: LineOutput) {
        match output {
            LineOutput::Locate(target) => self.locate(now, trunk, target),
            LineOutput::Send { ask, flow, request } => {
                let client = self.endpoint.send(now.moment, flow, *request, &mut self.dice);
                self.clients.insert(client, Purpose::Line { line: id, ask });
            }
            LineOutput::WentDown(why) => {
                self.announce(now, "trunk-down", format!("trunk {trunk}: {why}"));
            }
            LineOutput::CameBack(seconds) => {
                let detail = format!("trunk {trunk} works again after {seconds} s");
                self.announce(now, "trunk-up", detail);
            }
        }
    }

    /// An address needs nobody to look it up.
    fn locate(&mut self, now: Now, trunk: TrunkId, target: Target) {
        let location = Location::new(&target, &self.sending_transports());
        if location.question().is_some() {
            self.outputs.push_back(Output::Locate { trunk, target });
        } else {
            self.located(now, &trunk, &location.into_hops(), None, limits::LOCATE_MOST);
        }
    }

    /// Transports that we have a listener for, and so can be answered on.
    fn sending_transports(&self) -> Vec<Transport> {
        let ours = |t: &Transport| self.settings.sip.listen.iter().any(|own| own.transport == *t);
        Transport::ALL.into_iter().filter(ours).collect()
    }

    /// Keeps an alarm that its maker tells once for each change.
    pub(super) fn announce(&mut self, now: Now, name: &'static str, detail: String) {
        tracing::warn!(alarm = name, detail, "alarm");
        self.note(now, Fact::Alarm { name: name.to_owned(), detail });
    }

    /// The trunk that a line's carrier belongs to, by address.
    pub(super) fn trunk_of_line<'a>(
        &self,
        trunks: &'a Trunks,
        ip: IpAddr,
    ) -> Option<&'a crate::trunk::settings::TrunkSettings> {
        trunks.get(self.lines.trunk_at(ip)?)
    }
}
