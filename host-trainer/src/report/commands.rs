//! Command lines that a report proposes.

use std::path::Path;

use host_support::shell::quoted;

/// Comment in commands: older runs do not record the folder of their data.
const DATA: &str = " # and --data, if it was used";

/// Returns the command with these arguments.
pub fn trainer<'a>(arguments: impl IntoIterator<Item = &'a String>) -> String {
    let words: Vec<String> = arguments.into_iter().map(quoted).collect();
    format!("host-trainer {}", words.join(" "))
}

/// Returns the command that writes the report of the runs in `folders`.
pub fn report(folders: &[&Path]) -> String {
    let folders: Vec<String> = folders.iter().map(quoted).collect();
    format!("host-trainer report {}", folders.join(" "))
}

/// Returns the command that evaluates the `model`, and writes to `folder` if it is given.
pub fn evaluate(model: &Path, folder: Option<&Path>) -> String {
    let images = folder.map(|folder| format!(" --pictures {}", quoted(folder))).unwrap_or_default();
    format!("host-trainer evaluate {}{images}{DATA}", quoted(model))
}

/// Returns the recorded `command` of the run in `folder`, or if it is empty a call of `maker`, such
/// that it replaces the run.
pub fn repeating(command: &[String], maker: &str, folder: &Path) -> String {
    if command.is_empty() {
        return format!("host-trainer {maker} --overwrite --run {} # and its other arguments", quoted(folder));
    }
    let overwrite = if command.iter().any(|argument| argument == "--overwrite") { "" } else { " --overwrite" };
    trainer(command.iter().filter(|argument| *argument != "--json")) + overwrite
}

/// Returns the command that compares the model of the run in `folder` with devices and records the
/// result.
pub fn parity(folder: &Path) -> String {
    format!("cargo xtask parity --model {}{DATA}", quoted(folder))
}

/// Returns the command that counts the instructions of the model in `folder` and records them.
pub fn bench(folder: &Path) -> String {
    let folder = quoted(folder);
    format!("cargo xtask bench --model {folder} --json > {folder}/bench.json{DATA}")
}
