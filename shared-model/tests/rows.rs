//! The model of `examples/iris`: rows of raw words, read by the macro and at run time, give the
//! answers that the example has to print.

use std::fmt::Write as _;
use std::{env, fs};

use prenda::{HostWorkspace, Model};

prenda::include_model!(mod iris = "../examples/iris/iris.bin");

const EXAMPLE: &str = "../examples/iris";

#[test]
fn every_row_has_the_same_answer_compiled_in_and_at_run_time() {
    let bytes = fs::read(format!("{EXAMPLE}/iris.bin")).unwrap();
    let model = Model::parse(&bytes).unwrap();
    assert!(model.features().eq(iris::FEATURES));
    let (mut workspace, mut compiled) = (HostWorkspace::new(), iris::Workspace::new());
    let (mut answers, mut correct) = (String::new(), 0);
    let table = fs::read_to_string(format!("{EXAMPLE}/iris.csv")).unwrap();
    for line in table.lines().skip(1) {
        let (values, species) = line.rsplit_once(',').unwrap();
        let mut raw = [0; iris::PIXELS];
        for ((raw, value), feature) in raw.iter_mut().zip(values.split(',')).zip(iris::FEATURES) {
            assert_eq!(feature.decimals, 1);
            *raw = value.replace('.', "").parse().unwrap();
        }
        let mut input = [0; iris::PIXELS];
        model.quantize_input(&raw, &mut input).unwrap();
        assert_eq!(iris::quantize_input(&raw), input);
        let answer = workspace.infer(&model, &input).unwrap();
        assert_eq!(iris::infer(&mut compiled, &input), answer);
        correct += u32::from(iris::NAMES[answer.class] == species);
        writeln!(answers, "{} {:?}", iris::NAMES[answer.class], answer.logits).unwrap();
    }
    assert!(correct >= 140, "{correct} of 150");
    let path = format!("{EXAMPLE}/answers.txt");
    if env::var_os("PRENDA_WRITE_ANSWERS").is_some() {
        fs::write(&path, &answers).unwrap();
    }
    assert_eq!(answers, fs::read_to_string(&path).unwrap(), "PRENDA_WRITE_ANSWERS=1 writes them");
}
