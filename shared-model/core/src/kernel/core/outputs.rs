//! The activations of a convolution, written window by window.

/// The activations of a convolution, which a kernel writes window by window.
pub struct Outputs<'o> {
    activations: &'o mut [u8],
    /// Activations of a window.
    count: usize,
    /// Number of activations that are written.
    written: usize,
    /// The place of a blank window's activations. A window is blank if all of its inputs are zero;
    /// all such windows have the same activations.
    blank: Option<usize>,
}

impl<'o> Outputs<'o> {
    /// Returns outputs of which none is written, with `count` for each window.
    pub fn new(activations: &'o mut [u8], count: usize) -> Self {
        Self { activations, count, written: 0, blank: None }
    }

    /// Writes the activations of the next window: those that `activate` writes, or, for a blank
    /// window that is not the first one, a copy.
    #[inline(always)]
    pub fn write(&mut self, is_blank: bool, activate: impl FnOnce(&mut [u8])) {
        let (before, rest) = self.activations.split_at_mut_checked(self.written).unwrap_or_default();
        let target = rest.get_mut(..self.count).unwrap_or_default();
        match self.blank.and_then(|place| before.get(place..)) {
            Some(known) if is_blank => target.iter_mut().zip(known).for_each(|(place, value)| *place = *value),
            _ => activate(target),
        }
        if is_blank && self.blank.is_none() {
            self.blank = Some(self.written);
        }
        self.written = self.written.wrapping_add(self.count);
    }

    /// Returns the place of the activations of the next `windows`, with `count` for each, and that
    /// of a blank window's activations, or null. `None` if they do not fit.
    #[cfg(kernel_assembly)]
    #[inline(always)]
    pub fn room(&mut self, windows: usize, count: usize) -> Option<(*mut u8, *const u8)> {
        let bytes = count.checked_mul(windows)?;
        if count != self.count || self.activations.len().checked_sub(self.written)? < bytes {
            return None;
        }
        let start = self.activations.as_mut_ptr();
        let blank = self.blank.map_or(core::ptr::null(), |place| start.cast_const().wrapping_add(place));
        Some((start.wrapping_add(self.written), blank))
    }

    /// Counts `bytes` of activations that were written to the [`room`](Self::room) for them.
    /// `blank` is the place of a blank window's activations, or null.
    #[cfg(kernel_assembly)]
    #[inline(always)]
    pub fn advance(&mut self, bytes: usize, blank: *const u8) {
        self.written = self.written.wrapping_add(bytes);
        self.blank = (!blank.is_null()).then(|| blank.addr().wrapping_sub(self.activations.as_ptr().addr()));
    }
}
