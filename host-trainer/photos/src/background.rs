//! Estimates the background of an image from its border, also in uneven light.
//!
//! The border's brightness is fitted by a quadratic surface, which follows light from one side and
//! darker corners. The sum of absolute differences is minimized, so a subject at the border has
//! little influence. If the surface does not follow the border, as in the shadow of a hand, the
//! brightness is interpolated between the four sides (Coons, 1967).

use alloc::vec::Vec;
use core::array;

use libm::round;

use crate::form::TOLERANCE;
use crate::raster::Raster;

/// Share of border pixels near the background, below which the subject is doubtful.
const MIN_AGREEMENT: f64 = 0.8;

/// Share of border pixels near one brightness, from which the light is even.
const EVEN: f64 = 0.9;

/// Fewest border pixels that are fitted; a surface would follow anything on fewer.
const MIN_SAMPLES: usize = 64;

/// Most border pixels that are fitted.
const MAX_SAMPLES: usize = 2000;

/// Steps of the fit, each a weighted least-squares fit.
const STEPS: usize = 25;

/// Largest difference between the border and the surface that may be a shadow; a subject at the
/// border differs more.
const MAX_SHADOW: f64 = 90.0;

/// Largest distance of the pixels whose median smooths a side.
const MAX_REACH: usize = 32;

/// Largest tolerance, as a difference of brightness.
const MAX_TOLERANCE: u8 = 48;

/// Coefficients of 1, x, y, xy, x² and y², for x and y in -1..=1.
type Coefficients = [f64; 6];

/// The smoothed brightness of the border.
#[derive(Clone, Debug, PartialEq)]
struct Sides {
    top: Vec<f64>,
    bottom: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
}

/// A border pixel: x and y in -1..=1, and its brightness.
type Sample = (f64, f64, u8);

/// The brightness of the background everywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    coefficients: Coefficients,
    /// The sides to interpolate between, instead of the surface.
    sides: Option<Sides>,
    /// Differences up to this one are background: noise, and uneven light that the surface does not
    /// follow.
    pub tolerance: u8,
    /// True if enough of the border has this background.
    pub is_certain: bool,
}

impl Background {
    /// Returns the background of `image`, or `None` if most of its border is transparent.
    pub fn of(image: &Raster<2>) -> Option<Self> {
        let samples = border(image)?;
        let median = median(samples.iter().map(|(.., value)| *value))?;
        let flat = [median.into(), 0.0, 0.0, 0.0, 0.0, 0.0];
        let agreement = agreement(&samples, &flat);
        if agreement >= EVEN || samples.len() < MIN_SAMPLES {
            return Some(Self {
                coefficients: flat,
                sides: None,
                tolerance: TOLERANCE,
                is_certain: agreement >= MIN_AGREEMENT,
            });
        }
        let fitted = fit(&samples, flat);
        let better = self::agreement(&samples, &fitted);
        let (coefficients, agreement) = if better > agreement { (fitted, better) } else { (flat, agreement) };
        let mut differences: Vec<f64> = samples.iter().map(|sample| difference(sample, &coefficients).abs()).collect();
        differences.sort_unstable_by(f64::total_cmp);
        let most = differences.get(differences.len() * 49 / 50).copied().unwrap_or_default();
        if agreement < EVEN && most <= MAX_SHADOW {
            return Some(Self {
                coefficients,
                sides: Some(Sides::of(image, median)),
                tolerance: TOLERANCE,
                is_certain: false,
            });
        }
        let typical = differences.get(differences.len() / 2).copied().unwrap_or_default();
        let tolerance = (3.0 * typical).max(TOLERANCE.into()).min(MAX_TOLERANCE.into()) as u8;
        Some(Self { coefficients, sides: None, tolerance, is_certain: agreement >= MIN_AGREEMENT })
    }

    /// Returns the brightness in column `x` and row `y` of an image of this size.
    pub fn at(&self, (x, y): (u32, u32), (width, height): (u32, u32)) -> u8 {
        let grey = match &self.sides {
            Some(sides) => sides.at(x as usize, y as usize),
            None => surface(&self.coefficients, unit(x, width), unit(y, height)),
        };
        // A conversion of a float saturates.
        round(grey) as u8
    }

    /// Returns true if the background has this brightness everywhere.
    pub fn is_flat(&self, grey: u8) -> bool {
        self.sides.is_none() && self.coefficients == [grey.into(), 0.0, 0.0, 0.0, 0.0, 0.0]
    }
}

