//! Grey pixels inside an SVG.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::PlotError;

/// `pixels`, `[row][column]`, 0 (black) to 255 (white), as a PNG file.
///
/// # Errors
///
/// Where there are more or fewer of them than `rows` and `columns` say.
pub fn png(pixels: &[u8], rows: usize, columns: usize) -> Result<Vec<u8>, PlotError> {
    // The encoder would panic.
    if rows.checked_mul(columns) != Some(pixels.len()) {
        return Err(PlotError::Pixels { rows, columns, found: pixels.len() });
    }
    let mut file = Cursor::new(Vec::new());
    PngEncoder::new(&mut file).write_image(pixels, columns as u32, rows as u32, ExtendedColorType::L8)?;
    Ok(file.into_inner())
}

/// The same as an address that holds it: what an SVG's `<image href>` takes.
///
/// # Errors
///
/// As [`png`].
pub fn data_uri(pixels: &[u8], rows: usize, columns: usize) -> Result<String, PlotError> {
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(png(pixels, rows, columns)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back() {
        let pixels = [0, 50, 100, 150, 200, 255];
        let file = image::load_from_memory(&png(&pixels, 2, 3).unwrap()).unwrap().into_luma8();
        assert_eq!((file.dimensions(), file.as_raw().as_slice()), ((3, 2), &pixels[..]));
        assert!(data_uri(&pixels, 2, 3).unwrap().starts_with("data:image/png;base64,iVBOR"));
        assert!(png(&pixels[..5], 2, 3).is_err_and(|error| matches!(error, PlotError::Pixels { found: 5, .. })));
    }
}
