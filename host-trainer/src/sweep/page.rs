//! The table in Markdown, and its position in a page.

use thiserror::Error;

use super::row::FrontierRow;

/// The lines before and after the table.
const BEGIN: &str = "<!-- begin: written by `cargo xtask frontier --write-docs` -->\n";
const END: &str = "<!-- end -->\n";

/// Number of columns at the left that contain words.
const WORDS: usize = 3;

/// A page without the lines around the table.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("it has no place for the table; add the lines\n{BEGIN}{END}")]
pub struct PageError;

/// Returns the table in Markdown.
pub fn markdown(rows: &[FrontierRow]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = (0..FrontierRow::HEADER.len()).map(|column| if column < WORDS { "---" } else { "---:" });
    let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    let rows: String = rows.iter().map(|row| line(&row.cells())).collect();
    line(&FrontierRow::HEADER.map(str::to_owned)) + &rule + &rows
}

/// Returns `page` with `table` between the marks.
pub fn splice(page: &str, table: &str) -> Result<String, PageError> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.ok_or(PageError)?;
    Ok(format!("{before}{BEGIN}\n{}\n\n{END}{after}", table.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_between_the_marks_is_replaced() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let new = splice(&page, "| t |\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\n| t |\n\n{END}b\n"));
        assert_eq!(splice(&new, "| t |\n").unwrap(), new);
        assert_eq!(splice("a\n", "t"), Err(PageError));
    }

    #[test]
    fn all_lines_have_the_same_number_of_cells() {
        let row = FrontierRow {
            network: "784-128-10".to_owned(),
            weight_bits: 2,
            sparsity: 0.0,
            recipe: "taught, QAT".to_owned(),
            seeds: vec![1, 2],
            test_accuracy_mean: 0.9012,
            test_accuracy_sd: Some(0.0013),
            instructions_m4: Some(70_000),
            instructions_m0: None,
            model_bytes: 27_000,
            ram_bytes: Some(2000),
        };
        let table = markdown(&[row]);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines.iter().all(|line| line.matches('|').count() == FrontierRow::HEADER.len() + 1), "{table}");
        assert_eq!(
            lines[2],
            "| 784-128-10 | ternary | taught, QAT | - | 2 | 90.12 \u{b1} 0.13 | 70,000 | - | 27,000 | 2,000 |"
        );
    }
}
