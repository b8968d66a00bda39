//! Firmware of others: the examples, each a project outside of this workspace that serves a model
//! which it contains.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use libtest_mimic::{Failed, Trial};
use parity::{ClientError, Device, DeviceError, Lab, Link, ParityRecord, Place, Target, sweep};
use prenda::AnswersHeader;

use super::{Fixture, sweep_everything};
use crate::common::{ignored, missing};

/// The programs of `examples`, which `PARITY_REQUIRE` may name too.
pub const EXAMPLES: &str = "examples";

/// The emulated board of the example, and a board of another architecture.
const BOARDS: [&str; 2] = ["mps2-an386", "riscv32-virt"];

type Case = fn(&Folders, &Lab) -> Result<(), Failed>;

const CASES: &[(&str, Case)] = &[
    ("sweep", whole_split),
    #[cfg(feature = "probe")]
    ("through_a_probe", through_a_probe),
    ("another_model", another_model),
    ("never_answers", never_answers),
    ("no_rtt", no_rtt),
    ("another_architecture", another_architecture),
    ("no_elf", no_elf),
];

/// The folders of the programs.
#[derive(Clone)]
struct Folders {
    examples: PathBuf,
    firmware: PathBuf,
}

/// Returns the trials. Without the examples' programs or QEMU they are ignored.
pub fn trials(lab: &Lab, required: &[String]) -> Vec<Trial> {
    let examples = env::var_os("PARITY_EXAMPLES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/prenda/examples")),
        PathBuf::from,
    );
    let folders = Folders { examples, firmware: lab.firmware.clone() };
    let lab = Lab { link: Link::Rtt, ..lab.clone() };
    let absent = absent(&folders, &lab);
    let trial = |&(name, case): &(&str, Case)| {
        let name = format!("served::{name}");
        match &absent {
            None => {
                let (folders, lab) = (folders.clone(), lab.clone());
                Trial::test(name, move || case(&folders, &lab))
            }
            Some(reason) if required.iter().any(|name| name == EXAMPLES) => missing(&name, reason.clone()),
            Some(reason) => ignored(name, reason),
        }
    };
    CASES.iter().map(trial).collect()
}

/// Returns the reason why the trials cannot run.
fn absent(folders: &Folders, lab: &Lab) -> Option<String> {
    let programs = [folders.program("served"), folders.program("bare-metal")];
    if let Some(program) = programs.iter().find(|program| !program.is_file()) {
        return Some(format!("cannot find {}; use `cargo xtask test`", program.display()));
    }
    let device = Device::by_name(BOARDS[0])?;
    device.availability(lab).err().map(|error| error.to_string())
}

impl Folders {
    fn program(&self, name: &str) -> PathBuf {
        self.examples.join(format!("{name}.elf"))
    }

    fn served(&self) -> Result<Device, Failed> {
        on_board(&self.program("served"), BOARDS[0])
    }
}

fn on_board(elf: &Path, board: &str) -> Result<Device, Failed> {
    let board = Device::by_name(board).and_then(Device::board).ok_or("the board is one of ours")?;
    Ok(Device::of_elf(elf, Place::Board(board)))
}

/// The model of the examples, with the host's answers for `images`.
fn shoes(images: &Fixture) -> Result<Fixture, Failed> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/served/shoes.bin");
    images.with_model(fs::read(path)?)
}

/// Every image of the test split if there is one, otherwise those of the fixture.
fn whole_split(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    let images = match (env::var_os("PARITY_MODEL"), env::var_os("PARITY_ANSWERS")) {
        (Some(model), Some(answers)) => Fixture::read(Path::new(&model), Path::new(&answers))?,
        _ => Fixture::committed()?,
    };
    check(&sweep_everything(folders.served()?, lab, &shoes(&images)?)?, Target::Emulator);
    Ok(())
}

fn check(record: &ParityRecord, target: Target) {
    assert_eq!((record.device.as_str(), record.core.as_str()), ("served", "cortex-m4"));
    assert_eq!((record.target, record.flash_bytes), (Some(target), None));
    assert_eq!(record.not_measured, ["flash", "RAM", "time", "energy"]);
}

/// The virtual probe takes the part of a real one.
#[cfg(feature = "probe")]
fn through_a_probe(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    let board = virtual_probe::Board::by_name(BOARDS[0]).ok_or("the virtual probe has this board")?;
    let machine = virtual_probe::MachineOptions::new(BOARDS[0]).patience(lab.patience).debugged().start()?;
    let mut server = virtual_probe::Server::new(virtual_probe::Probe::new(board, machine)?, 0)?;
    let lab = Lab { probe: Some(server.selector()?), ..lab.clone() };
    let stopper = server.stopper();
    let server = thread::spawn(move || server.run());
    let swept = Fixture::committed().and_then(|images| {
        let device = |chip: &str| Device::of_elf(&folders.program("served"), Place::Chip(chip.into()));
        refused(device("mps2-an000"), &lab, "probe-rs does not know the chip mps2-an000")?;
        sweep_everything(device(BOARDS[0]), &lab, &shoes(&images)?)
    });
    stopper.stop();
    server.join().map_err(|_| "the server panicked")??;
    check(&swept?, Target::Hardware);
    Ok(())
}

/// The model in the firmware is not that of the answers.
fn another_model(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    let fixture = Fixture::committed()?;
    let (header, records) = AnswersHeader::parse(&fixture.answers)?;
    let mut session = folders.served()?.start(lab, &fixture.model)?;
    let error = sweep(&mut session, &header, records, |_| {}).expect_err("the models differ");
    assert!(matches!(error.cause, ClientError::WrongModel { host, .. } if host == header.model), "{error}");
    assert!(error.to_string().ends_with("or build the firmware with it"), "{error}");
    Ok(())
}

/// A program with the channels, which does not answer.
fn never_answers(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    let lab = Lab { patience: Duration::from_secs(3), ..lab.clone() };
    let elf = folders.firmware.join(format!("{}-faults.elf", BOARDS[0]));
    let error = on_board(&elf, BOARDS[0])?.start(&lab, &[])?.client.hello().expect_err("it waits for a byte");
    assert!(matches!(error, ClientError::Silent | ClientError::Gone), "{error}");
    Ok(())
}

fn no_rtt(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    refused(on_board(&folders.program("bare-metal"), BOARDS[0])?, lab, "bare-metal.elf does not contain RTT")
}

fn another_architecture(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    let device = on_board(&folders.program("served"), BOARDS[1])?;
    refused(device, lab, "served.elf is built for Arm, expected Riscv32 for riscv32-virt")
}

fn no_elf(folders: &Folders, lab: &Lab) -> Result<(), Failed> {
    refused(on_board(&folders.program("missing"), BOARDS[0])?, lab, "cannot read")?;
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/served/shoes.bin");
    refused(on_board(Path::new(model), BOARDS[0])?, lab, "shoes.bin is not an ELF")
}

/// Checks that the device does not start and the error contains `words`.
fn refused(device: Device, lab: &Lab, words: &str) -> Result<(), Failed> {
    match device.start(lab, &[]) {
        Err(error @ DeviceError::NotStarted { .. }) if error.to_string().contains(words) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("it started".into()),
    }
}
