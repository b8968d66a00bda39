//! Numbered stages on standard error, each with its seconds.

use std::time::{Duration, Instant};

use crate::output::log;

pub struct Stage {
    pub name: String,
    pub elapsed: Duration,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

impl From<anyhow::Result<()>> for Outcome {
    fn from(result: anyhow::Result<()>) -> Self {
        result.map_or_else(|error| Self::Failed(host_support::errors::chain(error.as_ref())), |()| Self::Passed)
    }
}

/// Numbers stages and keeps their outcomes.
pub struct Stages {
    total: usize,
    done: Vec<Stage>,
}

impl Stages {
    pub fn new(total: usize) -> Self {
        Self { total, done: Vec::with_capacity(total) }
    }

    /// Announces a stage, runs it and prints its duration. An error ends the whole command.
    pub fn run<T>(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        let start = self.announce(name);
        let value = work()?;
        self.finish(name, start, Outcome::Passed);
        Ok(value)
    }

    /// Announces a stage and runs it. A failure is kept for the summary; the next stage still runs.
    pub fn check(&mut self, name: &str, work: impl FnOnce() -> Outcome) {
        let start = self.announce(name);
        let outcome = work();
        self.finish(name, start, outcome);
    }

    pub fn done(&self) -> &[Stage] {
        &self.done
    }

    fn announce(&self, name: &str) -> Instant {
        log(format_args!("[{}/{}] {name} ...", self.done.len() + 1, self.total));
        Instant::now()
    }

    fn finish(&mut self, name: &str, start: Instant, outcome: Outcome) {
        let elapsed = start.elapsed();
        let word = match &outcome {
            Outcome::Passed => "done",
            Outcome::Failed(_) => "failed",
            Outcome::Skipped(_) => "skipped",
        };
        log(format_args!("      {word} in {:.1} s", elapsed.as_secs_f64()));
        self.done.push(Stage { name: name.to_owned(), elapsed, outcome });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_check_does_not_hide_the_next_one() {
        let mut stages = Stages::new(2);
        stages.check("first", || Outcome::Failed("it broke".into()));
        stages.check("second", || Outcome::Passed);
        let outcomes: Vec<_> = stages.done().iter().map(|stage| stage.outcome.clone()).collect();
        assert_eq!(outcomes, [Outcome::Failed("it broke".into()), Outcome::Passed]);
    }

    #[test]
    fn an_error_ends_the_run_and_is_passed_on() {
        let mut stages = Stages::new(1);
        assert!(stages.run("first", || anyhow::bail!("no") as anyhow::Result<()>).is_err());
        assert!(stages.done().is_empty());
    }
}
