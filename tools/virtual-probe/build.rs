//! Writes the table of emulated boards from their `board.toml`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use boards::{EmulatedChip, Region};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", boards::folder().display());
    let mut table = String::from("&[\n");
    for board in boards::all()? {
        let Some((machine, chip)) = board.emulator.and_then(|one| Some((one.machine, one.probe?))) else { continue };
        let EmulatedChip { part, code, ram, flash } = chip;
        let [code, ram] =
            [code, ram].map(|Region { start, length }| format!("Region {{ start: {start:#x}, length: {length:#x} }}"));
        writeln!(
            table,
            "Board {{ name: {:?}, machine: {machine:?}, core: Core::named({:?}), part: {part:#x}, code: {code}, \
             ram: {ram}, flash: {flash} }},",
            board.name, board.core
        )?;
    }
    table.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("boards.rs"), table)?;
    Ok(())
}
