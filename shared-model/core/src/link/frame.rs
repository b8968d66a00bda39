//! Frames: `0x00 COBS(protocol version, sequence, message, CRC-32) 0x00`.
//!
//! A frame contains no zero byte, so the next zero byte is always a new start after a loss or
//! damage. The leading zero ends any noise before the frame.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Frame, Request, Response, cobs};
use crate::checksum::Checksum;

/// Protocol version of this code: the first byte of each payload.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, PROTOCOL_VERSION, Request, encode};
///
/// let mut buffer = [0; 32];
/// let frame = encode(&Frame { sequence: 5, message: Request::Hello }, &mut buffer).unwrap();
/// // The first byte is the delimiter, the second one belongs to COBS.
/// assert_eq!(frame[2], PROTOCOL_VERSION);
/// ```
pub const PROTOCOL_VERSION: u8 = 1;

/// The byte between frames.
pub(super) const DELIMITER: u8 = 0;

/// The reason why a frame is unreadable.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{FrameError, Request, decode};
///
/// let mut noise = [0x55; 20];
/// assert_eq!(decode::<Request<'_>>(&mut noise), Err(FrameError::Damaged));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// The frame is longer than the receiver's or the sender's buffer.
    #[error("the frame does not fit a buffer of {available} bytes")]
    TooLong {
        /// Length of the buffer in bytes.
        available: u32,
    },
    /// The bytes between two delimiters are not COBS, or their checksum does not match.
    #[error("the frame was damaged in transit")]
    Damaged,
    /// The frame has another protocol version.
    #[error("protocol version: found {found}, expected {supported}; use the same release on host and device")]
    Version {
        /// The frame's version.
        found: u8,
        /// The version of this code.
        supported: u8,
    },
    /// The frame is undamaged, but its message is unknown.
    #[error("the frame has an unknown message; use the same release on host and device")]
    Unknown,
}

/// Returns an upper bound, in bytes, for a frame whose message has `message_bytes` bytes.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{MESSAGE_OVERHEAD_BYTES, encoded_length_bound};
///
/// // A buffer for requests with images of 784 pixels.
/// const FRAME: usize = encoded_length_bound(784 + MESSAGE_OVERHEAD_BYTES);
/// assert_eq!(FRAME, 928);
/// ```
#[must_use]
pub const fn encoded_length_bound(message_bytes: usize) -> usize {
    // Version, sequence, checksum; COBS adds one byte for each 254; then the delimiters.
    let payload = message_bytes.saturating_add(1 + 5 + 4);
    payload.saturating_add(payload / 254).saturating_add(1 + 2)
}

/// Writes a frame to the start of `buffer` and returns it.
///
/// # Errors
///
/// Returns [`FrameError::TooLong`] if `buffer` is too short. [`encoded_length_bound`] returns a
/// sufficient length.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, FrameError, Request, encode};
///
/// let frame = Frame { sequence: 5, message: Request::Hello };
/// let bytes = [0, 3, 1, 5, 5, 0x60, 0x47, 0xf4, 0x83, 0];
/// assert_eq!(encode(&frame, &mut [0; 32]), Ok(&bytes[..]));
/// assert_eq!(encode(&frame, &mut [0; 8]), Err(FrameError::TooLong { available: 8 }));
/// ```
pub fn encode<'b, T: Serialize>(frame: &Frame<T>, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
    let too_long = FrameError::TooLong { available: u32::try_from(buffer.len()).unwrap_or(u32::MAX) };
    let (front, rest) = buffer.split_first_mut().ok_or(too_long)?;
    *front = DELIMITER;
    let length = postcard::serialize_with_flavor(&(PROTOCOL_VERSION, frame), cobs::Writer::new(rest));
    let length = length.map_err(|_| too_long)?;
    buffer.get(..=length).ok_or(too_long)
}

