//! `cargo fuzz run text`: see [`siaga112_fuzz::text`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::text(data));
