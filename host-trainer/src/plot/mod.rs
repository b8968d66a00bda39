//! Pictures of data, training and results, as SVG: text stays text, any browser shows them, and no font is needed here.

mod image;
mod samples;
mod style;

use plotters::drawing::DrawingAreaErrorKind;
use thiserror::Error;

pub use self::image::{enlarge, png};
pub use self::samples::samples;

/// Why a picture cannot be drawn.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The plotting library refuses.
    #[error("cannot draw: {0}")]
    Draw(String),
    /// Pixels cannot be written as PNG.
    #[error("cannot write pixels as PNG")]
    Png(#[from] ::image::ImageError),
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self::Draw(error.to_string())
    }
}
