//! What is said where the probe of a board on the desk is not there, or leads to another chip. The
//! virtual probe in front of an emulated board plays its part.

use std::thread;

use libtest_mimic::{Failed, Trial};
use parity::{Device, DeviceError, Lab};
use virtual_probe::{Board, MachineOptions, Probe, Server};

/// A port at which nobody listens.
const NOBODY: &str = "1d50:6018:127.0.0.1:1";

/// A board on the desk: its firmware is there, or the trials are ignored.
const DEVICE: &str = "probe-nrf52840-dk";

/// The emulated board in its place.
const IN_ITS_PLACE: &str = "mps2-an386";

type Case = fn(Device, &Lab) -> Result<(), Failed>;

/// The trials.
pub fn trials(lab: &Lab, required: &[String]) -> Vec<Trial> {
    let lab = Lab { probe: Some(NOBODY.into()), ..lab.clone() };
    let there = |name: &str| {
        let device = Device::by_name(name).ok_or_else(|| format!("there is no {name}"))?;
        device.availability(&lab).map(|()| device).map_err(|error| error.to_string())
    };
    let device = there(IN_ITS_PLACE).and_then(|_| there(DEVICE));
    let trial = |(name, case): (&str, Case)| {
        let name = format!("{DEVICE}::{name}");
        match &device {
            Ok(device) => {
                let (device, lab) = (*device, lab.clone());
                Trial::test(name, move || case(device, &lab))
            }
            Err(reason) if required.iter().any(|name| name == IN_ITS_PLACE) => {
                let reason = reason.clone();
                Trial::test(name, move || Err(reason.into()))
            }
            Err(reason) => Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true),
        }
    };
    let cases: [(&str, Case); 2] = [("no_probe", no_probe), ("wrong_chip", wrong_chip)];
    cases.map(trial).into()
}

fn no_probe(device: Device, lab: &Lab) -> Result<(), Failed> {
    refused(device, lab, "no probe listens at 127.0.0.1:1; `cargo xtask probe BOARD` starts one")
}

fn wrong_chip(device: Device, lab: &Lab) -> Result<(), Failed> {
    let board = Board::by_name(IN_ITS_PLACE).ok_or("the virtual probe has this board")?;
    let machine = MachineOptions::new(IN_ITS_PLACE).patience(lab.patience).debugged().start()?;
    let mut server = Server::new(Probe::new(board, machine)?, 0)?;
    let lab = Lab { probe: Some(server.selector()?), ..lab.clone() };
    let stopper = server.stopper();
    let server = thread::spawn(move || server.run());
    let outcome = refused(device, &lab, "cannot attach to a nRF52840_xxAA by 1d50:6018:127.0.0.1:");
    stopper.stop();
    server.join().map_err(|_| "the server panicked")??;
    outcome
}

/// The device does not start, and the message says what was wrong. Returned and not asserted: the
/// server has to be stopped.
fn refused(device: Device, lab: &Lab, words: &str) -> Result<(), Failed> {
    match device.start(lab, &[]) {
        Err(error @ DeviceError::NotStarted { .. }) => {
            let text = error.to_string();
            if text.contains(words) { Ok(()) } else { Err(text.into()) }
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("it started".into()),
    }
}
