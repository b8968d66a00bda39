//! The host's end of the link, the same for every device.

mod error;
mod line;
mod pace;
mod under_way;

use std::time::{Duration, Instant};

use prenda::{
    Frame, FrameBuffer, FrameError, Hello, MAX_RESPONSE_BYTES, MESSAGE_OVERHEAD_BYTES, MemoryUse, ModelId, ModelInfo,
    Progress, Refusal, Request, Response, decode, encode, encoded_length_bound,
};

pub use error::{ClientError, Trouble};
pub use line::Stream;
pub use under_way::Retry;

use line::Line;
use under_way::{Asked, UnderWay};

/// Longest frame accepted from a device.
const MAX_FRAME_BYTES: usize = encoded_length_bound(MAX_RESPONSE_BYTES);

/// A conversation with a device. Damaged or lost requests are sent again, as [`Retry`] allows.
#[derive(Debug)]
pub struct Client {
    line: Line,
    incoming: Box<FrameBuffer<MAX_FRAME_BYTES>>,
    outgoing: Vec<u8>,
    under_way: UnderWay,
    traffic: Traffic,
    /// Longest time for an answer, all attempts together.
    patience: Duration,
}

/// Counts of frames on the link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, including those sent again.
    pub sent: u64,
    /// Requests sent again.
    pub resent: u64,
    /// Answers accepted.
    pub answered: u64,
    /// Refusals of frames that the device could not read.
    pub refused: u64,
    /// Damaged frames from the device.
    pub unreadable: u64,
    /// Answers to requests that are no longer under way.
    pub late: u64,
}

/// A device's answer to a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// The board's name.
    pub board: String,
    /// The processor core.
    pub core: String,
    /// Version of the firmware.
    pub firmware: String,
    /// The device's model.
    pub model: ModelInfo,
}

/// A device's answer to one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Number of the request.
    pub sequence: u32,
    /// The class.
    pub class: u16,
    /// The network that answered, from 0.
    pub network: u8,
    /// Logits in Q15.16, little-endian `i32`.
    pub logits: Vec<u8>,
    /// Probabilities in Q1.15, little-endian `u16`.
    pub probabilities: Vec<u8>,
}

/// A device's counter, and its ticks for a loop of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// Frequency of the counter. On hardware it is the core's: a tick is a cycle.
    pub hertz: u32,
    /// Ticks of the loop and of its call.
    pub ticks: u32,
    /// Ticks of an empty stage: the overhead of measuring each stage.
    pub empty_stage: u32,
    /// Bytes that inference writes, without the stack.
    pub workspace_bytes: u32,
}

/// Ticks of a device for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Ticks of one inference without stages.
    pub total: u32,
    /// Ticks of each stage of a second inference: three for each layer (gather inputs, add
    /// products, requantize), and softmax.
    pub stages: Vec<StageTicks>,
}

/// Ticks of a stage, including the overhead of measuring it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTicks {
    /// Ticks in total.
    pub ticks: u32,
    /// Times that the stage was entered.
    pub times: u32,
}

impl Answer {
    /// Returns an answer, still without its number.
    fn new(network: u8, class: u16, logits: &[u8], probabilities: &[u8]) -> Self {
        Self { sequence: 0, class, network, logits: logits.to_vec(), probabilities: probabilities.to_vec() }
    }
}

impl Client {
    /// Returns a client on `stream` that waits for an answer for at most `patience`.
    pub fn new(stream: Box<dyn Stream>, patience: Duration) -> Self {
        Self {
            line: Line::new(stream),
            incoming: Box::default(),
            outgoing: Vec::new(),
            under_way: UnderWay::new(Retry::default()),
            traffic: Traffic::default(),
            patience,
        }
    }

    /// Changes how requests are sent again.
    pub fn set_retry(&mut self, retry: Retry) {
        self.under_way.set_retry(retry);
    }

