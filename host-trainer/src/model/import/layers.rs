//! Finds the dense layers among named tensors: the names say which weights and biases belong together, the shapes how the
//! layers follow one another.

use std::collections::HashMap;
use std::str::FromStr;

use serde::Serialize;
use shared_model::{MAX_LAYERS, MAX_WIDTH};

use super::error::{ImportError, LayersError};
use super::name::Convention;
use super::tensors::Tensor;
use crate::network::DenseParameters;

/// How a matrix of weights lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orientation {
    /// `[output, input]`, as PyTorch has it.
    OutIn,
    /// `[input, output]`, as Keras has it.
    InOut,
}

impl Orientation {
    /// The name, as the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutIn => "out-in",
            Self::InOut => "in-out",
        }
    }
}

/// A layer as the command line names it: `WEIGHT[,BIAS][,in-out|out-in]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerChoice {
    weight: String,
    bias: Option<String>,
    orientation: Option<Orientation>,
}

impl FromStr for LayerChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts: Vec<&str> = text.split(',').collect();
        let orientation =
            [Orientation::OutIn, Orientation::InOut].into_iter().find(|found| parts.last() == Some(&found.name()));
        if orientation.is_some() {
            parts.pop();
        }
        match parts[..] {
            [weight] if !weight.is_empty() => Ok(Self { weight: weight.to_owned(), bias: None, orientation }),
            [weight, bias] if !weight.is_empty() && !bias.is_empty() => {
                Ok(Self { weight: weight.to_owned(), bias: Some(bias.to_owned()), orientation })
            }
            _ => Err("not of the form WEIGHT[,BIAS][,in-out|out-in]"),
        }
    }
}

/// A dense layer of a file.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    /// Its weights.
    pub weight: &'a Tensor<'a>,
    /// Its biases, if it has any.
    pub bias: Option<&'a Tensor<'a>>,
    /// How the weights lie.
    pub orientation: Orientation,
    /// Whether it is their name alone that says so: they are square.
    pub is_by_name: bool,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs.
    pub outputs: usize,
}

impl Layer<'_> {
    /// Its numbers.
    ///
    /// # Errors
    ///
    /// Where they are not finite, or no floating-point numbers.
    pub fn parameters(&self) -> Result<DenseParameters, ImportError> {
        let (inputs, outputs) = (self.inputs, self.outputs);
        let weights = numbers(self.weight)?;
        let biases = self.bias.map_or_else(|| Ok(vec![0.0; outputs]), numbers)?;
        Ok(match self.orientation {
            Orientation::OutIn => DenseParameters::from_rows(inputs, outputs, &weights, biases),
            Orientation::InOut => DenseParameters { inputs, outputs, weights, biases },
        })
    }
}

fn numbers(tensor: &Tensor<'_>) -> Result<Vec<f32>, ImportError> {
    let name = || tensor.name.clone();
    let numbers = tensor.numbers();
    let numbers = numbers.ok_or_else(|| ImportError::DataType { name: name(), data_type: tensor.data_type() })?;
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(position) => Err(ImportError::NotFinite { name: name(), position, value: numbers[position] }),
        None => Ok(numbers),
    }
}

/// The layers of the network that leads from `pixels` to `classes`.
///
/// All weights by their names, in the order of `tensors`, if their shapes follow one another so; else in the one order in
/// which they do; else the one choice of them that leads there.
///
/// # Errors
///
/// Where there is no such network, or more than one.
pub fn find<'a>(tensors: &'a [Tensor<'a>], pixels: usize, classes: usize) -> Result<Vec<Layer<'a>>, ImportError> {
    let by_name = by_name(tensors);
    let candidates: Vec<_> = tensors
        .iter()
        .filter_map(|weight| {
            let Convention { orientation, bias } = Convention::of(&weight.name)?;
            let bias = by_name.get(bias.as_str()).copied();
            Some(Candidate { weight, shape: matrix(weight)?, bias, asked: None, convention: Some(orientation) })
        })
        .collect();
    let found = choose(&candidates, pixels, classes).and_then(|chain| orient(&chain, pixels));
    finish(found, tensors)
}

/// The layers that `choices` name, first to last, as a network from `pixels` to `classes`. Where one has no biases,
/// they are those that go with the name of the weights, if there are any.
///
/// # Errors
///
/// Where they are none.
pub fn follow<'a>(
    choices: &[LayerChoice],
    tensors: &'a [Tensor<'a>],
    pixels: usize,
    classes: usize,
) -> Result<Vec<Layer<'a>>, ImportError> {
    let found = obey(choices, &by_name(tensors), pixels, classes);
    finish(found, tensors)
}

