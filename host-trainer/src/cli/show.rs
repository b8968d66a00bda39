use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use host_support::numbers::whole;
use host_support::table::{Folded, MAX_WIDTH};
use host_support::terminal;
use prenda::Shape;
use serde::Serialize;

use super::png::{self, PngArguments};
use super::{
    DataArguments, OutputArguments, UsageError, check_extension, check_output, describe, drawn, line, percent,
};
use crate::data::{Dataset, Statistics};
use crate::plot::{self, Rasterizer, beside, enlarge, samples, size};
use crate::support::files;
use crate::text::{Shown, printable};

/// Length of the bar of the class with the most images, in characters.
const BAR_WIDTH: usize = 16;

/// Approximate length of the longer side of an image in a file, in pixels.
const FILE_SIDE: usize = 280;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  host-trainer show
  host-trainer show --index 7 --split test --out shirt.png")]
pub struct ShowArguments {
    /// Show one image, by its index from 0: its raw values, its label, and the image itself
    #[arg(long, value_name = "N", value_parser = whole::<usize>(0..))]
    index: Option<usize>,
    /// Split that contains the image of --index
    #[arg(long, value_enum, default_value_t = SplitName::Train, requires = "index")]
    split: SplitName,
    /// File to write: an SVG with images of each class, or a PNG of the image of --index
    /// [default: samples.svg, or train-N.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    png: PngArguments,
    #[command(flatten)]
    data: DataArguments,
    #[command(flatten)]
    output: OutputArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum SplitName {
    /// Images that networks are trained with
    Train,
    /// Images that networks are evaluated with
    Test,
}

impl SplitName {
    fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    fn adjective(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }
}

/// Statistics of the whole data set.
#[derive(Serialize)]
struct Overview<'a> {
    folder: Shown<&'a Path>,
    rows: u16,
    columns: u16,
    channels: u16,
    classes: Vec<ClassCounts<'a>>,
    train: Statistics,
    test: Statistics,
    file: Shown<&'a Path>,
}

#[derive(Serialize)]
struct ClassCounts<'a> {
    name: &'a str,
    train: usize,
    test: usize,
}

/// One image.
#[derive(Serialize)]
struct OneImage<'a> {
    split: SplitName,
    index: usize,
    label: u8,
    label_name: &'a str,
    rows: u16,
    columns: u16,
    channels: u16,
    /// The values of each row; those of the channels of a pixel are next to each other.
    pixels: Vec<&'a [u8]>,
    file: Shown<&'a Path>,
}

impl ShowArguments {
    pub fn run(self) -> Result<()> {
        let default = || match self.index {
            Some(index) => format!("{}-{index}.png", self.split.name()),
            None => "samples.svg".to_owned(),
        };
        let file = self.out.clone().unwrap_or_else(|| default().into());
        check_extension("--out", &file, if self.index.is_some() { "png" } else { "svg" })?;
        let rasterizer = self.png.rasterizer()?;
        let files: Vec<PathBuf> =
            [file.clone()].into_iter().chain(rasterizer.as_ref().map(|_| beside(&file))).collect();
        files.iter().try_for_each(|file| files::check_writable(file))?;
        let data = self.data.load()?;
        files.iter().try_for_each(|file| check_output("--out", file, data.files()))?;
        match self.index {
            Some(index) => self.show_one(index, &data, &file),
            None => self.show_all(&data, &file, rasterizer.as_ref()),
        }
    }

    fn show_all(&self, data: &Dataset, file: &Path, rasterizer: Option<&Rasterizer>) -> Result<()> {
        let svg = samples(&data.train, &data.class_names, size(data.shape))?;
        files::write(file, svg.as_bytes())?;
        rasterizer.map_or(Ok(()), |rasterizer| png::write(rasterizer, [file]))?;
        let classes = data.class_names.len();
        let counts = data.train.count_classes(classes).into_iter().zip(data.test.count_classes(classes));
        let classes =
            data.class_names.iter().zip(counts).map(|(name, (train, test))| ClassCounts { name, train, test });
        let overview = Overview {
            folder: Shown(&data.folder),
            rows: data.shape.rows,
            columns: data.shape.columns,
            channels: data.shape.channels,
            classes: classes.collect(),
            train: Statistics::of(&data.train),
            test: Statistics::of(&data.test),
            file: Shown(file),
        };
        self.output.print(&overview, || overview.text())
    }

