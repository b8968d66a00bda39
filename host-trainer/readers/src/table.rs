//! Tables in CSV: a label and the pixels of an image, or any numbers, in each row.
//!
//! Cells are separated by commas, semicolons or tabs, and may be in quotes. Quotes do not hide
//! separators or ends of lines, so that a missing quote cannot make one row of the whole file. Thus
//! a line is a row, and no parser is needed.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

use thiserror::Error;

use crate::MAX_VALUES;

/// Longest row in bytes.
const MAX_ROW_BYTES: usize = 1 << 20;
/// Most rows.
const MAX_ROWS: usize = 1 << 24;
/// Most different labels.
const MAX_CLASSES: usize = 256;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// Names of a column that is taken as the label.
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "species", "y"];
/// Longest part of a cell that is printed.
const MAX_SHOWN: usize = 40;

/// Why a table cannot be read.
#[derive(Debug, Error)]
pub enum TableError {
    /// The file cannot be read, or a row is too long.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// A cell is not a number of the kind that the table has.
    #[error("line {line}, column {column}: found {found:?}, expected {expected}")]
    Cell {
        /// The line, from 1.
        line: u64,
        /// The column, from 1, with its name.
        column: String,
        /// The cell's text.
        found: String,
        /// The numbers that are read.
        expected: &'static str,
    },
    /// A row of another length.
    #[error("line {line} has {found} cells, expected {expected} like the first line")]
    Length {
        /// The line, from 1.
        line: u64,
        /// Its cells.
        found: usize,
        /// The cells of the first line.
        expected: usize,
    },
    /// No row, or no cell next to the label.
    #[error("it has {0}, expected rows of a label and at least one value")]
    Empty(&'static str),
    /// The label's column does not exist.
    #[error("it has no column {name:?}; its first line is {first:?}")]
    Label {
        /// The name that was looked for.
        name: String,
        /// The first line.
        first: String,
    },
    /// More classes than a model can have.
    #[error("it has more than {MAX_CLASSES} different labels; is {0:?} the column of the label?")]
    Classes(String),
    /// Too many values.
    #[error("it has more than {MAX_ROWS} rows or {most} values")]
    TooLarge {
        /// The most values that are read.
        most: usize,
    },
}

/// A number in a cell.
pub trait Cell: Copy {
    /// The numbers that are read, in words.
    const EXPECTED: &'static str;

    /// Returns the number of a cell, if it is one.
    fn of(cell: &[u8]) -> Option<Self>;
}

impl Cell for u8 {
    const EXPECTED: &'static str = "a whole number 0..=255";

    fn of(cell: &[u8]) -> Option<Self> {
        byte(cell)
    }
}

impl Cell for f64 {
    const EXPECTED: &'static str = "a finite number; fill the cell, or leave out its row or column";

    fn of(cell: &[u8]) -> Option<Self> {
        str::from_utf8(cell).ok()?.parse().ok().filter(|value: &Self| value.is_finite())
    }
}

/// Rows of a table, without its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table<T = u8> {
    /// The names of the columns of values, if the table has a header.
    pub names: Option<Vec<String>>,
    /// Number of values in a row.
    pub width: usize,
    /// The label of each row: its number, or its place in `classes`.
    pub labels: Vec<u8>,
    /// The different labels, sorted, if they are not numbers of 0..=255.
    pub classes: Option<Vec<String>>,
    /// The values, row by row.
    pub values: Vec<T>,
}

/// Labels as they are found.
#[derive(Default)]
struct Labels {
    /// Their places in `found`.
    places: Vec<u8>,
    found: BTreeMap<Vec<u8>, u8>,
}

