//! Writes the versions of the compiler and the dependencies, which the records of runs contain.

fn main() {
    // Nothing specific to this machine is written, so that builds stay comparable.
    built::write_built_file().expect("cargo hands build scripts an OUT_DIR that can be written to");
}