/// Decodes the bytes between two delimiters, in place.
///
/// # Errors
///
/// Returns [`FrameError::Damaged`], [`FrameError::Version`] or [`FrameError::Unknown`].
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Request, decode};
///
/// let mut bytes = [3, 1, 5, 5, 0x60, 0x47, 0xf4, 0x83];
/// let frame = decode::<Request<'_>>(&mut bytes).unwrap();
/// assert_eq!((frame.sequence, frame.message), (5, Request::Hello));
/// ```
pub fn decode<'b, T: Deserialize<'b>>(bytes: &'b mut [u8]) -> Result<Frame<T>, FrameError> {
    let length = cobs::decode_in_place(bytes).ok_or(FrameError::Damaged)?;
    let (payload, checksum) =
        bytes.get(..length).and_then(|bytes| bytes.split_last_chunk::<4>()).ok_or(FrameError::Damaged)?;
    if Checksum::of(payload) != u32::from_le_bytes(*checksum) {
        return Err(FrameError::Damaged);
    }
    let (&version, message) = payload.split_first().ok_or(FrameError::Damaged)?;
    if version != PROTOCOL_VERSION {
        return Err(FrameError::Version { found: version, supported: PROTOCOL_VERSION });
    }
    match postcard::take_from_bytes(message) {
        Ok((frame, [])) => Ok(frame),
        _ => Err(FrameError::Unknown),
    }
}

/// Like [`decode`] for a request. It is compiled in this crate, so that a device pays for one copy.
///
/// # Errors
///
/// Returns the errors of [`decode`].
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, Request, decode_request};
///
/// let mut bytes = [3, 1, 5, 5, 0x60, 0x47, 0xf4, 0x83];
/// assert_eq!(decode_request(&mut bytes), Ok(Frame { sequence: 5, message: Request::Hello }));
/// ```
pub fn decode_request(bytes: &mut [u8]) -> Result<Frame<Request<'_>>, FrameError> {
    decode(bytes)
}

