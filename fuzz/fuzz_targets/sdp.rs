//! `cargo fuzz run sdp`: see [`siaga112_fuzz::sdp`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::sdp(data));
