//! Calls the functions like a C program: right and wrong arguments, hostile models.

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::{fs, ptr, slice};

use checks::{hostile_blobs, write_checksum};
use prenda::{AnswersHeader, DeviceFault, Model};
use prenda_c::{
    prenda_class_count, prenda_class_name, prenda_golden_pixels, prenda_infer, prenda_model, prenda_open,
    prenda_pixel_count, prenda_prediction, prenda_quantize_input, prenda_self_test, prenda_status as Status,
    prenda_status_text, prenda_workspace_bytes,
};

/// The bytes of a model, at an address that is a multiple of 16.
struct Blob {
    memory: Vec<u128>,
    length: usize,
}

impl Blob {
    fn new(bytes: &[u8]) -> Self {
        let chunks = bytes.chunks(16).map(|chunk| {
            let mut whole = [0; 16];
            whole[..chunk.len()].copy_from_slice(chunk);
            u128::from_ne_bytes(whole)
        });
        // Room after the model, as in flash.
        Self { memory: chunks.chain([u128::MAX; 4]).collect(), length: bytes.len() }
    }

    fn fixture(name: &str) -> Self {
        Self::new(&fixture(name))
    }

    fn start(&self) -> *const c_void {
        self.memory.as_ptr().cast()
    }

    fn region_bytes(&self) -> usize {
        self.memory.len() * 16
    }

    fn open(&self) -> (prenda_model, Status) {
        let mut model = MaybeUninit::uninit();
        // SAFETY: the memory is readable, and only these bytes are read.
        let status = unsafe { prenda_open(model.as_mut_ptr(), self.start(), self.length) };
        // SAFETY: `prenda_open` initializes it, also after an error.
        (unsafe { model.assume_init() }, status)
    }
}

/// A model that Miri can parse in reasonable time.
const SMALL: &str = "../../models/784-64-10.bin";

