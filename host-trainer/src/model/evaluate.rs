//! Runs a model over a split in fixed point, on all cores.

use std::cmp::Reverse;
use std::num::NonZero;
use std::thread;

use prenda::{
    AnswersHeader, HostWorkspace, InferError, LOGIT_FRACTION_BITS, Model, Network, PROBABILITY_ONE, Prediction,
};

use crate::data::Split;
use crate::model::estimates::mean_operations;
use crate::model::softmax::softmax;
use crate::model::{ClassResult, Evaluation, Mistake, NetworkResult, PixelBytes, Sample, multiplications};
use crate::network::calibrate::cross_entropy;

/// The answers of the fixed-point network over a split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// The predicted class of each image.
    pub predictions: Vec<u16>,
    /// The network that answered each image, from 0.
    pub networks: Vec<u8>,
    /// The probability of that class, Q1.15.
    pub confidences: Vec<u16>,
    /// The cross-entropy of the logits, for each image.
    pub losses: Vec<f64>,
    /// The largest difference between a probability and the softmax of the same logits in `f64`.
    pub largest_softmax_error: f64,
}

impl Evaluated {
    fn add(&mut self, prediction: &Prediction<'_>, label: u8) {
        self.predictions.push(prediction.class as u16);
        self.networks.push(prediction.network as u8);
        self.confidences.push(prediction.probabilities.get(prediction.class).copied().unwrap_or_default());
        self.losses.push(cross_entropy(logits(prediction), label.into()));
        self.largest_softmax_error = self.largest_softmax_error.max(softmax_error(prediction));
    }

    fn append(&mut self, part: Self) {
        self.predictions.extend(part.predictions);
        self.networks.extend(part.networks);
        self.confidences.extend(part.confidences);
        self.losses.extend(part.losses);
        self.largest_softmax_error = self.largest_softmax_error.max(part.largest_softmax_error);
    }
}

/// Infers every image of `split`.
pub fn evaluate(view: &Model<'_>, split: &Split) -> Result<Evaluated, InferError> {
    let parts = for_each_image(view, split, |index, prediction, part: &mut Evaluated| {
        part.add(prediction, split.labels[index]);
    })?;
    let mut evaluated = Evaluated::default();
    parts.into_iter().for_each(|part| evaluated.append(part));
    Ok(evaluated)
}

/// Like [`evaluate`], but also returns the answers file: images, labels, classes, logits,
/// probabilities.
pub fn evaluate_with_answers(view: &Model<'_>, split: &Split) -> Result<(Evaluated, Vec<u8>), InferError> {
    let header = answers_header(view, split.len() as u32);
    type Answers = (Evaluated, Vec<u8>);
    let parts = for_each_image(view, split, |index, prediction, (evaluated, records): &mut Answers| {
        evaluated.add(prediction, split.labels[index]);
        let start = records.len();
        records.resize(start + header.record_bytes(), 0);
        // Cannot fail: inference has just checked these shapes.
        let _ = header.write_record(&mut records[start..], split.image(index), split.labels[index], prediction);
    })?;
    let mut file: Vec<u8> = header.bytes().collect();
    let mut evaluated = Evaluated::default();
    for (part, records) in parts {
        evaluated.append(part);
        file.extend(records);
    }
    Ok((evaluated, file))
}

/// Returns the answers file of one image.
pub fn answer_file(view: &Model<'_>, pixels: &[u8], label: u8, prediction: &Prediction<'_>) -> Vec<u8> {
    let header = answers_header(view, 1);
    let mut file: Vec<u8> = header.bytes().collect();
    let start = file.len();
    file.resize(start + header.record_bytes(), 0);
    // Cannot fail: inference has just checked these shapes.
    let _ = header.write_record(&mut file[start..], pixels, label, prediction);
    file
}

fn answers_header(view: &Model<'_>, images: u32) -> AnswersHeader {
    AnswersHeader {
        model: view.id(),
        images,
        inputs: view.input_width() as u32,
        classes: view.classes() as u16,
        networks: view.networks().len() as u8,
    }
}

/// Returns the largest difference between a probability and the softmax of the logits in `f64`.
fn softmax_error(prediction: &Prediction<'_>) -> f64 {
    let exact = softmax(logits(prediction));
    let found = prediction.probabilities.iter().map(|&value| probability(value));
    let errors = exact.iter().zip(found).map(|(exact, found)| (exact - found).abs());
    errors.fold(0.0, f64::max)
}

/// Converts a probability of the model, Q1.15, to a share, 0..=1.
pub fn probability(value: u16) -> f64 {
    f64::from(value) / f64::from(PROBABILITY_ONE)
}

/// Returns the logits as real numbers.
fn logits(prediction: &Prediction<'_>) -> impl Iterator<Item = f64> + Clone {
    let one = f64::from(1_u32 << LOGIT_FRACTION_BITS);
    prediction.logits.iter().map(move |&logit| f64::from(logit) / one)
}

