//! Plots as PNG, for programs that show no SVG.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fontdb::{Database, Family, Query};
use host_support::style::FONT;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use thiserror::Error;

/// Pixels for each pixel of the SVG, in both directions.
const SCALE: f32 = 2.0;

/// Most pixels; larger plots get a smaller scale.
const MAX_PIXELS: f32 = 64e6;

/// Fonts for text, the first that is installed; otherwise any.
const SANS_SERIF: [&str; 6] = ["DejaVu Sans", "Noto Sans", "Liberation Sans", "Arial", "Helvetica", "Segoe UI"];

/// Why a plot cannot be written as PNG.
#[derive(Debug, Error)]
pub enum RasterError {
    #[error(
        "--png needs a font, and this system has none; install one, for example the package fonts-dejavu-core, or use \
         the SVGs"
    )]
    NoFont,
    #[error("cannot draw the SVG as pixels")]
    Svg(#[from] resvg::usvg::Error),
    #[error("the SVG has no pixels, or too many")]
    Size,
    #[error("cannot encode PNG: {0}")]
    Encode(String),
}

/// Draws SVGs with the fonts of this system.
pub struct Rasterizer {
    options: Options<'static>,
}

impl Rasterizer {
    /// Finds the fonts.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no font.
    pub fn new() -> Result<Self, RasterError> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        Self::with_fonts(fonts)
    }

    fn with_fonts(mut fonts: Database) -> Result<Self, RasterError> {
        let is_installed =
            |name: &&str| fonts.query(&Query { families: &[Family::Name(name)], ..Query::default() }).is_some();
        let preferred = SANS_SERIF.iter().find(|name| is_installed(name)).map(|name| (*name).to_owned());
        let any = || Some(fonts.faces().next()?.families.first()?.0.clone());
        let family = preferred.or_else(any).ok_or(RasterError::NoFont)?;
        fonts.set_sans_serif_family(family);
        let options = Options { fontdb: Arc::new(fonts), font_family: FONT.to_owned(), ..Options::default() };
        Ok(Self { options })
    }

    /// Returns the SVG as a PNG file.
    ///
    /// # Errors
    ///
    /// Returns an error if `svg` is not an SVG.
    pub fn png(&self, svg: &str) -> Result<Vec<u8>, RasterError> {
        let tree = Tree::from_str(svg, &self.options)?;
        let size = tree.size();
        let scale = f32::min(SCALE, (MAX_PIXELS / (size.width() * size.height())).sqrt());
        let [width, height] = [size.width(), size.height()].map(|side| (side * scale).floor().max(1.0) as u32);
        let mut pixels = Pixmap::new(width, height).ok_or(RasterError::Size)?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| RasterError::Encode(error.to_string()))
    }
}

/// Returns the path of the PNG next to the `svg`.
pub fn beside(svg: &Path) -> PathBuf {
    svg.with_extension("png")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_fonts_is_named() {
        let error = Rasterizer::with_fonts(Database::new()).map(drop).unwrap_err().to_string();
        assert!(error.contains("--png needs a font"), "{error}");
    }

    #[test]
    fn a_plot_has_two_pixels_for_one_and_its_text_and_images() {
        // Without fonts there is nothing to draw.
        let Ok(rasterizer) = Rasterizer::new() else { return };
        let image = super::super::data_uri(&[255, 0, 0], [1, 1, 3]).unwrap();
        let svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="100" height="40" font-family="sans-serif">
            <style>@media(prefers-color-scheme:dark){{.ground{{fill:#000000}}}}</style>
            <rect class="ground" width="100" height="40" fill="#ffffff"/>
            <image href="{image}" x="80" y="10" width="10" height="10" style="image-rendering:pixelated"/>
            <text x="4" y="24" font-size="16" fill="#0000ff">MMM</text></svg>"##
        );
        let png = image::load_from_memory(&rasterizer.png(&svg).unwrap()).unwrap().into_rgb8();
        assert_eq!(png.dimensions(), (200, 80));
        assert_eq!((png.get_pixel(199, 79).0, png.get_pixel(170, 30).0), ([255; 3], [255, 0, 0]));
        let blue = png.pixels().filter(|pixel| pixel.0[2] > 200 && pixel.0[0] < 60).count();
        assert!(blue > 100, "{blue} pixels of text");
    }

    #[test]
    fn what_is_no_svg_is_refused_and_a_large_one_is_scaled() {
        let Ok(rasterizer) = Rasterizer::new() else { return };
        for text in ["", "x", "<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\"/>"] {
            assert!(rasterizer.png(text).is_err(), "{text}");
        }
        let large = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100000\" height=\"10000\"/>";
        let png = image::load_from_memory(&rasterizer.png(large).unwrap()).unwrap();
        assert!(png.width() * png.height() <= MAX_PIXELS as u32 && png.width() > 10 * png.height() - 20);
    }
}
