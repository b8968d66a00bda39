//! Adds the folder of `memory.x` to the search path of the linker, and writes the rows of iris.csv
//! as raw words: a program for a real sensor has them from its driver.

use std::path::Path;
use std::{env, fs};

fn main() {
    let var = |name| env::var(name).unwrap_or_default();
    println!("cargo::rustc-link-search={}", var("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=iris.csv");

    let table = fs::read_to_string("iris.csv").expect("iris.csv is in this folder");
    let rows = table.lines().skip(1).map(|line| {
        // Four values in centimetres with one decimal, then the species. Raw words are in
        // millimetres.
        let values = line.split(',').take(4);
        let words: Vec<String> = values.map(|value| value.replace('.', "")).collect();
        format!("[{}],\n", words.join(", "))
    });
    let source = format!("&[{}]", rows.collect::<String>());
    fs::write(Path::new(&var("OUT_DIR")).join("rows.rs"), source).expect("cargo made the folder");
}