/// Most mistakes listed in an evaluation.
const MAX_SHOWN_MISTAKES: usize = 30;

/// Most samples in an evaluation.
const MAX_SAMPLES: usize = 6;

/// Summarizes `evaluated`, the answers of `view` over `split`.
pub fn describe(view: &Model<'_>, split: &Split, evaluated: &Evaluated) -> Evaluation {
    let answers = || split.labels.iter().map(|&label| usize::from(label)).zip(&evaluated.predictions);
    let mut confusion = vec![vec![0_u32; view.classes()]; view.classes()];
    for (label, &class) in answers() {
        if let Some(count) = confusion.get_mut(label).and_then(|row| row.get_mut(usize::from(class))) {
            *count += 1;
        }
    }
    let share = |part: u32, whole: u32| (whole > 0).then(|| f64::from(part) / f64::from(whole));
    let classes = view.class_names().enumerate().map(|(class, name)| {
        let images = confusion[class].iter().sum();
        let predicted = confusion.iter().map(|row| row[class]).sum();
        let correct = confusion[class][class];
        let (precision, recall) = (share(correct, predicted), share(correct, images));
        let f1 = share(2 * correct, predicted + images);
        ClassResult { name: name.to_owned(), images, predicted, correct, precision, recall, f1 }
    });
    let classes = classes.collect();

    let mut wrong: Vec<_> = answers().zip(&evaluated.confidences).enumerate().collect();
    wrong.retain(|(_, ((label, class), _))| *label != usize::from(**class));
    // The sort is stable: equally confident mistakes keep the order of the split.
    wrong.sort_by_key(|(_, (_, confidence))| Reverse(**confidence));
    let mistakes = wrong.iter().take(MAX_SHOWN_MISTAKES).map(|&(index, ((label, &class), &confidence))| Mistake {
        index,
        label,
        class: class.into(),
        probability: probability(confidence),
        pixels: PixelBytes(split.image(index).to_vec()),
    });
    let (correct, images) = (split.count_correct(&evaluated.predictions), split.len() as u32);
    Evaluation {
        model_id: view.id().to_string(),
        images,
        correct,
        accuracy: share(correct, images).unwrap_or_default(),
        loss: Some(evaluated.losses.iter().sum::<f64>() / f64::from(images.max(1))),
        largest_softmax_error: evaluated.largest_softmax_error,
        mistakes: mistakes.collect(),
        samples: samples(view, split),
        confusion,
        classes,
        networks: networks(view, split, evaluated),
        operations: mean_operations(view, split),
    }
}

/// Returns the first images of different classes, and their answers.
fn samples(view: &Model<'_>, split: &Split) -> Vec<Sample> {
    let mut workspace = Box::new(HostWorkspace::new());
    let mut labels = Vec::new();
    let mut samples = Vec::new();
    for (index, &label) in split.labels.iter().enumerate() {
        if labels.contains(&label) {
            continue;
        }
        labels.push(label);
        // Cannot fail: all images have been inferred.
        let Ok(answer) = workspace.infer(view, split.image(index)) else { continue };
        samples.push(Sample {
            index,
            label: label.into(),
            probabilities: answer.probabilities.iter().map(|&value| probability(value)).collect(),
            pixels: PixelBytes(split.image(index).to_vec()),
        });
        if samples.len() == MAX_SAMPLES {
            break;
        }
    }
    samples
}

/// Returns the result of each network of a cascade; an empty vector for other models.
fn networks(view: &Model<'_>, split: &Split, evaluated: &Evaluated) -> Vec<NetworkResult> {
    if view.networks().len() < 2 {
        return Vec::new();
    }
    let result = |(index, network): (usize, Network<'_, '_>)| {
        let answers = evaluated.networks.iter().zip(evaluated.predictions.iter().zip(&split.labels));
        let answers = answers.filter(|(answered, _)| usize::from(**answered) == index);
        let (mut images, mut correct) = (0, 0);
        for (_, (&class, &label)) in answers {
            images += 1;
            correct += u32::from(class == u16::from(label));
        }
        NetworkResult {
            images,
            correct,
            share: f64::from(images) / f64::from(split.len().max(1) as u32),
            accuracy: (images > 0).then(|| f64::from(correct) / f64::from(images)),
            multiplications: multiplications(network.layers()) as u64,
        }
    };
    view.networks().enumerate().map(result).collect()
}

