//! Trains small networks on images of one row.

use prenda::Shape;

use super::*;
use crate::data::{SoftLabels, Split, VERSIONS};
use crate::network::backend::Backend;
use crate::network::calibrate::measure;
use crate::network::{Pixels, input_tensor};
use crate::quantize::WeightBits;

/// Images of one row.
const IMAGE: Shape = Shape::grey(1, 3);

fn split(images: usize) -> Split {
    // The label is in the first pixel. The other pixels are equal in all images.
    let labels: Vec<u8> = (0..images).map(|index| (index % 2) as u8).collect();
    Split { width: 3, pixels: labels.iter().flat_map(|label| [255 * label, 0, 99]).collect(), labels }
}

fn material<'a>(train: &'a Split, validation: Option<&'a Split>) -> Material<'a> {
    Material { train, validation, soft_labels: None, image: IMAGE, classes: 2, start: None }
}

/// Returns a configuration that learns these images.
pub fn config() -> TrainConfig {
    TrainConfig { epochs: 6, batch_size: 5, learning_rate: 0.03, ..Recipe::Lecture.config(Backend::Flex, vec![4], 3) }
}

#[test]
fn every_backend_learns() {
    for (backend, _) in Backend::present() {
        // Not a multiple of the batch size, so that the last batch is short.
        let (images, validation) = (split(103), split(10));
        let mut seen = Vec::new();
        let config = TrainConfig { backend, ..config() };
        let trained =
            train(&config, material(&images, Some(&validation)), |epoch, _| seen.push(epoch.clone())).unwrap();
        let measured = measure(&trained.network, &images).unwrap();
        assert_eq!(images.count_correct(&measured.predictions), 103, "{backend:?}");
        assert_eq!((trained.stop, trained.kept_epoch), (Stop::Epochs, 6));
        let history = trained.history;
        assert_eq!(history, seen);
        assert_eq!(history.len(), 6);
        assert!(history[5].loss < history[0].loss && history[5].accuracy == 1.0, "{history:?}");
        assert_eq!(history[5].validation_accuracy, Some(1.0));
        assert!(history[5].validation_loss < history[0].validation_loss);
    }
}

#[test]
fn the_same_seed_gives_the_same_weights() {
    for (backend, _) in Backend::present() {
        let weights = |seed| {
            let config = TrainConfig { backend, seed, ..config() };
            train(&config, material(&split(50), None), |_, _| ()).unwrap().network.parameters().unwrap()
        };
        assert_eq!(weights(1), weights(1), "{backend:?}");
        assert_ne!(weights(1), weights(2), "{backend:?}");
    }
}

#[test]
fn the_best_recipe_is_reproducible_and_its_network_takes_plain_pixels() {
    for (backend, _) in Backend::present() {
        let (images, validation) = (split(103), split(10));
        let config = TrainConfig {
            backend,
            epochs: 20,
            batch_size: 5,
            learning_rate: 0.03,
            ..Recipe::Best.config(backend, vec![4], 3)
        };
        let config = TrainConfig { augment: 0.2, ..config };
        let trained = |config: &TrainConfig| train(config, material(&images, Some(&validation)), |_, _| ()).unwrap();
        let first = trained(&config);
        let layers = |trained: &Trained| trained.network.parameters().unwrap();
        assert_eq!(layers(&first), layers(&trained(&config)), "{backend:?}");
        assert_eq!(first.history[19].validation_accuracy, Some(1.0), "{backend:?}");
        assert_eq!(measure(&first.network, &validation).unwrap().loss, first.history[19].validation_loss.unwrap());
        // Each setting has an effect.
        for other in [
            TrainConfig { schedule: Schedule::Constant, ..config.clone() },
            TrainConfig { warm_up: 0.0, ..config.clone() },
            TrainConfig { beta_2: 0.999, ..config.clone() },
            TrainConfig { weight_decay: 0.0, ..config.clone() },
            TrainConfig { augment: 0.3, ..config.clone() },
            TrainConfig { average_epochs: 2, ..config.clone() },
            TrainConfig { pixels: Pixels::Unit, ..config.clone() },
        ] {
            assert_ne!(layers(&first), layers(&trained(&other)), "{other:?}");
        }
    }
}

