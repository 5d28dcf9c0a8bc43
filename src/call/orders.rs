//! Words only: what signalling asks of the media plane and the recorder, and what they report.
//!
//! Signalling says what should be connected and never touches a packet; media knows streams and
//! ports and never sees a SIP message.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::quality::{Quality, TextQuality};
use crate::vocabulary::{
    CallId, Codec, Fingerprint, IceLogin, Private, PromptId, SrtpKey, StreamId, Suite, WallTime,
};

/// The two G.711 laws (RFC 3551 §4.5.14), the only audio a 112 trunk must speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// PCMA, static payload type 8.
    A,
    /// PCMU, static payload type 0.
    Mu,
}

impl Law {
    /// The law of a codec that is G.711.
    #[must_use]
    pub const fn of(codec: Codec) -> Option<Self> {
        match codec {
            Codec::Pcma => Some(Self::A),
            Codec::Pcmu => Some(Self::Mu),
            Codec::G722 | Codec::Opus => None,
        }
    }
}

/// How the packets of a stream are protected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Guard {
    /// Not at all.
    #[default]
    Plain,
    /// With keys that the descriptions carry (SDES, RFC 4568).
    Sdes {
        /// Of what we send.
        ours: SrtpKey,
        /// Of what the peer sends.
        theirs: SrtpKey,
    },
    /// With keys agreed on the media path (DTLS-SRTP, RFC 5764).
    Dtls {
        /// The only certificate that the peer may show.
        peer: Fingerprint,
        /// We begin the handshake (`a=setup:active`).
        active: bool,
    },
}

/// The far end of a stream: where its audio goes and how it is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// Where RTP is sent, until packets from elsewhere on the same stream show a NAT.
    pub rtp: SocketAddr,
    /// Where RTCP is sent (RTP port + 1, or `a=rtcp`).
    pub rtcp: SocketAddr,
    /// The codec of the audio, both ways.
    pub codec: Codec,
    /// RTP payload type of the audio, both ways.
    pub audio: u8,
    /// RTP payload type of RFC 4733 telephone events, when agreed.
    pub events: Option<u8>,
    /// We may send to the peer (its direction includes receiving).
    pub send: bool,
    /// The peer may send to us; what it sends all the same is not passed on.
    pub receive: bool,
    /// RTCP goes by the RTP port (RFC 5761).
    pub mux: bool,
    /// How packets are protected, both ways.
    pub guard: Guard,
    /// The peer's login, of a stream that was opened by [`MediaOrder::OpenShared`].
    pub ice: Option<IceLogin>,
    /// The text beside the audio, of a stream that has a port for it; none: the peer has no text.
    pub text: Option<Box<TextAim>>,
}

/// The far end of a stream's text (RFC 4103).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextAim {
    /// Where text is sent, until packets from elsewhere on the same stream show a NAT.
    pub rtp: SocketAddr,
    /// Where its reports are sent (RTP port + 1, or `a=rtcp`).
    pub rtcp: SocketAddr,
    /// Reports go by the port of text (RFC 5761).
    pub mux: bool,
    /// How its packets are protected, both ways, with keys of its own.
    pub guard: Guard,
    /// The peer tells several writers apart by the source of each packet (RFC 9071); otherwise their
    /// names stand in the text.
    pub mixer: bool,
    /// RTP payload type of `t140/1000`, both ways.
    pub text: u8,
    /// RTP payload type of `red/1000`, when agreed.
    pub redundant: Option<u8>,
    /// Characters a second that the peer can show.
    pub cps: u32,
    /// We may write to the peer.
    pub send: bool,
    /// The peer may write to us.
    pub receive: bool,
}

/// Which channel of the recording a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The caller, left.
    Caller,
    /// The operator, right.
    Seat,
}

/// What a caller hears who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// Played once, one after the other; [`MediaReport::Played`] follows. A prompt that is not there
    /// is passed over.
    pub say: Arc<[PromptId]>,
    /// Played after that, until another role is ordered.
    pub then: Then,
}

/// What follows the announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing is sent.
    Silence,
    /// The ring-back tone.
    RingBack,
    /// Music, again and again.
    Music(PromptId),
}

