//! Errors when a hardware board's probe is missing or connected to another chip. The virtual probe
//! takes the part of a real one.

use std::thread;

use libtest_mimic::{Failed, Trial};
use parity::{Device, DeviceError, Lab};
use virtual_probe::{Board, MachineOptions, Probe, Server};

use crate::common::ignored;

/// A port without a listener.
const NO_PROBE: &str = "1d50:6018:127.0.0.1:1";

/// A hardware board. Without its firmware, the trials are ignored.
const DEVICE: &str = "probe-nrf52840-dk";

/// The emulated board in its place.
const EMULATED: &str = "mps2-an386";

type Case = fn(Device, &Lab) -> Result<(), Failed>;

/// Returns the trials.
pub fn trials(lab: &Lab, required: &[String]) -> Vec<Trial> {
    let lab = Lab { probe: Some(NO_PROBE.into()), ..lab.clone() };
    let available = |name: &str| {
        let device = Device::by_name(name).ok_or_else(|| format!("unknown device {name}"))?;
        device.availability(&lab).map(|()| device).map_err(|error| error.to_string())
    };
    let device = available(EMULATED).and_then(|_| available(DEVICE));
    let trial = |(name, case): (&str, Case)| {
        let name = format!("{DEVICE}::{name}");
        match &device {
            Ok(device) => {
                let (device, lab) = (*device, lab.clone());
                Trial::test(name, move || case(device, &lab))
            }
            Err(reason) if required.iter().any(|name| name == EMULATED) => {
                let reason = reason.clone();
                Trial::test(name, move || Err(reason.into()))
            }
            Err(reason) => ignored(name, reason),
        }
    };
    let cases: [(&str, Case); 2] = [("no_probe", no_probe), ("wrong_chip", wrong_chip)];
    cases.map(trial).into()
}

fn no_probe(device: Device, lab: &Lab) -> Result<(), Failed> {
    refused(device, lab, "no probe listens at 127.0.0.1:1; start one for an emulated board")
}

fn wrong_chip(device: Device, lab: &Lab) -> Result<(), Failed> {
    let board = Board::by_name(EMULATED).ok_or("the virtual probe has this board")?;
    let machine = MachineOptions::new(EMULATED).patience(lab.patience).debugged().start()?;
    let mut server = Server::new(Probe::new(board, machine)?, 0)?;
    let lab = Lab { probe: Some(server.selector()?), ..lab.clone() };
    let stopper = server.stopper();
    let server = thread::spawn(move || server.run());
    let result = refused(device, &lab, "cannot attach to a nRF52840_xxAA through 1d50:6018:127.0.0.1:");
    stopper.stop();
    server.join().map_err(|_| "the server panicked")??;
    result
}

/// Checks that the device does not start and the error contains `words`. Does not panic, because
/// the server must be stopped.
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
