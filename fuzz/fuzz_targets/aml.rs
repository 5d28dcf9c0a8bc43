//! `cargo fuzz run aml`: see [`siaga112_fuzz::aml`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::aml(data));
