use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use prenda::Model;
use serde::Serialize;

use super::model_data::{ModelDataArguments, configuration};
use super::model_output::ModelOutputArguments;
use super::number::share_of_one;
use super::{OutputArguments, UsageError, check_apart, check_export, check_folder_apart, contains, line, percent};
use crate::data::{Dataset, HeldOut, Split, hex};
use crate::model::cascade::{self, Member, NETWORKS};
use crate::run::{Cascade, CascadeNetwork, CascadeRecord, ChosenOn, Configuration, RunFile, RunFolder, model_file};
use crate::support::{files, progress};
use crate::text::{Shown, count};

/// Held-out images below which a share that is chosen on them is off by more than about a point.
const FEW_IMAGES: usize = 1000;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer cascade runs/small runs/large --defer 0.15 --run runs/cascade
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
    #[command(flatten)]
    place: ModelOutputArguments,
    #[command(flatten)]
    data: ModelDataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct CascadeOutput<'a> {
    /// The folder, if one was named.
    run: Option<Shown<&'a Path>>,
    model: Shown<&'a Path>,
    #[serde(flatten)]
    record: &'a CascadeRecord,
    seconds: f64,
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
        let export = self.place.export.as_deref();
        let paths: Vec<PathBuf> = self.models.iter().map(|model| model_file::resolve(model)).collect();
        if let Some(export) = export {
            check_export(export, self.place.run.as_deref(), &paths)?;
        }
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
        if let Some(export) = export {
            check_apart("--export", export, data.files())?;
        }
        if !self.data.other_data {
            check_data(&members, &configurations, &data)?;
        }
        let (chosen_on, split) = split(&members, &configurations, &mut data)?;
        let ids: Vec<String> = views.iter().map(|view| view.id().to_string()).collect();
        let inputs: Vec<_> = sources.iter().map(|source| source.path.clone()).chain(data.files()).collect();
        let folder = self.folder(&ids, &shares, &data, &inputs)?;
        if let Some(export) = export {
            files::check_writable(export)?;
        }
        let cascade = Cascade::make(&members, &shares, (chosen_on, &split), &data)?;
        cascade.write(folder.as_ref(), export)?;
        let run = folder.as_ref().map(RunFolder::path);
        let in_run = folder.as_ref().map(|folder| folder.file(RunFile::Model));
        let model = export.or(in_run.as_deref()).unwrap_or(Path::new(""));
        let seconds = start.elapsed().as_secs_f64();
        let report = CascadeOutput { run: run.map(Shown), model: Shown(model), record: &cascade.record, seconds };
        warn(&cascade.record);
        self.output.print(&report, || report.text())
    }

    /// Creates the folder of the run, if one is named. Fails if that would overwrite `inputs` or
    /// anything but the same cascade, of the models `ids` and `shares`.
    fn folder(&self, ids: &[String], shares: &[f64], data: &Dataset, inputs: &[PathBuf]) -> Result<Option<RunFolder>> {
        let ModelOutputArguments { run, overwrite, .. } = &self.place;
        let Some(run) = run else { return Ok(None) };
        let folder = RunFolder::at(run.clone());
        check_folder_apart("--run", run, folder.files(), inputs)?;
        let found = folder.other_cascade(shares, CascadeNetwork::id, ids, data).filter(|_| !overwrite);
        match (folder.file_of_training(), found) {
            (Some(file), _) => {
                let (run, file) = (run.display(), file.name());
                let text = format!("{run} contains {file}, a file of a training; name another folder with --run");
                Err(UsageError(text).into())
            }
            (None, Some(found)) => Err(contains(&folder, &found, "--run").into()),
            (None, None) => Ok(Some(RunFolder::create(run.clone())?)),
        }
    }

    /// Returns the share of each network but the last.
    fn shares(&self) -> Result<Vec<f64>, UsageError> {
        let found = self.models.len();
        if !NETWORKS.contains(&found) {
            let (least, most) = (NETWORKS.start(), NETWORKS.end());
            return Err(UsageError(format!("models: found {found}, expected {least} to {most}, one for each network")));
        }
        cascade::shares(&self.defer, found).map_err(|reason| UsageError(format!("--defer: {reason}")))
    }
}