type ByName<'a> = HashMap<&'a str, &'a Tensor<'a>>;

fn by_name<'a>(tensors: &'a [Tensor<'a>]) -> ByName<'a> {
    tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect()
}

/// A matrix that may be the weights of a layer.
#[derive(Clone, Debug)]
struct Candidate<'a> {
    weight: &'a Tensor<'a>,
    shape: [usize; 2],
    bias: Option<&'a Tensor<'a>>,
    /// How it lies, as the user says.
    asked: Option<Orientation>,
    /// How it lies, as its name says.
    convention: Option<Orientation>,
}

impl Candidate<'_> {
    /// Its outputs and how it lies, if it takes `inputs`. Of a square one the latter remains open.
    fn take(&self, inputs: usize) -> Option<(usize, Option<Orientation>)> {
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

/// The shape of `tensor`, if it is that of weights.
fn matrix(tensor: &Tensor<'_>) -> Option<[usize; 2]> {
    match tensor.shape[..] {
        [first, second] if first > 0 && second > 0 => Some([first, second]),
        _ => None,
    }
}

fn obey<'a>(
    choices: &[LayerChoice],
    by_name: &ByName<'a>,
    pixels: usize,
    classes: usize,
) -> Result<Vec<Layer<'a>>, LayersError> {
    let tensor = |name: &str| by_name.get(name).copied().ok_or_else(|| LayersError::Unknown(name.to_owned()));
    let mut width = pixels;
    let mut chain: Vec<Candidate<'a>> = Vec::with_capacity(choices.len());
    for LayerChoice { weight: name, bias, orientation } in choices {
        let weight = tensor(name)?;
        if chain.iter().any(|earlier| earlier.weight.name == *name) {
            return Err(LayersError::Twice(name.clone()));
        }
        let convention = Convention::of(name);
        let bias = match bias {
            Some(bias) => Some(tensor(bias)?),
            None => convention.as_ref().and_then(|convention| by_name.get(convention.bias.as_str()).copied()),
        };
        let shape = matrix(weight).ok_or_else(|| LayersError::NoMatrix(name.clone()))?;
        let convention = convention.map(|convention| convention.orientation);
        let candidate = Candidate { weight, shape, bias, asked: *orientation, convention };
        let no_fit = || LayersError::NoFit { name: name.clone(), inputs: width, orientation: *orientation };
        (width, _) = candidate.take(width).ok_or_else(no_fit)?;
        chain.push(candidate);
    }
    if width != classes {
        return Err(LayersError::Last { outputs: width, classes });
    }
    orient(&chain.iter().collect::<Vec<_>>(), pixels)
}

/// The one chain of `candidates` from `pixels` to `classes`.
fn choose<'c, 'a>(
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

/// Looks at candidates before a search gives up: hundreds of layers that all fit together have too many orders.
const MAX_STEPS: u32 = 1_000_000;

/// All chains of candidates, in any order.
struct Search<'c, 'a> {
    candidates: &'c [Candidate<'a>],
    classes: usize,
    steps: u32,
    found: Vec<Vec<usize>>,
}

