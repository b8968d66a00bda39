//! Files that are malformed, endless, or would fill the memory: each is refused by its name, within
//! bounded memory.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::files::{FILES, SIDE, gzip, idx, names, write_checksum};
use crate::project::{Project, failure, json};

/// Address space of the program in KiB. A larger allocation fails instead of filling the machine's
/// memory.
const ADDRESS_SPACE: u64 = 1280 << 10;

/// Runs the program with `arguments` in that many KiB of address space.
fn within(kib: u64, project: &Project, arguments: &[&str]) -> Assert {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v \"$0\" && exec \"$@\"", &kib.to_string()]);
    command.arg(assert_cmd::cargo::cargo_bin("host-trainer")).args(arguments).current_dir(project.path());
    command.env("FASHION_MNIST_DIR", project.path().join("no-data-here")).assert()
}

fn refused(project: &Project, arguments: &[&str], parts: &[&str]) {
    failure(within(ADDRESS_SPACE, project, arguments), 1, parts);
}

/// Writes a sparse file of `length` bytes: `start`, then zeros that occupy no disk space.
fn write_sparse(path: &Path, start: &[u8], length: u64) {
    let mut file = File::create(path).unwrap();
    file.write_all(start).unwrap();
    file.set_len(length).unwrap();
}

/// Gzips `start` and that many MiB of zeros to about a thousandth of the size.
fn bomb(start: &[u8], mebibytes: usize) -> Vec<u8> {
    let zeros = gzip(&vec![0; 16 << 20]);
    [gzip(start), zeros.repeat(mebibytes / 16)].concat()
}

/// Creates entries of `project` that are not regular files; returns their names and error messages.
fn write_special_files(project: &Project) -> [(&'static str, &'static str); 4] {
    let path = |name: &str| project.path().join(name);
    fs::create_dir(path("folder")).unwrap();
    drop(UnixListener::bind(path("socket")).unwrap());
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", path("link")).unwrap();
    let other = "it is a pipe or a device; name a file";
    [("folder", "it is a folder; name a file"), ("socket", other), ("pipe", other), ("link", other)]
}

#[test]
fn malformed_data_files_are_refused() {
    let project = Project::new();
    let path = |index: usize| project.path().join("data").join(FILES[index]);
    let good = fs::read(path(0)).unwrap();
    let one = idx(&[1, 1, 1], &[7]);
    let cases: [(Vec<u8>, &[&str]); 9] = [
        // A GiB, of which two bytes are read.
        (bomb(&idx(&[1, 1, 1], &[]), 1024), &["bytes after the 17"]),
        // A header for one GiB without its data.
        (idx(&[1 << 24, 8, 8], &[1, 2, 3]), &["cut off", "19 bytes of the 1073741840"]),
        (gzip(&idx(&[1 << 24, 8, 8], &[1, 2, 3])), &["cut off", "19 bytes of the 1073741840"]),
        (idx(&[1 << 24, 8, 9], &[]), &["number of bytes of 1207959552"]),
        (idx(&[u32::MAX, u32::MAX, u32::MAX], &[]), &["number of images of 4294967295"]),
        (idx(&[1, 1 << 14, 1 << 14], &[]), &["number of pixels of an image of 268435456"]),
        (idx(&[240, 0, SIDE], &[]), &["number of rows of 0"]),
        ([gzip(&one), gzip(&one)].concat(), &["bytes after the 17"]),
        (gzip(&good)[..200].to_vec(), &["damaged or cut off"]),
    ];
    for (bytes, parts) in cases {
        fs::write(path(0), bytes).unwrap();
        refused(&project, &["data", "--data", "data"], &[&["data/train-images-idx3-ubyte"], parts].concat());
    }
    write_sparse(&path(0), &idx(&[1, 1, 1], &[]), 100 << 30);
    refused(&project, &["data", "--data", "data"], &["train-images", "bytes after the 17"]);
    write_sparse(&path(0), &[], 100 << 30);
    refused(&project, &["data", "--data", "data"], &["train-images", "does not begin like"]);
    // Consistent, but larger than the address space.
    fs::write(path(0), bomb(&idx(&[1 << 24, 8, 8], &[]), 1024)).unwrap();
    let assert = within(700 << 10, &project, &["data", "--data", "data"]);
    failure(assert, 1, &["train-images", "does not decompress", "memory"]);
    fs::write(path(0), good).unwrap();
    json(within(ADDRESS_SPACE, &project, &["data", "--data", "data", "--json"]));
}

