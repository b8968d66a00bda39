use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use host_support::numbers::whole;
use host_support::table::Folded;
use prenda::Model;
use serde::Serialize;

use super::cascade::multiplications;
use super::model_data::{ModelData, ModelDataArguments, configuration};
use super::{OutputArguments, UsageError, check_apart, check_folder_apart, check_output, line, percent};
use crate::data::{Dataset, Origin, Split};
use crate::model::{Evaluation, Mistake, evaluate};
use crate::plot;
use crate::run::{Configuration, RecordError, RunFile, RunFolder, json, model_file};
use crate::support::{files, progress};
use crate::text::{Shown, printable};

/// Classes up to which the confusion matrix is printed; a larger table does not fit a terminal.
const MAX_PRINTED_CLASSES: usize = 12;

/// Most mistakes that are printed.
const MAX_PRINTED_MISTAKES: usize = 5;

/// The files of an evaluation.
const FILES: [RunFile; 3] = [RunFile::Evaluation, RunFile::ConfusionPlot, RunFile::MistakesPlot];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer evaluate runs/first
  host-trainer evaluate model.bin --answers answers.bin --first 100")]
pub struct EvaluateArguments {
    /// Model file, or folder of the run that wrote it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Write every image with its logits and probabilities to FILE, to compare a device with
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Use only the first N test images, 1 or more; a file of answers then has N records [default:
    /// all of them]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..))]
    first: Option<u32>,
    /// Folder for evaluation.json, confusion.svg and mistakes.svg; created if it is missing
    ///
    /// Default: the run's folder, if MODEL is the model of a run and is evaluated over all test
    /// images of the run's data set; otherwise the files are not written.
    #[arg(long = "pictures", value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    data: ModelDataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct EvaluateOutput {
    data: DataOutput,
    #[serde(flatten)]
    evaluation: Evaluation,
    seconds: f64,
    #[serde(rename = "pictures_per_second")]
    images_per_second: f64,
    /// Files written, except the answers file.
    written: Vec<Shown<PathBuf>>,
}

/// The data set of an evaluation.
#[derive(Serialize)]
struct DataOutput {
    folder: Shown<PathBuf>,
    origin: Origin,
    /// True if the model was trained on this data set; `None` if the model does not record its own.
    is_own: Option<bool>,
}

impl EvaluateArguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        if let Some(answers) = &self.answers {
            check_output("--answers", answers, [&model])?;
        }
        let configuration = configuration(&model, &view);
        let ModelData { mut data, is_own } = self.data.load(&model, &view, configuration.as_ref())?;
        let folder = self.folder(&model, &view, &data)?;
        let outputs = folder.iter().flat_map(|folder| FILES.map(|file| folder.file(file))).collect::<Vec<_>>();
        if let Some(answers) = &self.answers {
            check_apart("--answers", answers, data.files().chain(outputs.iter().cloned()))?;
        }
        if let Some(folder) = &folder {
            let inputs: Vec<_> = data.files().chain([model.clone()]).collect();
            check_folder_apart("--pictures", folder.path(), outputs.iter().cloned(), &inputs)?;
        }
        if let Some(first) = self.first {
            keep_first(&mut data.test, first)?;
        }
        if let Some(folder) = &folder {
            files::create_folder(folder.path())?;
        }
        self.answers.iter().chain(&outputs).try_for_each(|output| files::check_writable(output))?;

        let start = Instant::now();
        let (evaluated, answers) = match &self.answers {
            Some(path) => {
                let (evaluated, answers) = evaluate::evaluate_with_answers(&view, &data.test)?;
                (evaluated, Some((path.as_path(), answers)))
            }
            None => (evaluate::evaluate(&view, &data.test)?, None),
        };
        let seconds = start.elapsed().as_secs_f64();
        let evaluation = evaluate::describe(&view, &data.test, &evaluated);

