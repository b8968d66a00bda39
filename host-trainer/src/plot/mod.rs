//! Plots of data, training and results, as SVG. Text stays text: the viewer chooses the font.

mod axis;
mod comparison;
mod confusion;
mod frontier;
mod history;
mod image;
mod labels;
mod legend;
mod logarithm;
mod mistakes;
mod panel;
mod raster;
mod samples;
mod text;

use thiserror::Error;

pub use comparison::{ComparedNetwork, comparison};
pub use confusion::confusion;
pub use frontier::{FrontierCost, FrontierKind, FrontierPoint, FrontierRival, frontier};
pub use history::{History, HistoryRun, Kept};
pub use mistakes::mistakes;
pub use raster::{Rasterizer, beside};
pub use samples::samples;

pub use self::image::{Size, data_uri, enlarge, png, size};

/// Why a plot cannot be drawn.
#[derive(Debug, Error)]
pub enum PlotError {
    #[error("cannot draw an image of {rows} x {columns} pixels with {channels} channels: found {found} values")]
    Pixels { rows: usize, columns: usize, channels: usize, found: usize },
    #[error("cannot encode an image as PNG")]
    Png(#[from] ::image::ImageError),
}