#[test]
fn a_convolutional_network_learns_and_takes_plain_pixels() {
    for (backend, _) in Backend::present() {
        let (images, validation) = (split(103), split(10));
        let network = Some("conv 4 1x2; depthwise 1x3; avgpool 1x2; dense 2".parse().unwrap());
        let best = Recipe::Best.config(backend, Vec::new(), 3);
        let best = TrainConfig { network, epochs: 12, batch_size: 9, augment: 0.2, average_epochs: 2, ..best };
        let trained = || train(&best, material(&images, Some(&validation)), |_, _| ()).unwrap();
        let first = trained();
        assert_eq!(first.history[11].validation_accuracy, Some(1.0), "{backend:?} {:?}", first.history);
        assert_eq!(measure(&first.network, &validation).unwrap().loss, first.history[11].validation_loss.unwrap());
        assert_eq!(first.network.parameters().unwrap(), trained().network.parameters().unwrap(), "{backend:?}");
        let qat = TrainConfig { average_epochs: 0, qat_epochs: 2, qat_learning_rate: 1e-3, ..best.clone() };
        let trained = train(&qat, material(&images, None), |_, _| ()).unwrap();
        assert_eq!(trained.quantized.unwrap().len(), 3);
        let measured = measure(&trained.network, &images).unwrap();
        assert_eq!(images.count_correct(&measured.predictions), 103, "{backend:?}");
    }
}

#[test]
fn each_compression_trains_and_is_reproducible() {
    let images = split(103);
    let best = TrainConfig { epochs: 20, batch_size: 5, ..Recipe::Best.config(Backend::Flex, vec![8], 3) };
    let best = TrainConfig { augment: 0.0, learning_rate: 0.03, ..best };
    let whole = train(&best, material(&images, None), |_, _| ()).unwrap();
    assert_eq!(whole.quantized, None);
    let qat = TrainConfig { qat_epochs: 3, qat_learning_rate: 1e-3, ..best.clone() };
    for config in [
        TrainConfig { weight_bits: WeightBits::Four, ..qat.clone() },
        TrainConfig { weight_bits: WeightBits::Two, ..qat.clone() },
        TrainConfig { sparsity: 0.5, ..qat.clone() },
        qat,
    ] {
        let mut seen = 0;
        let trained = train(&config, material(&images, None), |_, _| seen += 1).unwrap();
        assert_eq!((seen, trained.history.len(), trained.kept_epoch), (23, 23, 23));
        let quantized = trained.quantized.as_ref().unwrap();
        let largest = quantized[0].weights.iter().map(|weight| weight.unsigned_abs()).max().unwrap();
        assert!(largest <= config.weight_bits.largest().unsigned_abs() && largest > 0);
        // Two pairs of inputs, of which the second has one input. One of the two blocks is kept.
        let is_zero = |input: usize| quantized[0].weights.iter().skip(input).step_by(3).all(|weight| *weight == 0);
        let pruned = (is_zero(0) && is_zero(1)) as usize + is_zero(2) as usize;
        assert_eq!(pruned, usize::from(config.sparsity > 0.0), "{config:?}");
        let measured = measure(&trained.network, &images).unwrap();
        assert_eq!(images.count_correct(&measured.predictions), 103, "{config:?}");
        let again = train(&config, material(&images, None), |_, _| ()).unwrap();
        assert_eq!(again.quantized, trained.quantized);
    }
}