impl Search<'_, '_> {
    /// Collects all chains that begin with `chain`, which has `width` outputs. Nothing where there are too many.
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

/// Says how each of `chain` lies: by its shape; of a square one, by its name, if no other name is belied by a shape.
fn orient<'a>(chain: &[&Candidate<'a>], pixels: usize) -> Result<Vec<Layer<'a>>, LayersError> {
    let (mut layers, mut belied, mut inputs) = (Vec::with_capacity(chain.len()), false, pixels);
    for candidate in chain {
        let no_fit =
            || LayersError::NoFit { name: candidate.weight.name.clone(), inputs, orientation: candidate.asked };
        let (outputs, found) = candidate.take(inputs).ok_or_else(no_fit)?;
        belied |= found.is_some() && candidate.convention.is_some() && found != candidate.convention;
        layers.push((*candidate, inputs, outputs, found));
        inputs = outputs;
    }
    if layers.len() > MAX_LAYERS || layers.iter().any(|(_, inputs, outputs, _)| *inputs.max(outputs) > MAX_WIDTH) {
        return Err(LayersError::Size);
    }
    let layers = layers.into_iter().map(|(&Candidate { weight, bias, convention, .. }, inputs, outputs, found)| {
        let orientation = found.or(convention.filter(|_| !belied));
        let orientation = orientation.ok_or_else(|| LayersError::Square(weight.name.clone()))?;
        Ok(Layer { weight, bias, orientation, is_by_name: found.is_none(), inputs, outputs })
    });
    layers.collect()
}

/// The layers with biases that fit, or the error with a list of `tensors`.
fn finish<'a>(
    found: Result<Vec<Layer<'a>>, LayersError>,
    tensors: &[Tensor<'_>],
) -> Result<Vec<Layer<'a>>, ImportError> {
    let layers = found.map_err(|reason| ImportError::Layers { reason, listing: listing(tensors) })?;
    for Layer { weight, bias, outputs, .. } in &layers {
        if let Some(bias) = bias.filter(|bias| bias.shape != [*outputs]) {
            return Err(ImportError::Bias {
                bias: bias.name.clone(),
                bias_shape: bias.shape.clone(),
                weight: weight.name.clone(),
                outputs: *outputs,
            });
        }
    }
    Ok(layers)
}

/// Tensors that an error lists.
const LISTED: usize = 40;

