//! Zip archives, whose lists of entries are bounded.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

/// Most bytes that are read to find and list the entries of an archive. A list takes about ten
/// times this memory.
const MAX_LIST_BYTES: u64 = 8 << 20;

/// A reader that fails after a number of bytes.
#[derive(Debug)]
pub struct Limited<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(count as u64);
        self.left.set(left.unwrap_or_default());
        left.map(|_| count).ok_or_else(|| io::Error::other("its list of entries is too long"))
    }
}

impl<R: Seek> Seek for Limited<R> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.reader.seek(place)
    }
}

/// Opens the archive in `reader`. Nothing is written under the names in it, so `../` in them does
/// no harm.
///
/// # Errors
///
/// Returns an error if it is not a zip archive, or has too many entries.
pub fn open<R: Read + Seek>(reader: R) -> Result<ZipArchive<Limited<R>>, ZipError> {
    let left = Rc::new(Cell::new(MAX_LIST_BYTES));
    let archive = ZipArchive::new(Limited { reader, left: Rc::clone(&left) })?;
    left.set(u64::MAX);
    Ok(archive)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Cursor, Write as _};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    /// Builds an archive.
    pub(crate) fn archive(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn content(file: &[u8], name: &str) -> Result<Vec<u8>, ZipError> {
        let mut content = Vec::new();
        open(Cursor::new(file))?.by_name(name)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn stored_and_deflated_files_are_read() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let file = archive(&[("a", b"first".to_vec()), ("../b", vec![7; 9000])], method);
            assert_eq!(content(&file, "a").unwrap(), b"first");
            assert_eq!(content(&file, "../b").unwrap(), [7; 9000]);
            for length in 0..file.len() {
                content(&file[..length], "a").expect_err("cut off");
            }
            let mut damaged = file.clone();
            damaged[33] ^= 4;
            content(&damaged, "a").expect_err("its checksum is wrong");
        }
    }

    #[test]
    fn long_lists_are_refused() {
        // 60,000 entries of 246 bytes.
        let file = archive(&[(&"a".repeat(200), vec![])], CompressionMethod::Stored);
        let start = file.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let entry = &file[start..file.len() - 22];
        let many = entry.repeat(60_000);
        let count = 60_000_u16.to_le_bytes();
        let numbers = [many.len() as u32, start as u32].map(u32::to_le_bytes).concat();
        let file = [&file[..start], &many, b"PK\x05\x06", &[0; 4], &count, &count, &numbers, &[0; 2]].concat();
        assert!(file.len() > MAX_LIST_BYTES as usize);
        open(Cursor::new(&file)).map(drop).expect_err("a long list");
    }
}
