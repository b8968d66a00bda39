//! Random networks.

use checks::{Layer, Network, fit};
use prenda_core::{Requant, Shape, WeightOrder};
use proptest::prelude::*;

/// Generates networks of one to four layers with odd and even widths, and a partly black image.
pub fn networks() -> impl Strategy<Value = Network> {
    (1..6_u16, 1..7_u16, prop::collection::vec(1..20_usize, 1..=4)).prop_flat_map(|(rows, columns, widths)| {
        let pixels = usize::from(rows * columns);
        let inputs = std::iter::once(pixels).chain(widths.iter().copied());
        let layers: Vec<_> = inputs.zip(widths.clone()).map(|(inputs, outputs)| layer(inputs, outputs)).collect();
        let image = prop::collection::vec(prop_oneof![Just(0), any::<u8>()], pixels);
        let names = prop::collection::vec("[a-zA-Zé ]{0,12}", *widths.last().expect("one width at least"));
        (layers, image, names).prop_map(move |(layers, image, class_names)| Network {
            shape: Shape::grey(rows, columns),
            features: Vec::new(),
            ends: Vec::new(),
            class_names,
            layers,
            image,
        })
    })
}

fn layer(inputs: usize, outputs: usize) -> impl Strategy<Value = Layer> {
    let requant = (Requant::MIN_MULTIPLIER..=Requant::MAX_MULTIPLIER, 36..45_u8)
        .prop_map(|(multiplier, shift)| Requant::new(multiplier, shift).expect("both are in range"));
    (
        prop::collection::vec(-100_000..100_000_i32, outputs),
        prop::collection::vec(requant, outputs),
        prop::collection::vec(-127..=127_i8, inputs * outputs),
        orders(),
        0..4_usize,
    )
        .prop_map(move |(biases, requants, mut weights, order, pruned)| {
            fit(order, inputs, pruned, &mut weights);
            Layer { order, biases, requants, weights, ..Layer::default() }
        })
}

/// Generates any order.
pub fn orders() -> impl Strategy<Value = WeightOrder> {
    prop::sample::select(&WeightOrder::ALL[..])
}
