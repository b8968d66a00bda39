//! The cases, and those for every device.

pub mod c_example;
mod cascade;
mod counting;
mod hostile;
mod kernels;
mod link;
mod photo;
mod room;
pub mod served;
mod stack;
#[cfg(feature = "probe")]
pub mod wrong_probes;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checks::write_checksum;
use libtest_mimic::Failed;
use object::{Object as _, ObjectSymbol as _};
use parity::{ClientError, Device, DeviceError, Lab, ParityRecord, Session, most_memory, sweep};
use prenda::{AnswersHeader, BlobError, DeviceFault, FORMAT_VERSION, HostWorkspace, Model, Record, Refusal};

use crate::common::{damaged, fixtures, renamed};

pub use cascade::CASCADE_CASES;
pub use counting::COUNTED_CASES;
pub use hostile::HOSTILE_CASES;
pub use kernels::KERNEL_CASES;
pub use link::{BAD_LINE_CASES, LINK_CASES};
pub use photo::PHOTO_CASES;
pub use stack::STACK_CASES;

pub type Case = fn(Device, &Lab, &Fixture) -> Result<(), Failed>;

/// Offsets of a blob's format version and length: docs/format.md.
const VERSION_OFFSET: usize = 8;
const LENGTH_OFFSET: usize = 9;

/// Cases for every device.
pub const CASES: &[(&str, Case)] = &[
    ("hello", hello),
    ("golden_vectors", golden_vectors),
    ("shipped_models", shipped_models),
    ("convolutions", convolutions),
    ("colours", colours),
    ("shipped_cascade", shipped_cascade),
    ("fixture", fixture),
    ("fixture_in_vectors", fixture_in_vectors),
    ("wrong_board", wrong_board),
    ("wrong_model", wrong_model),
    ("damaged_model", damaged_model),
    ("no_model", no_model),
    ("longer_than_its_region", longer_than_its_region),
    ("another_format", another_format),
    ("swapped_model", swapped_model),
    ("wrong_golden_vector", wrong_golden_vector),
    ("wrong_image_size", wrong_image_size),
    ("noise", link::noise),
    ("measurements_are_refused", counting::measurements_are_refused),
];

/// Cases for emulated boards, which report memory and have a program that fails on purpose.
pub const EMULATED_CASES: &[(&str, Case)] = &[
    ("memory", memory),
    ("ends_well", ends_well),
    ("panic", panic),
    ("hard_fault", hard_fault),
    ("stack_overflow", stack_overflow),
    ("dies_in_the_sweep", dies_in_the_sweep),
    ("never_answers", never_answers),
    ("model_too_large", model_too_large),
    ("layer_too_wide", room::layer_too_wide),
    ("too_many_classes", room::too_many_classes),
];

/// Stack in bytes of the firmware's fault handlers, `HardFault` and `_start_trap`.
const HANDLER_STACK: u32 = 512;

/// A model and the host's answers.
pub struct Fixture {
    model: Vec<u8>,
    answers: Vec<u8>,
}

impl Fixture {
    /// Reads the committed model, and its answers for the first images of the test split.
    pub fn committed() -> Result<Self, Failed> {
        let folder = fixtures();
        Self::read(&folder.join("model.bin"), &folder.join("answers.bin"))
    }

    pub fn read(model: &Path, answers: &Path) -> Result<Self, Failed> {
        let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        Ok(Self { model: read(model)?, answers: read(answers)? })
    }

    /// Returns the model `name` of `models`, with this host's answers for the images of `self`.
    fn shipped(&self, name: &str) -> Result<Self, Failed> {
        self.with_model(fs::read(models().join(name))?)
    }

    /// Returns `model`, with this host's answers for the images of `self`.
    fn with_model(&self, model: Vec<u8>) -> Result<Self, Failed> {
        let view = Model::parse(&model)?;
        let (committed, records) = AnswersHeader::parse(&self.answers)?;
        let header = AnswersHeader { model: view.id(), networks: view.networks().len() as u8, ..committed };
        let mut workspace = Box::new(HostWorkspace::new());
        let mut answers: Vec<u8> = header.bytes().collect();
        for Record { pixels, label, .. } in records {
            let start = answers.len();
            answers.resize(start + header.record_bytes(), 0);
            let prediction = workspace.infer(&view, pixels)?;
            header.write_record(&mut answers[start..], pixels, label, &prediction).ok_or("the shapes match")?;
        }
        drop(view);
        Ok(Self { model, answers })
    }

