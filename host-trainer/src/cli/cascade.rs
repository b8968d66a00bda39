use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;
use shared_model::{LOGIT_FRACTION_BITS, MAX_NETWORKS, Model};

use super::model_data::{ModelDataArguments, configuration};
use super::number::share_of_one;
use super::{OutputArguments, UsageError, check_apart, check_export, line, percent};
use crate::data::{Dataset, Split, hex};
use crate::model::cascade::{self, Member};
use crate::model::evaluate::{describe, evaluate};
use crate::model::{Evaluation, NetworkResult};
use crate::run::{Configuration, model_file};
use crate::support::{files, progress};
use crate::text::{Shown, count};

/// Held-out images below which a share that is chosen on them is off by more than about a point.
const FEW_IMAGES: usize = 1000;

/// Networks of a cascade.
const NETWORKS: std::ops::RangeInclusive<usize> = 2..=MAX_NETWORKS;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer cascade runs/small runs/large --defer 0.15 --export cascade.bin
  host-trainer cascade runs/tiny runs/small runs/large --defer 0.4,0.2 --export cascade.bin")]
pub struct CascadeArguments {
    /// 2 to 4 models with one network each, or folders of their runs, in the order in which they
    /// see an image: the smallest first
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<PathBuf>,
    /// Share of the images seen that a network defers to the next, 0..=1: one for all networks, or
    /// one for each except the last, separated by commas
    ///
    /// A network answers if its best logit exceeds the second by a margin. The margin is chosen on
    /// images that all runs held out (train --validation).
    #[arg(long, value_name = "SHARE", required = true, value_delimiter = ',', value_parser = share_of_one)]
    defer: Vec<f64>,
    /// File to write the model to
    #[arg(long, value_name = "FILE")]
    export: PathBuf,
    #[command(flatten)]
    data: ModelDataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct CascadeOutput {
    model: Shown<PathBuf>,
    model_id: String,
    model_bytes: usize,
    /// The images that the margins were chosen on.
    chosen_on: ChosenOn,
    chosen_on_pictures: usize,
    networks: Vec<NetworkOutput>,
    test_pictures: u32,
    test_accuracy_fixed: f64,
    /// For a test image without zero pixels.
    multiplications_mean: f64,
    multiplications_max: u64,
    seconds: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ChosenOn {
    /// Images that no network was trained on.
    HeldOut,
    /// All training images.
    Training,
}

#[derive(Serialize)]
struct NetworkOutput {
    model: Shown<PathBuf>,
    model_id: String,
    /// Accuracy of the network alone, over all test images.
    test_accuracy_alone: f64,
    /// Smallest lead of the best logit with which it answers; `None` for the last network.
    margin: Option<f64>,
    /// Shares of the images seen that it defers, among those that the margin was chosen on and
    /// among the test images.
    deferred_chosen_on: Option<f64>,
    deferred_test: Option<f64>,
    /// The test images that it answers.
    #[serde(flatten)]
    test: NetworkResult,
}

/// A model that was read.
struct Source {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl CascadeArguments {
    pub fn run(self) -> Result<()> {
        let start = Instant::now();
        let shares = self.shares()?;
        let paths: Vec<PathBuf> = self.models.iter().map(|model| model_file::resolve(model)).collect();
        check_export(&self.export, None, &paths)?;
        let read = |path: PathBuf| anyhow::Ok(Source { bytes: model_file::read(&path)?, path });
        let sources: Vec<Source> = paths.into_iter().map(read).collect::<Result<_>>()?;
        let views = sources.iter().map(|source| model_file::load(&source.path, &source.bytes));
        let views: Vec<Model<'_>> = views.collect::<Result<_, _>>()?;
        let names: Vec<String> = sources.iter().map(|source| source.path.display().to_string()).collect();
        let members: Vec<_> = names.iter().zip(&views).map(|(name, view)| Member { name, view }).collect();
        cascade::check(&members)?;

        let configurations: Vec<_> =
            sources.iter().zip(&views).map(|(source, view)| configuration(&source.path, view)).collect();
        let first = configurations.first().and_then(Option::as_ref);
        let mut data = self.data.load(&sources[0].path, &views[0], first)?.data;
        check_apart("--export", &self.export, data.files())?;
        if !self.data.other_data {
            check_data(&members, &configurations, &data)?;
        }
        let (chosen_on, split) = split(&configurations, &mut data)?;
        let margins = cascade::margins(&members, &shares, &split)?;
        let alone = members.iter().map(|member| Ok(evaluate(member.view, &data.test)?.predictions));
        let alone: Vec<_> = alone.collect::<Result<_>>()?;
        let exported = cascade::combine(&members, &margins, &data)?;
        let view = Model::parse(&exported.bytes)?;
        let test = describe(&view, &data.test, &exported.test);
        let chosen = describe(&view, &split, &evaluate(&view, &split)?);
        files::write(&self.export, &exported.bytes)?;

        let networks = sources.iter().zip(&views).enumerate().map(|(index, (source, view))| NetworkOutput {
            model: Shown(source.path.clone()),
            model_id: view.id().to_string(),
            test_accuracy_alone: share(data.test.count_correct(&alone[index]).into(), data.test.len() as u64),
            margin: margins.get(index).map(|&margin| f64::from(margin) / f64::from(1_u32 << LOGIT_FRACTION_BITS)),
            deferred_chosen_on: margins.get(index).map(|_| deferred(&chosen, index)),
            deferred_test: margins.get(index).map(|_| deferred(&test, index)),
            test: test.networks[index].clone(),
        });
        let networks: Vec<_> = networks.collect();
        let (multiplications_mean, multiplications_max) = test.multiplications().unwrap_or_default();
        let report = CascadeOutput {
            model: Shown(self.export),
            model_id: test.model_id,
            model_bytes: exported.bytes.len(),
            chosen_on,
            chosen_on_pictures: split.len(),
            networks,
            test_pictures: test.images,
            test_accuracy_fixed: test.accuracy,
            multiplications_mean,
            multiplications_max,
            seconds: start.elapsed().as_secs_f64(),
        };
        report.warn();
        self.output.print(&report, || report.text())
    }

    /// Returns the share of each network but the last.
    fn shares(&self) -> Result<Vec<f64>, UsageError> {
        let found = self.models.len();
        if !NETWORKS.contains(&found) {
            let (least, most) = (NETWORKS.start(), NETWORKS.end());
            return Err(UsageError(format!("models: found {found}, expected {least} to {most}, one for each network")));
        }
        match self.defer.as_slice() {
            [share] => Ok(vec![*share; found - 1]),
            shares if shares.len() == found - 1 => Ok(shares.to_vec()),
            shares => Err(UsageError(format!(
                "--defer: found {} shares, expected one for all networks, or {}: one for each but the last",
                shares.len(),
                found - 1
            ))),
        }
    }
}

/// Checks that each of `members` was trained on `data`, as far as it is known.
fn check_data(members: &[Member<'_>], configurations: &[Option<Configuration>], data: &Dataset) -> Result<()> {
    for (member, configuration) in members.iter().zip(configurations) {
        let recorded = member.view.provenance().data_sha256;
        let is_own = match configuration {
            Some(configuration) => configuration.uses(data),
            None => recorded == [0; 32] || hex(&recorded) == hex(&data.train_hash),
        };
        if !is_own {
            bail!(
                "{}: it was not trained on the data set {}; train all networks on one data set, or add --other-data",
                member.name,
                data.folder.display()
            );
        }
    }
    Ok(())
}

/// Returns the images to choose margins on: those that all runs held out, moved out of `data`, or
/// all training images if the runs share no such image.
fn split(configurations: &[Option<Configuration>], data: &mut Dataset) -> Result<(ChosenOn, Split)> {
    let mut held_out: Option<Vec<usize>> = None;
    for configuration in configurations {
        let indices = configuration.as_ref().map(|configuration| configuration.held_out().choose(&data.train.labels));
        let indices = indices.unwrap_or_default();
        held_out = Some(match held_out {
            Some(mut all) => {
                all.retain(|index| indices.binary_search(index).is_ok());
                all
            }
            None => indices,
        });
    }
    let indices = held_out.unwrap_or_default();
    if !indices.is_empty() {
        return Ok((ChosenOn::HeldOut, data.train.take(&indices)));
    }
    progress::log(
        "warning: found no images that all runs held out, so the margins are chosen on the training images, and more \
         of other images will be deferred; to avoid it, name runs of train with the same --validation and --seed",
    );
    Ok((ChosenOn::Training, data.train.clone()))
}

/// Returns the share of the images seen by network `index` that go on to the next.
fn deferred(evaluation: &Evaluation, index: usize) -> f64 {
    let images = |networks: &[NetworkResult]| networks.iter().map(|network| u64::from(network.images)).sum();
    let (_, seen) = evaluation.networks.split_at(index);
    share(images(&seen[1..]), images(seen))
}

/// Returns `part / whole`; 0 if both are 0.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl CascadeOutput {
    /// Warns of networks that never or always defer, of margins chosen on few images, and of a
    /// cascade that gains nothing over one of its networks.
    fn warn(&self) {
        if self.chosen_on == ChosenOn::HeldOut && self.chosen_on_pictures < FEW_IMAGES {
            let found = count(self.chosen_on_pictures as u64);
            progress::log(format_args!(
                "warning: the runs share {found} held-out images only, so the margins are uncertain; train all \
                 networks with the same --validation of {} or more, and the same --seed",
                count(FEW_IMAGES as u64)
            ));
        }
        for (index, network) in self.networks.iter().enumerate() {
            let Some(deferred) = network.deferred_test else { continue };
            if self.networks[index..].iter().all(|network| network.test.images == 0) {
                progress::log(format_args!("warning: no test image reaches network {index}; increase --defer"));
                continue;
            }
            if self.test_accuracy_fixed <= network.test_accuracy_alone {
                progress::log(format_args!(
                    "warning: the cascade classifies {} of the test images correctly, network {index} alone {}; name \
                     the less accurate network first",
                    percent(self.test_accuracy_fixed),
                    percent(network.test_accuracy_alone)
                ));
            }
            let how = match deferred {
                0.0 => "never",
                1.0 => "always",
                _ => continue,
            };
            progress::log(format_args!(
                "warning: network {index} {how} defers ({} of the test images that it sees); change --defer",
                percent(deferred)
            ));
        }
    }

    fn text(&self) -> String {
        let chosen_on = match self.chosen_on {
            ChosenOn::HeldOut => "held-out",
            ChosenOn::Training => "training",
        };
        let mut text = String::new();
        for (index, network) in self.networks.iter().enumerate() {
            let NetworkOutput { model, model_id, test_accuracy_alone, margin, test, .. } = network;
            text += &line(&format!("network {index}"), format_args!("{model} ({model_id})"));
            text += &line("  alone, test", percent(*test_accuracy_alone));
            if let (Some(margin), Some(chosen), Some(tested)) =
                (margin, network.deferred_chosen_on, network.deferred_test)
            {
                text += &line("  margin", format_args!("{margin:.4} logits"));
                let chosen = format!("{} of the {chosen_on} images seen", percent(chosen));
                text += &line("  defers", format_args!("{chosen}, {} of the test images", percent(tested)));
            }
            let accuracy = test.accuracy.map_or_else(|| "none".to_owned(), percent);
            text += &line("  answers", format_args!("{} of all test images; correct: {accuracy}", percent(test.share)));
        }
        let images = count(self.chosen_on_pictures as u64);
        text += &line("margins chosen on", format_args!("{images} {chosen_on} images"));
        text += &line("test, fixed point", percent(self.test_accuracy_fixed));
        text += &line("multiplications", multiplications(self.multiplications_mean, self.multiplications_max));
        let Self { model, model_id, model_bytes, seconds, .. } = self;
        text += &line("model", format_args!("{model} ({model_id}, {model_bytes} bytes)"));
        text + &line("time", format_args!("{seconds:.1} s"))
    }
}

/// Formats the multiplications of a cascade for an image without zero pixels.
pub fn multiplications(mean: f64, most: u64) -> String {
    format!("{} for a test image on average, at most {}", count(mean.round() as u64), count(most))
}
