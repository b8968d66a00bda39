//! Fuzzes any bytes as a model.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    checks::any_bytes(bytes);
});
