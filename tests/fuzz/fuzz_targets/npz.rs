//! Fuzzes any bytes as an archive of arrays.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| readers::npz::check(bytes));
