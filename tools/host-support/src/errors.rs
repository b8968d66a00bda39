//! Messages of errors with causes.

use std::error::Error;

/// Joins the messages of an error and its causes, without causes that the message before already
/// ends with: many libraries put the cause into their message and return it as a cause, too.
pub fn joined<'e>(chain: impl IntoIterator<Item = &'e (dyn Error + 'static)>) -> String {
    let mut messages: Vec<String> = Vec::new();
    for message in chain.into_iter().map(ToString::to_string) {
        if !messages.last().is_some_and(|before| before.ends_with(&message)) {
            messages.push(message);
        }
    }
    messages.join(": ")
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    #[error("invalid header: {0}")]
    struct Repeats(#[source] std::num::ParseIntError);

    #[derive(Debug, Error)]
    #[error("damaged file")]
    struct Damaged(#[source] Repeats);

    #[test]
    fn a_cause_is_printed_once() {
        let error = Damaged(Repeats("x".parse::<u8>().unwrap_err()));
        let chain: [&(dyn Error + 'static); 3] = [&error, &error.0, &error.0.0];
        assert_eq!(joined(chain), "damaged file: invalid header: invalid digit found in string");
    }
}
