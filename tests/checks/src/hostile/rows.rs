//! Changes of format 3: features.

use prenda::{BlobError, DeviceFault};

use super::{Change, malformed};
use crate::plan::varint;

/// Offsets of the count of features, and of the features.
const COUNT: u32 = 24;
const FIRST: u32 = 25;
const SECOND: u32 = 42;

const LONGEST: [u8; 65] = [b'a'; 65];

fn count(found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::FeatureCount { found, expected: 2 })
}

fn name(found: u32) -> DeviceFault {
    DeviceFault::Blob(BlobError::FeatureName { feature: 0, found })
}

fn scaling(feature: u32, decimals: u8, multiplier: u32, shift: u8) -> DeviceFault {
    DeviceFault::Blob(BlobError::FeatureScaling { feature, decimals, multiplier, shift })
}

/// Returns the changes of [`Plan::rows`](crate::plan::Plan::rows).
pub fn changes() -> Vec<Change> {
    [counts(), names(), scalings()].concat()
}

fn counts() -> Vec<Change> {
    vec![
        (
            "no features",
            |plan| {
                plan.feature_count = vec![0];
                plan.features.clear();
            },
            count(0),
        ),
        ("an input without a feature", |plan| plan.feature_count = vec![1], count(1)),
        ("a feature without an input", |plan| plan.feature_count = vec![3], count(3)),
        ("the maximum count of features", |plan| plan.feature_count = varint(u32::MAX.into()), count(u32::MAX)),
        ("features of more than 32 bits", |plan| plan.feature_count = varint(1 << 32), malformed(COUNT)),
        // The count of networks is read as the length of a name.
        ("a feature that is missing", |plan| _ = plan.features.pop(), scaling(1, 0, 0, 0)),
    ]
}

fn names() -> Vec<Change> {
    vec![
        ("a feature's name that is not UTF-8", |plan| plan.features[0].name.1 = b"h\xC3ight", malformed(FIRST)),
        ("a feature's name of half a character", |plan| plan.features[1].name = (2, b"C\xC2"), malformed(SECOND)),
        ("a feature's name of the maximum length", |plan| plan.features[0].name.0 = u32::MAX.into(), malformed(FIRST)),
        ("a feature's name of more than 32 bits", |plan| plan.features[0].name.0 = 1 << 32, malformed(FIRST)),
        ("a feature without a name", |plan| plan.features[0].name = (0, b""), name(0)),
        ("a feature's name one byte too long", |plan| plan.features[0].name = (65, &LONGEST), name(65)),
        // Its last byte is read as decimals.
        ("a feature's name longer than declared", |plan| plan.features[0].name.0 = 5, scaling(0, b't', 255, 64)),
    ]
}

fn scalings() -> Vec<Change> {
    const ONE: u32 = 1 << 30;
    // 254.5 * 2^23: with the largest difference just below 254.5.
    const LARGE: u32 = 2_134_900_736;
    vec![
        ("ten decimals", |plan| plan.features[1].decimals = 10, scaling(1, 10, ONE, 28)),
        ("255 decimals", |plan| plan.features[0].decimals = 255, scaling(0, 255, ONE, 31)),
        ("a feature's multiplier of zero", |plan| plan.features[0].multiplier = 0, scaling(0, 1, 0, 31)),
        (
            "a feature's multiplier one too small",
            |plan| plan.features[0].multiplier = ONE - 1,
            scaling(0, 1, ONE - 1, 31),
        ),
        (
            "a feature's multiplier one too large",
            |plan| plan.features[1].multiplier = 1 << 31,
            scaling(1, 0, 1 << 31, 28),
        ),
        (
            "a feature's multiplier of all ones",
            |plan| plan.features[1].multiplier = u32::MAX,
            scaling(1, 0, u32::MAX, 28),
        ),
        ("a feature's shift of zero", |plan| plan.features[0].shift = 0, scaling(0, 1, ONE, 0)),
        ("a feature's shift of 63", |plan| plan.features[0].shift = 63, scaling(0, 1, ONE, 63)),
        ("a feature's shift of 255", |plan| plan.features[0].shift = 255, scaling(0, 1, ONE, 255)),
        ("a factor that does not reach 255", |plan| plan.features[0].shift = 54, scaling(0, 1, ONE, 54)),
        (
            "a factor that just does not reach 255",
            |plan| (plan.features[0].multiplier, plan.features[0].shift) = (LARGE, 54),
            scaling(0, 1, LARGE, 54),
        ),
    ]
}
