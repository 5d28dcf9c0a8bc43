//! `cargo fuzz run cap`: see [`siaga112_fuzz::cap`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::cap(data));
