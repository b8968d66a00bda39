//! Fuzzes any bytes as a PyTorch file, which its reader takes by path.

#![no_main]

use std::fs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("prenda-fuzz-{}.pt", std::process::id()));
    fs::write(&path, bytes).expect("a temporary folder");
    networks::pytorch::check(&path);
});
