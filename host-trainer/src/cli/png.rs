use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;

use crate::plot::{Rasterizer, beside};
use crate::run::MAX_RECORD_BYTES;
use crate::support::{bounded, files};

/// The option of all commands that write plots.
#[derive(Clone, Copy, Debug, Args)]
pub struct PngArguments {
    /// Also write each plot as PNG, next to its SVG, with twice its pixels; needs a font
    #[arg(long)]
    png: bool,
}

impl PngArguments {
    /// Returns what draws PNGs, if they are wanted: before any work, because it needs a font.
    pub fn rasterizer(self) -> Result<Option<Rasterizer>> {
        Ok(self.png.then(Rasterizer::new).transpose()?)
    }
}

/// Writes each of `svgs`, which exist, as PNG.
pub fn write<'a>(rasterizer: &Rasterizer, svgs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    for path in svgs {
        let shown = path.display();
        let bytes = bounded::read(path, MAX_RECORD_BYTES).with_context(|| format!("cannot read {shown}"))?;
        let png = rasterizer.png(&String::from_utf8_lossy(&bytes)).with_context(|| format!("{shown}"))?;
        files::write(&beside(path), &png)?;
    }
    Ok(())
}
