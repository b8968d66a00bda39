//! Small ELF files.

/// `EM_ARM` and `EM_RISCV`.
pub const ARM: u16 = 40;
pub const RISCV: u16 = 243;

/// `Tag_CPU_arch` 13: Armv7E-M.
const ATTRIBUTES: &[u8] = b"A\x12\0\0\0aeabi\0\x01\x08\0\0\0\x06\x0d\x08\x01";

/// Returns an ELF with `code` at `address` and function symbols.
pub fn elf(machine: u16, address: u32, code: &[u8], symbols: &[(&str, u32)]) -> Vec<u8> {
    let word = |value: u32| value.to_le_bytes();
    let names = b"\0.text\0.symtab\0.strtab\0.ARM.attributes\0";
    let (mut strings, mut table) = (names.to_vec(), vec![0; 16]);
    for (name, value) in symbols {
        table.extend(word(strings.len() as u32));
        table.extend([word(*value), word(0)].concat());
        table.extend([0x12, 0, 1, 0]); // a global function in section 1
        strings.extend([name.as_bytes(), b"\0"].concat());
    }
    let attributes = if machine == ARM { ATTRIBUTES } else { &[] };
    let mut body = Vec::new();
    let mut at = |bytes: &[u8]| {
        let start = 84 + body.len() as u32;
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        start
    };
    let starts = [at(code), at(&table), at(&strings), at(attributes)];
    let sections = 84 + body.len() as u32;

    let mut file = b"\x7fELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2_u16, machine].map(u16::to_le_bytes).concat());
    file.extend([1, address, 52, sections, 0].map(word).concat());
    file.extend([52_u16, 32, 1, 40, 5, 3].map(u16::to_le_bytes).concat());
    let length = code.len() as u32;
    file.extend([1, starts[0], address, address, length, length, 5, 4].map(word).concat());
    file.extend(body);
    // Name, type, flags, address, offset, size, link, info, alignment, size of an entry.
    let section = |fields: [u32; 10]| fields.map(word).concat();
    file.extend(section([0; 10]));
    file.extend(section([1, 1, 6, address, starts[0], length, 0, 0, 4, 0]));
    file.extend(section([7, 2, 0, 0, starts[1], table.len() as u32, 3, 1, 4, 16]));
    file.extend(section([15, 3, 0, 0, starts[2], strings.len() as u32, 0, 0, 1, 0]));
    file.extend(section([23, 0x7000_0003, 0, 0, starts[3], attributes.len() as u32, 0, 0, 1, 0]));
    file
}
