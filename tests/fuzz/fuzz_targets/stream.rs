//! Fuzzes any bytes on the link.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::any_stream(bytes));
