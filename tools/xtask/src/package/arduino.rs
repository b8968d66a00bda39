//! An Arduino library: precompiled, in the folders that Arduino searches, with a sketch.

use anyhow::Result;

use super::{Folder, Library};

pub fn fill(folder: &Folder<'_>, libraries: &[Library]) -> Result<()> {
    for Library { core, path, header } in libraries {
        folder.copy(header, "src/prenda.h")?;
        for place in core.arduino {
            folder.copy(path, &format!("src/{place}/libprenda.a"))?;
        }
    }
    let properties = include_str!("arduino/library.properties").replace("VERSION", env!("CARGO_PKG_VERSION"));
    folder.write("library.properties", &properties)?;
    folder.write("examples/Classify/Classify.ino", include_str!("arduino/Classify.ino"))?;
    folder.write("README.md", include_str!("arduino/README.md"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::package::tests::filled;

    /// The rules of Arduino's specification of libraries, as far as they apply.
    #[test]
    fn the_folder_follows_the_specification() {
        let folder = filled(fill);
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
        let properties = read("library.properties");
        let fields: BTreeMap<_, _> = properties.lines().filter_map(|line| line.split_once('=')).collect();
        for field in ["name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url"] {
            assert!(fields.contains_key(field), "{field} is not in {properties}");
        }
        assert_eq!(fields["version"].split('.').count(), 3);
        assert_eq!((fields["precompiled"], fields["ldflags"]), ("full", "-lprenda"));
        assert!(read("examples/Classify/Classify.ino").contains("#include <prenda.h>"));
        for place in ["cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m4/fpv4-sp-d16-hard"] {
            assert!(folder.path().join("src").join(place).join("libprenda.a").is_file(), "{place}");
        }
    }
    /// Stands in for Arduino's functions.
    const STUBS: &str = "
        struct { void begin(long); explicit operator bool(); void println(const char *); } Serial;
        void delay(unsigned long);
    ";

    /// Stands in for an exported model.
    const MODEL: &str = "
        #define MODEL_PIXELS 4
        #define MODEL_WORKSPACE_BYTES 64
        extern const uint8_t model_bytes[16];
        extern const char *const model_class_names[2];
    ";

    /// With the compiler of this host, if it has one.
    #[test]
    fn the_sketch_compiles() {
        let folder = filled(fill);
        let sketch = folder.path().join("examples/Classify");
        fs::write(sketch.join("model.h"), MODEL).unwrap();
        fs::write(sketch.join("Arduino.h"), STUBS).unwrap();
        let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared-model/c/include");
        let mut command = Command::new("c++");
        command.args(["-xc++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-include", "Arduino.h"]);
        match command.arg("-I").arg(include).arg("Classify.ino").current_dir(&sketch).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => println!("c++: {error}"),
        }
    }
}
