//! `Model::parse`: parse once, then trust.

use heapless::Vec;

use super::contents::{Golden, Model, Part};
use super::error::BlobError;
use super::format::{CHECKSUM_BYTES, MAGIC, Prefix, Provenance, blob_length, saturating_u32};
use super::id::ModelId;
use super::layer::Layer;
use super::limits::{MAX_CLASSES, MAX_GOLDEN_VECTORS, MAX_NETWORKS};
use super::reader::Reader;
use super::seal::{self, SEAL_BYTES};
use super::shape::Shape;
use crate::checksum::Checksum;

/// The checks of a parse.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    /// The CRC-32 and every value.
    All,
    /// The checks that memory safety needs. The seal vouches for the rest.
    Memory,
}

impl<'a> Model<'a> {
    /// Parses all of `bytes`, and proves that the model is runnable.
    ///
    /// Every table has its expected position and length, every parameter is in range, and no image
    /// can overflow an accumulator. Never panics for any bytes.
    ///
    /// # Errors
    ///
    /// Returns the first error found.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{BlobError, Model};
    ///
    /// let blob = std::fs::read("shoes.bin")?;
    /// let model = Model::parse(&blob)?;
    /// assert_eq!((model.layers().len(), model.classes()), (2, 10));
    /// let cut_off = Model::parse(&blob[..8000]);
    /// assert_eq!(cut_off.err(), Some(BlobError::Length { declared: 8655, found: 8000 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let mut parsed = Err(BlobError::Magic);
        Self::parse_into(&mut parsed, bytes);
        parsed
    }
}

impl<'a, const LAYERS: usize> TryFrom<&'a [u8]> for Model<'a, LAYERS> {
    type Error = BlobError;

    /// Like [`Model::parse`], for any number of layers.
    fn try_from(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let mut parsed = Err(BlobError::Magic);
        Self::parse_into(&mut parsed, bytes);
        parsed
    }
}

impl<'a, const LAYERS: usize> Model<'a, LAYERS> {
    /// Parses the model at the start of `region`, which can be longer, for example a region of
    /// flash.
    ///
    /// Refuses a region that is not aligned to four bytes. The kernels would run its model
    /// correctly, but many times slower.
    ///
    /// # Errors
    ///
    /// Returns [`BlobError::Misaligned`], or the errors of [`parse`](Model::parse).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{BlobError, Model};
    ///
    /// // A region of flash: erased, so it has no model.
    /// static REGION: &[u32; 256] = &[u32::MAX; 256];
    /// let bytes = bytemuck::bytes_of(REGION);
    /// assert_eq!(Model::<4>::from_region(bytes).err(), Some(BlobError::Magic));
    /// let error = Model::<4>::from_region(&bytes[1..]).err();
    /// assert_eq!(error, Some(BlobError::Misaligned { remainder: 1 }));
    /// ```
    pub fn from_region(region: &'a [u8]) -> Result<Self, BlobError> {
        Self::try_from(split_blob(region)?.0)
    }

    /// Parses the model at the start of `region` like [`from_region`](Self::from_region), but
    /// trusts the seal after it for the values of its weights.
    ///
    /// This takes about two inferences instead of tens. It checks the seal's checksum instead of
    /// the CRC-32, and all that memory safety needs: lengths, shapes, positions of blocks, and
    /// requantizations. It does not prove again that no accumulator overflows: that was proved by
    /// the host that wrote the seal. So a seal finds accidents, such as an interrupted update. A
    /// model that somebody made to deceive, with a matching seal, can give wrong answers.
    ///
    /// # Errors
    ///
    /// Returns [`BlobError::Unsealed`] or [`BlobError::Seal`], or the errors of
    /// [`from_region`](Self::from_region).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{BlobError, Model};
    /// # #[repr(C, align(16))]
    /// # struct Aligned([u8; 8664]);
    /// # let mut flash = Aligned([0xFF; 8664]);
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # flash.0[..blob.len()].copy_from_slice(&blob);
    ///
    /// let region: &mut [u8] = &mut flash.0; // the model, then erased flash
    /// assert_eq!(Model::<2>::from_sealed(region).err(), Some(BlobError::Unsealed));
    ///
    /// // The host appends this, with `host-trainer export MODEL --sealed FILE`.
    /// let seal = Model::<2>::from_region(region)?.seal();
    /// region[8655..8663].copy_from_slice(&seal);
    /// assert_eq!(Model::<2>::from_sealed(region)?.classes(), 10);
    ///
    /// region[4000] ^= 1;
    /// assert!(matches!(Model::<2>::from_sealed(region), Err(BlobError::Seal { .. })));
    /// # Ok::<(), BlobError>(())
    /// ```
    pub fn from_sealed(region: &'a [u8]) -> Result<Self, BlobError> {
        let (blob, trailer) = split_blob(region)?;
        seal::check_seal(blob, trailer)?;
        let mut parsed = Err(BlobError::Magic);
        Self::parse_checked(&mut parsed, blob, Checks::Memory);
        parsed
    }

