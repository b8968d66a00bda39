//! Formats errors in one line.

use std::error::Error;

/// Joins the messages of `error` and its causes with colons. A cause that the text before ends with
/// is left out: some libraries repeat a cause in their own message.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        if !text.ends_with(&message) {
            text = format!("{text}: {message}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use thiserror::Error;

    use super::*;

    #[derive(Debug, Error)]
    enum Example {
        #[error("cannot read a: {source}")]
        Repeating { source: std::fmt::Error },
        #[error("cannot read b")]
        Plain { source: Box<Example> },
        #[error("cannot read an error of c.bin")]
        Short { source: std::io::Error },
    }

    #[test]
    fn a_cause_is_printed_once() {
        let cause = std::fmt::Error.to_string();
        let repeating = Example::Repeating { source: std::fmt::Error };
        assert_eq!(chain(&repeating), format!("cannot read a: {cause}"));
        let plain = Example::Plain { source: Box::new(repeating) };
        assert_eq!(chain(&plain), format!("cannot read b: cannot read a: {cause}"));
        let short = Example::Short { source: std::io::Error::other("error") };
        assert_eq!(chain(&short), "cannot read an error of c.bin: error");
    }
}