impl Sides {
    /// Returns the sides of `image`. Transparent pixels count as `missing`.
    fn of(image: &Raster<2>, missing: u8) -> Self {
        let (width, height) = image.dimensions();
        let (right, bottom) = (width.saturating_sub(1), height.saturating_sub(1));
        let grey = |x: u32, y: u32| {
            let [grey, alpha] = image.get(x, y);
            if alpha >= 128 { grey } else { missing }
        };
        let row = |y: u32| smooth((0..width).map(|x| grey(x, y)).collect());
        let column = |x: u32| smooth((0..height).map(|y| grey(x, y)).collect());
        Self { top: row(0), bottom: row(bottom), left: column(0), right: column(right) }
    }

    /// Returns the brightness in column `x` and row `y`: the sum of both interpolations between
    /// opposite sides, less the one between the corners.
    fn at(&self, x: usize, y: usize) -> f64 {
        let share = |position: usize, side: &[f64]| position as f64 / side.len().saturating_sub(1).max(1) as f64;
        let (u, v) = (share(x, &self.top), share(y, &self.left));
        let value = |side: &[f64], position: usize| side.get(position).copied().unwrap_or_default();
        let ends = |side: &[f64]| [value(side, 0), value(side, side.len().saturating_sub(1))];
        let between = |start: f64, end: f64, share: f64| (1.0 - share) * start + share * end;
        let ([top, bottom], [left, right]) =
            ([&self.top, &self.bottom].map(|side| ends(side)), [&self.left, &self.right].map(|side| ends(side)));
        let corner = |one: f64, other: f64| f64::midpoint(one, other);
        let above = between(corner(top[0], left[0]), corner(top[1], right[0]), u);
        let below = between(corner(bottom[0], left[1]), corner(bottom[1], right[1]), u);
        between(value(&self.left, y), value(&self.right, y), u)
            + between(value(&self.top, x), value(&self.bottom, x), v)
            - between(above, below, v)
    }
}

/// Returns the medians of the `values` near each one.
fn smooth(values: Vec<u8>) -> Vec<f64> {
    let reach = (values.len() / 32).clamp(2, MAX_REACH);
    let smooth = |index: usize| {
        let end = (index + reach + 1).min(values.len());
        let near = values.get(index.saturating_sub(reach)..end).unwrap_or_default();
        median(near.iter().copied()).unwrap_or_default().into()
    };
    (0..values.len()).map(smooth).collect()
}

/// Returns the value in the middle, the upper one of two, or `None` without values.
fn median(values: impl Iterator<Item = u8>) -> Option<u8> {
    let mut counts = [0_usize; 256];
    values.for_each(|value| counts[usize::from(value)] += 1);
    let middle = counts.iter().sum::<usize>() / 2;
    let mut below = 0;
    (0..=u8::MAX).find(|value| {
        below += counts[usize::from(*value)];
        below > middle
    })
}

/// Returns the coordinate in -1..=1.
fn unit(position: u32, side: u32) -> f64 {
    if side < 2 { 0.0 } else { 2.0 * f64::from(position) / f64::from(side - 1) - 1.0 }
}

/// Returns the outermost pixels, or `None` if most are transparent.
fn border(image: &Raster<2>) -> Option<Vec<Sample>> {
    let (width, height) = image.dimensions();
    let (right, bottom) = (width.checked_sub(1)?, height.checked_sub(1)?);
    let horizontal = (0..width).flat_map(|x| [(x, 0), (x, bottom)]);
    let vertical = (0..height).flat_map(|y| [(0, y), (right, y)]);
    let all: Vec<(u32, u32)> = horizontal.chain(vertical).collect();
    let step = all.len().div_ceil(MAX_SAMPLES).max(1);
    let chosen: Vec<(u32, u32)> = all.into_iter().step_by(step).collect();
    let opaque = chosen.iter().filter_map(|&(x, y)| {
        let [grey, alpha] = image.get(x, y);
        (alpha >= 128).then(|| (unit(x, width), unit(y, height), grey))
    });
    let opaque: Vec<Sample> = opaque.collect();
    (2 * opaque.len() > chosen.len()).then_some(opaque)
}

/// Returns the share of `samples` that the surface explains.
fn agreement(samples: &[Sample], coefficients: &Coefficients) -> f64 {
    let near = samples.iter().filter(|sample| difference(sample, coefficients).abs() <= TOLERANCE.into()).count();
    near as f64 / samples.len().max(1) as f64
}

fn difference(&(x, y, value): &Sample, coefficients: &Coefficients) -> f64 {
    f64::from(value) - surface(coefficients, x, y)
}

fn terms(x: f64, y: f64) -> [f64; 6] {
    [1.0, x, y, x * y, x * x, y * y]
}

fn surface(coefficients: &Coefficients, x: f64, y: f64) -> f64 {
    terms(x, y).iter().zip(coefficients).map(|(term, coefficient)| term * coefficient).sum()
}

