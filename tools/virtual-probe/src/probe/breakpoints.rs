//! The addresses at which the core stops: the debugger's comparators, and BKPT instructions.

use std::collections::BTreeSet;

use crate::Core;

/// The instructions that stop a core with a debugger: BKPT 0xAB (semihosting) and BKPT 0. QEMU
/// without semihosting raises a fault instead.
const TRAPS: [u16; 2] = [0xbeab, 0xbe00];

/// Maximum traps: each needs a breakpoint, which takes QEMU a fraction of a millisecond to set.
pub(super) const MAX_TRAPS: usize = 4096;

/// The addresses of BKPT instructions, or of data that look the same, which is harmless.
#[derive(Debug, Default)]
pub(super) struct Traps {
    addresses: BTreeSet<u32>,
    /// True if traps were ignored because of the limit.
    overflowed: bool,
}

impl Traps {
    /// Searches `data`, written to the even `address`; returns true if a trap is new or gone.
    pub(super) fn update(&mut self, address: u32, data: &[u8]) -> bool {
        let halfwords = data.as_chunks::<2>().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
        let mut changed = false;
        for (address, halfword) in (0..).map(|index: u32| address.wrapping_add(2 * index)).zip(halfwords) {
            changed |= if TRAPS.contains(&halfword) { self.insert(address) } else { self.addresses.remove(&address) };
        }
        changed
    }

    fn insert(&mut self, address: u32) -> bool {
        let full = self.addresses.len() >= MAX_TRAPS && !self.addresses.contains(&address);
        self.overflowed |= full;
        !full && self.addresses.insert(address)
    }

    /// Returns true if traps were ignored since the last call.
    pub(super) fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflowed)
    }

    pub(super) fn contains(&self, address: u32) -> bool {
        self.addresses.contains(&address)
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> {
        self.addresses.iter().copied()
    }
}

/// The registers of the breakpoint unit: FPB, or BPU on a Cortex-M0.
#[derive(Debug)]
pub(super) struct Comparators {
    core: Core,
    enabled: bool,
    registers: Vec<u32>,
}

impl Comparators {
    pub(super) fn new(core: Core) -> Self {
        Self { core, enabled: false, registers: vec![0; core.comparators() as usize] }
    }

    /// Returns the control register: enable bit, comparator count and revision.
    pub(super) fn control(&self) -> u32 {
        let revision = u32::from(self.core.wide_comparators());
        revision << 28 | self.core.comparators() << 4 | u32::from(self.enabled)
    }

    /// Writes the control register, which ignores values without the key bit.
    pub(super) fn set_control(&mut self, value: u32) {
        if value & 2 != 0 {
            self.enabled = value & 1 != 0;
        }
    }

    /// Returns comparator `index`, or zero if it does not exist.
    pub(super) fn comparator(&self, index: u32) -> u32 {
        self.registers.get(index as usize).copied().unwrap_or(0)
    }

    pub(super) fn set_comparator(&mut self, index: u32, value: u32) {
        if let Some(register) = self.registers.get_mut(index as usize) {
            *register = value;
        }
    }

    /// Disables everything, like a reset.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.core);
    }

    /// Returns the addresses at which the core stops.
    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> {
        let wide = self.core.wide_comparators();
        let active = self.registers.iter().filter(|&&register| self.enabled && register & 1 == 1);
        active.flat_map(move |&register| {
            let word = register & 0x1fff_fffc;
            let (whole, low, high) = (Some(register & !1), Some(word), Some(word + 2));
            match (wide, register >> 30) {
                (true, _) => [whole, None],
                (false, 1) => [low, None],
                (false, 2) => [high, None],
                (false, 3) => [low, high],
                // Remaps the word, which probe-rs does not use.
                (false, _) => [None, None],
            }
            .into_iter()
            .flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_add_and_remove_traps() {
        let mut traps = Traps::default();
        assert!(traps.update(0x100, &[0, 0, 0xab, 0xbe, 0, 0xbe, 0xff]));
        assert_eq!(traps.addresses().collect::<Vec<_>>(), [0x102, 0x104]);
        assert!(!traps.update(0x100, &[1, 2, 0xab, 0xbe]));
        assert!(traps.update(0x102, &[0, 0]));
        assert!(!traps.contains(0x102) && traps.contains(0x104));
    }

    #[test]
    fn the_number_of_traps_is_limited() {
        let mut traps = Traps::default();
        traps.update(0, &[0x00, 0xbe].repeat(MAX_TRAPS));
        assert!(!traps.take_overflow());
        assert!(!traps.update(0x10_0000, &[0x00, 0xbe].repeat(1 << 20)));
        assert!(traps.take_overflow() && !traps.take_overflow());
        assert_eq!(traps.addresses().count(), MAX_TRAPS);
        assert!(traps.update(0, &[0, 0]) && traps.update(0x10_0000, &[0x00, 0xbe]));
    }

    #[test]
    fn comparators_of_the_first_revision_select_halfwords() {
        let mut comparators = Comparators::new(Core::M4);
        assert_eq!(comparators.control(), 0x60);
        for (index, value) in [0x4000_0101, 0x8000_0201, 0xc000_0301, 0x0000_0401, 0x4000_0500].into_iter().enumerate()
        {
            comparators.set_comparator(index as u32, value);
        }
        assert_eq!(comparators.addresses().count(), 0);
        comparators.set_control(1);
        assert_eq!(comparators.addresses().count(), 0);
        comparators.set_control(3);
        assert_eq!(comparators.addresses().collect::<Vec<_>>(), [0x100, 0x202, 0x300, 0x302]);
        comparators.set_comparator(99, 1);
        assert_eq!(comparators.comparator(99), 0);
        comparators.clear();
        assert_eq!(comparators.control(), 0x60);
    }

    #[test]
    fn comparators_of_the_second_revision_hold_whole_addresses() {
        let mut comparators = Comparators::new(Core::M33);
        assert_eq!(comparators.control(), 0x1000_0080);
        comparators.set_comparator(7, 0x1000_0103);
        comparators.set_control(3);
        assert_eq!(comparators.addresses().collect::<Vec<_>>(), [0x1000_0102]);
    }
}
