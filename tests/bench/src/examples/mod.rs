//! Programs of the folder examples that measure themselves: their output, their code, and the
//! comparison with the host's answers.

mod budgets;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use parity::program::{Inputs, read};
use prenda::Record;
use serde::{Deserialize, Serialize};

use super::architecture::Architecture;
use super::reach::Reach;
use super::row::Row;

pub use budgets::ExampleBudgets;
pub use table::{markdown, terminal};

/// Instructions of the loop that a program reports as `loop_ticks`.
const LOOP_INSTRUCTIONS: f64 = 1000.0;

/// A program that has run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    /// Name of the example.
    example: String,
    /// Name of the model in tables.
    model: String,
    core: String,
    /// The model that was compiled into the program, and the host's answers for its images.
    file: PathBuf,
    answers: PathBuf,
    elf: PathBuf,
    /// The line that the program printed.
    output: String,
}

/// Measurements of one program. The field names are stable: programs read them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExampleRow {
    pub example: String,
    pub model: String,
    pub core: String,
    /// Code and constants of an inference, without the model.
    pub code_bytes: u64,
    /// Those of them that are the compiler's helpers, which other code may use, too.
    pub helper_bytes: u64,
    /// Workspace and deepest stack.
    pub ram_bytes: u64,
    pub workspace_bytes: u64,
    pub stack_bytes: u64,
    /// Per image, softmax included.
    pub instructions_mean: f64,
    pub instructions_max: u64,
    #[serde(rename = "pictures")]
    pub images: u64,
    /// Compiler of the program.
    pub compiler: String,
    /// The same model, read at run time by the firmware of a board with this core.
    pub run_time: Option<RunTime>,
    #[serde(skip)]
    network: Architecture,
}

/// The costs of a model that is read at run time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunTime {
    pub board: String,
    pub code_bytes: u64,
    /// Workspace of this network, and deepest stack of the firmware.
    pub ram_bytes: u64,
    pub workspace_bytes: u64,
    pub stack_bytes: u64,
    pub instructions_mean: f64,
    pub instructions_max: u64,
}

/// Reads the list of programs at `runs`, and the output of `bench measure --json` at `run_times`.
///
/// # Errors
///
/// Returns an error if a file is invalid, or if the outputs of a program are not the host's.
pub fn rows(runs: &Path, run_times: &[PathBuf]) -> anyhow::Result<Vec<ExampleRow>> {
    let invalid = |path: &Path| format!("{} is invalid", path.display());
    let runs: Vec<Run> = serde_json::from_slice(&read(runs)?).with_context(|| invalid(runs))?;
    let mut measured: Vec<Row> = Vec::new();
    for path in run_times {
        let rows: Vec<Row> = serde_json::from_slice(&read(path)?).with_context(|| invalid(path))?;
        measured.extend(rows);
    }
    runs.iter().map(|run| row(run, &measured)).collect()
}

