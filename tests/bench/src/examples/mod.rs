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
    program: Program,
    /// Name of the model in tables.
    model: String,
    core: String,
    /// The model in the program, and the host's answers for its images.
    file: PathBuf,
    answers: PathBuf,
    elf: PathBuf,
    /// The line that the program printed.
    output: String,
}

/// The programs of the example that measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// The model is compiled in.
    Measure,
    /// The model is parsed at start-up, with the whole proof.
    RunTime,
    /// The model is parsed at start-up, trusting its seal.
    RunTimeSealed,
}

impl Program {
    /// Returns the end of the path of the function that needs all of the measured code.
    fn root(self) -> &'static str {
        match self {
            Self::Measure => "::shoes::infer",
            Self::RunTime | Self::RunTimeSealed => "::run_time::first_answer",
        }
    }

    /// Returns true for constants of the model.
    fn is_model(self, name: &str) -> bool {
        match self {
            Self::Measure => name.contains("::shoes::LAYER_"),
            Self::RunTime | Self::RunTimeSealed => {
                ["::run_time::REGION", "::run_time::IMAGES"].iter().any(|end| name.ends_with(end))
            }
        }
    }

    /// Returns the program's name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measure => "compiled in",
            Self::RunTime => "parsed",
            Self::RunTimeSealed => "parsed by its seal",
        }
    }
}

/// Measurements of one program. The field names are stable: programs read them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExampleRow {
    pub example: String,
    pub program: Program,
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
    /// Instructions from the bytes of the model to a runnable one; `None` if it is compiled in.
    pub start_instructions: Option<u64>,
    #[serde(skip)]
    network: Architecture,
}

/// Reads the list of programs at `runs`.
///
/// # Errors
///
/// Returns an error if a file is invalid, or if the outputs of a program are not the host's.
pub fn rows(runs: &Path) -> anyhow::Result<Vec<ExampleRow>> {
    let list: Vec<Run> =
        serde_json::from_slice(&read(runs)?).with_context(|| format!("{} is invalid", runs.display()))?;
    list.iter().map(row).collect()
}

fn row(run: &Run) -> anyhow::Result<ExampleRow> {
    let program = run.program;
    let name = format!("{} with {}, {}, {}", run.example, run.model, program.name(), run.core);
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
    let Reach { bytes, helper_bytes, compiler } =
        Reach::from_elf(&run.elf, program.root(), |name| program.is_model(name))?;
    let (workspace_bytes, stack_bytes) = (value("workspace_bytes")?, value("stack_bytes")?);
    let start_instructions = match program {
        Program::Measure => None,
        Program::RunTime | Program::RunTimeSealed => Some(instructions(value("start_ticks")?).round() as u64),
    };
    Ok(ExampleRow {
        example: run.example.clone(),
        program,
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
        start_instructions,
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
        ExampleRow {
            example: "e".into(),
            program: Program::Measure,
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
            start_instructions: None,
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
