//! `host-trainer evaluate`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use comfy_table::Table;
use serde::Serialize;
use shared_model::Model;

use super::table::table;
use super::{
    DataArguments, OutputArguments, UsageError, check_apart, check_fit, check_folder_apart, check_output, line, percent,
};
use crate::data::{Dataset, Split};
use crate::model::evaluate;
use crate::model::{Evaluation, Mistake};
use crate::plot;
use crate::run::model_file;
use crate::run::{Configuration, RecordError, RunFile, RunFolder, json};
use crate::support::{files, progress};
use crate::text::{Shown, printable};

/// Classes whose confusion is printed: a table of more does not fit a terminal.
const MAX_PRINTED_CLASSES: usize = 12;

/// Mistakes that are printed.
const PRINTED_MISTAKES: usize = 5;

/// What is written of an evaluation.
const FILES: [RunFile; 3] = [RunFile::Evaluation, RunFile::ConfusionPlot, RunFile::MistakesPlot];

#[derive(Debug, Args)]
pub struct Arguments {
    /// The model, or the folder of the run that left it
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Write every picture with its logits and probabilities to FILE, so that a device can be compared with them
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Only the first N test pictures, 1 or more; a file of answers has N records then [default: all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    first: Option<u32>,
    /// Folder, created where there is none, for evaluation.json, confusion.svg and mistakes.svg [default: the run's,
    /// where MODEL is one of a run, evaluated over the whole test split that it came with; else they are not written]
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    evaluation: Evaluation,
    seconds: f64,
    pictures_per_second: f64,
    /// Files that were written, without those of answers.
    written: Vec<Shown<PathBuf>>,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let model = model_file::resolve(&self.model);
        let bytes = model_file::read(&model)?;
        let view = model_file::load(&model, &bytes)?;
        if let Some(answers) = &self.answers {
            check_output("--answers", answers, [&model])?;
        }
        let mut data = self.data.load()?;
        check_fit(&view, &data)?;
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

        let confusion = plot::confusion(&evaluation)?;
        let mistakes = plot::mistakes(&evaluation, &data.test, view.rows(), view.columns())?;
        let contents = [json(&evaluation)?, confusion.into_bytes(), mistakes.into_bytes()];
        let pictures = outputs.iter().map(PathBuf::as_path).zip(contents.iter().map(Vec::as_slice));
        let answers = answers.iter().map(|(path, bytes)| (*path, bytes.as_slice()));
        files::write_all(&answers.chain(pictures).collect::<Vec<_>>())?;

        let pictures_per_second = f64::from(evaluation.pictures) / seconds.max(f64::MIN_POSITIVE);
        let written = outputs.into_iter().map(Shown).collect();
        let report = Report { evaluation, seconds, pictures_per_second, written };
        self.output.print(&report, || report.text())
    }

    /// Where pictures of the evaluation go, if anywhere. A run's own are replaced only by those of the same pictures.
    fn folder(&self, model: &Path, view: &Model<'_>, data: &Dataset) -> Result<Option<RunFolder>, UsageError> {
        let Some(named) = &self.pictures else {
            return Ok(self.recorded(model, view, data).unwrap_or_else(|error| {
                progress::say(format_args!("warning: what is in the run's folder stays as it is: {error}"));
                None
            }));
        };
        let folder = RunFolder::at(named.clone());
        let own = self.recorded(&folder.file(RunFile::Model), view, data);
        if folder.file(RunFile::Outcome).exists() && !matches!(own, Ok(Some(_))) {
            return Err(UsageError(format!(
                "--pictures {} is the folder of a run, and its evaluation would be replaced by one of another model or of \
                 other pictures; name another folder",
                named.display()
            )));
        }
        Ok(Some(folder))
    }

    /// The run that `model` came of, if it is evaluated as it was there.
    fn recorded(&self, model: &Path, view: &Model<'_>, data: &Dataset) -> Result<Option<RunFolder>, RecordError> {
        if self.first.is_some() {
            return Ok(None);
        }
        let Some(run) = RunFolder::of_model(model, &view.id().to_string())? else { return Ok(None) };
        let configuration: Configuration = run.read(RunFile::Configuration)?;
        Ok(configuration.is_of(data).then_some(run))
    }
}

