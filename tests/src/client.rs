//! The desk's end of the link: the same for every device.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use shared_model::{
    Frame, FrameBuffer, FrameError, Hello, MAX_RESPONSE_BYTES, MESSAGE_OVERHEAD_BYTES, MemoryUse, ModelId, ModelInfo,
    Progress, Refusal, Request, Response, decode, encode, encoded_length_bound,
};
use thiserror::Error;

/// Longest frame that is accepted from a device.
const LONGEST_FRAME: usize = encoded_length_bound(MAX_RESPONSE_BYTES);

/// A byte stream to a device. Reads and writes that wait too long fail with [`ErrorKind::TimedOut`] or
/// [`ErrorKind::WouldBlock`].
pub trait Stream: Read + Write + Send + Debug {}

impl<Bytes: Read + Write + Send + Debug> Stream for Bytes {}

/// A conversation with a device.
#[derive(Debug)]
pub struct Client {
    stream: Box<dyn Stream>,
    incoming: Box<FrameBuffer<LONGEST_FRAME>>,
    /// Bytes that were read and not looked at yet.
    unread: VecDeque<u8>,
    outgoing: Vec<u8>,
    next_sequence: u32,
    /// How long an answer may take.
    patience: Duration,
}

/// A device as it introduced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// The board's name.
    pub board: String,
    /// The processor core.
    pub core: String,
    /// Version of the firmware.
    pub firmware: String,
    /// The model that it runs.
    pub model: ModelInfo,
}

/// A device's answer to one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number of the request.
    pub sequence: u32,
    /// The class.
    pub class: u16,
    /// Logits in Q15.16, little-endian `i32`.
    pub logits: Vec<u8>,
    /// Probabilities in Q1.15, little-endian `u16`.
    pub probabilities: Vec<u8>,
}

/// What a device's counter counts, and what it makes of work of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// Frequency of the counter. On hardware it is the core's, so that a tick is a cycle.
    pub hertz: u32,
    /// Ticks of the loop that was asked for, and of calling it.
    pub ticks: u32,
    /// Ticks of a stage in which nothing is done: what looking adds to each.
    pub empty_stage: u32,
    /// Bytes of the memory that inference writes, the stack not counted.
    pub workspace_bytes: u32,
}

/// Ticks that a device takes for one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Of one inference that nobody looks at.
    pub total: u32,
    /// Of each stage of another one: three for each layer (inputs gathered, products added up, requantized), and softmax.
    pub stages: Vec<StageTicks>,
}

/// Ticks of a stage, what looking adds to it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTicks {
    /// Ticks, in all.
    pub ticks: u32,
    /// How often it came.
    pub times: u32,
}

/// Why a conversation failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nothing came for as long as the stream waits.
    #[error("the device did not answer in time; on a very busy machine a longer --patience helps")]
    Silent,
    /// The stream ended.
    #[error("the device is gone: the link was closed")]
    Gone,
    /// The stream failed.
    #[error("the link failed: {0}")]
    Stream(#[source] io::Error),
    /// A frame from the device cannot be read.
    #[error("the device sent something unreadable: {0}")]
    Frame(#[from] FrameError),
    /// The device refuses the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The device answers something else than was asked.
    #[error("the device answered request {sequence} with a {kind}, which was not asked for")]
    Unexpected {
        /// Number of the request.
        sequence: u32,
        /// Kind of the answer.
        kind: &'static str,
    },
    /// The device runs another model than the host.
    #[error(
        "wrong model on the device: it runs {device} ({device_bytes} bytes), the host holds {host}: flash the host's model"
    )]
    WrongModel {
        /// The device's model.
        device: ModelId,
        /// Length of the device's model.
        device_bytes: u32,
        /// The host's model.
        host: ModelId,
    },
}

impl Client {
    /// A client on `stream`, with nothing said yet. An answer may take `patience`, whatever else arrives meanwhile.
    pub fn new(stream: Box<dyn Stream>, patience: Duration) -> Self {
        Self {
            stream,
            incoming: Box::default(),
            unread: VecDeque::new(),
            outgoing: Vec::new(),
            next_sequence: 1,
            patience,
        }
    }

    /// Asks the device who it is.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device has no model that it can run.
    pub fn hello(&mut self) -> Result<Introduction, ClientError> {
        let sequence = self.send(Request::Hello)?;
        self.receive(sequence, |response| match response {
            Response::Hello(Hello { board, core, firmware, model }) => {
                Some(model.map_err(|fault| Refusal::NoModel(fault).into()).map(|model| Introduction {
                    board: board.into(),
                    core: core.into(),
                    firmware: firmware.into(),
                    model,
                }))
            }
            _ => None,
        })?
    }

    /// As [`hello`](Self::hello), and makes sure that the device runs `model`.
    ///
    /// # Errors
    ///
    /// As for [`hello`](Self::hello), and [`ClientError::WrongModel`].
    pub fn hello_with(&mut self, host: ModelId) -> Result<Introduction, ClientError> {
        let introduction = self.hello()?;
        let ModelInfo { id: device, bytes: device_bytes, .. } = introduction.model;
        if device != host {
            return Err(ClientError::WrongModel { device, device_bytes, host });
        }
        Ok(introduction)
    }

