//! `cargo xtask ask`: one's own images on the host and on a device, every probability side by side.

mod answer;
mod watch;

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::slice;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use host_support::parity::target_name;
use tempfile::NamedTempFile;

use crate::output::{log, print};
use crate::process::{Conversation, Job};
use crate::workspace::{Workspace, shown};
use crate::{DEFAULT_BOARD, parity, run_folder};
use answer::{Answer, Asked, Introduced, Photo};
use watch::Watch;

/// Pause between two looks at a folder. Notifications do not exist on every file system.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask ask mps2-an386 --image docs/trousers.jpg\n  \
    cargo xtask ask probe-pico2 --image shoe.jpg --model runs/mine\n  \
    cargo xtask ask --camera photos --json")]
pub struct Options {
    /// `loopback`, a BOARD of firmware/boards in QEMU, or probe-BOARD through a debug probe, which
    /// is flashed.
    #[arg(value_name = "DEVICE", default_value = DEFAULT_BOARD)]
    device: String,
    /// Ask about this PNG, JPEG, BMP or WebP file.
    ///
    /// `host-trainer predict` converts it to the network's input.
    #[arg(long, value_name = "FILE", required_unless_present = "camera")]
    image: Option<PathBuf>,
    /// Ask about each new image in this folder, until interrupted.
    ///
    /// An image that cannot be read yet, because a program still writes it, is tried again.
    #[arg(long, value_name = "DIR", conflicts_with = "image")]
    camera: Option<PathBuf>,
    /// The model, or the folder of its run. [default: the demo's run]
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// Print one JSON object for each image on standard output instead of text.
    #[arg(long)]
    json: bool,
    /// Arguments for the program `ask`; `cargo run --bin ask -- --help` describes them.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// Asks host and device. Fails if any value differs.
pub fn command(workspace: &Workspace, options: Options) -> Result<()> {
    let Options { device, image, camera, model, json, arguments } = options;
    let devices = parity::chosen(slice::from_ref(&device), false, &[])?;
    let model = run_folder::existing(workspace, model)?;
    let watch = camera.as_deref().map(|folder| Watch::new(folder, Instant::now())).transpose()?;
    ["host-trainer", "ask"].iter().try_for_each(|name| workspace.build_program(name))?;
    // A file of this call, because several may run at a time.
    let answers = NamedTempFile::new_in(workspace.folder("ask")?).context("cannot create a file")?.into_temp_path();
    let host = Host { workspace, model: &model, answers: &answers };
    // First, because building the firmware takes longer than finding a bad image.
    let photo = image.as_deref().map(|image| host.answer(image)).transpose()?;

    parity::build_firmware(workspace, &devices)?;
    let firmware = workspace.folder("firmware")?;
    let job = workspace.job("ask").arg(&device).arg("--model").arg(&model).arg("--firmware").arg(firmware);
    let (conversation, first) = job.args(arguments).converse()?;
    let introduced = serde_json::from_str(&first).context("cannot parse the first line of `ask`")?;
    let mut asking = Asking { conversation, introduced, answers: &answers, json };
    if let (Some(image), Some(photo)) = (&image, photo) {
        asking.ask(image, photo)?;
        return asking.conversation.end();
    }
    watch.map_or(Ok(()), |watch| asking.follow(&host, watch))
}

/// The host's side.
struct Host<'a> {
    workspace: &'a Workspace,
    model: &'a Path,
    answers: &'a Path,
}

impl Host<'_> {
    /// Converts an image, and writes the host's answer.
    fn answer(&self, image: &Path) -> Result<Photo> {
        self.job(image).capture_json()
    }

    /// Like [`Host::answer`], but returns the reason of a failure, which may be that the image is
    /// not complete yet, instead of printing it.
    fn try_answer(&self, image: &Path) -> Result<Result<Photo, String>> {
        let output = self.job(image).probe()?;
        let messages = String::from_utf8_lossy(&output.stderr);
        let messages = messages.trim_end();
        if !output.status.success() {
            let reason = messages.lines().next_back().unwrap_or("no reason given");
            return Ok(Err(reason.strip_prefix("error: ").unwrap_or(reason).to_owned()));
        }
        if !messages.is_empty() {
            log(messages);
        }
        Ok(Ok(serde_json::from_slice(&output.stdout).context("cannot parse the output of `host-trainer predict`")?))
    }

    fn job(&self, image: &Path) -> Job {
        let job = self.workspace.job("host-trainer").arg("predict").arg(self.model).arg("--image").arg(image);
        job.arg("--answers").arg(self.answers).arg("--json")
    }
}

/// The device's side.
struct Asking<'a> {
    conversation: Conversation,
    introduced: Introduced,
    answers: &'a Path,
    json: bool,
}

impl Asking<'_> {
    /// Sends the image in the answers file to the device, and prints both answers.
    fn ask(&mut self, image: &Path, photo: Photo) -> Result<()> {
        let line = self.conversation.ask(self.answers.as_os_str().as_bytes())?;
        let asked: Asked = serde_json::from_str(&line).context("cannot parse the output of `ask`")?;
        let answer = Answer::new(shown(image), photo, &self.introduced, asked);
        if self.json {
            print(serde_json::to_string(&answer)?)?;
        } else {
            print(answer.text(&self.introduced))?;
        }
        if !answer.agree {
            bail!("host and {} differ on {}", self.introduced.device, shown(image));
        }
        Ok(())
    }

    /// Asks about each new image in a folder; ends only with an error or a signal.
    fn follow(&mut self, host: &Host<'_>, mut watch: Watch) -> Result<()> {
        let Introduced { device, core, target, model_id, .. } = &self.introduced;
        log(format_args!(
            "    {device} ({}, {core}) runs model {model_id}; put PNG, JPEG, BMP or WebP images into {}; Ctrl-C ends",
            target_name(Some(*target)),
            shown(watch.folder()),
        ));
        loop {
            let start = Instant::now();
            let images = watch.look(start)?;
            let looked = start.elapsed();
            for image in images {
                match host.try_answer(&image)? {
                    Ok(photo) => {
                        watch.close(&image);
                        self.ask(&image, photo)?;
                    }
                    Err(_) if watch.has_patience(&image, Instant::now()) => {}
                    Err(reason) => {
                        watch.close(&image);
                        let limit = watch::PATIENCE.as_secs();
                        log(format_args!("error: skipped, unreadable {limit} s after its last change: {reason}"));
                    }
                }
            }
            // A look at a folder with very many files may take longer.
            thread::sleep(PAUSE.max(looked));
        }
    }
}
