//! The functions that C code calls.

use core::ffi::{c_char, c_void};
use core::ptr;

use prenda::BorrowedWorkspace;

use crate::memory::{self, Place, bytes, words};
use crate::model::{open, opened, prenda_model};
use crate::status::{prenda_status, status};

/// The outputs of an inference.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct prenda_prediction {
    /// Index of the largest logit.
    pub class_index: u32,
    /// The network that answered: always 0 unless the model is a cascade.
    pub network: u32,
    /// Length of both arrays: the number of classes.
    pub class_count: u32,
    /// Logits in units of 1/65536. They are in the workspace, until its next use.
    pub logits: *const i32,
    /// Probabilities in units of 1/32768, likewise. Their sum is exactly 1.
    pub probabilities: *const u16,
}

/// Reads the model at the start of `bytes`, proves that it is runnable, and writes it to `model`.
///
/// `length` may be larger than the model, as for a region of flash. Later calls read `bytes` in
/// place: keep them as long as the model is used.
///
/// # Safety
///
/// Each pointer is null or points to memory of the stated size, of which no other thread changes
/// what this function reads, or accesses what it writes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_open(model: *mut prenda_model, bytes: *const c_void, length: usize) -> prenda_status {
    // SAFETY: the caller's promises; it keeps the bytes for as long as it uses the model.
    status(unsafe { open(model, bytes.cast(), length) })
}

/// Returns the size of a workspace for `model`, or 0 if it is not open.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_workspace_bytes(model: *const prenda_model) -> usize {
    // SAFETY: the caller's promises.
    unsafe { opened(model) }.map_or(0, |model| model.workspace_bytes())
}

/// Returns the number of pixels of an image, of all channels, or 0 if `model` is not open.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_pixel_count(model: *const prenda_model) -> usize {
    // SAFETY: the caller's promises.
    unsafe { opened(model) }.map_or(0, |model| model.input_width())
}

/// Returns the number of classes, or 0 if `model` is not open.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_class_count(model: *const prenda_model) -> u32 {
    // SAFETY: the caller's promises.
    unsafe { opened(model) }.map_or(0, |model| model.classes() as u32)
}

/// Writes the name of a class to `buffer`, in UTF-8 and with a zero at its end.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_class_name(
    model: *const prenda_model,
    class_index: u32,
    buffer: *mut c_char,
    buffer_bytes: usize,
) -> prenda_status {
    let copy = || {
        // SAFETY: the caller's promises.
        let model = unsafe { opened(model) }?;
        Place::of(buffer, buffer_bytes)?;
        let name = model.class_names().nth(class_index as usize).ok_or(prenda_status::ClassIndex)?;
        if name.len() >= buffer_bytes {
            return Err(prenda_status::BufferSize);
        }
        // SAFETY: the buffer has room for the name and a zero, and is not part of the model.
        unsafe {
            ptr::copy_nonoverlapping(name.as_ptr(), buffer.cast(), name.len());
            buffer.wrapping_add(name.len()).write(0);
        }
        Ok(())
    };
    status(copy())
}

/// Returns the image of a golden vector, or null if there are no more or `model` is not open.
///
/// It has `prenda_pixel_count` pixels and is part of the model's bytes. A model has up to 16 of
/// these images, with the results of the host that exported it.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_golden_pixels(model: *const prenda_model, index: u32) -> *const u8 {
    // SAFETY: the caller's promises.
    let model = unsafe { opened(model) };
    let golden = model.ok().and_then(|model| model.golden().nth(index as usize));
    golden.map_or(ptr::null(), |golden| golden.input.as_ptr())
}

/// Scales a row of raw sensor words to an input of `prenda_infer`, one byte for each word.
///
/// `count` is `prenda_pixel_count`: the number of features of a model for rows of sensor data.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_quantize_input(
    model: *const prenda_model,
    raw_words: *const i32,
    input: *mut u8,
    count: usize,
) -> prenda_status {
    let quantize = || {
        // SAFETY: the caller's promises.
        let model = unsafe { opened(model) }?;
        let bytes = count.saturating_mul(size_of::<i32>());
        Place::of(input, count)?.check_apart(&Place::of(raw_words, bytes)?)?;
        // SAFETY: the caller's promises, and the two do not overlap.
        let (raw_words, input) = unsafe { (memory::row(raw_words, count)?, memory::input(input, count)?) };
        Ok(model.quantize_input(raw_words, input)?)
    };
    status(quantize())
}

/// Classifies an image: raw pixels, row-major, one byte each.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_infer(
    model: *const prenda_model,
    workspace: *mut c_void,
    workspace_bytes: usize,
    pixels: *const u8,
    pixel_count: usize,
    prediction: *mut prenda_prediction,
) -> prenda_status {
    let infer = || {
        // SAFETY: the caller's promises.
        let model = unsafe { opened(model) }?;
        if prediction.is_null() {
            return Err(prenda_status::NullPointer);
        }
        if !prediction.is_aligned() {
            return Err(prenda_status::Unaligned);
        }
        let place = Place::of(workspace, workspace_bytes)?;
        let outputs = Place::of(prediction, size_of::<prenda_prediction>())?;
        place.check_apart(&outputs)?;
        for written in [&place, &outputs] {
            written.check_apart(&Place::of(pixels, pixel_count)?)?;
        }
        // SAFETY: the caller's promises, and the two do not overlap.
        let (memory, pixels) = unsafe { (words(workspace.cast(), workspace_bytes)?, bytes(pixels, pixel_count)?) };
        let inferred = BorrowedWorkspace::new(memory).infer(model, pixels)?;
        let value = prenda_prediction {
            class_index: inferred.class as u32,
            network: inferred.network as u32,
            class_count: inferred.logits.len() as u32,
            logits: inferred.logits.as_ptr(),
            probabilities: inferred.probabilities.as_ptr(),
        };
        // SAFETY: not null, aligned, and the caller's to write.
        unsafe { prediction.write(value) };
        Ok(())
    };
    status(infer())
}

/// Classifies every golden vector of `model`, and compares all results with those of the host that
/// exported it.
///
/// # Safety
///
/// Like `prenda_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn prenda_self_test(
    model: *const prenda_model,
    workspace: *mut c_void,
    workspace_bytes: usize,
) -> prenda_status {
    let test = || {
        // SAFETY: the caller's promises.
        let (model, memory) = unsafe { (opened(model)?, words(workspace.cast(), workspace_bytes)?) };
        Ok(BorrowedWorkspace::new(memory).self_test(model)?)
    };
    status(test())
}

/// Returns a description of a status: constant, in English, with a zero at its end.
#[unsafe(no_mangle)]
pub extern "C" fn prenda_status_text(status: i32) -> *const c_char {
    prenda_status::text_of(status).as_ptr()
}
