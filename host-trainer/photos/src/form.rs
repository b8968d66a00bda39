//! The form of a data set's images: the background, and where and how bright the subjects are.

use alloc::vec::Vec;

use libm::round;
use prenda::Shape;
use serde::{Deserialize, Serialize};

/// Largest difference between a pixel and the background that still counts as background: 5 %, as
/// Fashion-MNIST was trimmed.
pub const TOLERANCE: u8 = 12;

/// Most training images that are measured, evenly spread.
const MAX_MEASURED: usize = 10_000;

/// Smallest share of border pixels with one brightness that makes it the background.
const MIN_BACKGROUND: f64 = 0.5;

/// Length of [`Form::numbers`].
const NUMBERS: usize = 18;

/// Share of the values that a span leaves out at each end.
const OUTLIERS: f64 = 0.01;

/// The form of a data set's images. Lengths and places are shares of the image's side, 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Brightness of the background; `None` if the images have no uniform one.
    pub background: Option<u8>,
    /// Brightness of the subjects relative to the background.
    pub polarity: Polarity,
    /// Side of the subject in the direction that it fills most.
    pub fill: Span,
    /// The point that is in the same place in all images.
    pub centre: Centre,
    /// Its row.
    pub row: Span,
    /// Its column.
    pub column: Span,
    /// Largest contrast to the background, as a share of the largest possible.
    pub peak: Span,
    /// Mean brightness.
    pub mean: Span,
}

/// Brightness of the subject relative to the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// Like Fashion-MNIST.
    LightOnDark,
    /// Like print.
    DarkOnLight,
}

/// The point of a subject that is in the same place in all images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Centre {
    /// The middle of its bounding box, as in Fashion-MNIST.
    Box,
    /// The centre of mass of its pixels, as in MNIST.
    Mass,
}

/// The values of nearly all images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The smallest one.
    pub least: f64,
    /// The one in the middle.
    pub median: f64,
    /// The largest one.
    pub largest: f64,
}

/// The subject of an image. Lengths and places are shares, 0..=1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    pub fill: f64,
    /// Row and column of the middle of the bounding box.
    pub middle: [f64; 2],
    /// Row and column of the centre of mass.
    pub mass: [f64; 2],
}

impl Form {
    /// The form of Fashion-MNIST's images: light on black, filling the image in one direction,
    /// centred, of any contrast.
    pub const FASHION_MNIST: Self = Self {
        background: Some(0),
        polarity: Polarity::LightOnDark,
        fill: Span::only(1.0),
        centre: Centre::Box,
        row: Span::only(0.5),
        column: Span::only(0.5),
        peak: Span { least: 0.0, median: 1.0, largest: 1.0 },
        mean: Span { least: 0.0, median: 0.5, largest: 1.0 },
    };

