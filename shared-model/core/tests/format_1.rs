//! A build without the feature `format-2` runs models of format 1, and refuses others by name.
//!
//! `cargo test --package shared-model --no-default-features --test format_1`; other builds have no
//! test here.

#![cfg(not(feature = "format-2"))]

use prenda_core::{BlobError, FORMAT_VERSION, HostWorkspace, Model, self_test};

#[test]
fn format_1_is_run_and_format_2_is_refused() {
    assert_eq!(FORMAT_VERSION, 1);
    let dense = bytes(include_str!("golden_blob.hex"));
    let dense = Model::parse(&dense).unwrap();
    assert_eq!(self_test(&dense, &mut HostWorkspace::new()), Ok(()));

    let cascade = bytes(include_str!("golden_blob_2.hex"));
    let error = Model::parse(&cascade).unwrap_err();
    assert_eq!(error, BlobError::Version { found: 2, supported: 1 });
    assert_eq!(
        error.to_string(),
        "model format: found version 2, expected at most 1; update this program, build it with the \
         features `all-layers` and `rows` of prenda, or export again"
    );
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.as_chunks::<2>().0.iter().map(|[high, low]| 16 * high + low).collect()
}
