#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

#[doc(inline)]
pub use prenda_core::*;
/// Reads a model while the program is compiled, and makes a module that runs it.
///
/// `include_model!(mod NAME = "PATH");` takes attributes and a visibility before `mod`. The path is
/// relative to the folder of the package's `Cargo.toml`. The model is parsed and proved like by
/// [`Model::parse`](https://docs.rs/prenda/latest/prenda/struct.Model.html#method.parse); if it is
/// missing, damaged, too new or not runnable, the program does not compile.
///
/// The module has:
///
/// | item | meaning |
/// |---|---|
/// | `Workspace` | the memory that inference writes; `new()` is `const` |
/// | `infer(&mut Workspace, &[u8; PIXELS]) -> Prediction` | class, logits, probabilities |
/// | `classify(&mut Workspace, &[u8; PIXELS]) -> usize` | the class alone, without softmax |
/// | `self_test(&mut Workspace) -> Result<(), SelfTestError>` | compares the golden vectors |
/// | `PIXELS`, `SHAPE` | bytes of an image; its rows, columns and channels |
/// | `CLASSES`, `NAMES`, `ID` | the classes; the identity of the model |
/// | `FEATURES` | names and scaling of each input, if the model is for rows of sensor data |
/// | `quantize_input(&[i32; PIXELS]) -> [u8; PIXELS]` | scales raw sensor words, likewise |
///
/// It links the kernels of this model, and nothing else: no parser, no other weight orders. The
/// golden vectors take flash only if `self_test` is called.
///
/// # Examples
///
/// ```
/// prenda::include_model!(
///     /// Tells ten kinds of clothes apart.
///     pub mod shoes = "shoes.bin"
/// );
///
/// let mut workspace = shoes::Workspace::new();
/// shoes::self_test(&mut workspace)?;
/// assert_eq!(shoes::NAMES[shoes::classify(&mut workspace, &[0; shoes::PIXELS])], "Sandal");
/// # Ok::<(), prenda::SelfTestError>(())
/// ```
///
/// An image of another size is a type error, and so is a model that does not exist:
///
/// ```compile_fail
/// prenda::include_model!(mod shoes = "shoes.bin");
/// shoes::infer(&mut shoes::Workspace::new(), &[0; 100]);
/// ```
///
/// ```compile_fail
/// prenda::include_model!(mod shoes = "no-such-model.bin");
/// ```
#[cfg(feature = "macros")]
pub use prenda_macros::include_model;

/// The example of the project's README, compiled and run as a doctest.
#[cfg(all(doctest, feature = "blob"))]
#[doc = include_str!("../../README.md")]
struct Readme;