    /// Asks how much memory is in use.
    ///
    /// # Errors
    ///
    /// Where the conversation fails.
    pub fn memory_use(&mut self) -> Result<MemoryUse, ClientError> {
        let sequence = self.send(Request::MemoryUse)?;
        self.receive(sequence, |response| match response {
            Response::MemoryUse(memory_use) => Some(memory_use),
            _ => None,
        })
    }

    /// Sends a picture and returns its request's number, so that the next can be sent before this one is answered.
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn send_picture(&mut self, pixels: &[u8]) -> Result<u32, ClientError> {
        self.send(Request::Infer { pixels })
    }

    /// The answer to the picture that was sent as request `sequence`.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device refuses the picture.
    pub fn receive_answer(&mut self, sequence: u32) -> Result<Answer, ClientError> {
        self.receive(sequence, |response| match response {
            Response::Inference { class, logits, probabilities } => {
                Some(Answer { sequence, class, logits: logits.to_vec(), probabilities: probabilities.to_vec() })
            }
            _ => None,
        })
    }

    /// Has the device count what one picture takes.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device refuses the picture, or has no counter.
    pub fn measure(&mut self, pixels: &[u8]) -> Result<Measurement, ClientError> {
        let sequence = self.send(Request::Measure { pixels })?;
        let counts = self.receive_counts(sequence)?;
        let (&total, stages) = counts.split_first().unwrap_or((&0, &[]));
        let stages = stages.as_chunks::<2>().0.iter().map(|&[ticks, times]| StageTicks { ticks, times }).collect();
        Ok(Measurement { total, stages })
    }

    /// Has the device count what `rounds` of a loop of two instructions take.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device has no counter.
    pub fn calibrate(&mut self, rounds: u8) -> Result<Calibration, ClientError> {
        let sequence = self.send(Request::Calibrate { rounds })?;
        match *self.receive_counts(sequence)? {
            [hertz, ticks, empty_stage, workspace_bytes] => {
                Ok(Calibration { hertz, ticks, empty_stage, workspace_bytes })
            }
            _ => Err(ClientError::Unexpected { sequence, kind: "measurement" }),
        }
    }

    fn receive_counts(&mut self, sequence: u32) -> Result<Vec<u32>, ClientError> {
        self.receive(sequence, |response| match response {
            Response::Counted { counts } => {
                Some(counts.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
            }
            _ => None,
        })
    }

    /// Sends `bytes` as they are: for tests of what a device does with them.
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.write_all(bytes).map_err(stream_error)
    }

    fn send(&mut self, message: Request<'_>) -> Result<u32, ClientError> {
        let sequence = self.next_sequence;
        self.next_sequence = self.next_sequence.wrapping_add(1).max(1);
        let payload = match message {
            Request::Infer { pixels } | Request::Measure { pixels } => pixels.len(),
            _ => 0,
        };
        self.outgoing.resize(encoded_length_bound(payload + MESSAGE_OVERHEAD_BYTES), 0);
        let frame = encode(&Frame { sequence, message }, &mut self.outgoing)?;
        self.stream.write_all(frame).map_err(stream_error)?;
        Ok(sequence)
    }

    /// The response to request `expected`, of the kind that `take` takes.
    fn receive<T>(&mut self, expected: u32, take: impl FnOnce(Response<'_>) -> Option<T>) -> Result<T, ClientError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let Some(byte) = self.unread.pop_front() else {
                if Instant::now() > deadline {
                    return Err(ClientError::Silent);
                }
                self.fill()?;
                continue;
            };
            let bytes = match self.incoming.push(byte) {
                Progress::Incomplete => continue,
                Progress::TooLong(error) => return Err(error.into()),
                Progress::Complete(bytes) => bytes,
            };
            let Frame { sequence, message } = decode::<Response<'_>>(bytes)?;
            // An answer to an earlier request, which was given up: passed over. 0 is for requests that were unreadable.
            if sequence != expected && sequence != 0 {
                continue;
            }
            let kind = kind_of(&message);
            return match message {
                Response::Refused(refusal) => Err(refusal.into()),
                message => take(message).ok_or(ClientError::Unexpected { sequence, kind }),
            };
        }
    }

    /// Waits for more bytes.
    fn fill(&mut self) -> Result<(), ClientError> {
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ClientError::Gone),
                Ok(count) => {
                    self.unread.extend(&chunk[..count]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(stream_error(error)),
            }
        }
    }
}

fn stream_error(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => ClientError::Silent,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => ClientError::Gone,
        _ => ClientError::Stream(error),
    }
}

fn kind_of(response: &Response<'_>) -> &'static str {
    match response {
        Response::Hello(_) => "hello",
        Response::Inference { .. } => "inference",
        Response::MemoryUse(_) => "memory use",
        Response::Refused(_) => "refusal",
        Response::Counted { .. } => "count",
    }
}
