//! The serve loop: reads requests, answers them.

use embedded_hal::digital::OutputPin;
use embedded_io::{Read, Write};
use prenda::{
    BlobError, DeviceFault, Frame, FrameBuffer, FrameError, Hello, MemoryUse, Model, ModelInfo, Progress, Refusal,
    Request, Response, Workspace, decode_request, encode_response,
};

use crate::measure::{CALIBRATION_BYTES, calibrate, counted_bytes, measure};
use crate::model::{describe, verify};
use crate::{Counter, StatusLed};

const FIRMWARE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The description that a device gives of itself.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The board's name: its folder under `boards/`.
    pub board: &'static str,
    /// The processor core.
    pub core: &'static str,
    /// Measures the memory in use.
    pub memory_use: fn() -> MemoryUse,
    /// The counter, if there is one.
    pub counter: Option<Counter>,
}

/// All memory that serving needs, so that a board can put it in a static.
///
/// `FRAME` is the maximum frame length in bytes, `MEMORY` that of a [`Workspace`],
/// `CLASSES` the maximum number of classes.
#[derive(Debug)]
pub struct Buffers<const FRAME: usize, const MEMORY: usize, const CLASSES: usize> {
    incoming: FrameBuffer<FRAME>,
    rest: Outgoing<FRAME, MEMORY, CLASSES>,
}

#[derive(Debug)]
struct Outgoing<const FRAME: usize, const MEMORY: usize, const CLASSES: usize> {
    workspace: Workspace<MEMORY, CLASSES>,
    /// Logits and probabilities as bytes: four and two for each class.
    answer: [[u8; 6]; CLASSES],
    frame: [u8; FRAME],
}

impl<const FRAME: usize, const MEMORY: usize, const CLASSES: usize> Buffers<FRAME, MEMORY, CLASSES> {
    /// The longest frame, in bytes.
    pub const FRAME: usize = FRAME;

    /// Creates empty buffers.
    #[must_use]
    pub const fn new() -> Self {
        let rest = Outgoing { workspace: Workspace::new(), answer: [[0; 6]; CLASSES], frame: [0; FRAME] };
        Self { incoming: FrameBuffer::new(), rest }
    }
}

impl<const FRAME: usize, const MEMORY: usize, const CLASSES: usize> Default for Buffers<FRAME, MEMORY, CLASSES> {
    fn default() -> Self {
        Self::new()
    }
}

/// A device with its model, ready to serve.
#[derive(Debug)]
pub struct Server<'m, Pin, const FRAME: usize, const MEMORY: usize, const CLASSES: usize> {
    identity: Identity,
    model: Result<&'m Model<'m>, DeviceFault>,
    buffers: &'m mut Buffers<FRAME, MEMORY, CLASSES>,
    status: StatusLed<Pin>,
}

impl<'m, Pin: OutputPin, const FRAME: usize, const MEMORY: usize, const CLASSES: usize>
    Server<'m, Pin, FRAME, MEMORY, CLASSES>
{
    /// Runs the self-test of `model`. If it fails, the server answers each request with the reason.
    pub fn start(
        identity: Identity,
        model: &'m Result<Model<'m>, BlobError>,
        buffers: &'m mut Buffers<FRAME, MEMORY, CLASSES>,
        mut status: StatusLed<Pin>,
    ) -> Self {
        status.busy();
        let model = match model {
            Ok(model) => verify(model, FRAME, &mut buffers.rest.workspace).map(|()| model),
            Err(error) => Err(DeviceFault::Blob(*error)),
        };
        if model.is_err() {
            status.fault();
        }
        status.ready();
        Self { identity, model, buffers, status }
    }

    /// Returns the model that is served.
    ///
    /// # Errors
    ///
    /// Returns the fault if the device has no usable model.
    pub fn model(&self) -> Result<ModelInfo, DeviceFault> {
        self.model.map(describe)
    }

    /// Serves until the stream ends. Drops a partial frame of an earlier stream.
    ///
    /// # Errors
    ///
    /// Returns the stream's error if it fails. Invalid bytes are answered, not returned.
    pub fn serve<Stream: Read + Write>(&mut self, stream: &mut Stream) -> Result<(), Stream::Error> {
        self.buffers.incoming.clear();
        let mut chunk = [0; 64];
        loop {
            let count = stream.read(&mut chunk)?;
            if count == 0 {
                return Ok(());
            }
            for &byte in chunk.iter().take(count) {
                let frame = match self.buffers.incoming.push(byte) {
                    Progress::Incomplete => continue,
                    Progress::TooLong(error) => Err(error),
                    Progress::Complete(bytes) => decode_request(bytes),
                };
                self.status.busy();
                let outgoing = &mut self.buffers.rest;
                send(stream, outgoing.answer(&self.identity, self.model, frame))?;
                self.status.ready();
            }
        }
    }
}

