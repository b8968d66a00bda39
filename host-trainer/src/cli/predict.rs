use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use host_support::numbers::whole;
use host_support::table::Folded;
use host_support::terminal;
use photos::{Form, Polarity};
use prenda::{HostWorkspace, LOGIT_FRACTION_BITS, Model, Shape};
use serde::Serialize;

use super::model_data::{ModelData, ModelDataArguments, configuration};
use super::row::{self, Row, RowOutput};
use super::{OutputArguments, UsageError, check_apart, check_extension, check_output, drawn, line, percent};
use crate::data::image;
use crate::data::{FASHION_MNIST_CLASSES, Framing, OwnedFeature};
use crate::model::evaluate::{answer_file, probability};
use crate::plot::{png, size};
use crate::run::{Configuration, float, model_file};
use crate::support::{files, progress};
use crate::text::printable;

/// Largest number of classes that are all printed.
const MAX_PRINTED_CLASSES: usize = 12;
/// Classes printed if there are more, the most probable ones.
const PRINTED_OF_MANY: usize = 10;

/// Length of a bar for a probability of 1, in characters.
const BAR_WIDTH: usize = 24;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer predict runs/first --index 0
  host-trainer predict runs/first --image shirt.jpg --picture seen.png
  host-trainer predict runs/iris --row 5.1,3.5,1.4,0.2

cargo xtask ask BOARD --image FILE also asks a device.")]
pub struct PredictArguments {
    /// Model file, or folder of a run, whose float network then runs as well
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    source: ImageArguments,
    /// Foreground and background of the file given with --image
    #[arg(long, value_enum, default_value_t = PolarityChoice::Auto, conflicts_with_all = ["index", "row"])]
    polarity: PolarityChoice,
    /// Write the network's input to FILE, a PNG of the model's size
    #[arg(long = "picture", value_name = "FILE")]
    output_image: Option<PathBuf>,
    /// Write the image with its logits and probabilities to FILE, to compare a device with
    ///
    /// The label in FILE is the predicted class for an image of a file, which has no label.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    #[command(flatten)]
    data: ModelDataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ImageArguments {
    /// Index of a test image, from 0
    #[arg(long, value_name = "N", value_parser = whole::<usize>(0..))]
    index: Option<usize>,
    /// PNG, JPEG, BMP or WebP file, grey or colour, of any size
    ///
    /// An image of the model's size (28 x 28 pixels for Fashion-MNIST) is used unchanged. If the
    /// model was trained on a folder of images or on colours, any other image is converted like
    /// these: its middle is scaled. Otherwise it gets the form of the training images, which the
    /// model's run records: their background, the size and place of their subjects, and their
    /// contrast. The part that differs from the border is the subject. For a model outside its run,
    /// name the data set with --data; otherwise the form is Fashion-MNIST's.
    #[arg(long, value_name = "FILE", conflicts_with = "class_names")]
    image: Option<PathBuf>,
    /// Values of a row of features, in the order and the units of the training data
    #[arg(long, value_name = "VALUE,..", allow_hyphen_values = true, conflicts_with = "class_names")]
    row: Option<Row>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PolarityChoice {
    /// Whichever differs more from the image's border; an image of the model's size is not changed
    Auto,
    /// Light on dark, like Fashion-MNIST; inverted before use if the training images are the
    /// opposite
    LightOnDark,
    /// Dark on light, like print; inverted before use if the training images are the opposite
    DarkOnLight,
}

impl PolarityChoice {
    fn polarity(self) -> Option<Polarity> {
        match self {
            Self::Auto => None,
            Self::LightOnDark => Some(Polarity::LightOnDark),
            Self::DarkOnLight => Some(Polarity::DarkOnLight),
        }
    }
}

/// The network's input.
#[derive(Default)]
struct InputImage {
    pixels: Vec<u8>,
    /// The features, if the model takes rows.
    row: Vec<RowOutput>,
    label: Option<u8>,
    /// Its file or index, and its conversion.
    name: String,
    polarity: Option<Polarity>,
    conversion: Option<String>,
    doubt: Option<&'static str>,
}

#[derive(Serialize)]
struct PredictOutput {
    model_id: String,
    class: usize,
    class_name: String,
    /// The network of a cascade that answered, from 0.
    network: usize,
    #[serde(skip)]
    is_cascade: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label_name: Option<String>,
    /// The input, if the model takes rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    row: Vec<RowOutput>,
    probabilities: Vec<f64>,
    probabilities_float: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    float_missing: Option<String>,
    logits: Vec<f64>,
    polarity: Option<Polarity>,
    conversion: Option<String>,
    /// Why the network may not see what a person sees in the file.
    doubt: Option<&'static str>,
}

impl PredictArguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        let features = OwnedFeature::of_model(&view);
        let not_of_rows = [("--image", self.source.image.is_some()), ("--picture", self.output_image.is_some())];
        if let Some((option, _)) = not_of_rows.iter().find(|(_, is_used)| *is_used && !features.is_empty()) {
            let text = format!("{option} does not apply: the model takes rows of features; use --row or --index");
            return Err(UsageError(text).into());
        }
        if let Some(path) = &self.output_image {
            check_extension("--picture", path, "png")?;
        }
        for (option, path) in self.outputs() {
            check_output(option, path, self.source.image.iter().chain([&model]))?;
            files::check_writable(path)?;
        }
        if let (Some(image), Some(answers)) = (&self.output_image, &self.answers) {
            check_apart("--answers", answers, [image])?;
        }
        let input = self.input(&model, &view, &features)?;
        let mut workspace = HostWorkspace::new();
        let prediction = workspace.infer(&view, &input.pixels)?;
        let image = self.output_image.as_deref().map(|path| {
            let png = png(&input.pixels, size(view.image()))?;
            anyhow::Ok((path, png))
        });
        let answers = self.answers.as_deref().map(|path| {
            let label = input.label.unwrap_or(prediction.class as u8);
            (path, answer_file(&view, &input.pixels, label, &prediction))
        });
        let written: Vec<(&Path, Vec<u8>)> = image.transpose()?.into_iter().chain(answers).collect();
        files::write_all(&written.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect::<Vec<_>>())?;
        let (probabilities_float, float_missing) = match float::probabilities(&model, &view, &input.pixels) {
            Ok(probabilities) => (Some(probabilities), None),
            Err(error) => (None, Some(host_support::errors::chain(&error))),
        };
        let names: Vec<&str> = view.class_names().collect();
        let name = |class: usize| names.get(class).copied().unwrap_or_default().to_owned();
        let report = PredictOutput {
            model_id: view.id().to_string(),
            class: prediction.class,
            class_name: name(prediction.class),
            network: prediction.network,
            is_cascade: view.networks().len() > 1,
            label: input.label,
            label_name: input.label.map(|label| name(label.into())),
            row: input.row,
            probabilities: prediction.probabilities.iter().map(|&value| probability(value)).collect(),
            probabilities_float,
            float_missing,
            logits: prediction
                .logits
                .iter()
                .map(|&logit| f64::from(logit) / f64::from(1_u32 << LOGIT_FRACTION_BITS))
                .collect(),
            polarity: input.polarity,
            conversion: input.conversion,
            doubt: input.doubt,
        };
        self.output.print(&report, || {
            let drawn = match report.row.as_slice() {
                [] => line("image", &input.name) + &drawn(&input.pixels, view.image()),
                row => line("row", &input.name) + &format!("{}\n", row::table(row)),
            };
            drawn + &report.text(&names)
        })
    }

