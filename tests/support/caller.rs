//! A caller of 112: a phone of the trunk's with one call and its audio.

use std::net::{SocketAddr, UdpSocket};

use super::gateway::Gateway;
use super::phone::{Dialog, Message, Phone, companion, sdp};
use super::record::Incident;
use super::wait::until;

/// One caller.
#[derive(Debug)]
pub struct Caller {
    /// Signalling.
    pub phone: Phone,
    /// Audio.
    pub audio: UdpSocket,
    /// Their call.
    pub call: Dialog,
    /// The number, E.164.
    pub number: String,
    invite: Vec<u8>,
}

impl Caller {
    /// Calls 112 from `number`, with further header lines.
    pub fn dials(gateway: &Gateway, number: &str, lines: &str) -> Self {
        let phone = Phone::at(gateway.site.trunk(), 0, gateway.sip);
        let audio = UdpSocket::bind((gateway.site.trunk(), 0)).expect("a free port");
        let mut call = Dialog::new(&phone, number, &format!("sip:112@{}", gateway.sip));
        let contact = format!("Contact: <sip:trunk@{}>\r\n", phone.local());
        let asserted = format!("P-Asserted-Identity: <sip:{number}@{}>\r\n", phone.local());
        let own = sdp(audio.local_addr().expect("bound"));
        let invite = call.request(&phone, "INVITE", &format!("{contact}{asserted}{lines}"), &own);
        Self { phone, audio, call, number: number.to_owned(), invite }
    }

    /// Calls, and waits in the queue: every one has its place before the next calls.
    pub fn waits(gateway: &Gateway, number: &str) -> Self {
        let caller = Self::dials(gateway, number, "");
        caller.await_state(gateway, "waiting");
        caller
    }

    /// The call as the live board shows it.
    pub fn live(&self, gateway: &Gateway) -> Option<Incident> {
        gateway.calls().into_iter().find(|call| call.text("caller") == self.number)
    }

    /// Waits until the board shows a state, and returns what it shows.
    pub fn await_state(&self, gateway: &Gateway, state: &str) -> Incident {
        let what = format!("{} is {state}", self.number);
        until(&what, || self.live(gateway).filter(|call| call.text("state") == state))
    }

    /// The newest record of this number, as far as it is written.
    pub fn record(&self, gateway: &Gateway) -> Option<Incident> {
        let rows = Incident::list(&gateway.get("/api/v1/incidents?limit=100").json());
        let own = rows.into_iter().filter(|row| row.text("caller_e164") == self.number);
        own.max_by_key(|row| row.text("received_at"))
    }

    /// Waits until a field of the record says something.
    pub fn await_record(&self, gateway: &Gateway, field: &str, value: &str) -> Incident {
        let what = format!("{field} of {} is {value}", self.number);
        until(&what, || self.record(gateway).filter(|row| row.text(field) == value))
    }

    /// Waits for the answer; returns it, and where it wants audio.
    pub fn await_answer(&mut self) -> (Message, SocketAddr) {
        let answer = self.call.await_answer(&self.phone);
        let media = answer.media();
        (answer, media)
    }

    /// Gives up before the answer.
    pub fn gives_up(self) {
        self.phone.send(&companion(&self.invite, "CANCEL"));
        self.phone.await_status(487, "INVITE");
        self.phone.send(&companion(&self.invite, "ACK"));
    }

    /// Ends the call.
    pub fn hangs_up(mut self) {
        self.call.hang_up(&self.phone);
    }
}