    /// Returns the model's seal. Bytes of the model with the seal after them can be parsed by
    /// [`from_sealed`](Self::from_sealed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// # let blob = std::fs::read("shoes.bin").unwrap();
    /// # let model = prenda::Model::parse(&blob).unwrap();
    /// assert_eq!(model.seal(), *b"SEAL\x1b\xa9\x18\x9d");
    /// ```
    #[must_use]
    pub fn seal(&self) -> [u8; SEAL_BYTES] {
        seal::seal(self.bytes)
    }

    /// Like [`parse`](Model::parse), but writes the model or the error to `parsed`.
    ///
    /// A returned model is moved, which takes a kilobyte of a device's stack.
    ///
    /// # Examples
    ///
    /// ```
    /// # use prenda_core as prenda;
    /// use prenda::{BlobError, Model};
    ///
    /// let blob = std::fs::read("shoes.bin").unwrap();
    /// let mut model = Err(BlobError::Magic); // in a firmware: in a static
    /// Model::<2>::parse_into(&mut model, &blob);
    /// assert!(model.is_ok());
    /// ```
    pub fn parse_into(parsed: &mut Result<Self, BlobError>, bytes: &'a [u8]) {
        Self::parse_checked(parsed, bytes, Checks::All);
    }

    /// Like [`parse_into`](Self::parse_into), with the given checks.
    fn parse_checked(parsed: &mut Result<Self, BlobError>, bytes: &'a [u8], checks: Checks) {
        let (fields, id, version) = match checked_fields(bytes, checks) {
            Ok(checked) => checked,
            Err(error) => {
                *parsed = Err(error);
                return;
            }
        };
        *parsed = Ok(Self {
            bytes,
            id,
            image: Shape::default(),
            class_names: (0, 0),
            features: 0,
            layers: Vec::new(),
            networks: Vec::new(),
            memory_bytes: 0,
            golden: (0, 0),
            provenance: 0,
        });
        let mut reader = Reader::new(fields, Prefix::BYTES);
        if let Ok(model) = parsed
            && model.fill(&mut reader, version, checks).is_none()
        {
            *parsed = Err(reader.refusal());
        }
    }

    /// Reads and checks all fields. Returns `None` after it stores the error in `reader`.
    fn fill(&mut self, reader: &mut Reader<'a>, version: u8, checks: Checks) -> Option<()> {
        let is_format_2 = cfg!(feature = "format-2") && version >= 2;
        let (rows, columns) = (reader.take_u16()?, reader.take_u16()?);
        let channels = if is_format_2 { reader.take_u16()? } else { 1 };
        self.image = Shape { rows, columns, channels };
        let pixels = reader.checked_width(saturating_u32(self.image.count()))?;

        let names = reader.take_u32()?;
        self.class_names = (reader.offset(), names as usize);
        for _ in 0..names {
            reader.take_text()?;
        }
        if cfg!(feature = "rows") && version == 3 {
            self.take_features(reader, pixels)?;
        }

        self.take_networks(reader, is_format_2)?;
        for network in self.networks() {
            let outputs = network.layers.last().map_or(0, Layer::outputs);
            if names as usize != outputs || outputs > MAX_CLASSES {
                let (outputs, most) = (saturating_u32(outputs), MAX_CLASSES as u32);
                return reader.refuse(BlobError::Classes { names, outputs, most });
            }
        }
        let is_needed = channels != 1 || self.networks.len() != 1 || !self.layers.iter().all(Layer::is_dense);
        if is_format_2 && version == 2 && !is_needed {
            return reader.refuse(BlobError::NewerThanNeeded);
        }
        let (mut index, mut memory_bytes) = (0_u8, 0);
        for network in self.networks() {
            for (place, layer) in network.layers.iter().enumerate() {
                let is_last = place.wrapping_add(1) == network.layers.len();
                match checks {
                    Checks::All => layer.prove_sound(reader, index, is_last)?,
                    Checks::Memory => layer.any_matrix().check_memory(reader, index)?,
                }
                memory_bytes = memory_bytes.max(layer.memory_bytes(place == 0, is_last));
                index = index.wrapping_add(1);
            }
        }
        self.memory_bytes = saturating_u32(memory_bytes);

        let golden_count = reader.take_u32()?;
        if golden_count as usize > MAX_GOLDEN_VECTORS {
            return reader.refuse(BlobError::GoldenCount { found: golden_count, most: MAX_GOLDEN_VECTORS as u32 });
        }
        self.golden = (reader.offset(), golden_count as usize);
        for _ in 0..golden_count {
            Golden::take(reader, pixels, names as usize)?;
        }
        self.provenance = reader.offset();
        Provenance::take(reader)?;
        reader.finish()
    }

