//! What the two phones of a call say in a benchmark: in which codec, and with which keys.

use siaga112::call::orders::Guard;
use siaga112::media::codec::{Encoder, FRAME, PAYLOAD};
use siaga112::vocabulary::{Codec, SecretBytes, SrtpKey, Suite};
use webrtc_srtp::context::Context;
use webrtc_srtp::protection_profile::ProtectionProfile;

use crate::phones::packet;

/// Packets after which a phone says the same again.
const ROUND: u32 = 50;

/// The caller speaks A-law, the seat this codec; protected are no leg, the seat's, or both.
#[derive(Clone, Copy, Debug)]
pub struct Legs {
    pub seat: Codec,
    pub suite: Option<Suite>,
    pub both: bool,
}

impl Legs {
    /// As words of a command line, and back.
    pub fn words(self) -> [String; 3] {
        let codec = Codec::ALL.into_iter().position(|codec| codec == self.seat).unwrap();
        [codec.to_string(), self.suite.map_or("-", Suite::word).to_owned(), self.both.to_string()]
    }

    pub fn read(words: &[String]) -> Self {
        let seat = Codec::ALL[words[0].parse::<usize>().unwrap()];
        Self { seat, suite: Suite::read(&words[1]), both: words[2].parse().unwrap() }
    }

    /// The codec of a phone; every second one is a seat.
    pub fn codec(self, phone: u32) -> Codec {
        if phone % 2 == 1 { self.seat } else { Codec::Pcma }
    }

    fn suite(self, phone: u32) -> Option<Suite> {
        self.suite.filter(|_| self.both || phone % 2 == 1)
    }

    pub fn guard(self, phone: u32) -> Guard {
        self.suite(phone).map_or(Guard::Plain, |suite| {
            let (key, salt) = suite.lengths();
            let key = SrtpKey { suite, key_salt: SecretBytes::new(&vec![7; key + salt]) };
            Guard::Sdes { ours: key.clone(), theirs: key }
        })
    }

    /// The packets of each phone, by its number and theirs.
    pub fn speak(self) -> impl FnMut(u32, u32) -> Vec<u8> {
        let said = [0, 1].map(|phone| tone(self.codec(phone)));
        let mut keys = [0, 1].map(|phone| self.suite(phone).map(context));
        move |phone, number| {
            let side = (phone % 2) as usize;
            let mut bytes = packet(phone, number).to_vec();
            let step = self.codec(phone).clock() / 50;
            bytes[4..8].copy_from_slice(&(number * step).to_be_bytes());
            bytes.truncate(12);
            bytes.extend(&said[side][(number % ROUND) as usize]);
            match &mut keys[side] {
                Some(keys) => keys.encrypt_rtp(&bytes).unwrap().to_vec(),
                None => bytes,
            }
        }
    }
}

/// A second of two tones that rise and fall, as payloads.
fn tone(codec: Codec) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(codec);
    let frame = |n: u32| {
        let samples: [i16; FRAME] = std::array::from_fn(|i| {
            let at = (f64::from(n) * FRAME as f64 + i as f64) / 8_000.0 * std::f64::consts::TAU;
            let loud = 4_000.0 + 3_000.0 * at.sin();
            (((at * 310.0).sin() + 0.3 * (at * 1_270.0).sin()) * loud) as i16
        });
        let mut payload = [0; PAYLOAD];
        let length = encoder.encode(&samples, &mut payload);
        payload[..length].to_vec()
    };
    (0..ROUND).map(frame).collect()
}

fn context(suite: Suite) -> Context {
    let profile = match suite {
        Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        _ => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let (key, salt) = suite.lengths();
    Context::new(&vec![7; key], &vec![7; salt], profile, None, None).unwrap()
}
