//! Fuzzes any bytes as an ONNX file.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| networks::onnx::check(bytes));
