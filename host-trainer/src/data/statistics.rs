use serde::Serialize;

use super::Split;

/// Statistics of the pixels of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statistics {
    #[serde(rename = "pictures")]
    pub images: usize,
    /// Share of black pixels (0), 0 to 1.
    pub zero_share: f64,
    pub least: u8,
    pub largest: u8,
    /// Mean of the pixels in 0..=1, as the float network takes them.
    pub mean: f64,
    /// Standard deviation of the same.
    pub standard_deviation: f64,
}

impl Statistics {
    /// Computes the statistics of `split`.
    pub fn of(split: &Split) -> Self {
        let mut counts = [0_u64; 256];
        for &pixel in &split.pixels {
            counts[usize::from(pixel)] += 1;
        }
        let pixels = || counts.iter().zip(0_u8..=u8::MAX).filter(|(count, _)| **count > 0);
        let all = split.pixels.len().max(1) as f64;
        let mean_of = |value: &dyn Fn(f64) -> f64| -> f64 {
            pixels().map(|(&count, pixel)| count as f64 * value(f64::from(pixel) / 255.0)).sum::<f64>() / all
        };
        let mean = mean_of(&|pixel| pixel);
        let least = pixels().next().map_or(0, |(_, pixel)| pixel);
        let largest = pixels().next_back().map_or(0, |(_, pixel)| pixel);
        // The mean of equal pixels may be rounded, so that it differs from them.
        let variance = if least == largest { 0.0 } else { mean_of(&|pixel| (pixel - mean).powi(2)) };
        Self {
            images: split.len(),
            zero_share: counts[0] as f64 / all,
            least,
            largest,
            mean,
            standard_deviation: variance.sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_pixels_have_no_deviation() {
        for pixel in 0..=u8::MAX {
            let split = Split { width: 64, pixels: vec![pixel; 40 * 64], labels: vec![0; 40] };
            assert_eq!(Statistics::of(&split).standard_deviation, 0.0, "{pixel}");
        }
    }

    #[test]
    fn statistics_match_their_definitions() {
        let split = Split { width: 2, pixels: vec![0, 255, 51, 0], labels: vec![2, 0] };
        let Statistics { images, zero_share, least, largest, mean, standard_deviation } = Statistics::of(&split);
        assert_eq!((images, zero_share, least, largest), (2, 0.5, 0, 255));
        // Pixels in 0..=1: 0, 1, 0.2, 0.
        assert!((mean - 0.3).abs() < 1e-12 && (standard_deviation - 0.17_f64.sqrt()).abs() < 1e-12);
        let empty = Statistics::of(&Split { width: 2, pixels: Vec::new(), labels: Vec::new() });
        assert_eq!((empty.mean, empty.largest), (0.0, 0));
    }
}
