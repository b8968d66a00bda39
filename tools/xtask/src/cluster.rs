//! `cargo xtask cluster`: trains a small list as an array of jobs under Slurm, kills one of them,
//! and compares all runs with those of one process.

mod compare;
mod slurm;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use host_support::shell::quoted;

use crate::output::{log, print};
use crate::setup;
use crate::workspace::Workspace;

use self::slurm::{Slurm, Task};

/// Processors of the cluster's node: this many jobs run at a time.
const CPUS: usize = 2;

/// The network whose job is killed: it has the most runs, so it takes longest.
const KILLED: &str = "128-taught";

/// Time limit for all jobs together. They take about two minutes on two cores.
const LIMIT: Duration = Duration::from_secs(1800);

const POLL: Duration = Duration::from_millis(50);

pub fn command(workspace: &Workspace) -> Result<()> {
    if !setup::is_root()? {
        bail!("Slurm's daemons need root; type: sudo env PATH=\"$PATH\" HOME=\"$HOME\" cargo xtask cluster");
    }
    setup::ensure_slurm()?;
    setup::ensure_data()?;
    workspace.build_programs()?;
    // Unix sockets allow only short paths, so not in the target folder.
    let folder = tempfile::Builder::new().prefix("prenda-cluster-").tempdir().context("cannot create a folder")?;
    let folder = folder.path();
    let (serial, array) = (folder.join("serial"), folder.join("array"));

    let frontier = || workspace.job("host-trainer").args(["frontier", "--reduced"]);
    let names: Vec<String> = frontier().args(["--list", "--json"]).capture_json()?;
    let Some(place) = names.iter().position(|name| name == KILLED) else { bail!("the reduced list has no {KILLED}") };
    let number = names.len();
    log("    all networks in one process");
    frontier().arg("--runs").arg(&serial).run()?;

    log(format_args!("    the same networks as an array of {number} jobs; {KILLED} is killed while it trains"));
    let slurm = Slurm::start(folder, CPUS)?;
    let script = folder.join("job.sh");
    let program = workspace.target.join("debug/host-trainer");
    fs::write(&script, self::script(&program, &array, &names)).context("cannot write the jobs' script")?;
    let id = slurm.submit(&script, number, &folder.join("job-%a.log"))?;
    let task = Task { name: format!("{id}_{}", place + 1) };
    let logs = || {
        let read = |task| fs::read_to_string(folder.join(format!("job-{task}.log"))).unwrap_or_default();
        (1..=number).map(read).collect::<Vec<_>>().join("\n")
    };

    let run = array.join(format!("reduced/{KILLED}-seed-1"));
    // It exists while a training is in progress.
    wait(|| Ok(run.join("progress.jsonl").exists()), &slurm, &id).with_context(logs)?;
    slurm.kill(&task)?;
    let (state, code) = slurm.state(&task)?;
    if state == "COMPLETED" {
        bail!("{KILLED} was finished before it could be killed");
    }
    log(format_args!("    killed in its training: state {state}, exit code {code}; queued again"));
    slurm.requeue(&task)?;
    wait(|| Ok(slurm.queued(&id)?.is_empty()), &slurm, &id).with_context(logs)?;
    for number in 1..=number {
        let task = Task { name: format!("{id}_{number}") };
        let (state, code) = slurm.state(&task)?;
        if state != "COMPLETED" {
            bail!("job {} ended as {state}, exit code {code}:\n{}", task.name, logs());
        }
    }

    let compared = compare::folders(&serial, &array)?;
    print(format!(
        "{number} jobs, one killed and queued again: {compared} files of their runs equal those of one process"
    ))
}

/// Returns a job's script: it trains the network whose number Slurm passes.
fn script(program: &Path, runs: &Path, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(quoted).collect();
    format!(
        "#!/bin/sh\nset -eu\nset -- {}\nshift $((SLURM_ARRAY_TASK_ID - 1))\n\
         exec {} frontier --reduced --runs {} --one \"$1\"\n",
        names.join(" "),
        quoted(program),
        quoted(runs)
    )
}

/// Waits until `is_done`. Fails if the jobs of `array` end before.
fn wait(mut is_done: impl FnMut() -> Result<bool>, slurm: &Slurm, array: &str) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let is_over = slurm.queued(array)?.is_empty();
        if is_done()? {
            return Ok(());
        }
        if is_over {
            bail!("all jobs of the array have ended");
        }
        if Instant::now() >= deadline {
            bail!("the jobs did not end within {} minutes", LIMIT.as_secs() / 60);
        }
        thread::sleep(POLL);
    }
}
