//! Pictures of data, training and results, as SVG: text stays text, any browser shows them, and no font is needed here.

mod axis;
mod comparison;
mod confusion;
mod frontier;
mod history;
mod image;
mod labels;
mod logarithm;
mod mistakes;
mod samples;
mod style;
mod text;

use plotters::drawing::DrawingAreaErrorKind;
use thiserror::Error;

pub use comparison::{ComparedNetwork, comparison};
pub use confusion::confusion;
pub use frontier::{FrontierKind, FrontierPoint, FrontierRival, frontier};
pub use history::history;
pub use mistakes::mistakes;
pub use samples::samples;

pub use self::image::{enlarge, png};

/// Why a picture cannot be drawn.
#[derive(Debug, Error)]
pub enum PlotError {
    /// The plotting library refuses.
    #[error("cannot draw: {0}")]
    Draw(String),
    /// A picture is of another size than it should be.
    #[error("cannot draw a picture of {rows} rows and {columns} columns: it has {found} pixels")]
    Pixels {
        /// Rows that it should have.
        rows: usize,
        /// Columns that it should have.
        columns: usize,
        /// Pixels that it has.
        found: usize,
    },
    /// Pixels cannot be written as PNG.
    #[error("cannot write pixels as PNG")]
    Png(#[from] ::image::ImageError),
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PlotError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self::Draw(error.to_string())
    }
}
