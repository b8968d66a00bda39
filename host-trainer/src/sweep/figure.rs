use serde::Serialize;

/// Mean and spread of several values, such as the results of several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub mean: f64,
    /// The standard deviation, estimated from the sample; `None` if there is one value only.
    pub standard_deviation: Option<f64>,
}

impl Figure {
    /// Computes the figure of one or more `values`.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, standard_deviation: (count > 1.0).then(|| (squares / (count - 1.0)).sqrt()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_needs_two_values() {
        assert_eq!(Figure::of([0.5]), Figure { mean: 0.5, standard_deviation: None });
        let figure = Figure::of([1.0, 2.0, 3.0]);
        assert_eq!(figure, Figure { mean: 2.0, standard_deviation: Some(1.0) });
    }
}
