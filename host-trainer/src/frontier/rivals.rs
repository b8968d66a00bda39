//! Others' networks for the same pictures, of which accuracy is known.

use crate::plot::FrontierRival;

/// Where the figures come from, for the foot of the picture.
pub const SOURCE: [&str; 2] = [
    "Others, 784-128-10: measured by us in November 2026, each built as its documents say; instructions of QEMU 7.2, gcc 12.2, rustc 1.96.",
    "Keras: the lecture's figures, float. 256-128-100: the table of the data set's authors, float. Both without instructions.",
];

/// Weights and biases of 784-128-10.
const PARAMETERS: f64 = 101_770.0;

/// Bytes of 784-128-10 in eight bits, with biases of 32.
const EIGHT_BITS: f64 = 101_632.0 + 4.0 * 138.0;

/// Accuracy of the network that was measured with others' code, in eight bits and in float.
const ACCURACY: [f64; 2] = [0.8858, 0.8860];

/// Those whose accuracy is known.
pub static RIVALS: [FrontierRival; 7] = [
    rival("CMSIS-NN, also in TFLM", ACCURACY[0], Some(202_459.0), EIGHT_BITS),
    rival("TFLM, reference kernels", ACCURACY[0], Some(724_709.0), EIGHT_BITS),
    rival("MicroFlow", ACCURACY[0], Some(2_553_872.0), EIGHT_BITS),
    rival("burn, f32", ACCURACY[1], Some(583_122.0), 4.0 * PARAMETERS),
    rival("emlearn, f32", ACCURACY[1], Some(614_223.0), 4.0 * PARAMETERS),
    rival("128, Keras, 50 epochs", 0.8855, None, 4.0 * PARAMETERS),
    rival("256-128-100", 0.8833, None, 4.0 * 247_766.0),
];

const fn rival(name: &'static str, accuracy: f64, instructions: Option<f64>, bytes: f64) -> FrontierRival {
    FrontierRival { name, accuracy, instructions, bytes }
}
