//! Other projects' networks for the same images, with known accuracy.

use crate::plot::FrontierRival;

/// Sources of the figures, for the foot of the chart.
pub const SOURCE: [&str; 3] = [
    "Others ran one 784-128-10 network, of 88.58 % in eight bits and 88.60 % in float; measured by us in November",
    "2026, each built as documented: instructions of QEMU 7.2, gcc 12.2, rustc 1.96; bytes of weights and biases only.",
    "Keras: the lecture's figure, float. 256-128-100: the table of the data set's authors, float.",
];

/// Count of weights and biases of 784-128-10.
const PARAMETERS: f64 = 101_770.0;

/// Bytes of 784-128-10 with 8-bit weights and 32-bit biases.
const EIGHT_BITS: f64 = 101_632.0 + 4.0 * 138.0;

/// Accuracy of the network that ran in other projects' code, in eight bits and in float.
const ACCURACY: [f64; 2] = [0.8858, 0.8860];

/// The networks. Several projects store the same bytes, and share one entry.
pub static RIVALS: [FrontierRival; 9] = [
    by_instructions("CMSIS-NN, also in TFLM", ACCURACY[0], 202_459.0),
    by_instructions("TFLM, reference kernels", ACCURACY[0], 724_709.0),
    by_instructions("MicroFlow", ACCURACY[0], 2_553_872.0),
    by_instructions("burn, f32", ACCURACY[1], 583_122.0),
    by_instructions("emlearn, f32", ACCURACY[1], 614_223.0),
    by_bytes("CMSIS-NN, TFLM, MicroFlow", ACCURACY[0], EIGHT_BITS),
    by_bytes("burn, emlearn, f32", ACCURACY[1], 4.0 * PARAMETERS),
    by_bytes("128, Keras, 50 epochs", 0.8855, 4.0 * PARAMETERS),
    by_bytes("256-128-100", 0.8833, 4.0 * 247_766.0),
];

const fn by_instructions(name: &'static str, accuracy: f64, instructions: f64) -> FrontierRival {
    FrontierRival { name, accuracy, instructions: Some(instructions), bytes: None }
}

const fn by_bytes(name: &'static str, accuracy: f64, bytes: f64) -> FrontierRival {
    FrontierRival { name, accuracy, instructions: None, bytes: Some(bytes) }
}
