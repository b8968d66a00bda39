//! Least squares whose solution is not negative.

/// Sweeps over all unknowns.
const SWEEPS: usize = 100_000;

/// Returns the `x`, none below 0, for which the relative differences between each row times `x` and
/// its target have the smallest sum of squares. Rows with a target of 0 do not count.
pub fn solve(rows: &[(Vec<f64>, f64)]) -> Vec<f64> {
    let unknowns = rows.iter().map(|(row, _)| row.len()).max().unwrap_or(0);
    let rows: Vec<Vec<f64>> = rows
        .iter()
        .filter(|(_, target)| *target > 0.0)
        .map(|(row, target)| row.iter().map(|value| value / target).collect())
        .collect();
    // Columns of length 1 make the sweeps converge.
    let lengths: Vec<f64> =
        (0..unknowns).map(|place| rows.iter().map(|row| row[place] * row[place]).sum::<f64>().sqrt()).collect();
    let column = |place: usize| rows.iter().map(move |row| row[place]);
    let product = |one: usize, other: usize| column(one).zip(column(other)).map(|(a, b)| a * b).sum::<f64>();
    let scale = |place: usize| if lengths[place] > 0.0 { 1.0 / lengths[place] } else { 0.0 };
    let matrix: Vec<Vec<f64>> = (0..unknowns)
        .map(|one| (0..unknowns).map(|other| product(one, other) * scale(one) * scale(other)).collect())
        .collect();
    let targets: Vec<f64> = (0..unknowns).map(|place| column(place).sum::<f64>() * scale(place)).collect();
    let mut x = vec![0.0_f64; unknowns];
    for _ in 0..SWEEPS {
        for place in 0..unknowns {
            if lengths[place] > 0.0 {
                let gradient: f64 = matrix[place].iter().zip(&x).map(|(a, b)| a * b).sum::<f64>() - targets[place];
                x[place] = (x[place] - gradient).max(0.0);
            }
        }
    }
    x.iter().enumerate().map(|(place, value)| value * scale(place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_found_and_are_not_negative() {
        let rows = |cost: [f64; 3]| -> Vec<(Vec<f64>, f64)> {
            let counts = [[1.0, 10.0, 3.0], [1.0, 200.0, 0.0], [1.0, 7.0, 50.0], [1.0, 90.0, 90.0], [1.0, 0.0, 0.0]];
            counts.map(|row| (row.to_vec(), row.iter().zip(cost).map(|(a, b)| a * b).sum())).into()
        };
        let found = solve(&rows([500.0, 2.5, 8.0]));
        for (found, expected) in found.iter().zip([500.0, 2.5, 8.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let bounded = solve(&rows([500.0, 2.5, -1.0]));
        assert_eq!(bounded[2], 0.0);
        assert!(solve(&[]).is_empty());
    }
}
