//! Checks that `include/prenda.h` was written from the present sources, and that it compiles.

use std::fs;
use std::path::Path;
use std::process::Command;

use crc::{CRC_32_ISO_HDLC, Crc};

/// The files that the header depends on. `cargo xtask check header` has the same list.
const SOURCES: [&str; 4] = ["cbindgen.toml", "src/interface.rs", "src/model.rs", "src/status.rs"];

#[test]
fn the_header_is_of_the_present_sources() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap().replace('\r', "");
    let header = read("include/prenda.h");
    let (text, stored) = header.rsplit_once("/* sources: ").expect("the last line names the sources");
    let crc = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    let mut digest = crc.digest();
    SOURCES.iter().for_each(|name| digest.update(read(name).as_bytes()));
    digest.update(text.as_bytes());
    let computed = format!("{:08x} */\n", digest.finalize());
    assert_eq!(computed, stored, "the header is not of these sources; run `cargo xtask check header`");
}

/// With the compilers of this host, if it has them.
#[test]
fn the_header_is_valid_c_and_cpp() {
    let header = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/prenda.h");
    for (compiler, arguments) in
        [("cc", ["-xc", "-std=c99"]), ("cc", ["-xc", "-std=c11"]), ("c++", ["-xc++", "-std=c++11"])]
    {
        let strict = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"];
        match Command::new(compiler).args(arguments).args(strict).arg(&header).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => println!("{compiler}: {error}"),
        }
    }
}