    /// Measures `images` of `shape`, row-major. Colours are not measured: see
    /// [`convert_whole_colour`](crate::convert_whole_colour).
    pub fn measure<'a>(images: impl ExactSizeIterator<Item = &'a [u8]> + Clone, shape: Shape) -> Self {
        if shape.channels != 1 {
            return Self { background: None, ..Self::FASHION_MNIST };
        }
        let step = images.len().div_ceil(MAX_MEASURED).max(1);
        let images = || images.clone().step_by(step);
        let (rows, columns) = (usize::from(shape.rows), usize::from(shape.columns).max(1));
        let mean = Span::of(images().map(|image| mean(image) / 255.0));
        let Some(background) = background(images(), rows, columns) else {
            return Self { background: None, mean, ..Self::FASHION_MNIST };
        };
        let sum = |distance: fn(u8, u8) -> u8| -> u64 {
            images().flatten().map(|pixel| u64::from(distance(*pixel, background))).sum()
        };
        let is_light = sum(u8::saturating_sub) >= sum(|pixel, background| background.saturating_sub(pixel));
        let (polarity, most) =
            if is_light { (Polarity::LightOnDark, u8::MAX - background) } else { (Polarity::DarkOnLight, background) };
        let contrast = |pixel: u8| {
            let distance = if is_light { pixel.saturating_sub(background) } else { background.saturating_sub(pixel) };
            if distance > TOLERANCE { distance } else { 0 }
        };
        let mut subjects = Vec::new();
        let mut peaks = Vec::new();
        for image in images() {
            let levels: Vec<u8> = image.iter().map(|pixel| contrast(*pixel)).collect();
            subjects.extend(Subject::of(&levels, columns));
            peaks.extend(levels.iter().max().filter(|peak| **peak > 0).map(|peak| f64::from(*peak) / f64::from(most)));
        }
        if subjects.is_empty() {
            return Self { background: None, mean, ..Self::FASHION_MNIST };
        }
        let span = |value: &dyn Fn(&Subject) -> f64| Span::of(subjects.iter().map(value));
        let middle = [0, 1].map(|axis| span(&|subject: &Subject| subject.middle[axis]));
        let mass = [0, 1].map(|axis| span(&|subject: &Subject| subject.mass[axis]));
        let length = |spans: &[Span; 2]| spans.iter().map(|span| span.largest - span.least).sum::<f64>();
        let (centre, [row, column]) =
            if length(&mass) < length(&middle) { (Centre::Mass, mass) } else { (Centre::Box, middle) };
        let fill = span(&|subject: &Subject| subject.fill);
        Self {
            background: Some(background),
            polarity,
            fill,
            centre,
            row,
            column,
            peak: Span::of(peaks.into_iter()),
            mean,
        }
    }

    /// Returns the numbers of the form, for programs that cannot read its JSON: background or -1,
    /// 1 if dark on light, 1 if the mass is centred, and the spans.
    #[must_use]
    pub fn numbers(&self) -> [f64; NUMBERS] {
        let mut numbers = [0.0; NUMBERS];
        let flag = |is_set: bool| f64::from(u8::from(is_set));
        let head = [
            self.background.map_or(-1.0, f64::from),
            flag(self.polarity == Polarity::DarkOnLight),
            flag(self.centre == Centre::Mass),
        ];
        let spans = [self.fill, self.row, self.column, self.peak, self.mean];
        let spans = spans.iter().flat_map(|span| [span.least, span.median, span.largest]);
        numbers.iter_mut().zip(head.into_iter().chain(spans)).for_each(|(number, value)| *number = value);
        numbers
    }

    /// Returns the form with these [`numbers`](Self::numbers), or `None` if they are not a form.
    #[must_use]
    pub fn from_numbers(numbers: &[f64]) -> Option<Self> {
        let &[background, polarity, centre, ref spans @ ..] = numbers else { return None };
        let &[fill, row, column, peak, mean] = spans.as_chunks::<3>().0 else { return None };
        let span = |[least, median, largest]: [f64; 3]| Span { least, median, largest };
        let form = Self {
            // A conversion of a float saturates.
            background: (background >= 0.0).then_some(background as u8),
            polarity: if polarity > 0.0 { Polarity::DarkOnLight } else { Polarity::LightOnDark },
            fill: span(fill),
            centre: if centre > 0.0 { Centre::Mass } else { Centre::Box },
            row: span(row),
            column: span(column),
            peak: span(peak),
            mean: span(mean),
        };
        (numbers.len() == NUMBERS && form.invalid_span().is_none()).then_some(form)
    }

    /// Returns the first span that does not have three ascending shares, 0..=1, if any.
    #[must_use]
    pub fn invalid_span(&self) -> Option<Span> {
        [self.fill, self.row, self.column, self.peak, self.mean].into_iter().find(|span| !span.is_valid())
    }

    /// Returns the subject's row and column that are the same in all images.
    pub fn place(&self, subject: &Subject) -> [f64; 2] {
        match self.centre {
            Centre::Box => subject.middle,
            Centre::Mass => subject.mass,
        }
    }
}

impl Span {
    const fn only(value: f64) -> Self {
        Self { least: value, median: value, largest: value }
    }

    /// Returns the span of nearly all `values`, or 0 without values.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().saturating_sub(1) as f64;
        let at = |share: f64| values.get(round(share * last) as usize).copied().unwrap_or_default();
        Self { least: at(OUTLIERS), median: at(0.5), largest: at(1.0 - OUTLIERS) }
    }

    /// Returns true if `value` is in the span, or at most `slack` outside.
    pub fn holds(&self, value: f64, slack: f64) -> bool {
        (self.least - slack..=self.largest + slack).contains(&value)
    }

    fn is_valid(&self) -> bool {
        (0.0..=1.0).contains(&self.least)
            && (0.0..=1.0).contains(&self.largest)
            && (self.least..=self.largest).contains(&self.median)
    }
}

