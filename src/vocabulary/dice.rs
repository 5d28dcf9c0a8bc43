//! The one source of chance in the pure rooms: tags, branches, nonces and ids.
//!
//! Seeded by the rim from the operating system and by tests from a number, so that the same seed
//! and the same inputs give the same bytes. ChaCha-based: a tag or nonce cannot be guessed from
//! the ones before it (RFC 3261 §19.3 asks for cryptographic randomness of tags).

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Uid, WallTime};

/// A seeded generator of tokens and ids.
#[derive(Debug)]
pub struct Dice(StdRng);

impl Dice {
    /// Dice that throw the same sequence for the same 32-byte seed.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    /// Dice for tests and simulation.
    #[must_use]
    pub fn from_number(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// 64 random bits.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A lower-case hexadecimal token of 64 random bits: a tag, a branch, a Call-ID.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.number())
    }

    /// A new id: time-ordered, unique by 32 random bits within a millisecond.
    pub fn uid(&mut self, wall: WallTime) -> Uid {
        Uid::new(wall, self.0.next_u32())
    }
}
