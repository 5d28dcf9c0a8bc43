//! The phone of a seat in our hands: what it is told, when it answers.

use std::net::{SocketAddr, UdpSocket};

use super::gateway::{Gateway, account};
use super::phone::{Dialog, Message, Phone};

/// One seat with its phone, registered.
#[derive(Debug)]
pub struct Seat {
    /// Its number: seat 1, 2, ….
    pub number: u8,
    /// Signalling.
    pub phone: Phone,
    /// Audio.
    pub audio: UdpSocket,
}

impl Seat {
    /// Registers the phone of a seat, which is ready from then on.
    pub fn sits(gateway: &Gateway, number: u8) -> Self {
        let phone = Phone::at(gateway.site.seat(number), 5060, gateway.sip);
        let audio = UdpSocket::bind((gateway.site.seat(number), 0)).expect("a free port");
        let name = format!("seat-{number}");
        let contact = format!("<sip:{name}@{}>", phone.local());
        let answer = phone.register(&account(&name), &contact, 300);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        Self { number, phone, audio }
    }

    /// The same, paused before any call comes.
    pub fn pauses(gateway: &Gateway, number: u8) -> Self {
        let seat = Self::sits(gateway, number);
        gateway.set_seat(number, "paused");
        seat
    }

    /// Its phone is invited, and rings.
    pub fn rings(&self) -> Message {
        let invite = self.phone.await_request("INVITE");
        let own = format!("{};tag=ring", invite.header("To"));
        let contact = format!("Contact: <sip:seat@{}>\r\n", self.phone.local());
        self.phone.respond("180 Ringing", &invite, &own, &contact, "");
        invite
    }

    /// Answers; the ACK is still to come.
    pub fn accepts(&self, invite: &Message) -> Dialog {
        Dialog::accept(&self.phone, invite, self.media())
    }

    /// Rings and answers the next call: its dialog, and where audio goes.
    pub fn answers(&self) -> (Dialog, SocketAddr) {
        let invite = self.rings();
        let dialog = self.accepts(&invite);
        self.phone.await_request("ACK");
        (dialog, invite.media())
    }

    /// Is told to stop ringing; returns the CANCEL.
    pub fn is_silenced(&self, invite: &Message) -> Message {
        let cancel = self.phone.await_request("CANCEL");
        self.phone.accept(&cancel);
        let own = format!("{};tag=ring", invite.header("To"));
        self.phone.respond("487 Request Terminated", invite, &own, "", "");
        self.phone.await_request("ACK");
        cancel
    }

    /// The talk is ended by the other side; returns the BYE.
    pub fn is_hung_up(&self) -> Message {
        let bye = self.phone.await_request("BYE");
        self.phone.accept(&bye);
        bye
    }

    fn media(&self) -> SocketAddr {
        self.audio.local_addr().expect("bound")
    }
}
