//! The answers file: every image of a split with the outputs that the host computed for it.
//!
//! The parity tool compares a device with it. It has a header and records of a fixed size; all
//! integers are little-endian.

use thiserror::Error;

use crate::infer::Prediction;
use crate::model::ModelId;

/// The last byte is the format's version.
const MAGIC: [u8; 8] = *b"PRENDAA1";

/// The header of an answers file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswersHeader {
    /// The model that computed the answers.
    pub model: ModelId,
    /// Number of records.
    pub images: u32,
    /// Pixels of an image, at least 1.
    pub inputs: u32,
    /// Number of classes, at least 1.
    pub classes: u16,
}

/// One image and its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Raw pixels, row-major, one byte each.
    pub pixels: &'a [u8],
    /// The label: the true class.
    pub label: u8,
    /// The class that the host computed.
    pub class: u16,
    /// Logits in Q15.16, little-endian `i32`.
    pub logits: &'a [u8],
    /// Probabilities in Q1.15, little-endian `u16`.
    pub probabilities: &'a [u8],
}

/// The reason why bytes are not an answers file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswersError {
    /// The file is shorter than a header, or its magic is another.
    #[error("not an answers file of this version; run host-trainer evaluate --answers again")]
    Magic,
    /// The records have no pixels or no classes.
    #[error("answers file: found {inputs} pixels and {classes} classes, expected at least one of each")]
    Shape {
        /// Pixels of an image.
        inputs: u32,
        /// Number of classes.
        classes: u16,
    },
    /// The file's length is not the one that its header declares.
    #[error("answers file: found {found} bytes, expected {expected} from its header")]
    Length {
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The label or the class of an image is not below the number of classes.
    #[error("answers file, image {image}: found class {class}, expected 0 to {}", .classes.saturating_sub(1))]
    Class {
        /// The image, from 0.
        image: u32,
        /// The larger one of its label and its class.
        class: u16,
        /// Number of classes.
        classes: u16,
    },
}

impl AnswersHeader {
    /// Size of the header in bytes.
    pub const BYTES: usize = 22;

    /// Returns the header as bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let fields = MAGIC.into_iter().chain(self.model.0.to_le_bytes()).chain(self.images.to_le_bytes());
        let fields = fields.chain(self.inputs.to_le_bytes()).chain(self.classes.to_le_bytes());
        for (byte, field) in bytes.iter_mut().zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// Returns the size of a record in bytes.
    #[must_use]
    pub fn record_bytes(&self) -> usize {
        (self.inputs as usize).saturating_add(usize::from(self.classes).saturating_mul(6)).saturating_add(1 + 2)
    }

    /// Writes a record to `target`, which has [`record_bytes`](Self::record_bytes) bytes. Returns
    /// `None` if the shapes do not match.
    pub fn write_record(&self, target: &mut [u8], pixels: &[u8], label: u8, prediction: &Prediction<'_>) -> Option<()> {
        let classes = usize::from(self.classes);
        if target.len() != self.record_bytes()
            || pixels.len() != self.inputs as usize
            || prediction.logits.len() != classes
            || prediction.probabilities.len() != classes
        {
            return None;
        }
        let (target_pixels, rest) = target.split_at_mut_checked(pixels.len())?;
        target_pixels.copy_from_slice(pixels);
        let (head, rest) = rest.split_at_mut_checked(3)?;
        let [low, high] = u16::try_from(prediction.class).ok()?.to_le_bytes();
        head.copy_from_slice(&[label, low, high]);
        prediction.to_bytes(rest).map(|_| ())
    }

