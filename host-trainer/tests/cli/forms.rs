//! Data sets as NumPy arrays, tables and CIFAR-10's files.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use predicates::str::contains;
use serde_json::{Value, json as value};

use crate::files::{SIDE, bars, gzip};
use crate::project::{Project, failure, json};

/// Builds a NumPy array.
pub fn npy(descr: &str, shape: &str, items: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), items].concat()
}

/// Builds an archive of deflated arrays.
pub fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for (name, content) in arrays {
        let name = format!("{name}.npy");
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let numbers = [crc.sum(), packed.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat();
        let fields = [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0], &numbers[..], &(name.len() as u16).to_le_bytes()].concat();
        let start = (file.len() as u32).to_le_bytes();
        file.extend([b"PK\x03\x04", &fields[..], &[0; 2], name.as_bytes(), &packed].concat());
        list.extend([b"PK\x01\x02\x14\0", &fields[..], &[0; 12], &start, name.as_bytes()].concat());
    }
    let count = (arrays.len() as u16).to_le_bytes();
    let numbers = [list.len() as u32, file.len() as u32].map(u32::to_le_bytes).concat();
    [&file[..], &list, b"PK\x05\x06\0\0\0\0", &count, &count, &numbers, &[0; 2]].concat()
}

/// Builds the arrays of `count` bars: images as bytes, labels as 64-bit integers in a column.
fn arrays(count: u32) -> [Vec<u8>; 2] {
    let (pixels, labels) = bars(count);
    let labels: Vec<u8> = labels.into_iter().flat_map(|label| i64::from(label).to_le_bytes()).collect();
    [npy("|u1", &format!("({count}, 6, 6)"), &pixels), npy("<i8", &format!("({count}, 1)"), &labels)]
}

/// Builds a table of `count` bars, with a header.
fn table(count: u32, header: bool) -> String {
    let (pixels, labels) = bars(count);
    let cells = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(",") + "\n";
    let mut text = String::new();
    if header {
        text += &("label,".to_owned() + &cells(&mut (1..=36).map(|pixel| format!("pixel{pixel}"))));
    }
    for (image, label) in pixels.chunks_exact((SIDE * SIDE) as usize).zip(labels) {
        text += &(format!("{label},") + &cells(&mut image.iter().map(u8::to_string)));
    }
    text
}

fn described(project: &Project, arguments: &[&str]) -> Value {
    json(project.command(&["data", "--json"]).args(arguments).assert())
}

