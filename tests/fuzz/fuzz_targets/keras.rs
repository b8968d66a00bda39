//! Fuzzes any bytes as a Keras file or HDF5.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| networks::keras::check(bytes));
