//! Damaged files for property tests: bad disks, broken transfers, malicious edits.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// One change to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Overwrite(Index, Vec<u8>),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |index: &Index| index.index(bytes.len() + 1);
        match self {
            Self::Flip(index, bit) => {
                let place = place(index);
                bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << bit);
            }
            Self::Overwrite(index, other) => {
                let place = place(index);
                bytes.iter_mut().skip(place).zip(other).for_each(|(byte, other)| *byte = *other);
            }
            Self::Insert(index, other) => {
                let place = place(index);
                bytes.splice(place..place, other.iter().copied());
            }
            Self::Remove(index, length) => {
                let place = place(index);
                bytes.drain(place..bytes.len().min(place + length));
            }
            Self::Repeat(index, length) => {
                let place = place(index);
                let part = bytes[place..bytes.len().min(place + length)].to_vec();
                bytes.splice(place..place, part);
            }
            Self::Cut(index) => bytes.truncate(place(index)),
        }
    }
}

/// Generates bytes that break headers: extreme numbers, digits, brackets that never close.
fn odd_bytes() -> impl Strategy<Value = Vec<u8>> {
    let texts = ["0", "9", "-", "e9", "1e999", "null", "[", "{", "\"", "[[[[[[[[", "\\u0000", "18446744073709551616"];
    let numbers = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX / 2, u64::MAX];
    let texts = proptest::sample::select(texts.to_vec()).prop_map(|text| text.as_bytes().to_vec()).boxed();
    let number = proptest::sample::select(numbers.to_vec());
    let numbers = (number, 1..=8_usize, any::<bool>()).prop_map(|(number, length, is_big_endian)| {
        let bytes = number.to_le_bytes();
        let bytes = bytes[..length].iter().copied();
        if is_big_endian { bytes.rev().collect() } else { bytes.collect() }
    });
    prop_oneof![texts, numbers.boxed(), vec(any::<u8>(), 1..16).boxed()]
}

/// Generates copies of `bytes` with one to three changes.
pub fn damaged(bytes: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let place = any::<Index>;
    let damage = prop_oneof![
        3 => (place(), 0..8_u8).prop_map(|(index, bit)| Damage::Flip(index, bit)),
        3 => (place(), odd_bytes()).prop_map(|(index, other)| Damage::Overwrite(index, other)),
        2 => (place(), odd_bytes()).prop_map(|(index, other)| Damage::Insert(index, other)),
        2 => (place(), 1..32_usize).prop_map(|(index, length)| Damage::Remove(index, length)),
        1 => (place(), 1..512_usize).prop_map(|(index, length)| Damage::Repeat(index, length)),
        1 => place().prop_map(Damage::Cut),
    ];
    vec(damage, 1..=3).prop_map(move |all| {
        let mut bytes = bytes.clone();
        all.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes
    })
}
