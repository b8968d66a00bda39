//! Changes of format 2: channels, networks, windows, and how layers chain.

use prenda::{BlobError, DeviceFault};

use super::{Change, WEIGHT, classes, layer_count, length, malformed, order, overflow, width};
use crate::plan::{Plan, PlannedLayer, Table, varint};

/// Offsets of the weights of a cascade's layers 0 and 2.
const CONVOLUTION: u32 = 96;
const DENSE: u32 = 192;

fn network_count(found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::NetworkCount { found, most: 4 })
}

fn margin(found: i32) -> DeviceFault {
    DeviceFault::Blob(BlobError::Margin { network: 0, found })
}

fn last_layer(layer: u8) -> DeviceFault {
    DeviceFault::Blob(BlobError::LastLayer { layer })
}

const EMPTY: DeviceFault = DeviceFault::Blob(BlobError::EmptyWindow { layer: 0 });

const PADDING: DeviceFault = DeviceFault::Blob(BlobError::WindowPadding { layer: 0 });

const TOO_LARGE: DeviceFault = DeviceFault::Blob(BlobError::WindowTooLarge { layer: 0 });

/// Returns the changes of [`Plan::cascade`].
pub fn changes() -> Vec<Change> {
    [networks(), windows(), chains()].concat()
}

/// Changes of a cascade's networks.
fn networks() -> Vec<Change> {
    vec![
        (
            "a format newer than needed",
            |plan| {
                let layers = Plan::sound().layers.into_iter();
                plan.layers = layers.map(|layer| PlannedLayer { kind: vec![0], ..layer }).collect();
                (plan.rows, plan.columns) = (vec![1], vec![2]);
                (plan.network_count, plan.layer_count, plan.second) = (vec![1], 2, None);
            },
            DeviceFault::Blob(BlobError::NewerThanNeeded),
        ),
        ("no networks", |plan| plan.network_count = vec![0], network_count(0)),
        ("a network too many", |plan| plan.network_count = vec![5], network_count(5)),
        ("the maximum count of networks", |plan| plan.network_count = varint(u32::MAX.into()), network_count(u32::MAX)),
        ("a margin of zero", |plan| plan.second().margin = 0, margin(0)),
        ("a margin below zero", |plan| plan.second().margin = -1, margin(-1)),
        ("the least margin", |plan| plan.second().margin = i32::MIN, margin(i32::MIN)),
        ("a first network without layers", |plan| plan.layer_count = 0, layer_count(0)),
        ("a second network without layers", |plan| plan.second().layer_count = 0, layer_count(0)),
        (
            "a layer too many over all networks",
            |plan| {
                let layer = PlannedLayer { kind: vec![0], ..PlannedLayer::zeros(9, 9) };
                (plan.second().layer_count, plan.second().layers) = (14, vec![layer; 14]);
            },
            layer_count(17),
        ),
        (
            "a first network that ends with a pool",
            |plan| {
                plan.layer_count = 2;
                plan.layers.truncate(2);
            },
            last_layer(1),
        ),
        (
            "a second network that ends with a depthwise convolution",
            |plan| {
                plan.second().layer_count = 2;
                plan.second().layers.truncate(2);
            },
            last_layer(4),
        ),
        (
            "networks of two and of three classes",
            |plan| {
                plan.second().layers[2] = PlannedLayer { kind: vec![0], ..PlannedLayer::zeros(1, 3) };
            },
            classes(2, 3),
        ),
        (
            "networks of three and of two classes",
            |plan| {
                plan.layers[2] = PlannedLayer { kind: vec![0], ..PlannedLayer::zeros(2, 3) };
                plan.set_names(&["a"; 2]);
            },
            classes(2, 3),
        ),
    ]
}