/// Like [`encode`] for a response. It is compiled in this crate, so that a device pays for one
/// copy.
///
/// # Errors
///
/// Returns the errors of [`encode`].
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{Frame, Refusal, Response, encode_response};
///
/// let frame = Frame { sequence: 5, message: Response::Refused(Refusal::NoCounter) };
/// let bytes = [0, 9, 1, 5, 3, 3, 0xeb, 0x78, 0x17, 0x2d, 0];
/// assert_eq!(encode_response(&frame, &mut [0; 32]), Ok(&bytes[..]));
/// ```
pub fn encode_response<'b>(frame: &Frame<Response<'_>>, buffer: &'b mut [u8]) -> Result<&'b [u8], FrameError> {
    encode(frame, buffer)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::{DeviceFault, FrameBuffer, Hello, MemoryUse, ModelInfo, Progress, Refusal, Response};
    use super::*;
    use crate::model::{BlobError, ModelId};
    use proptest::prelude::*;
    use std::vec::Vec;

    fn frame_of(sequence: u32, pixels: &[u8]) -> Vec<u8> {
        let mut buffer = std::vec![0; encoded_length_bound(pixels.len() + 4)];
        encode(&Frame { sequence, message: Request::Infer { pixels } }, &mut buffer).unwrap().to_vec()
    }

    /// Returns everything that a receiver decodes from `stream`.
    fn receive(stream: &[u8]) -> Vec<Result<(u32, Vec<u8>), FrameError>> {
        let mut buffer = FrameBuffer::<1024>::new();
        let mut received = Vec::new();
        for &byte in stream {
            match buffer.push(byte) {
                Progress::Incomplete => {}
                Progress::TooLong(error) => received.push(Err(error)),
                Progress::Complete(bytes) => {
                    received.push(decode::<Request<'_>>(bytes).map(|frame| match frame.message {
                        Request::Infer { pixels } => (frame.sequence, pixels.to_vec()),
                        _ => (frame.sequence, Vec::new()),
                    }))
                }
            }
        }
        received
    }

    proptest! {
        #[test]
        fn sent_frames_arrive(sequence: u32, pixels in prop::collection::vec(any::<u8>(), 0..900)) {
            prop_assert_eq!(receive(&frame_of(sequence, &pixels)), [Ok((sequence, pixels))]);
        }

        #[test]
        fn after_any_noise_the_next_frame_arrives(
            noise in prop::collection::vec(any::<u8>(), 0..3000),
            pixels: [u8; 16]
        ) {
            let mut stream = noise;
            stream.extend(frame_of(7, &pixels));
            prop_assert_eq!(receive(&stream).pop(), Some(Ok((7, pixels.to_vec()))));
        }

        #[test]
        fn a_changed_byte_is_never_another_message(
            pixels: [u8; 40],
            position: prop::sample::Index,
            change in 1..=255_u8
        ) {
            let mut stream = frame_of(7, &pixels);
            let position = position.index(stream.len());
            stream[position] ^= change;
            for received in receive(&stream).into_iter().flatten() {
                prop_assert_eq!(received, (7, pixels.to_vec()));
            }
        }
    }

    #[test]
    fn frames_longer_than_the_buffer_are_reported_and_skipped() {
        let mut stream = frame_of(1, &[1; 2000]);
        stream.extend(frame_of(2, &[2]));
        assert_eq!(receive(&stream), [Err(FrameError::TooLong { available: 1024 }), Ok((2, std::vec![2]))]);
    }

    #[test]
    fn another_version_and_an_unknown_message_have_their_own_errors() {
        let mut buffer = [0; 32];
        let encode_payload = |payload: &[u8], buffer: &mut [u8]| {
            let mut bytes = payload.to_vec();
            bytes.extend(Checksum::of(payload).to_le_bytes());
            ::cobs::encode(&bytes, buffer)
        };
        let length = encode_payload(&[9, 0, 0], &mut buffer);
        let expected = FrameError::Version { found: 9, supported: PROTOCOL_VERSION };
        assert_eq!(decode::<Request<'_>>(&mut buffer[..length]), Err(expected));
        let length = encode_payload(&[PROTOCOL_VERSION, 0, 99], &mut buffer);
        assert_eq!(decode::<Request<'_>>(&mut buffer[..length]), Err(FrameError::Unknown));
        let length = encode_payload(&[PROTOCOL_VERSION, 0, 0, 0], &mut buffer);
        assert_eq!(decode::<Request<'_>>(&mut buffer[..length]), Err(FrameError::Unknown), "an extra byte");
    }

    #[test]
    fn encoding_to_a_short_buffer_fails() {
        for length in 0..8 {
            let frame = Frame { sequence: 1, message: Request::Infer { pixels: &[1; 8] } };
            assert!(encode(&frame, &mut [0; 8][..length]).is_err());
        }
    }

    /// Pins every message. A change of these bytes needs a new `PROTOCOL_VERSION`, and a change of
    /// `docs/format.md`.
    #[test]
    fn golden_bytes() {
        let model = ModelInfo { id: ModelId(0x1234_5678), bytes: 1000, inputs: 784, classes: 10, layers: 2 };
        let hello = |model| Response::Hello(Hello { board: "b", core: "c", firmware: "1", model });
        let fault = DeviceFault::Blob(BlobError::Magic);
        let memory_use = MemoryUse { flash: 1, statics: 2, stack_used: 3, stack_reserved: 300 };
        let inference = Response::Inference { class: 3, logits: &[1, 0, 0, 0], probabilities: &[0, 128] };
        let (logits, probabilities): (&[u8], &[u8]) = (&[1, 0, 0, 0], &[0, 128]);
        let cascade = Response::CascadeInference { network: 1, class: 3, logits, probabilities };
        let refused = Response::Refused(Refusal::Frame(FrameError::Damaged));
        let frames = [
            hex(Request::Hello),
            hex(Request::Infer { pixels: &[0, 7] }),
            hex(Request::MemoryUse),
            hex(hello(Ok(model))),
            hex(hello(Err(fault))),
            hex(inference),
            hex(Response::MemoryUse(memory_use)),
            hex(refused),
            hex(Request::Measure { pixels: &[0, 7] }),
            hex(Request::Calibrate { rounds: 200 }),
            hex(Response::Counted { counts: &[7, 0, 0, 0] }),
            hex(Response::Refused(Refusal::NoCounter)),
            hex(cascade),
        ];
        let expected = [
            "00030105056047f48300",
            "0005010501020607dedb229700",
            "00080105024c26fa6d00",
            "000301050701620163013110f8acd19101e80790060a026d5b4a2400",
            "0003010508016201630131010601520fb73f00",
            "0007010501030401010102020680b923698b00",
            "000d010502010203ac02f09cebcf00",
            "0004010503060150a0ddb900",
            "000501050302060755132b3d00",
            "0009010504c814f5e06e00",
            "000601050404070101053f2c760800",
            "000901050303eb78172d00",
            "000801050501030401010102020680ae41582100",
        ];
        assert_eq!(frames.each_ref().map(|frame| &frame[..]), expected);
    }

    fn hex<T: Serialize>(message: T) -> std::string::String {
        let mut buffer = [0; 64];
        let bytes = encode(&Frame { sequence: 5, message }, &mut buffer).unwrap();
        bytes.iter().map(|byte| std::format!("{byte:02x}")).collect()
    }
}
