//! Measurements on hardware: next to estimates, and as records for `docs/measured`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use crc::{CRC_32_ISO_HDLC, Crc};
use host_support::measured::MeasuredRecord;
use host_support::numbers::{grouped, rounded};
use host_support::parity::Target;
use object::{Object as _, ObjectSegment as _};
use parity::Device;
use parity::program::read;
use serde::Deserialize;
use time::OffsetDateTime;

use super::row::Row;

/// An estimate, as `estimate --json` prints it.
#[derive(Debug, Deserialize)]
pub struct Estimated {
    board: String,
    /// The model's id.
    model: String,
    cycles_mean: Option<f64>,
    error_percent: Option<u32>,
}

/// Fails unless `devices` is one board that is not emulated: instructions of an emulator are not
/// time.
pub fn check_device(devices: &[Device]) -> anyhow::Result<()> {
    match devices {
        [device] if device.is_hardware() => Ok(()),
        [device] => bail!(
            "--record is for cycles on hardware, found {}, which is not; name a board after `probe-`",
            device.name()
        ),
        _ => bail!("--record is for one board, found {}; name one after `probe-`", devices.len()),
    }
}

/// Reads estimates.
///
/// # Errors
///
/// Returns an error if the file is not the output of `estimate --json`.
pub fn estimates(path: &Path) -> anyhow::Result<Vec<Estimated>> {
    serde_json::from_slice(&read(path)?)
        .with_context(|| format!("{} is not the output of `estimate --json`", path.display()))
}

/// Returns a line for each of `rows` that has cycles and an estimate: both, and their ratio.
pub fn comparison(rows: &[Row], estimates: &[Estimated]) -> String {
    let line = |row: &Row| {
        let is_of_row = |one: &&Estimated| one.board == row.board && one.model == row.model;
        let estimate = estimates.iter().find(is_of_row)?;
        let (measured, estimated) = (row.cycles_mean?, estimate.cycles_mean?);
        let error = estimate.error_percent.map_or_else(String::new, |percent| format!(" \u{b1} {percent} %"));
        let whole = |cycles: f64| grouped(cycles.round() as u64);
        Some(format!(
            "{}: measured {} cycles, estimated {}{error}; measured / estimated {}",
            row.board,
            whole(measured),
            whole(estimated),
            rounded(measured / estimated)
        ))
    };
    rows.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the record of `row`, whose firmware is in the folder `firmware`.
///
/// # Errors
///
/// Returns an error if it was not measured on hardware, or if the firmware cannot be read.
pub fn record(row: &Row, firmware: &Path) -> anyhow::Result<Vec<u8>> {
    let elf = firmware.join(format!("{}.elf", row.board));
    let record = record_of(row, checksum(&elf)?, OffsetDateTime::now_utc().date().to_string())?;
    let mut text = serde_json::to_vec_pretty(&record)?;
    text.push(b'\n');
    Ok(text)
}

fn record_of(row: &Row, firmware: String, date: String) -> anyhow::Result<MeasuredRecord> {
    let cycles = (row.cycles_mean, row.cycles_min, row.cycles_max);
    let (Some(cycles_mean), Some(cycles_min), Some(cycles_max)) = cycles else {
        bail!("{}: found {:?}, expected cycles; instructions are not recorded as time", row.board, row.unit);
    };
    ensure!(
        row.target == Some(Target::Hardware),
        "{}: found a measurement on {:?}, expected hardware; it is not recorded",
        row.board,
        row.target
    );
    Ok(MeasuredRecord {
        board: row.board.clone(),
        network: row.network.to_string(),
        model: row.model.clone(),
        date,
        firmware,
        images: row.images,
        cycles_mean,
        cycles_min,
        cycles_max,
    })
}

/// Returns a checksum of the addresses and the content of a program's segments.
fn checksum(elf: &Path) -> anyhow::Result<String> {
    let bytes = read(elf)?;
    let file = object::File::parse(&*bytes).with_context(|| format!("cannot parse {}", elf.display()))?;
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    for segment in file.segments() {
        digest.update(&segment.address().to_le_bytes());
        digest.update(segment.data().with_context(|| format!("{} is damaged", elf.display()))?);
    }
    Ok(format!("{:08x}", digest.finalize()))
}

/// Options of `bench measure` for boards that are not emulated.
#[derive(Debug, clap::Args)]
pub struct MeasuredOptions {
    /// Print estimates next to the cycles of hardware boards: the output of `estimate --json`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "markdown"])]
    pub estimates: Option<PathBuf>,
    /// Write the cycles of the board, which is not emulated, as a record for docs/measured.
    #[arg(long, value_name = "FILE.json")]
    pub record: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use parity::Unit;

    use super::*;
    use crate::row::tests::row;

    #[test]
    fn cycles_are_compared_with_the_estimate_of_their_board_and_model() {
        let text = r#"[{"board": "b", "model": "0000001a", "cycles_mean": 1000.0, "error_percent": 15, "core": "x"},
            {"board": "b", "model": "0000001b", "cycles_mean": 1.0, "error_percent": 15}]"#;
        let estimates: Vec<Estimated> = serde_json::from_str(text).unwrap();
        assert_eq!(
            comparison(&[row(Unit::Cycles)], &estimates),
            "b: measured 1,234 cycles, estimated 1,000 \u{b1} 15 %; measured / estimated 1.23"
        );
        assert_eq!(comparison(&[row(Unit::Instructions)], &estimates), "");
    }

    #[test]
    fn only_cycles_of_hardware_are_recorded() {
        let record = |row: &Row| record_of(row, "0badcafe".into(), "2026-12-01".into());
        let text = serde_json::to_string(&record(&row(Unit::Cycles)).unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"board":"b","network":"784-128-10","model":"0000001a","date":"2026-12-01","firmware":"0badcafe","#
                .to_owned()
                + r#""pictures":7,"cycles_mean":1234.0,"cycles_min":1234,"cycles_max":1234}"#
        );
        let error = record(&row(Unit::Instructions)).unwrap_err().to_string();
        assert!(error.contains("found Instructions, expected cycles"), "{error}");
        for target in [None, Some(Target::Emulator), Some(Target::Host)] {
            let error = record(&Row { target, ..row(Unit::Cycles) }).unwrap_err().to_string();
            assert!(error.contains("expected hardware"), "{error}");
        }
    }
}
