//! Hands the binaries their board's linker script and chip, and the code the name of its
//! architecture.

use std::env;

/// Architectures that differ in registers, as `cfg` names, and how their targets begin.
const ARCHITECTURES: [(&str, &str); 3] = [("armv6m", "thumbv6m"), ("armv7m", "thumbv7"), ("armv8m", "thumbv8m")];

/// The environment's variable that asks for more room than what is flashed takes, for builds that
/// are not optimised: in those `memory.x` that know `_roomy`.
const ROOMY: &str = "FIRMWARE_ROOMY";

fn main() -> Result<(), boards::BoardsError> {
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
    // On a host there is no binary to link.
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
    if let Some(chip) = &board.chip {
        println!("cargo::rustc-cfg=known_chip");
        println!("cargo::rustc-env=BOARD_CHIP={chip}");
    }
    // From here and not from rustflags, which an environment variable could erase.
    println!("cargo::rustc-link-arg-bins=-L{}", boards::folder().join(&board.name).display());
    if target.starts_with("riscv") {
        // riscv-rt's script does not ask for it, as cortex-m-rt's does.
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    if env::var_os(ROOMY).is_some() {
        println!("cargo::rustc-link-arg-bins=--defsym=_roomy=1");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // Else the unwind tables of functions that were left out claim addresses from 0, where code
    // lies: backtraces go wrong.
    println!("cargo::rustc-link-arg-bins=-zdead-reloc-in-nonalloc=.debug_frame=0xffffffff");
    Ok(())
}
