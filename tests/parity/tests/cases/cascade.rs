//! A cascade: a device says which network answered, and another network is a difference.

use checks::{Layer, Network, reference};
use libtest_mimic::Failed;
use parity::{Device, Lab, sweep};
use prenda::{AnswersHeader, LayerKind, Model, Prediction, Requant, Shape, WeightOrder, Window, argmax, softmax};

use super::{Case, Fixture};

/// Cases for every device.
pub const CASCADE_CASES: &[(&str, Case)] = &[("cascade", cascade), ("wrong_network", wrong_network)];

/// Difference of two pixels from which the first network answers.
const MARGIN: u8 = 100;

/// Images: this many values of the first pixel.
const IMAGES: u8 = 64;

/// Every image is answered by the same network as in the slow reference.
fn cascade(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let model = model();
    let answers = answers(&model)?;
    let (header, records) = AnswersHeader::parse(&answers)?;
    let records: Vec<_> = records.collect();
    let second = records.iter().filter(|record| record.network == 1).count() as u64;
    let all = u64::from(IMAGES);
    assert!(second > 0 && second < all, "{second}");
    let (record, _) = sweep(&mut device.start(lab, &model)?, &header, records, |_| {})?;
    assert!(record.agrees(), "{record:?}");
    assert_eq!(record.answered_by, [all - second, second]);
    Ok(())
}

/// Equal outputs of another network than the host's are a difference of their own.
fn wrong_network(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let model = model();
    let answers = answers(&model)?;
    let (header, records) = AnswersHeader::parse(&answers)?;
    let records = records.enumerate().map(|(index, mut record)| {
        record.network ^= u8::from(index == 3);
        record
    });
    let (record, _) = sweep(&mut device.start(lab, &model)?, &header, records, |_| {})?;
    assert!(!record.agrees(), "{record:?}");
    assert_eq!((record.networks_different, record.different()), (1, 1), "{record:?}");
    let text = record.networks_text().ok_or("the model is a cascade")?;
    assert!(text.ends_with("1 by another network than on the host"), "{text}");
    Ok(())
}

/// Returns a cascade of two networks with equal logits: 2^20 for each unit of a pixel.
fn model() -> Vec<u8> {
    let requants = |shift| vec![Requant::new(Requant::MIN_MULTIPLIER, shift).expect("both are in range"); 2];
    let dense = || Layer {
        kind: LayerKind::Dense,
        order: WeightOrder::Pairs,
        biases: vec![0; 2],
        requants: requants(10),
        weights: vec![1, 0, 0, 1],
    };
    let window = Window { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    // Copies the image.
    let convolution = Layer {
        kind: LayerKind::Convolution(window),
        order: WeightOrder::Pairs,
        biases: vec![0],
        requants: requants(30)[..1].to_vec(),
        weights: vec![1, 0],
    };
    let network = Network {
        shape: Shape::grey(1, 2),
        class_names: vec!["first".into(), "second".into()],
        layers: vec![dense(), convolution, dense()],
        features: Vec::new(),
        ends: vec![(1, i32::from(MARGIN) << 20)],
        image: vec![7, 200],
    };
    network.encode()
}

/// Returns the answers of the slow reference.
fn answers(model: &[u8]) -> Result<Vec<u8>, Failed> {
    let view = Model::parse(model)?;
    let header = AnswersHeader { model: view.id(), images: IMAGES.into(), inputs: 2, classes: 2, networks: 2 };
    let mut file: Vec<u8> = header.bytes().collect();
    for first in 0..IMAGES {
        let pixels = [4 * first, first.wrapping_mul(74) | 1];
        let found = reference(&view, &pixels);
        let logits: Vec<i32> = found.logits().iter().map(|&logit| logit as i32).collect();
        let (mut scratch, mut probabilities) = ([0; 2], [0; 2]);
        softmax(&logits, &mut scratch, &mut probabilities);
        let class = argmax(&logits);
        let prediction = Prediction { class, network: found.network, logits: &logits, probabilities: &probabilities };
        let start = file.len();
        file.resize(start + header.record_bytes(), 0);
        header.write_record(&mut file[start..], &pixels, class as u8, &prediction).ok_or("the shapes match")?;
    }
    Ok(file)
}
