//! `cargo fuzz run rtcp`: see [`siaga112_fuzz::rtcp`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::rtcp(data));
