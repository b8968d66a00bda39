//! The option `--backend`, and the list of backends.

use anyhow::Result;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{OutputArguments, UsageError, printable, table};
use crate::network::backend::{Backend, BackendError, Hardware, build_line};
use crate::support::progress;

/// The backend to train on.
#[derive(Debug, Args)]
pub struct BackendArguments {
    /// Backend to train on; flex is faster than ndarray on the processor, as `cargo xtask
    /// bench-train` shows
    #[arg(long, value_enum, help_heading = "Training", default_value_t = Choice::Backend(Backend::DEFAULT))]
    backend: Choice,
}

/// A value of `--backend`.
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
            Self::List => PossibleValue::new("list")
                .help("Do not train; list the backends of this build and the devices of this machine"),
        })
    }
}

impl BackendArguments {
    /// Returns the backend if it works here, or prints the list and returns `None`.
    pub fn choose(&self, output: OutputArguments) -> Result<Option<Backend>> {
        let Choice::Backend(backend) = self.backend else {
            let list = List::of_this_machine();
            output.print(&list, || list.text())?;
            return Ok(None);
        };
        match backend.open() {
            Ok((_, hardware)) if hardware != Hardware::processor() => {
                progress::log(format_args!("{} trains on {}", backend.name(), printable(&hardware.to_string())));
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
                (true, true) => "no device".to_owned(),
                (true, false) => devices.join("\n"),
                (false, _) => "not checked".to_owned(),
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
    fn values_are_every_backend_and_the_list() {
        let names: Vec<_> = Choice::value_variants().iter().filter_map(Choice::to_possible_value).collect();
        let names: Vec<_> = names.iter().map(PossibleValue::get_name).collect();
        let known: Vec<_> = Backend::ALL.map(Backend::name).into_iter().chain(["list"]).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn a_list_distinguishes_backends_not_built_from_those_without_a_device() {
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
        assert!(line(&bare, "wgpu").contains("no device") && !bare.contains("--features"), "{bare}");

        let two = text(entry(Backend::Wgpu, true, vec![card("one"), card("t\x1bwo")]));
        assert!(line(&two, "one").contains("one (Vulkan, discrete, d 1)"), "{two}");
        assert!(line(&two, "wo (").contains("t\\u{1b}wo"), "{two}");
    }
}
