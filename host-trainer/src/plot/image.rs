//! Images as PNG and inside an SVG.

use std::io::Cursor;
use std::iter;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use prenda::Shape;

use super::PlotError;

/// Rows, columns and channels of an image of any size.
pub type Size = [usize; 3];

/// Returns the size of images of `shape`.
pub fn size(shape: Shape) -> Size {
    [shape.rows, shape.columns, shape.channels].map(usize::from)
}

/// Encodes `pixels`, `[row][column][channel]`, 0 (black) to 255 (white), as a PNG file: in colours
/// if there are three channels, otherwise grey.
pub fn png(pixels: &[u8], [rows, columns, channels]: Size) -> Result<Vec<u8>, PlotError> {
    let colour = if channels == 3 { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
    // The encoder panics if the length is wrong.
    if rows.checked_mul(columns).and_then(|count| count.checked_mul(channels)) != Some(pixels.len())
        || !matches!(channels, 1 | 3)
    {
        return Err(PlotError::Pixels { rows, columns, channels, found: pixels.len() });
    }
    let mut file = Cursor::new(Vec::new());
    PngEncoder::new(&mut file).write_image(pixels, columns as u32, rows as u32, colour)?;
    Ok(file.into_inner())
}

/// Encodes `pixels` as a data URI of a PNG file, for an SVG's `<image href>`.
pub fn data_uri(pixels: &[u8], size: Size) -> Result<String, PlotError> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png(pixels, size)?)))
}

/// Enlarges an image by `factor` in both directions.
pub fn enlarge(pixels: &[u8], [_, columns, channels]: Size, factor: usize) -> Vec<u8> {
    let wide = |row: &[u8]| {
        row.chunks(channels.max(1))
            .flat_map(|pixel| iter::repeat_n(pixel, factor).flatten())
            .copied()
            .collect::<Vec<u8>>()
    };
    pixels.chunks((columns * channels).max(1)).flat_map(|row| wide(row).repeat(factor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_becomes_a_square() {
        assert_eq!(enlarge(&[1, 2, 3, 4], [2, 2, 1], 2), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
        assert_eq!(enlarge(&[1, 2], [1, 2, 1], 1), [1, 2]);
        assert_eq!(enlarge(&[1, 2, 3, 4, 5, 6], [1, 2, 3], 2), [1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6].repeat(2));
    }

    #[test]
    fn pixels_survive_the_round_trip() {
        let pixels = [0, 50, 100, 150, 200, 255];
        let file = image::load_from_memory(&png(&pixels, [2, 3, 1]).unwrap()).unwrap().into_luma8();
        assert_eq!((file.dimensions(), file.as_raw().as_slice()), ((3, 2), &pixels[..]));
        let file = image::load_from_memory(&png(&pixels, [1, 2, 3]).unwrap()).unwrap();
        assert_eq!((file.color(), file.into_bytes()), (image::ColorType::Rgb8, pixels.to_vec()));
        assert!(data_uri(&pixels, [2, 3, 1]).unwrap().starts_with("data:image/png;base64,iVBOR"));
        assert!(png(&pixels[..5], [2, 3, 1]).is_err_and(|error| matches!(error, PlotError::Pixels { found: 5, .. })));
    }
}