    /// Reads the layers of all networks.
    fn take_networks(&mut self, reader: &mut Reader<'a>, is_format_2: bool) -> Option<()> {
        let network_count = if is_format_2 { reader.take_u32()? } else { 1 };
        let most = if cfg!(feature = "cascade") { MAX_NETWORKS as u32 } else { 1 };
        if network_count == 0 || network_count > most {
            return reader.refuse(BlobError::NetworkCount { found: network_count, most });
        }
        for network in 1..=network_count {
            let layer_count = reader.take_u32()?;
            let before = self.layers.len() as u32;
            let bad_count = |found| BlobError::LayerCount { found, most: LAYERS as u32 };
            let (mut shape, mut is_dense) = (self.image, false);
            for _ in 0..layer_count {
                let layer = Layer::take(reader, self.layers.len() as u8, shape, is_format_2)?;
                (shape, is_dense) = (layer.output(), layer.is_dense());
                if self.layers.push(layer).is_err() {
                    return reader.refuse(bad_count(layer_count.saturating_add(before)));
                }
            }
            if layer_count == 0 {
                return reader.refuse(bad_count(0));
            }
            let end = self.layers.len() as u8;
            if !is_dense {
                return reader.refuse(BlobError::LastLayer { layer: end.wrapping_sub(1) });
            }
            let mut margin = None;
            if network != network_count {
                let found = i32::from_le_bytes(*reader.take_array()?);
                if found < 1 {
                    return reader.refuse(BlobError::Margin { network: network.wrapping_sub(1) as u8, found });
                }
                margin = Some(found);
            }
            // There is room for `MAX_NETWORKS`.
            let _room = self.networks.push(Part { end, margin });
        }
        Some(())
    }
}

/// Splits a region of memory after the blob at its start. Checks that the region is aligned.
fn split_blob(region: &[u8]) -> Result<(&[u8], &[u8]), BlobError> {
    let remainder = (region.as_ptr().addr() % 4) as u8;
    if remainder != 0 {
        return Err(BlobError::Misaligned { remainder });
    }
    Ok(region.split_at_checked(blob_length(region)?).unwrap_or_default())
}

/// Checks the length and, unless a seal was checked, the checksum. Returns the fields, with the
/// prefix before them, the id and the format version.
fn checked_fields(bytes: &[u8], checks: Checks) -> Result<(&[u8], ModelId, u8), BlobError> {
    let found = saturating_u32(bytes.len());
    let length = blob_length(bytes)?;
    if length != bytes.len() {
        return Err(BlobError::Length { declared: saturating_u32(length), found });
    }
    let (fields, stored) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(BlobError::TooShort { found })?;
    let stored = u32::from_le_bytes(*stored);
    if checks == Checks::All {
        let computed = Checksum::of(fields);
        if stored != computed {
            return Err(BlobError::Checksum { stored, computed });
        }
    }
    Ok((fields, ModelId(stored), fields.get(MAGIC.len()).copied().unwrap_or(0)))
}
