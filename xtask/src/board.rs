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
