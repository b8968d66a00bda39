//! An instruction, as far as its cycles depend on it.

/// A set of registers: bits 0 to 31 are those of the core, 32 to 63 are `s0` to `s31`.
pub type Registers = u64;

/// Arm's stack pointer, link register and program counter.
pub const SP: u8 = 13;
pub const LR: u8 = 14;
pub const PC: u8 = 15;

/// Returns the set of one register of the core.
pub const fn bit(register: u8) -> Registers {
    1 << (register & 31)
}

/// The kind of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Arithmetic, logic, moves, extension without addition.
    Simple,
    /// An operand is shifted by the instruction, or is a shifted constant.
    Shifted,
    /// Parallel and saturating arithmetic, addition of an extended value.
    Dsp,
    Compare,
    Nop,
    /// `IT`.
    IfThen,
    /// 32 by 32 bits to 32, or of half-words.
    Multiply,
    /// The same, added to or subtracted from a register.
    MultiplyAdd,
    /// 32 by 32 bits to 64.
    MultiplyLong,
    MultiplyAddLong,
    Divide,
    /// One register from memory.
    Load,
    Store,
    /// Several registers, `LDRD` and `STRD` included.
    LoadMany,
    StoreMany,
    /// To an address in the instruction.
    Branch,
    BranchIf,
    Call,
    /// To an address in a register, or written to the program counter by arithmetic.
    Jump,
    CallRegister,
    /// `TBB`, `TBH`.
    TableBranch,
    /// Floating point: addition, multiplication, moves, comparison, conversion.
    Float,
    FloatMultiplyAdd,
    /// Division and square root.
    FloatDivide,
    /// Moves between the core and special registers, barriers.
    System,
}

/// An address in memory, to calculate it from the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub base: u8,
    /// Added to the base before the access.
    pub offset: i32,
    /// A register that is also added, and by how many bits it is shifted.
    pub index: Option<(u8, u8)>,
    /// Bytes of one access.
    pub size: u8,
    pub count: u8,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Length in bytes: 2 or 4.
    pub size: u8,
    pub class: Class,
    /// Registers that are read, those of an address included.
    pub sources: Registers,
    pub targets: Registers,
    /// The register that a multiplication is added to.
    pub accumulator: Registers,
    pub sets_flags: bool,
    /// The base register is written.
    pub writes_back: bool,
    /// `None` if memory is not accessed.
    pub place: Option<Place>,
}

impl Instruction {
    /// Returns an instruction without registers.
    pub const fn new(size: u8, class: Class) -> Self {
        Self { size, class, sources: 0, targets: 0, accumulator: 0, sets_flags: false, writes_back: false, place: None }
    }

    /// Adds registers that are read.
    pub const fn reads(mut self, registers: Registers) -> Self {
        self.sources |= registers;
        self
    }

    /// Adds registers that are written.
    pub const fn writes(mut self, registers: Registers) -> Self {
        self.targets |= registers;
        self
    }

    /// Sets if the flags are written.
    pub const fn flags(mut self, sets: bool) -> Self {
        self.sets_flags = sets;
        self
    }

    /// Sets the register that a multiplication is added to.
    pub const fn adds_to(mut self, registers: Registers) -> Self {
        self.accumulator |= registers;
        self.reads(registers)
    }

    /// Sets the memory that is accessed; its registers are read.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self.reads(self.address())
    }

    /// Sets if the base of the address is written.
    pub fn back(mut self, writes: bool) -> Self {
        self.writes_back = writes;
        let base = self.place.map_or(0, |place| bit(place.base));
        if writes { self.writes(base) } else { self }
    }

    /// Returns the registers of the address.
    pub fn address(&self) -> Registers {
        let index = |place: Place| place.index.map_or(0, |(register, _)| bit(register));
        self.place.map_or(0, |place| bit(place.base) | index(place))
    }

    /// Returns the registers that memory is read to.
    pub fn loaded(&self) -> Registers {
        let base = if self.writes_back { self.address() } else { 0 };
        if self.is_load() { self.targets & !base } else { 0 }
    }

    /// Returns true if memory is read.
    pub fn is_load(&self) -> bool {
        matches!(self.class, Class::Load | Class::LoadMany)
    }

    /// Returns true if memory is written.
    pub fn is_store(&self) -> bool {
        matches!(self.class, Class::Store | Class::StoreMany)
    }

    /// Returns true if the address has a register as offset.
    pub fn has_index(&self) -> bool {
        self.place.is_some_and(|place| place.index.is_some())
    }

    /// Returns the number of words that memory is accessed for.
    pub fn words(&self) -> u32 {
        self.place.map_or(0, |place| u32::from(place.count) * u32::from(place.size.div_ceil(4)))
    }

    /// Returns true if the next instruction can be elsewhere.
    pub fn is_branch(&self) -> bool {
        use Class::{Branch, BranchIf, Call, CallRegister, Jump, TableBranch};
        matches!(self.class, Branch | BranchIf | Call | CallRegister | Jump | TableBranch)
    }
}