#[test]
fn special_files_are_refused_without_waiting() {
    let project = Project::with_model();
    project.train(&["--run", "run"]).success();
    for (name, error) in write_special_files(&project) {
        let model_error = if name == "folder" { "folder/model.bin: No such file" } else { error };
        refused(&project, &["inspect", name], &["cannot read model", model_error]);
        refused(&project, &["predict", "model.bin", "--image", name], &["cannot read image", name, error]);
        refused(&project, &["import", name, "--data", "data", "--export", "out.bin"], &["cannot import", name, error]);
        refused(
            &project,
            &["data", "--data", "data", "--class-names", name],
            &["cannot read class names", name, error],
        );
        refused(&project, &["train", "--data", "data", "--teacher", name], &["cannot read", name, error]);
        let frontier = ["frontier", "--data", "data", "--draw-only", "--measured", name];
        refused(&project, &frontier, &["cannot read", name, error]);
        let record = project.path().join("run/result.json");
        fs::remove_file(&record).unwrap();
        std::os::unix::fs::symlink(project.path().join(name), &record).unwrap();
        let missing = json(within(ADDRESS_SPACE, &project, &["report", "run", "--json"]))["missing"].clone();
        assert!(missing[0]["problem"].as_str().unwrap().contains(error), "{missing}");
    }
    assert!(!names(project.path()).contains(&"out.bin".to_owned()));
}

#[test]
fn endless_files_are_refused_by_their_length() {
    let project = Project::with_model();
    project.train(&["--run", "run"]).success();
    let endless = |start: &[u8]| write_sparse(&project.path().join("endless"), start, 100 << 30);
    let model = fs::read(project.model()).unwrap();
    endless(&model);
    refused(&project, &["inspect", "endless"], &["cannot read model endless", "more than 134217728 bytes"]);
    refused(&project, &["predict", "model.bin", "--image", "endless"], &["endless is too large", "64 MiB as a file"]);
    refused(&project, &["data", "--data", "data", "--class-names", "endless"], &["endless", "more than"]);
    refused(&project, &["train", "--data", "data", "--teacher", "endless"], &["endless belongs to another data set"]);
    refused(
        &project,
        &["frontier", "--data", "data", "--draw-only", "--measured", "endless"],
        &["endless", "more than"],
    );
    endless(&[&2_u64.to_le_bytes()[..], b"{}"].concat());
    refused(&project, &["import", "endless", "--data", "data", "--export", "out.bin"], &["more than 1073741824 bytes"]);
    for record in ["config.json", "result.json", "history.json", "weights.safetensors", "model.bin", "history.svg"] {
        let path = project.path().join("run").join(record);
        let whole = fs::read(&path).unwrap();
        write_sparse(&path, &whole, 100 << 30);
        let missing = json(within(ADDRESS_SPACE, &project, &["report", "run", "--json"]))["missing"].clone();
        assert_eq!(missing[0]["file"], format!("run/{record}"));
        assert!(missing[0]["problem"].as_str().unwrap().contains("more than"), "{missing}");
        fs::write(&path, whole).unwrap();
    }
}

/// Builds a chunk of a PNG file.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    [&(data.len() as u32).to_be_bytes(), &kind[..], data, &crc.sum().to_be_bytes()].concat()
}

fn deflated(start: &[u8], zeros: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(start.to_vec(), Compression::fast());
    let part = vec![0; 1 << 20];
    for _ in 0..zeros >> 20 {
        encoder.write_all(&part).unwrap();
    }
    encoder.write_all(&part[..zeros % (1 << 20)]).unwrap();
    encoder.finish().unwrap()
}

/// Builds a PNG file: a header for `width` by `height` pixels of a colour `kind`, then `chunks`.
fn png(width: u32, height: u32, kind: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, kind, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunks.concat(), &chunk(b"IEND", &[])].concat()
}

