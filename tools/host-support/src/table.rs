//! Tables for a terminal of 80 columns.

use std::fmt::{self, Display, Formatter};

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

/// Widest table, in characters.
pub const MAX_WIDTH: usize = 80;

/// Most characters of all columns of names together. Longer names wrap.
const MAX_NAMES_WIDTH: u16 = 48;

/// Widest column of names.
const MAX_NAME_WIDTH: u16 = 32;

/// A table whose first columns are names, the others right-aligned numbers.
///
/// If it is too wide, it is folded: the numbers are distributed over several tables, below each
/// other, that all begin with the names.
#[derive(Clone, Debug)]
pub struct Folded {
    names: usize,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Folded {
    /// Returns a table without rows. The first `names` columns of `header` are names.
    pub fn new(header: impl IntoIterator<Item = impl ToString>, names: usize) -> Self {
        Self { names, header: strings(header), rows: Vec::new() }
    }

    /// Adds a row. Missing cells at its end are empty; a part of which all cells are missing has no
    /// such row.
    pub fn add_row(&mut self, cells: impl IntoIterator<Item = impl ToString>) {
        self.rows.push(strings(cells));
    }

    /// Returns the table of the columns at `numbers`, after the names.
    fn part(&self, numbers: &[usize]) -> Table {
        let pick = |cells: &[String]| -> Vec<String> {
            let columns = (0..self.names).chain(numbers.iter().copied());
            columns.map(|column| cells.get(column).cloned().unwrap_or_default()).collect()
        };
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(pick(&self.header));
        // The first part has all rows.
        let first = numbers.first().copied().filter(|first| *first > self.names);
        let rows = self.rows.iter().filter(|row| first.is_none_or(|first| first < row.len()));
        table.add_rows(rows.map(|row| pick(row)));
        let share = MAX_NAMES_WIDTH / u16::try_from(self.names.max(1)).unwrap_or(u16::MAX);
        let width = ColumnConstraint::UpperBoundary(Width::Fixed(share.clamp(1, MAX_NAME_WIDTH)));
        for (index, column) in table.column_iter_mut().enumerate() {
            if index < self.names {
                column.set_constraint(width);
            } else {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

impl Display for Folded {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<Vec<usize>> = vec![Vec::new()];
        for column in self.names..self.header.len() {
            let Some(part) = parts.last_mut() else { break };
            part.push(column);
            if part.len() > 1 && width(&self.part(part)) > MAX_WIDTH {
                part.pop();
                parts.push(vec![column]);
            }
        }
        let parts: Vec<String> = parts.iter().map(|part| self.part(part).to_string()).collect();
        formatter.write_str(&parts.join("\n"))
    }
}

/// Returns the length of the table's upper edge.
fn width(table: &Table) -> usize {
    table.lines().next().map_or(0, |edge| edge.chars().count())
}

fn strings(cells: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    cells.into_iter().map(|cell| cell.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_table_is_folded_and_a_narrow_one_is_not() {
        let mut narrow = Folded::new(["name", "a", "b"], 1);
        narrow.add_row(["x", "1", "2"]);
        narrow.add_row(["y"]);
        assert_eq!(narrow.to_string().lines().filter(|line| line.contains("name")).count(), 1, "{narrow}");

        let header = ["name".to_owned()].into_iter().chain((0..20).map(|column| format!("column {column}")));
        let mut wide = Folded::new(header, 1);
        wide.add_row((0..21).map(|column| column * 1000));
        wide.add_row(["short", "1"]);
        let text = wide.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= MAX_WIDTH), "{text}");
        assert_eq!(text.matches("name").count(), 4, "{text}");
        assert_eq!(text.matches("short").count(), 1, "{text}");
        for column in 0..20 {
            assert_eq!(text.matches(&format!("column {column} ")).count(), 1, "{column}\n{text}");
        }
    }

    #[test]
    fn long_names_wrap() {
        let mut table = Folded::new(["one", "two", "three", "number"], 3);
        table.add_row(["word ".repeat(20), "word ".repeat(20), "word ".repeat(20), "1".repeat(12)]);
        let text = table.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= MAX_WIDTH), "{text}");
    }
}