    pub fn view(&self) -> Result<Model<'_>, Failed> {
        Ok(Model::parse(&self.model)?)
    }
}

fn hello(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let view = fixture.view()?;
    let mut session = device.start(lab, &fixture.model)?;
    let introduction = session.client.hello_with(view.id())?;
    assert_eq!(Some(&*introduction.board), device.board_name());
    let model = introduction.model;
    assert_eq!(model.bytes as usize, fixture.model.len());
    assert_eq!(model.inputs as usize, view.input_width());
    assert_eq!(usize::from(model.classes), view.classes());
    assert_eq!(usize::from(model.layers), view.layers().len());
    Ok(())
}

fn golden_vectors(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    answers_golden_vectors(device, lab, &fixture.model)
}

/// The smallest board, and a model that needs more RAM for its layers than it has.
const TOO_LARGE: (&str, &str) = ("microbit", "conv-24-48-48.bin");

/// The models in `models`, for use without training.
fn shipped_models(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let mut count = 0;
    let (smallest, too_large) = TOO_LARGE;
    let is_smallest = device.board_name() == Some(smallest);
    for entry in fs::read_dir(models())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "bin") {
            let model = fs::read(&path)?;
            let result = match answers_golden_vectors(device, lab, &model) {
                Err(_) if is_smallest && path.ends_with(too_large) => {
                    room::needs_more_memory(device, lab, &model).map(drop)
                }
                result => result,
            };
            result.map_err(|error| format!("{}: {error:?}", path.display()))?;
            count += 1;
        }
    }
    assert!(count > 0, "no models found");
    Ok(())
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models")
}

/// A convolutional network, in pairs.
fn convolutions(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    sweep_everything(device, lab, &fixture.shipped("conv-12k.bin")?).map(drop)
}

/// A network of images with three channels.
fn colours(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let folder = fixtures();
    let colours = Fixture::read(&folder.join("colours.bin"), &folder.join("colours-answers.bin"))?;
    assert_eq!(colours.view()?.image().channels, 3);
    sweep_everything(device, lab, &colours).map(drop)
}

/// A cascade of convolutional networks; both answer some of the images.
fn shipped_cascade(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let record = sweep_everything(device, lab, &fixture.shipped("cascade.bin")?)?;
    assert!(record.answered_by.iter().all(|images| *images > 0), "{record:?}");
    Ok(())
}

/// Compares the device's answers with the golden vectors of `model`.
fn answers_golden_vectors(device: Device, lab: &Lab, model: &[u8]) -> Result<(), Failed> {
    let view = Model::parse(model)?;
    let mut session = device.start(lab, model)?;
    session.client.hello_with(view.id())?;
    assert!(view.golden().count() > 0);
    for golden in view.golden() {
        let sequence = session.client.send_image(golden.input)?;
        let answer = session.client.receive_answer()?;
        assert_eq!(answer.sequence, sequence);
        assert_eq!(answer.logits, golden.logits);
        assert_eq!(answer.probabilities, golden.probabilities);
    }
    Ok(())
}

fn fixture(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    sweep_everything(device, lab, fixture).map(drop)
}

/// The same network with its weights in the other order.
fn fixture_in_vectors(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let folder = fixtures();
    let vectors = Fixture::read(&folder.join("vectors.bin"), &folder.join("vectors-answers.bin"))?;
    assert_ne!(vectors.view()?.id(), fixture.view()?.id());
    sweep_everything(device, lab, &vectors).map(drop)
}

/// Sweeps over every image of the fixture.
fn sweep_everything(device: Device, lab: &Lab, fixture: &Fixture) -> Result<ParityRecord, Failed> {
    sweep_session(&mut device.start(lab, &fixture.model)?, fixture)
}

fn sweep_session(session: &mut Session, fixture: &Fixture) -> Result<ParityRecord, Failed> {
    let (header, records) = AnswersHeader::parse(&fixture.answers)?;
    let (record, _) = sweep(session, &header, records, |_| {})?;
    assert!(record.agrees(), "{record:?}");
    assert_eq!(record.images, u64::from(header.images));
    assert_eq!(record.logits_compared, u64::from(header.images) * u64::from(header.classes));
    assert!(record.accuracy > 0.8, "{record:?}");
    Ok(record)
}

/// Like [`sweep_everything`], for the whole test split.
pub fn sweep_test_split(device: Device, lab: &Lab, fixture: &Fixture) -> Result<ParityRecord, Failed> {
    let (header, _) = AnswersHeader::parse(&fixture.answers)?;
    assert_eq!(header.images, 10_000);
    sweep_everything(device, lab, fixture)
}