/// Checks that each of `members` was trained on `data`, as far as it is known.
fn check_data(members: &[Member<'_>], configurations: &[Option<Configuration>], data: &Dataset) -> Result<()> {
    for (member, configuration) in members.iter().zip(configurations) {
        let is_own = match configuration {
            Some(configuration) => configuration.uses(data),
            None => is_trained_on(member, None, data).unwrap_or(true),
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

/// Returns the images to choose margins on, moved out of `data`: those that no run was trained on.
/// Returns all training images if the runs share no such image or a model has no run.
fn split(
    members: &[Member<'_>],
    configurations: &[Option<Configuration>],
    data: &mut Dataset,
) -> Result<(ChosenOn, Split)> {
    let (mut held_out, mut unknown) = (Vec::new(), Vec::new());
    for (member, configuration) in members.iter().zip(configurations) {
        if is_trained_on(member, configuration.as_ref(), data) == Some(false) {
            continue;
        }
        let Some(configuration) = configuration else {
            unknown.push(member.name);
            continue;
        };
        if let Err(reason) = configuration.check_held_out(data.train.len()) {
            let folder = Path::new(member.name).parent().unwrap_or(Path::new("."));
            bail!(RunFolder::at(folder.to_owned()).damaged(RunFile::Configuration, reason));
        }
        held_out.push(configuration.held_out());
    }
    let reason = match unknown.as_slice() {
        [] if held_out.is_empty() => return Ok((ChosenOn::Unseen, data.train.clone())),
        [] => {
            let indices = HeldOut::choose_common(held_out, &data.train.labels);
            if !indices.is_empty() {
                return Ok((ChosenOn::HeldOut, data.train.take(&indices)));
            }
            "found no images that all runs held out".to_owned()
        }
        names => format!("the images that {} held out are unknown", names.join(" and ")),
    };
    progress::log(format_args!(
        "warning: {reason}, so the margins are chosen on the training images, and more of other images will be \
         deferred; to avoid it, name folders of runs of train with the same --validation and --seed"
    ));
    Ok((ChosenOn::Training, data.train.clone()))
}

/// Returns true if `member` was trained on the training images of `data`; `None` if that is
/// unknown.
fn is_trained_on(member: &Member<'_>, configuration: Option<&Configuration>, data: &Dataset) -> Option<bool> {
    let recorded = member.view.provenance().data_sha256;
    match configuration {
        Some(configuration) => Some(configuration.data_sha256 == hex(&data.train_hash)),
        None => (recorded != [0; 32]).then(|| recorded == data.train_hash),
    }
}

/// Warns of networks that never or always defer, of margins chosen on few images, and of a cascade
/// that gains nothing over one of its networks.
fn warn(record: &CascadeRecord) {
    let CascadeRecord { chosen_on, chosen_on_images, networks, test_accuracy_fixed, .. } = record;
    if *chosen_on == ChosenOn::HeldOut && *chosen_on_images < FEW_IMAGES {
        let found = count(*chosen_on_images as u64);
        progress::log(format_args!(
            "warning: the runs share {found} held-out images only, so the margins are uncertain; train all networks \
             with the same --validation of {} or more, and the same --seed",
            count(FEW_IMAGES as u64)
        ));
    }
    for (index, network) in networks.iter().enumerate() {
        let Some(deferred) = network.deferred_test else { continue };
        if networks[index..].iter().all(|network| network.images == 0) {
            progress::log(format_args!("warning: no test image reaches network {index}; increase --defer"));
            continue;
        }
        if *test_accuracy_fixed <= network.test_accuracy_alone {
            progress::log(format_args!(
                "warning: the cascade classifies {} of the test images correctly, network {index} alone {}; name the \
                 less accurate network first",
                percent(*test_accuracy_fixed),
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

impl CascadeOutput<'_> {
    fn text(&self) -> String {
        let record = self.record;
        let chosen_on = record.chosen_on.name();
        let mut text = String::new();
        for (index, network) in record.networks.iter().enumerate() {
            let CascadeNetwork { model, model_id, test_accuracy_alone, margin, share, accuracy, .. } = network;
            text += &line(&format!("network {index}"), format_args!("{model} ({model_id})"));
            text += &line("  alone, test", percent(*test_accuracy_alone));
            if let (Some(margin), Some(chosen), Some(tested)) =
                (margin, network.deferred_chosen_on, network.deferred_test)
            {
                text += &line("  margin", format_args!("{margin:.4} logits"));
                let chosen = format!("{} of the {chosen_on} images seen", percent(chosen));
                text += &line("  defers", format_args!("{chosen}, {} of the test images", percent(tested)));
            }
            let accuracy = accuracy.map_or_else(|| "none".to_owned(), percent);
            text += &line("  answers", format_args!("{} of all test images; correct: {accuracy}", percent(*share)));
        }
        let images = count(record.chosen_on_images as u64);
        text += &line("margins chosen on", format_args!("{images} {chosen_on} images"));
        text += &line("test, fixed point", percent(record.test_accuracy_fixed));
        text += &line("multiplications", multiplications(record.multiplications_mean, record.multiplications_max));
        let CascadeRecord { model_id, model_bytes, .. } = record;
        let Self { run, model, seconds, .. } = self;
        text += &line("model", format_args!("{model} ({model_id}, {model_bytes} bytes)"));
        text += &run.as_ref().map_or_else(String::new, |run| line("run", run));
        text + &line("time", format_args!("{seconds:.1} s"))
    }
}

/// Formats the multiplications of a cascade for an image without zero pixels.
pub fn multiplications(mean: f64, most: u64) -> String {
    format!("{} for a test image on average, at most {}", count(mean.round() as u64), count(most))
}
