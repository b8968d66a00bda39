//! Any bytes as a network, which is encoded, parsed, and damaged.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    _ = checks::any_network(bytes);
});
