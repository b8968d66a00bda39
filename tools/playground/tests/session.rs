//! The part of the page that computes, on the host.

use std::fs;
use std::path::Path;

use photos::{Form, Raster};
use playground::{Device, Framing, MAX_PIXELS, PlaygroundError, Session, check_photo};
use prenda::{AnswersHeader, BlobError, Frame, HostWorkspace, Model, Request, encode};

fn read(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn opened(path: &str) -> Session {
    let mut session = Session::default();
    session.open(read(path)).unwrap();
    session
}

#[test]
fn a_model_is_described_and_answers_like_on_the_host() {
    let bytes = read("models/cascade.bin");
    let model = Model::parse(&bytes).unwrap();
    let mut session = opened("models/cascade.bin");
    let text = String::from_utf8(session.output.clone()).unwrap();
    let facts: Vec<&str> = text.split('\0').collect();
    assert_eq!(facts[..6], [&*model.id().to_string(), "28", "28", "1", "2", "5"]);
    assert!(facts[8].contains("dense 10, then conv"), "{}", facts[8]);
    assert_eq!(facts[9..], model.class_names().collect::<Vec<_>>());
    let mut workspace = Box::new(HostWorkspace::new());
    for (index, golden) in model.golden().enumerate() {
        session.golden(index).unwrap();
        let pixels = session.output.clone();
        assert_eq!(pixels, golden.input);
        session.infer(&pixels).unwrap();
        let expected = workspace.infer(&model, &pixels).unwrap();
        let (words, rest) = session.output.split_at(8);
        assert_eq!([words[0], words[4]], [expected.class as u8, expected.network as u8]);
        assert_eq!(rest, [golden.logits, golden.probabilities].concat());
    }
    assert!(matches!(session.golden(5), Err(PlaygroundError::NoSample { index: 5, .. })));
    assert!(matches!(session.infer(&[0; 3]), Err(PlaygroundError::Infer(_))));
}

#[test]
fn a_refused_model_leaves_the_old_one() {
    let mut session = Session::default();
    assert_eq!(session.infer(&[0; 784]), Err(PlaygroundError::NoModel));
    session.open(read("models/cascade.bin")).unwrap();
    let mut damaged = read("models/784-96-10.bin");
    damaged[9_000] ^= 1;
    assert!(matches!(session.open(damaged), Err(PlaygroundError::Model(BlobError::Checksum { .. }))));
    assert_eq!(session.open(Vec::new()), Err(PlaygroundError::Model(BlobError::TooShort { found: 0 })));
    assert!(session.infer(&[0; 784]).is_ok());
}

#[test]
fn photos_take_the_form_of_the_data_set() {
    let mut session = opened("models/cascade.bin");
    let is_inside = |index: usize| (20..35).contains(&(index % 60)) && (10..30).contains(&(index / 60));
    let rgba = |index| if is_inside(index) { [20, 60, 9, 255] } else { [240, 230, 220, 255] };
    let rgba: Vec<u8> = (0..60 * 40).flat_map(rgba).collect();
    let raster = Raster::<4>::new(60, 40, rgba.clone()).unwrap();
    let expected = |form: &Form| photos::convert(&raster.brightness(), (28, 28), None, form).unwrap();
    session.photo(rgba.clone(), (60, 40), None).unwrap();
    let (pixels, conversion) = expected(&Form::FASHION_MNIST);
    assert_eq!(session.output[..784], pixels);
    assert!(session.output[784..].starts_with(conversion.text.as_bytes()));

    let form = Form { background: Some(255), ..Form::FASHION_MNIST };
    let numbers: Vec<u8> = form.numbers().iter().flat_map(|number| number.to_le_bytes()).collect();
    session.set_framing(&numbers).unwrap();
    session.photo(rgba.clone(), (60, 40), None).unwrap();
    assert_eq!(session.output[..784], expected(&form).0);
    assert_eq!(session.set_framing(&numbers[1..]), Err(PlaygroundError::Form));
    assert_eq!(session.set_framing(&[0xFF; 144]), Err(PlaygroundError::Form));
    session.set_framing(&[]).unwrap();
    session.photo(rgba.clone(), (60, 40), None).unwrap();
    assert!(session.output[784..].starts_with(b"middle 40 rows and 40 columns"));

    let mut colours = opened("tests/fixtures/colours.bin");
    colours.photo(rgba.clone(), (60, 40), None).unwrap();
    assert!(session.output.len() > 3 * 64);
    let bytes = PlaygroundError::PhotoBytes { found: rgba.len(), width: 61, height: 40 };
    assert_eq!(session.photo(rgba, (61, 40), None), Err(bytes));
    for (width, height) in [(0, 5), (10_000, 5_000), (u32::MAX, u32::MAX)] {
        assert_eq!(check_photo(width, height), Err(PlaygroundError::PhotoSize { width, height }));
    }
    assert_eq!(check_photo(MAX_PIXELS, 1), Ok(()));
    assert_eq!(Framing::default(), Framing::FashionMnist);
}

#[test]
fn answers_are_compared_in_steps() {
    let mut session = opened("tests/fixtures/model.bin");
    let mut answers = read("tests/fixtures/answers.bin");
    let counts = |session: &Session| -> Vec<u32> {
        session.output.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
    };
    session.compare(answers.clone()).unwrap();
    session.advance(100).unwrap();
    assert_eq!(counts(&session)[..7], [128, 100, 1000, 0, 0, 0, 0]);
    session.advance(usize::MAX).unwrap();
    assert_eq!(counts(&session)[..7], [128, 128, 1280, 0, 0, 0, 0]);
    session.answered_image(127).unwrap();
    assert_eq!(session.output.len(), 785);
    assert!(session.answered_image(128).is_err());

    let (header, _) = AnswersHeader::parse(&answers).unwrap();
    let first = answers.len() - 128 * header.record_bytes() + 784 + 3;
    for changed in [first, first + 5, first + 40] {
        answers[changed] ^= 1;
    }
    session.compare(answers.clone()).unwrap();
    session.advance(1).unwrap();
    assert_eq!(counts(&session)[..7], [128, 1, 10, 2, 1, 0, 0]);

    let mut other = opened("models/784-96-10.bin");
    assert!(matches!(other.compare(answers.clone()), Err(PlaygroundError::OtherModel { .. })));
    answers.truncate(first);
    assert!(matches!(session.compare(answers), Err(PlaygroundError::Answers(_))));
    let header = AnswersHeader { images: 0, ..header };
    assert_eq!(session.compare(header.bytes().collect()), Err(PlaygroundError::NoImages));
    let header = AnswersHeader { inputs: 5, ..header };
    assert!(matches!(session.compare(header.bytes().collect()), Err(PlaygroundError::OtherShape { inputs: 5, .. })));
}

#[test]
fn the_device_serves_frames() {
    let mut device = Device::new(read("models/cascade.bin"));
    let mut buffer = [0; 64];
    let hello = encode(&Frame { sequence: 7, message: Request::Hello }, &mut buffer).unwrap().to_vec();
    let answer = device.serve(&[&hello[..], &hello].concat());
    assert_eq!(answer.windows(4).filter(|bytes| bytes == b"wasm").count(), 4); // board and core, twice
    assert_eq!(answer.iter().filter(|byte| **byte == 0).count(), 4); // before and after each frame
    assert!(device.serve(&[]).is_empty());
    assert!(!Device::new(vec![0xFF; 100]).serve(&hello).is_empty());
}
