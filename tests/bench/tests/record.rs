//! `bench measure --record` from outside: emulated counts are never recorded as time.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::Command;

#[test]
fn an_emulated_board_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record.json");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    for (devices, reason) in [
        (["mps2-an386"].as_slice(), "is for cycles on hardware, found mps2-an386"),
        (&["probe-pico2", "probe-nrf52840-dk"], "is for one board, found 2"),
        (&[], "is for"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
        command.arg("measure").args(devices).arg("--record").arg(&record);
        command.arg("--model").arg(fixtures.join("model.bin")).arg("--answers").arg(fixtures.join("answers.bin"));
        let output = command.output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(reason), "{message}");
        assert!(!record.exists());
    }
}
