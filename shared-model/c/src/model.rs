//! The memory of an open model, which C code provides.

use prenda::{BlobError, Model, blob_length};

use crate::memory::{Place, aligned_bytes};
use crate::status::prenda_status;

/// Size of a prenda_model in words of the machine.
pub const PRENDA_MODEL_WORDS: usize = 400;

/// An open model. Its fields are private.
#[derive(Clone, Copy)]
#[repr(C)]
pub union prenda_model {
    /// For the alignment.
    alignment: u64,
    words: [usize; PRENDA_MODEL_WORDS],
}

/// The content of a `prenda_model`.
struct Opened {
    /// [`TAG`] if the model was opened.
    tag: u32,
    model: Result<Model<'static>, BlobError>,
}

const _: () = assert!(size_of::<Opened>() <= size_of::<prenda_model>());
const _: () = assert!(align_of::<Opened>() <= align_of::<prenda_model>());

/// A number that memory has by chance only rarely.
const TAG: u32 = 0x5052_4e44;

impl prenda_model {
    /// Returns a model that is not open.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [0; PRENDA_MODEL_WORDS] }
    }
}

impl Default for prenda_model {
    fn default() -> Self {
        Self::new()
    }
}

/// Parses the model at the start of a region, which may be longer, and writes it to `target`.
///
/// # Safety
///
/// If `target` is not null, it can be written, and nothing else accesses it during the call. If
/// `start` is not null, `bytes` bytes can be read there, and nothing changes them as long as the
/// model is used.
pub unsafe fn open(target: *mut prenda_model, start: *const u8, bytes: usize) -> Result<(), prenda_status> {
    check(target)?;
    let opened = target.cast::<Opened>();
    // SAFETY: `target` is not null, aligned, has room, and is ours.
    unsafe { opened.write(Opened { tag: 0, model: Err(BlobError::Magic) }) };
    // Before there is a reference to either.
    Place::of(target, size_of::<prenda_model>())?.check_apart(&Place::of(start, bytes)?)?;
    // SAFETY: the caller's promises, and the two do not overlap.
    let (region, opened) = unsafe { (aligned_bytes(start, bytes)?, &mut *opened) };
    let length = blob_length(region)?;
    // A region that is shorter than the model is refused by the parser.
    Model::parse_into(&mut opened.model, region.get(..length).unwrap_or(region));
    match &opened.model {
        Ok(_) => opened.tag = TAG,
        Err(error) => return Err((*error).into()),
    }
    Ok(())
}

/// Returns an open model.
///
/// # Safety
///
/// If `model` is not null, it can be read, nothing changes it during `'a`, and it is zero or was
/// written by [`open`].
pub unsafe fn opened<'a>(model: *const prenda_model) -> Result<&'a Model<'static>, prenda_status> {
    check(model)?;
    // SAFETY: `model` is not null, aligned and readable, and any bytes are a number.
    let tag = unsafe { (&raw const (*model.cast::<Opened>()).tag).read() };
    if tag != TAG {
        return Err(prenda_status::NotOpen);
    }
    // SAFETY: only `open` writes the tag, after the model.
    let opened = unsafe { &*model.cast::<Opened>() };
    opened.model.as_ref().map_err(|_| prenda_status::NotOpen)
}

fn check(model: *const prenda_model) -> Result<(), prenda_status> {
    if model.is_null() {
        return Err(prenda_status::NullPointer);
    }
    if model.is_aligned() { Ok(()) } else { Err(prenda_status::Unaligned) }
}
