//! A network with a window, and perhaps a second, dense one.

use prenda::{EncodeError, NetworkSource, Requant};

use crate::layer::Layer;
use crate::network;
use crate::random::Random;
use crate::shape::MAX_OUTPUTS;
use crate::walk::{MAX_WINDOW, Walk};
use crate::weights::MAX_WEIGHTS;
use crate::window::WindowCase;

/// The memory of a cascade's numbers. Slices are filled from the front.
pub struct Memory<'a> {
    pub weights: &'a mut [i8],
    pub biases: &'a mut [i32],
    pub requants: &'a mut [Requant],
}

pub struct Cascade<'a> {
    case: WindowCase,
    walk: Walk<'a>,
    last: Layer<'a>,
    /// The only layer of the second network, with the margin of the first.
    second: Option<(i32, Layer<'a>)>,
}

impl<'a> Cascade<'a> {
    /// Draws the numbers for `case`, or returns `None` if the memory is too short. `is_wrong`
    /// requests a wrong reference.
    pub fn new(random: &mut Random, case: WindowCase, memory: Memory<'a>, is_wrong: bool) -> Option<Self> {
        let Memory { weights, biases, requants } = memory;
        let (kind, pixels, classes) = (case.kind(), case.input().count(), case.classes);
        let (inputs, outputs) = (kind.matrix_inputs(case.input()), if kind.has_matrix() { case.outputs } else { 0 });
        let most = (inputs * outputs).max(pixels * classes).max(case.activations() * classes);
        if inputs > MAX_WINDOW || most > MAX_WEIGHTS {
            return None;
        }
        let (walk_biases, biases) = biases.split_at_mut_checked(outputs)?;
        let (walk_requants, requants) = requants.split_at_mut_checked(outputs)?;
        let mut walk = Walk::new(random, case, weights, walk_biases, walk_requants)?;
        let (last_biases, biases) = biases.split_at_mut_checked(classes)?;
        let (last_requants, requants) = requants.split_at_mut_checked(classes)?;
        let order = case.dense_order();
        let mut last = Layer::new(random, order, case.activations(), last_biases, last_requants, true);
        let (biases, requants) = (biases.get_mut(..classes)?, requants.get_mut(..classes)?);
        let mut second = Layer::new(random, order, pixels, biases, requants, true);
        [walk.matrix.is_wrong, last.is_wrong, second.is_wrong] = [is_wrong; 3];
        Some(Self { case, walk, last, second: case.is_cascade.then_some((1, second)) })
    }

    /// Sets the margin to the difference of the logits for a white image, or to one more.
    pub fn fit_margin(&mut self, random: &mut Random, pixels: &mut [u8], activations: &mut [u8]) {
        pixels.fill(255);
        self.reference(pixels, activations);
        let difference = self.difference(activations) + i64::from(random.below(2));
        if let Some((margin, _)) = &mut self.second {
            *margin = difference.clamp(1, i32::MAX.into()) as i32;
        }
    }

    /// Writes the activations for `pixels`.
    pub fn reference(&self, pixels: &[u8], activations: &mut [u8]) {
        self.walk.outputs(pixels, activations);
    }

    /// Returns the network that answers, its last layer, and the layer's input.
    pub fn answers<'p>(&self, pixels: &'p [u8], activations: &'p [u8]) -> (usize, &Layer<'a>, &'p [u8]) {
        match &self.second {
            Some((margin, second)) if self.difference(activations) < i64::from(*margin) => (1, second, pixels),
            _ => (0, &self.last, activations),
        }
    }

    /// Returns the difference of the two largest logits of the first network; the largest possible
    /// one for a single logit.
    fn difference(&self, activations: &[u8]) -> i64 {
        let mut logits = [i64::MIN / 2; MAX_OUTPUTS];
        logits.iter_mut().zip(self.last.outputs(activations)).for_each(|(place, logit)| *place = logit);
        logits.sort_unstable_by(|one, other| other.cmp(one));
        logits[0] - logits[1]
    }

    /// Writes the blob and returns its length, or `None` if `buffer` is too short.
    #[inline(never)]
    pub fn encode(&self, buffer: &mut [u8]) -> Result<Option<usize>, EncodeError> {
        let (image, classes) = (self.case.input(), self.case.classes);
        let layers = [self.walk.source(), self.last.source()];
        match &self.second {
            None => network::write(image, classes, &[NetworkSource::only(&layers)], buffer),
            Some((margin, second)) => {
                let second = [second.source()];
                let first = NetworkSource { layers: &layers, margin: Some(*margin) };
                network::write(image, classes, &[first, NetworkSource::only(&second)], buffer)
            }
        }
    }
}
