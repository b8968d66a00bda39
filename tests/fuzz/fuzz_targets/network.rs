//! Fuzzes any bytes as a network: encoded, parsed, damaged.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = checks::any_network(bytes);
});
