//! Slices of a caller's memory, after the checks that are possible.

use core::ops::Range;
use core::slice;

use crate::status::prenda_status;

/// Alignment of a model's bytes and of a workspace.
const WORD: usize = align_of::<u32>();

/// The addresses of a buffer.
#[derive(Clone, Debug)]
pub struct Place(Range<usize>);

impl Place {
    /// Checks that a buffer is not null and is within the address space.
    pub fn of<T>(start: *const T, bytes: usize) -> Result<Self, prenda_status> {
        if start.is_null() {
            return Err(prenda_status::NullPointer);
        }
        // No object is longer than `isize::MAX`.
        match start.addr().checked_add(bytes) {
            Some(end) if isize::try_from(bytes).is_ok() => Ok(Self(start.addr()..end)),
            _ => Err(prenda_status::Overlap),
        }
    }

    /// Like [`of`](Self::of), and checks the alignment of words.
    fn of_words<T>(start: *const T, bytes: usize) -> Result<Self, prenda_status> {
        let place = Self::of(start, bytes)?;
        if start.addr().is_multiple_of(WORD) { Ok(place) } else { Err(prenda_status::Unaligned) }
    }

    /// Checks that two buffers have no byte in common.
    pub fn check_apart(&self, other: &Self) -> Result<(), prenda_status> {
        let are_apart = self.0.end <= other.0.start || other.0.end <= self.0.start;
        if are_apart { Ok(()) } else { Err(prenda_status::Overlap) }
    }
}

/// Returns the bytes of a model or an image.
///
/// # Safety
///
/// If `start` is not null, `bytes` bytes can be read there, and nothing changes them during `'a`.
pub unsafe fn bytes<'a>(start: *const u8, bytes: usize) -> Result<&'a [u8], prenda_status> {
    Place::of(start, bytes)?;
    // SAFETY: not null, not longer than an object can be; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(start, bytes) })
}

/// Like [`bytes`], and checks the alignment that kernels need.
///
/// # Safety
///
/// Like [`bytes`].
pub unsafe fn aligned_bytes<'a>(start: *const u8, length: usize) -> Result<&'a [u8], prenda_status> {
    Place::of_words(start, length)?;
    // SAFETY: the caller's promise is the same.
    unsafe { bytes(start, length) }
}

/// Returns the raw words of a row.
///
/// # Safety
///
/// If `start` is not null, `count` words can be read there, and nothing changes them during `'a`.
pub unsafe fn row<'a>(start: *const i32, count: usize) -> Result<&'a [i32], prenda_status> {
    Place::of_words(start, count.saturating_mul(WORD))?;
    // SAFETY: not null, aligned, not longer than an object can be; the rest is the caller's
    // promise.
    Ok(unsafe { slice::from_raw_parts(start, count) })
}

/// Returns the input that a row becomes.
///
/// # Safety
///
/// If `start` is not null, `count` bytes can be read and written there, and nothing else accesses
/// them during `'a`.
pub unsafe fn input<'a>(start: *mut u8, count: usize) -> Result<&'a mut [u8], prenda_status> {
    Place::of(start, count)?;
    // SAFETY: not null, not longer than an object can be; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts_mut(start, count) })
}

/// Returns a workspace: the whole words of a buffer.
///
/// # Safety
///
/// If `start` is not null, `bytes` bytes can be read and written there, and nothing else accesses
/// them during `'a`.
pub unsafe fn words<'a>(start: *mut u8, bytes: usize) -> Result<&'a mut [u32], prenda_status> {
    Place::of_words(start, bytes)?;
    // SAFETY: not null, aligned, not longer than an object can be; the rest is the caller's
    // promise. Any bytes are words.
    Ok(unsafe { slice::from_raw_parts_mut(start.cast(), bytes / WORD) })
}