/// Changes of a cascade's windows. The first one is 1 by 3, over 3 by 3 pixels.
fn windows() -> Vec<Change> {
    vec![
        ("a window without rows", |plan| plan.layers[0].window[0] = 0, EMPTY),
        ("a window without columns", |plan| plan.layers[0].window[1] = 0, EMPTY),
        ("a stride without rows", |plan| plan.layers[0].window[2] = 0, EMPTY),
        ("a stride without columns", |plan| plan.layers[0].window[3] = 0, EMPTY),
        ("padding above as large as the window", |plan| plan.layers[0].window[4] = 1, PADDING),
        ("padding on the left as large as the window", |plan| plan.layers[0].window[5] = 3, PADDING),
        ("padding below as large as the window", |plan| plan.layers[0].window[6] = 1, PADDING),
        ("the maximum padding on the right", |plan| plan.layers[0].window[7] = 255, PADDING),
        ("a window with a row too many", |plan| plan.layers[0].window[0] = 4, TOO_LARGE),
        ("a window with a column too many", |plan| plan.layers[0].window[1] = 6, TOO_LARGE),
        ("the maximum window", |plan| plan.layers[0].window[..2].fill(255), TOO_LARGE),
        (
            "a pool larger than its input",
            |plan| plan.layers[1].window[1] = 4,
            DeviceFault::Blob(BlobError::WindowTooLarge { layer: 1 }),
        ),
    ]
}

/// Changes of a cascade's layers, each of which would be valid after another one.
fn chains() -> Vec<Change> {
    vec![
        (
            "a kind of the future",
            |plan| plan.layers[0].kind = vec![5],
            DeviceFault::Blob(BlobError::LayerKind { layer: 0, found: 5 }),
        ),
        (
            "a kind of 32 bits",
            |plan| plan.second().layers[2].kind = varint(u32::MAX.into()),
            DeviceFault::Blob(BlobError::LayerKind { layer: 5, found: u32::MAX }),
        ),
        ("no channels", |plan| plan.channels = vec![0], width(0)),
        ("the maximum count of channels", |plan| plan.channels = vec![0xFF, 0xFF, 3], width(9 * 65_535)),
        ("channels of more than 16 bits", |plan| plan.channels = vec![0x80, 0x80, 4], malformed(15)),
        // Each row of the window has three inputs of each channel.
        ("a convolution of two channels after one", |plan| plan.channels = vec![2], length(CONVOLUTION, 48, 32)),
        ("a window of two rows with weights of one", |plan| plan.layers[0].window[0] = 2, length(CONVOLUTION, 64, 32)),
        (
            "a dense layer of three inputs after a pool of two channels",
            |plan| plan.layers[2] = PlannedLayer { kind: vec![0], ..PlannedLayer::zeros(3, 2) },
            length(DENSE, 16, 32),
        ),
        (
            "a dense layer of two inputs after a pool with two pixels of two channels",
            |plan| plan.layers[1].window[..2].copy_from_slice(&[2, 3]),
            length(DENSE, 32, 16),
        ),
        (
            "a convolution with too many outputs at 9 positions",
            |plan| {
                let layer = PlannedLayer::blank(&plan.layers[0].window, 2048);
                plan.layers[0] = layer;
            },
            width(9 * 2048),
        ),
        (
            // 244 * 13,325 * 1,321 = 2^32 + 4.
            "outputs whose count is small in 32 bits",
            |plan| {
                (plan.rows, plan.columns) = (vec![1], varint(13_325));
                plan.layers[0] = PlannedLayer::blank(&[244, 1, 1, 1, 243, 0, 243, 0], 1321);
            },
            width(u32::MAX),
        ),
        (
            "a depthwise convolution with an output too many",
            |plan| {
                let layer = plan.second().layers[1].clone();
                let PlannedLayer { kind, window, .. } = layer;
                plan.second().layers[1] = PlannedLayer { kind, window, ..PlannedLayer::zeros(4, 2) };
            },
            DeviceFault::Blob(BlobError::Channels { layer: 4, expected: 1, found: 2 }),
        ),
        (
            "a depthwise convolution of vectors",
            |plan| {
                let layer = &mut plan.second().layers[1];
                (layer.order, layer.weights) = (2, vec![Table::of(&[128; 128])]);
            },
            order(4, 2),
        ),
        ("a weight that pads a window's row", |plan| plan.layers[0].weights[0].data[18] = 1, WEIGHT),
        (
            "a convolution that could overflow",
            |plan| plan.layers[0].biases = Table::i32s(&[i32::MAX, 0]),
            overflow(0, 0),
        ),
        (
            "a second network with a logit of more than 32 bits",
            |plan| plan.second().layers[2].shifts = Table::of(&[1, 40]),
            overflow(5, 0),
        ),
    ]
}
