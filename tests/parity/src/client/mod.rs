//! The desk's end of the link: the same for every device.

mod error;
mod line;
mod pace;
mod under_way;

use std::time::{Duration, Instant};

use shared_model::{
    Frame, FrameBuffer, FrameError, Hello, MAX_RESPONSE_BYTES, MESSAGE_OVERHEAD_BYTES, MemoryUse, ModelId, ModelInfo,
    Progress, Refusal, Request, Response, decode, encode, encoded_length_bound,
};

pub use error::{ClientError, Trouble};
pub use line::Stream;
pub use under_way::Retry;

use line::Line;
use under_way::{Asked, UnderWay};

/// Longest frame that is accepted from a device.
const LONGEST_FRAME: usize = encoded_length_bound(MAX_RESPONSE_BYTES);

/// A conversation with a device. What is damaged or lost on the way is sent again, within the
/// bounds of [`Retry`].
#[derive(Debug)]
pub struct Client {
    line: Line,
    incoming: Box<FrameBuffer<LONGEST_FRAME>>,
    outgoing: Vec<u8>,
    under_way: UnderWay,
    traffic: Traffic,
    /// How long an answer may take, all attempts together.
    patience: Duration,
}

/// What went over the link, in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests sent, those that were sent again included.
    pub sent: u64,
    /// Of these, sent again.
    pub resent: u64,
    /// Answers taken.
    pub answered: u64,
    /// Refusals of what the device could not read.
    pub refused: u64,
    /// Frames from the device that were damaged.
    pub unreadable: u64,
    /// Answers to numbers that nobody waits for any longer.
    pub late: u64,
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

/// A device's answer to one image.
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

/// Ticks that a device takes for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Of one inference that nobody looks at.
    pub total: u32,
    /// Of each stage of another one: three for each layer (inputs gathered, products added up,
    /// requantized), and softmax.
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

impl Client {
    /// A client on `stream`, with nothing said yet. An answer may take `patience`, whatever else
    /// arrives meanwhile.
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

    /// From now on it sends again as `retry` says.
    pub fn set_retry(&mut self, retry: Retry) {
        self.under_way.set_retry(retry);
    }

    /// The same, over what `wrap` makes of the stream.
    #[must_use]
    pub fn over(self, wrap: impl FnOnce(Box<dyn Stream>) -> Box<dyn Stream>) -> Self {
        Self { line: Line::new(wrap(self.line.stream)), ..self }
    }

    /// What went over the link so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Asks the device who it is.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device has no model that it can run.
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
        self.ask(Asked::MemoryUse, |response| match response {
            Response::MemoryUse(memory_use) => Some(memory_use),
            _ => None,
        })
    }

    /// Sends a image and returns its request's number, so that the next can be sent before this
    /// one is answered.
    ///
    /// # Errors
    ///
    /// Where the stream fails.
    pub fn send_image(&mut self, pixels: &[u8]) -> Result<u32, ClientError> {
        self.begin(Asked::Image(pixels.to_vec()))
    }

    /// The next answer to a image. Mostly that to the one that was sent first; where something
    /// was lost, another.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device refuses a image.
    pub fn receive_answer(&mut self) -> Result<Answer, ClientError> {
        let (sequence, answer) = self.receive(|response| match response {
            Response::Inference { class, logits, probabilities } => {
                Some((class, logits.to_vec(), probabilities.to_vec()))
            }
            _ => None,
        })?;
        let (class, logits, probabilities) = answer;
        Ok(Answer { sequence, class, logits, probabilities })
    }

    /// Has the device count what one image takes.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device refuses the image, or has no counter.
    pub fn measure(&mut self, pixels: &[u8]) -> Result<Measurement, ClientError> {
        self.ask_for_counts(Asked::Measurement(pixels.to_vec()), |counts| {
            let (&total, stages) = counts.split_first()?;
            let stages = stages.as_chunks::<2>().0.iter().map(|&[ticks, times]| StageTicks { ticks, times }).collect();
            Some(Measurement { total, stages })
        })
    }

    /// Has the device count what `rounds` of a loop of two instructions take.
    ///
    /// # Errors
    ///
    /// Where the conversation fails, or the device has no counter.
    pub fn calibrate(&mut self, rounds: u8) -> Result<Calibration, ClientError> {
        self.ask_for_counts(Asked::Calibration(rounds), |counts| match *counts {
            [hertz, ticks, empty_stage, workspace_bytes] => {
                Some(Calibration { hertz, ticks, empty_stage, workspace_bytes })
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

    /// Asks for one thing and waits for it. What was asked for before is given up.
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

    /// Sends a request that is under way, once more or for the first time.
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

    /// The next response to a request under way, by that request's number, of the kind that `take`
    /// takes.
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
                // To what was unreadable, and so without its number.
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

    /// Something was damaged: sends again what may have been.
    fn suspect(&mut self, trouble: Trouble) -> Result<(), ClientError> {
        match self.under_way.suspect(trouble, Instant::now()) {
            Some(sequence) => self.send(sequence),
            None => Ok(()),
        }
    }
}

/// Whether a line may have made this of a frame. All else is whole, by its checksum, and would be
/// the same again.
fn is_damage(error: FrameError) -> bool {
    matches!(error, FrameError::Damaged | FrameError::TooLong { .. })
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
