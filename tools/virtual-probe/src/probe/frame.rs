//! Frames of the remote protocol: `!`, a command, `#` from the client; `&`, a letter, text, `#` to
//! the client.

/// Maximum length of a command. The client's own limit is 1,024.
const MAX_LENGTH: usize = 8192;

/// Splits received bytes into commands.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The received part of a command.
    command: Option<Vec<u8>>,
}

/// An answer to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Success, with a number.
    Number(u64),
    /// Success, with a text.
    Text(String),
    Error(Failure),
    /// The command is unknown.
    Unsupported,
}

/// The reason why a known command failed, with the protocol's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The command is malformed or too long.
    Malformed = 1,
    /// The access was refused.
    Fault = 3,
    /// Another client has the probe.
    Busy = 4,
}

impl Frames {
    /// Adds one byte; returns the command that it completes, or `Some(None)` for a command that was
    /// too long.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Option<Vec<u8>>> {
        match (byte, &mut self.command) {
            (b'!', _) => self.command = Some(Vec::new()),
            (b'#', Some(_)) => {
                let command = self.command.take()?;
                return Some((command.len() <= MAX_LENGTH).then_some(command));
            }
            // One byte over the limit is kept, to mark the command as too long.
            (_, Some(command)) if command.len() <= MAX_LENGTH => command.push(byte),
            _ => {}
        }
        None
    }
}

impl Answer {
    pub(super) fn frame(&self) -> Vec<u8> {
        match self {
            Self::Number(number) => format!("&K{number:x}#"),
            Self::Text(text) => format!("&K{text}#"),
            Self::Error(failure) => format!("&E{:x}#", *failure as u8),
            Self::Unsupported => "&N0#".to_owned(),
        }
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn commands(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut frames = Frames::default();
        bytes.iter().filter_map(|&byte| frames.feed(byte)).collect()
    }

    #[test]
    fn commands_are_found_between_other_bytes() {
        let found = commands(b"+#!GA# !GV##x!HC#");
        assert_eq!(found, [Some(b"GA".to_vec()), Some(b"GV".to_vec()), Some(b"HC".to_vec())]);
    }

    #[test]
    fn a_new_command_discards_an_incomplete_one() {
        assert_eq!(commands(b"!So1!GA#"), [Some(b"GA".to_vec())]);
    }

    #[test]
    fn commands_that_are_too_long_are_reported_and_not_kept() {
        let mut frames = Frames::default();
        assert_eq!(frames.feed(b'!'), None);
        for _ in 0..10 * MAX_LENGTH {
            assert_eq!(frames.feed(b'0'), None);
        }
        assert!(frames.command.as_ref().is_some_and(|command| command.len() == MAX_LENGTH + 1));
        assert_eq!(frames.feed(b'#'), Some(None));
        assert_eq!(frames.feed(b'#'), None);
    }

    #[test]
    fn answers_are_framed() {
        assert_eq!(Answer::Number(0x1f).frame(), b"&K1f#");
        assert_eq!(Answer::Text("00ff".into()).frame(), b"&K00ff#");
        assert_eq!(Answer::Error(Failure::Fault).frame(), b"&E3#");
        assert_eq!(Answer::Unsupported.frame(), b"&N0#");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'!'), Just(b'#')], 0..300),
        ) {
            for command in commands(&bytes).into_iter().flatten() {
                prop_assert!(!command.contains(&b'#') && !command.contains(&b'!'));
            }
        }
    }
}
