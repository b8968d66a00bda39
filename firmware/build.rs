//! Hands each board's binaries its linker script.

use std::env;
use std::path::Path;

/// Boards with a folder under `boards/`, and their binaries.
const BOARDS: [(&str, &[&str]); 1] = [("mps2-an386", &["mps2-an386", "mps2-an386-faults"])];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=boards");
    // On a host there is no binary to link.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let manifest_dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets this for build scripts");
    for (board, binaries) in BOARDS {
        let folder = Path::new(&manifest_dir).join("boards").join(board);
        for binary in binaries {
            // By binary and not by rustflags, which an environment variable could erase.
            println!("cargo::rustc-link-arg-bin={binary}=-L{}", folder.display());
            println!("cargo::rustc-link-arg-bin={binary}=-Tlink.x");
            println!("cargo::rustc-link-arg-bin={binary}=-Tdefmt.x");
            println!("cargo::rustc-link-arg-bin={binary}=--nmagic");
        }
    }
}
