//! How well one leg is heard: what the network did to its packets, and the mean opinion that a listener
//! would have of it by the E-model (ITU-T G.107, G.109). Numbers in, numbers out.

use serde::{Deserialize, Serialize};

use crate::vocabulary::{CallId, Codec, Party};

/// What one leg's audio was like, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Packets that came from the peer.
    pub received: u64,
    /// Packets of the peer that never came.
    pub lost: u64,
    /// What we hear.
    pub here: Heard,
    /// What the peer hears of us, by its own reports; none where it makes none.
    pub there: Option<Heard>,
    /// There and back, milliseconds, where the peer's reports tell.
    pub round_trip_ms: Option<u32>,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Packets lost, hundredths of a per cent.
    pub loss: u16,
    /// Jitter (RFC 3550 §6.4.1), milliseconds.
    pub jitter_ms: u32,
    /// Mean opinion score, hundredths: 441 is the best that a telephone has, 310 and less is poor.
    pub mos: u16,
}

/// What became of one leg's text (RFC 4103), both ways. A packet that is lost costs no letter while one of
/// the two behind it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextQuality {
    /// Packets that came from the peer.
    pub received: u64,
    /// Packets of the peer that never came.
    pub lost: u64,
    /// Of our packets, hundredths of a per cent that the peer missed before its last report; none where it
    /// makes none.
    pub lost_there: Option<u16>,
    /// There and back, milliseconds, where the peer's reports tell.
    pub round_trip_ms: Option<u32>,
}

/// The text of a leg that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextCarried {
    /// The call.
    pub call: CallId,
    /// Whose leg.
    pub by: Party,
    /// What became of it.
    pub quality: TextQuality,
}

/// Below this a listener calls it poor (G.109: R below 60).
pub const POOR: u16 = 310;
/// From this on a tenth of a word is missing: 3 %.
pub const LOSSY: u16 = 300;

impl Heard {
    /// Of a codec over a network that loses, shakes and delays so much.
    #[must_use]
    pub fn new(codec: Codec, loss: u16, jitter_ms: u32, round_trip_ms: Option<u32>) -> Self {
        // Half the way there and back, the packet itself, and a buffer of twice the jitter.
        let delay = f64::from(round_trip_ms.unwrap_or(0)) / 2.0
            + 20.0
            + f64::from(2 * jitter_ms.min(100)).max(40.0);
        let mos = mos(rating(codec, f64::from(loss) / 100.0, delay));
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 100 and 450"
        )]
        let mos = (mos * 100.0).round() as u16;
        Self { loss, jitter_ms, mos }
    }
}

/// The rating R of the E-model with the values of a quiet line (G.107 §7.7: 93.2), less what delay, codec
/// and loss take. `loss` in per cent, `delay` one way in milliseconds.
#[must_use]
pub fn rating(codec: Codec, loss: f64, delay: f64) -> f64 {
    // G.107 annex B, the usual short form.
    let late = if delay > 177.3 { 0.11 * (delay - 177.3) } else { 0.0 };
    let by_delay = 0.024 * delay + late;
    // G.113 appendix I for G.711 with concealment; its narrow-band part has no values for the others,
    // which conceal about as well.
    let (equipment, robustness) = match codec {
        Codec::Pcma | Codec::Pcmu => (0.0, 25.1),
        Codec::G722 => (0.0, 20.0),
        Codec::Opus => (0.0, 30.0),
    };
    let by_codec = equipment + (95.0 - equipment) * loss / (loss + robustness);
    (93.2 - by_delay - by_codec).clamp(0.0, 100.0)
}

/// The mean opinion score of a rating (G.107 annex B), 1 to 4.5.
#[must_use]
pub fn mos(rating: f64) -> f64 {
    let r = rating;
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scores_are_those_of_the_recommendation() {
        // G.107 table B.1 and the default value 93.2.
        for (rating, expected) in
            [(93.2, 4.41), (90.0, 4.34), (80.0, 4.02), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)]
        {
            assert!((mos(rating) - expected).abs() < 0.01, "{rating}: {}", mos(rating));
        }
        assert!((mos(0.0) - 1.0).abs() < 0.001 && mos(100.0) <= 4.5);
    }

    #[test]
    fn loss_and_delay_are_heard() {
        assert!((rating(Codec::Pcma, 0.0, 0.0) - 93.2).abs() < 0.001);
        let good = Heard::new(Codec::Pcma, 0, 1, Some(20));
        assert!((430..=441).contains(&good.mos), "{good:?}");
        let lossy = Heard::new(Codec::Pcma, 500, 10, Some(60));
        assert!((360..=400).contains(&lossy.mos), "{lossy:?}");
        let awful = Heard::new(Codec::Pcma, 2_000, 80, Some(800));
        assert!(awful.mos < POOR, "{awful:?}");
        let mut before = u16::MAX;
        for loss in (0..10_000).step_by(100) {
            let heard = Heard::new(Codec::Opus, loss, 5, None);
            assert!(heard.mos <= before);
            before = heard.mos;
        }
    }
}