/// Something that a caller lets us hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    /// Somebody speaks.
    Voice,
    /// A short loud sound: a knock, a cough, a tap on the microphone.
    Tap,
    /// Sound that is neither, and louder than a quiet line: traffic, a television, a fight next door.
    Noise,
    /// A key (RFC 4733): `0` to `9`, `*`, `#`, `A` to `D`.
    Key(char),
    /// The tone of a telephone that rings: the number called is behind another exchange.
    RingBack,
    /// The tone of a busy line, or of a network that has no room.
    Busy,
    /// Special information tones: the number called cannot be had (ITU-T E.180 §6).
    Unobtainable,
    /// A fax machine or a modem that calls or answers (ITU-T T.30 §4).
    Fax,
    /// A text telephone of 45.45 or 50 baud (TTY, Baudot; ITU-T V.18 Annex A): its user may be deaf.
    TextTelephone,
    /// In a talk: for [`QUIET`](crate::vocabulary::limits::QUIET) nothing that could be a voice. Told again
    /// for each further such time; [`Sound::Voice`] follows when it is over.
    Quiet,
}

/// For what a stream is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ears {
    /// A caller who waits: every [`Sound`] but [`Sound::Quiet`]. Costs most of all that the media plane
    /// does.
    Waiting,
    /// A line in a talk, of a caller or of a number that was called: keys, tones of exchanges and
    /// machines, and whether anything is said.
    Line,
    /// A seat's phone in a talk: keys.
    Keys,
}

/// What a stream does with the audio it receives, and what it sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends nothing, drops what comes.
    Idle,
    /// Sends a ring-back tone (425 Hz, 1 s on, 4 s off).
    RingBack,
    /// Plays announcements and music.
    Play(Programme),
    /// The peer hears these streams: one as it is, several mixed, none: silence. Who hears whom is
    /// said for each stream by itself, so a supervisor may hear two who do not hear the supervisor.
    Hear(Arc<[StreamId]>),
    /// Sends back what it receives (the test call).
    Loop,
}

/// What signalling asks of the media plane. Carried out in order; none is ever refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaOrder {
    /// Makes a stream on a port pair that [`MediaReport::PortsReady`] has named.
    Open {
        /// The new stream.
        stream: StreamId,
        /// The even RTP port; RTCP is the next.
        port: u16,
    },
    /// Makes a stream on the port that all browsers share, known by its login (ICE-lite,
    /// RFC 8445 §2.5).
    OpenShared {
        /// The new stream.
        stream: StreamId,
        /// Our login.
        login: IceLogin,
        /// The SSRC of what we send, as our descriptions name it.
        ssrc: u32,
    },
    /// Gives a stream on the shared port another login, because its peer restarts ICE (RFC 8445 §9). The one before
    /// holds until the peer has used the new one.
    Relogin {
        /// Which stream.
        stream: StreamId,
        /// Our new login.
        login: IceLogin,
    },
    /// Gives a stream a port pair for text, beside its audio; whoever hears the stream reads it too.
    OpenText {
        /// Which stream.
        stream: StreamId,
        /// The even RTP port.
        port: u16,
    },
    /// Says what a stream's peer is called, for those who read what several write (RFC 9071).
    Name {
        /// Which stream.
        stream: StreamId,
        /// So.
        name: Private<String>,
    },
    /// Writes to a stream's peer what an operator has typed at a desk.
    Write {
        /// Whose peer reads it.
        stream: StreamId,
        /// The stream of who has typed it.
        by: StreamId,
        /// What.
        text: Private<String>,
    },
    /// Says where the signalling of a stream's peer comes from: behind a NAT its audio mostly comes from there too,
    /// and a stranger's does not. Ordered before [`MediaOrder::Aim`].
    Hint {
        /// Which stream.
        stream: StreamId,
        /// The host.
        host: IpAddr,
    },
    /// Sets or changes the far end, of audio and text.
    Aim {
        /// Which stream.
        stream: StreamId,
        /// Its far end.
        aim: Aim,
    },
    /// Sets what the stream does. A talk is ordered once for each side.
    Role {
        /// Which stream.
        stream: StreamId,
        /// What it does from now on.
        role: Role,
    },
    /// Whom a stream's peer reads while it hears a programme; nobody else's text reaches it then, and
    /// another role ends it.
    Read {
        /// Which stream.
        stream: StreamId,
        /// Those who are heard of in writing alone.
        whom: Arc<[StreamId]>,
    },
    /// Listens to what the peer sends, or no more; [`MediaReport::Sound`] follows, once for each kind
    /// of sound and at each key.
    Listen {
        /// Which stream.
        stream: StreamId,
        /// For what from now on; none: no more.
        ears: Option<Ears>,
    },
    /// Starts a recording: one file of two channels.
    Record {
        /// The call, which names the file.
        call: CallId,
        /// When the recording's time line begins.
        at: WallTime,
    },
    /// Hands what a stream receives to a recording; several streams of one channel are mixed there.
    Tap {
        /// Which stream.
        stream: StreamId,
        /// Whose recording.
        call: CallId,
        /// Which channel.
        channel: Channel,
    },
    /// Ends a recording; [`RecorderReport::Sealed`] follows.
    Seal {
        /// Whose recording.
        call: CallId,
    },
    /// Ends a stream and frees its ports; [`MediaReport::Closed`] follows.
    Close {
        /// Which stream.
        stream: StreamId,
    },
}