    /// Sets the number of the next request. A frame with a larger number can be longer, so that the
    /// image in it is at another address.
    pub fn set_next_number(&mut self, number: u32) {
        self.under_way.set_next_number(number);
    }

    /// Replaces the stream with what `wrap` returns for it.
    #[must_use]
    pub fn over(self, wrap: impl FnOnce(Box<dyn Stream>) -> Box<dyn Stream>) -> Self {
        Self { line: Line::new(wrap(self.line.stream)), ..self }
    }

    /// Returns the counts of frames so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Asks the device for its board, firmware and model.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the conversation fails or the device has no model that it can
    /// run.
    pub fn hello(&mut self) -> Result<Introduction, ClientError> {
        self.ask(Asked::Hello, |response| match response {
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

    /// Like [`hello`](Self::hello), but requires the device to run model `host`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`hello`](Self::hello), and [`ClientError::WrongModel`] if the ids
    /// differ.
    pub fn hello_with(&mut self, host: ModelId) -> Result<Introduction, ClientError> {
        let introduction = self.hello()?;
        let ModelInfo { id: device, bytes: device_bytes, .. } = introduction.model;
        if device != host {
            return Err(ClientError::WrongModel { device, device_bytes, host });
        }
        Ok(introduction)
    }

    /// Asks for the memory in use.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the conversation fails.
    pub fn memory_use(&mut self) -> Result<MemoryUse, ClientError> {
        self.ask(Asked::MemoryUse, |response| match response {
            Response::MemoryUse(memory_use) => Some(memory_use),
            _ => None,
        })
    }

    /// Sends an image without waiting for the answer, and returns the request's number.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the stream fails.
    pub fn send_image(&mut self, pixels: &[u8]) -> Result<u32, ClientError> {
        self.begin(Asked::Image(pixels.to_vec()))
    }

    /// Returns the next answer to an image; after a loss, the order can differ from that of the
    /// requests.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the conversation fails or the device refuses an image.
    pub fn receive_answer(&mut self) -> Result<Answer, ClientError> {
        let (sequence, answer) = self.receive(|response| match response {
            Response::Inference { class, logits, probabilities } => Some(Answer::new(0, class, logits, probabilities)),
            Response::CascadeInference { network, class, logits, probabilities } => {
                Some(Answer::new(network, class, logits, probabilities))
            }
            _ => None,
        })?;
        Ok(Answer { sequence, ..answer })
    }

    /// Measures the inference of one image on the device.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the conversation fails, the device refuses the image, or it has
    /// no counter.
    pub fn measure(&mut self, pixels: &[u8]) -> Result<Measurement, ClientError> {
        self.ask_for_counts(Asked::Measurement(pixels.to_vec()), |counts| {
            let (&total, stages) = counts.split_first()?;
            let stages = stages.as_chunks::<2>().0.iter().map(|&[ticks, times]| StageTicks { ticks, times }).collect();
            Some(Measurement { total, stages })
        })
    }

    /// Measures `rounds` of a loop of two instructions on the device.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the conversation fails or the device has no counter.
    pub fn calibrate(&mut self, rounds: u8) -> Result<Calibration, ClientError> {
        self.ask_for_counts(Asked::Calibration(rounds), |counts| match *counts {
            [hertz, ticks, empty_stage, workspace_bytes] => {
                Some(Calibration { hertz, ticks, empty_stage, workspace_bytes })
            }
            _ => None,
        })
    }

    /// Sends `bytes` without framing, for tests.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the stream fails.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.line.write_all(bytes, self.patience)
    }

    fn ask_for_counts<T>(&mut self, asked: Asked, take: impl Fn(&[u32]) -> Option<T>) -> Result<T, ClientError> {
        self.ask(asked, |response| match response {
            Response::Counted { counts } => {
                take(&counts.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect::<Vec<_>>())
            }
            _ => None,
        })
    }

    /// Sends one request and waits for its answer. Earlier requests are abandoned.
    fn ask<T>(&mut self, asked: Asked, take: impl Fn(Response<'_>) -> Option<T>) -> Result<T, ClientError> {
        self.under_way.clear();
        self.begin(asked)?;
        Ok(self.receive(take)?.1)
    }

    fn begin(&mut self, asked: Asked) -> Result<u32, ClientError> {
        let sequence = self.under_way.begin(asked);
        self.send(sequence)?;
        Ok(sequence)
    }

    /// Sends a request that is under way, for the first time or again.
    fn send(&mut self, sequence: u32) -> Result<(), ClientError> {
        let Some((number, message)) = self.under_way.send(sequence, Instant::now())? else { return Ok(()) };
        let payload = match message {
            Request::Infer { pixels } | Request::Measure { pixels } => pixels.len(),
            _ => 0,
        };
        self.outgoing.resize(encoded_length_bound(payload + MESSAGE_OVERHEAD_BYTES), 0);
        let frame = encode(&Frame { sequence: number, message }, &mut self.outgoing)?;
        self.traffic.sent += 1;
        self.traffic.resent += u64::from(number != sequence);
        self.line.write_all(frame, self.patience)
    }

    /// Waits for the next response to a request under way. Returns the request's number and what
    /// `take` extracts, which returns `None` for a response of another kind.
    fn receive<T>(&mut self, take: impl Fn(Response<'_>) -> Option<T>) -> Result<(u32, T), ClientError> {
        let deadline = Instant::now() + self.patience;
        loop {
            let Some(byte) = self.line.next() else {
                if Instant::now() > deadline {
                    return Err(self.under_way.give_up());
                }
                if !self.line.fill()? {
                    for overdue in self.under_way.overdue(Instant::now()) {
                        self.send(overdue)?;
                    }
                }
                continue;
            };
            let decoded = match self.incoming.push(byte) {
                Progress::Incomplete => continue,
                Progress::TooLong(error) => Err(error),
                Progress::Complete(bytes) => decode::<Response<'_>>(bytes),
            };
            let Frame { sequence: number, message } = match decoded {
                Ok(frame) => frame,
                Err(error) if is_damage(error) => {
                    self.traffic.unreadable += 1;
                    self.suspect(Trouble::Unreadable(error))?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let kind = kind_of(&message);
            let taken = match message {
                Response::Refused(refusal) => Err(refusal),
                message => Ok(take(message)),
            };
            match (number, taken) {
                // The device could not read the request, so it does not know its number.
                (0, Err(Refusal::Frame(error))) if is_damage(error) => {
                    self.traffic.refused += 1;
                    self.suspect(Trouble::Refused(error))?;
                }
                (0, Err(refusal)) => return Err(refusal.into()),
                (number, taken) => match self.under_way.answered(number, Instant::now()) {
                    None => self.traffic.late += 1,
                    Some(sequence) => {
                        self.traffic.answered += 1;
                        while let Some(lost) = self.under_way.lost() {
                            self.send(lost)?;
                        }
                        return Ok((sequence, taken?.ok_or(ClientError::Unexpected { sequence, kind })?));
                    }
                },
            }
        }
    }

    /// Sends the request again that was probably damaged.
    fn suspect(&mut self, trouble: Trouble) -> Result<(), ClientError> {
        match self.under_way.suspect(trouble, Instant::now()) {
            Some(sequence) => self.send(sequence),
            None => Ok(()),
        }
    }
}

/// Returns true if the line may have caused this error. Other errors have a valid checksum:
/// sending again would not help.
fn is_damage(error: FrameError) -> bool {
    matches!(error, FrameError::Damaged | FrameError::TooLong { .. })
}

fn kind_of(response: &Response<'_>) -> &'static str {
    match response {
        Response::Hello(_) => "hello",
        Response::Inference { .. } | Response::CascadeInference { .. } => "inference",
        Response::MemoryUse(_) => "memory use",
        Response::Refused(_) => "refusal",
        Response::Counted { .. } => "count",
    }
}
