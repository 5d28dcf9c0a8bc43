//! `cargo fuzz run message`: see [`siaga112_fuzz::message`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::message(data));