impl Report {
    fn text(&self) -> String {
        let Evaluation { model_id, pictures, correct, accuracy, largest_softmax_error, .. } = &self.evaluation;
        let mut text = [
            line("model", model_id),
            line("test pictures", pictures),
            line("classified rightly", correct),
            line("accuracy, fixed point", percent(*accuracy)),
            line("softmax, largest error", format_args!("{largest_softmax_error:.6}")),
            line("time", format_args!("{:.2} s, {:.0} pictures a second", self.seconds, self.pictures_per_second)),
        ]
        .concat();
        text += &format!("\n{}\n{}", self.classes(), self.confusion());
        if !self.evaluation.mistakes.is_empty() {
            text += &format!("\nmost confident mistakes\n{}\n", self.mistakes());
        }
        text += "\n";
        match self.written.as_slice() {
            [] => text += &line("pictures", "not written; name a folder by --pictures"),
            files => text.extend(files.iter().map(|file| line("written", file))),
        }
        text
    }

    /// A class by its number, and by its name where that is another.
    fn number_and_name(&self, class: usize) -> String {
        let (number, name) = (class.to_string(), self.name(class));
        if name == number { number } else { format!("{number} {name}") }
    }

    fn name(&self, class: usize) -> String {
        self.evaluation.classes.get(class).map(|class| printable(&class.name)).unwrap_or_default()
    }

    fn classes(&self) -> Table {
        let mut table = table(["class", "pictures", "precision", "recall"].map(str::to_owned), 1);
        for (index, class) in self.evaluation.classes.iter().enumerate() {
            let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
            let name = self.number_and_name(index);
            table.add_row([name, class.pictures.to_string(), share(class.precision), share(class.recall)]);
        }
        table
    }

    /// Which class is given to pictures of which, in a table, or where to find it.
    fn confusion(&self) -> String {
        let confusion = &self.evaluation.confusion;
        if confusion.len() > MAX_PRINTED_CLASSES {
            let file = self.written.iter().find(|file| file.0.ends_with(RunFile::ConfusionPlot.name()));
            let place = file.map_or("a file, where --pictures names a folder".to_owned(), ToString::to_string);
            return format!("\nthe confusion matrix of {} classes is in {place}\n", confusion.len());
        }
        let header = ["true, given".to_owned()].into_iter().chain((0..confusion.len()).map(|class| class.to_string()));
        let mut table = table(header, 1);
        for (label, row) in confusion.iter().enumerate() {
            let counts = row.iter().map(ToString::to_string);
            table.add_row([self.number_and_name(label)].into_iter().chain(counts));
        }
        format!("\nhow often pictures of a class (down) are given a class (across)\n{table}\n")
    }

    fn mistakes(&self) -> Table {
        let mut table = table(["true", "given", "probability", "test picture"].map(str::to_owned), 2);
        for Mistake { index, label, class, probability } in self.evaluation.mistakes.iter().take(PRINTED_MISTAKES) {
            table.add_row([self.name(*label), self.name(*class), percent(*probability), index.to_string()]);
        }
        table
    }
}

/// Leaves the first `count` pictures in `test`.
fn keep_first(test: &mut Split, count: u32) -> Result<(), UsageError> {
    let all = test.len();
    if count as usize > all {
        return Err(UsageError(format!("--first {count} is not in 1..={all}: there are {all} test pictures")));
    }
    let _rest = test.split_off(count as usize);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::evaluation;

    fn text(names: &[&str]) -> String {
        let mut evaluation = evaluation(names, 7);
        evaluation.mistakes = vec![Mistake { index: 4, label: 0, class: 1, probability: 0.75 }];
        Report { evaluation, seconds: 1.0, pictures_per_second: 1.0, written: Vec::new() }.text()
    }

    #[test]
    fn names_neither_steer_nor_flood_the_terminal() {
        let text = text(&["\x1b[2J", &"long ".repeat(50), "2"]);
        assert!(text.contains("0 \\u{1b}[2J") && !text.contains('\x1b'), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
        assert!(text.contains("│ 2 ") && !text.contains("2 2"), "{text}");
    }

    #[test]
    fn many_classes_are_not_printed_as_a_matrix() {
        let names: Vec<String> = (0..13).map(|class| format!("class {class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(text(&names[..12]).contains("true, given"));
        let many = text(&names);
        assert!(many.contains("13 classes is in a file") && many.contains("12 class 12"), "{many}");
    }
}
