//! One leg's audio: its far end, its role, and the rules that hold for it. No socket is read or
//! written here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use mio::net::UdpSocket;

use super::codec::{Decoder, Encoder, FRAME};
use super::hearing::Hearing;
use super::ice::Ice;
use super::jitter::Jitter;
use super::outgoing::Outgoing;
use super::player::Player;
use super::rtcp::{Reception, Sent};
use super::rtp::SequenceWatch;
use super::secure::{Identity, Shield};
use super::sockets::Pair;
use super::source::SourceLock;
use super::texting::Text;
use crate::call::orders::{Aim, Channel, Law, StreamCount};
use crate::vocabulary::{CallId, Codec, Private, StreamId};

/// No place: nothing is sent there.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What a payload type is, by what the peer agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// G.711.
    Audio,
    /// RFC 4733 telephone events.
    Events,
    /// Anything else, such as comfort noise.
    Other,
}

/// Which kind a payload type is to the peer that `aim` describes.
pub(super) fn kind(aim: &Aim, payload_type: u8) -> Kind {
    if payload_type == aim.audio {
        Kind::Audio
    } else if Some(payload_type) == aim.events {
        Kind::Events
    } else {
        Kind::Other
    }
}

/// Under which payload type `to`'s peer knows a packet; nothing when it must not be sent.
pub(super) const fn rename(kind: Kind, payload_type: u8, to: &Aim) -> Option<u8> {
    match kind {
        Kind::Audio => Some(to.audio),
        Kind::Events => to.events,
        Kind::Other => Some(payload_type),
    }
}

/// Passes audio from one law to the other in place, by G.711's own tables.
pub(super) fn transcode(payload: &mut [u8], from: Law, to: Law) {
    use audio_codec_algorithms::{convert_alaw_to_ulaw, convert_ulaw_to_alaw};
    match (from, to) {
        (Law::A, Law::Mu) => {
            payload.iter_mut().for_each(|byte| *byte = convert_alaw_to_ulaw(*byte))
        }
        (Law::Mu, Law::A) => {
            payload.iter_mut().for_each(|byte| *byte = convert_ulaw_to_alaw(*byte))
        }
        (Law::A, Law::A) | (Law::Mu, Law::Mu) => {}
    }
}

/// What a stream sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Play {
    /// Nothing.
    Idle,
    /// What its player plays.
    Own,
    /// Whom it hears.
    Hear,
    /// What it receives.
    Loop,
}

/// Somebody whom a stream hears.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice {
    pub id: StreamId,
    /// Its place in the table, to be checked against its id; beyond the table while it is not open.
    pub slot: usize,
    /// How loud it was at the end of the last frame of the mix, and how loud it is to be, 0 to
    /// [`FULL`]: who joins fades in and who leaves fades out, or there would be a click.
    pub level: i32,
    pub wanted: i32,
}

/// A voice at its own loudness.
pub(super) const FULL: i32 = 64;

/// What is decoded of a stream, for those who hear it in a mix.
#[derive(Debug)]
pub(super) struct Decoded {
    pub jitter: Jitter,
    /// The beat that `frame` is of, and whether anything sounds in it.
    beat: u64,
    sounds: bool,
    frame: [i16; FRAME],
}

impl Decoded {
    pub fn new(codec: Codec) -> Self {
        Self { jitter: Jitter::new(codec), beat: u64::MAX, sounds: false, frame: [0; FRAME] }
    }

    /// The frame of a beat, made once however many hear it.
    pub fn frame(&mut self, beat: u64) -> Option<&[i16; FRAME]> {
        if self.beat != beat {
            self.beat = beat;
            self.sounds = self.jitter.frame(&mut self.frame);
        }
        self.sounds.then_some(&self.frame)
    }
}

/// Whether audio of one codec can be passed on as the other: the same one, or the two laws.
pub(super) fn passes(from: Codec, to: Codec) -> bool {
    from == to || (Law::of(from).is_some() && Law::of(to).is_some())
}

/// The far end as ordered and as heard.
#[derive(Debug)]
pub(super) struct FarEnd {
    pub aim: Aim,
    pub rtp: SourceLock,
    pub rtcp: SourceLock,
}

