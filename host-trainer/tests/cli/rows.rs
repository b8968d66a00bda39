//! Rows of sensor data: trained, exported, inspected, predicted.

use std::fs;
use std::path::Path;

use predicates::str::contains;
use prenda::{AnswersHeader, Model};
use serde_json::{Value, json as value};

use crate::forms::{npy, npz};
use crate::project::{Project, failure, json};

const TABLE: &str = include_str!("../../../examples/iris/iris.csv");
const DATA: [&str; 5] = ["--data", "iris.csv", "--features", "--test-share", "0.2"];
const TRAIN: [&str; 8] = ["--hidden", "8", "--epochs", "30", "--batch-size", "8", "--learning-rate", "0.01"];

fn project() -> Project {
    let project = Project::new();
    fs::write(project.path().join("iris.csv"), TABLE).unwrap();
    project
}

fn train(project: &Project, more: &[&str]) -> Value {
    json(project.command(&["train", "--json", "--run", "run"]).args(DATA).args(TRAIN).args(more).assert())
}

#[test]
fn rows_are_trained_evaluated_and_predicted() {
    let project = project();
    let report = train(&project, &["--export", "iris.bin"]);
    assert!(report["test_accuracy_fixed"].as_f64().unwrap() > 0.8, "{report}");

    let inspected = json(project.run(&["inspect", "iris.bin", "--json"]));
    assert_eq!((&inspected["format"], &inspected["classes"][0]), (&value!(3), &value!("setosa")));
    let feature = &inspected["features"][3];
    assert_eq!((&feature["name"], &feature["decimals"]), (&value!("petal width (cm)"), &value!(1)));
    assert_eq!((&feature["values"], &feature["raw_words"]), (&value!([0.1, 2.5]), &value!([1, 25])));
    let text = project.run(&["inspect", "iris.bin"]).success();
    text.stdout(contains("raw word = value x 10: 1 to 25")).stdout(contains("rows of 4 features"));

    // The run records how its data were read; elsewhere options say it.
    let own = json(project.run(&["evaluate", "run", "--json"]));
    let options = ["evaluate", "iris.bin", "--json"];
    let other = json(project.command(&options).args(DATA).assert());
    assert_eq!((&own["fixed"], &own["data"]["is_own"]), (&other["fixed"], &value!(true)));

    let predicted = json(project.run(&["predict", "run", "--row", "5.1,3.5, 1.4,0.2", "--json"]));
    assert_eq!(predicted["class_name"], "setosa");
    let row: Vec<_> = predicted["row"].as_array().unwrap().iter().map(|feature| feature["raw_word"].clone()).collect();
    assert_eq!(row, [51, 35, 14, 2].map(Value::from));
    let model = fs::read(project.path().join("iris.bin")).unwrap();
    let (model, mut input) = (Model::parse(&model).unwrap(), [0; 4]);
    model.quantize_input(&[51, 35, 14, 2], &mut input).unwrap();
    for (feature, expected) in predicted["row"].as_array().unwrap().iter().zip(input) {
        assert_eq!(feature["input"], expected);
    }
    let below = json(project.run(&["predict", "run", "--row", "-9,-9,-9,1e30", "--json"]));
    assert_eq!((&below["row"][0]["input"], &below["row"][3]["input"]), (&value!(0), &value!(255)));
    project.run(&["predict", "run", "--index", "0"]).success().stdout(contains("petal width (cm)"));
    project.run(&["report", "run"]).success();
    project.run(&["train", "--from", "run", "--qat", "2", "--run", "tuned"]).success();
    let reordered = ["reorder", "iris.bin", "--weight-order", "vectors", "--export", "vectors.bin"];
    project.run(&reordered).success();
    let reordered = json(project.run(&["inspect", "vectors.bin", "--json"]));
    assert_eq!(reordered["features"], inspected["features"]);
}

