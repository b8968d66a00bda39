//! One network of a model.

use super::layer::Layer;

/// A network of a model: layers from the image to logits.
///
/// A model with several networks is a cascade. The next network classifies an image if the two
/// largest logits of this one differ by less than [`margin`](Self::margin).
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// # let blob = std::fs::read("shoes.bin").unwrap();
/// # let model = prenda::Model::parse(&blob).unwrap();
/// let network = model.networks().last().unwrap();
/// assert_eq!(network.to_string(), "dense 64; dense 10");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Network<'m, 'a> {
    pub(super) layers: &'m [Layer<'a>],
    pub(super) margin: Option<i32>,
}

impl<'m, 'a> Network<'m, 'a> {
    /// Returns the layers, first to last. The last one is dense.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let network = model.networks().last().unwrap();
    /// let products: usize = network.layers().iter().map(|layer| layer.multiplications()).sum();
    /// assert_eq!(products, 50_816);
    /// ```
    #[must_use]
    pub fn layers(self) -> &'m [Layer<'a>] {
        self.layers
    }

    /// Returns the smallest difference between the two largest logits with which this network
    /// answers, in Q15.16, 1 or more; `None` for the last network, which always answers.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// let network = model.networks().next().unwrap();
    /// assert_eq!(network.margin(), None); // the only one, so it always answers
    /// ```
    #[must_use]
    pub fn margin(self) -> Option<i32> {
        self.margin
    }
}