fn wrong_board(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (header, records) = AnswersHeader::parse(&fixture.answers)?;
    let mut session = device.start(lab, &fixture.model)?;
    let another = Device::all().find(|other| other.board_name() != device.board_name()).ok_or("there are several")?;
    session.device = another;
    let error = sweep(&mut session, &header, records, |_| {}).expect_err("the board is another");
    let ClientError::WrongBoard { asked, found } = error.cause else { return Err(error.to_string().into()) };
    assert_eq!((Some(asked), Some(&*found)), (another.board_name(), device.board_name()));
    Ok(())
}

fn wrong_model(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (mut header, records) = AnswersHeader::parse(&fixture.answers)?;
    let right = header.model;
    header.model.0 ^= 1;
    let mut session = device.start(lab, &fixture.model)?;
    let error = sweep(&mut session, &header, records, |_| {}).expect_err("the ids differ");
    assert!(
        matches!(error.cause, ClientError::WrongModel { device, host, .. } if device == right && host == header.model)
    );
    let text = error.to_string();
    assert!(text.contains(&right.to_string()) && text.contains(&header.model.to_string()), "{text}");
    Ok(())
}

fn damaged_model(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &damaged(&fixture.model))?;
    assert!(matches!(fault, DeviceFault::Blob(BlobError::Checksum { .. })), "{fault:?}");
    Ok(())
}

fn no_model(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let fault = fault_of(device, lab, &[0xFF; 64])?;
    assert_eq!(fault, DeviceFault::Blob(BlobError::Magic));
    Ok(())
}

/// A model with a declared length larger than its flash region.
fn longer_than_its_region(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let mut model = fixture.model.clone();
    model[LENGTH_OFFSET..LENGTH_OFFSET + 4].copy_from_slice(&(64_u32 << 20).to_le_bytes());
    let fault = fault_of(device, lab, &model)?;
    let DeviceFault::Blob(BlobError::Length { declared, found }) = fault else { return Err(fault.to_string().into()) };
    assert!(declared == 64 << 20 && found < declared, "{fault:?}");
    Ok(())
}

fn another_format(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let mut model = fixture.model.clone();
    model[VERSION_OFFSET] = FORMAT_VERSION + 1;
    let fault = fault_of(device, lab, &model)?;
    assert!(
        // A device without a feature supports fewer versions.
        matches!(fault, DeviceFault::Blob(BlobError::Version { found, supported })
            if found == FORMAT_VERSION + 1 && supported < found),
        "{fault:?}"
    );
    Ok(())
}

/// The same firmware starts with another model, passes its self-test, and reports its id.
fn swapped_model(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let other = renamed(&fixture.model)?;
    let id = Model::parse(&other)?.id();
    assert_ne!(id, fixture.view()?.id());
    let mut session = device.start(lab, &other)?;
    session.client.hello_with(id)?;
    let golden = fixture.view()?.golden().next().ok_or("the fixture has golden vectors")?;
    session.client.send_image(golden.input)?;
    assert_eq!(session.client.receive_answer()?.logits, golden.logits);
    Ok(())
}

/// The self-test at the start finds a wrong golden vector.
fn wrong_golden_vector(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let mut model = fixture.model.clone();
    let logits = fixture.view()?.golden().next().ok_or("the fixture has golden vectors")?.logits;
    let offset = logits.as_ptr().addr() - fixture.model.as_ptr().addr();
    model[offset] ^= 1;
    write_checksum(&mut model);
    let fault = fault_of(device, lab, &model)?;
    assert!(matches!(fault, DeviceFault::SelfTest(_)), "{fault:?}");
    Ok(())
}

/// Returns the reason why the device does not run `model`, the same for a hello and an image.
fn fault_of(device: Device, lab: &Lab, model: &[u8]) -> Result<DeviceFault, Failed> {
    let mut session = device.start(lab, model)?;
    let client = &mut session.client;
    let to_hello = client.hello().err();
    client.send_image(&[0; 784])?;
    match (to_hello, client.receive_answer()) {
        (
            Some(ClientError::Refused(Refusal::NoModel(to_hello))),
            Err(ClientError::Refused(Refusal::NoModel(to_image))),
        ) if to_hello == to_image => Ok(to_hello),
        other => Err(format!("expected two refusals that agree, found {other:?}").into()),
    }
}

