//! The answers file: every image of a split with the outputs that the host computed for it.
//!
//! The parity tool compares a device with it. It has a header and records of a fixed size; all
//! integers are little-endian. Version 2 adds the network that answered, and is only for cascades.

use thiserror::Error;

use crate::model::{MAX_NETWORKS, ModelId};
use crate::prediction::Prediction;

/// Before the format's version, an ASCII digit.
const MAGIC: [u8; 7] = *b"PRENDAA";

/// The header of an answers file.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{AnswersHeader, ModelId, Prediction};
///
/// let model = ModelId(0xec8a_016f);
/// let header = AnswersHeader { model, images: 1, inputs: 2, classes: 2, networks: 1 };
/// let (logits, probabilities) = (&[-1, 65_536], &[8_812, 23_956]);
/// let prediction = Prediction { class: 1, network: 0, logits, probabilities };
///
/// let mut file: Vec<u8> = header.bytes().collect();
/// let start = file.len();
/// file.resize(start + header.record_bytes(), 0);
/// header.write_record(&mut file[start..], &[7, 8], 1, &prediction).expect("shapes that match");
///
/// let (read, mut records) = AnswersHeader::parse(&file)?;
/// assert_eq!((read, records.next().unwrap().class), (header, 1));
/// # Ok::<(), prenda::AnswersError>(())
/// ```
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
    /// Number of networks, 1..=[`MAX_NETWORKS`]. The file has version 1 if there is one, otherwise
    /// version 2.
    pub networks: u8,
}

/// One image and its answers.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{AnswersHeader, ModelId};
///
/// # let (model, images) = (ModelId(1), 2);
/// let header = AnswersHeader { model, images, inputs: 1, classes: 2, networks: 1 };
/// let mut file: Vec<u8> = header.bytes().collect();
/// file.extend([9, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x40, 0, 0x40]); // label 1, class 1
/// file.extend([8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0x40, 0, 0x40]); // label 0, class 1
/// let (_, records) = AnswersHeader::parse(&file).unwrap();
/// let correct = records.filter(|record| record.class == record.label.into()).count();
/// assert_eq!(correct, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Raw pixels, row-major, one byte each.
    pub pixels: &'a [u8],
    /// The label: the true class.
    pub label: u8,
    /// The class that the host computed.
    pub class: u16,
    /// The network that answered on the host, from 0.
    pub network: u8,
    /// Logits in Q15.16, little-endian `i32`.
    pub logits: &'a [u8],
    /// Probabilities in Q1.15, little-endian `u16`.
    pub probabilities: &'a [u8],
}

/// The reason why bytes are not an answers file.
///
/// # Examples
///
/// ```
/// # use prenda_core as prenda;
/// use prenda::{AnswersError, AnswersHeader};
///
/// let model = std::fs::read("shoes.bin").unwrap(); // not the answers
/// assert_eq!(AnswersHeader::parse(&model).err(), Some(AnswersError::Magic));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
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
    /// A file of version 2 has a number of networks that a cascade cannot have.
    #[error("answers file: found {found} networks, expected 2 to {MAX_NETWORKS}")]
    Networks {
        /// Number of networks.
        found: u8,
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
    /// The network that answered an image is not below the number of networks.
    #[error("answers file, image {image}: found network {network}, expected 0 to {}", .networks.saturating_sub(1))]
    Network {
        /// The image, from 0.
        image: u32,
        /// Its network.
        network: u8,
        /// Number of networks.
        networks: u8,
    },
}

