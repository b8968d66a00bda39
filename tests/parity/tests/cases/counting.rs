//! Counting instructions on emulated boards: calibrated, repeatable, and consistent.

use libtest_mimic::Failed;
use parity::{ClientError, Device, INSTRUCTION_SHIFT, Lab, Scale, ScaleError, Session};
use prenda::{AnswersHeader, Refusal};

use super::{Case, Fixture};

/// Cases for emulated boards.
pub const COUNTED_CASES: &[(&str, Case)] = &[
    ("counter_is_calibrated", counter_is_calibrated),
    ("wrong_time_is_refused", wrong_time_is_refused),
    ("counts_repeat", counts_repeat),
    ("stages_add_up", stages_add_up),
];

/// Most instructions of a stage's end in an inference without stages: an empty call.
const MAX_OF_AN_END: u64 = 20;

/// Most instructions for an output in the choice of the class, which follows the last stage.
const MAX_OF_A_CLASS: u64 = 16;

/// Images measured.
const IMAGES: usize = 8;

/// Starts the device in an emulator that counts instructions.
fn start(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(Session, Scale), Failed> {
    let lab = Lab { instruction_shift: Some(INSTRUCTION_SHIFT), ..lab.clone() };
    let mut session = device.start(&lab, &fixture.model)?;
    let scale = Scale::calibrate(&mut session.client, Some(INSTRUCTION_SHIFT))?;
    Ok((session, scale))
}

fn counter_is_calibrated(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (mut session, scale) = start(device, lab, fixture)?;
    assert!((1..100).contains(&scale.empty_stage()), "{scale:?}");
    assert!(scale.workspace_bytes > 0);
    // A loop of no rounds ends.
    session.client.calibrate(0)?;
    Ok(())
}

/// An emulator with another time for each instruction is refused, and one in real time.
fn wrong_time_is_refused(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    for instruction_shift in [Some(INSTRUCTION_SHIFT - 1), None] {
        let mut session = device.start(&Lab { instruction_shift, ..lab.clone() }, &fixture.model)?;
        let error = Scale::calibrate(&mut session.client, Some(INSTRUCTION_SHIFT)).expect_err("the time is wrong");
        assert!(matches!(error, ScaleError::Instructions { .. }), "{error}");
    }
    Ok(())
}

/// Counts repeat in one session, and in another.
fn counts_repeat(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (_, records) = AnswersHeader::parse(&fixture.answers)?;
    let images: Vec<_> = records.take(IMAGES).map(|record| record.pixels).collect();
    let mut all = Vec::new();
    for _ in 0..2 {
        let (mut session, scale) = start(device, lab, fixture)?;
        for _ in 0..2 {
            let counts = |pixels: &&[u8]| session.client.measure(pixels).map(|measured| scale.counts(&measured));
            all.push(images.iter().map(counts).collect::<Result<Vec<_>, _>>()?);
        }
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
    Ok(())
}

fn stages_add_up(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (_, records) = AnswersHeader::parse(&fixture.answers)?;
    let (mut session, scale) = start(device, lab, fixture)?;
    let model = fixture.view()?;
    let layers = model.layers().len();
    let choice = MAX_OF_A_CLASS * model.classes() as u64;
    for record in records.take(IMAGES) {
        let measurement = session.client.measure(record.pixels)?;
        let counts = scale.counts(&measurement);
        assert_eq!(counts.stages.len(), 3 * layers + 1);
        assert!(measurement.stages.iter().all(|stage| stage.times > 0), "{measurement:?}");
        let ends: u64 = measurement.stages.iter().map(|stage| u64::from(stage.times)).sum();
        let sum: u64 = counts.stages.iter().sum();
        let most = (ends + 1) * MAX_OF_AN_END + choice;
        assert!(sum <= counts.total && counts.total - sum <= most, "{sum} of {counts:?}");
    }
    Ok(())
}

/// The device refuses invalid measurements and continues. For every device.
pub fn measurements_are_refused(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let has_counter = device.board().is_some();
    let mut session = device.start(lab, &fixture.model)?;
    let client = &mut session.client;
    for length in [0, 783, 785] {
        match client.measure(&vec![1; length]) {
            Err(ClientError::Refused(Refusal::Infer(_))) if has_counter => {}
            Err(ClientError::Refused(Refusal::NoCounter)) if !has_counter => {}
            other => return Err(format!("{length} pixels: {other:?}").into()),
        }
    }
    let calibrated = client.calibrate(7);
    assert_eq!(calibrated.is_ok(), has_counter, "{calibrated:?}");
    client.hello()?;

    let mut session = device.start(lab, &[0xFF; 64])?;
    match session.client.measure(&[0; 784]) {
        Err(ClientError::Refused(Refusal::NoModel(_))) if has_counter => Ok(()),
        Err(ClientError::Refused(Refusal::NoCounter)) if !has_counter => Ok(()),
        other => Err(format!("without a model: {other:?}").into()),
    }
}
