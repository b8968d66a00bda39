//! The cores that the static library is built for.

/// A core, or several for which the same library is best.
pub struct Core {
    /// The name of its folder.
    pub name: &'static str,
    /// The compiler's name of the target.
    pub triple: &'static str,
    /// Features of prenda-c.
    pub features: &'static [&'static str],
    pub parts: &'static str,
    /// Flags of GCC.
    pub flags: &'static str,
    /// Folders that Arduino searches: `{build.mcu}`, then floating-point unit and interface, if the
    /// board's flags have them.
    pub arduino: &'static [&'static str],
    /// A condition on Zephyr's configuration, in CMake.
    pub zephyr: &'static str,
}

pub const CORES: [Core; 10] = [
    Core {
        name: "cortex-m0",
        triple: "thumbv6m-none-eabi",
        features: &[],
        parts: "Cortex-M0, M0+, M1",
        flags: "-mcpu=cortex-m0",
        arduino: &["cortex-m0", "cortex-m0plus"],
        zephyr: "CONFIG_CPU_CORTEX_M0 OR CONFIG_CPU_CORTEX_M0PLUS OR CONFIG_CPU_CORTEX_M1",
    },
    Core {
        name: "cortex-m3",
        triple: "thumbv7m-none-eabi",
        features: &[],
        parts: "Cortex-M3",
        flags: "-mcpu=cortex-m3",
        arduino: &["cortex-m3"],
        zephyr: "CONFIG_CPU_CORTEX_M3",
    },
    Core {
        name: "cortex-m4f",
        triple: "thumbv7em-none-eabihf",
        features: &[],
        parts: "Cortex-M4, M7",
        flags: "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16",
        arduino: &["cortex-m4/fpv4-sp-d16-hard", "cortex-m7/fpv5-sp-d16-hard", "cortex-m7/fpv5-d16-hard"],
        zephyr: "(CONFIG_CPU_CORTEX_M4 OR CONFIG_CPU_CORTEX_M7) AND CONFIG_FP_HARDABI",
    },
    Core {
        name: "cortex-m4",
        triple: "thumbv7em-none-eabi",
        features: &[],
        parts: "Cortex-M4, M7, other interfaces",
        flags: "-mcpu=cortex-m4 -mfloat-abi=soft",
        arduino: &[
            "cortex-m4",
            "cortex-m4/fpv4-sp-d16-softfp",
            "cortex-m7",
            "cortex-m7/fpv5-sp-d16-softfp",
            "cortex-m7/fpv5-d16-softfp",
        ],
        zephyr: "CONFIG_CPU_CORTEX_M4 OR CONFIG_CPU_CORTEX_M7",
    },
    Core {
        name: "cortex-m23",
        triple: "thumbv8m.base-none-eabi",
        features: &[],
        parts: "Cortex-M23",
        flags: "-mcpu=cortex-m23",
        arduino: &["cortex-m23"],
        zephyr: "CONFIG_CPU_CORTEX_M23",
    },
    Core {
        name: "cortex-m33f",
        triple: "thumbv8m.main-none-eabihf",
        features: &["cortex-m33"],
        parts: "Cortex-M33 with DSP",
        flags: "-mcpu=cortex-m33 -mfloat-abi=hard -mfpu=fpv5-sp-d16",
        arduino: &["cortex-m33/fpv5-sp-d16-hard"],
        zephyr: "CONFIG_CPU_CORTEX_M33 AND CONFIG_ARMV8_M_DSP AND CONFIG_FP_HARDABI",
    },
    Core {
        name: "cortex-m33",
        triple: "thumbv8m.main-none-eabi",
        features: &["cortex-m33"],
        parts: "Cortex-M33 with DSP, other interfaces",
        flags: "-mcpu=cortex-m33 -mfloat-abi=soft",
        arduino: &["cortex-m33", "cortex-m33/fpv5-sp-d16-softfp"],
        zephyr: "CONFIG_CPU_CORTEX_M33 AND CONFIG_ARMV8_M_DSP",
    },
    Core {
        name: "cortex-m55",
        triple: "thumbv8m.main-none-eabihf",
        features: &["cortex-m55"],
        parts: "Cortex-M55 with Helium",
        flags: "-mcpu=cortex-m55 -mfloat-abi=hard",
        arduino: &[],
        zephyr: "CONFIG_CPU_CORTEX_M55 AND CONFIG_ARMV8_1_M_MVEI AND CONFIG_FP_HARDABI",
    },
    Core {
        name: "riscv32imac",
        triple: "riscv32imac-unknown-none-elf",
        features: &[],
        parts: "RV32IMAC",
        flags: "-march=rv32imac -mabi=ilp32",
        arduino: &[],
        zephyr: "CONFIG_RISCV AND NOT CONFIG_64BIT AND CONFIG_RISCV_ISA_EXT_A AND CONFIG_RISCV_ISA_EXT_C",
    },
    Core {
        name: "riscv32imc",
        triple: "riscv32imc-unknown-none-elf",
        features: &[],
        parts: "RV32IMC, such as ESP32-C3",
        flags: "-march=rv32imc -mabi=ilp32",
        arduino: &["esp32c3"],
        zephyr: "CONFIG_RISCV AND NOT CONFIG_64BIT AND CONFIG_RISCV_ISA_EXT_C",
    },
];
