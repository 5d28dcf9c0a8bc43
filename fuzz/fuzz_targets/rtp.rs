//! `cargo fuzz run rtp`: see [`siaga112_fuzz::rtp`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::rtp(data));
