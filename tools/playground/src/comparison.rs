//! Compares the model's answers with those of an answers file.

use alloc::vec::Vec;

use prenda::{AnswersHeader, HostWorkspace, Model, Record};

use crate::PlaygroundError;

/// Bytes of the logits and probabilities of the most classes.
const MAX_OUTPUT_BYTES: usize = 6 * prenda::MAX_CLASSES;

/// Counts of a comparison so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Images in the file.
    pub total: u32,
    /// Images compared.
    pub images: u32,
    pub logits: u32,
    pub logits_different: u32,
    pub probabilities_different: u32,
    pub classes_different: u32,
    pub networks_different: u32,
    /// Images classified correctly.
    pub correct: u32,
}

/// An answers file, and how far it is compared.
#[derive(Debug, Default)]
pub struct Comparison {
    file: Vec<u8>,
    counts: Counts,
}

impl Comparison {
    /// Checks that `file` has answers of `model`.
    pub fn new(file: Vec<u8>, model: &Model<'_>) -> Result<Self, PlaygroundError> {
        let (header, _) = AnswersHeader::parse(&file)?;
        let AnswersHeader { model: found, images, inputs, classes, networks } = header;
        if found != model.id() {
            return Err(PlaygroundError::OtherModel { found, expected: model.id() });
        }
        let is_same_shape = inputs as usize == model.input_width()
            && usize::from(classes) == model.classes()
            && usize::from(networks) == model.networks().len();
        if !is_same_shape {
            return Err(PlaygroundError::OtherShape { inputs, classes, networks });
        }
        if images == 0 {
            return Err(PlaygroundError::NoImages);
        }
        Ok(Self { file, counts: Counts { total: images, ..Counts::default() } })
    }

    /// Compares at most `count` more images, and returns all counts.
    pub fn advance(
        &mut self,
        model: &Model<'_>,
        workspace: &mut HostWorkspace,
        count: usize,
    ) -> Result<Counts, PlaygroundError> {
        let (_, records) = AnswersHeader::parse(&self.file)?;
        let mut outputs = [0; MAX_OUTPUT_BYTES];
        for record in records.skip(self.counts.images as usize).take(count) {
            self.counts.add(model, workspace, &record, &mut outputs)?;
        }
        Ok(self.counts)
    }

    /// Returns the pixels and the label of an image.
    pub fn image(&self, index: usize) -> Option<(&[u8], u8)> {
        let (_, mut records) = AnswersHeader::parse(&self.file).ok()?;
        records.nth(index).map(|record| (record.pixels, record.label))
    }
}

impl Counts {
    fn add(
        &mut self,
        model: &Model<'_>,
        workspace: &mut HostWorkspace,
        record: &Record<'_>,
        outputs: &mut [u8],
    ) -> Result<(), PlaygroundError> {
        let prediction = workspace.infer(model, record.pixels)?;
        let (logits, probabilities) = prediction.to_bytes(outputs).unwrap_or_default();
        self.images += 1;
        self.logits += prediction.logits.len() as u32;
        self.logits_different += differences::<4>(logits, record.logits);
        self.probabilities_different += differences::<2>(probabilities, record.probabilities);
        self.classes_different += u32::from(prediction.class != usize::from(record.class));
        self.networks_different += u32::from(prediction.network != usize::from(record.network));
        self.correct += u32::from(prediction.class == usize::from(record.label));
        Ok(())
    }

    /// Returns the values for the page, in the order of the fields.
    pub fn values(&self) -> [u32; 8] {
        let Self { total, images, logits, logits_different, probabilities_different, .. } = *self;
        let [classes, networks] = [self.classes_different, self.networks_different];
        [total, images, logits, logits_different, probabilities_different, classes, networks, self.correct]
    }
}

/// Counts values of `N` bytes that differ.
fn differences<const N: usize>(ours: &[u8], theirs: &[u8]) -> u32 {
    if ours == theirs {
        return 0;
    }
    let values = ours.len().max(theirs.len()).div_ceil(N);
    let equal = ours.chunks_exact(N).zip(theirs.chunks_exact(N)).filter(|(ours, theirs)| ours == theirs).count();
    (values - equal) as u32
}
