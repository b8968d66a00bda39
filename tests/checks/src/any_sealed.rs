//! Checks of any bytes as a sealed model, whose weights the parser trusts.

use prenda::{BlobError, HostWorkspace, MAX_LAYERS, Model};

/// Appends a valid seal to any bytes, and parses them by the seal. A model that a full parse
/// accepts must be accepted, and give the same answers. Other bytes must be refused with the same
/// error, except that weights and the CRC-32 are trusted; then inference must not panic.
///
/// # Errors
///
/// Returns the error of the sealed parse.
///
/// # Panics
///
/// Panics if a check fails.
pub fn any_sealed(blob: &[u8]) -> Result<(), BlobError> {
    let (buffer, start) = aligned(&[blob, &seal(blob), &[0xFF; 5]].concat());
    let full = Model::parse(blob);
    let sealed = match Model::<MAX_LAYERS>::from_sealed(&buffer[start..]) {
        Ok(sealed) => sealed,
        // A wrong length gives a position without the seal.
        Err(error @ (BlobError::Unsealed | BlobError::Seal { .. })) => {
            assert!(matches!(full, Err(BlobError::Length { .. })), "{error:?}, {:?}", full.err());
            return Err(error);
        }
        Err(error) => {
            assert!(full.is_err_and(|full| full == error || is_trusted(full) || is_length(full)), "{error:?}");
            return Err(error);
        }
    };
    let (mut workspace, mut other) = (HostWorkspace::new(), HostWorkspace::new());
    for pixel in [0, 1, 255] {
        let image = vec![pixel; sealed.input_width()];
        let found = workspace.infer(&sealed, &image).map(|answer| (answer.class, answer.logits.to_vec()));
        match &full {
            Ok(full) => {
                let expected = other.infer(full, &image).map(|answer| (answer.class, answer.logits.to_vec()));
                assert_eq!(found, expected);
                assert_eq!(sealed.seal(), seal(blob));
            }
            Err(error) => assert!(is_trusted(*error), "accepted by its seal: {error:?}"),
        }
    }
    Ok(())
}

/// Returns true if a seal vouches for the absence of this error.
fn is_trusted(error: BlobError) -> bool {
    use BlobError::{Checksum, EmptyBlock, Overflow, Weight};
    matches!(error, Checksum { .. } | EmptyBlock { .. } | Overflow { .. } | Weight { .. })
}

fn is_length(error: BlobError) -> bool {
    matches!(error, BlobError::Length { .. } | BlobError::TooShort { .. })
}

/// Returns the seal of `blob` as docs/format.md has it.
fn seal(blob: &[u8]) -> [u8; 8] {
    let mut padded = blob.to_vec();
    // Always at least one zero, up to a multiple of four.
    padded.resize((blob.len() / 4 + 1) * 4, 0);
    let checksum = padded.chunks(4).fold(0_u64, |sum, word| {
        let word = word.iter().rev().fold(0, |value, &byte| value * 256 + u64::from(byte));
        ((sum * 32 % (1 << 32) + sum / (1 << 27)) ^ word) * 0x9E37_79B9 % (1 << 32)
    });
    let mut seal = *b"SEAL....";
    seal[4..].copy_from_slice(&(checksum as u32).to_le_bytes());
    seal
}

/// Returns a buffer, and the position in it from which it has `bytes` at a multiple of four.
fn aligned(bytes: &[u8]) -> (Vec<u8>, usize) {
    let mut buffer = vec![0; bytes.len() + 3];
    let start = buffer.as_ptr().addr().wrapping_neg() % 4;
    buffer[start..start + bytes.len()].copy_from_slice(bytes);
    (buffer, start)
}
