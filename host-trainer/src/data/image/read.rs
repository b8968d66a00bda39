//! Decodes an image file, within limits.

use std::io::{self, Cursor, ErrorKind};
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, GrayAlphaImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits};
use thiserror::Error;

use super::{jpeg, png};
use crate::support::{bounded, format};

/// Largest file, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Most pixels of a side.
const MAX_SIDE: u32 = 16_384;

/// Largest decoded image, in bytes, at [`PIXEL_BYTES`] or more for each pixel: 67 million pixels.
const MAX_DECODED_BYTES: u64 = 512 << 20;

/// Bytes for each pixel while decoding: a progressive JPEG keeps two for each of up to four
/// components.
const PIXEL_BYTES: u64 = 8;

/// Bits that the values of cameras and scanners use of 16.
const DEPTHS: [u32; 4] = [8, 10, 12, 14];

/// Why a file cannot be read as an image.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("cannot read image {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot read {path} as a PNG, JPEG, BMP or WebP image: {reason}")]
    Decode {
        path: PathBuf,
        /// Not a source: its message already includes its own source.
        reason: ImageError,
    },
    #[error("{path} is {format}; expected a PNG, JPEG, BMP or WebP image; convert it to one of them")]
    Format { path: PathBuf, format: &'static str },
    #[error("image {path} is cut off; get it again")]
    CutOff { path: PathBuf },
    #[error(
        "image {path} is too large: expected at most {MAX_SIDE} pixels a side, {} million in all and {} MiB as a file; \
         scale it down first",
        MAX_DECODED_BYTES / PIXEL_BYTES / 1_000_000,
        MAX_FILE_BYTES >> 20
    )]
    TooLarge { path: PathBuf },
}

/// A decoded image.
#[derive(Debug)]
pub struct ReadImage {
    /// Brightness and opacity.
    pub image: GrayAlphaImage,
    /// The number of bits that its values use, if the file has 16 bits for each and they use fewer.
    pub bits: Option<u32>,
}

/// Reads brightness and opacity of the image at `path`, like [`read_colours`].
pub fn read(path: &Path) -> Result<ReadImage, ReadError> {
    let (image, bits) = read_colours(path)?;
    Ok(ReadImage { image: image.into_luma_alpha8(), bits })
}

/// Reads a PNG, JPEG, BMP or WebP file, turned as its EXIF data require. Values of 16 bits that use
/// only 8, 10, 12 or 14 of them, as those of cameras and scanners, are scaled to the whole range;
/// the number of bits is then returned, too.
///
/// # Errors
///
/// Returns an error if the file is not an image, or exceeds a limit.
pub fn read_colours(path: &Path) -> Result<(DynamicImage, Option<u32>), ReadError> {
    let fail = |source| ReadError::Read { path: path.to_owned(), source };
    let too_large = || ReadError::TooLarge { path: path.to_owned() };
    let bytes = bounded::read(path, MAX_FILE_BYTES)
        .map_err(|source| if source.kind() == ErrorKind::FileTooLarge { too_large() } else { fail(source) })?;
    let is_supported = matches!(
        image::guess_format(&bytes),
        Ok(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Bmp | ImageFormat::WebP)
    );
    if let Some(format) = format::name(&bytes).filter(|_| !is_supported) {
        return Err(ReadError::Format { path: path.to_owned(), format });
    }
    if jpeg::is_cut_off(&bytes) {
        return Err(ReadError::CutOff { path: path.to_owned() });
    }
    match decode(bytes) {
        Ok(mut image) => {
            let bits = expand(&mut image);
            Ok((image, bits))
        }
        Err(ImageError::Limits(_)) => Err(too_large()),
        Err(reason) => Err(ReadError::Decode { path: path.to_owned(), reason }),
    }
}

