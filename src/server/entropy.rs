//! The only reader of randomness: a seed for the dice, from the operating system.

use rand::Rng as _;

use crate::vocabulary::Dice;

/// Dice that nobody can foresee.
#[must_use]
pub fn dice() -> Dice {
    let mut seed = [0; 32];
    rand::rng().fill_bytes(&mut seed);
    Dice::from_seed(seed)
}
