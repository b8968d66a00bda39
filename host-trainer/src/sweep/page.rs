//! The table in Markdown.

use super::row::FrontierRow;

/// Number of columns at the left that contain words.
const WORDS: usize = 3;

/// Returns the table in Markdown.
pub fn markdown(rows: &[FrontierRow]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = (0..FrontierRow::HEADER.len()).map(|column| if column < WORDS { "---" } else { "---:" });
    let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    let rows: String = rows.iter().map(|row| line(&row.cells())).collect();
    line(&FrontierRow::HEADER.map(str::to_owned)) + &rule + &rows
}

#[cfg(test)]
mod tests {
    use super::super::row::LayerSet;
    use super::*;

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
            layers: LayerSet::Dense,
            cascade: false,
            instructions_m4_max: Some(80_000),
            instructions_m3: None,
            instructions_m55: Some(20_000),
            cycles_m4: Some(92_000),
            class_only: false,
        };
        let table = markdown(&[row]);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines.iter().all(|line| line.matches('|').count() == FrontierRow::HEADER.len() + 1), "{table}");
        assert_eq!(
            lines[2],
            "| 784-128-10 | ternary | taught, QAT | - | 2 | 90.12 \u{b1} 0.13 | 70,000 | 80,000 | - | - | 20,000 | \
             92,000 | 27,000 | 2,000 |"
        );
    }
}
