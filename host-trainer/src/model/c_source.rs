//! A model as C source: for the static library and `prenda.h` of package `prenda-c`.

use std::fmt::Write as _;

use prenda::Model;

/// Bytes in a line of the array.
const LINE_BYTES: usize = 16;

/// A header and a source file with a model, its sizes and the names of its classes.
#[derive(Debug)]
pub struct CSource {
    header: String,
    source: String,
}

impl CSource {
    /// Writes `model` as C. The files are called `name.h` and `name.c`, and all their names start
    /// with `name`: small ASCII letters, digits and underscores.
    pub fn of(model: &Model<'_>, name: &str) -> Self {
        let workspace_bytes = model.workspace_bytes();
        Self { header: header(model, name, workspace_bytes), source: source(model, name) }
    }

    /// Returns the files: a path in their folder, and the content.
    pub fn files(self, name: &str) -> Vec<(String, Vec<u8>)> {
        vec![(format!("{name}.h"), self.header.into_bytes()), (format!("{name}.c"), self.source.into_bytes())]
    }
}

fn header(model: &Model<'_>, name: &str, workspace_bytes: usize) -> String {
    let upper = name.to_ascii_uppercase();
    let networks: Vec<String> = model.networks().map(|network| network.to_string()).collect();
    let (id, networks, image) = (model.id(), networks.join("\n * "), model.image());
    let (rows, columns, channels) = (image.rows, image.columns, image.channels);
    let (pixels, classes, bytes) = (model.input_width(), model.classes(), model.bytes().len());
    format!(
        "/* Model {id} for prenda.h, written by `host-trainer export`:
 * {networks} */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

/* Images: one byte for each channel of a pixel, row-major. {upper}_PIXELS is the number of bytes. */
#define {upper}_ROWS {rows}
#define {upper}_COLUMNS {columns}
#define {upper}_CHANNELS {channels}
#define {upper}_PIXELS {pixels}

#define {upper}_CLASSES {classes}

/* Sizes of the model and of a workspace for it. */
#define {upper}_BYTES {bytes}
#define {upper}_WORKSPACE_BYTES {workspace_bytes}

#ifdef __cplusplus
extern \"C\" {{
#endif

/* The model, for prenda_open(). */
extern const uint8_t {name}_bytes[{upper}_BYTES];

/* The names of the classes, in UTF-8. */
extern const char *const {name}_class_names[{upper}_CLASSES];

#ifdef __cplusplus
}}
#endif

#endif
"
    )
}

fn source(model: &Model<'_>, name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    let mut source = format!(
        "/* Model {id} for prenda.h, written by `host-trainer export`. */
#include \"{name}.h\"

#if defined(__cplusplus)
#define {upper}_ALIGNED alignas(16)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define {upper}_ALIGNED _Alignas(16)
#else
#define {upper}_ALIGNED __attribute__((aligned(16)))
#endif

const char *const {name}_class_names[{upper}_CLASSES] = {{
",
        id = model.id()
    );
    for class in model.class_names() {
        source += &format!("    {},\n", literal(class));
    }
    source += &format!("}};\n\n{upper}_ALIGNED const uint8_t {name}_bytes[{upper}_BYTES] = {{\n");
    for line in model.bytes().chunks(LINE_BYTES) {
        let numbers: Vec<String> = line.iter().map(u8::to_string).collect();
        source += &format!("    {},\n", numbers.join(","));
    }
    source + "};\n"
}

/// Returns `text` as a string literal of C.
fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            // `?` could begin a trigraph.
            b'"' | b'\\' | b'?' => literal.extend(['\\', byte.into()]),
            b' '..=b'~' => literal.push(byte.into()),
            // Octal digits end after three; hexadecimal ones would not.
            _ => write!(literal, "\\{byte:03o}").unwrap_or_default(),
        }
    }
    literal + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_literal() {
        assert_eq!(literal("T-shirt"), "\"T-shirt\"");
        assert_eq!(literal("\"?\\"), "\"\\\"\\?\\\\\"");
        assert_eq!(literal("\u{e9}1\n\0"), "\"\\303\\2511\\012\\000\"");
        assert_eq!(literal("*/"), "\"*/\"");
    }
}