/// Scales values of 16 bits that use only some of them. Returns the number of bits they use.
fn expand(image: &mut DynamicImage) -> Option<u32> {
    match image {
        DynamicImage::ImageLuma16(image) => expand_values(image, 1, 1),
        DynamicImage::ImageLumaA16(image) => expand_values(image, 2, 1),
        DynamicImage::ImageRgb16(image) => expand_values(image, 3, 3),
        DynamicImage::ImageRgba16(image) => expand_values(image, 4, 3),
        _ => None,
    }
}

/// Scales the first `colours` of each `channels` values, and the opacity if it uses as few bits.
fn expand_values(values: &mut [u16], channels: usize, colours: usize) -> Option<u32> {
    let largest = |of: fn(usize, usize) -> bool| {
        let pixels = values.chunks_exact(channels);
        let chosen = pixels.flat_map(|pixel| pixel.iter().enumerate().filter(|(index, _)| of(*index, colours)));
        chosen.map(|(_, value)| *value).max().unwrap_or_default()
    };
    let (colour, opacity) = (largest(|index, colours| index < colours), largest(|index, colours| index >= colours));
    let bits = DEPTHS.into_iter().find(|bits| colour >> bits == 0)?;
    let most = (1_u32 << bits) - 1;
    let is_scaled = |index: usize| index < colours || u32::from(opacity) <= most;
    for pixel in values.chunks_exact_mut(channels) {
        for (_, value) in pixel.iter_mut().enumerate().filter(|(index, _)| is_scaled(*index)) {
            *value = ((u32::from(*value) * u32::from(u16::MAX) + most / 2) / most) as u16;
        }
    }
    Some(bits)
}

