//! Boards by name.

use anyhow::Result;
use boards::Board;

use crate::UsageError;

/// Returns the board called `name`.
pub fn named(name: &str) -> Result<Board> {
    let mut boards = boards::all()?;
    if let Some(place) = boards.iter().position(|board| board.name == name) {
        return Ok(boards.swap_remove(place));
    }
    let names: Vec<_> = boards.into_iter().map(|board| board.name).collect();
    Err(UsageError(format!("unknown board {name:?}; the boards are: {}", names.join(", "))).into())
}

/// Returns the board called `name` and its chip, as probe-rs names it.
pub fn probed(name: &str) -> Result<(Board, String)> {
    let mut board = named(name)?;
    let Some(chip) = board.chip.take() else {
        let text = format!("{name} cannot be reached through a debug probe; `cargo xtask parity {name}` runs it");
        return Err(UsageError(text).into());
    };
    Ok((board, chip))
}

/// Returns the emulated board called `name`.
pub fn emulated(name: &str) -> Result<Board> {
    let board = named(name)?;
    if board.emulator.is_none() {
        let names: Vec<_> = all_emulated()?.into_iter().map(|board| board.name).collect();
        let text = format!("{name} is not emulated; the emulated boards are: {}", names.join(", "));
        return Err(UsageError(text).into());
    }
    Ok(board)
}

pub fn all_emulated() -> Result<Vec<Board>> {
    Ok(boards::all()?.into_iter().filter(|board| board.emulator.is_some()).collect())
}