impl<T: Cell> Table<T> {
    /// Reads a table.
    ///
    /// `label` names the column of the label: `first`, `last`, or a name of the header. The default
    /// is the first of these names that exists: label, labels, class, target, species, y; otherwise
    /// the first column. The first line is a header if it has such a name, or at least two cells
    /// that are not numbers.
    ///
    /// # Errors
    ///
    /// Returns an error that names line and column if a cell is not such a number.
    pub fn read(reader: impl Read, label: Option<&str>) -> Result<Self, TableError> {
        let mut rows = Rows { reader: BufReader::new(reader), text: Vec::new(), line: 0 };
        if !rows.next()? {
            return Err(TableError::Empty("no line"));
        }
        let separator = separator(&rows.text);
        let first: Vec<String> = rows.cells(separator).map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        let is_header = is_header(&first);
        let label = label_column(&first, is_header, label)?;
        if first.len() < 2 {
            return Err(TableError::Empty("one column"));
        }
        let name = |column: usize| match first.get(column).filter(|_| is_header) {
            Some(name) => format!("{} ({})", column + 1, shown(name)),
            None => (column + 1).to_string(),
        };
        let most = MAX_VALUES / size_of::<T>();
        let (width, values) = (first.len() - 1, Vec::new());
        let mut table = Self { names: None, width, labels: Vec::new(), classes: None, values };
        table.names = is_header.then(|| {
            first.iter().enumerate().filter(|(column, _)| *column != label).map(|(_, name)| name.clone()).collect()
        });
        let mut labels = Labels::default();
        let mut has_row = !is_header || rows.next()?;
        while has_row {
            let line = rows.line;
            let found = rows.cells(separator).count();
            if found != first.len() {
                return Err(TableError::Length { line, found, expected: first.len() });
            }
            if labels.places.len() == MAX_ROWS || table.values.len() + table.width > most {
                return Err(TableError::TooLarge { most });
            }
            for (column, cell) in rows.cells(separator).enumerate() {
                if column == label {
                    labels.add(cell).ok_or_else(|| TableError::Classes(name(column)))?;
                    continue;
                }
                let found = || shown(&String::from_utf8_lossy(cell));
                let value = T::of(cell);
                table.values.push(value.ok_or_else(|| TableError::Cell {
                    line,
                    column: name(column),
                    found: found(),
                    expected: T::EXPECTED,
                })?);
            }
            has_row = rows.next()?;
        }
        if labels.places.is_empty() {
            return Err(TableError::Empty("no row"));
        }
        (table.labels, table.classes) = labels.finish();
        Ok(table)
    }
}

impl Labels {
    /// Adds a label. Returns `None` if there are too many different ones.
    fn add(&mut self, label: &[u8]) -> Option<()> {
        let place = match self.found.get(label) {
            Some(place) => *place,
            None => {
                let place = u8::try_from(self.found.len()).ok()?;
                self.found.insert(label.to_vec(), place);
                place
            }
        };
        self.places.push(place);
        Some(())
    }

    /// Returns the labels, and their names if they are not numbers.
    fn finish(self) -> (Vec<u8>, Option<Vec<String>>) {
        let numbers: Option<BTreeMap<u8, u8>> =
            self.found.iter().map(|(label, place)| Some((*place, byte(label)?))).collect();
        let (numbers, names) = match numbers {
            Some(numbers) => (numbers, None),
            None => {
                let names = self.found.keys().map(|label| String::from_utf8_lossy(label).into_owned()).collect();
                // At most 256 labels, so places fit a byte.
                let numbers = self.found.values().enumerate().map(|(number, place)| (*place, number as u8)).collect();
                (numbers, Some(names))
            }
        };
        let number = |place: u8| numbers.get(&place).copied().unwrap_or_default();
        (self.places.into_iter().map(number).collect(), names)
    }
}

/// The lines of a file that are not blank.
struct Rows<R> {
    reader: BufReader<R>,
    /// The line without its end.
    text: Vec<u8>,
    /// Its number, from 1.
    line: u64,
}

