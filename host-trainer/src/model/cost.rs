//! The cost of a model on a device, and the boards that it fits.

use prenda::{Layer, MESSAGE_OVERHEAD_BYTES, Model, WeightOrder, encoded_length_bound};
use serde::Serialize;

use crate::text::count;

/// A board of `firmware/boards`: the limits of its firmware. A test compares them with the linker
/// scripts there.
struct Board {
    name: &'static str,
    core: &'static str,
    is_emulated: bool,
    /// Bytes of flash for a model.
    model: usize,
    /// Bytes of the longest frame.
    frame: usize,
    /// Bytes of RAM for layers.
    memory: usize,
    classes: usize,
}

const KIB: usize = 1024;

/// Returns a board with the buffers of all boards except the smallest.
const fn board(name: &'static str, core: &'static str, is_emulated: bool, model: usize) -> Board {
    Board { name, core, is_emulated, model, frame: 2048, memory: 8448, classes: 32 }
}

const BOARDS: [Board; 10] = [
    Board { frame: 1024, memory: 6152, classes: 16, ..board("microbit", "cortex-m0", true, 192 * KIB) },
    board("mps2-an385", "cortex-m3", true, 2048 * KIB),
    board("mps2-an386", "cortex-m4", true, 2048 * KIB),
    board("mps2-an500", "cortex-m7", true, 2048 * KIB),
    board("mps2-an505", "cortex-m33", true, 2048 * KIB),
    board("mps3-an547", "cortex-m55", true, 352 * KIB),
    board("nrf52840-dk", "cortex-m4", false, 768 * KIB),
    board("nucleo-l4r5zi", "cortex-m4", false, 1536 * KIB),
    board("pico2", "cortex-m33", false, 3072 * KIB),
    board("riscv32-virt", "rv32imac", true, 2048 * KIB),
];

/// The cost of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Multiplications for an image without zero pixels that all networks see. Zero inputs are
    /// skipped.
    pub multiplications: usize,
    /// Bytes of the model in flash.
    pub flash_bytes: usize,
    /// Bytes of RAM that inference writes, without the stack.
    pub ram_bytes: usize,
    pub boards: Vec<Fit>,
}

/// A board, and the result of checking a model against its limits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    pub board: &'static str,
    pub core: &'static str,
    /// True if QEMU emulates the board, false for a hardware board.
    pub emulated: bool,
    pub fits: bool,
    /// The first limit that the model exceeds.
    pub reason: Option<String>,
}

impl Cost {
    /// Computes the cost of `model`.
    pub fn of(model: &Model<'_>) -> Self {
        let need = Need::of(model);
        Self {
            multiplications: multiplications(model.layers()),
            flash_bytes: need.model,
            ram_bytes: model.workspace_bytes(),
            boards: BOARDS.iter().map(|board| need.fit(board)).collect(),
        }
    }

    /// Lists the boards that the model fits, or does not fit with the reasons.
    pub fn boards_text(&self, fits: bool) -> String {
        let boards = self.boards.iter().filter(|fit| fit.fits == fits);
        let texts: Vec<String> = boards
            .map(|Fit { board, reason, .. }| match reason {
                Some(reason) => format!("{board} ({reason})"),
                None => (*board).to_owned(),
            })
            .collect();
        if texts.is_empty() { "no board".to_owned() } else { texts.join(", ") }
    }
}

/// The resources that a model needs from a board.
#[derive(Clone, Copy, Debug)]
struct Need {
    model: usize,
    frame: usize,
    memory: usize,
    classes: usize,
}

impl Need {
    fn of(model: &Model<'_>) -> Self {
        let classes = model.classes();
        // Like the firmware's check: an image, or logits and probabilities.
        let message = model.input_width().max(6 * classes) + MESSAGE_OVERHEAD_BYTES;
        Self { model: model.bytes().len(), frame: encoded_length_bound(message), memory: model.memory_bytes(), classes }
    }

    fn fit(self, board: &Board) -> Fit {
        let limits = [
            ("bytes of flash", self.model, board.model),
            ("bytes of RAM for layers", self.memory, board.memory),
            ("classes", self.classes, board.classes),
            ("bytes in a frame", self.frame, board.frame),
        ];
        let exceeded = limits.into_iter().find(|(_, needed, available)| needed > available);
        let reason = exceeded.map(|(unit, needed, available)| {
            format!("{} {unit}, at most {}", count(needed as u64), count(available as u64))
        });
        let Board { name, core, is_emulated, .. } = *board;
        Fit { board: name, core, emulated: is_emulated, fits: reason.is_none(), reason }
    }
}

