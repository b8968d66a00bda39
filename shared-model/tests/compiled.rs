//! Models that were read by the macro compute the bits of models that are read at run time.

use prenda::{HostWorkspace, Model};

/// Compares all outputs for many images.
macro_rules! compare {
    ($name:ident, $path:literal) => {{
        let bytes = std::fs::read($path).unwrap();
        let model = Model::parse(&bytes).unwrap();
        let mut workspace = HostWorkspace::new();
        let mut compiled = $name::Workspace::new();
        assert_eq!($name::self_test(&mut compiled), Ok(()));
        assert_eq!($name::ID, model.id());
        assert!(model.class_names().eq($name::NAMES));
        let mut state = 1_u32;
        for image in 0..500 {
            // Half of the values are zero, in runs, as in photographs.
            let pixels: [u8; $name::PIXELS] = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if (state >> 20) % 7 < image % 8 { 0 } else { (state >> 24) as u8 }
            });
            let expected = workspace.infer(&model, &pixels).unwrap();
            assert_eq!($name::infer(&mut compiled, &pixels), expected);
            assert_eq!($name::classify(&mut compiled, &pixels), expected.class);
        }
    }};
}

/// Compiles each model, and compares it with the same model at run time.
macro_rules! compare_all {
    ($($name:ident $path:literal)*) => {
        $(prenda::include_model!(mod $name = $path);)*

        $(
            #[test]
            fn $name() {
                compare!($name, $path);
            }
        )*
    };
}

compare_all! {
    dense "../tests/fixtures/model.bin"
    vectors "../tests/fixtures/vectors.bin"
    pruned "../models/784-64-10.bin"
    conv_4k "../models/conv-4k.bin"
    conv_12k "../models/conv-12k.bin"
    conv_20k "../models/conv-20k.bin"
    cascade "../models/cascade.bin"
    // Seeds of the fuzzer: dense layers, and layers of all kinds, in each weight order.
    dense_blocks "../tests/fuzz/corpus/blob/blocks-3-layers"
    dense_four_bit "../tests/fuzz/corpus/blob/four-bit-3-layers"
    dense_pairs "../tests/fuzz/corpus/blob/pairs-1-layers"
    dense_ternary "../tests/fuzz/corpus/blob/ternary-2-layers"
    dense_vectors "../tests/fuzz/corpus/blob/vectors-3-layers"
    all_blocks "../tests/fuzz/corpus/blob/blocks-cascade"
    all_four_bit "../tests/fuzz/corpus/blob/four-bit-cascade"
    all_pairs "../tests/fuzz/corpus/blob/pairs-cascade"
    all_ternary "../tests/fuzz/corpus/blob/ternary-cascade"
    all_vectors "../tests/fuzz/corpus/blob/vectors-cascade"
}
