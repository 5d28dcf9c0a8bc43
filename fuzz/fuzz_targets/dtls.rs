//! `cargo fuzz run dtls`: see [`siaga112_fuzz::dtls`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::dtls(data));