impl AnswersHeader {
    /// Returns the header's bytes: 22, or 23 for a cascade.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{AnswersHeader, ModelId};
    ///
    /// # let (model, images) = (ModelId(1), 100);
    /// let header = AnswersHeader { model, images, inputs: 784, classes: 10, networks: 1 };
    /// assert!(header.bytes().eq(*b"PRENDAA1\x01\0\0\0\x64\0\0\0\x10\x03\0\0\x0a\0"));
    /// ```
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        let version = if self.is_cascade() { b'2' } else { b'1' };
        let fields = MAGIC.into_iter().chain([version]).chain(self.model.0.to_le_bytes());
        let fields = fields.chain(self.images.to_le_bytes()).chain(self.inputs.to_le_bytes());
        fields.chain(self.classes.to_le_bytes()).chain(self.is_cascade().then_some(self.networks))
    }

    /// Returns true if records name the network that answered.
    fn is_cascade(&self) -> bool {
        self.networks > 1
    }

    /// Returns the size of a record in bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{AnswersHeader, ModelId};
    ///
    /// # let (model, images) = (ModelId(1), 100);
    /// let header = AnswersHeader { model, images, inputs: 784, classes: 10, networks: 1 };
    /// assert_eq!(header.record_bytes(), 784 + 3 + 10 * (4 + 2)); // 3: label and class
    /// ```
    #[must_use]
    pub fn record_bytes(&self) -> usize {
        let values = (self.inputs as usize).saturating_add(usize::from(self.classes).saturating_mul(6));
        values.saturating_add(self.head_bytes())
    }

    /// Returns the size of a record's fields between pixels and logits.
    fn head_bytes(&self) -> usize {
        if self.is_cascade() { 4 } else { 3 }
    }

    /// Writes a record to `target`, which has [`record_bytes`](Self::record_bytes) bytes. Returns
    /// `None` if the shapes do not match, or the header does not have the network.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{AnswersHeader, ModelId, Prediction};
    ///
    /// # let (model, images) = (ModelId(1), 1);
    /// let header = AnswersHeader { model, images, inputs: 2, classes: 1, networks: 1 };
    /// let answer = Prediction { class: 0, network: 0, logits: &[5], probabilities: &[32_768] };
    /// let mut record = vec![0; header.record_bytes()];
    /// assert!(header.write_record(&mut record, &[7, 8], 0, &answer).is_some());
    /// assert_eq!(record, [7, 8, 0, 0, 0, 5, 0, 0, 0, 0, 0x80]);
    /// assert!(header.write_record(&mut record, &[7, 8, 9], 0, &answer).is_none()); // three pixels
    /// ```
    pub fn write_record(&self, target: &mut [u8], pixels: &[u8], label: u8, prediction: &Prediction<'_>) -> Option<()> {
        let classes = usize::from(self.classes);
        if target.len() != self.record_bytes()
            || pixels.len() != self.inputs as usize
            || prediction.logits.len() != classes
            || prediction.probabilities.len() != classes
            || prediction.network >= usize::from(self.networks.max(1))
        {
            return None;
        }
        let (target_pixels, rest) = target.split_at_mut_checked(pixels.len())?;
        target_pixels.copy_from_slice(pixels);
        let [low, high] = u16::try_from(prediction.class).ok()?.to_le_bytes();
        let head = [label, low, high, u8::try_from(prediction.network).ok()?];
        let head = head.get(..self.head_bytes())?;
        let (target_head, rest) = rest.split_at_mut_checked(head.len())?;
        target_head.copy_from_slice(head);
        prediction.to_bytes(rest).map(|_| ())
    }

    /// Reads a whole answers file. Returns the header and the records in order.
    ///
    /// # Errors
    ///
    /// Returns an [`AnswersError`] if `file` is not an answers file, its length does not match its
    /// header, or a label or class is too large.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{AnswersError, AnswersHeader, ModelId};
    ///
    /// # let (model, images) = (ModelId(1), 1);
    /// let header = AnswersHeader { model, images, inputs: 2, classes: 1, networks: 1 };
    /// let file: Vec<u8> = header.bytes().collect(); // without its record
    /// let error = AnswersHeader::parse(&file).err();
    /// assert_eq!(error, Some(AnswersError::Length { expected: 33, found: 22 }));
    /// ```
    pub fn parse(file: &[u8]) -> Result<(Self, impl ExactSizeIterator<Item = Record<'_>>), AnswersError> {
        let (magic, rest) = file.split_first_chunk::<7>().ok_or(AnswersError::Magic)?;
        let (version, rest) = rest.split_first().ok_or(AnswersError::Magic)?;
        let (model, rest) = rest.split_first_chunk::<4>().ok_or(AnswersError::Magic)?;
        let (images, rest) = rest.split_first_chunk::<4>().ok_or(AnswersError::Magic)?;
        let (inputs, rest) = rest.split_first_chunk::<4>().ok_or(AnswersError::Magic)?;
        let (classes, rest) = rest.split_first_chunk::<2>().ok_or(AnswersError::Magic)?;
        let (networks, records) = match version {
            _ if *magic != MAGIC => return Err(AnswersError::Magic),
            b'1' => (1, rest),
            b'2' => rest.split_first().map(|(networks, rest)| (*networks, rest)).ok_or(AnswersError::Magic)?,
            _ => return Err(AnswersError::Magic),
        };
        if *version == b'2' && !(2..=MAX_NETWORKS as u8).contains(&networks) {
            return Err(AnswersError::Networks { found: networks });
        }
        let header = Self {
            model: ModelId(u32::from_le_bytes(*model)),
            images: u32::from_le_bytes(*images),
            inputs: u32::from_le_bytes(*inputs),
            classes: u16::from_le_bytes(*classes),
            networks,
        };
        if header.inputs == 0 || header.classes == 0 {
            return Err(AnswersError::Shape { inputs: header.inputs, classes: header.classes });
        }
        let expected = u64::from(header.images).saturating_mul(header.record_bytes() as u64);
        if records.len() as u64 != expected {
            let found = file.len() as u64;
            let head = found.saturating_sub(records.len() as u64);
            return Err(AnswersError::Length { expected: expected.saturating_add(head), found });
        }
        let records = records.chunks_exact(header.record_bytes()).map(move |record| header.record(record));
        for (image, record) in (0..).zip(records.clone()) {
            let class = record.class.max(record.label.into());
            if class >= header.classes {
                return Err(AnswersError::Class { image, class, classes: header.classes });
            }
            if record.network >= header.networks {
                return Err(AnswersError::Network { image, network: record.network, networks: header.networks });
            }
        }
        Ok((header, records))
    }

    fn record<'a>(&self, bytes: &'a [u8]) -> Record<'a> {
        let classes = usize::from(self.classes);
        let (pixels, rest) = bytes.split_at_checked(self.inputs as usize).unwrap_or_default();
        let (head, rest) = rest.split_at_checked(self.head_bytes()).unwrap_or_default();
        let (logits, probabilities) = rest.split_at_checked(classes * 4).unwrap_or_default();
        let (label, class, network) = match head {
            [label, low, high, network @ ..] => {
                (*label, u16::from_le_bytes([*low, *high]), network.first().copied().unwrap_or_default())
            }
            _ => (0, 0, 0),
        };
        Record { pixels, label, class, network, logits, probabilities }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    const HEADER: AnswersHeader =
        AnswersHeader { model: ModelId(0x1234_5678), images: 1, inputs: 2, classes: 2, networks: 1 };

    /// Returns a file with one record, and the length of its header.
    fn file(header: AnswersHeader, network: usize) -> (Vec<u8>, usize) {
        let mut file: Vec<u8> = header.bytes().collect();
        let start = file.len();
        file.resize(start + header.record_bytes(), 0);
        let prediction = Prediction { class: 1, network, logits: &[-1, 65_536], probabilities: &[8_812, 23_956] };
        header.write_record(&mut file[start..], &[7, 8], 1, &prediction).unwrap();
        (file, start)
    }

    fn error(file: &[u8]) -> AnswersError {
        AnswersHeader::parse(file).map(|_| ()).unwrap_err()
    }

    /// Pins the format. A change of these bytes needs a new version in the magic, and a change of
    /// `docs/format.md`.
    #[test]
    fn golden_bytes() {
        let expected: [(_, &[u8]); 2] = [
            (
                HEADER,
                b"PRENDAA1\x78\x56\x34\x12\x01\0\0\0\x02\0\0\0\x02\0\x07\x08\x01\x01\0\
                \xff\xff\xff\xff\0\0\x01\0\x6c\x22\x94\x5d",
            ),
            (
                AnswersHeader { networks: 3, ..HEADER },
                b"PRENDAA2\x78\x56\x34\x12\x01\0\0\0\x02\0\0\0\x02\0\x03\x07\x08\x01\x01\0\x02\
                \xff\xff\xff\xff\0\0\x01\0\x6c\x22\x94\x5d",
            ),
        ];
        for (header, expected) in expected {
            let network = header.networks - 1;
            let (file, start) = file(header, network.into());
            assert_eq!(file, expected);
            let (parsed, records) = AnswersHeader::parse(&file).unwrap();
            let record = records.last().unwrap();
            assert_eq!((parsed, record.pixels, record.label, record.class), (header, &[7, 8][..], 1, 1));
            let logits = file.len() - 12;
            assert_eq!((record.network, record.logits), (network, &expected[logits..logits + 8]));
            assert_eq!(record.probabilities, &expected[logits + 8..]);
            for place in [start + 2, start + 3] {
                let mut file = file.clone();
                file[place] = 2;
                assert_eq!(error(&file), AnswersError::Class { image: 0, class: 2, classes: 2 });
            }
        }
    }

    #[test]
    fn malformed_answers_files_are_refused() {
        let error_of = |header: AnswersHeader| error(&header.bytes().collect::<Vec<_>>());
        assert_eq!(error_of(HEADER), AnswersError::Length { expected: 39, found: 22 });
        let endless = AnswersHeader { images: u32::MAX, inputs: u32::MAX, ..HEADER };
        assert!(matches!(error_of(endless), AnswersError::Length { .. }));
        assert_eq!(error_of(AnswersHeader { classes: 0, ..HEADER }), AnswersError::Shape { inputs: 2, classes: 0 });
        for networks in [1, 2] {
            let header: Vec<u8> = AnswersHeader { networks, ..HEADER }.bytes().collect();
            for length in 0..header.len() {
                assert!(AnswersHeader::parse(&header[..length]).is_err());
            }
        }
    }

    #[test]
    fn malformed_answers_of_a_cascade_are_refused() {
        let (file, start) = file(AnswersHeader { networks: 2, ..HEADER }, 1);
        let changed = |place: usize, value: u8| {
            let mut file = file.clone();
            file[place] = value;
            error(&file)
        };
        assert_eq!(changed(start + 5, 2), AnswersError::Network { image: 0, network: 2, networks: 2 });
        for found in [0, 1, 5] {
            assert_eq!(changed(start - 1, found), AnswersError::Networks { found });
        }
        assert_eq!(changed(7, b'1'), AnswersError::Length { expected: 39, found: 41 });
        assert_eq!(changed(7, b'3'), AnswersError::Magic);
    }
}