/// Builds a JPEG file with a header for `width` by `height` pixels in `components` colours, without
/// pixels. `frame` is 0xc0 for a baseline JPEG, 0xc2 for a progressive one.
fn jpeg(frame: u8, width: u16, height: u16, components: u8) -> Vec<u8> {
    let segment =
        |marker: u8, data: &[u8]| [&[0xff, marker], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat();
    let sizes = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[components]].concat();
    let parts: Vec<u8> = (1..=components).flat_map(|component| [component, 0x11, 0]).collect();
    let scans: Vec<u8> = (1..=components).flat_map(|component| [component, 0]).collect();
    let last = if frame == 0xc2 { 0 } else { 63 };
    let one_code = |class: u8| [&[class, 1][..], &[0; 16]].concat();
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(frame, &[sizes, parts].concat()),
        segment(0xc4, &one_code(0x00)),
        segment(0xc4, &one_code(0x10)),
        segment(0xda, &[&[components][..], &scans, &[0, last, 0]].concat()),
        vec![0; 64],
        vec![0xff, 0xd9],
    ]
    .concat()
}

#[test]
fn malformed_images_are_refused() {
    let project = Project::with_model();
    let pixels = |bytes| chunk(b"IDAT", &deflated(&[], bytes));
    let text = |kind| chunk(kind, &deflated(b"a\0\0", 256 << 20));
    let small = || pixels((SIDE * (SIDE + 1)) as usize);
    let large = (8_192 + 1) * 8_192;
    let mut photo = Vec::new();
    let grey = image::GrayImage::from_fn(300, 200, |x, y| image::Luma([(x * y) as u8]));
    grey.write_to(&mut std::io::Cursor::new(&mut photo), image::ImageFormat::Jpeg).unwrap();
    let cases: [(&str, Vec<u8>, &str); 17] = [
        ("a huge header", png(u32::MAX >> 1, u32::MAX >> 1, 6, &[]), "too large"),
        ("a wide header", png(16_385, 1, 0, &[small()]), "too large"),
        ("too many pixels", png(16_384, 16_384, 0, &[small()]), "too large"),
        ("no rows", png(SIDE, 0, 0, &[small()]), "cannot read"),
        ("no columns", png(0, SIDE, 0, &[small()]), "cannot read"),
        ("no pixels", png(SIDE, SIDE, 0, &[]), "cannot read"),
        ("too few pixels", png(SIDE, SIDE, 0, &[pixels(20)]), "cannot read"),
        // The maximum number of pixels, in a thousandth of the bytes.
        ("a bomb of pixels", png(8_192, 8_192, 0, &[pixels(large)]), "shows nothing"),
        ("pixels after the last", png(SIDE, SIDE, 0, &[pixels(256 << 20)]), "shows nothing"),
        ("a bomb of text", png(SIDE, SIDE, 0, &[text(b"zTXt"), small()]), "shows nothing"),
        ("a bomb of colours", png(SIDE, SIDE, 0, &[text(b"iCCP"), small()]), "shows nothing"),
        ("a huge JPEG", jpeg(0xc0, 65_500, 65_500, 3), "too large"),
        ("no rows in a JPEG", jpeg(0xc0, 100, 0, 1), "cannot read"),
        ("a bomb of a JPEG", jpeg(0xc0, 8_192, 8_192, 3), "shows nothing"),
        ("a progressive bomb", jpeg(0xc2, 8_192, 8_192, 4), "shows nothing"),
        ("a larger one", jpeg(0xc2, 16_384, 8_192, 4), "too large"),
        ("half a JPEG", photo[..photo.len() / 2].to_vec(), "cut off"),
    ];
    for (name, bytes, part) in cases {
        fs::write(project.path().join(name), bytes).unwrap();
        refused(&project, &["predict", "model.bin", "--image", name], &[name, part]);
    }
}

