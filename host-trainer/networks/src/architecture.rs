//! The layers of a network in words: `conv 8 3x3 stride 2; maxpool 2x2; dense 10`.

use std::fmt;
use std::str::FromStr;

use prenda::{LayerKind, MAX_LAYERS, MAX_WIDTH, Shape, Window};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::geometry::LayerPlan;

/// The layers that the notation has.
const LAYERS: &str = "conv CHANNELS ROWSxCOLUMNS, depthwise ROWSxCOLUMNS, maxpool or avgpool ROWSxCOLUMNS or global, \
                      or dense OUTPUTS";

/// The options of a window.
const OPTIONS: &str = "stride N, same, valid or pad N";

/// The layers of a network, for images of any size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Architecture(Vec<Layer>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Dense { outputs: usize },
    Convolution { channels: u16, window: Frame },
    Depthwise(Frame),
    Pool { kind: Pool, window: Option<Frame> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pool {
    Max,
    Average,
}

/// A window, before the size of the image is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    kernel: [u8; 2],
    stride: [u8; 2],
    padding: Padding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    /// Enough for an output at each stride; the smaller half is first, as in Keras.
    Same,
    Valid,
    Sides(u8),
}

/// The reason why a network is impossible. Layers are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("layer {layer}: found {found}, expected {expected}")]
pub struct ArchitectureError {
    layer: usize,
    found: String,
    expected: String,
}

impl Architecture {
    /// Returns the network with dense layers of `hidden` neurons and one of `classes`.
    pub fn dense(hidden: &[usize], classes: usize) -> Self {
        Self(hidden.iter().chain([&classes]).map(|&outputs| Layer::Dense { outputs }).collect())
    }

    /// Returns the neurons of each hidden layer if all layers are dense.
    pub fn hidden(&self) -> Option<Vec<usize>> {
        let outputs = self.0.iter().map(|layer| match layer {
            Layer::Dense { outputs } => Some(*outputs),
            _ => None,
        });
        let mut hidden = outputs.collect::<Option<Vec<usize>>>()?;
        hidden.pop();
        Some(hidden)
    }

    /// Returns the outputs of each hidden layer that can be pruned: all with a matrix but depthwise
    /// convolutions.
    pub fn prunable_widths(&self) -> Vec<usize> {
        let hidden = self.0.split_last().map_or(&[][..], |(_, hidden)| hidden);
        let widths = hidden.iter().filter_map(|layer| match layer {
            Layer::Dense { outputs } => Some(*outputs),
            Layer::Convolution { channels, .. } => Some((*channels).into()),
            Layer::Depthwise(_) | Layer::Pool { .. } => None,
        });
        widths.collect()
    }

    /// Returns each layer in words, first to last.
    pub fn layers(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(ToString::to_string)
    }

    /// Returns the layers in the form of a file name: `conv-8-3x3_dense-10`.
    pub fn file_name(&self) -> String {
        self.to_string().replace("; ", "_").replace(' ', "-")
    }

    /// Returns the layers for images of the shape `image` and for `classes`.
    ///
    /// # Errors
    ///
    /// Returns an error if a window does not fit its image, or if the last layer does not have an
    /// output for each class.
    pub fn plan(&self, image: Shape, classes: usize) -> Result<Vec<LayerPlan>, ArchitectureError> {
        let mut input = image;
        let mut plans = Vec::with_capacity(self.0.len());
        for (index, layer) in self.0.iter().enumerate() {
            let plan = layer.plan(input).map_err(|(found, expected)| error(index, found, expected))?;
            input = plan.output;
            plans.push(plan);
        }
        match self.0.last() {
            Some(Layer::Dense { outputs }) if *outputs == classes => Ok(plans),
            last => {
                let found = last.map_or_else(|| "no layer".to_owned(), |layer| format!("{:?}", layer.to_string()));
                let expected = format!("\"dense {classes}\" at the end, one output for each class");
                Err(error(self.0.len().saturating_sub(1), found, expected))
            }
        }
    }
}

fn error(index: usize, found: String, expected: impl Into<String>) -> ArchitectureError {
    ArchitectureError { layer: index, found, expected: expected.into() }
}