        let confusion = plot::confusion(&evaluation);
        let mistakes = plot::mistakes(&evaluation, &data.test, plot::size(view.image()))?;
        let contents = [json(&evaluation)?, confusion.into_bytes(), mistakes.into_bytes()];
        let files = outputs.iter().map(PathBuf::as_path).zip(contents.iter().map(Vec::as_slice));
        let answers = answers.iter().map(|(path, bytes)| (*path, bytes.as_slice()));
        files::write_all(&answers.chain(files).collect::<Vec<_>>())?;

        let images_per_second = f64::from(evaluation.images) / seconds.max(f64::MIN_POSITIVE);
        let written = outputs.into_iter().map(Shown).collect();
        let data = DataOutput { folder: Shown(data.folder), origin: data.origin, is_own };
        let evaluation = evaluation.without_images();
        let report = EvaluateOutput { data, evaluation, seconds, images_per_second, written };
        self.output.print(&report, || report.text())
    }

    /// Returns the folder to write the evaluation to, if any. A run's own files are replaced only
    /// by an evaluation of the same model over the same images.
    fn folder(&self, model: &Path, view: &Model<'_>, data: &Dataset) -> Result<Option<RunFolder>, UsageError> {
        let Some(named) = &self.images else {
            return Ok(self.recorded(model, view, data).unwrap_or_else(|error| {
                progress::log(format_args!("warning: the files in the run's folder are not replaced: {error}"));
                None
            }));
        };
        let folder = RunFolder::at(named.clone());
        let own = self.recorded(&folder.file(RunFile::Model), view, data);
        let is_run = [RunFile::Outcome, RunFile::Cascade].into_iter().any(|file| folder.file(file).exists());
        if is_run && !matches!(own, Ok(Some(_))) {
            return Err(UsageError(format!(
                "--pictures {} is the folder of a run, whose evaluation is of another model or of other images; name \
                 another folder",
                named.display()
            )));
        }
        Ok(Some(folder))
    }

    /// Returns the run that wrote `model` if this evaluation uses the run's whole test split.
    fn recorded(&self, model: &Path, view: &Model<'_>, data: &Dataset) -> Result<Option<RunFolder>, RecordError> {
        if self.first.is_some() {
            return Ok(None);
        }
        let id = view.id().to_string();
        if let Some((folder, record)) = RunFolder::of_cascade(model, &id)? {
            return Ok(record.uses(data).then_some(folder));
        }
        let Some(run) = RunFolder::of_model(model, &id)? else { return Ok(None) };
        let configuration: Configuration = run.read(RunFile::Configuration)?;
        Ok(configuration.uses(data).then_some(run))
    }
}

impl DataOutput {
    fn text(&self) -> String {
        let other = match self.is_own {
            Some(true) => "",
            Some(false) => ", not the model's own",
            None => "; the model does not record its own",
        };
        format!("{} ({}){other}", self.folder, self.origin.named_by())
    }
}

impl EvaluateOutput {
    fn text(&self) -> String {
        let Evaluation { model_id, images, correct, accuracy, loss, largest_softmax_error, .. } = &self.evaluation;
        let mut text = [
            line("model", model_id),
            line("data set", self.data.text()),
            line("test images", images),
            line("classified correctly", correct),
            line("accuracy, fixed point", percent(*accuracy)),
            line("loss, fixed point", loss.map_or_else(|| "unknown".to_owned(), |loss| format!("{loss:.4}"))),
            line("softmax, largest error", format_args!("{largest_softmax_error:.6}")),
            line("time", format_args!("{:.2} s, {:.0} images per second", self.seconds, self.images_per_second)),
        ]
        .concat();
        text += &self.networks();
        text += &format!("\n{}\n{}", self.classes(), self.confusion());
        if !self.evaluation.mistakes.is_empty() {
            text += &format!("\nmost confident mistakes\n{}\n", self.mistakes());
        }
        text += "\n";
        match self.written.as_slice() {
            [] => text += &line("plots", "not written; name a folder with --pictures"),
            files => text.extend(files.iter().map(|file| line("written", file))),
        }
        text
    }

