//! A Zephyr module: the library, and the files that Zephyr's build system reads.

use anyhow::Result;

use super::{Folder, Library, table};

pub fn fill(folder: &Folder<'_>, libraries: &[Library]) -> Result<()> {
    folder.copy_libraries(libraries)?;
    folder.write("zephyr/module.yml", include_str!("zephyr/module.yml"))?;
    folder.write("zephyr/Kconfig", include_str!("zephyr/Kconfig"))?;
    folder
        .write("zephyr/CMakeLists.txt", &include_str!("zephyr/CMakeLists.txt").replace("CORES\n", &cores(libraries)))?;
    folder.write("README.md", &include_str!("zephyr/README.md").replace("TABLE\n", &table(libraries)))
}

/// Returns the choice of a library, in CMake: the first whose condition holds.
fn cores(libraries: &[Library]) -> String {
    let mut text = String::new();
    for (Library { core, .. }, word) in libraries.iter().zip(["if"].into_iter().chain(std::iter::repeat("elseif"))) {
        text += &format!("  {word}({})\n    set(PRENDA_CORE {})\n", core.zephyr, core.name);
    }
    text + "  else()\n    message(FATAL_ERROR \"prenda: no library for this core: see its README.md\")\n  endif()\n"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;
    use crate::package::cores::CORES;
    use crate::package::tests::filled;

    /// Stands in for Zephyr's functions.
    const STUBS: &str = "
        function(zephyr_library_import name path)
          message(\"library ${path}\")
        endfunction()
        function(zephyr_include_directories path)
          message(\"include ${path}\")
        endfunction()
    ";

    /// Without CMake, only the text is checked.
    #[test]
    fn each_core_gets_its_library() {
        let folder = filled(fill);
        let lists = folder.path().join("zephyr/CMakeLists.txt");
        let text = fs::read_to_string(&lists).unwrap();
        for core in &CORES {
            assert!(text.contains(&format!("set(PRENDA_CORE {})", core.name)), "{text}");
        }
        let chosen = |configuration: &[&str]| {
            let script = folder.path().join("script.cmake");
            let sets: String = configuration.iter().map(|name| format!("set(CONFIG_{name} y)\n")).collect();
            let path = lists.display();
            fs::write(&script, format!("{STUBS}{sets}set(CONFIG_PRENDA y)\ninclude({path})\n")).unwrap();
            let output = Command::new("cmake").arg("-P").arg(&script).output().ok()?;
            Some(String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let Some(text) = chosen(&["CPU_CORTEX_M0PLUS"]) else { return println!("cmake is not installed") };
        assert!(text.contains("lib/cortex-m0/libprenda.a") && text.contains("include "), "{text}");
        for (configuration, core) in [
            (&["CPU_CORTEX_M4"][..], "cortex-m4"),
            (&["CPU_CORTEX_M7", "FP_HARDABI"], "cortex-m4f"),
            (&["CPU_CORTEX_M33", "ARMV8_M_DSP"], "cortex-m33"),
            (&["CPU_CORTEX_M55", "ARMV8_1_M_MVEI", "FP_HARDABI"], "cortex-m55"),
            (&["RISCV", "RISCV_ISA_EXT_C"], "riscv32imc"),
            (&["RISCV", "RISCV_ISA_EXT_C", "RISCV_ISA_EXT_A"], "riscv32imac"),
        ] {
            let text = chosen(configuration).unwrap();
            assert!(text.contains(&format!("lib/{core}/libprenda.a")), "{configuration:?}: {text}");
        }
        assert!(chosen(&["CPU_CORTEX_A53"]).unwrap().contains("no library for this core"));
    }
}
