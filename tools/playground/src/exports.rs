//! The functions that the page calls.
//!
//! The page writes to the memory that [`input`] returns, calls a function, and reads its output or,
//! if it returned false, the error. There is no `unsafe` block: addresses only leave.

#![expect(unsafe_code, reason = "exporting a function by its name is an unsafe attribute; no block is unsafe")]

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::arch::wasm32;
use core::mem;
use core::panic::PanicInfo;
use core::ptr;

use dlmalloc::GlobalDlmalloc;
use photos::Polarity;
use spin::Mutex;

use crate::device::Device;
use crate::{PlaygroundError, Session, check_photo as check_size};

#[derive(Default)]
struct Page {
    session: Session,
    device: Option<Device>,
    input: Vec<u8>,
}

/// A page has one thread, so the lock is always free.
static PAGE: Mutex<Option<Page>> = Mutex::new(None);

#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// Stops the program. The page reports that, and starts it again.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}

fn with_page<T>(operation: impl FnOnce(&mut Page) -> T) -> T {
    operation(PAGE.lock().get_or_insert_with(Page::default))
}

/// Runs an operation on the input; its output, or its error as text, is the page's output.
fn run(operation: impl FnOnce(&mut Page, Vec<u8>) -> Result<(), PlaygroundError>) -> bool {
    with_page(|page| {
        let input = mem::take(&mut page.input);
        let result = operation(page, input);
        if let Err(error) = &result {
            page.session.output = error.to_string().into_bytes();
        }
        result.is_ok()
    })
}

/// Returns `length` bytes for the input of the next function, or null if memory is short.
#[unsafe(no_mangle)]
extern "C" fn input(length: usize) -> *mut u8 {
    with_page(|page| {
        page.input = Vec::new();
        if page.input.try_reserve_exact(length).is_err() {
            return ptr::null_mut();
        }
        page.input.resize(length, 0);
        page.input.as_mut_ptr()
    })
}

/// Returns the output of the last function.
#[unsafe(no_mangle)]
extern "C" fn output() -> *const u8 {
    with_page(|page| page.session.output.as_ptr())
}

/// Returns the length of the output.
#[unsafe(no_mangle)]
extern "C" fn output_length() -> usize {
    with_page(|page| page.session.output.len())
}

/// Opens the model in the input.
#[unsafe(no_mangle)]
extern "C" fn open() -> bool {
    run(|page, input| page.session.open(input))
}

/// Sets the way from photos to images by the numbers in the input.
#[unsafe(no_mangle)]
extern "C" fn set_framing() -> bool {
    run(|page, input| page.session.set_framing(&input))
}

/// Classifies the image in the input.
#[unsafe(no_mangle)]
extern "C" fn infer() -> bool {
    run(|page, input| page.session.infer(&input))
}

/// Classifies the image in the input `count` times.
#[unsafe(no_mangle)]
extern "C" fn repeat(count: u32) -> bool {
    run(|page, input| page.session.repeat(&input, count))
}

/// Outputs the image of a golden vector.
#[unsafe(no_mangle)]
extern "C" fn golden(index: usize) -> bool {
    run(|page, _| page.session.golden(index))
}

/// Converts the photo in the input. Polarity: 1 for light on dark, 2 for dark on light, otherwise
/// automatic.
#[unsafe(no_mangle)]
extern "C" fn photo(width: u32, height: u32, polarity: u32) -> bool {
    let polarity = match polarity {
        1 => Some(Polarity::LightOnDark),
        2 => Some(Polarity::DarkOnLight),
        _ => None,
    };
    run(|page, input| page.session.photo(input, (width, height), polarity))
}

/// Checks the size of a photo.
#[unsafe(no_mangle)]
extern "C" fn check_photo(width: u32, height: u32) -> bool {
    run(|_, _| check_size(width, height))
}

/// Prepares to compare with the answers file in the input.
#[unsafe(no_mangle)]
extern "C" fn compare() -> bool {
    run(|page, input| page.session.compare(input))
}

/// Compares at most `count` more images.
#[unsafe(no_mangle)]
extern "C" fn advance(count: usize) -> bool {
    run(|page, _| page.session.advance(count))
}

/// Outputs an image of the answers file.
#[unsafe(no_mangle)]
extern "C" fn answered_image(index: usize) -> bool {
    run(|page, _| page.session.answered_image(index))
}

/// Starts the server of `parity` on the region of flash in the input.
#[unsafe(no_mangle)]
extern "C" fn start() -> bool {
    run(|page, input| {
        page.device = Some(Device::new(input));
        Ok(())
    })
}

/// Serves the frames in the input, and outputs the answers.
#[unsafe(no_mangle)]
extern "C" fn serve() -> bool {
    run(|page, input| {
        let device = page.device.as_mut().ok_or(PlaygroundError::NoModel)?;
        page.session.output = device.serve(&input);
        Ok(())
    })
}
