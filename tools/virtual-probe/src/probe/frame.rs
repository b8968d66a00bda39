//! Frames of the remote protocol: `!`, a command's text, `#` from the client; `&`, a letter, text,
//! `#` to it.

/// Longest command that is taken. The client's own limit is 1,024.
const LONGEST: usize = 8192;

/// Bytes as they came, cut into commands.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The command so far, where one has begun.
    command: Option<Vec<u8>>,
}

/// An answer to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Done, with this number.
    Number(u64),
    /// Done, with this text.
    Text(String),
    /// Failed, as this number says.
    Error(Failure),
    /// Not a command that is known.
    Unsupported,
}

/// Why a command that is known failed, in the protocol's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Its text is not as it should be, or too long.
    Malformed = 1,
    /// The access was refused.
    Fault = 3,
    /// Another client has the probe.
    Busy = 4,
}

impl Frames {
    /// Takes one byte; gives the command that it ends, where it does. What is too long is given as
    /// nothing.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Option<Vec<u8>>> {
        match (byte, &mut self.command) {
            (b'!', _) => self.command = Some(Vec::new()),
            (b'#', Some(_)) => {
                let command = self.command.take()?;
                return Some((command.len() <= LONGEST).then_some(command));
            }
            // One more than allowed is kept, as a mark.
            (_, Some(command)) if command.len() <= LONGEST => command.push(byte),
            _ => {}
        }
        None
    }
}

impl Answer {
    /// The answer as a frame.
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
    fn a_command_begun_anew_forgets_what_came_before() {
        assert_eq!(commands(b"!So1!GA#"), [Some(b"GA".to_vec())]);
    }

    #[test]
    fn what_is_too_long_is_told_and_not_kept() {
        let mut frames = Frames::default();
        assert_eq!(frames.feed(b'!'), None);
        for _ in 0..10 * LONGEST {
            assert_eq!(frames.feed(b'0'), None);
        }
        assert!(frames.command.as_ref().is_some_and(|command| command.len() == LONGEST + 1));
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
        fn any_bytes_are_survived(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'!'), Just(b'#')], 0..300)) {
            for command in commands(&bytes).into_iter().flatten() {
                prop_assert!(!command.contains(&b'#') && !command.contains(&b'!'));
            }
        }
    }
}
