//! Chains of weight matrices whose shapes lead from the pixels to the classes.

use shared_model::{MAX_LAYERS, MAX_WIDTH};

use super::error::LayersError;
use super::layer::Layer;
use super::orientation::Orientation;
use super::tensors::Tensor;

/// A matrix that may contain the weights of a layer.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub weight: &'a Tensor<'a>,
    pub shape: [usize; 2],
    pub bias: Option<&'a Tensor<'a>>,
    /// The orientation that the user named.
    pub asked: Option<Orientation>,
    /// The orientation that the tensor's name implies.
    pub convention: Option<Orientation>,
}

impl Candidate<'_> {
    /// Returns the output count and the orientation if the matrix accepts `inputs`; the orientation
    /// is `None` for a square matrix.
    pub fn take(&self, inputs: usize) -> Option<(usize, Option<Orientation>)> {
        let [first, second] = self.shape;
        let fits = |orientation, taken: usize| taken == inputs && self.asked.is_none_or(|asked| asked == orientation);
        match (fits(Orientation::OutIn, second), fits(Orientation::InOut, first)) {
            (true, true) => Some((first, None)),
            (true, false) => Some((first, Some(Orientation::OutIn))),
            (false, true) => Some((second, Some(Orientation::InOut))),
            (false, false) => None,
        }
    }
}

/// Returns the shape of `tensor` if it is a matrix.
pub fn matrix(tensor: &Tensor<'_>) -> Option<[usize; 2]> {
    match tensor.shape[..] {
        [first, second] if first > 0 && second > 0 => Some([first, second]),
        _ => None,
    }
}

/// Returns the only chain of `candidates` from `pixels` to `classes`.
pub fn choose<'c, 'a>(
    candidates: &'c [Candidate<'a>],
    pixels: usize,
    classes: usize,
) -> Result<Vec<&'c Candidate<'a>>, LayersError> {
    if candidates.is_empty() {
        return Err(LayersError::Unnamed);
    }
    let last = candidates.iter().try_fold(pixels, |width, candidate| Some(candidate.take(width)?.0));
    if last == Some(classes) {
        return Ok(candidates.iter().collect());
    }
    let several = || LayersError::Several { pixels, classes };
    let mut search = Search { candidates, classes, steps: MAX_STEPS, found: Vec::new() };
    search.extend(pixels, &mut Vec::new()).ok_or_else(several)?;
    let mut chains = search.found;
    if chains.iter().any(|chain| chain.len() == candidates.len()) {
        chains.retain(|chain| chain.len() == candidates.len());
    }
    match &chains[..] {
        [] => Err(LayersError::NoChain { pixels, classes }),
        [chain] => Ok(chain.iter().filter_map(|&index| candidates.get(index)).collect()),
        _ => Err(several()),
    }
}

/// Candidates examined before a search gives up: hundreds of layers of the same shape have too many
/// orders.
const MAX_STEPS: u32 = 1_000_000;

/// A search for all chains of candidates, in any order.
struct Search<'c, 'a> {
    candidates: &'c [Candidate<'a>],
    classes: usize,
    steps: u32,
    found: Vec<Vec<usize>>,
}

impl Search<'_, '_> {
    /// Collects all chains that begin with `chain`, which has `width` outputs. Returns `None` if
    /// there are too many.
    fn extend(&mut self, width: usize, chain: &mut Vec<usize>) -> Option<()> {
        if width == self.classes && !chain.is_empty() {
            self.found.push(chain.clone());
        }
        if chain.len() == MAX_LAYERS {
            return Some(());
        }
        for (index, candidate) in self.candidates.iter().enumerate() {
            self.steps = self.steps.checked_sub(1)?;
            if let Some((outputs, _)) = candidate.take(width)
                && !chain.contains(&index)
            {
                chain.push(index);
                self.extend(outputs, chain)?;
                chain.pop();
            }
        }
        Some(())
    }
}

/// Finds the orientation of each matrix of `chain`: by its shape; for a square matrix by its name,
/// unless another matrix's shape contradicts its name.
pub fn orient<'a>(chain: &[&Candidate<'a>], pixels: usize) -> Result<Vec<Layer<'a>>, LayersError> {
    let (mut layers, mut contradicted, mut inputs) = (Vec::with_capacity(chain.len()), false, pixels);
    for candidate in chain {
        let no_fit =
            || LayersError::NoFit { name: candidate.weight.name.clone(), inputs, orientation: candidate.asked };
        let (outputs, found) = candidate.take(inputs).ok_or_else(no_fit)?;
        contradicted |= found.is_some() && candidate.convention.is_some() && found != candidate.convention;
        layers.push((*candidate, inputs, outputs, found));
        inputs = outputs;
    }
    if layers.len() > MAX_LAYERS || layers.iter().any(|(_, inputs, outputs, _)| *inputs.max(outputs) > MAX_WIDTH) {
        return Err(LayersError::Size);
    }
    let layers = layers.into_iter().map(|(&Candidate { weight, bias, convention, .. }, inputs, outputs, found)| {
        let orientation = found.or(convention.filter(|_| !contradicted));
        let orientation = orientation.ok_or_else(|| LayersError::Square(weight.name.clone()))?;
        Ok(Layer { weight, bias, orientation, is_by_name: found.is_none(), inputs, outputs })
    });
    layers.collect()
}
