//! `cargo fuzz run multipart`: see [`siaga112_fuzz::multipart`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::multipart(data));
