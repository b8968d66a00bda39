//! Commands of the remote protocol, version 1, that probe-rs sends.

use crate::gdb::unhex;

/// Maximum bytes of memory in one command. The client requests at most 504.
const MAX_BYTES: u32 = 4096;

/// A request of a client. Clock settings and the device's index in a chain are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `GA`: the probe's name.
    Name,
    /// `GV`: the target's voltage.
    Voltage,
    /// `GZ`: asserts or releases the reset line.
    Reset(bool),
    /// `GF`, `GE`, `GP`: clocks and power, which cannot be changed.
    Ignored,
    /// `Gf`: the clock's frequency.
    Frequency,
    /// `HC`: the version of the protocol.
    Version,
    /// `SS`: starts SWD.
    Start,
    /// `So`: sends `count` bits, the lowest first.
    Send { count: u32, bits: u64 },
    /// `Si`: receives `count` bits.
    Receive { count: u32 },
    /// `Hd`, or `HL` with a one: reads a register of the debug port.
    ReadDebugPort(u8),
    /// `HL` with a zero: writes a register of the debug port.
    WriteDebugPort(u8, u32),
    /// `Ha`: reads a register of an access port.
    ReadAccessPort { port: u8, register: u8 },
    /// `HA`: writes a register of an access port.
    WriteAccessPort { port: u8, register: u8, value: u32 },
    /// `HM`: reads `length` bytes of memory.
    Read { address: u32, length: u32 },
    /// `Hm`: writes memory.
    Write { address: u32, data: Vec<u8> },
}

/// The reason why bytes are not a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandError {
    Unknown,
    /// The name is known, but the arguments are malformed.
    Malformed,
}

impl Command {
    pub(super) fn parse(text: &[u8]) -> Result<Self, CommandError> {
        let (name, rest) = text.split_first_chunk::<2>().ok_or(CommandError::Unknown)?;
        let mut fields = Fields(rest);
        let command = match name {
            b"GA" => Self::Name,
            b"GV" => Self::Voltage,
            b"GZ" => Self::Reset(fields.number(1)? != 0),
            b"GF" | b"GE" | b"GP" => {
                fields.0 = &[];
                Self::Ignored
            }
            b"Gf" => Self::Frequency,
            b"HC" => Self::Version,
            b"SS" => Self::Start,
            b"So" => {
                let count = fields.number(2)?;
                Self::Send { count, bits: fields.rest()? }
            }
            b"Si" => Self::Receive { count: fields.number(2)? },
            b"Hd" => {
                fields.number(4)?;
                Self::ReadDebugPort(fields.byte()?)
            }
            b"HL" => {
                fields.number(2)?;
                let read = fields.number(2)? != 0;
                let (register, value) = (fields.byte()?, fields.number(8)?);
                if read { Self::ReadDebugPort(register) } else { Self::WriteDebugPort(register, value) }
            }
            b"Ha" => {
                fields.number(2)?;
                Self::ReadAccessPort { port: fields.number(2)? as u8, register: fields.byte()? }
            }
            // `HA` without arguments belongs to a later version of the protocol.
            b"HA" if !rest.is_empty() => {
                fields.number(2)?;
                let (port, register) = (fields.number(2)? as u8, fields.byte()?);
                Self::WriteAccessPort { port, register, value: fields.number(8)? }
            }
            b"HM" => {
                fields.number(2 + 2)?;
                fields.number(8)?;
                Self::Read { address: fields.number(8)?, length: fields.length()? }
            }
            b"Hm" => {
                fields.number(2 + 2)?;
                fields.number(8)?;
                fields.number(2)?;
                let address = fields.number(8)?;
                let mut data = vec![0; fields.length()? as usize];
                if !unhex(fields.0, &mut data) {
                    return Err(CommandError::Malformed);
                }
                fields.0 = &[];
                Self::Write { address, data }
            }
            _ => return Err(CommandError::Unknown),
        };
        if fields.0.is_empty() { Ok(command) } else { Err(CommandError::Malformed) }
    }
}

/// The arguments that are not read yet: hexadecimal numbers of fixed width.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn number(&mut self, digits: usize) -> Result<u32, CommandError> {
        let (field, rest) = self.0.split_at_checked(digits).ok_or(CommandError::Malformed)?;
        self.0 = rest;
        parsed(field).and_then(|number| u32::try_from(number).ok()).ok_or(CommandError::Malformed)
    }

    /// Reads the address of a register, in which only the last two digits count.
    fn byte(&mut self) -> Result<u8, CommandError> {
        Ok(self.number(4)? as u8)
    }

    fn length(&mut self) -> Result<u32, CommandError> {
        let length = self.number(8)?;
        if length <= MAX_BYTES { Ok(length) } else { Err(CommandError::Malformed) }
    }

    fn rest(&mut self) -> Result<u64, CommandError> {
        parsed(std::mem::take(&mut self.0)).ok_or(CommandError::Malformed)
    }
}

fn parsed(digits: &[u8]) -> Option<u64> {
    // `from_str_radix` accepts a plus sign, the protocol does not.
    let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_of_the_client_are_parsed() {
        for (text, command) in [
            ("GA", Command::Name),
            ("GZ1", Command::Reset(true)),
            ("GF003d0900", Command::Ignored),
            ("So08a5", Command::Send { count: 8, bits: 0xa5 }),
            ("So10e79e", Command::Send { count: 16, bits: 0xe79e }),
            ("Si20", Command::Receive { count: 32 }),
            ("Hd00ff0004", Command::ReadDebugPort(4)),
            ("HL0000000450000f00", Command::WriteDebugPort(4, 0x5000_0f00)),
            ("Ha000001fc", Command::ReadAccessPort { port: 0, register: 0xfc }),
            ("HA0000010023000042", Command::WriteAccessPort { port: 0, register: 0, value: 0x2300_0042 }),
            ("HM000023000040e000edf000000004", Command::Read { address: 0xe000_edf0, length: 4 }),
            ("Hm0000230000400220000000000000020aff", Command::Write { address: 0x2000_0000, data: vec![0x0a, 0xff] }),
        ] {
            assert_eq!(Command::parse(text.as_bytes()), Ok(command), "{text}");
        }
    }

    #[test]
    fn wrong_commands_are_unknown_or_malformed() {
        for text in ["", "X", "JN00", "HA", "A6a"] {
            assert_eq!(Command::parse(text.as_bytes()), Err(CommandError::Unknown), "{text}");
        }
        for text in [
            "GZ",
            "GAx",
            "So0",
            "So08+5",
            "Si2",
            "HM0000",
            "HM00002300004020000000ffffffff",
            "Hm00002300004002200000000000000200",
        ] {
            assert_eq!(Command::parse(text.as_bytes()), Err(CommandError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = Command::parse(&text);
        }

        #[test]
        fn no_arguments_panic(
            name in prop::sample::select(vec!["GZ", "So", "Si", "Hd", "HL", "Ha", "HA", "HM", "Hm"]),
            arguments in "[0-9a-fA-F+-]{0,60}",
        ) {
            let _ = Command::parse(format!("{name}{arguments}").as_bytes());
        }
    }
}
