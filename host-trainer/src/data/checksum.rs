//! What makes a data set Fashion-MNIST: the SHA-256 of its four files as decompressed bytes.

use sha2::{Digest, Sha256};

use super::IdxFile;

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of `bytes`.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// The hash of the concatenation of `parts`.
pub fn sha256_of_parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// 64 lower-case hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of Fashion-MNIST's own `file`, decompressed, as hexadecimal digits.
///
/// Compressed bytes would not do: Debian's package has the same files, compressed anew.
pub fn fashion_mnist(file: IdxFile) -> &'static str {
    match file {
        IdxFile::TrainImages => "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        IdxFile::TrainLabels => "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        IdxFile::TestImages => "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        IdxFile::TestLabels => "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_parts_as_one() {
        // The value is the one that FIPS 180-2 gives for "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256(b"abc")), abc);
        assert_eq!(hex(&sha256_of_parts(&[b"a", b"", b"bc"])), abc);
    }
}
