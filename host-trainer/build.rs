//! Writes down what this program is built from, for the records of its runs.

fn main() {
    // Nothing of the machine goes in: the versions of dependencies and compiler are those of any
    // other build like it.
    built::write_built_file().expect("cargo hands build scripts an OUT_DIR that can be written to");
}
