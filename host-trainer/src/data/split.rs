//! One split of a data set.

/// Images with their labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Number of pixels of an image.
    pub width: usize,
    /// Raw pixels, `[image][pixel]`.
    pub pixels: Vec<u8>,
    /// The class of each image.
    pub labels: Vec<u8>,
}

impl Split {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns the raw pixels of an image, row-major. Empty if `index` is out of range.
    pub fn image(&self, index: usize) -> &[u8] {
        let start = index.saturating_mul(self.width);
        self.pixels.get(start..start.saturating_add(self.width)).unwrap_or_default()
    }

    /// Returns all images, in order.
    pub fn images(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.pixels.chunks_exact(self.width)
    }

    /// Returns at most `count` images, evenly spaced over the split.
    pub fn sample(&self, count: usize) -> Self {
        let step = self.len().div_ceil(count.max(1)).max(1);
        let indices = (0..self.len()).step_by(step);
        let pixels = indices.clone().flat_map(|index| self.image(index)).copied().collect();
        Self { width: self.width, pixels, labels: indices.map(|index| self.labels[index]).collect() }
    }

    /// Counts the images of each of `classes` classes.
    pub fn count_classes(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for &label in &self.labels {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    }

    /// Counts the correct `predictions`, one for each image.
    pub fn count_correct(&self, predictions: &[u16]) -> u32 {
        let pairs = predictions.iter().zip(&self.labels);
        pairs.filter(|(prediction, label)| **prediction == u16::from(**label)).count() as u32
    }

    /// Moves the images at `indices`, which ascend, into another split.
    #[must_use]
    pub fn take(&mut self, indices: &[usize]) -> Self {
        let empty = |count: usize| Self {
            width: self.width,
            pixels: Vec::with_capacity(count * self.width),
            labels: Vec::with_capacity(count),
        };
        let mut taken = empty(indices.len());
        let mut kept = empty(self.len().saturating_sub(indices.len()));
        let mut indices = indices.iter().peekable();
        for (index, (image, label)) in self.images().zip(&self.labels).enumerate() {
            let target = if indices.next_if_eq(&&index).is_some() { &mut taken } else { &mut kept };
            target.pixels.extend_from_slice(image);
            target.labels.push(*label);
        }
        *self = kept;
        taken
    }

    /// Moves the images from index `at` on into another split.
    #[must_use]
    pub fn split_off(&mut self, at: usize) -> Self {
        let pixels = self.pixels.split_off(at * self.width);
        Self { width: self.width, pixels, labels: self.labels.split_off(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_can_be_divided() {
        let mut split = Split { width: 2, pixels: vec![1, 2, 3, 4, 5, 6], labels: vec![7, 8, 9] };
        let rest = split.split_off(2);
        assert_eq!((split.len(), rest.len()), (2, 1));
        assert_eq!((split.image(1), rest.image(0)), (&[3, 4][..], &[5, 6][..]));
        assert_eq!(split.image(2), [0_u8; 0]);
    }

    #[test]
    fn a_sample_is_evenly_spaced() {
        let split = Split { width: 1, pixels: vec![1, 2, 3, 4, 5], labels: vec![5, 6, 7, 8, 9] };
        assert_eq!(split.sample(3), Split { width: 1, pixels: vec![1, 3, 5], labels: vec![5, 7, 9] });
        assert_eq!((split.sample(9), split.sample(1).pixels), (split.clone(), vec![1]));
    }

    #[test]
    fn images_of_a_class_are_counted() {
        let split = Split { width: 1, pixels: vec![0; 4], labels: vec![2, 0, 2, 2] };
        assert_eq!(split.count_classes(4), [1, 0, 3, 0]);
    }

    #[test]
    fn correct_predictions_are_counted() {
        let split = Split { width: 1, pixels: vec![0; 3], labels: vec![7, 8, 9] };
        assert_eq!([split.count_correct(&[7, 9, 9]), split.count_correct(&[8, 7, 265])], [2, 0]);
    }
}