/// Writes `bytes` until the stream ends. (`write_all` panics at the end of the stream.)
fn send<Stream: Write>(stream: &mut Stream, mut bytes: &[u8]) -> Result<(), Stream::Error> {
    while !bytes.is_empty() {
        match stream.write(bytes)? {
            0 => return Ok(()),
            count => bytes = bytes.get(count..).unwrap_or_default(),
        }
    }
    stream.flush()
}

impl<const FRAME: usize, const MEMORY: usize, const CLASSES: usize> Outgoing<FRAME, MEMORY, CLASSES> {
    /// Returns the frame that answers `request`.
    fn answer(
        &mut self,
        identity: &Identity,
        model: Result<&Model<'_>, DeviceFault>,
        request: Result<Frame<Request<'_>>, FrameError>,
    ) -> &[u8] {
        let sequence = request.map_or(0, |frame| frame.sequence);
        // The counts are at the end of the frame's buffer; the rest has room for their message.
        let counted = match (request.map(|frame| frame.message), model) {
            (Ok(Request::Measure { .. }), Ok(model)) => counted_bytes(model.layers().len()),
            (Ok(Request::Calibrate { .. }), _) => CALIBRATION_BYTES,
            _ => 0,
        };
        let (outgoing, counts) = self.frame.split_at_mut(FRAME.saturating_sub(counted));
        let response = request.map_err(Refusal::Frame).and_then(|frame| match frame.message {
            Request::Hello => Ok(Response::Hello(Hello {
                board: identity.board,
                core: identity.core,
                firmware: FIRMWARE_VERSION,
                model: model.map(describe),
            })),
            Request::MemoryUse => Ok(Response::MemoryUse((identity.memory_use)())),
            Request::Infer { pixels } => {
                let model = model.map_err(Refusal::NoModel)?;
                let prediction = self.workspace.infer(model, pixels).map_err(Refusal::Infer)?;
                let (logits, probabilities) = prediction.to_bytes(self.answer.as_flattened_mut()).unwrap_or_default();
                let (class, network) = (prediction.class as u16, prediction.network as u8);
                Ok(match model.networks().len() {
                    1 => Response::Inference { class, logits, probabilities },
                    _ => Response::CascadeInference { network, class, logits, probabilities },
                })
            }
            Request::Measure { pixels } => {
                let counter = identity.counter.as_ref().ok_or(Refusal::NoCounter)?;
                let model = model.map_err(Refusal::NoModel)?;
                measure(counter, &mut self.workspace, model, pixels, counts).map_err(Refusal::Infer)?;
                Ok(Response::Counted { counts })
            }
            Request::Calibrate { rounds } => {
                let counter = identity.counter.as_ref().ok_or(Refusal::NoCounter)?;
                calibrate(counter, rounds, size_of::<Workspace<MEMORY, CLASSES>>(), counts);
                Ok(Response::Counted { counts })
            }
        });
        let message = response.unwrap_or_else(|refusal| {
            #[cfg(target_os = "none")]
            defmt::warn!("refused: {}", refusal);
            Response::Refused(refusal)
        });
        // `verify` has checked that answers of this length fit.
        encode_response(&Frame { sequence, message }, outgoing).unwrap_or_default()
    }
}
