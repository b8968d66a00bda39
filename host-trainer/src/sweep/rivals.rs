//! Other projects' networks for the same images, with known accuracy.

use crate::plot::{FrontierCost, FrontierRival};

/// Sources of the figures, for the foot of the chart.
pub const SOURCE: [&str; 5] = [
    "Measured by us in November 2026: one 784-128-10 network, 88.58 % in eight bits and 88.60 % in float, in others'",
    "engines, each built as documented; instructions of QEMU 7.2, gcc 12.2, rustc 1.96; bytes of weights and biases.",
    "Published: Keras, the lecture's figure, float; 256-128-100, the table of the data set's authors, float.",
    "Published without a cost that a panel has: Fuzzy-Pattern Tsetlin Machine, 92.18 % with 2 clauses a class and",
    "94.68 % with 8,000 (arXiv 2508.08350).",
];

/// Count of weights and biases of 784-128-10.
const PARAMETERS: f64 = 101_770.0;

/// Bytes of 784-128-10 with 8-bit weights and 32-bit biases.
const EIGHT_BITS: f64 = 101_632.0 + 4.0 * 138.0;

/// Accuracy of the network that ran in other projects' code, in eight bits and in float.
const ACCURACY: [f64; 2] = [0.8858, 0.8860];

const UNKNOWN: FrontierCost = FrontierCost { instructions: None, bytes: None, ram: None };

/// The networks. Several projects store the same bytes, and share one entry.
pub static RIVALS: [FrontierRival; 10] = [
    measured("CMSIS-NN", ACCURACY[0], 202_459.0, 1_320.0),
    measured("TFLM with CMSIS-NN", ACCURACY[0], 203_230.0, 2_700.0),
    measured("TFLM, reference kernels", ACCURACY[0], 724_709.0, 2_500.0),
    measured("MicroFlow", ACCURACY[0], 2_553_872.0, 3_300.0),
    measured("burn, f32", ACCURACY[1], 583_122.0, 415_604.0),
    measured("emlearn, f32", ACCURACY[1], 614_223.0, 9_600.0),
    of_bytes("CMSIS-NN, TFLM, MicroFlow", ACCURACY[0], EIGHT_BITS, false),
    of_bytes("burn, emlearn, f32", ACCURACY[1], 4.0 * PARAMETERS, false),
    of_bytes("128, Keras, 50 epochs", 0.8855, 4.0 * PARAMETERS, true),
    of_bytes("256-128-100", 0.8833, 4.0 * 247_766.0, true),
];

const fn measured(name: &'static str, accuracy: f64, instructions: f64, ram: f64) -> FrontierRival {
    let cost = FrontierCost { instructions: Some(instructions), ram: Some(ram), ..UNKNOWN };
    FrontierRival { name, accuracy, cost, is_published: false }
}

const fn of_bytes(name: &'static str, accuracy: f64, bytes: f64, is_published: bool) -> FrontierRival {
    FrontierRival { name, accuracy, cost: FrontierCost { bytes: Some(bytes), ..UNKNOWN }, is_published }
}