    fn show_one(&self, index: usize, data: &Dataset, file: &Path) -> Result<()> {
        let split = match self.split {
            SplitName::Train => &data.train,
            SplitName::Test => &data.test,
        };
        let last = split.len().saturating_sub(1);
        let adjective = self.split.adjective();
        let label = split.labels.get(index).copied();
        let label = label.ok_or_else(|| {
            let count = split.len();
            UsageError(format!("--index is {index}, expected 0..={last}, as there are {count} {adjective} images"))
        })?;
        let [rows, columns, channels] = size(data.shape);
        let pixels = split.image(index);
        let factor = (FILE_SIDE / rows.max(columns).max(1)).max(1);
        files::write(
            file,
            &plot::png(&enlarge(pixels, size(data.shape), factor), [factor * rows, factor * columns, channels])?,
        )?;
        let image = OneImage {
            split: self.split,
            index,
            label,
            label_name: data.class_names.get(usize::from(label)).map_or("", String::as_str),
            rows: data.shape.rows,
            columns: data.shape.columns,
            channels: data.shape.channels,
            pixels: pixels.chunks((columns * channels).max(1)).collect(),
            file: Shown(file),
        };
        self.output.print(&image, || {
            let title = line("image", format_args!("{adjective} image {index}, {}", describe(data.shape)));
            let label = line("label", format_args!("{label}, {}", image.label_name));
            title + &label + &image.matrix() + &drawn(pixels, data.shape) + &line("written to", file.display())
        })
    }
}

impl Overview<'_> {
    fn text(&self) -> String {
        let Self { folder, rows, columns, channels, file, .. } = self;
        let shape = Shape { rows: *rows, columns: *columns, channels: *channels };
        [
            line("folder", folder),
            line("image size", describe(shape)),
            format!("{}\n{}\n", self.pixel_table(), self.class_table()),
            line("images of each class", file),
        ]
        .concat()
    }

    fn pixel_table(&self) -> Folded {
        let both = [&self.train, &self.test];
        let row = |name: &str, value: fn(&Statistics) -> String| [name.to_owned()].into_iter().chain(both.map(value));
        let mut table = Folded::new(["", "training", "test"], 1);
        table.add_row(row("images", |split| split.images.to_string()));
        table.add_row(row("zero pixels", |split| percent(split.zero_share)));
        table.add_row(row("pixel range", |split| format!("{}..={}", split.least, split.largest)));
        table.add_row(row("mean, 0..=1", |split| format!("{:.4}", split.mean)));
        table.add_row(row("standard deviation", |split| format!("{:.4}", split.standard_deviation)));
        table
    }

    fn class_table(&self) -> Folded {
        let largest = |count: fn(&ClassCounts<'_>) -> usize| self.classes.iter().map(count).max().unwrap_or(0).max(1);
        let (train, test) = (largest(|class| class.train), largest(|class| class.test));
        let bar = |count: usize, largest: usize| terminal::bar(count as f64 / largest as f64, BAR_WIDTH);
        let mut table = Folded::new(["class", "training", "", "test", ""], 1);
        for class in &self.classes {
            table.add_row([
                printable(class.name),
                class.train.to_string(),
                bar(class.train, train),
                class.test.to_string(),
                bar(class.test, test),
            ]);
        }
        table
    }
}

impl OneImage<'_> {
    /// Returns the raw values, aligned, in blocks of columns that fit a terminal.
    fn matrix(&self) -> String {
        let columns = (usize::from(self.columns) * usize::from(self.channels)).max(1);
        let blocks = (4 * columns).div_ceil(MAX_WIDTH + 1);
        let width = columns.div_ceil(blocks);
        let line = |row: &[u8]| row.iter().map(|pixel| format!("{pixel:>3}")).collect::<Vec<String>>().join(" ") + "\n";
        let block = |first: usize| {
            let end = columns.min(first + width);
            let title = if blocks > 1 { format!("columns {first} to {}\n", end - 1) } else { String::new() };
            title + &self.pixels.iter().map(|row| line(row.get(first..end).unwrap_or_default())).collect::<String>()
        };
        (0..columns).step_by(width).map(block).collect()
    }
}
