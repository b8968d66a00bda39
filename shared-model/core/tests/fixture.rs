//! Compares this host with the committed answers file: every logit, probability and class.

use std::fs;

use prenda_core::{AnswersHeader, BorrowedWorkspace, HostWorkspace, InferError, Model};

#[test]
fn images_of_the_fixture_have_the_committed_answers() {
    compare("model.bin", "answers.bin");
}

#[test]
fn images_have_the_committed_answers_with_weights_in_vectors() {
    compare("vectors.bin", "vectors-answers.bin");
}

fn compare(model: &str, answers: &str) {
    let read = |name| fs::read(format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/{}"), name)).unwrap();
    let (model, answers) = (read(model), read(answers));
    let model = Model::parse(&model).unwrap();
    let (header, records) = AnswersHeader::parse(&answers).unwrap();
    assert_eq!(header.model, model.id());
    let mut workspace = HostWorkspace::new();
    let mut memory = vec![u32::MAX; model.workspace_bytes() / 4];
    let mut bytes = vec![0; model.classes() * 6];
    let mut logits_compared = 0;
    for record in records {
        let prediction = workspace.infer(&model, record.pixels).unwrap();
        let (logits, probabilities) = prediction.to_bytes(&mut bytes).unwrap();
        assert_eq!((logits, probabilities), (record.logits, record.probabilities));
        assert_eq!(prediction.class, usize::from(record.class));
        logits_compared += prediction.logits.len();
        // In memory of exactly the size that is needed, and in a smaller one.
        let borrowed = BorrowedWorkspace::new(&mut memory).infer(&model, record.pixels);
        assert_eq!(borrowed, Ok(prediction));
        let (_, smaller) = memory.split_first_mut().unwrap();
        let refused = BorrowedWorkspace::new(smaller).infer(&model, record.pixels);
        assert!(matches!(refused, Err(InferError::Memory { .. })));
    }
    assert_eq!(logits_compared, 1280);
}
