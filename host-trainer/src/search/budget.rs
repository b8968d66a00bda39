//! The cost of a model, and its limits.

use cycles::Costs;
use prenda::Model;
use serde::Serialize;

use crate::data::Split;
use crate::model::mean_operations;

/// Core whose instructions are estimated.
const CORE: &str = "cortex-m4";

/// Limits of a search; `None` means no limit.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Budgets {
    /// Largest `model.bin`, in bytes.
    pub bytes: Option<usize>,
    /// Most instructions of an inference on a Cortex-M4, the mean over images.
    pub instructions: Option<u64>,
}

/// The cost of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Bytes of `model.bin`.
    pub bytes: usize,
    /// Estimated instructions of an inference on a Cortex-M4, the mean over images.
    pub instructions: u64,
}

impl Price {
    /// Returns the price of `model` for the images of `split`; `None` without images.
    pub fn of(model: &Model<'_>, split: &Split) -> Option<Self> {
        // A test parses the committed costs, which have this core.
        let costs = Costs::committed().ok()?;
        let instructions = costs.get(CORE)?.instructions_of(&mean_operations(model, split)?)?;
        Some(Self { bytes: model.bytes().len(), instructions: instructions.round() as u64 })
    }

    /// Returns the larger share of a budget that this price takes: 1 or less if it is within both.
    pub fn share_of(&self, budgets: &Budgets) -> f64 {
        let share = |cost: f64, budget: Option<f64>| budget.map_or(0.0, |budget| cost / budget);
        let bytes = share(self.bytes as f64, budgets.bytes.map(|bytes| bytes as f64));
        bytes.max(share(self.instructions as f64, budgets.instructions.map(|instructions| instructions as f64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_within_budgets_up_to_a_share_of_one() {
        let price = Price { bytes: 8192, instructions: 20_000 };
        let share = |bytes, instructions| price.share_of(&Budgets { bytes, instructions });
        assert_eq!(share(Some(8192), None), 1.0);
        assert_eq!(share(Some(16_384), Some(40_000)), 0.5);
        assert_eq!(share(Some(16_384), Some(10_000)), 2.0);
        assert_eq!(share(None, None), 0.0);
    }

    #[test]
    fn a_blank_image_costs_fewer_instructions() {
        let model = Model::parse(include_bytes!("../../../tests/fixtures/model.bin")).unwrap();
        let split = |pixel| Split { width: 784, pixels: vec![pixel; 784], labels: vec![0] };
        let [blank, full] = [0, 255].map(|pixel| Price::of(&model, &split(pixel)).unwrap());
        assert_eq!(blank.bytes, model.bytes().len());
        assert!(2 * blank.instructions < full.instructions, "{blank:?} {full:?}");
        assert_eq!(Price::of(&model, &Split { width: 784, pixels: Vec::new(), labels: Vec::new() }), None);
    }
}