fn wrong_image_size(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let mut session = device.start(lab, &fixture.model)?;
    for length in [0, 1, 783, 785] {
        session.client.send_image(&vec![1; length])?;
        let error = session.client.receive_answer().expect_err("the size is wrong");
        assert!(matches!(error, ClientError::Refused(Refusal::Infer(_))), "{error}");
    }
    Ok(session.client.hello().map(|_| ())?)
}

/// The deepest stack leaves room for a fault handler. `bench` checks the budgets.
fn memory(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let used = most_memory(device, lab, &fixture.model)?;
    assert!(used.flash > 0 && used.statics > 0 && used.stack_used > 0, "{used:?}");
    assert!(used.stack_used + HANDLER_STACK <= used.stack_reserved, "{used:?}");
    Ok(())
}

fn ends_well(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    ends(device, lab, b"e", 0, &["ends well"]).map(drop)
}

fn panic(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    ends(device, lab, b"p", 1, &["error", "panicked at", "program.rs", "on purpose"]).map(drop)
}

fn hard_fault(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let board = device.board().ok_or("the device is a board")?;
    let words = if board.triple.starts_with("thumb") { "HardFault at 0x" } else { "trap at 0x" };
    let logs = ends(device, lab, b"f", 1, &["error", words])?;
    let place = logs.split(words).nth(1).and_then(|rest| rest.get(..8)).ok_or("no address")?;
    let address = u64::from_str_radix(place, 16)?;
    // The faulting instruction is in the function that fails on purpose.
    let elf = fs::read(lab.firmware.join(format!("{}.elf", board.programs()[1])))?;
    let elf = object::File::parse(&*elf)?;
    let contains = |symbol: &object::Symbol<'_, '_>| {
        let start = symbol.address() & !1;
        (start..start + symbol.size()).contains(&address)
    };
    let function = elf.symbols().find(contains).ok_or("the address is in no function")?;
    assert!(function.name()?.contains("fail") || function.name()?.contains("udf"), "{:?}", function.name());
    Ok(())
}

fn stack_overflow(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    ends(device, lab, b"s", 1, &["error", "stack overflow"]).map(drop)
}

/// Starts the program that fails on purpose, and lets it end: see [`ends_as`].
fn ends(device: Device, lab: &Lab, how: &[u8], code: i32, expected: &[&str]) -> Result<String, Failed> {
    let session = device.start_faults(lab)?;
    ends_as(session, lab.patience, how, code, expected)
}

/// Sends `how` to a program, and checks its exit code and that its logs, which are returned,
/// contain `expected`.
fn ends_as(
    mut session: Session,
    patience: Duration,
    how: &[u8],
    code: i32,
    expected: &[&str],
) -> Result<String, Failed> {
    session.client.send_raw(how)?;
    let runner = session.runner.as_mut().ok_or("the device is a board")?;
    let found = runner.exit_code(patience);
    let logs = runner.logs().join("\n");
    assert_eq!(found, Some(code), "{logs}");
    for words in expected {
        assert!(logs.contains(words), "{words:?} is not in: {logs}");
    }
    Ok(logs)
}

fn dies_in_the_sweep(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (header, records) = AnswersHeader::parse(&fixture.answers)?;
    let mut session = device.start(lab, &fixture.model)?;
    let killer = session.runner.as_ref().and_then(|runner| runner.killer()).ok_or("the device is emulated")?;
    let kill_after_ten = |done| {
        if done == 10 {
            killer.kill();
        }
    };
    let error = sweep(&mut session, &header, records, kill_after_ten).expect_err("the device is dead");
    assert!(matches!(error.cause, ClientError::Gone) && error.done >= 10, "{error}");
    let text = error.to_string();
    // Through a probe, only the first log line is sure to be read.
    assert!(text.contains("SIGKILL") && text.contains("starts, with the kernels"), "{text}");
    Ok(())
}

/// The program that fails on purpose is silent until it receives a byte.
fn never_answers(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let lab = Lab { patience: Duration::from_millis(300), ..lab.clone() };
    let mut session = device.start_faults(&lab)?;
    let error = session.client.receive_answer().expect_err("the device is silent");
    assert!(matches!(error, ClientError::Silent), "{error}");
    assert!(session.post_mortem().contains("still runs"));
    Ok(())
}

fn model_too_large(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let error = device.start(lab, &vec![0; 64 << 20]).expect_err("no region is that large");
    assert!(matches!(error, DeviceError::ModelTooLarge { .. }), "{error}");
    Ok(())
}