impl Layer {
    /// Returns the layer for values of the shape `input`, or what was found and what is expected.
    fn plan(&self, input: Shape) -> Result<LayerPlan, (String, String)> {
        let (kind, channels) = match *self {
            Self::Dense { outputs } => (LayerKind::Dense, outputs.try_into().unwrap_or(u16::MAX)),
            Self::Convolution { channels, window } => (LayerKind::Convolution(window.of(input)?), channels),
            Self::Depthwise(window) => (LayerKind::Depthwise(window.of(input)?), input.channels),
            Self::Pool { kind, window } => {
                let window = match window {
                    Some(window) => window.of(input)?,
                    None => Window::covering(input).ok_or_else(|| {
                        let found = format!("an image of {}x{}", input.rows, input.columns);
                        (found, "at most 255 rows and columns for a global pool".to_owned())
                    })?,
                };
                let kind = match kind {
                    Pool::Max => LayerKind::MaxPool,
                    Pool::Average => LayerKind::AveragePool,
                };
                (kind(window), input.channels)
            }
        };
        let positions = kind.window().map_or(Ok([1, 1]), |window| window.positions(input));
        let [rows, columns] =
            positions.map_err(|error| (error.to_string(), "a window that fits its input".to_owned()))?;
        let output = Shape { rows, columns, channels };
        let plan = LayerPlan { kind, input, output };
        let inputs = plan.matrix().map_or(0, |[inputs, _]| inputs);
        if inputs > MAX_WIDTH {
            return Err((format!("a window of {inputs} values"), format!("at most {MAX_WIDTH}; make it smaller")));
        }
        if output.count() > MAX_WIDTH {
            let found = format!("an output of {rows}x{columns}x{channels}, {} values", output.count());
            return Err((found, format!("at most {MAX_WIDTH} values; use a larger stride or fewer channels")));
        }
        Ok(plan)
    }
}

impl Frame {
    /// Returns the window for an image of the shape `input`.
    fn of(self, input: Shape) -> Result<Window, (String, String)> {
        let Self { kernel, stride, padding } = self;
        let padding = match padding {
            Padding::Valid => [0; 4],
            Padding::Sides(pixels) => [pixels; 4],
            Padding::Same => Window::same_padding(kernel, stride, input),
        };
        for (axis, length) in [input.rows, input.columns].into_iter().enumerate() {
            let [length, kernel] = [length, kernel[axis].into()].map(u32::from);
            let [before, after] = [padding[axis], padding[axis + 2]].map(u32::from);
            let lines = ["rows", "columns"][axis];
            if kernel > length + before + after {
                let found = format!("a window of {}x{}", self.kernel[0], self.kernel[1]);
                let most = length + before + after;
                return Err((found, format!("at most {most} {lines}, those of its padded input")));
            }
            if before.max(after) >= kernel {
                let found = format!("a padding of {} {lines} for a window of {kernel}", before.max(after));
                return Err((found, "less padding than window".to_owned()));
            }
        }
        Ok(Window { kernel, stride, padding })
    }
}

impl FromStr for Architecture {
    type Err = ArchitectureError;

    fn from_str(text: &str) -> Result<Self, ArchitectureError> {
        let layers = text.split(';').enumerate().map(|(index, text)| {
            let words: Vec<&str> = text.split_whitespace().collect();
            layer(&words).map_err(|(found, expected)| error(index, found, expected))
        });
        let layers: Vec<Layer> = layers.collect::<Result<_, _>>()?;
        if layers.len() > MAX_LAYERS {
            let found = format!("{} layers", layers.len());
            return Err(error(MAX_LAYERS, found, format!("at most {MAX_LAYERS}")));
        }
        Ok(Self(layers))
    }
}

/// Parses a layer, or returns what was found and what is expected.
fn layer(words: &[&str]) -> Result<Layer, (String, String)> {
    match words {
        ["dense", outputs] => Ok(Layer::Dense { outputs: number(outputs, 1..=MAX_WIDTH, "outputs")? }),
        ["conv", channels, window @ ..] => {
            let channels = number(channels, 1..=MAX_WIDTH, "channels")? as u16;
            Ok(Layer::Convolution { channels, window: frame(window, None)? })
        }
        ["depthwise", window @ ..] => Ok(Layer::Depthwise(frame(window, None)?)),
        [name @ ("maxpool" | "avgpool"), window @ ..] => {
            let kind = if *name == "maxpool" { Pool::Max } else { Pool::Average };
            let window = match window {
                ["global"] => None,
                ["global", ..] => {
                    let expected = format!("{name} global alone: it covers its input, without stride and padding");
                    return Err((quoted(words), expected));
                }
                window => Some(frame(window, Some(Padding::Valid))?),
            };
            Ok(Layer::Pool { kind, window })
        }
        ["relu", ..] => Err((
            quoted(words),
            "no layer: ReLU follows each convolution and hidden dense layer; leave it out".to_owned(),
        )),
        _ => Err((quoted(words), LAYERS.to_owned())),
    }
}

fn quoted(words: &[&str]) -> String {
    if words.is_empty() { "nothing".to_owned() } else { format!("{:?}", words.join(" ")) }
}

