//! `--backend`, and what it can be here.

use anyhow::Result;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{OutputArguments, UsageError, printable, table};
use crate::network::backend::{Backend, BackendError, Hardware, build_line};
use crate::support::progress;

/// What trains.
#[derive(Debug, Args)]
pub struct BackendArguments {
    /// What trains; flex is the default because it is the faster one on the processor, as `cargo xtask bench-train` shows
    #[arg(long, value_enum, default_value_t = Choice::Backend(Backend::DEFAULT))]
    backend: Choice,
}

/// What `--backend` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Backend(Backend),
    List,
}

impl ValueEnum for Choice {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Backend(Backend::Flex),
            Self::Backend(Backend::Ndarray),
            Self::Backend(Backend::Wgpu),
            Self::Backend(Backend::Cuda),
            Self::List,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Backend(backend) => PossibleValue::new(backend.name()).help(backend.description()),
            Self::List => PossibleValue::new("list").help("Trains nothing: says what this build and this machine have"),
        })
    }
}

impl BackendArguments {
    /// The backend that is asked for, which works here; or nothing, where the list was asked for and is printed.
    pub fn choose(&self, output: OutputArguments) -> Result<Option<Backend>> {
        let Choice::Backend(backend) = self.backend else {
            let list = List::of_this_machine();
            output.print(&list, || list.text())?;
            return Ok(None);
        };
        match backend.open() {
            Ok((_, hardware)) if hardware != Hardware::processor() => {
                progress::say(format_args!("{} trains on {}", backend.name(), printable(&hardware.to_string())));
            }
            Ok(_) => (),
            Err(error @ BackendError::NotBuilt { .. }) => {
                return Err(UsageError(format!("--backend {}: {error}", backend.name())).into());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Some(backend))
    }
}

#[derive(Serialize)]
struct List {
    backends: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    backend: Backend,
    is_default: bool,
    is_built: bool,
    devices: Vec<Hardware>,
}

impl List {
    fn of_this_machine() -> Self {
        let entry = |backend: Backend| Entry {
            backend,
            is_default: backend == Backend::DEFAULT,
            is_built: backend.is_built(),
            devices: backend.hardware(),
        };
        Self { backends: Backend::ALL.map(entry).into() }
    }

    fn text(&self) -> String {
        let mut table = table::plain(["backend", "in this build", "on this machine"].map(str::to_owned));
        for Entry { backend, is_default, is_built, devices } in &self.backends {
            let built = match (is_built, is_default) {
                (true, true) => "yes, the default",
                (true, false) => "yes",
                (false, _) => "no",
            };
            let devices: Vec<String> = devices.iter().map(|device| printable(&device.to_string())).collect();
            let devices = match (is_built, devices.is_empty()) {
                (true, true) => "nothing".to_owned(),
                (true, false) => devices.join("\n"),
                (false, _) => "not looked for".to_owned(),
            };
            table.add_row([backend.name(), built, &devices]);
        }
        let absent = self.backends.iter().filter(|entry| !entry.is_built);
        let lines =
            absent.map(|entry| format!("\nFor {0}, {1}", entry.backend.name(), build_line(entry.backend.name())));
        table.to_string() + &lines.collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(backend: Backend, is_built: bool, devices: Vec<Hardware>) -> Entry {
        Entry { backend, is_default: backend == Backend::DEFAULT, is_built, devices }
    }

    #[test]
    fn every_backend_and_the_list_can_be_asked_for() {
        let names: Vec<_> = Choice::value_variants().iter().filter_map(Choice::to_possible_value).collect();
        let names: Vec<_> = names.iter().map(PossibleValue::get_name).collect();
        let known: Vec<_> = Backend::ALL.map(Backend::name).into_iter().chain(["list"]).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn a_list_tells_what_is_not_built_from_what_has_no_device() {
        let card = |name: &str| Hardware {
            name: name.into(),
            interface: "Vulkan".into(),
            kind: Some("discrete"),
            driver: Some("d 1".into()),
        };
        let text = |wgpu| {
            let flex = entry(Backend::Flex, true, vec![Hardware::processor()]);
            List { backends: vec![flex, wgpu] }.text()
        };
        let line = |text: &str, start: &str| text.lines().find(|line| line.contains(start)).unwrap().to_owned();

        let absent = text(entry(Backend::Wgpu, false, Vec::new()));
        assert!(line(&absent, "flex").contains("yes, the default"), "{absent}");
        assert!(line(&absent, "wgpu").contains("no"), "{absent}");
        assert!(absent.lines().last().unwrap().contains("--features host-trainer/wgpu"), "{absent}");

        let bare = text(entry(Backend::Wgpu, true, Vec::new()));
        assert!(line(&bare, "wgpu").contains("nothing") && !bare.contains("--features"), "{bare}");

        let two = text(entry(Backend::Wgpu, true, vec![card("one"), card("t\x1bwo")]));
        assert!(line(&two, "one").contains("one (Vulkan, discrete, d 1)"), "{two}");
        assert!(line(&two, "wo (").contains("t\\u{1b}wo"), "{two}");
    }
}
