//! Checks of any bytes on the link.

use crc::{CRC_32_ISO_HDLC, Crc};
use prenda::{Frame, FrameBuffer, FrameError, Progress, Request, Response, decode, encode, encoded_length_bound};
use serde::Serialize;

/// Longest frame of the receiver; short, so that some frames are too long.
const MAX_FRAME: usize = 96;

/// Receives any bytes, and the same bytes as one frame with a valid checksum. Checks that each
/// frame is an error or a message, and that the next frame arrives.
///
/// # Panics
///
/// Panics if a check fails.
pub fn any_stream(bytes: &[u8]) {
    let mut buffer = FrameBuffer::<MAX_FRAME>::new();
    for &byte in bytes {
        match buffer.push(byte) {
            Progress::Incomplete => {}
            Progress::TooLong(error) => assert_eq!(error, FrameError::TooLong { available: MAX_FRAME as u32 }),
            Progress::Complete(frame) => any_frame(frame),
        }
    }
    let hello = Frame { sequence: 7, message: Request::Hello };
    let mut room = [0; MAX_FRAME];
    let frame = encode(&hello, &mut room).unwrap_or_else(|error| panic!("{error}"));
    let arrived = frame.iter().filter_map(|&byte| match buffer.push(byte) {
        Progress::Complete(bytes) => Some(decode::<Request<'_>>(bytes) == Ok(hello)),
        _ => None,
    });
    // Earlier bytes end at the frame's first delimiter, and may be a message themselves.
    assert_eq!(arrived.last(), Some(true), "the next frame arrives");

    let checksum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(bytes);
    any_frame(&mut cobs::encode_vec(&[bytes, &checksum.to_le_bytes()].concat()));
}

/// Decodes a frame as a request and as a response, and checks that each survives another encoding.
fn any_frame(bytes: &mut [u8]) {
    let mut copy = bytes.to_vec();
    if let Ok(frame) = decode::<Request<'_>>(&mut copy) {
        survives_encoding(&frame, |bytes| decode::<Request<'_>>(bytes) == Ok(frame));
    }
    if let Ok(frame) = decode::<Response<'_>>(bytes) {
        survives_encoding(&frame, |bytes| decode::<Response<'_>>(bytes) == Ok(frame));
    }
}

fn survives_encoding<T: Serialize>(frame: &Frame<T>, arrives: impl FnOnce(&mut [u8]) -> bool) {
    let mut room = vec![0; encoded_length_bound(1 << 14)];
    let sent = encode(frame, &mut room).unwrap_or_else(|error| panic!("{error}"));
    let mut between = sent.iter().copied().filter(|&byte| byte != 0).collect::<Vec<_>>();
    assert!(arrives(&mut between), "the message changed when encoded again");
}
