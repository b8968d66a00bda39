//! Little-endian tables of blobs and frames, read in place.

/// Returns the `i32` at `index` of a little-endian table; 0 past its end.
pub(crate) fn i32_at(table: &[u8], index: usize) -> i32 {
    table.as_chunks::<4>().0.get(index).map_or(0, |bytes| i32::from_le_bytes(*bytes))
}

/// Returns the `u32` at `index` of a little-endian table; 0 past its end.
pub(crate) fn u32_at(table: &[u8], index: usize) -> u32 {
    i32_at(table, index).cast_unsigned()
}

/// Writes `values` as little-endian bytes to the start of `target`. Returns their length in bytes;
/// `None` if `target` is too short.
pub(crate) fn write_i32s(values: &[i32], target: &mut [u8]) -> Option<usize> {
    let length = values.len().checked_mul(4)?;
    let chunks = target.get_mut(..length)?.as_chunks_mut::<4>().0;
    for (chunk, value) in chunks.iter_mut().zip(values) {
        *chunk = value.to_le_bytes();
    }
    Some(length)
}

/// Like [`write_i32s`], for `u16`.
pub(crate) fn write_u16s(values: &[u16], target: &mut [u8]) -> Option<usize> {
    let length = values.len().checked_mul(2)?;
    let chunks = target.get_mut(..length)?.as_chunks_mut::<2>().0;
    for (chunk, value) in chunks.iter_mut().zip(values) {
        *chunk = value.to_le_bytes();
    }
    Some(length)
}

/// Returns true if `table` is exactly `values` as little-endian bytes.
pub(crate) fn i32s_equal(table: &[u8], values: &[i32]) -> bool {
    let (chunks, rest) = table.as_chunks::<4>();
    rest.is_empty() && chunks.iter().map(|chunk| i32::from_le_bytes(*chunk)).eq(values.iter().copied())
}

/// Like [`i32s_equal`], for `u16`.
pub(crate) fn u16s_equal(table: &[u8], values: &[u16]) -> bool {
    let (chunks, rest) = table.as_chunks::<2>();
    rest.is_empty() && chunks.iter().map(|chunk| u16::from_le_bytes(*chunk)).eq(values.iter().copied())
}