impl<R: Read> Rows<R> {
    /// Reads the next line. Returns false at the end of the file.
    fn next(&mut self) -> io::Result<bool> {
        loop {
            self.text.clear();
            // One more byte, to notice a line that is too long.
            let count = self.reader.by_ref().take(MAX_ROW_BYTES as u64 + 1).read_until(b'\n', &mut self.text)?;
            if count == 0 {
                return Ok(false);
            }
            if count > MAX_ROW_BYTES {
                return Err(io::Error::other(format!("a line has more than {MAX_ROW_BYTES} bytes")));
            }
            self.line += 1;
            if self.line == 1 && self.text.starts_with(BYTE_ORDER_MARK) {
                self.text.drain(..BYTE_ORDER_MARK.len());
            }
            self.text.truncate(self.text.trim_ascii_end().len());
            if !self.text.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Returns the cells of the line, without blanks and quotes around them.
    fn cells(&self, separator: u8) -> impl Iterator<Item = &[u8]> {
        self.text.split(move |byte| *byte == separator).map(clean)
    }
}

/// Returns the separator of `line`, the first one.
fn separator(line: &[u8]) -> u8 {
    let has = |separator: &u8| line.contains(separator);
    [b',', b';', b'\t'].into_iter().find(has).unwrap_or(b',')
}

/// Returns a cell without blanks and quotes around it.
fn clean(cell: &[u8]) -> &[u8] {
    let cell = cell.trim_ascii();
    cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell).trim_ascii()
}

fn is_label_name(name: &str) -> bool {
    LABEL_NAMES.iter().any(|label| name.eq_ignore_ascii_case(label))
}

fn is_header(first: &[String]) -> bool {
    let is_text = |cell: &&String| cell.parse::<f64>().is_err();
    first.iter().any(|cell| is_label_name(cell)) || first.iter().filter(is_text).count() >= 2
}

/// Returns the place of the label's column.
fn label_column(first: &[String], is_header: bool, label: Option<&str>) -> Result<usize, TableError> {
    let named = |name: &str| first.iter().position(|cell| is_header && cell == name);
    match label {
        Some(name) => {
            let found = named(name).or(match name {
                "first" => Some(0),
                "last" => Some(first.len().saturating_sub(1)),
                _ => None,
            });
            let first = || shown(&first.join(", "));
            found.ok_or_else(|| TableError::Label { name: name.to_owned(), first: first() })
        }
        // In the order of the names: `y` may be an axis next to a `label`.
        None => Ok(LABEL_NAMES
            .iter()
            .find_map(|label| first.iter().position(|cell| is_header && cell.eq_ignore_ascii_case(label)))
            .unwrap_or(0)),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

/// Returns the value of a whole number of 0..=255, also with zeros after its point.
fn byte(cell: &[u8]) -> Option<u8> {
    if cell.len() <= 3 && !cell.is_empty() && cell.iter().all(u8::is_ascii_digit) {
        let value = cell.iter().fold(0_u16, |value, digit| 10 * value + u16::from(digit - b'0'));
        return u8::try_from(value).ok();
    }
    let value: f64 = str::from_utf8(cell).ok()?.parse().ok()?;
    let byte = value as u8;
    (f64::from(byte) == value).then_some(byte)
}

/// Reads `file`, for fuzzing: any bytes give rows of one length, or an error.
///
/// # Panics
///
/// Panics if the values are not those of the rows.
pub fn check(file: &[u8]) {
    for label in [None, Some("last")] {
        let (bytes, numbers) = (Table::<u8>::read(file, label), Table::<f64>::read(file, label));
        if let Ok(bytes) = &bytes {
            // Every byte is a number, and all else is the same.
            let numbers = numbers.as_ref().unwrap_or_else(|error| panic!("{error}"));
            assert!(numbers.values.iter().copied().eq(bytes.values.iter().map(|byte| f64::from(*byte))));
            assert_eq!((&numbers.labels, &numbers.names), (&bytes.labels, &bytes.names));
        }
        if let Ok(table) = numbers {
            assert_eq!(table.values.len(), table.labels.len() * table.width);
            assert!(table.values.len() <= file.len() && table.values.iter().all(|value| value.is_finite()));
            let classes = table.classes.map_or(MAX_CLASSES, |classes| classes.len());
            assert!(table.labels.iter().all(|label| usize::from(*label) < classes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, TableError> {
        Table::read(text.as_bytes(), None)
    }

    #[test]
    fn tables_with_and_without_a_header_are_read() {
        for text in [
            "label,pixel0,pixel1\n7,0,255\n1,3,4\n",
            "\u{feff}label,pixel0,pixel1\r\n7,0,255\r\n1,3,4",
            "7,0,255\n1,3,4\n",
            "7;0;255\n1;3;4\n",
            "\"pixel0\"\t\"class\"\t\"pixel1\"\n0\t7\t255\n3\t1\t4\n",
            "Label,0,1\n7.0, 0 ,2.55e2\n\n1,3,4.0\n",
        ] {
            let table = read(text).unwrap();
            assert_eq!((table.width, table.labels, table.classes), (2, vec![7, 1], None), "{text:?}");
            assert_eq!(table.values, [0, 255, 3, 4]);
        }
        assert_eq!(read("7,0,255\n").unwrap().names, None);
        assert_eq!(read("a,label,b\n0,7,255\n").unwrap().names.unwrap(), ["a", "b"]);
        let last = Table::<u8>::read(&b"0,255,7\n3,4,1\n"[..], Some("last")).unwrap();
        assert_eq!((last.labels, last.values), (vec![7, 1], vec![0, 255, 3, 4]));
        let named = Table::<u8>::read(&b"last,x,kind\n1,2,b\n3,4,a"[..], Some("kind")).unwrap();
        assert_eq!((named.labels, named.classes.unwrap()), (vec![1, 0], vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn numbers_of_any_size_are_read() {
        let text = "species,length (cm),x\na,5.1,-3e-2\nb,.5,70000\n";
        let table = Table::<f64>::read(text.as_bytes(), None).unwrap();
        assert_eq!((table.values, table.labels), (vec![5.1, -0.03, 0.5, 70_000.0], vec![0, 1]));
        assert_eq!(table.names.unwrap(), ["length (cm)", "x"]);
        for cell in ["", "NaN", "inf", "1e999", "5,1", "0x10", "\u{661}"] {
            let text = format!("species;x\na;1.5\nb;{cell}\n");
            let error = Table::<f64>::read(text.as_bytes(), None).unwrap_err().to_string();
            assert!(error.contains("line 3, column 2 (x): found") && error.contains("a finite number"), "{error}");
        }
    }

    #[test]
    fn labels_that_are_text_are_numbered_by_name() {
        let table = read("species,x\nsetosa,1\n\"iris, wild\",2\n").unwrap_err().to_string();
        assert!(table.contains("line 3 has 3 cells, expected 2"), "{table}");
        let table = read("virginica,1\nsetosa,2\nvirginica,3\n").unwrap();
        assert_eq!(
            (table.labels, table.classes.unwrap()),
            (vec![1, 0, 1], vec!["setosa".to_owned(), "virginica".to_owned()])
        );
    }

    #[test]
    fn errors_name_line_and_column() {
        let many: String = (0..300).map(|row| format!("{row}x,1\n")).collect();
        for (text, part) in [
            ("label,a,b\n1,2,3\n1,x,3\n", "line 3, column 2 (a): found \"x\""),
            ("1,2,3\n1,2,256\n", "line 2, column 3: found \"256\""),
            ("1,2,3\n1,,3\n", "column 2: found \"\""),
            ("1,2,3\n1,2.5,3\n", "found \"2.5\""),
            ("1,2,3\n1,-1,3\n", "found \"-1\""),
            ("1,2,3\n1,NaN,3\n", "found \"NaN\""),
            ("1,2,3\n1,2\n", "line 2 has 2 cells, expected 3"),
            ("", "no line"),
            ("label\n1\n", "one column"),
            ("label,a\n", "no row"),
            (many.as_str(), "more than 256 different labels"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
        let error = Table::<u8>::read(&b"1,2\n"[..], Some("kind")).unwrap_err().to_string();
        assert!(error.contains("no column \"kind\"") && error.contains("\"1, 2\""), "{error}");
    }

    #[test]
    fn endless_lines_are_refused() {
        for byte in [b'"', b'1', b',', 0] {
            let endless = io::repeat(byte).take(1 << 40);
            let error = Table::<u8>::read((&b"1,2\n\""[..]).chain(endless), None).unwrap_err().to_string();
            assert!(error.contains("a line has more than 1048576 bytes"), "{error}");
        }
    }
}