    /// Describes the networks of a cascade.
    fn networks(&self) -> String {
        let mut text = String::new();
        for (index, network) in self.evaluation.networks.iter().enumerate() {
            let accuracy = network.accuracy.map_or_else(|| "none".to_owned(), percent);
            let share = percent(network.share);
            text +=
                &line(&format!("network {index}"), format_args!("answers {share} of the images; correct: {accuracy}"));
        }
        let cost = self.evaluation.multiplications();
        text + &cost.map_or_else(String::new, |(mean, most)| line("multiplications", multiplications(mean, most)))
    }

    /// Returns a class's number, followed by its name if that is different.
    fn number_and_name(&self, class: usize) -> String {
        let (number, name) = (class.to_string(), self.name(class));
        if name == number { number } else { format!("{number} {name}") }
    }

    fn name(&self, class: usize) -> String {
        self.evaluation.classes.get(class).map(|class| printable(&class.name)).unwrap_or_default()
    }

    fn classes(&self) -> Folded {
        let mut table = Folded::new(["class", "images", "precision", "recall", "F1"], 1);
        for (index, class) in self.evaluation.classes.iter().enumerate() {
            let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
            let name = self.number_and_name(index);
            let shares = [class.precision, class.recall, class.f1].map(share);
            table.add_row([name, class.images.to_string()].into_iter().chain(shares));
        }
        table
    }

    /// Returns the confusion matrix as a table, or names its file if the table is too large.
    fn confusion(&self) -> String {
        let confusion = &self.evaluation.confusion;
        if confusion.len() > MAX_PRINTED_CLASSES {
            let file = self.written.iter().find(|file| file.0.ends_with(RunFile::ConfusionPlot.name()));
            let place = file.map_or("written to a file with --pictures DIR".to_owned(), |file| format!("in {file}"));
            return format!("\nthe confusion matrix of {} classes is {place}\n", confusion.len());
        }
        let header =
            ["true / predicted".to_owned()].into_iter().chain((0..confusion.len()).map(|class| class.to_string()));
        let mut table = Folded::new(header, 1);
        for (label, row) in confusion.iter().enumerate() {
            let counts = row.iter().map(ToString::to_string);
            table.add_row([self.number_and_name(label)].into_iter().chain(counts));
        }
        format!("\nconfusion matrix: images by true class (rows) and predicted class (columns)\n{table}\n")
    }

    fn mistakes(&self) -> Folded {
        let mut table = Folded::new(["true", "predicted", "probability", "test image"], 2);
        for Mistake { index, label, class, probability, .. } in
            self.evaluation.mistakes.iter().take(MAX_PRINTED_MISTAKES)
        {
            table.add_row([self.name(*label), self.name(*class), percent(*probability), index.to_string()]);
        }
        table
    }
}

/// Drops all but the first `count` images of `test`.
fn keep_first(test: &mut Split, count: u32) -> Result<(), UsageError> {
    let all = test.len();
    if count as usize > all {
        return Err(UsageError(format!("--first is {count}, expected 1..={all}, as there are {all} test images")));
    }
    let _rest = test.split_off(count as usize);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PixelBytes;
    use crate::model::tests::evaluation;

    fn text(names: &[&str]) -> String {
        let mut evaluation = evaluation(names, 7);
        evaluation.mistakes =
            vec![Mistake { index: 4, label: 0, class: 1, probability: 0.75, pixels: PixelBytes::default() }];
        let data = DataOutput { folder: Shown(PathBuf::new()), origin: Origin::Given, is_own: Some(true) };
        EvaluateOutput { data, evaluation, seconds: 1.0, images_per_second: 1.0, written: Vec::new() }.text()
    }

    #[test]
    fn class_names_are_escaped_and_wrapped() {
        let text = text(&["\x1b[2J", &"long ".repeat(50), "2"]);
        assert!(text.contains("0 \\u{1b}[2J") && !text.contains('\x1b'), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("│ 2 ") && !text.contains("2 2"), "{text}");
    }

    #[test]
    fn many_classes_are_not_printed_as_a_matrix() {
        let names: Vec<String> = (0..13).map(|class| format!("class {class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(text(&names[..12]).contains("true / predicted"));
        let many = text(&names);
        assert!(many.contains("13 classes is written to a file") && many.contains("12 class 12"), "{many}");
    }
}
