//! Selects the board: its source file, linker script and chip, and the name of its architecture.

use std::path::Path;
use std::{env, fs};

/// Architectures that differ in registers: the `cfg` name and the prefix of their targets.
const ARCHITECTURES: [(&str, &str); 3] = [("armv6m", "thumbv6m"), ("armv7m", "thumbv7"), ("armv8m", "thumbv8m")];

/// The environment variable that asks for more memory than the flashed program gets, for builds
/// that are not optimised. It defines `_roomy` for `memory.x`.
const ROOMY: &str = "FIRMWARE_ROOMY";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=boards");
    println!("cargo::rerun-if-env-changed={ROOMY}");
    let target = env::var("TARGET").unwrap_or_default();
    for (name, beginning) in ARCHITECTURES {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if target.starts_with(beginning) {
            println!("cargo::rustc-cfg={name}");
        }
    }
    println!("cargo::rustc-check-cfg=cfg(known_chip)");
    // There is nothing to select on a host.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return Ok(());
    }
    let all = boards::all()?;
    let is_chosen =
        |name: &str| env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase().replace('-', "_"))).is_some();
    let chosen: Vec<_> = all.iter().filter(|board| is_chosen(&board.name)).collect();
    let [board] = chosen.as_slice() else {
        let names: Vec<_> = all.iter().map(|board| board.name.as_str()).collect();
        println!("cargo::error=choose one board by `--features BOARD`; the boards are: {}", names.join(", "));
        return Ok(());
    };
    let folder = boards::folder().join(&board.name);
    let source = format!("#[path = {:?}]\nmod selected;\n", folder.join("board.rs"));
    fs::write(Path::new(&env::var("OUT_DIR")?).join("selected_board.rs"), source)?;
    if let Some(chip) = &board.chip {
        println!("cargo::rustc-cfg=known_chip");
        println!("cargo::rustc-env=BOARD_CHIP={chip}");
    }
    // Here and not in rustflags, which an environment variable could erase.
    println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    if target.starts_with("riscv") {
        // Unlike cortex-m-rt's script, riscv-rt's does not include it.
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    if env::var_os(ROOMY).is_some() {
        println!("cargo::rustc-link-arg-bins=--defsym=_roomy=1");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // Otherwise unwind tables of discarded functions claim addresses from 0, where code is, and
    // backtraces are wrong.
    println!("cargo::rustc-link-arg-bins=-zdead-reloc-in-nonalloc=.debug_frame=0xffffffff");
    Ok(())
}