/// What `tensors` there are, and how to choose among them.
fn listing(tensors: &[Tensor<'_>]) -> String {
    let mut text = "\nThe file has\n".to_owned();
    for tensor in tensors.iter().take(LISTED) {
        text += &format!("  {} {:?}, {}\n", tensor.name.escape_debug(), tensor.shape, tensor.data_type());
    }
    if tensors.len() > LISTED {
        text += &format!("  and {} more\n", tensors.len() - LISTED);
    }
    let by_name = by_name(tensors);
    let example = tensors.iter().filter(|tensor| matrix(tensor).is_some()).take(MAX_LAYERS).map(|tensor| {
        let convention = Convention::of(&tensor.name);
        let bias =
            convention.as_ref().map(|convention| convention.bias.as_str()).filter(|bias| by_name.contains_key(bias));
        let bias = bias.map(|bias| format!(",{}", bias.escape_debug())).unwrap_or_default();
        let orientation = convention.map_or(Orientation::OutIn, |convention| convention.orientation).name();
        format!(" --layer {}{bias},{orientation}", tensor.name.escape_debug())
    });
    let example: String = example.collect();
    if !example.is_empty() {
        text += "Name the layers, first to last, by --layer WEIGHT[,BIAS][,in-out|out-in] each; those of the network out of\n ";
        text += &example;
    }
    text
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;

    use super::*;
    use crate::model::import::TensorFile;
    use crate::model::import::tensors::tests::file;

    /// A file of `f32` tensors of zeros.
    fn shapes(tensors: &[(&str, &[usize])]) -> TensorFile {
        let data: Vec<Vec<u8>> =
            tensors.iter().map(|(_, shape)| vec![0; 4 * shape.iter().product::<usize>()]).collect();
        let tensors: Vec<_> = tensors
            .iter()
            .zip(&data)
            .map(|((name, shape), data)| (*name, Dtype::F32, *shape, data.as_slice()))
            .collect();
        file(&tensors)
    }

    /// What is found from 6 pixels to 2 classes, as a command line would name it; or the error.
    fn found(tensors: &[(&str, &[usize])], choices: &[&str]) -> Result<String, String> {
        let file = shapes(tensors);
        let tensors = file.tensors().unwrap();
        let layers = if choices.is_empty() {
            find(&tensors, 6, 2)
        } else {
            let choices: Vec<_> = choices.iter().map(|choice| choice.parse().unwrap()).collect();
            follow(&choices, &tensors, 6, 2)
        };
        let text = |layer: &Layer<'_>| {
            let bias = layer.bias.map(|bias| format!(",{}", bias.name)).unwrap_or_default();
            format!("{}{bias},{}", layer.weight.name, layer.orientation.name())
        };
        layers.map(|layers| layers.iter().map(text).collect::<Vec<_>>().join(" ")).map_err(|error| error.to_string())
    }

    #[test]
    fn layers_are_found_by_both_conventions() {
        let pytorch: &[(&str, &[usize])] =
            &[("0.weight", &[4, 6]), ("0.bias", &[4]), ("10.weight", &[2, 5]), ("2.weight", &[5, 4]), ("2.bias", &[5])];
        assert_eq!(found(pytorch, &[]).unwrap(), "0.weight,0.bias,out-in 2.weight,2.bias,out-in 10.weight,out-in");
        let keras: &[(&str, &[usize])] = &[
            ("dense/kernel:0", &[6, 4]),
            ("dense/bias:0", &[4]),
            ("dense_10/kernel:0", &[5, 2]),
            ("dense_2/kernel:0", &[4, 5]),
            ("optimizer/iteration", &[]),
        ];
        let expected = "dense/kernel:0,dense/bias:0,in-out dense_2/kernel:0,in-out dense_10/kernel:0,in-out";
        assert_eq!(found(keras, &[]).unwrap(), expected);
        // The shapes count, not the names.
        assert_eq!(
            found(&[("a.weight", &[6, 4]), ("b.kernel", &[2, 4])], &[]).unwrap(),
            "a.weight,in-out b.kernel,out-in"
        );
    }

    #[test]
    fn shapes_find_the_order_that_names_do_not_have() {
        let layers: &[(&str, &[usize])] =
            &[("first.weight", &[4, 6]), ("between.weight", &[5, 4]), ("a.weight", &[2, 5])];
        assert_eq!(found(layers, &[]).unwrap(), "first.weight,out-in between.weight,out-in a.weight,out-in");
        let more: &[(&str, &[usize])] = &[("fc.weight", &[2, 6]), ("embedding.weight", &[9, 7])];
        assert_eq!(found(more, &[]).unwrap(), "fc.weight,out-in");
    }

    #[test]
    fn a_square_layer_goes_by_its_name_unless_other_names_are_belied() {
        let square =
            |first: &'static [usize]| found(&[("0.weight", first), ("2.weight", &[4, 4]), ("4.weight", &[2, 4])], &[]);
        assert_eq!(square(&[4, 6]).unwrap(), "0.weight,out-in 2.weight,out-in 4.weight,out-in");
        let error = square(&[6, 4]).unwrap_err();
        assert!(error.contains("weights 2.weight are square") && error.contains("2.weight [4, 4]"), "{error}");
        let tensors: &[(&str, &[usize])] = &[("0.weight", &[6, 6]), ("1.kernel", &[6, 6]), ("w", &[2, 6])];
        let asked = ["0.weight", "1.kernel", "w"];
        assert_eq!(found(tensors, &asked).unwrap(), "0.weight,out-in 1.kernel,in-out w,out-in");
        assert_eq!(
            found(tensors, &["0.weight,in-out", "1.kernel,out-in", "w"]).unwrap(),
            "0.weight,in-out 1.kernel,out-in w,out-in"
        );
        assert!(found(&[("w", &[6, 6]), ("v", &[2, 6])], &["w", "v"]).unwrap_err().contains("weights w are square"));
    }

    #[test]
    fn what_is_not_clear_is_refused_with_a_list() {
        let twice: &[(&str, &[usize])] =
            &[("a.weight", &[4, 6]), ("b.weight", &[2, 4]), ("ema.a.weight", &[4, 6]), ("ema.b.weight", &[2, 4])];
        let error = found(twice, &[]).unwrap_err();
        assert!(error.contains("several rows of dense layers lead from 6 pixels to 2 classes"), "{error}");
        assert!(error.contains("ema.a.weight [4, 6], F32") && error.contains("--layer a.weight,out-in"), "{error}");
        assert_eq!(found(twice, &["a.weight", "b.weight"]).unwrap(), "a.weight,out-in b.weight,out-in");
        for (tensors, part) in [
            (&[("a.weight", &[4, 7][..])][..], "no row of these"),
            (&[("a.weight", &[4, 6]), ("b.weight", &[2, 5])], "no row of these"),
            (&[("w", &[2, 6])], "no matrix is named"),
            (&[("a.weight", &[0, 6]), ("b.weight", &[2, 0])], "no matrix is named"),
            (
                &[("a.weight", &[2, 6]), ("a.bias", &[3])],
                "bias a.bias has shape [3], but weights a.weight have 2 outputs",
            ),
            (&[("a.weight", &[20_000, 6]), ("b.weight", &[2, 20_000])], "at most 16384 inputs"),
        ] {
            let error = found(tensors, &[]).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        // A hundred layers of the same shape, in more orders than can be counted.
        let names: Vec<String> = (0..100).map(|index| format!("{index}.weight")).collect();
        let many: Vec<(&str, &[usize])> = names.iter().map(|name| (name.as_str(), &[6, 6][..])).collect();
        assert!(found(&many, &[]).unwrap_err().contains("several rows"));
    }

    #[test]
    fn choices_that_cannot_be_followed_are_refused() {
        let tensors: &[(&str, &[usize])] = &[("a/b:0", &[6, 2]), ("c.d", &[2]), ("e", &[2, 2, 2]), ("f", &[2, 2])];
        assert_eq!(found(tensors, &["a/b:0,c.d"]).unwrap(), "a/b:0,c.d,in-out");
        for (choices, part) in [
            (&["a/b:0", "x"][..], "there is no tensor x"),
            (&["a/b:0,x"], "there is no tensor x"),
            (&["a/b:0", "e"], "tensor e is no matrix"),
            (&["a/b:0,out-in"], "weights a/b:0 do not take 6 inputs, which is what comes before them, read as out-in"),
            (&["a/b:0", "f,in-out", "f,in-out"], "f is named twice"),
            (&["a/b:0", "a/b:0"], "a/b:0 is named twice"),
            (&["f"], "weights f do not take 6 inputs"),
        ] {
            let error = found(tensors, choices).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let error = found(&[("a", &[6, 3])], &["a"]).unwrap_err();
        assert!(error.contains("the last layer has 3 outputs, but the data set has 2 classes"), "{error}");
        for bad in ["", ",", "a,b,c", "in-out", "a,,in-out", ",b"] {
            LayerChoice::from_str(bad).expect_err(bad);
        }
    }

    #[test]
    fn weights_come_input_by_input_and_are_finite() {
        let data = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let parameters = |values: &[f32]| {
            let (weights, bias) = (data(values), data(&[7.0, 8.0]));
            let file = file(&[("a.weight", Dtype::F32, &[2, 6], &weights), ("a.bias", Dtype::F32, &[2], &bias)]);
            find(&file.tensors().unwrap(), 6, 2).unwrap()[0].parameters().map_err(|error| error.to_string())
        };
        let found = parameters(&[0., 1., 2., 3., 4., 5., 10., 11., 12., 13., 14., 15.]).unwrap();
        assert_eq!(found.weights, [0., 10., 1., 11., 2., 12., 3., 13., 4., 14., 5., 15.]);
        assert_eq!((found.inputs, found.outputs, found.biases), (6, 2, vec![7.0, 8.0]));
        let mut values = [0.0; 12];
        values[7] = f32::NAN;
        assert!(parameters(&values).unwrap_err().contains("tensor a.weight has NaN at position 7"));
    }
}
