//! Chains of weight matrices whose shapes lead from the pixels to the classes.

use prenda::{MAX_LAYERS, MAX_WIDTH};

use super::error::LayersError;
use super::layer::{Layer, LayerChoice, Reads};
use super::name::{Convention, Place};
use super::orientation::Orientation;
use super::tensors::{ByName, Tensor};

/// A tensor that may contain the weights of a layer.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    pub weight: &'a Tensor<'a>,
    pub bias: Option<&'a Tensor<'a>>,
    /// The orientation that the user named.
    pub asked: Option<Orientation>,
    /// The orientation that the tensor's name implies.
    pub convention: Option<Orientation>,
}

impl<'a> Candidate<'a> {
    /// Returns the candidate with the weights `weight`, if its name follows a convention.
    pub fn of(weight: &'a Tensor<'a>, by_name: &ByName<'a>) -> Option<Self> {
        let Convention { orientation, bias } = Convention::of(&weight.name)?;
        let bias = by_name.get(bias.as_str()).copied();
        Some(Self { weight, bias, asked: None, convention: Some(orientation) })
    }

    /// Returns the candidate that `choice` names. Without biases, it takes the tensor that goes
    /// with the name of the weights, if there is one.
    pub fn chosen(choice: &LayerChoice, by_name: &ByName<'a>) -> Result<Self, LayersError> {
        let unknown = |name: &str| LayersError::Unknown(name.to_owned());
        let tensor = |name: &str| by_name.get(name).copied().ok_or_else(|| unknown(name));
        let (weight, bias) = choice.split(|name| by_name.contains_key(name)).map_err(unknown)?;
        let (weight, bias) = (tensor(weight)?, bias.map(tensor).transpose()?);
        let found = Self::of(weight, by_name);
        let (own_bias, convention) = found.map_or((None, None), |found| (found.bias, found.convention));
        Ok(Self { weight, bias: bias.or(own_bias), asked: choice.orientation, convention })
    }

    /// Returns the output count and the orientation if this is a matrix that accepts `inputs`; the
    /// orientation is `None` for a square matrix.
    pub fn take(&self, inputs: usize) -> Option<(usize, Option<Orientation>)> {
        let [first, second] = matrix(self.weight)?;
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

/// Most chains that are found: one more than an error lists.
const MAX_CHAINS: usize = MAX_LISTED_CHAINS + 1;

/// Most chains that an error lists.
pub const MAX_LISTED_CHAINS: usize = 3;

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
    if candidates.len() > MAX_LAYERS && last == Some(classes) {
        return Err(LayersError::Size);
    }
    match chains(candidates, pixels, classes).as_deref() {
        Some([]) => {
            let takes_pixels = candidates.iter().any(|candidate| candidate.take(pixels).is_some());
            let gives_classes = candidates.iter().any(|candidate| candidate.weight.shape.contains(&classes));
            Err(LayersError::NoChain { pixels, classes, takes_pixels, gives_classes })
        }
        Some([chain]) => Ok(chain.iter().filter_map(|&index| candidates.get(index)).collect()),
        _ => Err(LayersError::Several { pixels, classes }),
    }
}

/// Returns chains of `candidates`, as indices, from `pixels` to `classes`: all in the order that
/// numbers in their names show, otherwise all in any order, otherwise some of them. Returns at most
/// [`MAX_CHAINS`], or `None` if there are too many to try.
pub fn chains(candidates: &[Candidate<'_>], pixels: usize, classes: usize) -> Option<Vec<Vec<usize>>> {
    let take = |candidate: &Candidate<'_>, width| Some(candidate.take(width)?.0);
    match whole_chains(candidates, pixels, classes, &take)? {
        found if found.is_empty() => Search::new(candidates, classes, &take, [false, true]).from(pixels),
        found => Some(found),
    }
}

/// Returns chains of all `candidates`, as indices, from the state `start` to `end`: in the order
/// that numbers in their names show, otherwise in any order. `take` returns the state after a
/// candidate, if it fits. Returns at most [`MAX_CHAINS`], or `None` if there are too many to try.
pub fn whole_chains(
    candidates: &[Candidate<'_>],
    start: usize,
    end: usize,
    take: &dyn Fn(&Candidate<'_>, usize) -> Option<usize>,
) -> Option<Vec<Vec<usize>>> {
    if candidates.len() > MAX_LAYERS {
        return Some(Vec::new());
    }
    match Search::new(candidates, end, take, [true, true]).from(start)? {
        found if found.is_empty() => Search::new(candidates, end, take, [true, false]).from(start),
        found => Some(found),
    }
}

/// Candidates examined before a search gives up: hundreds of layers of the same shape have too many
/// orders.
const MAX_STEPS: u32 = 1_000_000;

/// A search for chains of candidates.
struct Search<'c, 'a> {
    candidates: &'c [Candidate<'a>],
    places: Vec<Place>,
    /// The state after a chain.
    end: usize,
    take: &'c dyn Fn(&Candidate<'_>, usize) -> Option<usize>,
    /// Chains contain all candidates.
    is_whole: bool,
    /// Chains obey the order that names show.
    is_ordered: bool,
    steps: u32,
    found: Vec<Vec<usize>>,
}

impl<'c, 'a> Search<'c, 'a> {
    fn new(
        candidates: &'c [Candidate<'a>],
        end: usize,
        take: &'c dyn Fn(&Candidate<'_>, usize) -> Option<usize>,
        [is_whole, is_ordered]: [bool; 2],
    ) -> Self {
        let places = candidates.iter().map(|candidate| Place::of(&candidate.weight.name)).collect();
        Self { candidates, places, end, take, is_whole, is_ordered, steps: MAX_STEPS, found: Vec::new() }
    }

    /// Returns chains from the state `start`, or `None` if there are too many to try.
    fn from(mut self, start: usize) -> Option<Vec<Vec<usize>>> {
        self.extend(start, &mut Vec::new())?;
        Some(self.found)
    }

    /// Collects chains that begin with `chain`, which leads to `state`. Returns `None` if there are
    /// too many to try.
    fn extend(&mut self, state: usize, chain: &mut Vec<usize>) -> Option<()> {
        if state == self.end && !chain.is_empty() && (!self.is_whole || chain.len() == self.candidates.len()) {
            self.found.push(chain.clone());
        }
        if chain.len() == MAX_LAYERS {
            return Some(());
        }
        for (index, candidate) in self.candidates.iter().enumerate() {
            if self.found.len() == MAX_CHAINS {
                return Some(());
            }
            self.steps = self.steps.checked_sub(1)?;
            if let Some(next) = (self.take)(candidate, state)
                && !chain.contains(&index)
                && !(self.is_ordered && self.precedes_any(index, chain))
            {
                chain.push(index);
                self.extend(next, chain)?;
                chain.pop();
            }
        }
        Some(())
    }

    /// Returns true if the candidate `index` comes before one of `chain`.
    fn precedes_any(&self, index: usize, chain: &[usize]) -> bool {
        let place = |index: usize| self.places.get(index);
        chain.iter().filter_map(|&other| place(other)).any(|other| place(index).is_some_and(|own| own.precedes(other)))
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
        let (is_by_name, reads) = (found.is_none(), Reads::all(inputs));
        Ok(Layer { weight, bias, orientation, is_by_name, is_dense: true, reads, outputs })
    });
    layers.collect()
}