fn decode(file: Vec<u8>) -> ImageResult<DynamicImage> {
    let late_exif = png::exif(&file).and_then(Orientation::from_exif_chunk);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MAX_SIDE), Some(MAX_SIDE));
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    let mut reader = ImageReader::new(Cursor::new(file)).with_guessed_format()?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    limits.reserve(decoder.total_bytes().max(PIXEL_BYTES * u64::from(width) * u64::from(height)))?;
    // An image with damaged EXIF data is still usable.
    let orientation = late_exif.or_else(|| decoder.orientation().ok());
    let mut image = DynamicImage::from_decoder(decoder)?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::codecs::jpeg::JpegEncoder;
    use image::{GrayImage, ImageBuffer, ImageEncoder, Luma, RgbImage, Rgba};
    use photos::Form;
    use proptest::prelude::*;

    use super::super::load;
    use super::super::png::tests::chunk;
    use super::*;
    use crate::support::damage::damaged;

    /// Encodes an image with a bright spot.
    fn encoded(format: ImageFormat) -> Vec<u8> {
        let spot = GrayImage::from_fn(40, 30, |x, y| image::Luma([if (x * y) % 200 < 60 { 200 } else { 3 }]));
        let mut file = Cursor::new(Vec::new());
        spot.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    #[test]
    fn grey_pixels_are_kept_and_colours_become_their_brightness() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        GrayImage::from_raw(3, 2, vec![0, 50, 100, 150, 200, 255]).unwrap().save(&path).unwrap();
        let image = read(&path).unwrap().image;
        assert_eq!(image.dimensions(), (3, 2));
        assert!(image.pixels().map(|pixel| pixel.0).eq([0, 50, 100, 150, 200, 255].map(|grey| [grey, 255])));

        let path = folder.path().join("image without a name that says what it is");
        let colours = RgbImage::from_raw(1, 3, vec![9, 9, 9, 0, 255, 0, 0, 0, 255]).unwrap();
        colours.save_with_format(&path, ImageFormat::Png).unwrap();
        let greys: Vec<u8> = read(&path).unwrap().image.pixels().map(|pixel| pixel.0[0]).collect();
        assert_eq!(greys[0], 9);
        assert!(greys[1] > 128 && greys[2] < 64, "{greys:?}");
    }

    #[test]
    fn an_image_is_turned_as_its_exif_data_require() {
        // TIFF header, one entry: orientation (0x0112), a short, "turn by 90 degrees clockwise".
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let lying = GrayImage::from_fn(32, 16, |x, _| image::Luma([if x < 16 { 0 } else { 255 }]));
        let mut file = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut file, 100);
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder.encode_image(&lying).unwrap();
        let upright = decode(file).unwrap().into_luma8();
        assert_eq!(upright.dimensions(), (16, 32));
        assert!(upright[(8, 2)].0[0] < 50 && upright[(8, 29)].0[0] > 200);
    }

    #[test]
    fn exif_data_after_the_pixels_of_a_png_are_used() {
        let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0";
        let mut file = Cursor::new(Vec::new());
        GrayImage::from_raw(3, 1, vec![1, 2, 3]).unwrap().write_to(&mut file, ImageFormat::Png).unwrap();
        let mut file = file.into_inner();
        let end = file.split_off(file.len() - 12);
        let file = [file, chunk(b"eXIf", exif), end].concat();
        assert_eq!(decode(file).unwrap().into_luma8().into_raw(), [3, 2, 1]);
    }

    #[test]
    fn values_that_use_a_part_of_16_bits_are_scaled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        for (values, bits, expected) in [
            ([0_u16, 2048, 4095], Some(12), [0, 128, 255]),
            ([0, 500, 1000], Some(10), [0, 125, 249]),
            ([0, 77, 255], Some(8), [0, 77, 255]),
            ([0, 8192, 16_383], Some(14), [0, 128, 255]),
            ([0, 32_768, 65_535], None, [0, 128, 255]),
        ] {
            let grey = ImageBuffer::<Luma<u16>, _>::from_raw(3, 1, values.to_vec()).unwrap();
            let colours: Vec<u16> = values.iter().flat_map(|value| [*value, *value, *value, u16::MAX]).collect();
            let colours = ImageBuffer::<Rgba<u16>, _>::from_raw(3, 1, colours).unwrap();
            for image in [DynamicImage::from(grey), DynamicImage::from(colours)] {
                image.save(&path).unwrap();
                let read = read(&path).unwrap();
                assert_eq!(read.bits, bits);
                assert_eq!(read.image.pixels().map(|pixel| pixel.0[0]).collect::<Vec<_>>(), expected, "{values:?}");
                assert!(read.image.pixels().all(|pixel| pixel.0[1] == 255));
            }
        }
    }

    #[test]
    fn other_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        assert!(matches!(read(&path), Err(ReadError::Read { .. })));
        for content in [&b""[..], b"text", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xd9"] {
            fs::write(&path, content).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, ReadError::Decode { .. }), "{error}");
            assert!(std::error::Error::source(&error).is_none(), "{error}");
        }
    }

    #[test]
    fn images_that_exceed_the_memory_limit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("image.png");
        GrayImage::new(MAX_SIDE + 1, 1).save(&path).unwrap();
        assert!(matches!(read(&path), Err(ReadError::TooLarge { .. })));
        // A small image whose header is changed, so that it would decode to a gigabyte.
        GrayImage::new(1, 1).save(&path).unwrap();
        let mut file = fs::read(&path).unwrap();
        file[16..26].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0, 8, 6]);
        let mut crc = flate2::Crc::new();
        crc.update(&file[12..29]);
        file[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        fs::write(&path, &file).unwrap();
        assert!(matches!(read(&path), Err(ReadError::TooLarge { .. })));
        fs::File::create(&path).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        assert!(matches!(read(&path), Err(ReadError::TooLarge { .. })));
    }

    proptest! {
        #[test]
        fn a_damaged_image_is_an_error_or_an_image(
            png in damaged(encoded(ImageFormat::Png)),
            jpeg in damaged(encoded(ImageFormat::Jpeg)),
        ) {
            for file in [png, jpeg] {
                let path = tempfile::NamedTempFile::new().unwrap();
                fs::write(path.path(), &file).unwrap();
                if let Ok((pixels, _)) = load(path.path(), (6, 5), None, &Form::FASHION_MNIST) {
                    prop_assert_eq!(pixels.len(), 30);
                }
            }
        }
    }
}