impl FarEnd {
    pub fn new(aim: Aim) -> Self {
        Self { rtp: SourceLock::new(aim.rtp), rtcp: SourceLock::new(aim.rtcp), aim }
    }

    /// Takes note of where the peer signals from.
    pub const fn hint(&mut self, host: Option<IpAddr>) {
        self.rtp.hint(host);
        self.rtcp.hint(host);
    }

    pub fn aim(&mut self, aim: Aim) {
        self.rtp.announce(aim.rtp);
        self.rtcp.announce(aim.rtcp);
        self.aim = aim;
    }

    /// The peer has proved to be there, and nowhere else.
    pub fn settle(&mut self, at: SocketAddr) {
        (self.aim.rtp, self.rtp) = (at, SourceLock::new(at));
        if self.aim.mux {
            (self.aim.rtcp, self.rtcp) = (at, SourceLock::new(at));
        }
    }

    /// Where audio may be sent, if it may.
    pub fn audio_to(&self) -> Option<SocketAddr> {
        if self.aim.send { self.rtp.far_end() } else { None }
    }
}

/// By which sockets a stream's packets travel.
#[derive(Debug)]
pub(super) enum Way {
    /// By its own; the even port.
    Own { port: u16, sockets: Pair },
    /// By one that it shares with others.
    Shared { ice: Ice, socket: Arc<UdpSocket> },
}

impl Way {
    /// The one for RTP.
    pub fn rtp(&self) -> &UdpSocket {
        match self {
            Self::Own { sockets, .. } => &sockets.rtp,
            Self::Shared { socket, .. } => socket,
        }
    }

    /// The one for RTCP; on the shared port it is the same (RFC 5761).
    pub fn rtcp(&self) -> &UdpSocket {
        match self {
            Self::Own { sockets, .. } => &sockets.rtcp,
            Self::Shared { socket, .. } => socket,
        }
    }

    /// What is known of a peer on the shared port.
    pub const fn ice(&self) -> Option<&Ice> {
        match self {
            Self::Own { .. } => None,
            Self::Shared { ice, .. } => Some(ice),
        }
    }
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub id: StreamId,
    pub way: Way,
    /// Nothing before the first [`Aim`].
    pub far: Option<FarEnd>,
    /// Where the peer's signalling comes from.
    pub signals: Option<IpAddr>,
    pub play: Play,
    /// Whom it hears, and who hears it (places in the table).
    pub hears: Vec<Voice>,
    pub heard_by: Vec<usize>,
    /// The one source that its peer hears.
    pub out: Outgoing,
    /// Made with the first thing that it plays, and kept until its end.
    pub player: Option<Box<Player>>,
    /// Made when something is to be said to the peer that is no packet of another.
    pub encoder: Option<(Codec, Box<Encoder>)>,
    /// When it said a mix last, microseconds.
    pub mixed_at: Option<u64>,
    /// Made when somebody hears it in a mix.
    pub decoded: Option<Box<Decoded>>,
    /// Only while somebody listens; the decoder where the codec is not G.711.
    pub ear: Option<Box<Hearing>>,
    pub ear_decoder: Option<Box<Decoder>>,
    pub shield: Shield,
    pub tap: Option<(CallId, Channel)>,
    /// What those who read it along with others are told that its peer is called.
    pub name: Private<String>,
    /// Only of a peer that reads and writes.
    pub text: Option<Box<Text>>,
    pub received: u64,
    pub sent: u64,
    pub sequence: SequenceWatch,
    /// What came and what the peer says of what it hears.
    pub reception: Reception,
    /// What went, and when it was reported last.
    pub says: Sent,
    pub said: u32,
    /// When the next report is due, microseconds; none before anything came or went.
    pub report_at: Option<u64>,
    /// When the last packet and the last report came, and since when it talks.
    pub came_at: Option<u64>,
    pub reported_at: Option<u64>,
    pub talks_since: Option<u64>,
    pub stalled: bool,
    /// When a fault of ours was told last, microseconds.
    pub fault_told: Option<u64>,
    /// How often a test lets it fail.
    #[cfg(test)]
    pub broken: u32,
}

