//! The core's ROM table, and the identification registers of its components.

use crate::{Board, Core};

/// Address of the ROM table.
pub(super) const ROM_TABLE: u32 = 0xe00f_f000;

const SYSTEM_CONTROL: u32 = 0xe000_e000;
const WATCHPOINTS: u32 = 0xe000_1000;
const BREAKPOINTS: u32 = 0xe000_2000;

/// Returns the word at `address` of the ROM table or of a component's identification registers;
/// `None` if neither is there.
pub(super) fn word(board: &Board, address: u32) -> Option<u32> {
    let (page, offset) = (address & !0xfff, address & 0xffc);
    // Generic IP on older cores, CoreSight on Armv8-M.
    let class = if board.core.secure() { 0x9 } else { 0xe };
    let [control, watchpoints, breakpoints] = identities(board.core);
    let (class, identity) = match page {
        ROM_TABLE => (1, part(board.part)),
        SYSTEM_CONTROL => (class, control),
        WATCHPOINTS => (class, watchpoints),
        BREAKPOINTS => (class, breakpoints),
        _ => return None,
    };
    let part = u32::from(identity.part);
    match offset {
        0..0xfb0 if page == ROM_TABLE => {
            let components = [SYSTEM_CONTROL, WATCHPOINTS, BREAKPOINTS];
            let entry = components.get(offset as usize / 4);
            Some(entry.map_or(0, |component| component.wrapping_sub(ROM_TABLE) | 3))
        }
        // DEVARCH: the architecture, with Arm as the architect.
        0xfbc => Some(identity.architecture.map_or(0, |number| 0x4770_0000 | u32::from(number))),
        0xfcc => Some(0),
        // Arm's JEDEC manufacturer code is 0x3b in bank 4.
        0xfd0 => Some(4),
        0xfd4..=0xfdc => Some(0),
        0xfe0 => Some(part & 0xff),
        0xfe4 => Some(0xb0 | part >> 8),
        0xfe8 => Some(0x0b),
        0xfec => Some(0),
        0xff0 => Some(0x0d),
        0xff4 => Some(class << 4),
        0xff8 => Some(0x05),
        0xffc => Some(0xb1),
        _ => None,
    }
}

/// Returns the identities of system control, watchpoints and breakpoints.
const fn identities(core: Core) -> [Identity; 3] {
    match core {
        Core::M0 => [part(0x008), part(0x00a), part(0x00b)],
        Core::M3 => [part(0x000), part(0x002), part(0x003)],
        Core::M4 => [part(0x00c), part(0x002), part(0x003)],
        Core::M7 => [part(0x00c), part(0x002), part(0x00e)],
        Core::M33 => [architecture(0xd21, 0x2a04), architecture(0xd21, 0x1a02), architecture(0xd21, 0x1a03)],
        Core::M55 => [architecture(0xd22, 0x2a04), architecture(0xd22, 0x1a02), architecture(0xd22, 0x1a03)],
    }
}

struct Identity {
    part: u16,
    architecture: Option<u16>,
}

const fn part(part: u16) -> Identity {
    Identity { part, architecture: None }
}

const fn architecture(part: u16, number: u16) -> Identity {
    Identity { part, architecture: Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(board: &str, address: u32) -> Option<u32> {
        super::word(Board::by_name(board).unwrap(), address)
    }

    #[test]
    fn the_table_lists_the_components_and_ends() {
        let entries: Vec<_> = (0..4).map(|index| word("mps2-an386", ROM_TABLE + 4 * index).unwrap()).collect();
        assert_eq!(entries, [0xfff0_f003, 0xfff0_2003, 0xfff0_3003, 0]);
    }

    #[test]
    fn every_component_has_an_identity() {
        for page in [ROM_TABLE, SYSTEM_CONTROL, WATCHPOINTS, BREAKPOINTS] {
            let preamble = [0xff0, 0xff8, 0xffc].map(|offset| word("microbit", page + offset).unwrap());
            assert_eq!(preamble, [0x0d, 0x05, 0xb1]);
        }
        assert_eq!(word("mps2-an386", SYSTEM_CONTROL + 0xfe0), Some(0x0c));
        assert_eq!(word("mps2-an505", BREAKPOINTS + 0xfbc), Some(0x4770_1a03));
        assert_eq!(word("mps2-an386", SYSTEM_CONTROL + 0xd00), None);
        assert_eq!(word("mps2-an386", 0x2000_0ff0), None);
    }
}