    /// Reads a whole answers file. Returns the header and the records in order.
    ///
    /// # Errors
    ///
    /// Returns an [`AnswersError`] if `file` is not an answers file, its length does not match its
    /// header, or a label or class is too large.
    pub fn parse(file: &[u8]) -> Result<(Self, impl ExactSizeIterator<Item = Record<'_>>), AnswersError> {
        let (magic, rest) = file.split_first_chunk::<8>().ok_or(AnswersError::Magic)?;
        let (model, rest) = rest.split_first_chunk::<4>().ok_or(AnswersError::Magic)?;
        let (images, rest) = rest.split_first_chunk::<4>().ok_or(AnswersError::Magic)?;
        let (inputs, rest) = rest.split_first_chunk::<4>().ok_or(AnswersError::Magic)?;
        let (classes, records) = rest.split_first_chunk::<2>().ok_or(AnswersError::Magic)?;
        if *magic != MAGIC {
            return Err(AnswersError::Magic);
        }
        let header = Self {
            model: ModelId(u32::from_le_bytes(*model)),
            images: u32::from_le_bytes(*images),
            inputs: u32::from_le_bytes(*inputs),
            classes: u16::from_le_bytes(*classes),
        };
        if header.inputs == 0 || header.classes == 0 {
            return Err(AnswersError::Shape { inputs: header.inputs, classes: header.classes });
        }
        let expected = u64::from(header.images).saturating_mul(header.record_bytes() as u64);
        if records.len() as u64 != expected {
            let all = Self::BYTES as u64;
            return Err(AnswersError::Length { expected: expected.saturating_add(all), found: file.len() as u64 });
        }
        let records = records.chunks_exact(header.record_bytes()).map(move |record| header.record(record));
        for (image, record) in (0..).zip(records.clone()) {
            let class = record.class.max(record.label.into());
            if class >= header.classes {
                return Err(AnswersError::Class { image, class, classes: header.classes });
            }
        }
        Ok((header, records))
    }

    fn record<'a>(&self, bytes: &'a [u8]) -> Record<'a> {
        let classes = usize::from(self.classes);
        let (pixels, rest) = bytes.split_at_checked(self.inputs as usize).unwrap_or_default();
        let (head, rest) = rest.split_at_checked(3).unwrap_or_default();
        let (logits, probabilities) = rest.split_at_checked(classes * 4).unwrap_or_default();
        let (label, class) = match head {
            [label, low, high] => (*label, u16::from_le_bytes([*low, *high])),
            _ => (0, 0),
        };
        Record { pixels, label, class, logits, probabilities }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    /// Pins the format. A change of these bytes needs a new version in the magic, and a change of
    /// `docs/format.md`.
    #[test]
    fn golden_bytes() {
        let header = AnswersHeader { model: ModelId(0x1234_5678), images: 1, inputs: 2, classes: 2 };
        let mut file = header.to_bytes().to_vec();
        file.resize(AnswersHeader::BYTES + header.record_bytes(), 0);
        let prediction = Prediction { class: 1, network: 0, logits: &[-1, 65_536], probabilities: &[8_812, 23_956] };
        header.write_record(&mut file[AnswersHeader::BYTES..], &[7, 8], 1, &prediction).unwrap();
        let expected = b"PRENDAA1\x78\x56\x34\x12\x01\0\0\0\x02\0\0\0\x02\0\x07\x08\x01\x01\0\
            \xff\xff\xff\xff\0\0\x01\0\x6c\x22\x94\x5d";
        assert_eq!(file, expected);
        let (parsed, records) = AnswersHeader::parse(&file).unwrap();
        let record = records.last().unwrap();
        assert_eq!((parsed, record.pixels, record.label, record.class), (header, &[7, 8][..], 1, 1));
        assert_eq!((record.logits, record.probabilities), (&expected[27..35], &expected[35..]));
        for place in [AnswersHeader::BYTES + 2, AnswersHeader::BYTES + 3] {
            let mut file = file.clone();
            file[place] = 2;
            let error = AnswersHeader::parse(&file).map(|_| ()).unwrap_err();
            assert_eq!(error, AnswersError::Class { image: 0, class: 2, classes: 2 });
        }
    }

    #[test]
    fn malformed_answers_files_are_refused() {
        let header = AnswersHeader { model: ModelId(0), images: 1, inputs: 2, classes: 2 };
        let error = |header: AnswersHeader| AnswersHeader::parse(&header.to_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(error(header), AnswersError::Length { expected: 39, found: 22 });
        let endless = AnswersHeader { images: u32::MAX, inputs: u32::MAX, ..header };
        assert!(matches!(error(endless), AnswersError::Length { .. }));
        assert_eq!(error(AnswersHeader { classes: 0, ..header }), AnswersError::Shape { inputs: 2, classes: 0 });
        for length in 0..AnswersHeader::BYTES {
            assert!(AnswersHeader::parse(&header.to_bytes()[..length]).is_err());
        }
    }
}
