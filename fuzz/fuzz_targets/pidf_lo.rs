//! `cargo fuzz run pidf_lo`: see [`siaga112_fuzz::pidf_lo`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::pidf_lo(data));
