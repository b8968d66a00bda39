//! CIFAR-10's binary form: records of a label and 32 x 32 pixels, first all red, then all green,
//! then all blue.

use std::io::{self, Read};

use thiserror::Error;

use crate::MAX_VALUES;

/// Rows and columns of an image.
pub const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;
/// Bytes of a record.
const RECORD: usize = 1 + 3 * PIXELS;
/// Number of classes.
const CLASSES: u8 = 10;

/// Why a file cannot be read.
#[derive(Debug, Error)]
pub enum CifarError {
    /// The file cannot be read.
    #[error("cannot read it")]
    Read(#[from] io::Error),
    /// The last record is not complete.
    #[error("it ends {found} bytes after the start of record {record}, expected {RECORD}; get it again")]
    CutOff {
        /// The record's place in the file.
        record: usize,
        /// Its bytes.
        found: usize,
    },
    /// A label is too large.
    #[error("record {record} has label {label}, expected 0..=9; is it CIFAR-10's binary version?")]
    Label {
        /// The record's place in the file.
        record: usize,
        /// Its label.
        label: u8,
    },
    /// Too many records.
    #[error("it has more than {} records", MAX_VALUES / RECORD)]
    TooLong,
}

/// Images and their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// `[image][row][column][channel]`.
    pub pixels: Vec<u8>,
    /// One for each image.
    pub labels: Vec<u8>,
}

impl Records {
    /// Appends the records of a file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not such a file, or is too long.
    pub fn append(&mut self, reader: &mut impl Read) -> Result<(), CifarError> {
        let mut record = Vec::with_capacity(RECORD);
        for index in 0.. {
            record.clear();
            reader.by_ref().take(RECORD as u64).read_to_end(&mut record)?;
            let Some((&label, planes)) = record.split_first() else { break };
            if record.len() < RECORD {
                return Err(CifarError::CutOff { record: index, found: record.len() });
            }
            if label >= CLASSES {
                return Err(CifarError::Label { record: index, label });
            }
            if self.pixels.len() + RECORD > MAX_VALUES {
                return Err(CifarError::TooLong);
            }
            self.labels.push(label);
            interleave(planes, &mut self.pixels);
        }
        Ok(())
    }
}

/// Appends an image of three planes, with the channels of a pixel next to each other.
pub fn interleave(planes: &[u8], pixels: &mut Vec<u8>) {
    let size = planes.len() / 3;
    let (red, rest) = planes.split_at(size);
    let (green, blue) = rest.split_at(size);
    for ((red, green), blue) in red.iter().zip(green).zip(blue) {
        pixels.extend([*red, *green, *blue]);
    }
}

/// Reads `file`, for fuzzing: any bytes give records or an error.
///
/// # Panics
///
/// Panics if the number of labels is not that of the images.
pub fn check(file: &[u8]) {
    let mut records = Records::default();
    _ = records.append(&mut &*file);
    assert_eq!(records.pixels.len(), records.labels.len() * 3 * PIXELS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_with_the_channels_of_a_pixel_together() {
        let record = |label: u8| [&[label][..], &[1; PIXELS], &[2; PIXELS], &[3; PIXELS]].concat();
        let mut records = Records::default();
        records.append(&mut &*[record(7), record(0)].concat()).unwrap();
        records.append(&mut &*record(9)).unwrap();
        assert_eq!(records.labels, [7, 0, 9]);
        assert!(records.pixels.len() == 9 * PIXELS && records.pixels.chunks(3).all(|pixel| pixel == [1, 2, 3]));
        let error = records.append(&mut &*[record(1), record(10)].concat()).unwrap_err().to_string();
        assert!(error.contains("record 1 has label 10"), "{error}");
        let error = records.append(&mut &record(1)[..RECORD - 1]).unwrap_err().to_string();
        assert!(error.contains("3072 bytes after the start of record 0"), "{error}");
    }
}