    /// Returns each option that names a file to write, with the file.
    fn outputs(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        [("--picture", &self.output_image), ("--answers", &self.answers)]
            .into_iter()
            .filter_map(|(option, path)| Some((option, path.as_ref()?)))
    }

    /// Loads the image or the row that the arguments name.
    fn input(&self, model: &Path, view: &Model<'_>, features: &[OwnedFeature]) -> Result<InputImage> {
        if let Some(row) = &self.source.row {
            let row = row.scaled(features)?;
            let pixels = row.iter().map(|feature| feature.input).collect();
            return Ok(InputImage { pixels, row, name: "from --row".to_owned(), ..InputImage::default() });
        }
        let configuration = configuration(model, view);
        if let Some(path) = &self.source.image {
            let (form, framing) = self.form(model, view, configuration.as_ref())?;
            if framing == Framing::Whole || view.image().channels != 1 {
                return self.whole(path, view.image());
            }
            let size = (view.image().rows.into(), view.image().columns.into());
            let (pixels, conversion) = image::load(path, size, self.polarity.polarity(), &form)?;
            if let Some(doubt) = conversion.doubt {
                progress::log(format_args!(
                    "warning: {}: {doubt}; --picture FILE shows what the network sees",
                    path.display()
                ));
            }
            return Ok(InputImage {
                pixels,
                name: format!("{}, {}", path.display(), conversion.text),
                polarity: Some(conversion.polarity),
                conversion: Some(conversion.text),
                doubt: conversion.doubt,
                ..InputImage::default()
            });
        }
        let index = self.source.index.unwrap_or_default();
        let ModelData { data, .. } = self.data.load(model, view, configuration.as_ref())?;
        for (option, path) in self.outputs() {
            check_apart(option, path, data.files())?;
        }
        let count = data.test.len();
        let last = count.saturating_sub(1);
        let label = data.test.labels.get(index).copied();
        let label = label.ok_or_else(|| {
            UsageError(format!("--index is {index}, expected 0..={last}, as there are {count} test images"))
        })?;
        Ok(InputImage {
            pixels: data.test.image(index).to_vec(),
            row: row::of_inputs(data.test.image(index), features),
            label: Some(label),
            name: format!("test image {index} of {} ({})", data.folder.display(), data.origin.named_by()),
            ..InputImage::default()
        })
    }