fn write(project: &Project, name: &str, content: impl AsRef<[u8]>) {
    let path = project.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn arrays_and_tables_are_the_same_data_set_as_idx_files() {
    let project = Project::new();
    let expected = described(&project, &["data"]);
    let [[images, labels], [test_images, test_labels]] = [arrays(240), arrays(60)];
    let names = |names: [&'static str; 4]| {
        let contents = [&images, &labels, &test_images, &test_labels].map(Clone::clone);
        npz(&names.into_iter().zip(contents).collect::<Vec<_>>())
    };
    write(&project, "keras.npz", names(["x_train", "y_train", "x_test", "y_test"]));
    write(&project, "medmnist", names(["train_images", "train_labels", "test_images", "test_labels"]));
    write(&project, "mine.npz", names(["a", "b", "c", "../d"]));
    write(&project, "pair/bars_train.csv", table(240, true));
    write(&project, "pair/bars_test.csv.gz", gzip(table(60, false).as_bytes()));
    for arguments in [&["keras.npz"][..], &["medmnist"], &["mine.npz", "--key", "a,b,c,../d"], &["pair"]] {
        let found = described(&project, arguments);
        for key in ["train_sha256", "test_pictures", "classes", "rows", "channels"] {
            assert_eq!(found[key], expected[key], "{arguments:?}");
        }
    }
    // Without a test split, a share of each class; a run keeps the options.
    write(&project, "all.csv.gz", gzip(table(300, true).replace("label", "kind").as_bytes()));
    let data = ["--data", "all.csv.gz", "--test-share", "0.2", "--label-column", "kind"];
    let train = ["train", "--epochs", "5", "--hidden", "8", "--learning-rate", "0.01", "--run", "run", "--json"];
    json(project.command(&train).args(data).assert());
    let evaluated = json(project.run(&["evaluate", "run", "--json"]));
    assert_eq!((&evaluated["pictures"], &evaluated["data"]["is_own"]), (&60.into(), &true.into()));
    let two = described(&project, &["mine.npz", "--key", "a,b", "--test-share", "0.25"]);
    assert_eq!((&two["train_pictures"], &two["test_pictures_by_class"]), (&180.into(), &value!([20, 20, 20])));
}

#[test]
fn unsuitable_arrays_are_refused_by_name() {
    let project = Project::new();
    let [images, labels] = arrays(60);
    let floats: Vec<u8> = (0..60 * 36).flat_map(|_| 0.5_f32.to_le_bytes()).collect();
    let floats = npy("<f4", "(60, 6, 6)", &floats);
    let endless = npy("|u1", "(1000000, 30, 30)", &[1, 2, 3]);
    let mut bomb = images.clone();
    bomb.resize(64 << 20, 0);
    let whole = npz(&[("x", images.clone()), ("y", labels.clone())]);
    let both = |images: &Vec<u8>, labels: &Vec<u8>| npz(&[("x", images.clone()), ("y", labels.clone())]);
    let cases: [(Vec<u8>, &[&str]); 10] = [
        (npz(&[("frames", images.clone()), ("y", labels.clone())]), &["has the arrays frames, y", "--key"]),
        (both(&floats, &labels), &["array x: item 0 is 0.5", "astype('uint8')"]),
        (both(&endless, &labels), &["array x: it is cut off"]),
        (both(&bomb, &labels), &["array x: bytes follow after its 2160 values"]),
        (both(&npy("|u1", "(99999999999, 9)", &[]), &labels), &["array x: its shape is 99999999999 x 9"]),
        (both(&npy("|u1", "(2, 2, 2, 5)", &[0; 40]), &labels), &["array x", "2 x 2 x 2 x 5", "expected images"]),
        (both(&images, &npy("|u1", "(60, 3)", &[0; 180])), &["array y", "60 x 3", "argmax"]),
        (both(&images, &npy("|u1", "(59,)", &[0; 59])), &["60 images but 59 labels"]),
        (both(&images, &b"no array".to_vec()), &["array y", "does not begin with"]),
        (whole[..whole.len() - 30].to_vec(), &["not a zip archive"]),
    ];
    let run = |more: &[&str]| project.command(&["data", "all.npz"]).args(more).assert();
    for (content, parts) in cases {
        write(&project, "all.npz", content);
        failure(run(&["--test-share", "0.2"]), 1, parts);
    }
    write(&project, "all.npz", whole);
    failure(run(&[]), 2, &["no test images of its own"]);
    failure(run(&["--test-share", "0.2", "--key", "x,z"]), 2, &["no array z, but x, y"]);
    failure(run(&["--test-share", "0.2", "--key", "x,y,x"]), 2, &["--key has 3 names, expected 2 or 4"]);
    failure(run(&["--test-share", "0.2", "--label-column", "last"]), 2, &["--label-column does not apply"]);
    failure(run(&["--test-share", "0.2", "--image-size", "5x6"]), 1, &["--image-size does not apply"]);
    let more = npz(&[("x", images.clone()), ("y", labels), ("z", images)]);
    write(&project, "all.npz", more);
    run(&["--test-share", "0.2"]).success().stderr(contains("not used: z"));
}

#[test]
fn unsuitable_tables_are_refused_with_line_and_column() {
    let project = Project::new();
    let text = table(60, true);
    let run = |more: &[&str]| project.command(&["data", "all.csv", "--test-share", "0.2"]).args(more).assert();
    let line = "0,".to_owned() + &["7"; 36].join(",");
    let cases: [(String, &[&str]); 6] = [
        (text.clone() + &line.replace("7,7,7,7,7", "7,7,x,7,7") + "\n", &["line 62, column", "found \"x\""]),
        (text.clone() + "1,2,3\n", &["line 62 has 3 cells, expected 37"]),
        (text.clone() + &line.replacen("7", "256", 1), &["line 62, column 2 (pixel1): found \"256\""]),
        (text.lines().map(|line| line.to_owned() + ",0\n").collect(), &["37 values", "not a square", "--image-size"]),
        (text.replace("\n2,", "\n3,"), &["go up to 3", "no image has label 2"]),
        ("\u{1}\u{2}".to_owned(), &["one column"]),
    ];
    for (content, parts) in cases {
        write(&project, "all.csv", content);
        failure(run(&[]), 1, parts);
    }
    write(&project, "all.csv", &text);
    json(run(&["--image-size", "4x9", "--json"]));
    failure(run(&["--image-size", "5x9"]), 1, &["a row has 36 values, expected 45"]);
    failure(run(&["--label-column", "kind"]), 1, &["no column \"kind\"", "label, pixel1"]);
    failure(run(&["--grey"]), 2, &["CSV, to which --grey does not apply"]);
    // Names of classes are kept; those for testing must be among them.
    let named = |text: &str| text.replace("\n0,", "\nleft,").replace("\n1,", "\nmiddle,").replace("\n2,", "\nright,");
    write(&project, "named/train.csv", named(&text));
    write(&project, "named/test.csv", named(&text));
    assert_eq!(described(&project, &["named"])["classes"], value!(["left", "middle", "right"]));
    write(&project, "named/test.csv", named(&text).replace("middle", "centre"));
    failure(project.run(&["data", "named"]), 1, &["test.csv", "label \"centre\" is not one of the training images"]);
    write(&project, "named/test.csv", &text);
    failure(project.run(&["data", "named"]), 1, &["label \"0\" is not one of"]);
    write(&project, "table.parquet", "PAR1....");
    failure(project.run(&["data", "table.parquet"]), 1, &["it is a Parquet table", "docs/data.md"]);
}

#[test]
fn the_files_of_cifar_10_are_read() {
    let project = Project::new();
    let folder = Path::new("cifar");
    // The class is the channel that is bright.
    let record = |label: u8| {
        let plane = |channel: u8| vec![if channel == label % 3 { 200 } else { label * 9 }; 1024];
        [vec![label], plane(0), plane(1), plane(2)].concat()
    };
    let batch: Vec<u8> = (0..10).flat_map(record).collect();
    for name in ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"] {
        write(&project, folder.join(name).to_str().unwrap(), &batch);
    }
    let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    write(&project, "cifar/batches.meta.txt", names.join("\n") + "\n\n");
    let found = described(&project, &["cifar"]);
    assert_eq!((&found["train_pictures"], &found["channels"], &found["rows"]), (&20.into(), &3.into(), &32.into()));
    assert_eq!(found["classes"], value!(names));
    let shown = json(project.run(&["show", "--data", "cifar", "--index", "4", "--out", "four.png", "--json"]));
    assert_eq!(shown["pixels"][0].as_array().unwrap()[..4], [36, 200, 36, 36].map(Value::from));
    assert_eq!(described(&project, &["cifar", "--grey"])["channels"], 1);
    write(&project, "cifar/data_batch_2.bin", &batch[..batch.len() - 1]);
    failure(project.run(&["data", "cifar"]), 1, &["data_batch_2.bin", "3072 bytes after the start of record 9"]);
    write(&project, "cifar/data_batch_2.bin", record(10));
    failure(project.run(&["data", "cifar"]), 1, &["record 0 has label 10", "CIFAR-10's binary version"]);
}