#[test]
fn the_share_weighs_the_teacher_against_the_labels() {
    let images = split(60);
    // The teacher always answers with the wrong class.
    let logits = images
        .labels
        .iter()
        .flat_map(|label| [10.0 * f32::from(*label), 10.0 - 10.0 * f32::from(*label)].repeat(VERSIONS));
    let labels = SoftLabels::from_logits(2, logits.collect());
    let material = Material { soft_labels: Some(&labels), ..material(&images, None) };
    let accuracy = |share| {
        let teacher = Some(Teaching { share, sha256: String::new() });
        let config = TrainConfig { teacher, epochs: 20, ..config() };
        let trained = train(&config, material, |_, _| ()).unwrap();
        measure(&trained.network, &images).unwrap().accuracy(&images)
    };
    assert_eq!((accuracy(0.0), accuracy(0.3), accuracy(0.7), accuracy(1.0)), (1.0, 1.0, 0.0, 0.0));
}

#[test]
fn training_ends_after_the_first_epoch_above_a_threshold() {
    let config = TrainConfig { epochs: 50, stop_at_train_accuracy: Some(0.95), ..config() };
    let trained = train(&config, material(&split(100), None), |_, _| ()).unwrap();
    let Stop::TrainAccuracy { threshold, accuracy } = trained.stop else { panic!("{:?}", trained.stop) };
    let last = trained.history.last().unwrap();
    assert_eq!((threshold, accuracy, trained.kept_epoch), (0.95, last.accuracy, last.epoch));
    assert!(trained.history.iter().all(|epoch| (epoch.accuracy > 0.95) == (epoch.epoch == last.epoch)));
    // An accuracy equal to the threshold does not end training.
    let config = TrainConfig { epochs: 8, stop_at_train_accuracy: Some(1.0), ..config };
    assert_eq!(train(&config, material(&split(100), None), |_, _| ()).unwrap().stop, Stop::Epochs);
}

#[test]
fn patience_keeps_the_network_with_the_lowest_held_out_loss() {
    // The held-out labels are swapped: the better the network, the higher their loss.
    let mut validation = split(20);
    validation.labels.iter_mut().for_each(|label| *label = 1 - *label);
    let config = TrainConfig { epochs: 50, patience: Some(3), ..config() };
    let trained = train(&config, material(&split(100), Some(&validation)), |_, _| ()).unwrap();
    assert_eq!(trained.stop, Stop::Patience { epochs: 3 });
    assert_eq!(trained.history.len(), trained.kept_epoch as usize + 3);
    let kept = measure(&trained.network, &validation).unwrap().loss;
    let lowest = trained.history.iter().map(|epoch| epoch.validation_loss.unwrap()).fold(f64::INFINITY, f64::min);
    assert_eq!(kept, lowest);
}

#[test]
fn a_penalty_makes_pairs_of_activations_zero() {
    let images = split(100);
    for (backend, _) in Backend::present() {
        let active_pairs = |activation_penalty, qat_epochs| {
            let config = TrainConfig { backend, hidden: vec![16], epochs: 20, ..config() };
            let config = TrainConfig { activation_penalty, qat_epochs, qat_learning_rate: 0.01, ..config };
            let network = train(&config, material(&images, None), |_, _| ()).unwrap().network;
            let mut count = 0;
            let input = input_tensor(images.images(), images.width, &network.device());
            network.forward_with(input, |activations| {
                let activations: Vec<f32> = activations.clone().try_into_vec_as().unwrap();
                count += activations.chunks(2).filter(|pair| pair[0] > 0.0 || pair[1] > 0.0).count();
            });
            assert_eq!(images.count_correct(&measure(&network, &images).unwrap().predictions), 100, "{backend:?}");
            count
        };
        let (plain, penalized) = (active_pairs(0.0, 0), active_pairs(1.0, 0));
        for penalized in [penalized, active_pairs(1.0, 5)] {
            assert!(4 * penalized < 3 * plain, "{backend:?}: {penalized} of {plain}");
        }
    }
}

#[test]
fn a_loss_that_is_not_finite_ends_training() {
    let config = TrainConfig { learning_rate: 1e39, epochs: 40, ..config() };
    assert!(matches!(train(&config, material(&split(50), None), |_, _| ()), Err(TrainError::Diverged { .. })));
}