/// Builds a safetensors file with the header `json` and `data` zero bytes.
fn tensors(json: &str, data: usize) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn malformed_tensors_are_refused() {
    let project = Project::new();
    let tensor = |kind: &str, shape: &str, offsets: &str| {
        format!(r#"{{"fc.weight":{{"dtype":"{kind}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let good = tensor("F32", "[3,36]", "[0,432]");
    let twice = format!("{},{}", good.trim_end_matches('}'), &good[1..]).replace("[0,432],", "[0,432]},");
    // The maximum count of numbers in a header.
    let numbers = tensor("F32", &format!("[{}1]", "1,".repeat((4 << 20) - 60)), "[0,4]");
    let cases: [(&str, Vec<u8>, &str); 16] = [
        ("header beyond the end", tensors(&good, 432)[..40].to_vec(), "not a safetensors file"),
        (
            "header of the maximum length",
            [&u64::MAX.to_le_bytes()[..], &[0; 100]].concat(),
            "header of 18446744073709551615 bytes",
        ),
        ("empty header", tensors("", 0), "header of 0 bytes"),
        (
            "header of gibibytes",
            [&(1_u64 << 32).to_le_bytes()[..], &[b' '; 100]].concat(),
            "header of 4294967296 bytes",
        ),
        ("header that is not JSON", tensors(&good[1..], 432), "not a safetensors file"),
        ("header that never closes", tensors(&"[".repeat(100_000), 0), "not a safetensors file"),
        ("header full of numbers", tensors(&numbers, 4), "4194245 dimensions"),
        ("too little data", tensors(&good, 431), "not a safetensors file"),
        ("too much data", tensors(&good, 433), "not a safetensors file"),
        ("offsets that overlap nothing", tensors(&tensor("F32", "[3,36]", "[4,436]"), 436), "not a safetensors file"),
        ("offsets backwards", tensors(&tensor("F32", "[3,36]", "[432,0]"), 432), "not a safetensors file"),
        ("maximum offset", tensors(&tensor("F32", "[3,36]", "[0,18446744073709551615]"), 432), "not a safetensors"),
        (
            "a shape that overflows",
            tensors(&tensor("F32", "[4294967296,4294967296]", "[0,0]"), 0),
            "not a safetensors file",
        ),
        ("a shape with a zero", tensors(&tensor("F32", "[0,9223372036854775807]", "[0,0]"), 0), "no matrix has a name"),
        ("numbers of an unknown type", tensors(&tensor("F31", "[3,36]", "[0,432]"), 432), "not a safetensors file"),
        ("one name twice", tensors(&twice, 432), ""),
    ];
    for (name, bytes, part) in cases {
        fs::write(project.path().join(name), &bytes).unwrap();
        let arguments = ["import", name, "--data", "data", "--export", "out.bin"];
        if part.is_empty() {
            // The last one is used, as usual in JSON.
            within(ADDRESS_SPACE, &project, &arguments).success();
            continue;
        }
        refused(&project, &arguments, &["cannot import", name, part]);
        refused(
            &project,
            &["train", "--data", "data", "--teacher", name],
            &[name, "is not a file of host-trainer teach"],
        );
    }
}

#[test]
fn every_command_names_a_damaged_record() {
    let project = Project::new();
    project.train(&["--run", "run"]).success();
    let run = |name: &str| project.path().join("run").join(name);
    let nested = "[".repeat(1 << 20);
    let wide = format!("[{}0]", "0,".repeat(30 << 20));
    let escape = r#"{"train":{"backend":"\u001b[2J"}}"#;
    for name in ["config.json", "history.json", "result.json", "evaluation.json", "quantization.json"] {
        let whole = fs::read(run(name)).unwrap();
        for content in ["", "null", "{}", &nested, &wide, escape, "\u{0}", r#"{"model_id":1e999}"#] {
            fs::write(run(name), content).unwrap();
            let assert = within(ADDRESS_SPACE, &project, &["report", "run", "--json"]);
            let missing = json(assert)["missing"].clone();
            let problem = missing[0]["problem"].as_str().unwrap();
            assert!(missing[0]["file"] == format!("run/{name}") && problem.contains("is damaged"), "{missing}");
            if ["config.json", "result.json"].contains(&name) {
                let parts = [&format!("run/{name}"), "is damaged"];
                refused(&project, &["train", "--data", "data", "--from", "run"], &parts);
                let assert = within(ADDRESS_SPACE, &project, &["evaluate", "run", "--data", "data"]).success();
                let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
                assert!(stderr.contains("warning: ") && stderr.contains(name) && !stderr.contains('\x1b'), "{stderr}");
            }
        }
        fs::write(run(name), whole).unwrap();
    }
    project.train(&["--hidden", "none", "--run", "small"]).success();
    project.run(&["cascade", "small", "run", "--data", "data", "--run", "both", "--defer", "0.5"]).success();
    for content in ["", "{}", &nested, &wide, escape, "\u{0}", r#"{"model_id":1e999}"#] {
        fs::write(project.path().join("both/cascade.json"), content).unwrap();
        let missing = json(within(ADDRESS_SPACE, &project, &["report", "both", "--json"]))["missing"].clone();
        let problem = missing[0]["problem"].as_str().unwrap();
        assert!(missing[0]["file"] == "both/cascade.json" && problem.contains("is damaged"), "{missing}");
        let assert = within(ADDRESS_SPACE, &project, &["evaluate", "both", "--data", "data"]).success();
        let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(
            stderr.contains("warning: ") && stderr.contains("cascade.json") && !stderr.contains('\x1b'),
            "{stderr}"
        );
    }
    // A valid model of another run is refused.
    project.train(&["--seed", "2", "--export", "model.bin"]).success();
    fs::copy(project.model(), run("model.bin")).unwrap();
    refused(
        &project,
        &["train", "--data", "data", "--from", "run"],
        &["run/model.bin is damaged", "result.json names model"],
    );
}

/// Appends a table of a model: padding to a multiple of 16, then the data.
fn put_table(blob: &mut Vec<u8>, data: &[u8]) {
    let length = varint(data.len());
    let padding = (blob.len() + 1 + length.len()).wrapping_neg() % 16;
    blob.extend([&[padding as u8][..], &vec![0; padding], &length, data].concat());
}

fn varint(number: usize) -> Vec<u8> {
    if number < 128 { vec![number as u8] } else { [vec![number as u8 | 128], varint(number >> 7)].concat() }
}

/// Builds a model of the maximum width and depth, pruned to one weight in each layer: 2 MB that
/// represent 3.5 GB of weights.
fn widest() -> Vec<u8> {
    let mut blob = b"PRENDA\x1a\x0a\x01\0\0\0\0\x01\x01\x02\x01a\x01b\x10".to_vec();
    for outputs in [16_384; 15].into_iter().chain([2]) {
        blob.extend([vec![5], varint(outputs)].concat());
        let counts = [vec![1, 0], vec![0; 2 * outputs.div_ceil(8) - 2]].concat();
        put_table(&mut blob, &vec![0; 4 * outputs]);
        put_table(&mut blob, &[0, 0, 0, 0x40].repeat(outputs));
        put_table(&mut blob, &vec![40; outputs]);
        put_table(&mut blob, &counts);
        put_table(&mut blob, &[0; 2]);
        put_table(&mut blob, &[&[5][..], &[0; 15]].concat());
    }
    blob.extend([&[0, 0, 0, 1, 1][..], &[0; 32], &[1, 1, 1, 1, 1], &[0; 4]].concat());
    let length = blob.len() as u32;
    blob[9..13].copy_from_slice(&length.to_le_bytes());
    write_checksum(&mut blob);
    blob
}

#[test]
fn a_small_file_with_many_pruned_weights_is_inspected_but_not_reordered() {
    let project = Project::new();
    fs::write(project.path().join("wide.bin"), widest()).unwrap();
    let inspected = json(within(ADDRESS_SPACE, &project, &["inspect", "wide.bin", "--json"]));
    assert_eq!(inspected["layers"][1]["zero_weights"], 16_384 * 16_384 - 1);
    assert_eq!(inspected["layers"][1]["weights"], serde_json::json!([0, 5]));
    let parts = ["its layers have 3758145536 weights", "at most 276824064"];
    refused(&project, &["reorder", "wide.bin", "--weight-order", "vectors", "--export", "out.bin"], &parts);
    assert!(!project.path().join("out.bin").exists());
}