fn number(text: &str, range: std::ops::RangeInclusive<usize>, of: &str) -> Result<usize, (String, String)> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| (format!("{text:?}"), format!("{}..={} {of}", range.start(), range.end())))
}

/// Parses a window and its options. `pool` is the default padding of a pool, whose stride is its
/// window unless it is given.
fn frame(words: &[&str], pool: Option<Padding>) -> Result<Frame, (String, String)> {
    let Some((kernel, mut options)) = words.split_first() else {
        return Err(("no window".to_owned(), "a window, for example 3x3".to_owned()));
    };
    let kernel = sides(kernel, "a window of 1..=255 rows and columns, for example 3x3")?;
    let (mut stride, mut padding) = (None, None);
    while let [option, rest @ ..] = options {
        options = match (*option, rest) {
            ("stride" | "pad", []) => {
                return Err((format!("\"{option}\" without a number"), format!("a number, for example {option} 2")));
            }
            ("stride", [sizes, rest @ ..]) if stride.is_none() => {
                let text = "a stride of 1..=255, for example 2 or 2x1";
                stride =
                    Some(sides(sizes, text).or_else(|error| sizes.parse().map(|size| [size; 2]).map_err(|_| error))?);
                if stride.is_some_and(|stride| stride.contains(&0)) {
                    return Err((format!("{sizes:?}"), text.to_owned()));
                }
                rest
            }
            ("pad", [pixels, rest @ ..]) if padding.is_none() => {
                padding = Some(Padding::Sides(number(pixels, 0..=255, "pixels of padding")? as u8));
                rest
            }
            ("same", rest) if padding.is_none() => {
                padding = Some(Padding::Same);
                rest
            }
            ("valid", rest) if padding.is_none() => {
                padding = Some(Padding::Valid);
                rest
            }
            _ => return Err((quoted(options), format!("{OPTIONS}, each at most once"))),
        };
    }
    Ok(Frame {
        kernel,
        stride: stride.unwrap_or(if pool.is_some() { kernel } else { [1, 1] }),
        padding: padding.or(pool).unwrap_or(Padding::Same),
    })
}

/// Parses rows and columns, for example `3x3`.
fn sides(text: &str, expected: &str) -> Result<[u8; 2], (String, String)> {
    let side = |text: &str| text.parse::<u8>().ok().filter(|side| *side > 0);
    let sides = text.split_once('x').and_then(|(rows, columns)| Some([side(rows)?, side(columns)?]));
    sides.ok_or_else(|| (format!("{text:?}"), expected.to_owned()))
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, layer) in self.0.iter().enumerate() {
            write!(formatter, "{}{layer}", if index > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (window, usual) = match self {
            Self::Dense { outputs } => return write!(formatter, "dense {outputs}"),
            Self::Convolution { channels, window } => {
                write!(formatter, "conv {channels} ")?;
                (window, ([1, 1], Padding::Same))
            }
            Self::Depthwise(window) => {
                formatter.write_str("depthwise ")?;
                (window, ([1, 1], Padding::Same))
            }
            Self::Pool { kind, window } => {
                formatter.write_str(if *kind == Pool::Max { "maxpool " } else { "avgpool " })?;
                match window {
                    Some(window) => (window, (window.kernel, Padding::Valid)),
                    None => return formatter.write_str("global"),
                }
            }
        };
        let Frame { kernel, stride, padding } = window;
        write!(formatter, "{}x{}", kernel[0], kernel[1])?;
        match stride {
            stride if *stride == usual.0 => {}
            [rows, columns] if rows == columns => write!(formatter, " stride {rows}")?,
            [rows, columns] => write!(formatter, " stride {rows}x{columns}")?,
        }
        match padding {
            padding if *padding == usual.1 => Ok(()),
            Padding::Same => formatter.write_str(" same"),
            Padding::Valid => formatter.write_str(" valid"),
            Padding::Sides(pixels) => write!(formatter, " pad {pixels}"),
        }
    }
}

impl TryFrom<String> for Architecture {
    type Error = ArchitectureError;

    fn try_from(text: String) -> Result<Self, ArchitectureError> {
        text.parse()
    }
}

