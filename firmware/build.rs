//! Selects the board: source file, linker script, chip and architecture.

use std::path::Path;
use std::{env, fs};

/// Architectures with different registers: `cfg` name and prefix of the targets.
const ARCHITECTURES: [(&str, &str); 3] = [("armv6m", "thumbv6m"), ("armv7m", "thumbv7"), ("armv8m", "thumbv8m")];

/// The environment variable that requests more memory, for builds without optimization. It defines
/// `_roomy` for `memory.x`.
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
    // Not in rustflags, which an environment variable could replace.
    println!("cargo::rustc-link-arg-bins=-L{}", folder.display());
    if target.starts_with("riscv") {
        // The script of riscv-rt, unlike that of cortex-m-rt, does not include it.
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    if env::var_os(ROOMY).is_some() {
        println!("cargo::rustc-link-arg-bins=--defsym=_roomy=1");
    }
    // The kernels' tests encode, parse and infer at once.
    println!("cargo::rustc-link-arg-bin=kernels=--defsym=_deep_stack=1");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // Otherwise unwind tables of discarded functions refer to code at address 0, and backtraces are
    // wrong.
    println!("cargo::rustc-link-arg-bins=-zdead-reloc-in-nonalloc=.debug_frame=0xffffffff");
    Ok(())
}
