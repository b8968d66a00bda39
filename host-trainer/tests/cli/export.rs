//! Models as C source.

use std::fs;
use std::process::Command;

use predicates::str::contains;
use prenda::Model;

use crate::files::names;
use crate::project::{Project, failure, json};

#[test]
fn the_c_files_contain_the_model_and_its_sizes() {
    let project = Project::with_model();
    let exported = json(project.run(&["export", "model.bin", "--c", "firmware/source", "--name", "bars", "--json"]));
    assert_eq!(exported["files"], serde_json::json!(["firmware/source/bars.h", "firmware/source/bars.c"]));
    let read = |name: &str| fs::read_to_string(project.path().join("firmware/source").join(name)).unwrap();
    let bytes = fs::read(project.model()).unwrap();
    let view = Model::parse(&bytes).unwrap();
    let (header, source) = (read("bars.h"), read("bars.c"));
    assert_eq!(exported["workspace_bytes"], view.workspace_bytes());
    for line in [
        "#define BARS_ROWS 6\n",
        "#define BARS_PIXELS 36\n",
        "#define BARS_CLASSES 3\n",
        &format!("#define BARS_BYTES {}\n", bytes.len()),
        &format!("#define BARS_WORKSPACE_BYTES {}\n", view.workspace_bytes()),
    ] {
        assert!(header.contains(line), "{line} is not in {header}");
    }
    let (_, array) = source.split_once("bars_bytes[BARS_BYTES] = {").unwrap();
    let numbers = array.split(|character: char| !character.is_ascii_digit()).filter_map(|word| word.parse::<u8>().ok());
    assert!(numbers.eq(bytes.iter().copied()));
    assert!(source.contains("{\n    \"0\",\n    \"1\",\n    \"2\",\n};"), "{source}");
    project.run(&["export", "model.bin", "--c", "firmware/source"]).success().stdout(contains("source/model.h"));
}

/// With the compiler of this host, if it has one.
#[test]
fn the_c_files_compile_without_warnings() {
    let project = Project::with_model();
    project.run(&["export", "model.bin", "--c", "."]).success();
    for (compiler, arguments) in [("cc", ["-std=c99"]), ("cc", ["-std=c11"]), ("c++", ["-xc++"])] {
        let mut command = Command::new(compiler);
        command.args(arguments).args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-c", "model.c", "-o", "model.o"]);
        match command.current_dir(project.path()).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => println!("{compiler}: {error}"),
        }
    }
}

#[test]
fn other_files_are_replaced_only_on_request() {
    let project = Project::with_model();
    fs::write(project.path().join("model.h"), "mine").unwrap();
    let export = ["export", "model.bin", "--c", "."];
    failure(project.run(&export), 2, &["model.h exists and has another content", "--overwrite", "--name"]);
    assert!(!project.path().join("model.c").exists());
    project.command(&export).arg("--overwrite").assert().success();
    // The same model again.
    project.run(&export).success();
    project.run(&["export", "model.bin", "--c", "model.bin"]).code(1).stderr(contains("cannot create folder"));
}

#[test]
fn a_name_is_one_for_c() {
    let project = Project::with_model();
    for name in ["", "1st", "Shoes", "a-b", "../a", "prenda"] {
        failure(project.run(&["export", "model.bin", "--c", "source", "--name", name]), 2, &["--name"]);
    }
    assert!(!names(project.path()).contains(&"source".to_owned()));
}

/// Builds the crate and runs its example, with the packages of this repository.
#[test]
fn the_crate_classifies() {
    let project = Project::with_model();
    project
        .run(&["export", "model.bin", "--rust", "bars", "--name", "bars"])
        .success()
        .stdout(contains("bars/src/lib.rs"));
    let folder = project.path().join("bars");
    assert_eq!(fs::read(folder.join("model.bin")).unwrap(), fs::read(project.model()).unwrap());
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline", "--quiet", "--target-dir"]).arg(project.path().join("target"));
    for (package, path) in [("prenda", ""), ("prenda-core", "core"), ("prenda-macros", "macros")] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared-model/").to_owned() + path;
        cargo.arg("--config").arg(format!("patch.crates-io.{package}.path={path:?}"));
    }
    let output = cargo.current_dir(&folder).output().unwrap();
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}{errors}");
}

#[test]
fn a_sealed_model_is_the_model_and_its_seal() {
    let project = Project::with_model();
    let exported = json(project.run(&["export", "model.bin", "--sealed", "slot.bin", "--json"]));
    assert_eq!(exported["files"], serde_json::json!(["slot.bin"]));
    let (model, mut sealed) = (fs::read(project.model()).unwrap(), fs::read(project.path().join("slot.bin")).unwrap());
    assert_eq!(sealed.split_at(model.len()), (&model[..], &Model::parse(&model).unwrap().seal()[..]));
    let inspect = |file: &str| json(project.run(&["inspect", file, "--json"]));
    assert_eq!(inspect("slot.bin"), inspect("model.bin"));
    *sealed.last_mut().unwrap() ^= 1;
    fs::write(project.path().join("slot.bin"), &sealed).unwrap();
    failure(project.run(&["inspect", "slot.bin"]), 1, &["model length: found"]);
    failure(project.run(&["export", "model.bin", "--sealed", "slot.bin"]), 2, &["slot.bin exists", "--overwrite"]);
    failure(project.run(&["export", "model.bin", "--sealed", "model.bin", "--overwrite"]), 2, &["model.bin"]);
}

#[test]
fn one_kind_of_source_is_exported_at_a_time() {
    let project = Project::with_model();
    failure(project.run(&["export", "model.bin"]), 2, &["--rust <DIR>"]);
    failure(project.run(&["export", "model.bin", "--rust", "a", "--c", "b"]), 2, &["cannot be used with"]);
}
