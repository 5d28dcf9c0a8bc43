//! Who calls, when, and what becomes of it: half a minute at a call centre.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinSet;

use super::phone::Phone;
use super::tone::Says;
use super::{desk, sample};
use crate::server::Clock;
use crate::sip::{Event, Method, Name, Request, Uri};

/// One caller of the story.
#[derive(Clone, Copy, Debug)]
struct Caller {
    /// Seconds after the start.
    at: f32,
    /// Last octet of the carrier's loopback address.
    carrier: u8,
    number: &'static str,
    dialled: &'static str,
    /// Seconds of talk; none for a caller who gives up after `patience`.
    talk: Option<f32>,
    patience: f32,
    /// A location in the INVITE, as an NG112 network sends it.
    located: bool,
    /// Says nothing, and presses a key after so many seconds.
    presses: Option<f32>,
    /// The operator marks the number.
    prank: bool,
}

const PRANKSTER: &str = "+62328671234";

const CALLERS: [Caller; 11] = [
    Caller::new(0.5, 11, "081234567890", "sip:0328112@gw").talks(6.0),
    Caller::new(1.0, 12, "+6281803445566", "urn:service:sos.fire").talks(7.0).with_location(),
    // A prank: its number is marked, and its next call stands behind the others.
    Caller::new(1.5, 13, PRANKSTER, "sip:112@gw").talks(2.0).is_prank(),
    Caller::new(6.0, 13, PRANKSTER, "sip:112@gw").talks(2.0),
    // Is lost while waiting, rings again, and goes before the others.
    Caller::new(2.0, 11, "085733112200", "sip:1120328@gw").gives_up(2.5),
    Caller::new(6.5, 11, "085733112200", "sip:1120328@gw").talks(4.0),
    // Cannot speak: is asked for a sign, and gives one.
    Caller::new(2.5, 11, "087855501234", "sip:+62328112@gw").talks(4.0).presses(5.0),
    Caller::new(3.0, 13, "anonymous", "sip:112@gw").talks(3.0),
    Caller::new(3.5, 11, "082139998877", "urn:service:sos.ambulance").talks(5.0).with_location(),
    Caller::new(4.0, 12, "081999000111", "sip:112@gw").gives_up(1.0),
    Caller::new(5.0, 11, "02150000112", "urn:service:test.sos").talks(2.0),
];

impl Caller {
    const fn new(at: f32, carrier: u8, number: &'static str, dialled: &'static str) -> Self {
        Self {
            at,
            carrier,
            number,
            dialled,
            talk: None,
            patience: 60.0,
            located: false,
            presses: None,
            prank: false,
        }
    }

    const fn talks(self, seconds: f32) -> Self {
        Self { talk: Some(seconds), ..self }
    }

    const fn gives_up(self, seconds: f32) -> Self {
        Self { patience: seconds, ..self }
    }

    const fn with_location(self) -> Self {
        Self { located: true, ..self }
    }

    const fn presses(self, seconds: f32) -> Self {
        Self { presses: Some(seconds), ..self }
    }

    const fn is_prank(self) -> Self {
        Self { prank: true, ..self }
    }

    const fn says(&self) -> Says {
        if self.presses.is_some() { Says::Nothing } else { Says::Words }
    }
}

/// What the phones heard, for the last line of the demo.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    /// RTP packets that reached callers after the answer …
    pub callers: u64,
    /// … and before it: announcements and music.
    pub before: u64,
    /// Callers who spoke with somebody.
    pub answered: u64,
    /// Callers who heard us before the answer.
    pub announced: u64,
}

impl Heard {
    fn add(&mut self, other: Self) {
        self.callers += other.callers;
        self.before += other.before;
        self.answered += u64::from(other.callers > 0);
        self.announced += u64::from(other.before > 0);
    }
}

/// Plays the whole story; ends when every caller has hung up.
///
/// # Errors
/// A phone's socket could not be bound, or its registration was not taken.
pub async fn play(
    gateway: SocketAddr,
    console: SocketAddr,
    clock: Clock,
) -> std::io::Result<Heard> {
    let mut seats = JoinSet::new();
    let ip = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    for (last, (user, password)) in (21..).zip(sample::SEATS) {
        let mut phone = Phone::new(ip(last), gateway, clock, Says::Tone(880.0)).await?;
        if !phone.register(user, password, sample::DOMAIN).await {
            let text = format!("the gateway did not take the registration of {user}");
            return Err(std::io::Error::other(text));
        }
        seats.spawn(sit(phone));
    }
    let mut callers = JoinSet::new();
    for caller in CALLERS {
        let phone = Phone::new(ip(caller.carrier), gateway, clock, caller.says()).await?;
        callers.spawn(async move {
            tokio::time::sleep(Duration::from_secs_f32(caller.at)).await;
            call(phone, caller, console).await
        });
    }
    let mut heard = Heard::default();
    while let Some(caller) = callers.join_next().await {
        heard.add(caller.unwrap_or_default());
    }
    seats.shutdown().await;
    Ok(heard)
}

