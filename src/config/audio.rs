//! `codecs`, `srtp`, `srtp_keys` and `text` of a trunk or a seat.

use super::section::{Section, Wrong};
use crate::vocabulary::{AudioPolicy, Codec, Keying, Srtp};

/// Reads how audio travels to and from the peers of a section.
pub(super) fn read(section: &mut Section<'_>) -> AudioPolicy {
    let usual = AudioPolicy::default();
    let mut codecs: Vec<Codec> = Vec::new();
    for codec in section.words("codecs", codec) {
        if codecs.contains(&codec.value) {
            section.log().error(
                &codec.place,
                format!("the codec {:?} is named twice", codec.value.word()),
                "keep one of them",
            );
        }
        codecs.push(codec.value);
    }
    AudioPolicy {
        codecs: if codecs.is_empty() { usual.codecs } else { codecs.into() },
        srtp: section.word("srtp", srtp).map(|srtp| srtp.value).unwrap_or_default(),
        keying: section.word("srtp_keys", keying).map(|keys| keys.value).unwrap_or_default(),
        text: section.truth("text", false),
    }
}

fn codec(text: &str) -> Result<Codec, Wrong> {
    text.parse().map_err(|()| {
        Wrong::new(
            format!("{text:?} is no codec that can be spoken"),
            "write \"pcma\", \"pcmu\", \"g722\" or \"opus\"",
        )
    })
}

fn srtp(text: &str) -> Result<Srtp, Wrong> {
    match text {
        "off" => Ok(Srtp::Off),
        "preferred" => Ok(Srtp::Preferred),
        "required" => Ok(Srtp::Required),
        _ => Err(Wrong::new(
            format!("{text:?} says nothing of encrypted audio"),
            "write \"off\", \"preferred\" (where the peer can) or \"required\"",
        )),
    }
}

fn keying(text: &str) -> Result<Keying, Wrong> {
    match text {
        "sdes" => Ok(Keying::Sdes),
        "dtls" => Ok(Keying::Dtls),
        _ => Err(Wrong::new(
            format!("{text:?} is no way to agree on keys"),
            "write \"sdes\" (in the description) or \"dtls\" (on the media path)",
        )),
    }
}
