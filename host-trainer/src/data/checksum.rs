//! SHA-256 of Fashion-MNIST's four files, decompressed.

use sha2::{Digest, Sha256};

use super::IdxFile;

pub type Hash = [u8; 32];

pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Returns the hash of the concatenated `parts`.
pub fn sha256_of_parts(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Returns the hash as 64 lower-case hexadecimal digits.
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the hash of Fashion-MNIST's `file`, decompressed, in hexadecimal digits. Debian's
/// package has the same files but compresses them differently.
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
        // The test vector for "abc" in FIPS 180-2.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256(b"abc")), abc);
        assert_eq!(hex(&sha256_of_parts(&[b"a", b"", b"bc"])), abc);
    }
}
