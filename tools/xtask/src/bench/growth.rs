//! `cargo xtask bench --growth`: the cost of growing networks, on a core of each kind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use host_support::files;

use super::measuring;
use crate::output::{log, print};
use crate::trainer;
use crate::work::answered;
use crate::workspace::{Workspace, shown};

/// Neurons of the hidden layers.
const NETWORKS: [&str; 10] = ["16", "32", "64", "128", "256", "512", "1024", "128,64", "256,128", "512,256"];

/// The network whose images are shown one by one.
const PER_IMAGE: &str = "128";

/// A core with DSP instructions, one without any extension, one with vectors.
const BOARDS: [&str; 3] = ["mps2-an386", "microbit", "mps3-an547"];

/// Trains each network for an epoch, measures it on the boards it fits, and draws the results.
/// Trained networks are kept, so an interrupted command continues.
pub fn command(workspace: &Workspace, data: Option<&Path>, images: u32, chart: Option<PathBuf>) -> Result<()> {
    workspace.build_programs()?;
    // Another data set gives other networks.
    let place = if data.is_some() { "bench/growth-of-other-data" } else { "bench/growth" };
    let all = workspace.folder(place)?;
    let chart = chart.unwrap_or_else(|| all.join("growth.svg"));
    // Before measuring, so that a wrong path costs no time.
    files::check_writable(&chart)?;
    let devices = BOARDS.map(str::to_owned);
    let mut records = Vec::new();
    for (index, hidden) in NETWORKS.iter().enumerate() {
        log(format_args!("[{}/{}] hidden neurons: {hidden}", index + 1, NETWORKS.len()));
        let folder = workspace.folder(&format!("{place}/{}", hidden.replace(',', "-")))?;
        let model = train(workspace, &folder, hidden, data)?;
        let work = answered(workspace, model, &folder, data)?;
        let options = ["--where-it-fits", "--json", "--pictures", &images.to_string()];
        let job = measuring(workspace, &devices, &work)?.args(options).flag("--each", *hidden == PER_IMAGE);
        let record = folder.join("bench.json");
        files::write(&record, job.capture()?.as_bytes())?;
        records.push(record);
    }
    workspace.job("bench").arg("growth").args(&records).arg("--chart").arg(&chart).run()?;
    print(format_args!("{}", shown(&chart)))
}

/// Returns the model of a network, trained unless it exists. Models of an older format must be
/// removed by hand; with `data` they are always trained.
fn train(workspace: &Workspace, folder: &Path, hidden: &str, data: Option<&Path>) -> Result<PathBuf> {
    let model = folder.join("model.bin");
    let result = fs::read_to_string(folder.join("run/result.json")).unwrap_or_default();
    if model.is_file() && data.is_none() && !result.contains("\"interrupted\"") {
        log(format_args!("    {} exists", shown(&model)));
        return Ok(model);
    }
    let data = data.map(|data| data.display().to_string());
    let mut arguments = vec!["--epochs", "1", "--hidden", hidden];
    if let Some(data) = &data {
        arguments.extend(["--data", data]);
    }
    trainer::train(workspace, folder, &arguments)?;
    Ok(model)
}
