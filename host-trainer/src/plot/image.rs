//! Grey images as PNG and inside an SVG.

use std::io::Cursor;
use std::iter;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::PlotError;

/// Encodes `pixels`, `[row][column]`, 0 (black) to 255 (white), as a PNG file.
pub fn png(pixels: &[u8], rows: usize, columns: usize) -> Result<Vec<u8>, PlotError> {
    // The encoder panics if the length is wrong.
    if rows.checked_mul(columns) != Some(pixels.len()) {
        return Err(PlotError::Pixels { rows, columns, found: pixels.len() });
    }
    let mut file = Cursor::new(Vec::new());
    PngEncoder::new(&mut file).write_image(pixels, columns as u32, rows as u32, ExtendedColorType::L8)?;
    Ok(file.into_inner())
}

/// Encodes `pixels` as a data URI of a PNG file, for an SVG's `<image href>`.
pub fn data_uri(pixels: &[u8], rows: usize, columns: usize) -> Result<String, PlotError> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png(pixels, rows, columns)?)))
}

/// Enlarges an image with rows of `columns` pixels by `factor` in both directions.
pub fn enlarge(pixels: &[u8], columns: usize, factor: usize) -> Vec<u8> {
    let wide = |row: &[u8]| row.iter().flat_map(|&pixel| iter::repeat_n(pixel, factor)).collect::<Vec<u8>>();
    pixels.chunks(columns.max(1)).flat_map(|row| wide(row).repeat(factor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_becomes_a_square() {
        assert_eq!(enlarge(&[1, 2, 3, 4], 2, 2), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
        assert_eq!(enlarge(&[1, 2], 2, 1), [1, 2]);
    }

    #[test]
    fn pixels_survive_the_round_trip() {
        let pixels = [0, 50, 100, 150, 200, 255];
        let file = image::load_from_memory(&png(&pixels, 2, 3).unwrap()).unwrap().into_luma8();
        assert_eq!((file.dimensions(), file.as_raw().as_slice()), ((3, 2), &pixels[..]));
        assert!(data_uri(&pixels, 2, 3).unwrap().starts_with("data:image/png;base64,iVBOR"));
        assert!(png(&pixels[..5], 2, 3).is_err_and(|error| matches!(error, PlotError::Pixels { found: 5, .. })));
    }
}