/// A seat: rings for a second, answers, talks until the other side hangs up.
async fn sit(mut phone: Phone) {
    let tag = phone.token();
    loop {
        let Some(event) = phone.next(Duration::from_secs(3600)).await else { continue };
        let Event::Request { server, request, .. } = event else { continue };
        match request.method {
            Method::Invite => {
                phone.respond(server, request.response(180, &tag)).await;
                let given_up = phone.next(Duration::from_millis(1200)).await;
                if let Some(Event::Cancelled { server, .. }) = given_up {
                    phone.respond(server, request.response(487, &tag)).await;
                    continue;
                }
                let contact = format!("<sip:{}>", phone.address());
                let answer = request
                    .response(200, &tag)
                    .with(Name::Contact, contact)
                    .with_body("application/sdp", phone.sdp());
                phone.respond(server, answer).await;
                phone.talk(Some(&request.body));
            }
            Method::Bye => {
                phone.hush();
                phone.respond(server, request.response(200, &tag)).await;
            }
            _ => phone.respond(server, request.response(200, &tag)).await,
        }
    }
}

/// A caller: INVITE, and then as the story has it.
async fn call(mut phone: Phone, caller: Caller, console: SocketAddr) -> Heard {
    let invite = invite(&mut phone, &caller);
    let client = phone.send(invite).await;
    let patience = Duration::from_secs_f32(caller.patience);
    let mut presses = caller.presses.map(Duration::from_secs_f32);
    let mut heard = Heard::default();
    loop {
        let Some(event) = phone.next(presses.unwrap_or(patience)).await else {
            if presses.take().is_some() {
                phone.press().await;
                continue;
            }
            heard.before = phone.hush();
            phone.cancel(client).await;
            // The 487 is acknowledged by the transaction.
            let _ = phone.next(Duration::from_secs(2)).await;
            return heard;
        };
        let Event::Response { response, .. } = &event else { continue };
        match response.code {
            100..200 => phone.talk(Phone::sdp_of(response).as_deref()),
            200..300 => {
                let Some(mut dialog) = phone.acknowledge(&event).await else { return heard };
                heard.before = phone.heard();
                phone.talk(Phone::sdp_of(response).as_deref());
                let talk = Duration::from_secs_f32(caller.talk.unwrap_or(1.0));
                tokio::time::sleep(talk).await;
                if caller.prank && desk::marks_prankster(console, caller.number).await.is_err() {
                    // The records show that nothing was marked.
                    tracing::warn!("the demo's prankster was not marked");
                }
                heard.callers = phone.hush().saturating_sub(heard.before);
                phone.send(dialog.request(&Method::Bye)).await;
                let _ = phone.next(Duration::from_secs(2)).await;
                return heard;
            }
            _ => return heard,
        }
    }
}

fn invite(phone: &mut Phone, caller: &Caller) -> Request {
    let uri = Uri::read(&caller.dialled.replace("@gw", &format!("@{}", sample::DOMAIN)));
    let host = phone.address();
    let (tag, call_id) = (phone.token(), phone.token());
    let number = caller.number;
    let mut request = Request::new(Method::Invite, uri.clone())
        .with(Name::From, format!("<sip:{number}@{host};user=phone>;tag={tag}"))
        .with(Name::To, format!("<{uri}>"))
        .with(Name::CallId, format!("{call_id}@{host}"))
        .with(Name::CSeq, "1 INVITE")
        .with(Name::Contact, format!("<sip:trunk@{host}>"))
        .with(Name::PChargingVector, format!("icid-value=\"demo-{call_id}\""));
    if number != "anonymous" {
        let asserted = format!("<sip:{number}@{host};user=phone>");
        request = request.with(Name::PAssertedIdentity, asserted);
    } else {
        request = request.with(Name::Privacy, "id");
    }
    if caller.located {
        let cell = "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=510101A2B0C3D4E5;network-provided";
        let mut body = b"--demo\r\nContent-Type: application/sdp\r\n\r\n".to_vec();
        body.extend_from_slice(&phone.sdp());
        body.extend_from_slice(sample::LOCATION.as_bytes());
        request = request
            .with(Name::PAccessNetworkInfo, cell)
            .with(Name::Geolocation, "<cid:loc@demo>")
            .with(Name::ContentType, "multipart/mixed;boundary=demo");
        request.body = body.into();
    } else {
        request = request.with(Name::ContentType, "application/sdp");
        request.body = phone.sdp();
    }
    request
}
