//! Selects the kernels of the target's core: see `src/kernel/core/mod.rs`.

use std::env;

/// The variable that allows `opt-level = 0` on a device.
const ALLOW_UNOPTIMIZED: &str = "PRENDA_ALLOW_OPT_LEVEL_0";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={ALLOW_UNOPTIMIZED}");
    println!(
        "cargo::rustc-check-cfg=cfg(kernel_armv6m, kernel_armv7m, kernel_dsp, kernel_helium, kernel_assembly, \
         kernel_simd, armv8m)"
    );
    let target = variable("TARGET");
    match kernels(&target).and_then(|kernels| check_optimization().map(|()| kernels)) {
        Ok(kernels) => {
            for kernel in kernels {
                println!("cargo::rustc-cfg={kernel}");
            }
        }
        Err(error) => println!("cargo::error={error}"),
    }
    if target.starts_with("thumbv8m") {
        println!("cargo::rustc-cfg=armv8m");
    }
}

/// Returns the `cfg` names of the kernels for `target`.
fn kernels(target: &str) -> Result<&'static [&'static str], String> {
    let is_mainline = target.starts_with("thumbv8m.main");
    if target.starts_with("thumb") {
        check_features(target, is_mainline)?;
    }
    Ok(if target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base") {
        &["kernel_assembly", "kernel_armv6m"]
    } else if target.starts_with("thumbv7em") || is_mainline && has("DSP") {
        &["kernel_assembly", "kernel_dsp"]
    } else if is_mainline && has("HELIUM") {
        &["kernel_assembly", "kernel_dsp", "kernel_helium"]
    } else if target.starts_with("thumbv7m") || is_mainline {
        &["kernel_assembly", "kernel_armv7m"]
    } else if has("SIMD") && has_vectors() {
        &["kernel_simd"]
    } else {
        &[]
    })
}

/// Checks that the features name the core if, and only if, the target leaves it open.
fn check_features(target: &str, is_mainline: bool) -> Result<(), String> {
    let (dsp, helium, without) = (has("DSP"), has("HELIUM"), has("WITHOUT_DSP"));
    match (is_mainline, u8::from(dsp) + u8::from(helium) + u8::from(without)) {
        (false, 0) => Ok(()),
        (false, _) => Err(format!(
            "the features `cortex-m33`, `cortex-m55`, `cortex-m85` and `without-dsp` of prenda are for \
             thumbv8m.main targets, not for {target}; remove them"
        )),
        (true, 0) => Err(format!(
            "the name of {target} leaves open whether the core has the DSP extension or Helium, which make inference \
             two to four times as fast; enable a feature of prenda: `cortex-m33`, `cortex-m55`, `cortex-m85`, or \
             `without-dsp`"
        )),
        // Vectors use the floating-point registers, which the start-up code enables for this ABI
        // only.
        (true, 1) if helium && !target.ends_with("eabihf") => Err(format!(
            "the features `cortex-m55` and `cortex-m85` of prenda are for thumbv8m.main-none-eabihf, not for {target}"
        )),
        (true, 1) => Ok(()),
        (true, _) => Err("found several core features of prenda; enable one of `cortex-m33`, `cortex-m55`, \
                          `cortex-m85` and `without-dsp`"
            .to_owned()),
    }
}

/// Refuses a device's build without optimization.
fn check_optimization() -> Result<(), String> {
    let is_device = variable("CARGO_CFG_TARGET_OS") == "none";
    if is_device && variable("OPT_LEVEL") == "0" && env::var_os(ALLOW_UNOPTIMIZED).is_none() {
        return Err(format!(
            "prenda is built with opt-level 0, at which inference is many times slower; add to Cargo.toml \
             `[profile.dev]` with `opt-level = \"s\"`, build with --release, or set {ALLOW_UNOPTIMIZED}=1"
        ));
    }
    Ok(())
}

/// Returns true if the target is one for which Cargo.toml has `wide`.
fn has_vectors() -> bool {
    match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "x86_64" => true,
        "aarch64" => variable("CARGO_CFG_TARGET_ENDIAN") == "little",
        _ => false,
    }
}

fn has(feature: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{feature}")).is_some()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
