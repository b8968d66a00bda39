//! Computes weights that a file stores in parts: pruning masks and weight normalization.

use std::collections::{HashMap, HashSet};

use super::error::ImportError;
use super::name::natural_key;
use super::tensors::Tensor;

/// A tensor's shape and numbers.
type Numbers<'a> = (&'a [usize], &'a [f32]);

/// A way to store one tensor as two.
struct Parts {
    /// Endings of the names of the two.
    endings: [&'static str; 2],
    /// Computes the tensor's numbers from the shape and the numbers of both; `None` if the shapes
    /// do not fit.
    combine: fn([Numbers<'_>; 2]) -> Option<Vec<f64>>,
}

/// Masks come first: a normalized direction may be pruned.
const PARTS: [Parts; 3] = [
    // torch.nn.utils.prune
    Parts { endings: ["_orig", "_mask"], combine: mask },
    // torch.nn.utils.weight_norm
    Parts { endings: ["_g", "_v"], combine: normalize },
    // torch.nn.utils.parametrizations.weight_norm
    Parts { endings: [".original0", ".original1"], combine: normalize },
];

/// Component of a name that PyTorch's parametrizations add.
const PARAMETRIZATIONS: &str = "parametrizations.";

/// Returns `tensors` with those that are stored in parts computed, and a sentence about each.
pub fn resolve(mut tensors: Vec<Tensor<'_>>) -> Result<(Vec<Tensor<'_>>, Vec<String>), ImportError> {
    let mut notes = Vec::new();
    for Parts { endings: [first, second], combine } in &PARTS {
        let by_name: HashMap<&str, usize> =
            tensors.iter().enumerate().map(|(index, tensor)| (tensor.name.as_str(), index)).collect();
        let mut parametrized: HashMap<&str, usize> = HashMap::new();
        for name in tensors.iter().filter_map(|tensor| parametrized_name(&tensor.name)) {
            *parametrized.entry(name).or_default() += 1;
        }
        let (mut used, mut found) = (HashSet::new(), Vec::new());
        for (index, tensor) in tensors.iter().enumerate() {
            let Some(base) = tensor.name.strip_suffix(first) else { continue };
            if !base.ends_with("weight") && !base.ends_with("bias") {
                continue;
            }
            let Some(&other) = by_name.get(format!("{base}{second}").as_str()) else { continue };
            let name = base.replacen(PARAMETRIZATIONS, "", 1);
            // Another parametrization of the same tensor would change it once more.
            let is_changed_again = parametrized.get(base).is_some_and(|count| *count > 2);
            let Some(partner) = tensors.get(other) else { continue };
            if by_name.contains_key(name.as_str()) || is_changed_again {
                continue;
            }
            used.extend([index, other]);
            let other = partner;
            let numbers = [tensor.checked_numbers()?, other.checked_numbers()?];
            let [one, two] = &numbers;
            let numbers = combine([(&tensor.shape, one), (&other.shape, two)]).ok_or_else(|| ImportError::Parts {
                names: [tensor.name.clone(), other.name.clone()],
                shapes: [tensor.shape.clone(), other.shape.clone()],
            })?;
            notes.push(format!(
                "{}: computed from {} and {}",
                name.escape_debug(),
                tensor.name.escape_debug(),
                other.name.escape_debug()
            ));
            found.push(Tensor::computed(name, other.shape.clone(), numbers));
        }
        let rest = tensors.into_iter().enumerate().filter(|(index, _)| !used.contains(index));
        tensors = rest.map(|(_, tensor)| tensor).chain(found).collect();
    }
    tensors.sort_by_cached_key(|tensor| natural_key(&tensor.name));
    Ok((tensors, notes))
}

/// Returns the beginning of `name` that all parts of a parametrized tensor share.
fn parametrized_name(name: &str) -> Option<&str> {
    let start = name.find(PARAMETRIZATIONS)? + PARAMETRIZATIONS.len();
    let length = name.get(start..)?.find('.')?;
    name.get(..start + length)
}

/// Multiplies weights with their mask.
fn mask([(shape, weights), (other, mask)]: [Numbers<'_>; 2]) -> Option<Vec<f64>> {
    let product = |(weight, mask): (&f32, &f32)| f64::from(*weight) * f64::from(*mask);
    (shape == other).then(|| weights.iter().zip(mask).map(product).collect())
}

/// Scales directions to the lengths: one for each index of the first dimension or of the last, or
/// one for all.
fn normalize([(shape, lengths), (other, directions)]: [Numbers<'_>; 2]) -> Option<Vec<f64>> {
    let (&first, &last) = (other.first()?, other.last()?);
    let is_one = |sizes: &[usize]| sizes.iter().all(|size| *size == 1);
    let is_whole = shape.len() == other.len();
    let of_first = directions.len() / first.max(1);
    // The length that belongs to an entry.
    let index: &dyn Fn(usize) -> usize = match shape {
        [found, rest @ ..] if is_whole && *found == first && is_one(rest) => &|entry| entry / of_first.max(1),
        [rest @ .., found] if is_whole && *found == last && is_one(rest) => &|entry| entry % last.max(1),
        sizes if is_one(sizes) => &|_| 0,
        _ => return None,
    };
    let mut squares = vec![0.0; lengths.len()];
    for (entry, &value) in directions.iter().enumerate() {
        *squares.get_mut(index(entry))? += f64::from(value).powi(2);
    }
    let factors: Vec<f64> = lengths.iter().zip(&squares).map(|(&length, sum)| f64::from(length) / sum.sqrt()).collect();
    directions.iter().enumerate().map(|(entry, &value)| Some(f64::from(value) * factors.get(index(entry))?)).collect()
}