/// Fits a surface to `samples`, by iteratively reweighted least squares.
fn fit(samples: &[Sample], mut coefficients: Coefficients) -> Coefficients {
    for _ in 0..STEPS {
        // The last column is the right side of the normal equations.
        let mut equations = [[0.0; 7]; 6];
        for sample in samples {
            let weight = 1.0 / difference(sample, &coefficients).abs().max(1.0);
            let terms = terms(sample.0, sample.1);
            for (row, term) in equations.iter_mut().zip(terms) {
                for (cell, other) in row.iter_mut().zip(terms.into_iter().chain([f64::from(sample.2)])) {
                    *cell += weight * term * other;
                }
            }
        }
        // Narrow images leave some terms open, which then stay small.
        for (index, row) in equations.iter_mut().enumerate() {
            row[index] += 1e-6 * samples.len() as f64;
        }
        match solve(equations) {
            Some(solution) => coefficients = solution,
            None => break,
        }
    }
    coefficients
}

/// Solves linear equations with a positive definite matrix, by Gauss-Jordan elimination.
fn solve(mut equations: [[f64; 7]; 6]) -> Option<Coefficients> {
    for pivot in 0..6 {
        let row = equations[pivot];
        if row[pivot] < f64::MIN_POSITIVE {
            return None;
        }
        for (_, other) in equations.iter_mut().enumerate().filter(|(index, _)| *index != pivot) {
            let factor = other[pivot] / row[pivot];
            other.iter_mut().zip(row).for_each(|(cell, value)| *cell -= factor * value);
        }
    }
    let solution: Coefficients = array::from_fn(|index| equations[index][6] / equations[index][index]);
    solution.iter().all(|coefficient| coefficient.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(grey: impl Fn(u32, u32) -> u8) -> Raster<2> {
        Raster::from_fn(200, 150, |x, y| [grey(x, y), 255])
    }

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        for (values, expected) in [
            (&[][..], None),
            (&[7], Some(7)),
            (&[9, 1], Some(9)),
            (&[255, 0, 255], Some(255)),
            (&[3, 2, 1, 0], Some(2)),
        ] {
            assert_eq!(median(values.iter().copied()), expected);
        }
    }

    #[test]
    fn even_light_gives_the_median() {
        let even = Background::of(&image(|x, y| if (x * 7 + y) % 20 == 0 { 0 } else { 240 })).unwrap();
        assert_eq!((even.at((0, 0), (200, 150)), even.at((100, 77), (200, 150))), (240, 240));
        assert!(even.is_certain && even.tolerance == TOLERANCE);
        assert_eq!(Background::of(&Raster::from_fn(20, 20, |_, _| [0, 0])), None);
    }

    #[test]
    fn uneven_light_is_followed() {
        let side = |x: u32, _: u32| 170 + (70 * x / 200) as u8;
        let vignette = |x: u32, y: u32| {
            let (x, y) = (unit(x, 200), unit(y, 150));
            (240.0 - 40.0 * x * x - 40.0 * y * y) as u8
        };
        for light in [&side as &dyn Fn(u32, u32) -> u8, &vignette, &|x, y| 255 - side(x, y)] {
            // A subject in the middle, which reaches the lower border.
            let subject = |x, y| (80..110).contains(&x) && y > 40;
            let found = Background::of(&image(|x, y| if subject(x, y) { 90 } else { light(x, y) })).unwrap();
            assert!(found.is_certain);
            for (x, y) in [(0, 0), (199, 149), (100, 75), (20, 140)] {
                let difference = i32::from(found.at((x, y), (200, 150))) - i32::from(light(x, y));
                assert!(difference.abs() <= 3, "{x} {y}: {difference}");
            }
        }
    }

    #[test]
    fn the_shadow_of_a_hand_is_followed_with_doubt() {
        for light in [&(|x: u32, _: u32| if x > 140 { 150_u8 } else { 230 }) as &dyn Fn(u32, u32) -> u8, &|x, y| {
            if x > 140 && y < 60 { 160 + (y / 2) as u8 } else { 230 }
        }] {
            let subject = |x: u32, y: u32| (60..110).contains(&x) && (40..100).contains(&y);
            let found = Background::of(&image(|x, y| if subject(x, y) { 40 } else { light(x, y) })).unwrap();
            assert!(!found.is_certain);
            for (x, y) in [(0, 0), (199, 149), (100, 75), (20, 140)] {
                let difference = i32::from(found.at((x, y), (200, 150))) - i32::from(light(x, y));
                assert!(difference.abs() <= 40, "{x} {y}: {difference}");
            }
        }
    }

    #[test]
    fn a_border_of_many_brightnesses_is_doubtful() {
        let stripes = Background::of(&image(|x, y| ((x / 20 + y / 20) * 83 % 251) as u8)).unwrap();
        assert!(!stripes.is_certain);
    }
}