fn fixture(name: &str) -> Vec<u8> {
    fs::read(format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/{}"), name)).unwrap()
}

const NO_PREDICTION: prenda_prediction = prenda_prediction {
    class_index: 9999,
    network: 0,
    class_count: 0,
    logits: ptr::null(),
    probabilities: ptr::null(),
};

#[test]
fn rows_are_scaled_like_by_prenda() {
    let bytes = fixture("../../examples/iris/iris.bin");
    let (blob, parsed) = (Blob::new(&bytes), Model::parse(&bytes).unwrap());
    let (model, status) = blob.open();
    assert_eq!(status, Status::Ok);
    let (mut input, mut expected) = ([1; 4], [0; 4]);
    let scale = |raw: *const i32, input: *mut u8, count| {
        // SAFETY: `model` is open, and each pointer is null or to `count` items.
        unsafe { prenda_quantize_input(&raw const model, raw, input, count) }
    };
    for raw in [[51, 35, 14, 2], [i32::MIN, -1, 70, i32::MAX], [0; 4]] {
        assert_eq!(scale(raw.as_ptr(), input.as_mut_ptr(), 4), Status::Ok);
        parsed.quantize_input(&raw, &mut expected).unwrap();
        assert_eq!(input, expected, "{raw:?}");
    }
    let raw = [7; 5];
    assert_eq!(scale(raw.as_ptr(), input.as_mut_ptr(), 3), Status::PixelCount);
    assert_eq!(scale(ptr::null(), input.as_mut_ptr(), 4), Status::NullPointer);
    assert_eq!(scale(raw.as_ptr(), ptr::null_mut(), 4), Status::NullPointer);
    assert_eq!(scale(raw.as_ptr().wrapping_byte_add(1), input.as_mut_ptr(), 4), Status::Unaligned);
    assert_eq!(scale(input.as_ptr().cast(), input.as_mut_ptr(), usize::MAX), Status::Overlap);
    let mut words = [7; 5];
    let start: *mut i32 = words.as_mut_ptr();
    assert_eq!(scale(start, start.cast(), 4), Status::Overlap);
    assert_eq!(input, expected, "no error writes");

    let (images, _) = Blob::fixture("model.bin").open();
    // SAFETY: the model is open, and both buffers have an item for each of its pixels.
    let status = unsafe { prenda_quantize_input(&raw const images, [0; 784].as_ptr(), [0; 784].as_mut_ptr(), 784) };
    assert_eq!(status, Status::NoFeatures);
}

#[test]
fn every_answer_of_the_fixtures_is_the_committed_one() {
    for (name, answers) in [("model.bin", "answers.bin"), ("vectors.bin", "vectors-answers.bin")] {
        let (blob, answers) = (Blob::fixture(name), fixture(answers));
        let (header, records) = AnswersHeader::parse(&answers).unwrap();
        let (model, status) = blob.open();
        assert_eq!(status, Status::Ok);
        // SAFETY: `model` is open.
        let bytes = unsafe { prenda_workspace_bytes(&raw const model) };
        let mut workspace = vec![u32::MAX; bytes / 4];
        let mut images = 0;
        for record in records {
            let mut prediction = NO_PREDICTION;
            let (memory, pixels) = (workspace.as_mut_ptr().cast(), record.pixels);
            // SAFETY: all memory is ours and has the lengths that are passed.
            let status = unsafe {
                prenda_infer(&raw const model, memory, bytes, pixels.as_ptr(), pixels.len(), &raw mut prediction)
            };
            assert_eq!(status, Status::Ok);
            let count = prediction.class_count as usize;
            // SAFETY: `prenda_infer` wrote both arrays.
            let (logits, probabilities) = unsafe {
                (
                    slice::from_raw_parts(prediction.logits, count),
                    slice::from_raw_parts(prediction.probabilities, count),
                )
            };
            let logits: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
            let probabilities: Vec<u8> = probabilities.iter().flat_map(|share| share.to_le_bytes()).collect();
            assert_eq!((&*logits, &*probabilities), (record.logits, record.probabilities));
            assert_eq!((prediction.class_index, prediction.network), (record.class.into(), 0));
            images += 1;
        }
        assert_eq!(images, header.images);
        // SAFETY: all memory is ours.
        assert_eq!(unsafe { prenda_self_test(&raw const model, workspace.as_mut_ptr().cast(), bytes) }, Status::Ok);
    }
}

#[test]
fn a_region_may_be_longer_than_its_model() {
    let blob = Blob::fixture(SMALL);
    let mut model = prenda_model::new();
    // SAFETY: the memory has these sizes.
    let open = |length| unsafe { prenda_open(&raw mut model, blob.start(), length) };
    assert_eq!([blob.region_bytes(), blob.length - 1, 12, 0].map(open), {
        [Status::Ok, Status::TooShort, Status::NotAModel, Status::NotAModel]
    });
}

#[test]
fn wrong_arguments_return_codes() {
    let blob = Blob::fixture(SMALL);
    let (model, _) = blob.open();
    let view = fixture(SMALL);
    let view = Model::parse(&view).unwrap();
    let (pixels, mut prediction) = (vec![0_u8; view.input_width()], NO_PREDICTION);
    // SAFETY: `model` is open.
    let bytes = unsafe { prenda_workspace_bytes(&raw const model) };
    // Larger than a workspace, so that an image fits in its second half.
    let mut memory = vec![0_u64; (bytes + pixels.len()) / 8 + 1];
    let workspace: *mut u8 = memory.as_mut_ptr().cast();
    let infer = |model, workspace: *mut u8, bytes, pixels, pixel_count, prediction| {
        // SAFETY: all memory is ours; wrong sizes and addresses are refused before they are used.
        unsafe { prenda_infer(model, workspace.cast(), bytes, pixels, pixel_count, prediction) }
    };
    let (good, image, count, out) = (&raw const model, pixels.as_ptr(), pixels.len(), &raw mut prediction);
    let closed = prenda_model::new();
    let odd = |pointer: *mut u8| pointer.wrapping_add(2);
    for (expected, found) in [
        (Status::Ok, infer(good, workspace, bytes, image, count, out)),
        (Status::Ok, infer(good, workspace, bytes + 3, image, count, out)),
        (Status::NullPointer, infer(ptr::null(), workspace, bytes, image, count, out)),
        (Status::NullPointer, infer(good, ptr::null_mut(), bytes, image, count, out)),
        (Status::NullPointer, infer(good, workspace, bytes, ptr::null(), count, out)),
        (Status::NullPointer, infer(good, workspace, bytes, image, count, ptr::null_mut())),
        (Status::Unaligned, infer(good.cast::<u8>().wrapping_add(4).cast(), workspace, bytes, image, count, out)),
        (Status::Unaligned, infer(good, odd(workspace), bytes, image, count, out)),
        (Status::Unaligned, infer(good, workspace, bytes, image, count, odd(out.cast()).cast())),
        (Status::NotOpen, infer(&raw const closed, workspace, bytes, image, count, out)),
        (Status::WorkspaceSize, infer(good, workspace, bytes - 1, image, count, out)),
        (Status::WorkspaceSize, infer(good, workspace, 0, image, count, out)),
        (Status::PixelCount, infer(good, workspace, bytes, image, count - 1, out)),
        (Status::PixelCount, infer(good, workspace, bytes, image, 0, out)),
        (Status::Overlap, infer(good, workspace, bytes, workspace.wrapping_add(bytes - 1), count, out)),
        (Status::Ok, infer(good, workspace, bytes, workspace.wrapping_add(bytes), count, out)),
        (Status::Overlap, infer(good, workspace, bytes, image, count, workspace.cast())),
        (Status::Overlap, infer(good, workspace, bytes, out.cast_const().cast(), count, out)),
        (Status::Overlap, infer(good, workspace, usize::MAX, image, count, out)),
        (Status::Overlap, infer(good, workspace, bytes, image, usize::MAX / 2 + 1, out)),
    ] {
        assert_eq!(found, expected);
    }

    let test = |model, workspace: *mut u8, bytes| {
        // SAFETY: likewise.
        unsafe { prenda_self_test(model, workspace.cast(), bytes) }
    };
    assert_eq!(test(good, workspace, bytes - 4), Status::WorkspaceSize);
    assert_eq!(test(good, ptr::null_mut(), bytes), Status::NullPointer);
    assert_eq!(test(&raw const closed, workspace, bytes), Status::NotOpen);

    let mut target = prenda_model::new();
    let open = |target, start, length| {
        // SAFETY: likewise.
        unsafe { prenda_open(target, start, length) }
    };
    let out = &raw mut target;
    assert_eq!(open(ptr::null_mut(), blob.start(), blob.length), Status::NullPointer);
    assert_eq!(open(out, ptr::null(), blob.length), Status::NullPointer);
    assert_eq!(open(out, blob.start().wrapping_byte_add(1), blob.length - 1), Status::Unaligned);
    assert_eq!(open(out.cast::<u8>().wrapping_add(4).cast(), blob.start(), blob.length), Status::Unaligned);
    assert_eq!(open(out, out.cast_const().cast(), size_of::<prenda_model>()), Status::Overlap);
    assert_eq!(open(out, blob.start(), usize::MAX), Status::Overlap);
}

#[test]
fn a_model_that_is_not_open_has_no_sizes() {
    let closed = prenda_model::new();
    // SAFETY: no pointer is followed but that of `closed`.
    unsafe {
        for model in [&raw const closed, ptr::null()] {
            assert_eq!((prenda_workspace_bytes(model), prenda_pixel_count(model)), (0, 0));
            assert_eq!(prenda_class_count(model), 0);
            assert!(prenda_golden_pixels(model, 0).is_null());
        }
        let status = prenda_class_name(&raw const closed, 0, [0; 4].as_mut_ptr(), 4);
        assert_eq!(status, Status::NotOpen);
    }
}

#[test]
fn names_and_golden_images_are_those_of_the_model() {
    let (blob, bytes) = (Blob::fixture(SMALL), fixture(SMALL));
    let (model, view) = (blob.open().0, Model::parse(&bytes).unwrap());
    let model = &raw const model;
    let mut buffer = [1; 32];
    // SAFETY: `model` is open, and the buffer has the length that is passed.
    let mut name = |index, length| unsafe { prenda_class_name(model, index, buffer.as_mut_ptr(), length) };
    for (index, expected) in (0..).zip(view.class_names()) {
        assert_eq!(name(index, expected.len()), Status::BufferSize);
        assert_eq!(name(index, expected.len() + 1), Status::Ok);
    }
    assert_eq!(name(10, 32), Status::ClassIndex);
    assert_eq!(name(9, 0), Status::BufferSize);
    // SAFETY: the last success wrote a name with a zero at its end.
    let last = unsafe { CStr::from_ptr(buffer.as_ptr()) };
    assert_eq!(last.to_str().ok(), view.class_names().last());
    // SAFETY: as above; the images are part of the model.
    unsafe {
        assert_eq!(prenda_class_name(model, 0, ptr::null_mut(), 32), Status::NullPointer);
        assert_eq!((prenda_pixel_count(model), prenda_class_count(model)), (784, 10));
        for (index, golden) in (0..).zip(view.golden()) {
            assert_eq!(slice::from_raw_parts(prenda_golden_pixels(model, index), 784), golden.input);
        }
        assert!(prenda_golden_pixels(model, view.golden_count() as u32).is_null());
        assert!(prenda_golden_pixels(model, u32::MAX).is_null());
    }
}

#[test]
fn hostile_models_are_refused() {
    let mut found = Vec::new();
    for hostile in hostile_blobs() {
        // Lives as long as the model.
        let blob = Blob::new(&hostile.blob);
        let (model, status) = blob.open();
        if !matches!(hostile.fault, DeviceFault::Blob(_)) {
            let mut workspace = [0_u32; 4096];
            // SAFETY: `prenda_open` wrote the model, and the workspace is ours.
            let status = unsafe { prenda_self_test(&raw const model, workspace.as_mut_ptr().cast(), 16384) };
            assert_ne!(status, Status::Ok, "{}", hostile.name);
            continue;
        }
        assert_ne!(status, Status::Ok, "{}", hostile.name);
        // SAFETY: `prenda_open` wrote the model.
        assert_eq!(unsafe { prenda_workspace_bytes(&raw const model) }, 0, "{}", hostile.name);
        found.push(status);
    }
    for status in [Status::Malformed, Status::TooManyLayers, Status::Unsupported] {
        assert!(found.contains(&status), "{status:?}");
    }
}

#[test]
fn a_damaged_model_is_refused() {
    let good = fixture(SMALL);
    for (offset, expected) in [(0, Status::NotAModel), (8, Status::TooNew), (12, Status::TooShort)] {
        let mut bytes = good.clone();
        bytes[offset] = 99;
        assert_eq!(Blob::new(&bytes).open().1, expected);
    }
    for offset in (13..good.len()).step_by(997) {
        let mut bytes = good.clone();
        bytes[offset] ^= 1;
        assert_eq!(Blob::new(&bytes).open().1, Status::Damaged, "{offset}");
    }
}

#[test]
fn a_wrong_golden_vector_fails_the_self_test() {
    let mut bytes = fixture(SMALL);
    let logits = Model::parse(&bytes).unwrap().golden().next().unwrap().logits;
    let offset = logits.as_ptr().addr() - bytes.as_ptr().addr();
    bytes[offset] ^= 1;
    write_checksum(&mut bytes);
    let blob = Blob::new(&bytes);
    let (model, status) = blob.open();
    assert_eq!(status, Status::Ok);
    let mut workspace = [0_u32; 4096];
    let test = |bytes| {
        // SAFETY: the workspace is ours and at least that long.
        unsafe { prenda_self_test(&raw const model, workspace.as_mut_ptr().cast(), bytes) }
    };
    assert_eq!([4096, 8].map(test), [Status::SelfTest, Status::WorkspaceSize]);
}

#[test]
fn every_number_has_a_text() {
    let text = |number| {
        // SAFETY: all texts are constants with a zero at their end.
        unsafe { CStr::from_ptr(prenda_status_text(number)) }.to_str().unwrap()
    };
    assert_eq!(text(Status::Ok as i32), "ok");
    assert!(text(Status::Damaged as i32).contains("checksum"));
    assert_eq!([-1, 10, 33, i32::MAX].map(text), ["unknown status"; 4]);
}