#[test]
fn a_cascade_keeps_features() {
    let project = project();
    train(&project, &["--export", "small.bin"]);
    let large = ["train", "--run", "large", "--hidden", "12", "--epochs", "30"];
    project.command(&large).args(DATA).args(&TRAIN[4..]).assert().success();
    project.run(&["cascade", "run", "large", "--defer", "0.3", "--export", "both.bin"]).success();
    let inspected = json(project.run(&["inspect", "both.bin", "--json"]));
    assert_eq!(
        (inspected["networks"].as_array().unwrap().len(), &inspected["features"][0]["decimals"]),
        (2, &value!(1))
    );
}

#[test]
fn arrays_of_rows_are_read_like_a_table() {
    let project = project();
    let rows: Vec<Vec<&str>> = TABLE.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let values = rows.iter().flat_map(|row| &row[..4]).map(|cell| cell.parse::<f32>().unwrap());
    let items: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    let labels: Vec<u8> = (0..150).map(|row| row / 50).collect();
    let arrays = [("x", npy("<f4", "(150, 4)", &items)), ("y", npy("|u1", "(150,)", &labels))];
    fs::write(project.path().join("iris.npz"), npz(&arrays)).unwrap();
    let read = |data: &str| json(project.run(&["data", data, "--features", "--test-share", "0.2", "--json"]));
    let (table, array) = (read("iris.csv"), read("iris.npz"));
    assert_eq!(table["train_sha256"], array["train_sha256"]);
    assert_eq!(array["features"][1]["name"], "feature 1");
    assert_eq!(table["features"][1]["raw_words"], array["features"][1]["raw_words"]);
    // A pair of values is a grid of times and axes.
    let shaped = ["data", "iris.csv", "--features", "--test-share", "0.2", "--image-size", "2x2", "--json"];
    let shaped = json(project.run(&shaped));
    assert_eq!((&shaped["rows"], &shaped["columns"]), (&value!(2), &value!(2)));
}

/// Tests that another table is scaled like the model, not by its own range.
#[test]
fn other_rows_are_scaled_like_the_model() {
    let project = project();
    train(&project, &["--export", "iris.bin"]);
    let others: Vec<&str> =
        TABLE.lines().enumerate().filter(|(line, _)| line % 50 < 12).map(|(_, line)| line).collect();
    fs::write(project.path().join("others.csv"), others.join("\n")).unwrap();
    let options = ["evaluate", "iris.bin", "--data", "others.csv", "--features", "--test-share", "0.5"];
    failure(project.run(&options), 1, &["is not the data set of iris.bin"]);
    project.command(&options).args(["--other-data", "--answers", "answers.bin"]).assert().success();
    let (model, answers) = ["iris.bin", "answers.bin"].map(|name| fs::read(project.path().join(name)).unwrap()).into();
    let model = Model::parse(&model).unwrap();
    let inputs = others[1..].iter().map(|line| {
        let raw: Vec<i32> = line.split(',').take(4).map(|cell| cell.replace('.', "").parse().unwrap()).collect();
        let mut input = [0; 4];
        model.quantize_input(&raw, &mut input).unwrap();
        input
    });
    let inputs: Vec<[u8; 4]> = inputs.collect();
    let (_, records) = AnswersHeader::parse(&answers).unwrap();
    for record in records {
        assert!(inputs.iter().any(|input| input == record.pixels), "{:?}", record.pixels);
    }

    let swapped =
        others.join("\n").replacen("sepal length (cm),sepal width (cm)", "sepal width (cm),sepal length (cm)", 1);
    fs::write(project.path().join("others.csv"), swapped).unwrap();
    let parts = ["feature 0: found column sepal width (cm), expected sepal length (cm)"];
    failure(project.command(&options).arg("--other-data").assert(), 1, &parts);
}

