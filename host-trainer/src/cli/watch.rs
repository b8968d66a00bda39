use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use super::messages::log_epoch;
use super::{OutputArguments, line};
use crate::support::progress;
use crate::text::{Shown, percent};
use crate::watch::{Follower, Server, State, update};

/// Time between two looks at the run's folder.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer watch runs/first
  host-trainer watch runs/first --port 8080     through ssh -L 8080:127.0.0.1:8080")]
pub struct WatchArguments {
    /// Folder of a run that `train` writes in another terminal, or that `compare` or `frontier`
    /// does
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Port of the page on this computer, 1..=65535 [default: a free one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Serialize)]
struct WatchOutput<'a> {
    page: &'a str,
    run: Shown<&'a PathBuf>,
}

impl WatchArguments {
    pub fn run(self) -> Result<()> {
        let mut follower = Follower::new(self.run.clone())?;
        let server = Server::start(self.port.unwrap_or(0))?;
        let output = WatchOutput { page: server.address(), run: Shown(&self.run) };
        self.output.print(&output, || line("page", output.page) + &line("run", output.run))?;

        let name = self.run.display().to_string();
        let mut logged = 0;
        loop {
            let Some(state) = follower.look()? else {
                thread::sleep(PAUSE);
                continue;
            };
            if let Some(progress) = follower.progress() {
                progress.history.iter().skip(logged).for_each(|epoch| log_epoch(epoch, &progress.planned));
                logged = progress.history.len();
            }
            let update = update(&name, follower.progress(), &state);
            if state == State::Training {
                server.publish(update);
            } else {
                server.finish(update);
            }
            match state {
                State::Training => {}
                State::Finished(outcome) => {
                    let accuracy = percent(outcome.test_accuracy_fixed);
                    progress::log(format_args!(
                        "{}: test, fixed point {accuracy}; `host-trainer report {name}` shows the run",
                        outcome.stop.end().to_lowercase()
                    ));
                    return Ok(());
                }
                State::Ended => bail!(
                    "the training ended after {logged} epochs, and its results are not in {name}; it was interrupted, \
                     killed or failed, which its own terminal shows"
                ),
            }
        }
    }
}