impl Subject {
    /// Returns the subject of an image whose pixels are 0 in the background, or `None` if all are.
    pub fn of(levels: &[u8], columns: usize) -> Option<Self> {
        let (columns, rows) = (columns.max(1), levels.len() / columns.max(1));
        let (mut top, mut bottom, mut left, mut right) = (rows, 0, columns, 0);
        let mut sums = [0_u64; 3];
        for (row, line) in levels.chunks_exact(columns).enumerate() {
            for (column, level) in line.iter().enumerate().filter(|(_, level)| **level > 0) {
                (top, bottom) = (top.min(row), bottom.max(row + 1));
                (left, right) = (left.min(column), right.max(column + 1));
                let level = u64::from(*level);
                sums = [sums[0] + level, sums[1] + level * row as u64, sums[2] + level * column as u64];
            }
        }
        let share = |length: usize, side: usize| length as f64 / side as f64;
        (sums[0] > 0).then(|| Self {
            fill: share(bottom - top, rows).max(share(right - left, columns)),
            middle: [share(top + bottom, 2 * rows), share(left + right, 2 * columns)],
            mass: [
                (sums[1] as f64 / sums[0] as f64 + 0.5) / rows as f64,
                (sums[2] as f64 / sums[0] as f64 + 0.5) / columns as f64,
            ],
        })
    }
}

/// Returns the mean of `image`, 0..=255.
pub fn mean(image: &[u8]) -> f64 {
    image.iter().map(|pixel| u64::from(*pixel)).sum::<u64>() as f64 / image.len().max(1) as f64
}

/// Returns the brightness of most border pixels, if most have about the same.
fn background<'a>(images: impl Iterator<Item = &'a [u8]>, rows: usize, columns: usize) -> Option<u8> {
    let mut counts = [0_u64; 256];
    for image in images {
        for (row, line) in image.chunks_exact(columns).enumerate() {
            let is_outermost = row == 0 || row + 1 == rows;
            let inner = line.iter().enumerate();
            let border = inner.filter(|(column, _)| is_outermost || *column == 0 || column + 1 == columns);
            border.for_each(|(_, pixel)| counts[usize::from(*pixel)] += 1);
        }
    }
    let most = (0..=u8::MAX).rev().max_by_key(|pixel| counts[usize::from(*pixel)])?;
    let near = usize::from(most.saturating_sub(TOLERANCE))..=usize::from(most.saturating_add(TOLERANCE));
    let near: u64 = counts.get(near).unwrap_or_default().iter().sum();
    (near as f64 >= MIN_BACKGROUND * counts.iter().sum::<u64>() as f64).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates images of 10 by 10 with a bar of `inside` on `outside`.
    fn images(bars: &[[usize; 4]], inside: u8, outside: u8) -> Vec<u8> {
        let pixels = bars.iter().flat_map(|&[top, bottom, left, right]| {
            let is_inside = move |row, column| (top..bottom).contains(&row) && (left..right).contains(&column);
            (0..100).map(move |index| if is_inside(index / 10, index % 10) { inside } else { outside })
        });
        pixels.collect()
    }

    fn measure(images: &[u8]) -> Form {
        Form::measure(images.chunks_exact(100), Shape::grey(10, 10))
    }

    #[test]
    fn framing_and_polarity_are_measured() {
        let bars = [[2, 8, 4, 6], [3, 7, 2, 8], [2, 8, 3, 7]];
        for (inside, outside, polarity, peak) in
            [(255, 0, Polarity::LightOnDark, 1.0), (100, 200, Polarity::DarkOnLight, 0.5)]
        {
            let form = measure(&images(&bars, inside, outside));
            assert_eq!((form.background, form.polarity, form.centre), (Some(outside), polarity, Centre::Box));
            assert_eq!([form.fill, form.row, form.column], [Span::only(0.6), Span::only(0.5), Span::only(0.5)]);
            assert_eq!(form.peak, Span::only(peak));
            assert_eq!(form.invalid_span(), None);
            assert_eq!(Form::from_numbers(&form.numbers()), Some(form));
        }
    }

    #[test]
    fn images_without_a_uniform_border_have_no_background() {
        let pixels: Vec<u8> = (0..1000_u32).map(|index| (index * 97 % 251) as u8).collect();
        let form = measure(&pixels);
        assert_eq!((form.background, form.invalid_span()), (None, None));
        assert_eq!(Form::from_numbers(&form.numbers()), Some(form));
        assert_eq!(Form::from_numbers(&form.numbers()[1..]), None);
        assert_eq!(Form::from_numbers(&[2.0; NUMBERS]), None);
        let blank = measure(&images(&[[0, 0, 0, 0]], 255, 0));
        assert_eq!((blank.background, blank.invalid_span()), (None, None));
    }

    #[test]
    fn the_centre_of_mass_is_used_if_it_moves_less() {
        // An L and its mirror image, each with its centre of mass in the middle.
        let mut images = images(&[[2, 8, 4, 5], [2, 8, 5, 6]], 255, 0);
        for (image, columns) in [(0, 5..9), (1, 1..5)] {
            images[image * 100 + 70..][..10][columns].fill(120);
        }
        assert_eq!(measure(&images).centre, Centre::Mass);
    }
}
