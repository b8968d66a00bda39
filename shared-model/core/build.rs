//! Selects the kernels of the target's core: see `src/kernel/core/mod.rs`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(kernel_armv6m, kernel_armv7m, kernel_dsp, kernel_helium, kernel_assembly, \
         kernel_simd, armv8m)"
    );
    let target = env::var("TARGET").unwrap_or_default();
    let is_bare_arm = target.starts_with("thumb");
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    // Vectors use the floating-point registers, which the start-up code enables for this ABI only.
    if has("HELIUM") && is_bare_arm && !(target.starts_with("thumbv8m.main") && target.ends_with("eabihf")) {
        println!("cargo::error=the feature `helium` is for thumbv8m.main-none-eabihf, not for {target}");
        return;
    }
    let kernels: &[&str] = if target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base") {
        &["kernel_armv6m"]
    } else if target.starts_with("thumbv7em") {
        &["kernel_dsp"]
    } else if target.starts_with("thumbv8m.main") && has("HELIUM") {
        &["kernel_dsp", "kernel_helium"]
    } else if target.starts_with("thumbv8m.main") && has("DSP") {
        &["kernel_dsp"]
    } else if target.starts_with("thumbv7m") || target.starts_with("thumbv8m.main") {
        &["kernel_armv7m"]
    } else {
        &[]
    };
    if target.starts_with("thumbv8m") {
        println!("cargo::rustc-cfg=armv8m");
    }
    // Matches the targets of `wide` in Cargo.toml.
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    let is_aarch64 = is("CARGO_CFG_TARGET_ARCH", "aarch64") && is("CARGO_CFG_TARGET_ENDIAN", "little");
    if has("SIMD") && (is("CARGO_CFG_TARGET_ARCH", "x86_64") || is_aarch64) {
        println!("cargo::rustc-cfg=kernel_simd");
    }
    if !kernels.is_empty() {
        println!("cargo::rustc-cfg=kernel_assembly");
    }
    for kernel in kernels {
        println!("cargo::rustc-cfg={kernel}");
    }
}
