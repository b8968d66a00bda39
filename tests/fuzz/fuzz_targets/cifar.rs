//! Fuzzes any bytes as records of CIFAR-10.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| readers::cifar::check(bytes));
