//! Fuzzes any bytes as a table.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| readers::table::check(bytes));
