//! Loading a program before any client connects.

use thiserror::Error;

use super::{Bus as _, Probe};
use crate::{EmulatorError, Region};

/// The reason why a program cannot be loaded.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum LoadError {
    #[error("not an ELF: {0}")]
    Malformed(String),
    #[error("{board} has no memory for the {length} bytes at {address:#010x}; is the program for another board?")]
    Elsewhere { board: &'static str, address: u64, length: usize },
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
}

impl Probe {
    /// Loads an ELF into the board's memory and resets the board.
    ///
    /// # Errors
    ///
    /// Returns [`LoadError`] if the bytes are not an ELF for this board, or the emulator has ended.
    pub fn load(&mut self, elf: &[u8]) -> Result<(), LoadError> {
        for (address, data) in segments(elf)? {
            let end = address + data.len() as u64;
            let fits = |region: Region| region.range().contains(&address) && end <= region.range().end;
            let start = u32::try_from(address).ok().filter(|_| fits(self.board.code) || fits(self.board.ram));
            let start = start.ok_or(LoadError::Elsewhere { board: self.board.name, address, length: data.len() })?;
            self.target.write(start, data)?;
        }
        Ok(self.target.execution.restart()?)
    }
}

/// Returns address and content of each segment that is loaded.
fn segments(elf: &[u8]) -> Result<Vec<(u64, &[u8])>, LoadError> {
    use object::elf::{FileHeader32, PT_LOAD};
    use object::read::elf::{FileHeader as _, ProgramHeader as _};

    let malformed = |error: object::Error| LoadError::Malformed(error.to_string());
    let header = FileHeader32::<object::LittleEndian>::parse(elf).map_err(malformed)?;
    let endian = header.endian().map_err(malformed)?;
    let mut parts = Vec::new();
    for segment in header.program_headers(endian, elf).map_err(malformed)? {
        if segment.p_type(endian) == PT_LOAD && segment.p_filesz(endian) > 0 {
            let data = segment
                .data(endian, elf)
                .map_err(|()| LoadError::Malformed("a segment ends after the end of the file".to_owned()))?;
            parts.push((u64::from(segment.p_paddr(endian)), data));
        }
    }
    Ok(parts)
}
