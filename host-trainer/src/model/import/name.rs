//! Tensor names, by the conventions of PyTorch and Keras.

use super::orientation::Orientation;

/// The facts that the name of a weight matrix implies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convention {
    /// The orientation used by the framework that uses such names.
    pub orientation: Orientation,
    /// The name of the same layer's biases.
    pub bias: String,
}

impl Convention {
    /// Returns the convention of `name` if it is a name of weights: `fc1.weight`, `dense/kernel`,
    /// `dense/kernel:0`, `layers/dense/vars/0`.
    pub fn of(name: &str) -> Option<Self> {
        let (whole, variable) = match name.strip_suffix(":0") {
            Some(whole) => (whole, ":0"),
            None => (name, ""),
        };
        if let Some(layer) = whole.strip_suffix("vars/0").filter(|layer| layer.is_empty() || layer.ends_with('/')) {
            return Some(Self { orientation: Orientation::InOut, bias: format!("{layer}vars/1{variable}") });
        }
        let (layer, last) = split(whole);
        let orientation = match last {
            "weight" => Orientation::OutIn,
            "kernel" | "depthwise_kernel" => Orientation::InOut,
            _ => return None,
        };
        Some(Self { orientation, bias: format!("{layer}bias{variable}") })
    }
}

/// Characters between the components of a name.
pub const SEPARATORS: [char; 3] = ['.', '/', ':'];

/// Splits `name` after its last separator: the layer's name, and the tensor's in the layer.
pub fn split(name: &str) -> (&str, &str) {
    let start = name.rfind(SEPARATORS).map_or(0, |position| position + 1);
    name.split_at_checked(start).unwrap_or(("", name))
}

/// The place of a layer, as far as numbers in its name show it.
#[derive(Debug)]
pub struct Place(Vec<Part>);

impl Place {
    /// Returns the place of the layer with the tensor `name`.
    pub fn of(name: &str) -> Self {
        // In Keras' names, `dense` comes before `dense_1`.
        let is_path = name.contains('/');
        let parts = name.split(SEPARATORS).flat_map(|component| match component.chars().next_back() {
            Some(last) if is_path && !last.is_ascii_digit() => parts(&format!("{component}_0")),
            _ => [parts(component), vec![Part::Text(String::new())]].concat(),
        });
        Self(parts.collect())
    }

    /// Returns true if numbers show that this layer comes before `other`: `fc1` before `fc2`, but
    /// not `hidden_one` before `hidden_two`.
    pub fn precedes(&self, other: &Self) -> bool {
        match self.0.iter().zip(&other.0).find(|(part, other)| part != other) {
            Some((number @ Part::Number(..), other @ Part::Number(..))) => number < other,
            _ => false,
        }
    }
}

/// Returns true if the layer of `one` comes before that of `other`: see [`Place::precedes`].
pub fn precedes(one: &str, other: &str) -> bool {
    Place::of(one).precedes(&Place::of(other))
}

/// Returns a key that sorts numbers in names by value: `dense`, `dense_1`, `dense_2`, `dense_10`.
pub fn natural_key(name: &str) -> impl Ord + use<> {
    let parts: Vec<Vec<Part>> = name.split(SEPARATORS).map(parts).collect();
    (parts, name.to_owned())
}

/// Digits (their count, then the digits, without leading zeros: a longer number is larger), or
/// other text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(usize, String),
    Text(String),
}

fn parts(part: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = part;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|character: char| character.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (run, remainder) = rest.split_at(end);
        parts.push(if is_number {
            let digits = run.trim_start_matches('0');
            Part::Number(digits.len(), digits.to_owned())
        } else {
            Part::Text(run.to_owned())
        });
        rest = remainder;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_weights_are_recognized() {
        use Orientation::{InOut, OutIn};
        for (name, orientation, bias) in [
            ("fc1.weight", OutIn, "fc1.bias"),
            ("0.weight", OutIn, "0.bias"),
            ("weight", OutIn, "bias"),
            ("module.layers.2.weight", OutIn, "module.layers.2.bias"),
            ("dense/kernel", InOut, "dense/bias"),
            ("sequential/dense_1/kernel:0", InOut, "sequential/dense_1/bias:0"),
            ("params.Dense_0.kernel", InOut, "params.Dense_0.bias"),
            ("layers/dense/vars/0", InOut, "layers/dense/vars/1"),
            ("depthwise_conv2d/depthwise_kernel:0", InOut, "depthwise_conv2d/bias:0"),
        ] {
            assert_eq!(Convention::of(name), Some(Convention { orientation, bias: bias.to_owned() }), "{name}");
        }
        for name in ["fc1.bias", "w1", "", ":0", ".", "fc1.weight.exp_avg", "layers/dense/vars/1", "weights", "ovars/0"]
        {
            assert_eq!(Convention::of(name), None, "{name}");
        }
    }

    #[test]
    fn only_numbers_order_names() {
        for (one, other) in [
            ("0.weight", "2.weight"),
            ("layers.2.weight", "layers.10.weight"),
            ("fc1.weight", "fc2.weight"),
            ("block1.b.weight", "block2.a.weight"),
            ("dense/kernel", "dense_1/kernel"),
            ("net/dense_2/kernel:0", "net/dense_10/kernel:0"),
            ("batch_normalization/gamma", "batch_normalization_1/gamma"),
            ("2.running_mean", "3.weight"),
        ] {
            assert!(precedes(one, other) && !precedes(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("hidden_one.weight", "hidden_two.weight"),
            ("block_i.weight", "block_ii.weight"),
            ("encoder.0.weight", "decoder.1.weight"),
            ("fc.weight", "fc1.weight"),
            ("a.weight", "a.weight"),
            ("fc1.weight", "head.weight"),
        ] {
            assert!(!precedes(one, other) && !precedes(other, one), "{one} {other}");
        }
    }

    #[test]
    fn numbers_in_names_sort_by_value() {
        let sorted = [
            "0.weight",
            "2.weight",
            "10.weight",
            "dense/bias",
            "dense/kernel",
            "dense1/kernel",
            "dense_1/kernel:0",
            "dense_2/kernel:0",
            "dense_02/kernel:0",
            "dense_10/kernel:0",
            "layers.2.weight",
            "layers.10.weight",
        ];
        let mut names = sorted;
        names.reverse();
        names.sort_by_cached_key(|name| natural_key(name));
        // Names that differ only in leading zeros sort by their characters.
        let (one, other) = (names.iter().position(|name| *name == "dense_02/kernel:0"), 7);
        assert_eq!(one, Some(other));
        names.swap(7, 8);
        assert_eq!(names, sorted);
    }
}