impl From<Architecture> for String {
    fn from(architecture: Architecture) -> Self {
        architecture.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Shape = Shape { rows: 28, columns: 28, channels: 1 };

    fn plan(text: &str) -> Result<Vec<LayerPlan>, ArchitectureError> {
        text.parse::<Architecture>()?.plan(IMAGE, 10)
    }

    #[test]
    fn a_network_round_trips_through_its_notation() {
        let text = "conv 8 3x3 stride 2; depthwise 5x3 stride 2x1 valid; maxpool 2x2; conv 4 1x1; avgpool 3x3 stride \
                    1 same; conv 6 3x3 pad 2; maxpool 3x2 pad 1; avgpool global; dense 32; dense 10";
        let found: Architecture = text.parse().unwrap();
        assert_eq!(found.to_string(), text);
        let spaced: Architecture = "conv  8 3x3 same stride 2x2 ;dense 10".parse().unwrap();
        assert_eq!(spaced.to_string(), "conv 8 3x3 stride 2; dense 10");
        let json = serde_json::to_string(&spaced).unwrap();
        assert_eq!(serde_json::from_str::<Architecture>(&json).unwrap(), spaced);
        assert_eq!(spaced.hidden(), None);
        let dense: Architecture = "dense 128; dense 10".parse().unwrap();
        assert_eq!((dense.hidden(), dense), (Some(vec![128]), Architecture::dense(&[128], 10)));
    }

    #[test]
    fn shapes_follow_the_windows() {
        let found = plan("conv 8 3x3 stride 2; conv 16 4x4 stride 4; maxpool global; dense 10").unwrap();
        let shapes: Vec<_> = found.iter().map(|layer| (layer.output, layer.matrix())).collect();
        let shape = |rows, channels| Shape { rows, columns: rows, channels };
        assert_eq!(
            shapes,
            [
                // Rows of three values are padded to four.
                (shape(14, 8), Some([12, 8])),
                (shape(4, 16), Some([128, 16])),
                (shape(1, 16), None),
                (shape(1, 10), Some([16, 10]))
            ]
        );
        // 28 rows and a stride of 2 need one row of padding, which is after the last.
        assert_eq!(found[0].kind.window().unwrap().padding, [0, 0, 1, 1]);
        assert_eq!(found[1].kind.window().unwrap().padding, [1; 4]);
        let valid = plan("conv 2 5x3 stride 3x2 valid; depthwise 3x3 pad 1; avgpool 2x2; dense 10").unwrap();
        let shapes: Vec<_> = valid.iter().map(|layer| (layer.output.rows, layer.output.columns)).collect();
        assert_eq!(shapes, [(8, 13), (8, 13), (4, 6), (1, 1)]);
        assert_eq!(valid[1].matrix(), Some([9, 2]));
    }

    #[test]
    fn the_wrong_layer_is_named() {
        for (text, expected) in [
            ("", "layer 0: found nothing, expected conv"),
            ("conv 8 3x3; ; dense 10", "layer 1: found nothing"),
            ("conv 8; dense 10", "layer 0: found no window"),
            ("conv 0 3x3; dense 10", "layer 0: found \"0\", expected 1..=16384 channels"),
            ("conv 8 3; dense 10", "layer 0: found \"3\", expected a window"),
            ("conv 8 3x0; dense 10", "layer 0: found \"3x0\""),
            ("conv 8 3x3 stride 0; dense 10", "layer 0: found \"0\", expected a stride of 1..=255"),
            ("conv 8 3x3 stride 0x1; dense 10", "layer 0: found \"0x1\", expected a stride"),
            ("conv 8 3x3 stride; dense 10", "layer 0: found \"stride\" without a number, expected a number"),
            ("conv 8 3x3 stride 2 pad; dense 10", "layer 0: found \"pad\" without a number"),
            ("conv 8 3x3; relu; dense 10", "layer 1: found \"relu\", expected no layer: ReLU follows"),
            (
                "avgpool global pad 1; dense 10",
                "layer 0: found \"avgpool global pad 1\", expected avgpool global alone",
            ),
            ("conv 8 3x3 same valid; dense 10", "layer 0: found \"valid\", expected stride N, same"),
            ("conv 8 3x3; softmax", "layer 1: found \"softmax\", expected conv"),
            ("conv 8 29x3 valid; dense 10", "layer 0: found a window of 29x3, expected at most 28 rows"),
            ("conv 8 3x31 pad 1; dense 10", "layer 0: found a window of 3x31, expected at most 30 columns"),
            ("conv 8 3x3 pad 3; dense 10", "layer 0: found a padding of 3 rows for a window of 3"),
            ("conv 8 3x3 stride 2; maxpool 20x20; dense 10", "layer 1: found a window of 20x20, expected at most 14"),
            ("conv 256 3x3; dense 10", "layer 0: found an output of 28x28x256, 200704 values"),
            ("conv 8 3x3", "layer 0: found \"conv 8 3x3\", expected \"dense 10\" at the end"),
            ("conv 8 3x3; dense 9", "layer 1: found \"dense 9\", expected \"dense 10\" at the end"),
        ] {
            let error = plan(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let many = "dense 10; ".repeat(MAX_LAYERS) + "dense 10";
        assert_eq!(plan(&many).unwrap_err().to_string(), "layer 16: found 17 layers, expected at most 16");
    }
}