/// Distributes the images over all cores. Each thread collects into its own value; the values are
/// returned in the order of the images.
pub fn for_each_image<T: Default + Send>(
    view: &Model<'_>,
    split: &Split,
    collect: impl Fn(usize, &Prediction<'_>, &mut T) + Sync,
) -> Result<Vec<T>, InferError> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = split.len().div_ceil(threads).max(1);
    let work = |first: usize| {
        let mut workspace = Box::new(HostWorkspace::new());
        let mut collected = T::default();
        for index in first..split.len().min(first + share) {
            collect(index, &workspace.infer(view, split.image(index))?, &mut collected);
        }
        Ok(collected)
    };
    thread::scope(|scope| {
        let starts = (0..split.len()).step_by(share);
        let work = &work;
        let workers: Vec<_> = starts.map(|first| scope.spawn(move || work(first))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::DenseParameters;
    use crate::quantize::{encode_plain, quantize_dense};

    /// Predicts class 0 if the first pixel is the brighter one, otherwise class 1.
    fn brighter_pixel() -> Vec<u8> {
        let layer = DenseParameters { inputs: 2, outputs: 2, weights: vec![1.0, 0.0, 0.0, 1.0], biases: vec![0.0; 2] };
        encode_plain(&quantize_dense(&[layer], &[]).unwrap(), 2)
    }

    fn split() -> Split {
        let labels: Vec<u8> = (0..101).map(|index| index % 2).collect();
        Split { width: 2, pixels: labels.iter().flat_map(|label| [200 - 200 * label, 100]).collect(), labels }
    }

    #[test]
    fn answers_keep_the_order_of_the_images() {
        let (bytes, split) = (brighter_pixel(), split());
        let view = Model::parse(&bytes).unwrap();
        let evaluated = evaluate(&view, &split).unwrap();
        assert_eq!(split.count_correct(&evaluated.predictions), 101);
        assert_eq!(evaluated.predictions[..4], [0, 1, 0, 1]);
        // Logits of class 0: 200/255 and 0. Those of class 1: 100/255.
        let softplus = |difference: f64| difference.exp().ln_1p();
        for (loss, expected) in evaluated.losses.iter().zip([softplus(-100.0 / 255.0); 2]) {
            assert!((loss - expected).abs() < 1e-4, "{loss} {expected}");
        }
        assert!(evaluated.largest_softmax_error > 0.0 && evaluated.largest_softmax_error < 2.0 / 32768.0);
    }

    #[test]
    fn the_answers_file_contains_every_image() {
        let (bytes, split) = (brighter_pixel(), split());
        let view = Model::parse(&bytes).unwrap();
        let (evaluated, file) = evaluate_with_answers(&view, &split).unwrap();
        assert_eq!(evaluated, evaluate(&view, &split).unwrap());
        let (header, records) = AnswersHeader::parse(&file).unwrap();
        assert_eq!((header.model, header.images), (view.id(), 101));
        for (index, record) in records.enumerate() {
            assert_eq!(record.pixels, split.image(index));
            assert_eq!((record.label, record.class), (split.labels[index], evaluated.predictions[index]));
        }
    }

    #[test]
    fn images_of_another_size_are_refused() {
        let bytes = brighter_pixel();
        let view = Model::parse(&bytes).unwrap();
        let split = Split { width: 3, pixels: vec![0; 3], labels: vec![0] };
        assert_eq!(evaluate(&view, &split), Err(InferError::InputLength { expected: 2, found: 3 }));
    }

    #[test]
    fn classes_and_mistakes_are_described() {
        let layer = DenseParameters { inputs: 1, outputs: 4, weights: vec![1.0; 4], biases: vec![0.0; 4] };
        let bytes = encode_plain(&quantize_dense(&[layer], &[]).unwrap(), 1);
        // No image is predicted as class 2, and no image has label 3.
        let split = Split { width: 1, pixels: vec![0; 6], labels: vec![0, 0, 1, 2, 1, 2] };
        let evaluated = Evaluated {
            predictions: vec![0, 1, 1, 0, 3, 1],
            networks: vec![0; 6],
            confidences: vec![30_000, 16_384, 30_000, 20_000, 16_384, 20_000],
            losses: vec![0.5, 1.0, 1.5, 0.0, 0.0, 3.0],
            largest_softmax_error: 0.5,
        };
        let found = describe(&Model::parse(&bytes).unwrap(), &split, &evaluated);
        assert_eq!((found.images, found.correct, found.accuracy), (6, 2, 2.0 / 6.0));
        assert_eq!(found.confusion, [[1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 0, 0], [0; 4]]);
        let classes: Vec<_> = found.classes.iter().map(|class| (class.precision, class.recall)).collect();
        let third = Some(1.0 / 3.0);
        let expected = [(Some(0.5), Some(0.5)), (third, Some(0.5)), (None, Some(0.0)), (Some(0.0), None)];
        assert_eq!(classes, expected);
        let f1: Vec<_> = found.classes.iter().map(|class| class.f1).collect();
        assert_eq!(f1, [Some(0.5), Some(0.4), Some(0.0), Some(0.0)]);
        assert_eq!(found.loss, Some(1.0));
        // The most confident first; equally confident ones in the order of the split.
        let mistakes: Vec<_> = found.mistakes.iter().map(|mistake| (mistake.index, mistake.probability)).collect();
        let [more, less] = [20_000.0 / 32_768.0, 0.5];
        assert_eq!(mistakes, [(3, more), (5, more), (1, less), (4, less)]);
        assert_eq!((found.mistakes[0].label, found.mistakes[0].class), (2, 0));
    }
}