/// What one stream saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct StreamCount {
    /// RTP packets received from the peer.
    pub received: u64,
    /// RTP packets sent to the peer.
    pub sent: u64,
    /// Packets missing by sequence number.
    pub lost: u64,
}

/// What the media plane tells signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaReport {
    /// These even ports are bound and may be named in an SDP.
    PortsReady(Vec<u16>),
    /// The first RTP packet of a stream came.
    Heard {
        /// Which stream.
        stream: StreamId,
    },
    /// The announcements of a [`Programme`] have been played to their end, or there are none to
    /// play. Not told when another role came before their end.
    Played {
        /// Which stream.
        stream: StreamId,
    },
    /// Something was heard on a stream that is listened to.
    Sound {
        /// Which stream.
        stream: StreamId,
        /// What.
        sound: Sound,
    },
    /// What a stream's peer has written since the last time, a few times a second at most.
    Text {
        /// Which stream.
        stream: StreamId,
        /// T.140: U+0008 takes a character back, U+2028 begins a line, U+FFFD stands for what was lost.
        text: Private<String>,
    },
    /// The keys of a stream that is protected by DTLS are agreed, or were not.
    Secured {
        /// Which stream.
        stream: StreamId,
        /// The suite, or why there is none.
        outcome: Result<Suite, String>,
    },
    /// How a stream is heard: every few seconds while packets come, and at its end.
    Quality {
        /// Which stream.
        stream: StreamId,
        /// So.
        quality: Quality,
    },
    /// What became of the text of a stream, at its end.
    TextQuality {
        /// Which stream.
        stream: StreamId,
        /// So.
        quality: TextQuality,
    },
    /// Nothing comes from a peer that talks and may send, for the first time since it did.
    Stalled {
        /// Which stream.
        stream: StreamId,
        /// Its reports still come: it lives, and says nothing.
        reports: bool,
    },
    /// Packets come again.
    Flowing {
        /// Which stream.
        stream: StreamId,
    },
    /// A fault of ours cost what was being done; everything goes on anew.
    Fault {
        /// The stream that it was done for, when it was one.
        stream: Option<StreamId>,
        /// What happened.
        why: String,
    },
    /// A stream is over.
    Closed {
        /// Which stream.
        stream: StreamId,
        /// What it saw.
        count: StreamCount,
    },
    /// No port of the range could be bound: the operating system's words.
    PortsExhausted {
        /// What went wrong.
        why: String,
    },
}

/// What the recorder tells signalling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecorderReport {
    /// The file exists.
    Started {
        /// Whose recording.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
    },
    /// The file is closed and will not change again.
    Sealed {
        /// Whose recording.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
        /// SHA-256 of the whole file, lower-case hexadecimal.
        sha256: String,
        /// Length of the audio in milliseconds.
        millis: u64,
        /// Length of the file in bytes.
        bytes: u64,
    },
    /// A file cannot be written or sealed; the call goes on, and a further file is tried.
    Failed {
        /// Whose recording.
        call: CallId,
        /// The file, empty when none could be made.
        file: String,
        /// What was tried and what the system said.
        why: String,
    },
    /// After a failure the recording goes on in a further file.
    Resumed {
        /// Whose recording.
        call: CallId,
        /// File name under the recordings folder.
        file: String,
        /// Milliseconds of the call that are in no file.
        missed_millis: u64,
    },
    /// A fault of ours; every recording goes on in a further file.
    Fault {
        /// What it said.
        why: String,
    },
}
