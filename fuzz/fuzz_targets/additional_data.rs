//! `cargo fuzz run additional_data`: see [`siaga112_fuzz::additional_data`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| siaga112_fuzz::additional_data(data));
