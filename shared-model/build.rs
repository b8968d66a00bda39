//! Names the kernels of the core that this is built for: see `src/kernel/tile/mod.rs`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!(
        "cargo::rustc-check-cfg=cfg(kernel_armv6m, kernel_armv7m, kernel_dsp, kernel_helium, kernel_assembly, kernel_simd, armv8m)"
    );
    let target = env::var("TARGET").unwrap_or_default();
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
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
    if target.starts_with("x86_64") || target.starts_with("aarch64-") {
        println!("cargo::rustc-cfg=kernel_simd");
    }
    if !kernels.is_empty() {
        println!("cargo::rustc-cfg=kernel_assembly");
    }
    for kernel in kernels {
        println!("cargo::rustc-cfg={kernel}");
    }
}
