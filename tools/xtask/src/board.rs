//! Boards by name.

use anyhow::Result;
use boards::Board;

use crate::UsageError;

/// The board that a person names.
///
/// # Errors
/// [`UsageError`] with the known names when there is no such board; others when the boards' files cannot be read.
pub fn named(name: &str) -> Result<Board> {
    let mut boards = boards::all()?;
    if let Some(place) = boards.iter().position(|board| board.name == name) {
        return Ok(boards.swap_remove(place));
    }
    let names: Vec<_> = boards.into_iter().map(|board| board.name).collect();
    Err(UsageError(format!("there is no board {name:?}; the boards are: {}", names.join(", "))).into())
}

/// The board that a person names, which has to be one that probe-rs knows, and the name of its chip.
///
/// # Errors
/// As [`named`], and [`UsageError`] for a board with no chip for probe-rs.
pub fn probed(name: &str) -> Result<(Board, String)> {
    let mut board = named(name)?;
    let Some(chip) = board.chip.take() else {
        let text = format!("no debug probe can be in front of {name}; `cargo xtask parity {name}` runs it");
        return Err(UsageError(text).into());
    };
    Ok((board, chip))
}

/// The board that a person names, which has to be one that QEMU emulates.
///
/// # Errors
/// As [`named`], and [`UsageError`] for a board that is not emulated.
pub fn emulated(name: &str) -> Result<Board> {
    let board = named(name)?;
    if board.emulator.is_none() {
        let all = boards::all()?.into_iter().filter(|board| board.emulator.is_some());
        let names: Vec<_> = all.map(|board| board.name).collect();
        let text = format!("nothing emulates {name}; the emulated boards are: {}", names.join(", "));
        return Err(UsageError(text).into());
    }
    Ok(board)
}