    /// Reads a whole image, like those of a folder.
    fn whole(&self, path: &Path, shape: Shape) -> Result<InputImage> {
        if self.polarity != PolarityChoice::Auto {
            return Err(UsageError(
                "--polarity does not apply: the training images are whole images; leave it out".to_owned(),
            )
            .into());
        }
        let (image, _) = image::read_colours(path)?;
        let (pixels, text) = image::convert_whole(image, shape);
        Ok(InputImage {
            pixels,
            name: format!("{}, {text}", path.display()),
            conversion: Some(text),
            ..InputImage::default()
        })
    }

    /// Returns the form of the training images: of --data, as the run records it, or
    /// Fashion-MNIST's.
    fn form(&self, model: &Path, view: &Model<'_>, configuration: Option<&Configuration>) -> Result<(Form, Framing)> {
        if self.data.data.data.is_some() {
            let ModelData { data, .. } = self.data.load(model, view, configuration)?;
            return Ok((Form::measure(data.train.images(), data.shape), data.framing));
        }
        if let Some(data) = configuration.and_then(|configuration| configuration.data.as_ref()) {
            return Ok((data.form, data.framing));
        }
        if !view.class_names().eq(FASHION_MNIST_CLASSES) && view.image().channels == 1 {
            progress::log(format_args!(
                "warning: no run records the form of the training images of {}; Fashion-MNIST's is used; name their \
                 data set with --data",
                model.display()
            ));
        }
        Ok((Form::FASHION_MNIST, Framing::Subject))
    }
}

impl PredictOutput {
    fn text(&self, names: &[&str]) -> String {
        let mut text = line("class", &self.class_name);
        if self.is_cascade {
            text += &line("answered by", format_args!("network {}", self.network));
        }
        if let Some(label) = &self.label_name {
            let verdict = if self.label.map(usize::from) == Some(self.class) { "correct" } else { "wrong" };
            text += &line("label", format_args!("{label}: {verdict}"));
        }
        let mut order: Vec<usize> = (0..self.logits.len()).collect();
        // By logits: different logits can have equal probabilities. Stable, because argmax takes
        // the first.
        order.sort_by(|&one, &other| self.logits[other].total_cmp(&self.logits[one]));
        let shown = if order.len() > MAX_PRINTED_CLASSES { PRINTED_OF_MANY } else { order.len() };
        let (shown, rest) = order.split_at(shown);
        text += &format!("{}\n", self.table(names, shown));
        if !rest.is_empty() {
            let together: f64 = rest.iter().map(|&class| self.probabilities[class]).sum();
            text += &format!("{} more classes, together {}\n", rest.len(), percent(together));
        }
        if let Some(reason) = &self.float_missing {
            text += &line("no float network", reason);
        }
        text
    }

    /// Returns a table with the probabilities of `classes`.
    fn table(&self, names: &[&str], classes: &[usize]) -> Folded {
        let float = self.probabilities_float.as_deref();
        let header = ["class", "", "fixed point"].into_iter().chain(float.map(|_| "float"));
        let mut table = Folded::new(header, 1);
        for &class in classes {
            let mark = if self.label.map(usize::from) == Some(class) { " (label)" } else { "" };
            let name = names.get(class).copied().unwrap_or_default();
            let fixed = self.probabilities.get(class).copied().unwrap_or_default();
            let float = float.map(|float| percent(float.get(class).copied().unwrap_or_default()));
            let cells = [printable(name) + mark, terminal::bar(fixed, BAR_WIDTH), percent(fixed)];
            table.add_row(cells.into_iter().chain(float));
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_most_probable_of_many_classes_are_shown() {
        let names: Vec<String> = (0..13).map(|class| format!("class-{class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let report = |classes: usize| PredictOutput {
            model_id: String::new(),
            class: classes - 1,
            class_name: String::new(),
            network: 0,
            is_cascade: false,
            label: Some(3),
            label_name: Some("\x1b".to_owned()),
            row: Vec::new(),
            probabilities: vec![0.05; classes],
            probabilities_float: None,
            float_missing: None,
            logits: (0..classes).map(|class| class as f64).collect(),
            polarity: None,
            conversion: None,
            doubt: None,
        };
        let text = report(13).text(&names);
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
        assert!(place("class-12") < place("class-11") && place("class-11") < place("class-3 (label)"), "{text}");
        assert!(!text.contains("class-2 ") && text.contains("3 more classes, together 15.00 %"), "{text}");
        assert!(text.contains("\\u{1b}: wrong"), "{text}");
        assert!(report(12).text(&names).contains("class-0 "));
    }
}