/// Returns the multiplications of `layers` for an image without zero pixels.
pub fn multiplications(layers: &[Layer<'_>]) -> usize {
    layers.iter().map(of_layer).sum()
}

fn of_layer(layer: &Layer<'_>) -> usize {
    let all = layer.multiplications();
    let Some(matrix) = layer.matrix().filter(|matrix| matrix.order() == WeightOrder::Blocks) else { return all };
    // Pruned blocks are not stored.
    let mut stored = 0;
    matrix.visit_stored(|_| stored += 1);
    all.min(stored * (layer.outputs() / matrix.outputs()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use prenda::Workspace;

    use super::*;
    use crate::network::DenseParameters;
    use crate::quantize::{encode_plain, quantize_dense};

    /// Reads a length of a linker script, in bytes: `192K`, `DEFINED(_roomy) ? 384K : 128K`, or
    /// `512K - LENGTH(FLASH)`.
    fn length(script: &str, region: &str) -> usize {
        let line = script.lines().find(|line| line.trim_start().starts_with(&format!("{region} "))).unwrap();
        let text = line.rsplit_once("LENGTH = ").unwrap().1;
        let text = text.rsplit_once(": ").map_or(text, |(_, text)| text);
        let number = |text: &str| -> usize {
            let (digits, unit) = text.trim().split_at(text.trim().len() - 1);
            digits.parse::<usize>().unwrap() * if unit == "M" { KIB * KIB } else { KIB }
        };
        match text.split_once(" - LENGTH(") {
            Some((whole, other)) => number(whole) - length(script, other.trim_end_matches(')')),
            None => number(text),
        }
    }

    #[test]
    fn limits_are_those_of_the_firmware() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/boards");
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(BOARDS.map(|board| board.name).as_slice(), names);
        for board in BOARDS {
            let read = |file: &str| fs::read_to_string(folder.join(board.name).join(file)).unwrap();
            assert_eq!(length(&read("memory.x"), "MODEL"), board.model, "{}", board.name);
            let facts = read("board.toml");
            assert!(facts.contains(&format!("core = \"{}\"", board.core)), "{facts}");
            assert_eq!(facts.contains("[emulator]"), board.is_emulated, "{facts}");
            let buffers = format!("prenda_serve::Buffers<{}>;", board.frame);
            let workspace = format!("prenda::Workspace<{}, {}>;", board.memory, board.classes);
            for expected in [buffers, workspace] {
                assert!(read("board.rs").contains(&expected), "{}: {expected}", board.name);
            }
        }
    }

    #[test]
    fn the_first_limit_that_is_exceeded_is_named() {
        let layer = |inputs: usize, outputs: usize| DenseParameters {
            inputs,
            outputs,
            weights: vec![1e-3; inputs * outputs],
            biases: vec![0.0; outputs],
        };
        let cost = |layers: &[DenseParameters]| {
            let largest = vec![1.0; layers.len() - 1];
            let bytes = encode_plain(&quantize_dense(layers, &largest).unwrap(), layers[0].inputs);
            Cost::of(&Model::parse(&bytes).unwrap())
        };
        let small = cost(&[layer(4, 8), layer(8, 3)]);
        assert_eq!(small.multiplications, 4 * 8 + 8 * 3);
        // Seven places of a list, accumulators, activations.
        assert_eq!(small.ram_bytes, size_of::<Workspace<{ 8 * 7 + 4 * 8 + 8 }, 3>>());
        assert!(small.boards.iter().all(|fit| fit.fits), "{small:?}");
        assert_eq!(small.boards_text(false), "no board");
        let wide = cost(&[layer(4, 1300), layer(1300, 3)]);
        assert!(wide.boards_text(false).starts_with("microbit (6,556 bytes of RAM for layers, at most 6,152)"));
        let none = cost(&[layer(900, 3)]);
        assert_eq!(none.boards_text(false), "microbit (1,045 bytes in a frame, at most 1,024)");
        let large = cost(&[layer(784, 512), layer(512, 10)]);
        assert!(large.boards_text(false).contains("mps3-an547 (4"), "{}", large.boards_text(false));
        assert!(!large.boards_text(true).contains("mps3-an547"), "{}", large.boards_text(true));
    }
}