#[test]
fn tables_for_training_and_testing_have_the_same_columns() {
    let project = project();
    let folder = project.path().join("pair");
    fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("rows-train.csv", "kind,a,b\nx,0,1.5\ny,10,2.5\nx,2,2\n");
    write("rows-test.csv", "kind,a,b\ny,-7,99\n");
    let data = json(project.run(&["data", "pair", "--features", "--json"]));
    assert_eq!(data["features"][0]["raw_words"], value!([0, 10]));
    assert_eq!(data["features"][1]["raw_words"], value!([15, 25]));
    write("rows-test.csv", "kind,b,a\ny,-7,99\n");
    failure(project.run(&["data", "pair", "--features"]), 1, &["feature 0: found column b, expected a"]);
    write("rows-test.csv", "kind,a\ny,-7\n");
    failure(project.run(&["data", "pair", "--features"]), 1, &["1 columns of values, expected the 2"]);
}

#[test]
fn doubtful_columns_are_warned_of() {
    let project = project();
    let mut text = "kind,constant,outlier,fine,rare\n".to_owned();
    for row in 0..40 {
        let outlier = if row == 7 { 1_000_000 } else { row };
        text += &format!("{},7.5,{outlier},{row},{}\n", row % 2, u8::from(row / 4 == 2));
    }
    fs::write(project.path().join("doubtful.csv"), text).unwrap();
    let run = project.run(&["data", "doubtful.csv", "--features", "--test-share", "0.1"]).success();
    let errors = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(errors.contains("column constant: it is 7.5 in all rows"), "{errors}");
    assert!(errors.contains("column outlier: all but 2 values") && errors.contains("1 of 255 steps"), "{errors}");
    assert!(!errors.contains("column fine") && !errors.contains("column rare"), "{errors}");
}

#[test]
fn wrong_rows_and_options_are_refused() {
    let project = project();
    let images = ["train", "--data", "data", "--epochs", "1", "--export", "images.bin", "--run", "images"];
    project.run(&images).success();
    train(&project, &["--export", "iris.bin"]);
    let write = |name: &str, text: &str| fs::write(project.path().join(name), text).unwrap();
    write("far.csv", "kind,time\na,1\nb,3e10\na,4\n");
    write("text.csv", "kind,a,b\nx,1.5,2\ny,?,2\n");
    write("name.csv", &format!("kind,{}\na,1\nb,3\na,4\n", "x".repeat(65)));
    let read = |data| vec!["data", data, "--features", "--test-share", "0.3"];
    for (code, arguments, parts) in [
        (2, vec!["predict", "iris.bin", "--row", "1,2,3"], vec!["--row has 3 values, expected 4: sepal length (cm), "]),
        (2, vec!["predict", "iris.bin", "--row", "1,2,x,4"], vec!["value 3: found \"x\"", "--row"]),
        (2, vec!["predict", "images.bin", "--row", "1,2,3"], vec!["the model takes images; use --image"]),
        (2, vec!["predict", "iris.bin", "--image", "x.png"], vec!["--image does not apply", "use --row"]),
        (2, vec!["predict", "run", "--index", "0", "--picture", "x.png"], vec!["--picture does not apply"]),
        (1, vec!["data", "iris.csv", "--test-share", "0.2"], vec!["line 2, column 1", "\"5.1\"", "add --features"]),
        (2, [&read("iris.csv")[..], &["--export", "idx"]].concat(), vec!["--export idx writes images"]),
        (2, vec!["data", "data", "--features"], vec!["IDX files, to which --features does not apply"]),
        (2, [&["train", "--recipe", "best"][..], &DATA].concat(), vec!["shifts and mirrors", "--augment 0"]),
        (1, read("far.csv"), vec!["column time: found values from", "divide the column"]),
        (1, read("text.csv"), vec!["line 3, column 2 (a): found \"?\", expected a finite number"]),
        (1, read("name.csv"), vec!["a name of 65 bytes, expected at most 64"]),
        (1, vec!["evaluate", "iris.bin", "--data", "data", "--other-data"], vec!["the model takes rows of features"]),
        (1, [&["evaluate", "images.bin", "--other-data"][..], &DATA].concat(), vec!["the model takes images"]),
    ] {
        failure(project.run(&arguments), code, &parts);
    }
    assert!(!Path::new(&project.path().join("idx")).exists());
}
