//! `cargo fuzz run stun`: see [`siaga112_fuzz::stun`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::stun(data));
