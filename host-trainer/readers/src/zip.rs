//! Zip archives, stored or deflated.
//!
//! A reader of our own: the crate `zip` would compile burn again, through features of crates that
//! both use. Nothing is written under the names in an archive, so `../` in them does no harm.

use std::io::{self, Read, Seek, SeekFrom, Take};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use thiserror::Error;

/// Most entries of an archive.
const MAX_ENTRIES: usize = 10_000;
/// Longest list of entries in bytes.
const MAX_DIRECTORY_BYTES: u64 = 4 << 20;

/// First bytes of the record at the end, of an entry in the list, and of a file.
const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const FILE: [u8; 4] = *b"PK\x03\x04";
/// Bytes of these without names and comments.
const END_BYTES: usize = 22;
const ENTRY_BYTES: usize = 46;
const FILE_BYTES: usize = 30;
/// Longest comment after the record at the end.
const MAX_COMMENT_BYTES: u64 = u16::MAX as u64;

/// Why an archive cannot be read.
#[derive(Debug, Error)]
pub enum ZipError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// It has no list of entries, or a damaged one.
    #[error("it is not a zip archive, or it is cut off: {0}")]
    Damaged(&'static str),
    /// The archive has too many entries.
    #[error("it has {0} entries, expected at most {MAX_ENTRIES}")]
    Entries(usize),
    /// An archive or a file of 4 GiB or more.
    #[error("it has 4 GiB or more, which is not read; save it in parts")]
    Large,
    /// An entry is encrypted or compressed in another way.
    #[error("{name} is encrypted or compressed by method {method}, expected stored (0) or deflated (8)")]
    Method {
        /// The entry's name.
        name: String,
        /// The number of the method.
        method: u16,
    },
    /// The archive has no entry of this name.
    #[error("it has no entry {0}")]
    Missing(String),
}

/// An open archive.
#[derive(Debug)]
pub struct Zip<R> {
    reader: R,
    entries: Vec<Entry>,
}

/// A file in an archive.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    is_encrypted: bool,
    method: u16,
    crc: u32,
    compressed: u32,
    /// The start of the file's own header.
    offset: u32,
}

/// The content of a file in an archive. The end is an error if the checksum is wrong.
pub struct Content<'a, R: Read> {
    inner: Decoder<'a, R>,
    crc: Crc,
    expected: u32,
}

enum Decoder<'a, R: Read> {
    Stored(Take<&'a mut R>),
    Deflated(DeflateDecoder<Take<&'a mut R>>),
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the list of entries.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not a zip archive.
    pub fn open(mut reader: R) -> Result<Self, ZipError> {
        let length = reader.seek(SeekFrom::End(0))?;
        let tail = length.saturating_sub(MAX_COMMENT_BYTES + END_BYTES as u64);
        let tail = read(&mut reader, tail, length - tail)?;
        let end = tail.windows(END_BYTES).rposition(|window| window.starts_with(&END));
        let end = end.and_then(|start| tail.get(start..)).ok_or(ZipError::Damaged("its list of files is missing"))?;
        let (count, size, start) = (u16_at(end, 10), u32_at(end, 12), u32_at(end, 16));
        if count == u16::MAX || start == u32::MAX {
            return Err(ZipError::Large);
        }
        if usize::from(count) > MAX_ENTRIES || u64::from(size) > MAX_DIRECTORY_BYTES {
            return Err(ZipError::Entries(count.into()));
        }
        let directory = read(&mut reader, start.into(), size.into())?;
        let mut rest = directory.as_slice();
        let mut entries = Vec::new();
        for _ in 0..count {
            let damaged = || ZipError::Damaged("its list of files is damaged");
            let (fields, after) = rest.split_at_checked(ENTRY_BYTES).ok_or_else(damaged)?;
            let lengths = [28, 30, 32].map(|place| usize::from(u16_at(fields, place)));
            let name = after.get(..lengths[0]).filter(|_| fields.starts_with(&ENTRY)).ok_or_else(damaged)?;
            rest = after.get(lengths.iter().sum()..).ok_or_else(damaged)?;
            entries.push(Entry {
                name: String::from_utf8_lossy(name).into_owned(),
                is_encrypted: u16_at(fields, 8) & 1 == 1,
                method: u16_at(fields, 10),
                crc: u32_at(fields, 16),
                compressed: u32_at(fields, 20),
                offset: u32_at(fields, 42),
            });
        }
        Ok(Self { reader, entries })
    }

    /// Returns the names of all entries, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Returns the content of the file `name`, the last of that name.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is missing, encrypted or compressed in another way.
    pub fn file(&mut self, name: &str) -> Result<Content<'_, R>, ZipError> {
        let entry = self.entries.iter().rfind(|entry| entry.name == name);
        let Entry { method, crc, compressed, offset, is_encrypted, .. } =
            entry.cloned().ok_or_else(|| ZipError::Missing(name.to_owned()))?;
        if compressed == u32::MAX || offset == u32::MAX {
            return Err(ZipError::Large);
        }
        let header = read(&mut self.reader, offset.into(), FILE_BYTES as u64)?;
        if header.len() < FILE_BYTES || !header.starts_with(&FILE) {
            return Err(ZipError::Damaged("a file's header is damaged"));
        }
        let skipped = FILE_BYTES as u64 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        self.reader.seek(SeekFrom::Start(u64::from(offset) + skipped))?;
        let reader = (&mut self.reader).take(compressed.into());
        let inner = match method {
            0 if !is_encrypted => Decoder::Stored(reader),
            8 if !is_encrypted => Decoder::Deflated(DeflateDecoder::new(reader)),
            _ => return Err(ZipError::Method { name: name.to_owned(), method }),
        };
        Ok(Content { inner, crc: Crc::new(), expected: crc })
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Decoder::Stored(reader) => reader.read(buffer)?,
            Decoder::Deflated(reader) => reader.read(buffer)?,
        };
        self.crc.update(buffer.get(..count).unwrap_or_default());
        if count == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong"));
        }
        Ok(count)
    }
}

