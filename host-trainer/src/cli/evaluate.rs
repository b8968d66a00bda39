//! `host-trainer evaluate`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use shared_model::ModelView;

use super::{DataArguments, OutputArguments, UsageError, check_apart, line, percent, share};
use crate::dataset::{Dataset, Split};
use crate::{evaluate, files, model_file};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Write every picture with its logits and probabilities to FILE, so that a device can be compared with them
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Only the first N test pictures, 1 or more; a file of answers has N records then [default: all of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    first: Option<u32>,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct Report {
    model_id: String,
    pictures: u32,
    correct: u32,
    accuracy: f64,
    largest_softmax_error: f64,
    seconds: f64,
}

impl Arguments {
    pub fn run(self) -> Result<()> {
        let bytes = model_file::read(&self.model)?;
        let view = model_file::parse(&self.model, &bytes)?;
        if let Some(answers) = &self.answers {
            check_apart("--answers", answers, [&self.model])?;
            files::check_writable(answers)?;
        }
        let mut data = self.data.load()?;
        if let Some(answers) = &self.answers {
            check_apart("--answers", answers, data.files())?;
        }
        check_fit(&view, &data)?;
        if let Some(first) = self.first {
            keep_first(&mut data.test, first)?;
        }

        let start = Instant::now();
        let (evaluated, answers) = match self.answers {
            Some(path) => {
                let (evaluated, answers) = evaluate::evaluate_with_answers(&view, &data.test)?;
                (evaluated, Some((path, answers)))
            }
            None => (evaluate::evaluate(&view, &data.test)?, None),
        };
        let seconds = start.elapsed().as_secs_f64();
        if let Some((path, answers)) = answers {
            files::write(&path, &answers)?;
        }
        let (correct, pictures) = (data.test.count_right(&evaluated.predictions), data.test.len() as u32);
        let report = Report {
            model_id: view.id().to_string(),
            pictures,
            correct,
            accuracy: share(correct, pictures),
            largest_softmax_error: evaluated.largest_softmax_error,
            seconds,
        };
        self.output.print(&report, || {
            [
                line("model", &report.model_id),
                line("test pictures", report.pictures),
                line("classified rightly", report.correct),
                line("accuracy, fixed point", percent(report.accuracy)),
                line("softmax, largest error", format_args!("{:.6}", report.largest_softmax_error)),
                line("time", format_args!("{:.2} s", report.seconds)),
            ]
            .concat()
        })
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

/// That `view` is a model for the pictures of `data`.
pub fn check_fit(view: &ModelView<'_>, data: &Dataset) -> Result<()> {
    let (found, expected) = ((data.rows.into(), data.columns.into()), (view.rows(), view.columns()));
    if found != expected {
        bail!(
            "the pictures in {} have {} rows and {} columns, the model takes {} and {}; name another data set by --data",
            data.folder.display(),
            found.0,
            found.1,
            expected.0,
            expected.1
        );
    }
    if data.class_names.len() != view.classes() {
        bail!(
            "the data set in {} has {} classes, the model {}; name another data set by --data",
            data.folder.display(),
            data.class_names.len(),
            view.classes()
        );
    }
    Ok(())
}
