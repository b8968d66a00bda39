//! Models that were read by the macro compute the bits of models that are read at run time.

use prenda::{HostWorkspace, Model};

prenda::include_model!(
    /// Dense.
    mod dense = "../tests/fixtures/model.bin";
);
prenda::include_model!(mod pruned = "../models/784-64-10.bin");
prenda::include_model!(mod convolution = "../models/conv-12k.bin");
prenda::include_model!(mod cascade = "../models/cascade.bin");

/// Compares a compiled model with the same model at run time, for `count` images.
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

#[test]
fn compiled_models_compute_the_same_bits() {
    compare!(dense, "../tests/fixtures/model.bin");
    compare!(pruned, "../models/784-64-10.bin");
    compare!(convolution, "../models/conv-12k.bin");
    compare!(cascade, "../models/cascade.bin");
}