impl Stream {
    pub fn new(id: StreamId, way: Way) -> Self {
        Self {
            id,
            way,
            far: None,
            signals: None,
            play: Play::Idle,
            hears: Vec::new(),
            heard_by: Vec::new(),
            out: Outgoing::new(),
            player: None,
            encoder: None,
            mixed_at: None,
            decoded: None,
            ear: None,
            ear_decoder: None,
            shield: Shield::Plain,
            tap: None,
            name: Private::default(),
            text: None,
            received: 0,
            sent: 0,
            sequence: SequenceWatch::default(),
            reception: Reception::default(),
            says: Sent::default(),
            said: 0,
            report_at: None,
            came_at: None,
            reported_at: None,
            talks_since: None,
            stalled: false,
            fault_told: None,
            #[cfg(test)]
            broken: 0,
        }
    }

    /// The codec that the peer speaks; none before it is known.
    pub fn codec(&self) -> Option<Codec> {
        self.far.as_ref().map(|far| far.aim.codec)
    }

    /// Takes a new far end. On the shared port it is where the peer has proved to be, whatever its
    /// description names.
    pub fn aim(&mut self, mut aim: Aim, identity: &Arc<Identity>) {
        self.shield.change(&aim.guard, identity, aim.rtp);
        if let Some(ice) = self.way.ice() {
            let at = ice.nominated.unwrap_or(NOWHERE);
            (aim.rtp, aim.rtcp) = (at, at);
        }
        if let Some(text) = &mut self.text {
            text.aim(aim.text.as_deref(), identity);
        }
        match &mut self.far {
            Some(far) => far.aim(aim),
            None => self.far = Some(FarEnd::new(aim)),
        }
        self.far.iter_mut().for_each(|far| far.hint(self.signals));
    }

    /// Throws away everything that decodes, plays or listens: a fault may have left it half done. What
    /// was ordered stays. True when this cut off an announcement.
    pub fn mend(&mut self) -> bool {
        (self.encoder, self.decoded, self.ear_decoder) = (None, None, None);
        self.shield.mend();
        self.text.iter_mut().for_each(|text| text.mend());
        if let Some(ear) = &mut self.ear {
            **ear = Hearing::new(ear.ears());
        }
        self.player.as_mut().is_some_and(|player| player.mend())
    }

    /// Fails as often as a test has said.
    #[cfg(test)]
    pub fn fail(&mut self) {
        assert!(self.broken == 0, "broken by a test, {} left", {
            self.broken -= 1;
            self.broken
        });
    }

    pub const fn count(&self) -> StreamCount {
        StreamCount { received: self.received, sent: self.sent, lost: self.sequence.lost() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::orders::Guard;

    fn at(host: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, host], 4000))
    }

    #[test]
    fn laws_go_there_and_back() {
        // G.711 table notes: all 128 levels of a sign survive but for a few neighbours.
        let every: Vec<u8> = (0..=255).collect();
        for (from, to) in [(Law::A, Law::Mu), (Law::Mu, Law::A)] {
            let mut audio = every.clone();
            transcode(&mut audio, from, to);
            assert_ne!(audio, every);
            let once = audio.clone();
            transcode(&mut audio, to, from);
            let kept = audio.iter().zip(&every).filter(|(a, b)| a == b).count();
            assert!(kept >= 224, "{from:?}: {kept} of 256 survive");
            transcode(&mut audio, from, to);
            assert_eq!(audio, once, "{from:?}: a second time loses nothing more");
        }
        let mut same = every.clone();
        transcode(&mut same, Law::A, Law::A);
        assert_eq!(same, every);
    }

    #[test]
    fn payload_types_are_renamed_by_kind() {
        let aim = |audio, events| Aim {
            rtp: at(1),
            rtcp: at(1),
            codec: Codec::Pcma,
            audio,
            events,
            send: true,
            receive: true,
            mux: false,
            guard: Guard::Plain,
            ice: None,
            text: None,
        };
        let (from, to) = (aim(8, Some(101)), aim(0, Some(96)));
        for (came, goes) in [(8, Some(0)), (101, Some(96)), (13, Some(13))] {
            assert_eq!(rename(kind(&from, came), came, &to), goes);
        }
        assert_eq!(rename(kind(&from, 101), 101, &aim(0, None)), None);
    }
}