/// Reads at most `length` bytes from `start` on.
fn read(reader: &mut (impl Read + Seek), start: u64, length: u64) -> io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the number at `place`, or 0 after the end.
fn u16_at(bytes: &[u8], place: usize) -> u16 {
    let number = bytes.get(place..).and_then(<[u8]>::first_chunk);
    number.copied().map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    let number = bytes.get(place..).and_then(<[u8]>::first_chunk);
    number.copied().map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    /// Builds an archive, stored or deflated.
    pub(crate) fn archive(files: &[(&str, Vec<u8>)], is_deflated: bool) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in files {
            let mut crc = Crc::new();
            crc.update(content);
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(content).unwrap();
            let stored = if is_deflated { encoder.finish().unwrap() } else { content.clone() };
            let lengths = [stored.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
            let method = if is_deflated { [8, 0] } else { [0, 0] };
            let name_length = (name.len() as u16).to_le_bytes();
            let common =
                [&[20, 0, 0, 0][..], &method, &[0; 4], &crc.sum().to_le_bytes(), &lengths, &name_length].concat();
            let offset = (bytes.len() as u32).to_le_bytes();
            bytes.extend([&FILE[..], &common, &[0; 2], name.as_bytes(), &stored].concat());
            directory.extend([&ENTRY[..], &[20, 0], &common, &[0; 12], &offset, name.as_bytes()].concat());
        }
        let numbers = [directory.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
        let count = (files.len() as u16).to_le_bytes();
        [&bytes[..], &directory, &END, &[0; 4], &count, &count, &numbers, &[0; 2]].concat()
    }

    fn content(file: &[u8], name: &str) -> Result<Vec<u8>, ZipError> {
        let mut zip = Zip::open(Cursor::new(file))?;
        let mut content = Vec::new();
        zip.file(name)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn stored_and_deflated_files_are_read() {
        for is_deflated in [false, true] {
            let files = [("a", b"first".to_vec()), ("../b", vec![7; 9000]), ("a", b"second".to_vec())];
            let file = archive(&files, is_deflated);
            let zip = Zip::open(Cursor::new(&file)).unwrap();
            assert_eq!(zip.names().collect::<Vec<_>>(), ["a", "../b", "a"]);
            assert_eq!(content(&file, "a").unwrap(), b"second");
            assert_eq!(content(&file, "../b").unwrap(), [7; 9000]);
            assert!(matches!(content(&file, "b"), Err(ZipError::Missing(_))));
            assert_eq!(content(&[&file[..], b"comment"].concat(), "a").unwrap(), b"second");
            for length in 0..file.len() {
                content(&file[..length], "a").expect_err("cut off");
            }
        }
    }

    #[test]
    fn damaged_archives_are_refused() {
        let file = archive(&[("a", vec![1, 2, 3])], false);
        let change = |place: usize, value: u8| {
            let mut file = file.clone();
            file[place] = value;
            content(&file, "a").unwrap_err().to_string()
        };
        let directory = FILE_BYTES + 1 + 3;
        assert!(change(FILE_BYTES + 1, 9).contains("checksum"));
        assert!(change(0, 0).contains("header is damaged"));
        assert!(change(directory, 0).contains("list of files is damaged"));
        assert!(change(directory + 8, 1).contains("encrypted"));
        assert!(change(directory + 10, 12).contains("method 12"));
        assert!(change(file.len() - 11, 0x40).contains("entries") || change(file.len() - 11, 0x40).contains("damaged"));
        for end in [[255; 2].as_slice(), &[255; 4]] {
            let mut file = file.clone();
            let place = file.len() - if end.len() == 2 { 12 } else { 6 };
            file[place..place + end.len()].copy_from_slice(end);
            assert!(matches!(content(&file, "a"), Err(ZipError::Large)));
        }
    }
}
