//! A Slurm cluster of one node, this machine, with everything in one folder.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{Job, Recording};
use crate::programs::find_program;

/// Time limit for the daemons to start.
const START_LIMIT: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(100);

/// Bytes of the secret that the daemons share.
const KEY_BYTES: u64 = 1024;

/// The running daemons. Dropping it ends them, in the order of the fields.
pub struct Slurm {
    _node: Recording,
    _controller: Recording,
    _munge: Recording,
    configuration: PathBuf,
}

/// One job of an array, as Slurm's commands name it: `ARRAY_TASK`.
pub struct Task {
    pub name: String,
}

impl Slurm {
    /// Starts a cluster with `cpus` processors, whose files are in `folder`.
    pub fn start(folder: &Path, cpus: usize) -> Result<Self> {
        for name in ["state", "spool"] {
            let folder = folder.join(name);
            fs::create_dir(&folder).with_context(|| format!("cannot create folder {}", folder.display()))?;
        }
        let (key, socket) = (folder.join("munge.key"), folder.join("munge.socket"));
        write_key(&key).with_context(|| format!("cannot write {}", key.display()))?;
        let configuration = folder.join("slurm.conf");
        fs::write(&configuration, self::configuration(folder, &socket, &host_name()?, cpus))
            .with_context(|| format!("cannot write {}", configuration.display()))?;

        let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
        // `--force`: the folder may be writable for others, as /tmp is.
        let munge = daemon("munged")?
            .args(["--foreground", "--force"])
            .arg(option("key-file", &key))
            .arg(option("socket", &socket))
            .arg(option("pid-file", &folder.join("munged.pid")))
            .arg(option("seed-file", &folder.join("munged.seed")))
            .arg(option("log-file", &folder.join("munged.log")))
            .record()?;
        wait_until("munged", || Ok(socket.exists()))?;
        let controller = daemon("slurmctld")?.arg("-D").arg("-f").arg(&configuration).record()?;
        let node = daemon("slurmd")?.args(["-D", "-N", NODE, "-f"]).arg(&configuration).record()?;
        let slurm = Self { _node: node, _controller: controller, _munge: munge, configuration };
        wait_until("slurmctld", || Ok(slurm.query("sinfo", &["-h", "-o", "%T"]).is_ok_and(|state| state == "idle")))?;
        Ok(slurm)
    }

    /// Submits `script` as an array of the tasks 1 to `count`, and returns the array's number.
    pub fn submit(&self, script: &Path, count: usize, log: &Path) -> Result<String> {
        let job = self.command("sbatch").args(["--parsable", "--requeue", "--cpus-per-task=1"]);
        let job = job.arg(format!("--array=1-{count}")).arg(format!("--output={}", log.display()));
        Ok(job.arg(script).capture()?.trim().to_owned())
    }

    /// Kills the processes of a task, as a failing node would.
    pub fn kill(&self, task: &Task) -> Result<()> {
        self.command("scancel").args(["--signal=KILL", "--full", &task.name]).run()?;
        self.wait_for_state(task, |state| state != "RUNNING" && state != "COMPLETING")
    }

    /// Puts a task that ended back into the queue, to start at once.
    pub fn requeue(&self, task: &Task) -> Result<()> {
        self.command("scontrol").args(["requeue", &task.name]).run()?;
        self.wait_for_state(task, |state| state == "PENDING")?;
        let job = format!("JobId={}", task.name);
        self.command("scontrol").args(["update", &job, "StartTime=now"]).run()
    }

    /// Returns the tasks of `array` that wait or run.
    pub fn queued(&self, array: &str) -> Result<Vec<String>> {
        Ok(self.query("squeue", &["-h", "-r", "-o", "%i", "-j", array])?.lines().map(str::to_owned).collect())
    }

    /// Returns the state of a task in Slurm's words, and its exit code.
    pub fn state(&self, task: &Task) -> Result<(String, String)> {
        let text = self.query("scontrol", &["-o", "show", "job", &task.name])?;
        let value = |key: &str| {
            let mut words = text.split_whitespace();
            words.find_map(|word| word.strip_prefix(key)).map(str::to_owned)
        };
        value("JobState=")
            .zip(value("ExitCode="))
            .with_context(|| format!("scontrol does not show the state of {}: {text}", task.name))
    }

    fn wait_for_state(&self, task: &Task, is_expected: impl Fn(&str) -> bool) -> Result<()> {
        wait_until(&task.name, || Ok(is_expected(&self.state(task)?.0)))
    }

    fn query(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let output = self.command(program).args(arguments).probe()?;
        if !output.status.success() {
            bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn command(&self, program: &str) -> Job {
        Job::new(program).env("SLURM_CONF", &self.configuration)
    }
}

/// Slurm's name for this machine.
const NODE: &str = "node";

/// Returns the cluster's configuration. The daemons listen only on the loopback interface.
fn configuration(folder: &Path, socket: &Path, host: &str, cpus: usize) -> String {
    let folder = folder.display();
    format!(
        "ClusterName=prenda\n\
         SlurmctldHost={host}(127.0.0.1)\n\
         SlurmctldPort=16817\n\
         SlurmdPort=16818\n\
         SlurmUser=root\n\
         AuthType=auth/munge\n\
         AuthInfo=socket={}\n\
         ProctrackType=proctrack/linuxproc\n\
         TaskPlugin=task/none\n\
         SelectType=select/cons_tres\n\
         StateSaveLocation={folder}/state\n\
         SlurmdSpoolDir={folder}/spool\n\
         SlurmctldPidFile={folder}/slurmctld.pid\n\
         SlurmdPidFile={folder}/slurmd.pid\n\
         SlurmctldLogFile={folder}/slurmctld.log\n\
         SlurmdLogFile={folder}/slurmd.log\n\
         MailProg=/bin/true\n\
         MinJobAge=86400\n\
         NodeName={NODE} NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN\n\
         PartitionName=all Nodes={NODE} Default=YES MaxTime=INFINITE State=UP\n",
        socket.display()
    )
}

fn host_name() -> Result<String> {
    let output = Job::new("hostname").probe()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes munge's key. Nobody else may read it, which munge checks.
fn write_key(path: &Path) -> std::io::Result<()> {
    let mut random = std::io::Read::take(File::open("/dev/urandom")?, KEY_BYTES);
    let mut file = File::options().write(true).create_new(true).mode(0o400).open(path)?;
    std::io::copy(&mut random, &mut file)?;
    file.flush()
}

fn daemon(name: &str) -> Result<Job> {
    // Debian has them in a folder that is on root's PATH only.
    let path = find_program(name).with_context(|| format!("{name} is not on PATH"))?;
    Ok(Job::new(path))
}

/// Waits until `is_done`.
fn wait_until(what: &str, mut is_done: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    while !is_done()? {
        if Instant::now() >= deadline {
            bail!("{what} did not get ready within {} s", START_LIMIT.as_secs());
        }
        thread::sleep(POLL);
    }
    Ok(())
}
