//! The chip description of the emulated boards, for probe-rs.

use std::fmt::Write as _;

use crate::{Board, EmulatedChip};

const HEAD: &str = "\
# Chip descriptions of the emulated boards, for probe-rs (--chip-description-path). Generated from
# firmware/boards/*/board.toml by `cargo xtask boards --write-docs`.
#
# All memory is RAM: programs are written directly, without a flash algorithm.
name: prenda emulated
# Arm, and the part number in the core's ROM table, so that `probe-rs info` recognizes the boards.
manufacturer: { id: 0x3b, cc: 0x4 }
generated_from_pack: false
variants:
";

/// Returns the chip description, in YAML, of those `boards` that the virtual probe can debug.
///
/// ```
/// let text = boards::chip_descriptions(&boards::all()?);
/// assert!(text.contains("- name: mps2-an386"));
/// # Ok::<(), boards::BoardsError>(())
/// ```
#[must_use]
pub fn chip_descriptions(boards: &[Board]) -> String {
    let mut text = HEAD.to_owned();
    for board in boards {
        let Some(EmulatedChip { part, code, ram, flash: _ }) = board.emulator.as_ref().and_then(|one| one.probe) else {
            continue;
        };
        let (name, core) = (&board.name, core_type(&board.triple));
        let [code_end, ram_end] = [code, ram].map(|region| u64::from(region.start) + u64::from(region.length));
        let (code, ram) = (code.start, ram.start);
        let _ = write!(
            text,
            "  - name: {name}
    part: {part:#x}
    cores:
      - {{ name: main, type: {core}, core_access_options: !Arm {{ ap: !v1 0 }} }}
    memory_map:
      - !Ram {{ name: code, range: {{ start: {code:#x}, end: {code_end:#x} }}, cores: [main], \
             access: {{ boot: true }} }}
      - !Ram {{ name: ram, range: {{ start: {ram:#x}, end: {ram_end:#x} }}, cores: [main] }}
"
        );
    }
    text + "flash_algorithms: []\n"
}

/// Returns probe-rs's name for the architecture of a target.
fn core_type(triple: &str) -> &'static str {
    match triple.split('-').next() {
        Some("thumbv6m") => "armv6m",
        Some("thumbv7m") => "armv7m",
        Some("thumbv7em") => "armv7em",
        _ => "armv8m",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_description_in_the_repository_is_up_to_date() {
        let path = crate::folder().join("../../tools/virtual-probe/targets/emulated.yaml");
        let found = fs::read_to_string(path).unwrap();
        let expected = chip_descriptions(&crate::all().unwrap());
        assert_eq!(found, expected, "emulated.yaml is out of date; run `cargo xtask boards --write-docs`");
    }
}