fn row(run: &Run, run_times: &[Row]) -> anyhow::Result<ExampleRow> {
    let name = format!("{} with {}, {}", run.example, run.model, run.core);
    let values = values(&run.output).with_context(|| format!("{name} printed {:?}", run.output))?;
    let value = |key: &str| values.get(key).copied().with_context(|| format!("{name} did not print `{key}`"));
    let inputs = Inputs::read(&run.file, &run.answers)?;
    let (model, _, records) = inputs.parse(usize::MAX)?;
    let images = value("images")?;
    ensure!(images == records.len() as u64, "{name}: inferred {images} images, expected {}", records.len());
    let (found, expected) = (value("checksum")?, u64::from(checksum(&records)));
    ensure!(
        found == expected,
        "{name}: the logits or probabilities of some image differ from the host's: checksum {found:08x}, expected \
         {expected:08x}"
    );
    let of_loop = value("loop_ticks")?;
    ensure!(of_loop != 0, "{name}: the counter does not count");
    let instructions = |ticks: u64| ticks as f64 * LOOP_INSTRUCTIONS / of_loop as f64;
    let is_model = |name: &str| name.contains("::shoes::LAYER_");
    let Reach { bytes, helper_bytes, compiler } = Reach::from_elf(&run.elf, "::shoes::infer", is_model)?;
    let (workspace_bytes, stack_bytes) = (value("workspace_bytes")?, value("stack_bytes")?);
    let is_same = |row: &&Row| row.core == run.core && row.model == model.id().to_string();
    let run_time = run_times.iter().find(is_same).map(|row| RunTime {
        board: row.board.clone(),
        code_bytes: row.code_bytes,
        ram_bytes: u64::from(row.ram_network_bytes) + u64::from(row.ram_stack_bytes),
        workspace_bytes: row.ram_network_bytes.into(),
        stack_bytes: row.ram_stack_bytes.into(),
        instructions_mean: row.spread().mean,
        instructions_max: row.spread().max,
    });
    Ok(ExampleRow {
        example: run.example.clone(),
        model: run.model.clone(),
        core: run.core.clone(),
        code_bytes: bytes,
        helper_bytes,
        ram_bytes: workspace_bytes + stack_bytes,
        workspace_bytes,
        stack_bytes,
        instructions_mean: instructions(value("ticks_sum")?) / images as f64,
        instructions_max: instructions(value("ticks_max")?).round() as u64,
        images,
        compiler,
        run_time,
        network: Architecture::of(&model),
    })
}

/// Parses `name=number` words; a checksum is hexadecimal.
fn values(output: &str) -> anyhow::Result<BTreeMap<&str, u64>> {
    let value = |word| {
        let (name, number): (&str, &str) = str::split_once(word, '=').context("expected `name=number`")?;
        let radix = if name == "checksum" { 16 } else { 10 };
        Ok((name, u64::from_str_radix(number, radix).with_context(|| format!("{name} is not a number"))?))
    };
    output.split_whitespace().map(value).collect()
}

/// Returns FNV-1a over logits and probabilities of all images.
fn checksum(records: &[Record<'_>]) -> u32 {
    let bytes = records.iter().flat_map(|record| record.logits.iter().chain(record.probabilities));
    bytes.fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Returns all images of the answers for `model`, one after another.
///
/// # Errors
///
/// Returns an error if a file is invalid.
pub fn images(model: &Path, answers: &Path) -> anyhow::Result<Vec<u8>> {
    let inputs = Inputs::read(model, answers)?;
    let (.., records) = inputs.parse(usize::MAX)?;
    Ok(records.iter().flat_map(|record| record.pixels).copied().collect())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Returns a row of one image.
    pub fn row() -> ExampleRow {
        let run_time = RunTime {
            board: "b".into(),
            code_bytes: 9000,
            ram_bytes: 5000,
            workspace_bytes: 1000,
            stack_bytes: 4000,
            instructions_mean: 100.0,
            instructions_max: 100,
        };
        ExampleRow {
            example: "e".into(),
            model: "m".into(),
            core: "cortex-m4".into(),
            code_bytes: 2000,
            helper_bytes: 100,
            ram_bytes: 900,
            workspace_bytes: 700,
            stack_bytes: 200,
            instructions_mean: 99.5,
            instructions_max: 100,
            images: 1,
            compiler: "rustc version 1".into(),
            run_time: Some(run_time),
            network: Architecture::Dense(vec![784, 128, 10]),
        }
    }

    #[test]
    fn the_output_of_a_program_is_parsed() {
        let values = values("images=10 ticks_sum=4 checksum=0000001a\n").unwrap();
        assert_eq!(values, BTreeMap::from([("images", 10), ("ticks_sum", 4), ("checksum", 26)]));
        assert!(super::values("an inference takes longer").is_err());
        assert!(super::values("images=x").is_err());
    }

    #[test]
    fn the_checksum_is_fnv_1a_over_logits_then_probabilities() {
        let record =
            |logits, probabilities| Record { pixels: &[], label: 0, class: 0, network: 0, logits, probabilities };
        assert_eq!(checksum(&[]), 0x811c_9dc5);
        assert_eq!(checksum(&[record(b"foo", b""), record(b"ba", b"r")]), 0xbf9c_f968);
    }
}
