//! Fuzzes any bytes as a TensorFlow Lite file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| networks::tflite::check(bytes));
